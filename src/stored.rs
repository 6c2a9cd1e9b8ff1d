//! The format to store a callback in.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_with::skip_serializing_none;

use crate::auth::Params;
use crate::callback::Callback;
use crate::rejection::Rejection;
use crate::types::TimestampMillis;

/// The format in which to store a callback: in your database, a queue, a file. Later versions of
/// this crate can read it.
///
/// It holds the parameters without the signature, and the raw body, so that a later version of this
/// crate can parse the body again. Headers and extensions are not stored. As JSON it is one object:
/// `format` (1), `params`, `body` (a string), `received_at` (**ms**). A body that is not UTF-8 is
/// `body_base64` instead. It is as trustworthy as the place it is read from: nothing in it is
/// verified again.
///
/// ```
/// use tencent_im_callback::event::sns::FriendDelete;
/// use tencent_im_callback::{StoredCallback, testing};
///
/// let callback = testing::callback::<FriendDelete>(r#"{"PairList":[]}"#);
/// let json = serde_json::to_string(&StoredCallback::from(&callback))?;
///
/// let stored: StoredCallback = serde_json::from_str(&json)?;
/// assert_eq!(stored.parse()?.body, callback.body);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct StoredCallback {
    format: u32,
    /// The parameters of the URL.
    pub params: Params,
    /// The body as received.
    pub body: Bytes,
    /// When it was received, in **milliseconds**.
    pub received_at: TimestampMillis,
}

/// The newest form that this version writes and reads.
const FORMAT: u32 = 1;

impl StoredCallback {
    /// A callback with the time it was received.
    pub fn new(params: Params, body: Bytes, received_at: SystemTime) -> Self {
        StoredCallback {
            format: FORMAT,
            params,
            body,
            received_at: TimestampMillis::from(received_at),
        }
    }

    /// Parses the callback again with the types of this version. Headers and extensions are empty.
    ///
    /// # Errors
    ///
    /// As for [`Callback::parse_untyped`]: the program that stored it has answered already, so a
    /// callback that does not fit its type is [`Event::Unknown`](crate::Event::Unknown).
    pub fn parse(self) -> Result<Callback, Rejection> {
        Callback::parse_untyped(self.params, self.body)
    }
}

/// Received now.
impl<E> From<&Callback<E>> for StoredCallback {
    fn from(callback: &Callback<E>) -> Self {
        StoredCallback::new(callback.params.clone(), callback.body.clone(), SystemTime::now())
    }
}

/// How it is written, and what it is read from.
#[skip_serializing_none]
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    format: u32,
    params: Cow<'a, Params>,
    body: Option<Cow<'a, str>>,
    body_base64: Option<Cow<'a, str>>,
    received_at: TimestampMillis,
}

impl Serialize for StoredCallback {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let body = std::str::from_utf8(&self.body).ok();
        Written {
            format: self.format,
            params: Cow::Borrowed(&self.params),
            body: body.map(Cow::Borrowed),
            body_base64: body.is_none().then(|| BASE64.encode(&self.body).into()),
            received_at: self.received_at,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for StoredCallback {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        if written.format != FORMAT {
            let format = written.format;
            return Err(D::Error::custom(format_args!(
                "form {format} of a stored callback, newer than this version"
            )));
        }
        let body = match (written.body, written.body_base64) {
            (Some(text), None) => Bytes::from(text.into_owned()),
            (None, Some(text)) => BASE64.decode(&*text).map_err(D::Error::custom)?.into(),
            (None, None) => return Err(D::Error::missing_field("body")),
            (Some(_), Some(_)) => return Err(D::Error::duplicate_field("body")),
        };
        Ok(StoredCallback {
            format: FORMAT,
            params: written.params.into_owned(),
            body,
            received_at: written.received_at,
        })
    }
}

impl fmt::Debug for StoredCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredCallback")
            .field("params", &self.params)
            .field("body_length", &self.body.len())
            .field("received_at", &self.received_at)
            .finish_non_exhaustive()
    }
}
