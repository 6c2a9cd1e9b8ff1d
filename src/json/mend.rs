//! Reads bytes that are not valid text as the text that they are closest to.
//!
//! One broken byte must neither lose a notification nor hide a message from moderation. So the
//! whole body is mended once, before it is parsed, and no field has to do it.

use std::borrow::Cow;

use bytes::Bytes;
#[cfg(feature = "moderation")]
use bytestring::ByteString;

use super::surrogates::replace_unpaired;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A body as text: broken UTF-8 becomes U+FFFD, and a byte order mark in front is skipped. Borrows
/// if nothing is broken.
pub(crate) fn readable(body: &[u8]) -> Cow<'_, str> {
    let body = without_mark(body);
    // `str::from_utf8` is faster than the lossy conversion, and nearly every body passes it.
    std::str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed)
}

/// A body as the parser gets it: [`readable`], and without unpaired surrogate escapes.
pub(crate) fn mend(body: &[u8]) -> Cow<'_, str> {
    match readable(body) {
        Cow::Borrowed(text) => replace_unpaired(text),
        Cow::Owned(text) => match replace_unpaired(&text) {
            Cow::Borrowed(_) => Cow::Owned(text),
            Cow::Owned(mended) => Cow::Owned(mended),
        },
    }
}

/// The text of a body that parsing has found to be UTF-8, so that moderation need not check it
/// again. It shares the memory of the body.
#[derive(Clone, Default)]
pub(crate) struct CheckedText(#[cfg(feature = "moderation")] Option<ByteString>);

impl CheckedText {
    /// Checks a body, if it may be moderated. There is nothing in it if the body has broken bytes
    /// or a byte order mark.
    #[cfg(feature = "moderation")]
    pub(crate) fn of(body: &Bytes, is_wanted: bool) -> Self {
        if !is_wanted || body.starts_with(BYTE_ORDER_MARK) {
            return CheckedText::default();
        }
        CheckedText(ByteString::try_from(body.clone()).ok())
    }

    /// Nothing is checked, since nobody asks for it.
    #[cfg(not(feature = "moderation"))]
    pub(crate) fn of(_: &Bytes, _: bool) -> Self {
        CheckedText()
    }

    /// [`mend`], without another check.
    #[cfg_attr(not(feature = "moderation"), allow(clippy::unused_self))]
    pub(crate) fn mend<'a>(&'a self, body: &'a [u8]) -> Cow<'a, str> {
        #[cfg(feature = "moderation")]
        if let Some(text) = &self.0 {
            return replace_unpaired(text);
        }
        mend(body)
    }

    /// The text, if the body is still the one that was checked: its user may have replaced it.
    #[cfg(feature = "moderation")]
    pub(crate) fn is_of(&self, body: &Bytes) -> Option<ByteString> {
        self.0.clone().filter(|text| std::ptr::eq(&raw const **text.as_bytes(), &raw const **body))
    }
}

/// The body behind its byte order mark, if it has one.
pub(crate) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_bytes_become_one_character_each_and_the_rest_stays() {
        for (body, wanted) in [
            (&b"{\"a\":\"x\xffy\"}"[..], "{\"a\":\"x\u{fffd}y\"}"),
            (b"\xef\xbb\xbf{}", "{}"),
            (b"\"\xed\xa0\xbd\"", "\"\u{fffd}\u{fffd}\u{fffd}\""),
            (b"\"\xff\\ud83d\"", "\"\u{fffd}\\ufffd\""),
            (b"\xef\xbb\xbf\"\\ud83d\"", "\"\\ufffd\""),
        ] {
            assert_eq!(mend(body), wanted, "{}", body.escape_ascii());
        }
        assert!(matches!(mend("{\"a\":\"\u{4f60}\"}".as_bytes()), Cow::Borrowed(_)));
    }
}
