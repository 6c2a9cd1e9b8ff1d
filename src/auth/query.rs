//! The parameters of a callback's URL, still as they were sent.

use std::borrow::Cow;

use http::Uri;
use percent_encoding::{percent_decode, percent_decode_str};

use crate::find::find;
use crate::rejection::Rejection;

/// The parameters that this crate itself reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    SdkAppid,
    CallbackCommand,
    Sign,
    RequestTime,
    OptPlatform,
}

/// Longest name of a [`Known`] parameter.
const LONGEST: usize = "CallbackCommand".len();

/// Finds out which parameter a key names: decoded once, then compared without case.
fn known(key: &[u8]) -> Option<Known> {
    named(key).or_else(|| {
        find::<b'%', b'%'>(key)?;
        let mut buffer = [0; LONGEST];
        let mut length = 0;
        for byte in percent_decode(key) {
            *buffer.get_mut(length)? = byte;
            length += 1;
        }
        named(&buffer[..length])
    })
}

/// Compares a decoded key.
fn named(key: &[u8]) -> Option<Known> {
    let (name, known): (&[u8], Known) = match (key.len(), key.first()? | 0x20) {
        (4, b's') => (b"Sign", Known::Sign),
        (8, b's') => (b"SdkAppid", Known::SdkAppid),
        (11, b'r') => (b"RequestTime", Known::RequestTime),
        (11, b'o') => (b"OptPlatform", Known::OptPlatform),
        (15, b'c') => (b"CallbackCommand", Known::CallbackCommand),
        _ => return None,
    };
    // The plain comparison comes first, since nearly every key is spelt as documented.
    (key == name || key.eq_ignore_ascii_case(name)).then_some(known)
}

/// What the URL says, in its own encoding.
#[derive(Default)]
pub(super) struct Raw<'a> {
    pub(super) sdk_app_id: Option<&'a str>,
    pub(super) command: Option<&'a str>,
    pub(super) sign: Option<&'a str>,
    pub(super) request_time: Option<&'a str>,
    pub(super) opt_platform: Option<&'a str>,
}

impl<'a> Raw<'a> {
    /// Walks the parameters once.
    ///
    /// A second `SdkAppid`, `CallbackCommand`, `Sign` or `RequestTime` is refused: another program
    /// in the way of the request might have looked at the other one. Of all others the first wins.
    pub(super) fn scan(parameters: &'a str) -> Result<Self, Rejection> {
        let mut raw = Raw::default();
        for pair in pairs(parameters) {
            let (slot, name) = match known(pair.key()) {
                None => continue,
                Some(Known::OptPlatform) => {
                    raw.opt_platform.get_or_insert(pair.value());
                    continue;
                }
                Some(Known::SdkAppid) => (&mut raw.sdk_app_id, "SdkAppid"),
                Some(Known::CallbackCommand) => (&mut raw.command, "CallbackCommand"),
                Some(Known::Sign) => (&mut raw.sign, "Sign"),
                Some(Known::RequestTime) => (&mut raw.request_time, "RequestTime"),
            };
            if slot.replace(pair.value()).is_some() {
                return Err(Rejection::duplicate(name));
            }
        }
        Ok(raw)
    }
}

/// One parameter, still encoded: where it is in the parameters. Nobody looks at most of them, and
/// to slice a text costs more than to slice bytes.
struct Pair<'a> {
    parameters: &'a str,
    from: usize,
    /// Where the key ends.
    at: usize,
    /// Where the value starts.
    start: usize,
    end: usize,
}

impl<'a> Pair<'a> {
    /// Key, `=` and value.
    fn whole(&self) -> &'a str {
        &self.parameters[self.from..self.end]
    }

    fn key(&self) -> &'a [u8] {
        &self.parameters.as_bytes()[self.from..self.at]
    }

    /// Empty for a parameter without `=`.
    fn value(&self) -> &'a str {
        &self.parameters[self.start..self.end]
    }
}

/// Splits parameters at `&`, and each at its first `=`, in one pass over the bytes.
fn split(parameters: &str) -> impl Iterator<Item = Pair<'_>> {
    let bytes = parameters.as_bytes();
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let from = next.take()?;
        let rest = &bytes[from..];
        let at = from + find::<b'=', b'&'>(rest).unwrap_or(rest.len());
        let start = if bytes.get(at) == Some(&b'=') { at + 1 } else { at };
        let length = find::<b'&', b'&'>(&bytes[start..]);
        let end = length.map_or(bytes.len(), |length| start + length);
        next = length.map(|_| end + 1);
        Some(Pair { parameters, from, at, start, end })
    })
}

/// The parameters, without the empty ones.
fn pairs(parameters: &str) -> impl Iterator<Item = Pair<'_>> {
    split(parameters).filter(|pair| pair.from != pair.end)
}

/// The decoded parameters, without the signature.
pub(super) fn decoded(parameters: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    pairs(parameters)
        .filter(|pair| known(pair.key()) != Some(Known::Sign))
        .map(|pair| (lenient(&parameters[pair.from..pair.at]), lenient(pair.value())))
}

/// The raw pairs, and whether each is the signature.
pub(super) fn marked(parameters: &str) -> impl Iterator<Item = (&str, bool)> {
    split(parameters).map(|pair| (pair.whole(), known(pair.key()) == Some(Known::Sign)))
}

/// A text that decodes to UTF-8.
pub(super) struct Encoded<'a> {
    text: &'a str,
    is_plain: bool,
}

impl<'a> Encoded<'a> {
    /// `None` if the text does not decode to UTF-8. Tells without decoding it, since anybody can
    /// send a long one.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let is_plain = is_plain(text);
        (is_plain || is_utf8(text)).then_some(Encoded { text, is_plain })
    }

    pub(super) fn decode(&self) -> Cow<'a, str> {
        let decoded = if self.is_plain { None } else { decode(self.text) };
        decoded.map_or(Cow::Borrowed(self.text), Cow::Owned)
    }
}

/// Whether decoding changes nothing.
fn is_plain(text: &str) -> bool {
    find::<b'%', b'+'>(text.as_bytes()).is_none()
}

fn is_utf8(text: &str) -> bool {
    let mut buffer = [0; 64];
    let mut length = 0;
    for byte in percent_decode_str(text) {
        if length == buffer.len() {
            match std::str::from_utf8(&buffer) {
                Ok(_) => length = 0,
                // The buffer ends in the middle of a character. Its first bytes stay for the next
                // round.
                Err(error) if error.error_len().is_none() => {
                    buffer.copy_within(error.valid_up_to().., 0);
                    length -= error.valid_up_to();
                }
                Err(_) => return false,
            }
        }
        buffer[length] = byte;
        length += 1;
    }
    std::str::from_utf8(&buffer[..length]).is_ok()
}

/// Decodes `%41` and `+`; `None` if that gives no UTF-8.
pub(super) fn strict(text: &str) -> Option<Cow<'_, str>> {
    if is_plain(text) { Some(Cow::Borrowed(text)) } else { decode(text).map(Cow::Owned) }
}

fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    Some(percent_decode_str(&spaced).decode_utf8().ok()?.into_owned())
}

/// Decodes `%41` and `+`; what gives no UTF-8 stays as it is.
fn lenient(text: &str) -> Cow<'_, str> {
    strict(text).unwrap_or(Cow::Borrowed(text))
}

/// In which part of the URL the parameters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Query,
    /// The last segment of the path, as on the oldest vendor pages.
    Path,
}

impl Place {
    /// The parameters are in the path only if the verifier allows that and the query is empty.
    pub(super) fn of(uri: &Uri, path_parameters: bool) -> Self {
        if path_parameters && uri.query().is_none_or(str::is_empty) {
            Place::Path
        } else {
            Place::Query
        }
    }

    pub(super) fn read<'a>(self, path: &'a str, query: Option<&'a str>) -> &'a str {
        match self {
            Place::Query => query.unwrap_or(""),
            Place::Path => path.rsplit('/').next().unwrap_or(""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::digits;

    #[test]
    fn parameters_are_split_like_those_of_a_form() {
        for text in [
            "",
            "&",
            "a",
            "a=",
            "=b",
            "a=b",
            "a=b=c",
            "a&b",
            "a=1&&b=2&",
            "&a=1",
            "a==",
            "%=%&é=你&x",
        ] {
            let simple: Vec<_> =
                text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
            let split: Vec<_> =
                split(text).map(|pair| (&text[pair.from..pair.at], pair.value())).collect();
            assert_eq!(split, simple, "{text}");
        }
    }

    #[test]
    fn a_byte_is_found_wherever_it_stands() {
        for length in 0..40 {
            for at in 0..length {
                for other in [b'a', 0, b'=' + 1, b'=' - 1, b'=' | 0x80, 0xff] {
                    let mut bytes = vec![other; length];
                    assert_eq!(find::<b'=', b'&'>(&bytes), None);
                    for byte in *b"=&" {
                        bytes[at..].fill(byte);
                        assert_eq!(find::<b'=', b'&'>(&bytes), Some(at), "{bytes:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn keys_are_decoded_once_and_compared_without_case() {
        for key in ["Sign", "sign", "SIGN", "%53ign", "s%69gn", "%73%69%67%6e"] {
            assert!(known(key.as_bytes()) == Some(Known::Sign), "{key}");
        }
        for key in
            ["", "Sign%00", "%2553ign", "Signs", "S+ign", "%", "%5", "%53%", "CallbackCommand%41"]
        {
            assert!(known(key.as_bytes()).is_none(), "{key}");
        }
        assert!(known(b"sdkappid") == Some(Known::SdkAppid));
        assert!(known(b"REQUESTTIME") == Some(Known::RequestTime));
        assert!(known(b"optplatform") == Some(Known::OptPlatform));
        assert!(known(b"callbackcommand") == Some(Known::CallbackCommand));
        assert!(known(b"RxquestTime").is_none());
    }

    #[test]
    fn the_check_for_utf8_agrees_with_decoding() {
        for character in [
            "a",
            "%41",
            "+",
            "é",
            "%C3%A9",
            "你",
            "%E4%BD%A0",
            "%F0%9F%98%80",
            "%ff",
            "%C3",
            "%ED%A0%80",
        ] {
            for length in 0..150 {
                for end in ["", "%E4%BD", "%80"] {
                    let text = format!("{}{character}{end}", "x".repeat(length));
                    assert_eq!(is_utf8(&text), strict(&text).is_some(), "{text}");
                    let text = format!("{}{end}", character.repeat(length));
                    assert_eq!(is_utf8(&text), strict(&text).is_some(), "{text}");
                }
            }
        }
    }

    #[test]
    fn numbers_are_plain_digits() {
        assert_eq!(digits("0"), Some(0));
        assert_eq!(digits("18446744073709551615"), Some(u64::MAX));
        for text in [
            "",
            "+1",
            "-1",
            " 1",
            "1 ",
            "0x1",
            "1e3",
            "1.0",
            "%31",
            "١",
            "18446744073709551616",
            "000000000000000000001",
        ] {
            assert_eq!(digits(text), None, "{text:?}");
        }
    }

    #[test]
    fn other_parameters_never_refuse() {
        let all: Vec<_> = decoded("a=%ff&b=1+2%203&&=x&c&Sign=no&d=a=b&e=%zz").collect();
        let all: Vec<_> = all.iter().map(|(k, v)| (k.as_ref(), v.as_ref())).collect();
        assert_eq!(
            all,
            [("a", "%ff"), ("b", "1 2 3"), ("", "x"), ("c", ""), ("d", "a=b"), ("e", "%zz")]
        );
    }
}
