//! What arrived and is not typed, found by comparing the raw body with the event written back.
//!
//! Two passes over bytes, each with a stack of its own: a body is as deep as a stranger likes.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};

use crate::json::replace_unpaired;
use crate::message::MsgElement;

/// Members of a path that are shown; what lies deeper is named by them.
const SHOWN: usize = 32;

/// Paths of the members that `raw` has and `written` lacks, such as `PairList[].Nickname`.
///
/// `null` and an empty text are passed over: known members that arrive like this are written back as absent.
pub(crate) fn unknown_fields(raw: &str, written: &str) -> Vec<String> {
    let hasher = RandomState::new();
    let mut known = HashSet::new();
    walk(written, &hasher, &mut |member| {
        known.insert(member.place);
        true
    });
    let mut found = BTreeSet::new();
    walk(&replace_unpaired(raw), &hasher, &mut |member| {
        if member.is_raw_element {
            found.insert(member.path());
            return false;
        }
        if known.contains(&member.place) {
            return true;
        }
        let is_command = member.keys.len() == 1 && member.keys[0].name == "CallbackCommand";
        if !member.is_nothing && !is_command {
            found.insert(member.path());
        }
        false
    });
    found.into_iter().collect()
}

/// A member, or an item of a list that is an element of a message kept raw.
struct Member<'a, 'b> {
    /// What its path comes to, without the numbers of items.
    place: u64,
    keys: &'b [Key<'a>],
    /// `null` or an empty text.
    is_nothing: bool,
    is_raw_element: bool,
}

/// One step of a path.
struct Key<'a> {
    name: Cow<'a, str>,
    /// In how many lists its value lies.
    lists: usize,
}

impl Member<'_, '_> {
    fn path(&self) -> String {
        let mut path = String::new();
        for key in self.keys.iter().take(SHOWN) {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&key.name);
            // A list in a list in a list is no more than that.
            path.extend(std::iter::repeat_n("[]", key.lists.min(SHOWN)));
        }
        if self.keys.len() > SHOWN {
            path.push_str(".…");
        }
        path
    }
}

/// An open object or list.
struct Frame {
    object: bool,
    /// What the path down to here comes to.
    place: u64,
}

/// Shows each member of a JSON text to `visit`, which says whether to look inside. The JSON must be valid.
fn walk<'a>(json: &'a str, hasher: &RandomState, visit: &mut dyn FnMut(&Member<'a, '_>) -> bool) {
    let mut stack: Vec<Frame> = Vec::new();
    let mut keys: Vec<Key<'a>> = Vec::new();
    let mut place = 0;
    let mut tokens = Tokens { json, at: 0 };
    while let Some(token) = tokens.next() {
        match token {
            Token::Open { object, start } => {
                let raw = object && is_raw_element(json, start, &keys);
                if raw {
                    let member = Member {
                        place,
                        keys: &keys,
                        is_nothing: false,
                        is_raw_element: true,
                    };
                    if !visit(&member) {
                        tokens.skip_open();
                        end_of_value(&stack, &mut keys);
                        continue;
                    }
                }
                if !object {
                    if let Some(key) = keys.last_mut() {
                        key.lists += 1;
                    }
                    place = hasher.hash_one((place, "[]"));
                }
                stack.push(Frame { object, place });
            }
            Token::Close => {
                let Some(frame) = stack.pop() else { return };
                if !frame.object
                    && let Some(key) = keys.last_mut()
                {
                    key.lists = key.lists.saturating_sub(1);
                }
                end_of_value(&stack, &mut keys);
                place = stack.last().map_or(0, |frame| frame.place);
            }
            Token::Key(name) => {
                let parent = stack.last().map_or(0, |frame| frame.place);
                place = hasher.hash_one((parent, &*name));
                keys.push(Key { name, lists: 0 });
                let member = Member {
                    place,
                    keys: &keys,
                    is_nothing: tokens.next_is_nothing(),
                    is_raw_element: false,
                };
                if !visit(&member) {
                    tokens.skip_value();
                    end_of_value(&stack, &mut keys);
                }
            }
            Token::Scalar => end_of_value(&stack, &mut keys),
        }
    }
}

/// After the value of a member its key is no part of the path any more; an item of a list leaves it as it is.
fn end_of_value(stack: &[Frame], keys: &mut Vec<Key<'_>>) {
    if stack.last().is_some_and(|frame| frame.object) {
        keys.pop();
    }
}

/// Whether the object that begins here is an element of a message that this version keeps raw: of a kind that it does not know, or a bundle too
/// deep inside of others.
fn is_raw_element(json: &str, start: usize, keys: &[Key<'_>]) -> bool {
    // `MsgBody[]`, or that in bundles: `MsgBody[].MsgContent.MsgList[].MsgBody[]` and so on. Nowhere else are elements looked at, or a
    // stranger could have each level of a deep body looked through to its end.
    let is = |key: &Key<'_>, name: &str, lists: usize| key.name == name && key.lists == lists;
    let Some((first, rest)) = keys.split_first() else {
        return false;
    };
    let bundles = rest.len() / 3;
    let in_bundles = rest.len() % 3 == 0
        && bundles <= MsgElement::BUNDLES
        && rest
            .chunks_exact(3)
            .all(|step| is(&step[0], "MsgContent", 0) && is(&step[1], "MsgList", 1) && is(&step[2], "MsgBody", 1));
    if !is(first, "MsgBody", 1) || !in_bundles {
        return false;
    }
    let mut tokens = Tokens { json, at: start };
    let (mut kind, mut has_content) = (None, false);
    tokens.next();
    while let Some(Token::Key(name)) = tokens.next() {
        match &*name {
            "MsgType" => kind = tokens.string(),
            "MsgContent" => has_content = true,
            _ => {}
        }
        tokens.skip_value();
    }
    has_content && kind.is_some_and(|kind| !MsgElement::knows(&kind, bundles))
}

enum Token<'a> {
    Open {
        object: bool,
        start: usize,
    },
    Close,
    Key(Cow<'a, str>),
    /// A string, a number, a truth value or `null`.
    Scalar,
}

/// The tokens of valid JSON.
struct Tokens<'a> {
    json: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.json.as_bytes();
        while bytes
            .get(self.at)
            .is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':'))
        {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<Token<'a>> {
        let start = {
            self.peek()?;
            self.at
        };
        Some(match self.json.as_bytes()[start] {
            byte @ (b'{' | b'[') => {
                self.at += 1;
                Token::Open {
                    object: byte == b'{',
                    start,
                }
            }
            b'}' | b']' => {
                self.at += 1;
                Token::Close
            }
            b'"' => {
                let text = self.text();
                let bytes = self.json.as_bytes();
                let mut after = self.at;
                while bytes.get(after).is_some_and(u8::is_ascii_whitespace) {
                    after += 1;
                }
                match (bytes.get(after), text) {
                    (Some(b':'), text) => Token::Key(text.unwrap_or_default()),
                    _ => Token::Scalar,
                }
            }
            _ => {
                let rest = &self.json.as_bytes()[start..];
                let end = rest
                    .iter()
                    .position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r'));
                self.at = start + end.unwrap_or(rest.len()).max(1);
                Token::Scalar
            }
        })
    }

    /// The string that begins here; it is decoded, since a key may be written with escapes.
    fn text(&mut self) -> Option<Cow<'a, str>> {
        let bytes = self.json.as_bytes();
        let start = self.at;
        self.at += 1;
        let mut escaped = false;
        while let Some(&byte) = bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 1;
                }
                _ => {}
            }
        }
        self.at = self.at.min(bytes.len());
        if escaped {
            serde_json::from_str(self.json.get(start..self.at)?)
                .ok()
                .map(Cow::Owned)
        } else {
            self.json.get(start + 1..self.at.checked_sub(1)?).map(Cow::Borrowed)
        }
    }

    /// The value that comes next, if it is a string; it stays the next one.
    fn string(&mut self) -> Option<Cow<'a, str>> {
        if self.peek()? != b'"' {
            return None;
        }
        let at = self.at;
        let text = self.text();
        self.at = at;
        text
    }

    fn next_is_nothing(&mut self) -> bool {
        self.peek();
        let rest = self.json.get(self.at..).unwrap_or_default();
        rest.starts_with("null") || rest.starts_with("\"\"")
    }

    fn skip_value(&mut self) {
        if matches!(self.next(), Some(Token::Open { .. })) {
            self.skip_open();
        }
    }

    /// Skips to the end of what was just opened.
    fn skip_open(&mut self) {
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
