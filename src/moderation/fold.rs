//! Folds a text: NFKC, without differences of case, without what nobody sees.

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

/// The folded text, unless it is the same. It is never longer than `room`.
pub(super) fn fold(text: &str, room: usize) -> Result<Option<String>, TooLongError> {
    if is_folded(text) {
        return Ok(None);
    }
    if text.is_ascii() {
        // Lower case takes as much memory, and nothing else can happen except to control
        // characters.
        let folded: String =
            text.chars().filter(|c| !is_invisible(*c)).map(|c| c.to_ascii_lowercase()).collect();
        return within(folded, room).map(Some);
    }
    let length = if text.len() < COUNTED {
        text.len()
    } else {
        let mut length = 0;
        each(text, |folded| length += folded.len());
        length
    };
    if length > room {
        return Err(TooLongError);
    }
    let mut folded = String::with_capacity(length);
    each(text, |piece| folded.push_str(piece));
    if folded == text {
        return Ok(None);
    }
    within(folded, room).map(Some)
}

fn within(folded: String, room: usize) -> Result<String, TooLongError> {
    if folded.len() > room { Err(TooLongError) } else { Ok(folded) }
}

/// Whether it is folded already, if that is certain without the tables: small letters, digits, the
/// usual Chinese, Japanese and Korean.
fn is_folded(text: &str) -> bool {
    text.chars().all(|c| {
        matches!(
            c,
            ' '..='@' | '['..='~' | '\t'..='\r'
                | '\u{3001}'..='\u{3002}'
                | '\u{3041}'..='\u{3096}'
                | '\u{30a1}'..='\u{30fa}'
                | '\u{3400}'..='\u{4dbf}'
                | '\u{4e00}'..='\u{9fff}'
                | '\u{ac00}'..='\u{d7a3}'
        )
    })
}

/// Calls `push` with the folded text, piece by piece.
fn each(text: &str, mut push: impl FnMut(&str)) {
    let normalizer = ComposingNormalizerBorrowed::new_nfkc();
    let case = CaseMapper::new();
    let visible = text.chars().filter(|c| !is_invisible(*c));
    let mut buffer = [0; 4];
    for c in normalizer.normalize_iter(visible) {
        if is_invisible(c) {
            continue;
        }
        if c.is_ascii() {
            push(c.to_ascii_lowercase().encode_utf8(&mut buffer));
            continue;
        }
        // From Hebrew to Burmese, and in East Asia, there are no capitals to ask the table for.
        let has_case = !matches!(
            c,
            '\u{590}'..='\u{109f}' | '\u{2e80}'..='\u{a63f}' | '\u{ac00}'..='\u{d7ff}'
        );
        let c = c.encode_utf8(&mut buffer);
        if has_case { push(&case.fold_string(c)) } else { push(c) }
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
        '\u{3000}'..='\u{312f}' | '\u{4e00}'..='\u{9fff}' => false,
        c => CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn folds(text: &str, wanted: &str) {
        let folded = fold(text, usize::MAX).unwrap();
        assert_eq!(folded.as_deref().unwrap_or(text), wanted, "{text:?}");
        assert_eq!(folded.is_none(), text == wanted, "{text:?}");
        // What is folded stays as it is.
        assert_eq!(fold(wanted, usize::MAX), Ok(None), "{wanted:?}");
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
        ] {
            folds(spam, "spam");
        }
        folds("Stra\u{df}e", "strasse");
        folds("\u{1e9e}", "ss");
        folds("\u{3a3}\u{3c2}", "\u{3c3}\u{3c3}");
        folds("e\u{301}", "\u{e9}");
        folds("你好，世界", "你好,世界");
    }

    #[test]
    fn what_ends_a_word_stays() {
        for text in ["wasp ammo", "wasp\tammo", "wasp\nammo", "wasp\u{c}ammo", "你好。"] {
            folds(text, text);
        }
        // Spaces of all widths become plain ones.
        folds("wasp\u{3000}am\u{a0}mo", "wasp am mo");
    }

    #[test]
    fn a_text_that_grows_is_bounded() {
        let long = "\u{fdfa}".repeat(10_000);
        let folded = fold(&long, 11 * long.len()).unwrap().unwrap();
        assert_eq!((folded.len(), folded.capacity()), (11 * long.len(), 11 * long.len()));
        assert_eq!(fold(&long, 11 * long.len() - 1), Err(TooLongError));
        assert_eq!(fold("SPAM", 3), Err(TooLongError));
    }
}
