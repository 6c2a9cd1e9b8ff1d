//! A verifier written from the protocol and design documents alone: simple, slow, and sharing
//! nothing with the crate but the names of its rejections.

use std::time::Duration;

use tencent_im_callback::RejectionKind as Kind;

use crate::sha256::{hex, sha256};

/// One parameter as it was sent.
pub struct Pair<'a> {
    pub key: &'a str,
    pub value: &'a str,
}

/// Splits at `&` and each part at its first `=`; leaves empty parts out.
pub fn pairs(parameters: &str) -> Vec<Pair<'_>> {
    let parts = parameters.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| match part.find('=') {
            Some(at) => Pair { key: &part[..at], value: &part[at + 1..] },
            None => Pair { key: part, value: "" },
        })
        .collect()
}

/// Decodes `%41`, once. A `%` without two hex digits stands for itself.
pub fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let hex = text.get(at + 1..at + 3).and_then(|digits| {
            let digits: Option<Vec<u32>> =
                digits.iter().map(|digit| char::from(*digit).to_digit(16)).collect();
            digits.map(|digits| u8::try_from(digits[0] * 16 + digits[1]).expect("two hex digits"))
        });
        match (text[at], hex) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 3;
            }
            (byte, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

/// Decodes a value: `+` is a space. `None` if that gives no UTF-8.
pub fn decoded(text: &str) -> Option<String> {
    let spaced: Vec<u8> = text.bytes().map(|byte| if byte == b'+' { b' ' } else { byte }).collect();
    String::from_utf8(percent_decoded(&spaced)).ok()
}

/// Whether a key is that name, in whatever spelling.
pub fn is_named(key: &str, name: &str) -> bool {
    percent_decoded(key.as_bytes()).eq_ignore_ascii_case(name.as_bytes())
}

/// The part of a URL that holds the parameters.
pub fn parameters<'a>(in_path: bool, path: &'a str, query: Option<&'a str>) -> &'a str {
    match query {
        Some(query) if !query.is_empty() => query,
        _ if in_path => path.split('/').next_back().unwrap_or(""),
        _ => "",
    }
}

/// The parameters that may come once only.
pub const ONCE: [&str; 4] = ["SdkAppid", "CallbackCommand", "Sign", "RequestTime"];

pub struct Setup {
    /// Ids and tokens as they were given: an id may occur twice.
    pub apps: Vec<(u64, Vec<String>)>,
    pub now: u64,
    pub max_age: Duration,
    pub max_ahead: Duration,
    pub in_path: bool,
}

#[derive(Debug, PartialEq)]
pub struct Accepted {
    pub app: u64,
    pub command: String,
    pub time: Option<i64>,
    pub platform: Option<String>,
    pub token: Option<usize>,
}

#[derive(Debug, PartialEq)]
pub struct Refused {
    pub kind: Kind,
    pub app: Option<u64>,
    pub parameter: Option<&'static str>,
    pub skew: Option<i64>,
}

impl From<Kind> for Refused {
    fn from(kind: Kind) -> Self {
        Refused { kind, app: None, parameter: None, skew: None }
    }
}

/// Plain ASCII digits, twenty at most, that fit 64 bits.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || text.len() > 20 || text.chars().any(|digit| !digit.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// A time that was signed: with a zero in front it would be the same time under another signature.
fn signed_time(text: &str) -> Option<u64> {
    number(text).filter(|_| text == "0" || !text.starts_with('0'))
}

fn is_signature(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|digit| digit.is_ascii_hexdigit())
}

impl Setup {
    /// All tokens of an app, in the order they were given; `None` if there is no such app.
    fn tokens(&self, id: u64) -> Option<Vec<&str>> {
        let given: Vec<_> = self.apps.iter().filter(|app| app.0 == id).collect();
        if given.is_empty() {
            return None;
        }
        Some(given.iter().flat_map(|app| &app.1).map(String::as_str).collect())
    }

    fn age(&self, seconds: u64) -> Result<(), Refused> {
        let refuse = |kind, skew: i128| Refused {
            skew: Some(i64::try_from(skew).unwrap_or(if skew < 0 { -i64::MAX } else { i64::MAX })),
            ..Refused::from(kind)
        };
        let ahead = i128::from(seconds) - i128::from(self.now);
        if ahead * 1000 > i128::try_from(self.max_ahead.as_millis()).unwrap() {
            return Err(refuse(Kind::TimestampInFuture, ahead));
        }
        if -ahead * 1000 > i128::try_from(self.max_age.as_millis()).unwrap() {
            return Err(refuse(Kind::Stale, ahead));
        }
        Ok(())
    }

    /// In order: method, parameters, app, signature, age; then the command.
    pub fn verify(
        &self,
        method: &str,
        path: &str,
        query: Option<&str>,
    ) -> Result<Accepted, Refused> {
        if method != "POST" {
            return Err(Kind::MethodNotAllowed.into());
        }
        let pairs = pairs(parameters(self.in_path, path, query));
        none_twice(&pairs)?;
        let first =
            |name| pairs.iter().find(|pair| is_named(pair.key, name)).map(|pair| pair.value);
        let app = match first("SdkAppid") {
            None => None,
            Some(text) => Some(number(text).ok_or(Kind::AppMalformed)?),
        };
        let command = match first("CallbackCommand").filter(|word| !word.is_empty()) {
            None => None,
            Some(word) => Some(decoded(word).ok_or(Kind::CommandMalformed)?),
        };
        let signed = Signed { sign: first("Sign"), time: first("RequestTime") };
        let Some(app) = app else {
            let good = self.is_probe(&signed);
            return Err(if good { Kind::Probe } else { Kind::AppMissing }.into());
        };
        let of_app = |refused: Refused| Refused { app: Some(app), ..refused };
        let token = self.token(app, &signed).map_err(of_app)?;
        let Some(command) = command else {
            let kind = if token.is_some() { Kind::Probe } else { Kind::CommandMissing };
            return Err(of_app(kind.into()));
        };
        let platform = first("OptPlatform").filter(|text| !text.is_empty());
        Ok(Accepted {
            app,
            command,
            time: signed.time.and_then(number).and_then(|seconds| i64::try_from(seconds).ok()),
            platform: platform.map(|text| decoded(text).unwrap_or_else(|| text.to_owned())),
            token,
        })
    }

    /// The console's check of the URL, if any token of ours signed it, while they are few.
    fn is_probe(&self, signed: &Signed<'_>) -> bool {
        let tokens: Vec<&String> = self.apps.iter().flat_map(|app| &app.1).collect();
        signed.sign.is_some_and(is_signature)
            && signed.time.and_then(signed_time).is_some_and(|seconds| self.age(seconds).is_ok())
            && tokens.len() <= 64
            && tokens.iter().any(|token| signed.is_by(token))
    }

    /// Which token of an app signed a request; `None` for an app without tokens.
    fn token(&self, app: u64, signed: &Signed<'_>) -> Result<Option<usize>, Refused> {
        let tokens = self.tokens(app).ok_or(Kind::AppUnknown)?;
        if tokens.is_empty() {
            return Ok(None);
        }
        let sign = signed.sign.ok_or(Kind::SignatureMissing)?;
        let time = signed.time.ok_or(Kind::TimeMissing)?;
        if !is_signature(sign) {
            return Err(Kind::SignatureMalformed.into());
        }
        let seconds = signed_time(time).ok_or(Kind::TimeMalformed)?;
        let token = tokens.iter().position(|token| signed.is_by(token));
        if token.is_none() {
            return Err(Kind::SignatureMismatch.into());
        }
        self.age(seconds)?;
        Ok(token)
    }
}

/// Signature and time of a request.
struct Signed<'a> {
    sign: Option<&'a str>,
    time: Option<&'a str>,
}

impl Signed<'_> {
    fn is_by(&self, token: &str) -> bool {
        let made = hex(&sha256(format!("{token}{}", self.time.unwrap_or("")).as_bytes()));
        self.sign.is_some_and(|sign| sign.to_ascii_lowercase() == made)
    }
}

/// Some parameters must not come twice.
fn none_twice(pairs: &[Pair<'_>]) -> Result<(), Refused> {
    let mut seen = Vec::new();
    for pair in pairs {
        if let Some(name) = ONCE.into_iter().find(|name| is_named(pair.key, name)) {
            if seen.contains(&name) {
                return Err(Refused { parameter: Some(name), ..Kind::DuplicateParameter.into() });
            }
            seen.push(name);
        }
    }
    Ok(())
}
