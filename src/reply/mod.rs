//! What can be answered: [`Reply`], and a type of its own for each command whose reply says more than OK or FAIL.
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
pub mod official_account;
mod rewrite;
pub mod sns;
mod verdict;

use std::fmt;

use bytes::Bytes;
use serde::Serialize;

use crate::rejection::OK_ENVELOPE;

pub use self::code::{Code, InvalidCode};
pub use self::rewrite::Rewrite;

/// The answer to a callback, in Tencent's envelope: `ActionStatus`, `ErrorCode`, `ErrorInfo` and what a command adds to them.
///
/// Source: <https://trtc.io/document/34354>
#[derive(Clone)]
#[must_use]
pub struct Reply {
    body: Bytes,
    handling: Handling,
}

/// How a reply came about. Services inside of the layer tell it what became of a callback by this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handling {
    /// The service replied.
    Inline,
    /// Answered before it is handled.
    #[cfg_attr(not(feature = "detach"), allow(dead_code))]
    Detached,
    /// Answered as the first delivery was.
    #[cfg_attr(not(feature = "dedup"), allow(dead_code))]
    Duplicate,
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
    /// All went well; before an action: let it go on.
    pub const fn ok() -> Self {
        Reply {
            body: Bytes::from_static(OK_ENVELOPE.as_bytes()),
            handling: Handling::Inline,
        }
    }

    /// The app failed to handle the callback: `FAIL` with code 1.
    ///
    /// After an action Tencent ignores it and does not send the event again. Before an action it is no refusal; what it does is
    /// not documented, save that it blocks a gift and lets a friend request through.
    pub fn fail(info: impl AsRef<str>) -> Self {
        Reply::json(&Envelope {
            action_status: "FAIL",
            error_code: 1,
            error_info: info.as_ref(),
        })
    }

    /// `OK` with a code of your own and a text, which most commands *before* an action take as a refusal.
    ///
    /// The typed replies in [`reply`](self) know which codes a command takes; this one is for whoever answers many commands
    /// alike, such as [`OnError::Reply`](crate::OnError::Reply). Not every command can be refused like this: `Sns.Prev…` lets
    /// everything through on any code but 0.
    pub fn refuse(code: u32, info: impl AsRef<str>) -> Self {
        Reply::json(&Envelope {
            action_status: "OK",
            error_code: code.into(),
            error_info: info.as_ref(),
        })
    }

    /// The answer as it goes over the wire.
    pub fn as_bytes(&self) -> &[u8] {
        &self.body
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.body
    }

    /// Writes an answer. Only for types that cannot fail to be written; should one do so all the same, the answer is `FAIL`.
    pub(crate) fn json(answer: &impl Serialize) -> Self {
        let body = match serde_json::to_vec(answer) {
            Ok(body) => body.into(),
            Err(_) => Bytes::from_static(br#"{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"reply not writable"}"#),
        };
        Reply {
            body,
            handling: Handling::Inline,
        }
    }

    #[cfg(any(feature = "detach", feature = "dedup"))]
    pub(crate) fn handled(self, handling: Handling) -> Self {
        Reply { handling, ..self }
    }

    pub(crate) fn handling(&self) -> Handling {
        self.handling
    }

    /// An answer of your own making, for a command that this version does not know: any JSON object with the three fields of the
    /// envelope.
    ///
    /// # Errors
    ///
    /// What the type's `Serialize` says, or that it writes no object.
    pub fn from_json(answer: &impl Serialize) -> Result<Self, NotWritable> {
        let body = serde_json::to_vec(answer).map_err(|error| NotWritable(error.to_string().into()))?;
        if body.first() != Some(&b'{') {
            return Err(NotWritable("an answer is an object".into()));
        }
        Ok(Reply {
            body: body.into(),
            handling: Handling::Inline,
        })
    }
}

/// An answer that cannot be written as a JSON object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotWritable(Box<str>);

impl fmt::Display for NotWritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotWritable {}

/// Equal if they are written alike.
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

/// Nothing to say: `OK`.
impl From<()> for Reply {
    fn from((): ()) -> Self {
        Reply::ok()
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
        assert_eq!(Reply::from_json(&7).unwrap_err().to_string(), "an answer is an object");
        assert_eq!(
            Reply::fail("no \"db\"").as_bytes(),
            br#"{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"no \"db\""}"#
        );
        assert_eq!(
            Reply::refuse(120_001, "不可以").as_bytes(),
            r#"{"ActionStatus":"OK","ErrorCode":120001,"ErrorInfo":"不可以"}"#.as_bytes()
        );
    }
}
