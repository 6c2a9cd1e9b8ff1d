//! Decodes escapes wherever there is a backslash, whether or not the text is JSON: which texts a
//! client takes for JSON is not for our parser to say.

/// How often a text is decoded. What would show something new after that is incomplete.
pub(super) const LEVELS: usize = 8;

/// A text after one decoding.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// There was nothing to decode.
    Same,
    /// Escapes in a text that has been decoded [`LEVELS`] times.
    TooDeep,
    Decoded(String),
}

/// Decodes a text that has been decoded `depth` times.
///
/// A backslash before any other character than those of an escape stays, so that `C:\wasp\ammo`
/// is not read as one word. A text that begins like JSON is an exception: some parsers drop such a
/// backslash. No JSON that is written by the rules has one, so this is for the first level only.
pub(super) fn decode(text: &str, depth: usize) -> Level {
    if depth >= LEVELS {
        return if hides_a_letter(text) { Level::TooDeep } else { Level::Same };
    }
    let drops = depth == 0
        && text.trim_start().starts_with(['{', '[', '"', '\''])
        && !text.trim_start().starts_with("[\\");
    let mut decoded = String::new();
    let mut rest = text;
    let mut changed = false;
    while let Some(at) = rest.find('\\') {
        let Some(escape) = escape(&rest[at..], drops) else {
            // Not an escape: the backslash stays, and so does what follows it.
            let kept = at + 1 + rest[at + 1..].chars().next().map_or(0, char::len_utf8);
            decoded.push_str(&rest[..kept]);
            rest = &rest[kept..];
            continue;
        };
        if !changed {
            changed = true;
            decoded.reserve_exact(text.len() - decoded.len());
        }
        decoded.push_str(&rest[..at]);
        decoded.extend(escape.shown);
        rest = &rest[at + escape.length..];
    }
    if !changed {
        return Level::Same;
    }
    decoded.push_str(rest);
    Level::Decoded(decoded)
}

struct Escape {
    shown: Option<char>,
    length: usize,
}

/// The escape at the start of a text: those of JSON, and those that JavaScript and Python know.
fn escape(text: &str, drops: bool) -> Option<Escape> {
    let bytes = text.as_bytes();
    let simple = |shown: char| Some(Escape { shown: Some(shown), length: 2 });
    match *bytes.get(1)? {
        byte @ (b'"' | b'\\' | b'/' | b'\'') => simple(char::from(byte)),
        b'n' => simple('\n'),
        b'r' => simple('\r'),
        b't' => simple('\t'),
        b'f' | b'v' => simple('\u{c}'),
        // A backspace. It is taken for a form feed, which folding keeps: `\b` begins the names of
        // folders and of LaTeX commands, and what is before it is another word.
        b'b' => simple('\u{c}'),
        b'u' | b'U' | b'x' => hexadecimal(text).or_else(|| dropped(text, drops)),
        _ => dropped(text, drops),
    }
}

/// A backslash before a character that no escape begins with. Before a line break, both go.
fn dropped(text: &str, drops: bool) -> Option<Escape> {
    if !drops {
        return None;
    }
    let next = text.get(1..)?.chars().next()?;
    let shown = Some(next).filter(|next| !matches!(next, '\n' | '\r' | '\u{2028}' | '\u{2029}'));
    Some(Escape { shown, length: 1 + next.len_utf8() })
}

/// `\u0073`, a pair of surrogates, `\u{73}`, `\U00000073` or `\x73`.
fn hexadecimal(text: &str) -> Option<Escape> {
    let (digits, length) = match text.as_bytes().get(1..3)? {
        b"u{" => {
            // Not looked for any further: there may be a brace in each of many escapes.
            let end = text.bytes().skip(3).take(9).position(|byte| byte == b'}')?;
            (text.get(3..3 + end).filter(|digits| !digits.is_empty())?, end + 4)
        }
        [b'u', _] => (text.get(2..6)?, 6),
        [b'U', _] => (text.get(2..10)?, 10),
        _ => (text.get(2..4)?, 4),
    };
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let number = u32::from_str_radix(digits, 16).ok()?;
    if let 0xD800..=0xDBFF = number
        && let Some(low) = text.get(length..).filter(|rest| rest.starts_with("\\u"))
        && let Some(low) = low.get(2..6).filter(|low| low.bytes().all(|b| b.is_ascii_hexdigit()))
        && let Ok(low @ 0xDC00..=0xDFFF) = u32::from_str_radix(low, 16)
    {
        let both = 0x1_0000 + ((number - 0xD800) << 10) + (low - 0xDC00);
        return Some(Escape { shown: char::from_u32(both), length: length + 6 });
    }
    Some(Escape { shown: Some(char::from_u32(number).unwrap_or('\u{fffd}')), length })
}

/// Whether decoding on would show a letter that is not here.
fn hides_a_letter(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let run = rest[at..].bytes().take_while(|byte| *byte == b'\\').count();
        if hexadecimal(&rest[at + run - 1..]).is_some() {
            return true;
        }
        rest = &rest[at + run..];
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn decoded(text: &str, wanted: &str) {
        assert_eq!(decode(text, 0), Level::Decoded(wanted.to_owned()), "{text}");
    }

    #[test]
    fn each_escape_shows_its_character() {
        decoded(r"a\u0073\u4f60b", "as\u{4f60}b");
        decoded(r"\ud83d\ude00\ud83dx\udc00", "\u{1f600}\u{fffd}x\u{fffd}");
        decoded(r"\x73\u{73}\U00000073\u{110000}", "sss\u{fffd}");
        decoded(r#"\"\\\/\'\n\t\r\f\b"#, "\"\\/'\n\t\r\u{c}\u{c}");
        decoded(
            r#"{'a':"s\pam\
"}"#,
            r#"{'a':"spam"}"#,
        );
        for same in [
            "spam",
            r"C:\Users\ammo",
            r"\d+\w",
            r"\u00g3",
            r"\u12",
            r"\x7",
            r"\u{}",
            "\\",
            r"\é",
            r"\u{123456789}",
            r"\",
            r"\ué12",
        ] {
            assert_eq!(decode(same, 0), Level::Same, "{same}");
        }
    }

    #[test]
    fn what_begins_like_json_loses_a_backslash_once_only() {
        decoded(r#"["s\pam"]"#, r#"["spam"]"#);
        assert_eq!(decode(r#"["s\pam"]"#, 1), Level::Same);
        assert_eq!(decode(r"s\pam", 0), Level::Same);
    }

    #[test]
    fn only_what_shows_a_letter_is_too_deep() {
        assert_eq!(decode(r"\\u0073", LEVELS), Level::TooDeep);
        assert_eq!(decode(&r"\".repeat(1000), LEVELS), Level::Same);
        assert_eq!(decode(r"\\server\\share\n", LEVELS), Level::Same);
    }
}
