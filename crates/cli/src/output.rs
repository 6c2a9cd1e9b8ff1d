//! What is printed, and how it ends.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

/// Why a command did not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something was not as wanted, and has been shown: exit status 1.
    Shown,
    /// Something was not as wanted: exit status 1.
    Answer(String),
    /// Called the wrong way: exit status 2.
    Use(Wrong),
}

/// What is wrong with the way it was called, and what to do about it.
#[derive(Debug)]
pub(crate) struct Wrong(pub(crate) String);

impl From<Wrong> for Failure {
    fn from(wrong: Wrong) -> Self {
        Failure::Use(wrong)
    }
}

/// Standard output has gone away, as with `| head`: not our failure, but there is nothing left to
/// do.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Shown,
            _ => Failure::Answer(error.to_string()),
        }
    }
}

/// Makes a [`Failure::Use`].
pub(crate) fn wrong(text: impl fmt::Display) -> Failure {
    Failure::Use(Wrong(text.to_string()))
}

/// Writes a line to standard output.
pub(crate) fn say(text: impl fmt::Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Writes a line to standard error. If that is closed, the line is dropped.
pub(crate) fn complain(text: impl fmt::Display) {
    drop(writeln!(io::stderr().lock(), "im-callback: {text}"));
}

/// What strangers wrote, fit for a terminal: one line, no control or direction characters, not
/// endless.
pub(crate) fn escaped(text: &str, most: usize) -> String {
    let mut out = String::new();
    for (at, char) in text.chars().enumerate() {
        if at == most {
            out.push('…');
            break;
        }
        let turns = matches!(
            char,
            '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}'
        );
        if char.is_control() || turns || matches!(char, '\u{2028}' | '\u{2029}') {
            // Into a `String` it always fits.
            let _ = write!(out, "{}", char.escape_unicode());
        } else {
            out.push(char);
        }
    }
    out
}

/// [`escaped`], but lines stay lines.
pub(crate) fn escaped_lines(text: &str, most: usize) -> String {
    let lines: Vec<String> = text.lines().map(|line| escaped(line, most)).collect();
    lines.join("\n")
}

/// An error with its sources.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_stays_one_harmless_line() {
        assert_eq!(escaped("a\u{1b}[31m\n\u{202e}b", 99), "a\\u{1b}[31m\\u{a}\\u{202e}b");
        assert_eq!(escaped("好好好", 2), "好好…");
        assert_eq!(escaped_lines("a\r\nb\u{7}", 9), "a\nb\\u{7}");
    }
}
