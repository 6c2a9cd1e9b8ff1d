//! Text from the wire: numbers read strictly, and anything made fit for logs.

use std::fmt::{self, Write as _};

/// Longest word from the wire that a log line carries, in characters, and one that says there is
/// more.
const WORD: usize = 64 + 1;

/// Longest error, which may quote what came over the wire, in characters.
const ERROR: usize = 512 + 1;

/// Longest path, in characters.
const PATH: usize = 112 + 1;

/// Shows a text from outside: control characters, quotes, marks that turn the direction and line
/// separators escaped, and cut after [`WORD`] characters.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quotes = true;
        Escaper { out: f, left: WORD, quotes }.write_str(self.0)
    }
}

/// The same of a longer text, such as an error that may quote what came from outside; cut after
/// [`ERROR`] characters.
pub(crate) fn escaped(text: &dyn fmt::Display) -> String {
    escape(text, ERROR)
}

/// The same of a path of members, whose keys may be a stranger's; cut after [`PATH`] characters.
pub(crate) fn escaped_path(path: &dyn fmt::Display) -> String {
    escape(path, PATH)
}

fn escape(text: &dyn fmt::Display, left: usize) -> String {
    let mut out = String::new();
    let quotes = false;
    // The `Escaper` does not fail. If the `Display` of `text` does, the text ends there.
    let _ = write!(Escaper { out: &mut out, left, quotes }, "{text}");
    out
}

/// Escapes what it is given, and ends with `…` where there is more than it may write.
struct Escaper<'a, W> {
    out: &'a mut W,
    left: usize,
    /// Whether quotes are escaped, too: for what is shown between quotes.
    quotes: bool,
}

impl<W: fmt::Write> fmt::Write for Escaper<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match self.left {
                // The rest is dropped without an error: some `Display`s go on after one.
                0 => return Ok(()),
                1 => self.out.write_char('…')?,
                _ if !self.quotes && matches!(character, '"' | '\'') => {
                    self.out.write_char(character)?;
                }
                _ => {
                    for escaped in character.escape_debug() {
                        self.out.write_char(escaped)?;
                    }
                }
            }
            self.left -= 1;
        }
        Ok(())
    }
}

/// A number in plain ASCII digits, as long as the longest `u64` at most.
///
/// Stricter than `str::parse`, which takes a `+`. The strictness of `RequestTime` is what stops a
/// length extension of the signature: the padding of SHA-256 is no digit.
pub(crate) fn digits(text: &str) -> Option<u64> {
    if !(1..=20).contains(&text.len()) {
        return None;
    }
    let mut number = 0u64;
    for (index, byte) in text.bytes().enumerate() {
        let digit = u64::from(byte.wrapping_sub(b'0'));
        if digit > 9 {
            return None;
        }
        // Only the twentieth digit can be too much.
        number = if index < 19 {
            number * 10 + digit
        } else {
            number.checked_mul(10)?.checked_add(digit)?
        };
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_escaped_where_they_would_end_the_text() {
        let text = "a 'b' \"c\"\n";
        assert_eq!(escaped(&text), "a 'b' \"c\"\\n");
        assert_eq!(format!("{}", Escaped(text)), "a \\'b\\' \\\"c\\\"\\n");
    }
}
