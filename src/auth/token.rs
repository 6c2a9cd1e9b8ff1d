//! The shared secret and the signature made with it.

use std::fmt;

use sha2::{Digest, Sha256};

/// Length of a signature on the wire: 32 bytes in hex.
pub(super) const SIGNATURE_DIGITS: usize = 64;

/// The token from the console's callback settings. Tencent signs with it.
///
/// Only a hash state made from the token is kept. `Debug` does not show it. There is no
/// `PartialEq`: the duration of `==` would tell how much of a guess is right.
///
/// ```
/// use tencent_im_callback::{InvalidTokenError, Token};
///
/// assert!(Token::new("xxxxyyyy").is_ok());
/// assert_eq!(Token::new(" ").unwrap_err(), InvalidTokenError::Empty);
/// assert_eq!(Token::new("xxxxyyyy\n").unwrap_err(), InvalidTokenError::Padded);
/// ```
#[derive(Clone)]
pub struct Token {
    absorbed: Sha256,
}

/// Why a string cannot be a token. Usually a mistake in a configuration file or an environment
/// variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidTokenError {
    /// Empty, or only white space and invisible characters. Anybody could sign with it.
    Empty,
    /// White space or an invisible character at the start or the end, for example the line break or
    /// the byte order mark of the file it was read from, or a zero-width space from a web page.
    Padded,
    /// Contains a control character.
    Control,
}

impl fmt::Display for InvalidTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidTokenError::Empty => "token is empty",
            InvalidTokenError::Padded => {
                "token starts or ends with white space or an invisible character"
            }
            InvalidTokenError::Control => "token contains a control character",
        })
    }
}

impl std::error::Error for InvalidTokenError {}

impl Token {
    /// The token as the console shows it.
    ///
    /// # Errors
    ///
    /// [`InvalidTokenError`] if it is empty or blank, starts or ends with white space or an
    /// invisible character, or contains a control character.
    pub fn new(token: impl Into<String>) -> Result<Self, InvalidTokenError> {
        let token = token.into();
        let trimmed = token.trim_matches(is_blank);
        if trimmed.is_empty() {
            Err(InvalidTokenError::Empty)
        } else if trimmed.len() != token.len() {
            Err(InvalidTokenError::Padded)
        } else if token.chars().any(char::is_control) {
            Err(InvalidTokenError::Control)
        } else {
            Ok(Token { absorbed: Sha256::new_with_prefix(token) })
        }
    }

    /// The signature of `request_time`, which is hashed as it was sent.
    pub(crate) fn digest(&self, request_time: &str) -> [u8; 32] {
        let mut hasher = self.absorbed.clone();
        hasher.update(request_time);
        hasher.finalize().into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(<redacted>)")
    }
}

/// Whether a character is white space or invisible: a byte order mark, a zero-width space, a mark
/// of direction. The console gives no token with such a character, but editors and shells leave
/// them at the edges of a text.
fn is_blank(character: char) -> bool {
    // `escape_debug` writes invisible characters as `\u{…}`.
    character.is_whitespace()
        || (!character.is_control() && character.escape_debug().nth(1) == Some('u'))
}

/// Decodes a signature: exactly 64 hex digits of either case.
pub(crate) fn decode_signature(text: &str) -> Option<[u8; 32]> {
    // The decoder would also accept a `0x` prefix.
    if text.len() != SIGNATURE_DIGITS {
        return None;
    }
    const_hex::decode_to_array(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_vector_and_its_misprinted_sibling() {
        let printed = "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061";
        let signature = |token| const_hex::encode(Token::new(token).unwrap().digest("1669872112"));
        assert_eq!(signature("xxxxyyyy"), printed);
        assert_eq!(
            signature("xxxyyy"),
            "e78a85473bed2cdc8d6fa8c4d5a4ba4735fd64156e15a99516b9890293e135de"
        );
    }

    #[test]
    fn invalid_tokens_are_refused() {
        for (text, error) in [
            ("", InvalidTokenError::Empty),
            (" \t\n", InvalidTokenError::Empty),
            ("\u{3000}", InvalidTokenError::Empty),
            ("\u{feff}\u{200b}", InvalidTokenError::Empty),
            (" x", InvalidTokenError::Padded),
            ("x\r\n", InvalidTokenError::Padded),
            ("x\0y", InvalidTokenError::Control),
            ("\u{7f}x", InvalidTokenError::Control),
        ] {
            assert_eq!(Token::new(text).unwrap_err(), error, "{text:?}");
            assert!(error.to_string().starts_with("token "), "{error}");
        }
        // Byte order mark, zero-width space and joiners, soft hyphen, marks of direction, variation
        // selector.
        for blank in "\u{feff}\u{200b}\u{200c}\u{200d}\u{2060}\u{ad}\u{200e}\
            \u{200f}\u{202e}\u{2066}\u{fe0f}\u{a0}\u{2028}"
            .chars()
        {
            for text in [format!("{blank}x"), format!("x{blank}")] {
                assert_eq!(Token::new(&*text).unwrap_err(), InvalidTokenError::Padded, "{text:?}");
            }
        }
        for text in ["x", "a b", "密钥", "\"'\\", "é", "🔑", &"x".repeat(128), &"x".repeat(1000)]
        {
            assert!(Token::new(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn a_signature_is_exactly_64_hex_digits() {
        let good = "17773BC39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061";
        assert!(decode_signature(good).is_some());
        assert!(decode_signature(&good[1..]).is_none());
        assert!(decode_signature(&format!("{good}0")).is_none());
        assert!(decode_signature(&format!("0x{}", &good[2..])).is_none());
        assert!(decode_signature(&format!("g{}", &good[1..])).is_none());
        // This text has 64 bytes, but `é` takes two of them, so it has 63 characters.
        assert!(decode_signature(&format!("é{}", &good[2..])).is_none());
    }
}
