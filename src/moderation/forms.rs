//! Decodes escapes wherever there is a backslash, whether or not the text is JSON: which texts a
//! client takes for JSON is not for our parser to say.

use std::borrow::Cow;

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
/// is not read as one word; and `\b` begins the names of folders and of LaTeX commands. What
/// [looks like JSON](is_json) is an exception: there `\b` shows nothing, and some parsers drop a
/// backslash that no escape begins with.
pub(super) fn decode(text: &str, depth: usize) -> Level {
    if !text.contains('\\') {
        return Level::Same;
    }
    if depth >= LEVELS {
        return if hides_a_letter(text) { Level::TooDeep } else { Level::Same };
    }
    decode_once(text, is_json(text, depth)).map_or(Level::Same, Level::Decoded)
}

/// The text of a JSON string, without its quotes. Half a character becomes U+FFFD.
pub(super) fn of_string(json: &str) -> Cow<'_, str> {
    if !json.contains('\\') {
        return Cow::Borrowed(json);
    }
    decode_once(json, true).map_or(Cow::Borrowed(json), Cow::Owned)
}

/// Decodes each escape once. `None` if there is none.
fn decode_once(text: &str, is_json: bool) -> Option<String> {
    let mut decoded = String::new();
    let mut rest = text;
    let mut changed = false;
    while let Some(at) = rest.find('\\') {
        let Some(escape) = escape(&rest[at..], is_json) else {
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
        return None;
    }
    decoded.push_str(rest);
    Some(decoded)
}

/// Whether a client may take it for JSON: it begins like JSON, or has a bracket before a quote
/// (there may be anything in front). What was decoded is JSON no longer, unless a string in it
/// begins like JSON, one in another for each time.
fn is_json(text: &str, depth: usize) -> bool {
    let start = text.trim_start();
    if depth == 0 && start.starts_with(['{', '[', '"', '\'']) && !start.starts_with("[\\") {
        return true;
    }
    let (mut objects, mut in_strings) = (0, 0);
    let (mut after_quote, mut after_bracket) = (false, false);
    for byte in text.bytes() {
        match byte {
            b'"' | b'\'' => {
                objects += usize::from(after_bracket);
                in_strings += usize::from(after_bracket && after_quote);
                (after_quote, after_bracket) = (true, false);
            }
            b'{' | b'[' => after_bracket = true,
            b' ' | b'\t' | b'\n' | b'\r' => {}
            _ => (after_quote, after_bracket) = (false, false),
        }
    }
    if depth == 0 { objects > 0 } else { in_strings >= depth }
}

/// The text as it is displayed if U+202E turns the direction of some of it.
pub(super) fn turned(text: &str) -> Option<String> {
    const TURN: char = '\u{202e}';
    const END: char = '\u{202c}';
    if !text.contains(TURN) {
        return None;
    }
    let mut shown = String::with_capacity(text.len());
    // What is turned, and how many marks are waiting for their end.
    let (mut turned, mut open) = (String::new(), 0usize);
    let turn = |turned: &mut String, shown: &mut String| {
        shown.extend(turned.chars().rev());
        turned.clear();
    };
    for c in text.chars() {
        match c {
            TURN if open == 0 => open = 1,
            END if open > 0 => open -= 1,
            '\u{202a}'..='\u{202e}' if open > 0 => open += 1,
            '\n' | '\r' | '\u{2029}' => open = 0,
            _ if open > 0 => {
                turned.push(c);
                continue;
            }
            _ => {}
        }
        if open == 0 {
            turn(&mut turned, &mut shown);
            shown.push(c);
        }
    }
    turn(&mut turned, &mut shown);
    Some(shown)
}

struct Escape {
    shown: Option<char>,
    length: usize,
}

/// The escape at the start of a text: those of JSON, and those that JavaScript and Python know.
fn escape(text: &str, is_json: bool) -> Option<Escape> {
    let bytes = text.as_bytes();
    let simple = |shown: char| Some(Escape { shown: Some(shown), length: 2 });
    match *bytes.get(1)? {
        byte @ (b'"' | b'\\' | b'/' | b'\'') => simple(char::from(byte)),
        b'n' => simple('\n'),
        b'r' => simple('\r'),
        b't' => simple('\t'),
        b'f' | b'v' => simple('\u{c}'),
        b'b' => simple(if is_json { '\u{8}' } else { '\u{c}' }),
        b'u' | b'U' | b'x' => hexadecimal(text).or_else(|| dropped(text, is_json)),
        _ => dropped(text, is_json),
    }
}

/// A backslash before a character that no escape begins with. Before a line break, both go.
fn dropped(text: &str, is_json: bool) -> Option<Escape> {
    if !is_json {
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
