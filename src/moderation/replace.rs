//! Replaces a word in a text, however it is folded.

use super::fold::{fold, fold_char, is_mark};

/// `text` with each `word` replaced by `new`: also in capitals, in full width, and with characters
/// in it that nobody sees.
pub(super) fn replace(text: &str, word: &str, new: &str) -> String {
    let word = fold(word);
    if word.is_empty() {
        return text.to_owned();
    }
    let mut folded = String::with_capacity(text.len());
    text.chars().for_each(|c| fold_char(c, &mut folded));
    let found = folded.match_indices(&word).map(|(at, word)| at..at + word.len());
    // A mark may make another letter of the last one.
    let mut found = found.filter(|word| !folded[word.end..].starts_with(is_mark)).peekable();
    let mut replaced = String::with_capacity(text.len());
    let mut buffer = String::new();
    let (mut at, mut copied, mut first) = (0, 0, None);
    for (index, c) in text.char_indices() {
        buffer.clear();
        fold_char(c, &mut buffer);
        let start = at;
        at += buffer.len();
        // What begins or ends within a character, such as a ligature, stays.
        while found.next_if(|word| first.is_none() && word.start < start).is_some() {}
        let Some(word) = found.peek() else { break };
        if word.start == start && at > start {
            first = Some(index);
        }
        if let Some(from) = first
            && word.end <= at
        {
            if word.end == at {
                replaced.push_str(&text[copied..from]);
                replaced.push_str(new);
                copied = index + c.len_utf8();
            }
            (first, _) = (None, found.next());
        }
    }
    replaced.push_str(&text[copied..]);
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_replaced_however_it_is_folded() {
        for (text, wanted) in [
            ("damn", "*"),
            ("Damn it, DAMN you", "* it, * you"),
            ("x\u{ff24}\u{ff21}\u{ff2d}\u{ff2e}y", "x*y"),
            ("d\u{200b}a\u{ad}mn\u{200b}", "*\u{200b}"),
            ("\u{200b}damndamn\u{feff}damn", "\u{200b}**\u{feff}*"),
            ("\u{1d41d}amn 你好", "* 你好"),
            // What is not the word, or is written in a way that the second look finds.
            ("dam n", "dam n"),
            ("damn\u{303}", "damn\u{303}"),
            ("da\u{336}mn", "da\u{336}mn"),
            ("", ""),
        ] {
            assert_eq!(replace(text, "DAMN", "*"), wanted, "{text:?}");
        }
        assert_eq!(replace("Stra\u{df}e \u{3a3}\u{3c2}", "stra\u{df}e \u{3c3}", "*"), "*\u{3c2}");
        assert_eq!(replace("\u{fb01}lth \u{fb01}x", "fi", "*"), "*lth *x");
        assert_eq!(replace("\u{fb01}lth ilth", "ilth", "*"), "\u{fb01}lth *");
        assert_eq!(replace("s\u{df} sss", "ss", "*"), "s\u{df} *s");
        assert_eq!(replace("as written", "", "*"), "as written");
        assert_eq!(replace("as written", "\u{200b}", "*"), "as written");
    }
}
