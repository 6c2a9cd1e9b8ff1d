//! The metadata that is stored with a callback.

use async_nats::HeaderMap;
use async_nats::header::{HeaderName, NATS_MESSAGE_ID};
use serde::{Deserialize, Serialize};
use tencent_im_callback::OrderKey;

use crate::store::{DeadReason, Death};

/// The header that holds a [`Meta`] as JSON.
const META: HeaderName = HeaderName::from_static("Callback-Queue");

/// Where a callback was stored first. The time of storing is part of it: sequence numbers repeat
/// when a stream is made anew or set back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Position {
    pub(super) sequence: u64,
    /// In ns, by the broker.
    pub(super) stored: u64,
}

/// What the queue knows about a callback. The times of day are only shown: delays are durations,
/// since no two clocks agree. All in ms.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Meta {
    /// The random number of its id.
    #[serde(default)]
    pub(super) id: u64,
    /// When it was accepted.
    pub(super) at: i64,
    /// Where it was stored first, if it has been stored again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) first: Option<Position>,
    /// The order key, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) order: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) out_of_order: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) trace_context: Option<String>,
    /// How often it was requeued from the dead letters.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) generation: u32,
    /// Failed attempts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// From when it is stored to the next attempt.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) delay: i64,
    /// From the first failure to when it is stored.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) blocked: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dead_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Meta {
    pub(super) fn order_key(&self) -> Option<OrderKey> {
        self.order.as_deref().and_then(from_hex).map(OrderKey::from_bytes)
    }

    /// Of the delay, so much is over.
    pub(super) fn has_waited(&mut self, millis: i64) {
        let waited = millis.min(self.delay);
        self.delay -= waited;
        self.blocked = self.blocked.saturating_add(waited);
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
            id: u64::MAX,
            at: 1_700_000_000_123,
            first: Some(Position { sequence: 7, stored: u64::MAX }),
            order: Some(key.to_string()),
            out_of_order: true,
            trace_context: Some("two\r\nlines".to_owned()),
            generation: 2,
            attempts: 3,
            error: Some("two\r\nlines, \"quoted\", 中文, \0".to_owned()),
            delay: 10,
            blocked: 20,
            dead_at: Some(2),
            reason: Some("permanent".to_owned()),
        };
        let headers = meta.headers(Some("id"));
        assert_eq!(headers.get(NATS_MESSAGE_ID), Some(&"id".into()));
        let read = Meta::read(Some(&headers)).unwrap();
        assert_eq!(read, meta);
        assert_eq!(read.order_key(), Some(key));
        assert_eq!(read.death().unwrap().reason, DeadReason::Permanent);
        let short = Meta { at: 5, ..Meta::default() };
        assert_eq!(Meta::read(Some(&short.headers(None))), Some(short));
        assert_eq!(Meta::read(None), None);
        assert_eq!(from_hex(&"é".repeat(32)), None);
        assert_eq!(from_hex("+1"), None);
        assert_eq!(from_hex(&"+1".repeat(32)), None);
        assert_eq!(from_hex(&"01".repeat(33)), None);
    }
}
