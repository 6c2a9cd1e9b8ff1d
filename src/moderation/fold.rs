//! Folds a text: NFKC, without differences of case, without what nobody sees.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

/// The folded text would be longer than allowed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLongError;

/// Texts of this length are folded twice, the first time only to know how much memory it takes.
/// NFKC can make a text eleven times as long, and a growing string would take twice of that.
const COUNTED: usize = 4096;

/// A folded text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Folded {
    /// `None` if it is the same as before.
    pub(super) text: Option<String>,
    /// Whether nothing in it changes its direction.
    pub(super) is_simple: bool,
}

/// A word as it is in the folded [forms](super::Text::forms) of a text: NFKC, case folded, without
/// U+FFFD, invisible characters, and marks drawn over letters.
///
/// For automata of many words. [`Text::contains`](super::Text::contains) folds by itself.
///
/// ```
/// # use tencent_im_callback::moderation::fold;
/// assert_eq!(fold("Stra\u{df}e"), "strasse");
/// assert_eq!(fold("\u{ff36}\u{ff38}"), "vx");
/// ```
pub fn fold(word: &str) -> String {
    match fold_within(word, usize::MAX) {
        Ok(Folded { text: Some(folded), .. }) => folded,
        _ => word.to_owned(),
    }
}

/// Adds a character, folded without regard to those beside it. Marks stay: with the letter before
/// it, one may make another letter.
pub(super) fn fold_char(c: char, folded: &mut String) {
    if is_mark(c) {
        return folded.push(c);
    }
    let mut buffer = [0; 4];
    let c = c.encode_utf8(&mut buffer);
    match fold_within(c, usize::MAX) {
        Ok(Folded { text: Some(new), .. }) => folded.push_str(&new),
        _ => folded.push_str(c),
    }
}

/// The folded text. It is never longer than `room`.
pub(super) fn fold_within(text: &str, room: usize) -> Result<Folded, TooLongError> {
    let simple = |text| Ok(Folded { text, is_simple: true });
    if each_byte(text, is_folded) {
        return simple(None);
    }
    // Capitals are all that can change in most ASCII.
    if each_byte(text, is_plain) {
        return if text.len() > room {
            Err(TooLongError)
        } else {
            simple(Some(text.to_ascii_lowercase()))
        };
    }
    match fold_simple(text) {
        Some(Cow::Owned(folded)) if folded.len() > room => return Err(TooLongError),
        Some(Cow::Owned(folded)) => return simple(Some(folded)),
        Some(Cow::Borrowed(_)) => return simple(None),
        None => {}
    }
    let mut length = text.len();
    if length >= COUNTED {
        length = 0;
        each(text, |folded| length += folded.len());
        if length > room {
            return Err(TooLongError);
        }
    }
    let mut folded = String::with_capacity(length);
    each(text, |piece| folded.push_str(piece));
    if folded.len() > room {
        return Err(TooLongError);
    }
    Ok(Folded { text: Some(folded).filter(|folded| folded != text), is_simple: false })
}

/// Whether this is so of each byte. The end of a text is filled up with spaces, so that the
/// compiler can look at 32 bytes at once there as well.
fn each_byte(text: &str, is_so: fn(u8) -> bool) -> bool {
    const AT_ONCE: usize = 32;
    let all = |bytes: &[u8; AT_ONCE]| bytes.iter().fold(true, |all, byte| all & is_so(*byte));
    let (chunks, rest) = text.as_bytes().as_chunks();
    let mut last = [b' '; AT_ONCE];
    last[..rest.len()].copy_from_slice(rest);
    chunks.iter().all(all) && all(&last)
}

/// Whether it is ASCII that is shown.
#[allow(clippy::needless_bitwise_bool)] // without a branch, so that it is done for many at once
fn is_plain(byte: u8) -> bool {
    // As signed numbers, which take the fewest instructions.
    let is_visible = (byte.cast_signed() >= b' '.cast_signed()) & (byte != 0x7f);
    is_visible | (byte == b'\n')
}

/// Whether it is ASCII that stays as it is.
fn is_folded(byte: u8) -> bool {
    is_plain(byte) & !byte.is_ascii_uppercase()
}

/// The length of a character that stays as it is, by its first byte: ASCII, and what is between
/// U+4000 and U+9FFF, most of a Chinese text. 0 if its other bytes have to be looked at.
const STAYS: [u8; 256] = {
    let mut lengths = [0; 256];
    let mut byte = 0u8;
    while byte < u8::MAX {
        lengths[byte as usize] = match byte {
            b'A'..=b'Z' => 0,
            b' '..=b'~' | b'\t'..=b'\r' => 1,
            0xe4..=0xe9 => 3,
            _ => 0,
        };
        byte += 1;
    }
    lengths
};

/// The folded text, if that takes no tables.
fn fold_simple(text: &str) -> Option<Cow<'_, str>> {
    let bytes = text.as_bytes();
    let mut folded = String::new();
    let (mut at, mut copied) = (0, 0);
    loop {
        while let Some(first) = bytes.get(at)
            && let stays @ 1.. = STAYS[usize::from(*first)]
        {
            at += usize::from(stays);
        }
        if at >= bytes.len() {
            break;
        }
        let (new, length) = match bytes.get(at..at + 3) {
            Some([0xe3, 0x80, 0x81 | 0x82]) => {
                at += 3;
                continue;
            }
            // Full width from `!` to `_`.
            Some([0xef, 0xbc, last @ 0x81..=0xbf]) => {
                (Some(char::from((last - 0x60).to_ascii_lowercase())), 3)
            }
            _ => {
                let c = text.get(at..)?.chars().next()?;
                let new = match simple(c) {
                    Simple::Is(new) => Some(new),
                    Simple::IsNothing => None,
                    Simple::IsNot => return None,
                };
                if new == Some(c) {
                    at += c.len_utf8();
                    continue;
                }
                (new, c.len_utf8())
            }
        };
        if folded.is_empty() {
            folded.reserve_exact(text.len());
        }
        folded.push_str(text.get(copied..at)?);
        if let Some(new) = new {
            folded.push(new);
        }
        at += length;
        copied = at;
    }
    if copied == 0 {
        return Some(Cow::Borrowed(text));
    }
    folded.push_str(text.get(copied..)?);
    Some(Cow::Owned(folded))
}

/// What a character folds to, if that is certain without the tables and whatever is beside it:
/// ASCII, the usual Chinese, Japanese and Korean with their punctuation, emoji.
#[derive(Debug, PartialEq, Eq)]
enum Simple {
    Is(char),
    IsNothing,
    /// Only the tables know.
    IsNot,
}

fn simple(c: char) -> Simple {
    match c {
        ' '..='~' | '\t'..='\r' => Simple::Is(c.to_ascii_lowercase()),
        '\u{b7}'
        | '\u{2013}'..='\u{2014}'
        | '\u{2018}'..='\u{201d}'
        | '\u{3001}'..='\u{3002}'
        | '\u{3008}'..='\u{3011}'
        | '\u{3041}'..='\u{3096}'
        | '\u{30a1}'..='\u{30fa}'
        | '\u{3400}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1f6ff}'
        | '\u{1f900}'..='\u{1faff}' => Simple::Is(c),
        '\u{a0}' | '\u{3000}' => Simple::Is(' '),
        // Full width.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0)
            .map_or(Simple::IsNot, |c| Simple::Is(c.to_ascii_lowercase())),
        '\0'..='\u{1f}' | '\u{7f}' | '\u{200b}' | '\u{200d}' | '\u{fe0f}' | '\u{fffd}' => {
            Simple::IsNothing
        }
        _ => Simple::IsNot,
    }
}

/// Calls `push` with the folded text, piece by piece.
fn each(text: &str, mut push: impl FnMut(&str)) {
    let normalizer = ComposingNormalizerBorrowed::new_nfkc();
    let case = CaseMapper::new();
    let visible = text.chars().filter(|c| !is_invisible(*c));
    let mut buffer = [0; 4];
    for c in normalizer.normalize_iter(visible) {
        match simple(c) {
            Simple::Is(c) => push(c.encode_utf8(&mut buffer)),
            Simple::IsNothing => {}
            Simple::IsNot if is_mark(c) => {}
            // From Hebrew to Burmese, and in East Asia, there are no capitals to ask the table for.
            Simple::IsNot
                if matches!(
                    c,
                    '\u{590}'..='\u{109f}' | '\u{2e80}'..='\u{a63f}' | '\u{ac00}'..='\u{d7ff}'
                ) =>
            {
                push(c.encode_utf8(&mut buffer));
            }
            Simple::IsNot => {
                let folded = case.fold_string(c.encode_utf8(&mut buffer));
                // The capital I with a dot becomes a small one with a mark.
                folded.split(is_mark).for_each(&mut push);
            }
        }
    }
}

/// Whether clients show nothing for it, so that it may hide a word.
fn is_invisible(c: char) -> bool {
    match c {
        // White space ends a word.
        '\t'..='\r' | '\u{85}' | ' '..='~' => false,
        // Characters that were lost or cannot be shown, and marks for annotations.
        '\u{fffd}' | '\u{fff9}'..='\u{fffb}' => true,
        c if c.is_control() => true,
        // Where most text is, there are none to ask the table for.
        '\u{ae}'..='\u{34e}'
        | '\u{350}'..='\u{61b}'
        | '\u{61d}'..='\u{115e}'
        | '\u{1e00}'..='\u{200a}'
        | '\u{2070}'..='\u{3163}'
        | '\u{3165}'..='\u{fdff}'
        | '\u{1f000}'..='\u{3ffff}' => false,
        c => CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c),
    }
}

/// Whether it is drawn over the letter before it, in whatever script: a stroke, dots, a circle. A
/// mark that makes another letter of it (`\u{e9}`) is part of that letter by now.
pub(super) fn is_mark(c: char) -> bool {
    matches!(
        c,
        '\u{300}'..='\u{36f}'
            | '\u{483}'..='\u{489}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{fe20}'..='\u{fe2f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn folds(text: &str, wanted: &str) {
        let folded = fold_within(text, usize::MAX).unwrap().text;
        assert_eq!(folded.as_deref().unwrap_or(text), wanted, "{text:?}");
        assert_eq!(folded.is_none(), text == wanted, "{text:?}");
        // What is folded stays as it is.
        assert_eq!(fold_within(wanted, usize::MAX).unwrap().text, None, "{wanted:?}");
    }

    #[test]
    fn forms_of_a_word_fold_to_the_same() {
        for spam in [
            "spam",
            "SPAM",
            "sp\u{200b}am",
            "s\u{ad}p\u{2060}a\u{feff}m",
            "sp\u{fffd}am",
            "sp\u{0}a\u{7}m",
            "\u{ff33}\u{ff50}\u{ff41}\u{ff2d}",
            "\u{1d42c}\u{1d429}\u{1d41a}\u{1d426}",
            "\u{24e2}\u{24df}\u{24d0}\u{24dc}",
            "sp\u{e0061}am\u{fe0f}",
            "s\u{200d}p\u{200c}a\u{202e}m",
            "s\u{336}p\u{336}\u{489}a\u{20dd}m\u{34f}",
            "s\u{3164}p\u{115f}a\u{61c}\u{200f}m\u{e0101}",
        ] {
            folds(spam, "spam");
        }
        folds("Stra\u{df}e", "strasse");
        folds("\u{130}s\u{323}", "i\u{1e63}");
        folds("\u{1e9e}", "ss");
        folds("\u{3a3}\u{3c2}", "\u{3c3}\u{3c3}");
        folds("e\u{301}", "\u{e9}");
        folds("你好，世界", "你好,世界");
        folds("好。，", "好。,");
    }

    #[test]
    fn what_ends_a_word_stays() {
        for text in ["wasp ammo", "wasp\tammo", "wasp\nammo", "wasp\u{c}ammo", "你好。"] {
            folds(text, text);
        }
        // Spaces of all widths become plain ones.
        folds("wasp\u{3000}am\u{a0}mo", "wasp am mo");
    }

    /// The short way gives what the tables give, before and after anything.
    #[test]
    fn what_is_simple_folds_as_the_tables_say() {
        let tables = ComposingNormalizerBorrowed::new_nfkc();
        let case = CaseMapper::new();
        let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
        for c in '\0'..=char::MAX {
            let is_invisible_too = ignorable.contains(c) || is_invisible(c);
            assert_eq!(is_invisible(c), is_invisible_too, "{c:?}");
            // Nothing that is visible becomes invisible.
            let is_visible = !is_invisible(c);
            assert!(
                !is_visible || !tables.normalize_iter([c].into_iter()).any(is_invisible),
                "{c:?}"
            );
            let simple = match simple(c) {
                Simple::Is(c) => Some(c),
                Simple::IsNothing => None,
                Simple::IsNot => continue,
            };
            let mut folded = String::new();
            for c in tables.normalize_iter([c].into_iter()).filter(|c| !is_invisible(*c)) {
                folded += &case.fold_string(c.encode_utf8(&mut [0; 4]));
            }
            assert!(folded.chars().eq(simple), "{c:?}");
        }
        assert!(fold_within("e\u{301}", 9).unwrap().text.unwrap() == "\u{e9}");
        assert!(fold_within("\u{304b}\u{3099}", 9).unwrap().text.unwrap() == "\u{304c}");
    }

    #[test]
    fn a_text_that_grows_is_bounded() {
        let long = "\u{fdfa}".repeat(10_000);
        let folded = fold_within(&long, 11 * long.len()).unwrap().text.unwrap();
        assert_eq!((folded.len(), folded.capacity()), (11 * long.len(), 11 * long.len()));
        assert_eq!(fold_within(&long, 11 * long.len() - 1), Err(TooLongError));
        for (text, length) in [("SPAM", 4), ("你好，", 7)] {
            assert_eq!(fold_within(text, length).unwrap().text.unwrap().len(), length);
            assert_eq!(fold_within(text, length - 1), Err(TooLongError));
        }
    }
}
