//! What can be answered: [`Reply`], and a type for each command whose reply says more than OK or
//! FAIL.
//!
//! ```
//! use tencent_im_callback::Reply;
//!
//! assert_eq!(Reply::ok().as_bytes(), br#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#);
//! ```

pub mod c2c;
pub mod chatbot;
mod code;
pub mod group;
pub mod live;
mod meaning;
mod message;
pub mod official_account;
mod rewrite;
pub mod sns;
mod verdict;

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize, Serializer};

use crate::error::HandlerError;
use crate::rejection::OK_ENVELOPE;

pub(crate) use self::meaning::is_friend_request;

pub use self::code::{Code, InvalidCodeError};
pub use self::meaning::{Meaning, reject_codes};
pub use self::message::MessageVerdict;
pub use self::rewrite::Rewrite;

/// The answer to a callback, in Tencent's envelope: `ActionStatus`, `ErrorCode`, `ErrorInfo`, and
/// the fields of its command.
///
/// Source: <https://trtc.io/document/34354>
#[derive(Clone)]
#[must_use]
pub struct Reply {
    body: Bytes,
    disposition: Disposition,
}

/// How a callback was handled. The reply carries it through all layers to
/// [`Outcome`](crate::Outcome), where you can count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[non_exhaustive]
pub enum Disposition {
    /// The service handled it.
    #[default]
    Handled,
    /// It was answered before it was handled. The service handles it in the background.
    Detached,
    /// It is a duplicate, and was answered like the first delivery.
    Duplicate,
    /// It was answered when the queue had stored it. A worker handles it later.
    Enqueued,
    /// It was over a rate limit. It was not handled; the limit replied.
    RateLimited,
    /// It is a notification that no handler of an [`EventRouter`](crate::EventRouter) wants, and
    /// was answered `OK`.
    Unhandled,
}

impl Disposition {
    /// The name in `snake_case`, for logs and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Disposition::Handled => "handled",
            Disposition::Detached => "detached",
            Disposition::Duplicate => "duplicate",
            Disposition::Enqueued => "enqueued",
            Disposition::RateLimited => "rate_limited",
            Disposition::Unhandled => "unhandled",
        }
    }
}

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The three fields that every answer has.
#[derive(Serialize)]
pub(crate) struct Envelope<'a> {
    #[serde(rename = "ActionStatus")]
    pub(crate) action_status: &'static str,
    #[serde(rename = "ErrorCode")]
    pub(crate) error_code: i64,
    #[serde(rename = "ErrorInfo")]
    pub(crate) error_info: &'a str,
}

impl Reply {
    /// Success. For a *before* callback, allows the action.
    pub const fn ok() -> Self {
        Reply::of_envelope(OK_ENVELOPE)
    }

    /// Your server failed to handle the callback: `FAIL` with code 1.
    ///
    /// For an *after* callback, Tencent ignores it and does not send the event again. For a
    /// *before* callback it is not a rejection: what it does is not documented, except that it
    /// blocks a gift and lets a friend request through. See also [`failure`](Self::failure).
    pub fn fail(info: impl AsRef<str>) -> Self {
        Reply::json(&Envelope { action_status: "FAIL", error_code: 1, error_info: info.as_ref() })
    }

    /// `OK` with your own code and text. For most *before* commands it is a rejection.
    ///
    /// The typed replies in [`reply`](self) know which codes a command takes. It does not reject
    /// every command: `Sns.Prev…` lets everything through on any code except 0.
    /// [`rejecting`](Self::rejecting) rejects every command.
    pub fn reject(code: u32, info: impl AsRef<str>) -> Self {
        Reply::json(&Envelope {
            action_status: "OK",
            error_code: code.into(),
            error_info: info.as_ref(),
        })
    }

    pub(crate) const fn of_envelope(envelope: &'static str) -> Self {
        Reply { body: Bytes::from_static(envelope.as_bytes()), disposition: Disposition::Handled }
    }

    /// The failure that this reply reports, if its `ActionStatus` is `FAIL`, as that of
    /// [`fail`](Self::fail). A handler that answers `FAIL` has not handled the callback: `Detach`
    /// counts and reports it as failed, `Dedup` does not remember it, and the queue tries again.
    pub fn failure(&self) -> Option<HandlerError> {
        #[derive(Deserialize)]
        struct Status<'a> {
            #[serde(borrow, rename = "ActionStatus")]
            status: Cow<'a, str>,
        }
        #[derive(Deserialize)]
        struct Info<'a> {
            #[serde(borrow, rename = "ErrorInfo")]
            info: Cow<'a, str>,
        }

        if self.body == OK_ENVELOPE.as_bytes() {
            return None;
        }
        let status = serde_json::from_slice::<Status<'_>>(&self.body).ok()?.status;
        if status != "FAIL" {
            return None;
        }
        // Without a text, or with one that is no string, it is a failure all the same.
        let info = serde_json::from_slice::<Info<'_>>(&self.body).map(|found| found.info);
        let text = format!("the handler answered FAIL: {}", info.unwrap_or_default());
        Some(HandlerError::new(text))
    }

    /// The answer as JSON bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.body
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.body
    }

    /// Writes an answer. Only for types that cannot fail to be written; should one do so all the
    /// same, the answer is `FAIL`.
    pub(crate) fn json(answer: &impl Serialize) -> Self {
        let body = match serde_json::to_vec(answer) {
            Ok(body) => body.into(),
            Err(_) => Bytes::from_static(
                br#"{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"reply not writable"}"#,
            ),
        };
        Reply { body, disposition: Disposition::Handled }
    }

    /// How the callback was handled.
    pub fn disposition(&self) -> Disposition {
        self.disposition
    }

    /// Sets how the callback was handled, for a layer or service of your own that does more than
    /// handle it.
    pub fn with_disposition(self, disposition: Disposition) -> Self {
        Reply { disposition, ..self }
    }

    /// An answer of your own, for a command that this version does not know: any JSON object with
    /// the three fields of the envelope.
    ///
    /// # Errors
    ///
    /// The error of the type's `Serialize`, or that it does not write an object.
    pub fn from_json(answer: &impl Serialize) -> Result<Self, NotWritableError> {
        let body = serde_json::to_vec(answer)
            .map_err(|error| NotWritableError(error.to_string().into()))?;
        if body.first() != Some(&b'{') {
            return Err(NotWritableError("an answer must be a JSON object".into()));
        }
        Ok(Reply { body: body.into(), disposition: Disposition::Handled })
    }
}

/// An answer that cannot be written as a JSON object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotWritableError(Box<str>);

impl fmt::Display for NotWritableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotWritableError {}

/// Equal if their bytes are equal; the [`Disposition`] does not matter.
impl PartialEq for Reply {
    fn eq(&self, other: &Self) -> bool {
        self.body == other.body
    }
}

impl Eq for Reply {}

impl Default for Reply {
    fn default() -> Self {
        Reply::ok()
    }
}

/// `OK`.
impl From<()> for Reply {
    fn from((): ()) -> Self {
        Reply::ok()
    }
}

/// The bytes to send.
impl From<Reply> for Bytes {
    fn from(reply: Reply) -> Self {
        reply.body
    }
}

/// The JSON object to send.
impl Serialize for Reply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json: &serde_json::value::RawValue =
            serde_json::from_slice(&self.body).map_err(serde::ser::Error::custom)?;
        json.serialize(serializer)
    }
}

/// The JSON text to send.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.body))
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({})", String::from_utf8_lossy(&self.body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelopes_as_documented() {
        assert_eq!(Reply::from(()), Reply::ok());
        assert_ne!(Reply::fail(""), Reply::ok());
        assert_eq!(
            format!("{:?}", Reply::from(())),
            r#"Reply({"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""})"#
        );
        assert_eq!(serde_json::to_string(&[Reply::ok()]).unwrap(), format!("[{}]", Reply::ok()));
        assert_eq!(
            Reply::from_json(&7).unwrap_err().to_string(),
            "an answer must be a JSON object"
        );
        assert_eq!(
            Reply::fail("no \"db\"").as_bytes(),
            br#"{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"no \"db\""}"#
        );
        assert_eq!(
            Reply::reject(120_001, "不可以").as_bytes(),
            r#"{"ActionStatus":"OK","ErrorCode":120001,"ErrorInfo":"不可以"}"#.as_bytes()
        );
    }

    /// What a handler has not handled must not pass for handled, whatever stands beside `FAIL`.
    #[test]
    fn a_failure_is_one_whatever_its_text_is() {
        let failed = |answer: serde_json::Value| Reply::from_json(&answer).unwrap().failure();
        for info in [serde_json::json!(null), 5.into(), "busy".into()] {
            let found = failed(serde_json::json!({"ActionStatus": "FAIL", "ErrorInfo": info}));
            assert!(found.unwrap().to_string().starts_with("the handler answered FAIL"), "{info}");
        }
        assert!(failed(serde_json::json!({"ActionStatus": "FAIL"})).is_some());
        assert!(
            Reply::reject(120_001, "FAIL").failure().is_none() && Reply::ok().failure().is_none()
        );
    }
}
