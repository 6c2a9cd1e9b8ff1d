//! A URL that may be logged.

use std::fmt::{self, Write as _};
use std::ops::Range;

use http::Uri;

use super::query;
use super::token::SIGNATURE_DIGITS;

/// Longest text shown, in bytes: a query may be 64 KiB long.
const SHOWN: usize = 1024;

/// The path and query of a URL without the signature, for spans and logs.
///
/// A URL with its signature lets anyone who reads the log forge callbacks for a minute. This
/// function removes `Sign` in any case and encoding, also in the old form with the parameters in
/// the path, and every other value that looks like a signature. The result is cut after about a
/// kilobyte.
///
/// ```
/// use tencent_im_callback::redacted;
///
/// let uri = "/callback?SdkAppid=1&s%69gn=abcd&RequestTime=2".parse()?;
/// assert_eq!(redacted(&uri).to_string(), "/callback?SdkAppid=1&s%69gn=<redacted>&RequestTime=2");
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
pub fn redacted(uri: &Uri) -> impl fmt::Display {
    Redacted(uri)
}

struct Redacted<'a>(&'a Uri);

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = SHOWN;
        for (at, segment) in self.0.path().split('/').enumerate() {
            if at > 0 {
                write_some(f, &mut left, "/")?;
            }
            write_pairs(f, &mut left, segment)?;
        }
        if let Some(query) = self.0.query() {
            write_some(f, &mut left, "?")?;
            write_pairs(f, &mut left, query)?;
        }
        if left == 0 {
            f.write_str("…")?;
        }
        Ok(())
    }
}

fn write_pairs(f: &mut fmt::Formatter<'_>, left: &mut usize, text: &str) -> fmt::Result {
    for (at, (pair, is_sign)) in query::marked(text).enumerate() {
        if *left == 0 {
            break;
        }
        if at > 0 {
            write_some(f, left, "&")?;
        }
        match pair.split_once('=') {
            Some((key, _)) if is_sign => {
                write_some(f, left, key)?;
                write_some(f, left, "=<redacted>")?;
            }
            _ => write_unsigned(f, left, pair)?,
        }
    }
    Ok(())
}

/// Removes every value that has the form of a signature, whatever its name: a person or a proxy may
/// have changed the name.
fn write_unsigned(f: &mut fmt::Formatter<'_>, left: &mut usize, mut text: &str) -> fmt::Result {
    while let Some(run) = hex_run(text) {
        write_some(f, left, &text[..run.start])?;
        write_some(f, left, "<redacted>")?;
        text = &text[run.end..];
    }
    write_some(f, left, text)
}

/// The first run of hex digits as long as a signature, or longer.
fn hex_run(text: &str) -> Option<Range<usize>> {
    let mut start = 0;
    for (at, byte) in text.bytes().chain([b' ']).enumerate() {
        if byte.is_ascii_hexdigit() {
            continue;
        }
        if at - start >= SIGNATURE_DIGITS {
            return Some(start..at);
        }
        start = at + 1;
    }
    None
}

fn write_some(f: &mut fmt::Formatter<'_>, left: &mut usize, text: &str) -> fmt::Result {
    let shown = boundary(text, *left);
    // A URL may contain characters outside ASCII, such as Unicode's line breaks and control
    // characters.
    for part in text[..shown].split_inclusive(|character: char| !character.is_ascii()) {
        match part.chars().next_back().filter(|last| !last.is_ascii()) {
            Some(last) => {
                f.write_str(&part[..part.len() - last.len_utf8()])?;
                for escaped in last.escape_debug() {
                    f.write_char(escaped)?;
                }
            }
            None => f.write_str(part)?,
        }
    }
    *left = if shown < text.len() { 0 } else { *left - shown };
    Ok(())
}

/// The last place at or before `at` where the text may be cut.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(uri: &str) -> String {
        redacted(&uri.parse().unwrap()).to_string()
    }

    #[test]
    fn the_signature_goes_in_every_form() {
        assert_eq!(
            shown("http://user:pw@h/cb/SdkAppid=1&Sign=abc&RequestTime=2"),
            "/cb/SdkAppid=1&Sign=<redacted>&RequestTime=2"
        );
        assert_eq!(
            shown("/a?x=1&SIGN=abc&%53ign=def&Sign"),
            "/a?x=1&SIGN=<redacted>&%53ign=<redacted>&Sign"
        );
        assert_eq!(shown("/Sign=abc/x?Sign=def"), "/Sign=<redacted>/x?Sign=<redacted>");
        assert_eq!(shown("/plain"), "/plain");
        assert_eq!(shown("*"), "*");
    }

    #[test]
    fn what_is_as_long_as_a_signature_goes_and_what_is_shorter_stays() {
        let digits = |count: usize| "0f".repeat(count / 2) + &"0f"[..count % 2];
        for (count, stays) in [(62, true), (63, true), (64, false), (65, false), (128, false)] {
            for (before, behind) in [("/x?y=", ""), ("/", "/z"), ("/x?y=g", "g&a=1")] {
                let uri = format!("{before}{}{behind}", digits(count));
                assert_eq!(shown(&uri).contains("0f0f"), stays, "{uri}");
            }
        }
    }

    #[test]
    fn what_would_disturb_a_log_is_escaped() {
        let uri = Uri::from_maybe_shared(bytes::Bytes::from(
            "/é?x=\u{9b}31m\u{85}\u{2028}\u{202e}&Sign=1",
        ))
        .unwrap();
        assert_eq!(
            redacted(&uri).to_string(),
            r"/é?x=\u{9b}31m\u{85}\u{2028}\u{202e}&Sign=<redacted>"
        );
    }

    #[test]
    fn a_long_url_is_cut() {
        let text = shown(&format!("/a?x={}&Sign=abc", "é".repeat(4000)));
        assert!(text.len() <= SHOWN + '…'.len_utf8(), "{}", text.len());
        assert!(text.ends_with('…') && !text.contains("abc"));
        // The cut may fall on any byte of `é`. Nothing that follows it may be shown.
        for pad in 0..4 {
            let text = shown(&format!("/a?{}={}&zzz=zzz", "x".repeat(pad), "é".repeat(4000)));
            assert!(
                text.ends_with('…') && !text.contains(['&', 'z']),
                "{}",
                &text[text.len() - 20..]
            );
        }
    }
}
