//! A request as a `curl` command.

use std::fmt::Write as _;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tencent_im_callback::redacted;

/// A text for a shell, in single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Any bytes for a shell that knows `$'…'`, such as bash and zsh.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::from("$'");
    for &byte in bytes {
        match byte {
            b'\'' | b'\\' => text.extend(['\\', byte.into()]),
            b' '..=b'~' => text.push(byte.into()),
            _ => {
                // Into a `String` it always fits.
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
    }
    text + "'"
}

/// A request to this origin (`http://host:port`) as a `curl` command, with its signature left out
/// and its body cut after so many bytes.
pub(crate) fn curl(
    origin: &str,
    request: &Request<Full<Bytes>>,
    body: &[u8],
    most: usize,
) -> String {
    let url = format!("{origin}{}", redacted(request.uri()));
    let mut line = format!("curl -X {} {}", request.method(), quoted(&url));
    for (name, value) in request.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        line.push_str(" -H ");
        line.push_str(&quoted(&format!("{name}: {value}")));
    }
    line.push_str(" --data-binary ");
    let shown = &body[..body.len().min(most)];
    let is_text = std::str::from_utf8(body)
        .is_ok_and(|text| !text.contains(|c| c < ' ' && !"\n\r\t".contains(c)));
    if is_text {
        line.push_str(&quoted(&String::from_utf8_lossy(shown)));
    } else {
        line.push_str(&escaped(shown));
    }
    if body.len() > most {
        let _ = write!(line, " # … {} bytes in all", body.len());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_command_for_a_shell() {
        let mut request = Request::new(Full::default());
        *request.uri_mut() = http::Uri::from_static("/a'b?Sign=0123&c=d");
        request.headers_mut().insert("x", http::HeaderValue::from_static("y"));
        assert_eq!(
            curl("http://h:1", &request, b"it's", 9),
            r"curl -X GET 'http://h:1/a'\''b?Sign=<redacted>&c=d' -H 'x: y' --data-binary 'it'\''s'"
        );
        assert!(curl("http://h", &request, b"long", 2).ends_with("'lo' # … 4 bytes in all"));
        assert!(
            curl("http://h", &request, b"it's\xff\x01\\", 9)
                .ends_with(r"--data-binary $'it\'s\xff\x01\\'")
        );
    }
}
