//! The work that cannot be avoided, written out by hand: no tower, no futures, no errors, no
//! extensions.
//!
//! One app, one token, five parameters as documented. It does less than a correct endpoint does: no
//! other spellings, no second parameter refused, no command typed, no constant time, nothing
//! reported to logs.

use std::hint::black_box;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Response, StatusCode, Uri};
use http_body_util::Full;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// Seconds that a signature is good for here: longer than a minute, so that a long run does not
/// outlive its requests.
pub const WINDOW: u64 = 24 * 3600;

/// A hasher that has read the token.
#[derive(Clone)]
pub struct Key(Sha256);

impl Key {
    pub fn new(token: &str) -> Self {
        Key(Sha256::new_with_prefix(token))
    }
}

/// Walks the query once, checks app, signature and age.
#[inline]
pub fn check(key: &Key, method: &Method, uri: &Uri) -> StatusCode {
    let (mut app, mut command, mut sign, mut time) = ("", "", "", "");
    for pair in uri.query().unwrap_or("").split('&') {
        if let Some((name, value)) = pair.split_once('=') {
            match name {
                "SdkAppid" => app = value,
                "CallbackCommand" => command = value,
                "Sign" => sign = value,
                "RequestTime" => time = value,
                _ => {}
            }
        }
    }
    if method != Method::POST || app != "1400000000" || command.is_empty() {
        return StatusCode::FORBIDDEN;
    }
    let mut hasher = key.0.clone();
    hasher.update(time);
    let digest: [u8; 32] = hasher.finalize().into();
    let mut given = [0; 32];
    if const_hex::decode_to_slice(sign, &mut given).is_err() || given != digest {
        return StatusCode::UNAUTHORIZED;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |past| past.as_secs());
    match time.parse::<u64>() {
        Ok(time) if now.abs_diff(time) <= WINDOW => StatusCode::OK,
        _ => StatusCode::UNAUTHORIZED,
    }
}

/// Reads the event.
#[inline]
pub fn parse<E: DeserializeOwned>(body: &[u8]) -> StatusCode {
    match serde_json::from_slice::<E>(body) {
        Ok(event) => {
            black_box(&event);
            StatusCode::OK
        }
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

/// Writes the answer.
#[inline]
pub fn respond(status: StatusCode) -> Response<Full<Bytes>> {
    let body: &[u8] = if status == StatusCode::OK {
        br#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#
    } else {
        br#"{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"no"}"#
    };
    let mut response = Response::new(Full::new(Bytes::from_static(body)));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
