//! The metadata that is stored with a callback.

use async_nats::HeaderMap;
use async_nats::header::{HeaderName, NATS_MESSAGE_ID};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tencent_im_callback::OrderKey;

use crate::store::{DeadReason, Death};

/// The header that holds a [`Meta`] as JSON.
const META: HeaderName = HeaderName::from_static("Callback-Queue");

/// What the queue knows about a callback. Times are in ms.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Meta {
    /// When it was accepted.
    pub(super) at: i64,
    /// Its id, if that is not the message's own sequence number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<u64>,
    /// The order key, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) order: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) out_of_order: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) trace_context: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) failed: Failed,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dead_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

/// The attempts until now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Failed {
    #[serde(default)]
    pub(super) attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// When the next attempt may begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) due: Option<i64>,
    /// When it steps aside and no longer blocks others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) aside: Option<i64>,
}

/// A note: a message of the state stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Noted {
    /// The sequence number of the message that it is about.
    pub(super) sequence: u64,
    pub(super) state: State,
}

/// What a note says about a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// Handled, or moved elsewhere. Only the acknowledgement may be missing.
    Done,
    /// It failed, and waits in its lane.
    Failed(Failed),
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Meta {
    pub(super) fn order_key(&self) -> Option<OrderKey> {
        self.order.as_deref().and_then(from_hex).map(OrderKey::from_bytes)
    }

    pub(super) fn death(&self) -> Option<Death> {
        let reason = self.reason.as_deref().and_then(DeadReason::from_name);
        let at = crate::options::from_millis(self.dead_at?);
        // A newer version may know other reasons.
        Some(Death::new(at, reason.unwrap_or(DeadReason::Attempts)))
    }

    /// `None` if it is missing or cannot be read.
    pub(super) fn read(headers: Option<&HeaderMap>) -> Option<Self> {
        serde_json::from_str(headers?.get(META)?.as_str()).ok()
    }

    /// The headers of a message, with the id by which the broker recognises a duplicate.
    pub(super) fn headers(&self, message_id: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        // JSON has no line breaks of its own, and texts in it are escaped.
        headers.insert(META, serde_json::to_string(self).unwrap_or_default());
        if let Some(id) = message_id {
            headers.insert(NATS_MESSAGE_ID, id);
        }
        headers
    }
}

impl Noted {
    pub(super) fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (index, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let key = OrderKey::new("conversation");
        let meta = Meta {
            at: 1_700_000_000_123,
            id: Some(7),
            order: Some(key.to_string()),
            out_of_order: true,
            trace_context: Some("two\r\nlines".to_owned()),
            failed: Failed {
                attempts: 3,
                error: Some("two\r\nlines, \"quoted\", 中文, \0".to_owned()),
                due: Some(-1),
                aside: None,
            },
            dead_at: Some(2),
            reason: Some("permanent".to_owned()),
        };
        let read = Meta::read(Some(&meta.headers(Some("id")))).unwrap();
        assert_eq!(read, meta);
        assert_eq!(read.order_key(), Some(key));
        assert_eq!(read.death().unwrap().reason, DeadReason::Permanent);
        let short = Meta { at: 5, ..Meta::default() };
        assert_eq!(Meta::read(Some(&short.headers(None))), Some(short));
        assert_eq!(Meta::read(None), None);
        for state in [State::Done, State::Failed(meta.failed)] {
            let noted = Noted { sequence: 7, state };
            assert_eq!(Noted::read(&noted.to_bytes()), Some(noted));
        }
        assert_eq!(from_hex(&"é".repeat(32)), None);
        assert_eq!(from_hex("+1"), None);
    }
}
