//! Unpaired surrogate escapes (`\ud83d` alone), which are JSON but no text.

use std::borrow::Cow;

/// Replaces each unpaired `\uD800`–`\uDFFF` escape by `\ufffd`, in values and in keys.
///
/// Done once for a whole body, before it is parsed. If each field had to do it, one would be
/// forgotten, and a crafted character there would hide a message from moderation. The length stays
/// the same, and so do lines and columns. Borrows if there is nothing to replace.
pub(crate) fn replace_unpaired(json: &str) -> Cow<'_, str> {
    let bytes = json.as_bytes();
    let mut replaced = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &bytes[at..]) {
        at += found;
        match (escaped(&bytes[at..]), bytes.get(at + 6..).and_then(escaped)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => at += 12,
            (Some(0xD800..=0xDFFF), _) => {
                replaced.push_str(&json[copied..at]);
                replaced.push_str("\\ufffd");
                at += 6;
                copied = at;
            }
            (Some(_), _) => at += 6,
            // In a text that is not JSON, the character after the backslash may have several bytes.
            (None, _) => at += 1 + json[at + 1..].chars().next().map_or(0, char::len_utf8),
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    replaced.push_str(&json[copied..]);
    Cow::Owned(replaced)
}

/// The number of a `\uXXXX` escape at the start.
fn escaped(json: &[u8]) -> Option<u16> {
    let digits = json.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |number, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(number << 4 | u16::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpaired_ones_are_replaced_in_place() {
        for (json, wanted) in [
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#""\uDE00x""#, r#""\ufffdx""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\ud83d\n\ude00""#, r#""\ufffd\n\ufffd""#),
            (r#""\\\ud83d""#, r#""\\\ufffd""#),
            (r#"{"\udfff":1}"#, r#"{"\ufffd":1}"#),
        ] {
            assert_eq!(replace_unpaired(json), wanted);
            assert_eq!(json.len(), wanted.len());
        }
    }

    #[test]
    fn everything_else_is_borrowed() {
        for json in [
            "{}",
            r#""\ud83d\ude00""#,
            r#""\\ud83d""#,
            r#""\\\\ud83d\u00e9""#,
            r#""\ud8""#,
            r#""\ud83""#,
            "\\",
            "\\é\\u",
        ] {
            assert!(matches!(replace_unpaired(json), Cow::Borrowed(same) if same == json));
        }
    }
}
