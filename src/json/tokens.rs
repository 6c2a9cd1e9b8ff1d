//! The tokens of JSON, one after the other. The walks over bodies (`path`, `drift`, the
//! command of a body without a type, the persons of a friend request) use it.
//!
//! A stranger decides how long and how deep a body is. So this reads each byte about once, builds
//! no tree, and does not recurse: a caller that needs to know what is open keeps its own stack. It
//! does not check the JSON. Commas and colons are skipped like white space, and a string is a key
//! if a colon follows it. Text that is no JSON gives some tokens or other and an end, never a
//! panic; after a mistake the tokens go on, which the search for persons relies on.

use std::borrow::Cow;

use crate::find::find;

/// Without the key itself: most callers want to know of few keys, and this fits into a register.
#[derive(Clone, Copy)]
pub(crate) enum Token {
    Open {
        object: bool,
    },
    Close,
    /// [`Tokens::key`] tells which.
    Key,
    /// A string, a number, a truth value or `null`.
    Scalar,
}

/// An iterator over the tokens of a JSON text, and where it stands in the text.
pub(crate) struct Tokens<'a> {
    json: &'a str,
    start: usize,
    end: usize,
    /// What was looked at so far.
    at: usize,
    /// Whether the last string has escapes.
    is_escaped: bool,
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(json: &'a str) -> Self {
        Tokens::from(json, 0)
    }

    /// Tokens from the byte `at` on, where a value has to begin.
    pub(crate) fn from(json: &'a str, at: usize) -> Self {
        Tokens { json, start: at, end: at, at, is_escaped: false }
    }

    /// The first byte of the last token.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// Whether the last token is a string with escapes.
    #[cfg_attr(not(feature = "moderation"), allow(dead_code))]
    pub(crate) fn is_escaped(&self) -> bool {
        self.is_escaped
    }

    /// The byte after the last token.
    pub(crate) fn end(&self) -> usize {
        self.end
    }

    /// The key that the last token is. It is decoded, since a sender may write it with escapes.
    #[inline]
    pub(crate) fn key(&self) -> Cow<'a, str> {
        if !self.is_escaped {
            let key = self.json.get(self.start + 1..self.end.saturating_sub(1));
            return Cow::Borrowed(key.unwrap_or_default());
        }
        self.decoded(self.start, self.end, self.is_escaped).unwrap_or_default()
    }

    fn peek(&mut self) -> Option<u8> {
        let bytes = self.json.as_bytes();
        let mut at = self.at;
        let first = loop {
            match bytes.get(at) {
                Some(b' ' | b'\t' | b'\n' | b'\r' | b',' | b':') => at += 1,
                first => break first,
            }
        };
        self.at = at;
        first.copied()
    }

    pub(crate) fn next(&mut self) -> Option<Token> {
        let first = self.peek()?;
        let start = self.at;
        self.start = start;
        let token = match first {
            b'{' | b'[' => {
                self.at += 1;
                Token::Open { object: first == b'{' }
            }
            b'}' | b']' => {
                self.at += 1;
                Token::Close
            }
            b'"' => {
                self.is_escaped = self.skip_text();
                if self.is_key() { Token::Key } else { Token::Scalar }
            }
            _ => {
                self.skip_word();
                Token::Scalar
            }
        };
        self.end = self.at;
        Some(token)
    }

    /// Whether the string that ends here is a key.
    fn is_key(&self) -> bool {
        let mut rest = self.json.as_bytes().get(self.at..).unwrap_or_default();
        while let [b' ' | b'\t' | b'\n' | b'\x0c' | b'\r', after @ ..] = rest {
            rest = after;
        }
        rest.first() == Some(&b':')
    }

    /// Skips the number, truth value or `null` that begins here, at least one byte.
    fn skip_word(&mut self) {
        let bytes = self.json.as_bytes();
        self.at += 1;
        while let Some(byte) = bytes.get(self.at)
            && !matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r')
        {
            self.at += 1;
        }
    }

    /// Skips the next value if it is a number.
    #[cfg_attr(not(feature = "moderation"), allow(dead_code))]
    pub(crate) fn skip_number(&mut self) {
        if let Some(b'-' | b'0'..=b'9') = self.peek() {
            self.skip_word();
        }
    }

    /// Skips the next value if it is a string, and returns whether it is.
    #[cfg_attr(not(feature = "moderation"), allow(dead_code))]
    pub(crate) fn skip_string(&mut self) -> bool {
        if self.peek() != Some(b'"') {
            return false;
        }
        let start = self.at;
        self.skip_text();
        // In what is no JSON, it may be a key.
        let is_value = !self.is_key();
        if !is_value {
            self.at = start;
        }
        is_value
    }

    /// The value of this key, if it is the next one and both are strings without escapes. The place
    /// in the text stays the same.
    #[cfg_attr(not(feature = "moderation"), allow(dead_code))]
    pub(crate) fn first(&self, key: &str) -> Option<&'a str> {
        let next =
            |text: &'a str| text.trim_start_matches([' ', '\t', '\n', '\r']).strip_prefix('"');
        let rest = next(self.json.get(self.at..)?)?.strip_prefix(key)?.strip_prefix("\":")?;
        let rest = next(rest)?;
        let end = special(rest.as_bytes())?;
        (rest.as_bytes()[end] == b'"').then(|| &rest[..end])
    }

    /// Skips the string that begins here, and returns whether it has escapes.
    #[inline]
    fn skip_text(&mut self) -> bool {
        let bytes = self.json.as_bytes();
        let mut at = self.at + 1;
        let mut escaped = false;
        while let Some(found) = special(bytes.get(at..).unwrap_or_default()) {
            at += found + 1;
            if bytes[at - 1] == b'"' {
                self.at = at;
                return escaped;
            }
            escaped = true;
            at += 1;
        }
        self.at = bytes.len();
        escaped
    }

    fn decoded(&self, start: usize, end: usize, escaped: bool) -> Option<Cow<'a, str>> {
        if escaped {
            serde_json::from_str(self.json.get(start..end)?).ok().map(Cow::Owned)
        } else {
            self.json.get(start + 1..end.checked_sub(1)?).map(Cow::Borrowed)
        }
    }

    /// Looks at the next value and returns it if it is a string. The place in the text stays the
    /// same.
    pub(crate) fn string(&mut self) -> Option<Cow<'a, str>> {
        if self.peek()? != b'"' {
            return None;
        }
        let start = self.at;
        let escaped = self.skip_text();
        let text = self.decoded(start, self.at, escaped);
        self.at = start;
        text
    }

    /// Looks at the next value and returns it if it is an integer, perhaps in quotes.
    pub(crate) fn number(&mut self) -> Option<i64> {
        self.peek();
        let rest = self.json.get(self.at..)?.trim_start_matches('"');
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        rest.get(..digits)?.parse().ok()
    }

    pub(crate) fn next_is_nothing(&mut self) -> bool {
        self.peek();
        let rest = self.json.get(self.at..).unwrap_or_default();
        rest.starts_with("null") || rest.starts_with("\"\"")
    }

    /// The text of the next value, which is skipped.
    pub(crate) fn value(&mut self) -> &'a str {
        self.peek();
        let start = self.at;
        self.skip_value();
        self.json.get(start..self.at).unwrap_or_default()
    }

    pub(crate) fn skip_value(&mut self) {
        if matches!(self.next(), Some(Token::Open { .. })) {
            self.skip_open();
        }
    }

    /// Skips to the end of the object or list that the last token opened.
    pub(crate) fn skip_open(&mut self) {
        let mut depth = 1usize;
        while depth > 0 {
            match self.next() {
                Some(Token::Open { .. }) => depth += 1,
                Some(Token::Close) => depth -= 1,
                Some(_) => {}
                None => return,
            }
        }
    }
}

/// The first quote or backslash. Most strings are short; after that `memchr` is faster.
fn special(text: &[u8]) -> Option<usize> {
    const SHORT: usize = 64;
    let short = text.get(..SHORT).unwrap_or(text);
    match find::<b'"', b'\\'>(short) {
        None if text.len() > SHORT => {
            memchr::memchr2(b'"', b'\\', &text[SHORT..]).map(|at| SHORT + at)
        }
        found => found,
    }
}
