//! What a store reports: callbacks, waiting and dead, and counts.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use tencent_im_callback::{OrderKey, StoredCallback};

use super::entry::read;
use crate::delivery::DeliveryId;
use crate::error::QueueError;
use crate::options::to_millis;

/// Why a callback is a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeadReason {
    /// Its last attempt failed.
    Attempts,
    /// Its handler returned
    /// [`HandlerError::permanent`](tencent_im_callback::HandlerError::permanent).
    Permanent,
    /// This version cannot read it: a newer one wrote it, or it is damaged.
    Unreadable,
    /// It failed for good, and its body cannot be read: it is an
    /// [`Event::Unknown`](tencent_im_callback::Event::Unknown), and not because of an unknown
    /// command. It came in this way.
    BodyUnreadable,
}

impl DeadReason {
    /// The name in `snake_case`, for logs and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            DeadReason::Attempts => "attempts",
            DeadReason::Permanent => "permanent",
            DeadReason::Unreadable => "unreadable",
            DeadReason::BodyUnreadable => "body_unreadable",
        }
    }

    /// From a name of [`as_str`](Self::as_str).
    pub fn from_name(name: &str) -> Option<Self> {
        [
            DeadReason::Attempts,
            DeadReason::Permanent,
            DeadReason::Unreadable,
            DeadReason::BodyUnreadable,
        ]
        .into_iter()
        .find(|reason| reason.as_str() == name)
    }
}

impl fmt::Display for DeadReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Selects the callbacks for a list, an export or a purge.
///
/// ```
/// use std::time::Duration;
/// use tencent_im_callback_queue::Filter;
///
/// let old = Filter::dead().older_than(Duration::from_secs(30 * 24 * 3600));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Filter {
    /// Dead letters, or waiting callbacks.
    pub dead: bool,
    /// Accepted at least this long ago.
    pub older_than: Option<Duration>,
    /// Only with this order key.
    pub order_key: Option<OrderKey>,
}

impl Filter {
    /// All dead letters.
    pub const fn dead() -> Self {
        Filter { dead: true, older_than: None, order_key: None }
    }

    /// All that wait, and those that are being handled.
    pub const fn waiting() -> Self {
        Filter { dead: false, older_than: None, order_key: None }
    }

    /// Only those that were accepted at least this long ago.
    pub const fn older_than(self, age: Duration) -> Self {
        Filter { older_than: Some(age), ..self }
    }

    /// Only those with this order key: one conversation, one group.
    pub const fn order_key(self, key: OrderKey) -> Self {
        Filter { order_key: Some(key), ..self }
    }
}

/// Why and when a callback became a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Death {
    /// When.
    pub at: SystemTime,
    /// Why.
    pub reason: DeadReason,
}

impl Death {
    /// For a store of your own.
    pub const fn new(at: SystemTime, reason: DeadReason) -> Self {
        Death { at, reason }
    }
}

/// A callback in the store, for administration.
///
/// As JSON it is one object with `id`, `accepted_at` and `dead_at` (**ms**), `attempts`, `reason`,
/// `error`, `order_key`, `trace_context`, and `callback`: the [`StoredCallback`]. If what is stored
/// is not JSON, it has `text` instead. `Debug` shows neither the body nor the parameters.
#[derive(Clone)]
#[non_exhaustive]
pub struct Record {
    /// The idempotency key.
    pub id: DeliveryId,
    /// When it was answered `OK`.
    pub accepted_at: SystemTime,
    /// How many attempts have failed.
    pub attempts: u32,
    /// The last error.
    pub error: Option<String>,
    /// The order key.
    pub order_key: Option<OrderKey>,
    /// Set if it is a dead letter.
    pub death: Option<Death>,
    /// As in [`Delivery::trace_context`](crate::Delivery::trace_context).
    pub trace_context: Option<String>,
    payload: String,
}

impl Record {
    /// A record of your own store.
    pub const fn new(id: DeliveryId, accepted_at: SystemTime, payload: String) -> Self {
        Record {
            id,
            accepted_at,
            attempts: 0,
            error: None,
            order_key: None,
            death: None,
            trace_context: None,
            payload,
        }
    }

    /// What is stored: the [`StoredCallback`] as JSON, unless it is damaged.
    pub fn payload(&self) -> &str {
        &self.payload
    }

    /// The callback.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unreadable`] if a newer version wrote it, or it is damaged.
    pub fn callback(&self) -> Result<StoredCallback, QueueError> {
        read(&self.payload)
    }
}

/// Without body and parameters.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("id", &self.id)
            .field("accepted_at", &self.accepted_at)
            .field("attempts", &self.attempts)
            .field("order_key", &self.order_key)
            .field("death", &self.death)
            .field("size", &self.payload.len())
            .finish_non_exhaustive()
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            id: String,
            accepted_at: i64,
            attempts: u32,
            #[serde(skip_serializing_if = "Option::is_none")]
            dead_at: Option<i64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            reason: Option<&'static str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            error: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            order_key: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            trace_context: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            callback: Option<&'a RawValue>,
            #[serde(skip_serializing_if = "Option::is_none")]
            text: Option<&'a str>,
        }

        let callback = serde_json::from_str::<&RawValue>(&self.payload).ok();
        let fields = Fields {
            id: self.id.to_string(),
            accepted_at: to_millis(self.accepted_at),
            attempts: self.attempts,
            dead_at: self.death.map(|death| to_millis(death.at)),
            reason: self.death.map(|death| death.reason.as_str()),
            error: self.error.as_deref(),
            order_key: self.order_key.map(|key| key.to_string()),
            trace_context: self.trace_context.as_deref(),
            text: callback.is_none().then_some(&self.payload),
            callback,
        };
        fields.serialize(serializer)
    }
}

/// The counts of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Accepted and not yet handled, including those that are being handled.
    pub waiting: u64,
    /// Of those, being handled; on JetStream by this process.
    pub running: u64,
    /// Of those, with at least one failed attempt, or requeued from the dead letters.
    pub retrying: u64,
    /// Dead letters.
    pub dead: u64,
    /// Of those, with a [body that cannot be read](DeadReason::BodyUnreadable).
    pub unreadable: u64,
    /// The size of these, in **bytes**.
    pub unreadable_bytes: u64,
    /// The size of all callbacks, waiting and dead, in **bytes**.
    pub bytes: u64,
    /// When the oldest waiting callback was accepted.
    pub oldest: Option<SystemTime>,
    /// Accepted since the store was opened, without duplicates.
    pub accepted: u64,
    /// Duplicates since the store was opened.
    pub duplicates: u64,
    /// Handled since the store was opened.
    pub completed: u64,
    /// Failed attempts that will be repeated, since the store was opened.
    pub retried: u64,
    /// Dead letters made since the store was opened.
    pub buried: u64,
    /// Unreadable callbacks of unsigned apps that were not kept as dead letters, since the store
    /// was opened: there was no room within
    /// [`max_unreadable_bytes`](crate::StoreOptions::max_unreadable_bytes).
    pub dropped: u64,
    /// Partitions that this process owns now. 0 for a store that only one process can open.
    pub partitions: u64,
}
