//! Text from the wire: numbers read strictly, and anything made fit for logs.

use std::fmt::{self, Write as _};

/// Longest text from the wire that a log line carries, in characters.
const SHOWN: usize = 64;

/// Writes text with control characters, quotes and line separators escaped, and cut after [`SHOWN`] characters.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.chars();
        for character in characters.by_ref().take(SHOWN) {
            for escaped in character.escape_debug() {
                f.write_char(escaped)?;
            }
        }
        if characters.next().is_some() {
            f.write_char('…')?;
        }
        Ok(())
    }
}

/// A number in plain ASCII digits, as long as the longest `u64` at most.
///
/// Stricter than `str::parse`, which takes a `+`. The strictness of `RequestTime` is what stops a length extension of the
/// signature: the padding of SHA-256 is no digit.
pub(crate) fn digits(text: &str) -> Option<u64> {
    if !(1..=20).contains(&text.len()) {
        return None;
    }
    text.bytes().try_fold(0u64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number.checked_mul(10)?.checked_add(digit.into())
    })
}
