//! Where Tencent's JSON differs from its documentation: numbers in quotes, `null` for a list, unpaired surrogates, values that no page
//! lists.

mod lenient;
mod open;
mod path;
mod surrogates;
mod tokens;

use std::borrow::Cow;

pub(crate) use self::lenient::{Lenient, Room, TOO_MANY_ITEMS, from_str, from_str_noting, misfit, read};
pub(crate) use self::open::{Text, wire_int, wire_text};
pub(crate) use self::path::{offset, path_at};
pub(crate) use self::surrogates::replace_unpaired;
pub(crate) use self::tokens::{Token, Tokens};

/// The text of a body as it is read: without broken UTF-8 and unpaired surrogates. Borrows if there is nothing to mend.
pub(crate) fn mended(body: &[u8]) -> Cow<'_, str> {
    match String::from_utf8_lossy(body) {
        Cow::Borrowed(text) => replace_unpaired(text),
        Cow::Owned(text) => Cow::Owned(replace_unpaired(&text).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_bytes_and_half_characters_are_mended_together() {
        assert!(matches!(mended(br#"{"a":"\ud83d\ude00"}"#), Cow::Borrowed(_)));
        assert_eq!(mended(b"{\"a\":\"\xff\\ud800\"}"), "{\"a\":\"\u{fffd}\\ufffd\"}");
        assert_eq!(mended(b"\"\\udfff\""), "\"\\ufffd\"");
    }
}
