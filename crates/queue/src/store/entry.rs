//! What a store takes and hands out.

use std::fmt;

use tencent_im_callback::{Callback, DedupKey, OrderKey, StoredCallback};

use crate::delivery::{Delivery, DeliveryId};
use crate::error::{QueueError, StorageError};

/// A callback to be stored.
#[derive(Clone)]
#[non_exhaustive]
pub struct Entry {
    /// The [`StoredCallback`] as JSON.
    pub payload: String,
    /// The length of the body alone, in **bytes**.
    pub body_size: usize,
    /// The key that identifies a second delivery.
    pub dedup_key: Option<DedupKey>,
    /// The order key.
    pub order_key: Option<OrderKey>,
    /// Comes back in [`Delivery::trace_context`], in every attempt.
    pub trace_context: Option<String>,
}

impl Entry {
    /// An entry with the keys of the callback's command.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotStorable`] if it cannot be written as JSON. A callback can, whatever its
    /// bytes are.
    pub fn of(callback: &Callback) -> Result<Self, QueueError> {
        let not_storable = |error| QueueError::NotStorable(StorageError::new(error));
        // Each quote of the body gets a backslash. Growing the buffer in steps would cost as much
        // as writing it.
        let mut payload = Vec::with_capacity(callback.body.len() / 4 * 5 + 512);
        serde_json::to_writer(&mut payload, &StoredCallback::from(callback))
            .map_err(not_storable)?;
        let payload = String::from_utf8(payload)
            .map_err(|error| QueueError::NotStorable(StorageError::new(error)))?;
        Ok(Entry {
            payload,
            body_size: callback.body.len(),
            dedup_key: callback.dedup_key(),
            order_key: callback.order_key(),
            trace_context: None,
        })
    }

    /// Any text, without keys; for tests of stores.
    pub fn new(payload: impl Into<String>) -> Self {
        let payload = payload.into();
        Entry {
            body_size: payload.len(),
            payload,
            dedup_key: None,
            order_key: None,
            trace_context: None,
        }
    }
}

/// Without the payload.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("size", &self.payload.len())
            .field("dedup_key", &self.dedup_key)
            .field("order_key", &self.order_key)
            .finish_non_exhaustive()
    }
}

/// The result of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is stored.
    Stored(DeliveryId),
    /// A callback with the same dedup key is stored: this one.
    Duplicate(DeliveryId),
}

/// The right to settle one delivery, for one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    id: DeliveryId,
    token: u64,
}

impl Claim {
    /// A claim of your own store. No two claims of a delivery may have the same token.
    pub const fn new(id: DeliveryId, token: u64) -> Self {
        Claim { id, token }
    }

    /// The delivery.
    pub const fn id(self) -> DeliveryId {
        self.id
    }

    /// Distinguishes this claim from earlier ones.
    pub const fn token(self) -> u64 {
        self.token
    }
}

/// A claimed callback.
#[derive(Clone)]
#[non_exhaustive]
pub struct Claimed {
    /// Settles it.
    pub claim: Claim,
    /// What the handler gets.
    pub delivery: Delivery,
    /// The [`StoredCallback`] as JSON. `None` if the store noticed that it is damaged.
    pub payload: Option<String>,
}

impl Claimed {
    /// A claimed callback of your own store.
    pub const fn new(claim: Claim, delivery: Delivery, payload: Option<String>) -> Self {
        Claimed { claim, delivery, payload }
    }
}

/// Without the payload.
impl fmt::Debug for Claimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claimed")
            .field("claim", &self.claim)
            .field("delivery", &self.delivery)
            .field("size", &self.payload.as_ref().map(String::len))
            .finish()
    }
}

/// The callback that was stored.
pub(crate) fn read(payload: &str) -> Result<StoredCallback, QueueError> {
    serde_json::from_str(payload).map_err(|error| {
        // The error's own text may quote the callback.
        let place = format!("no callback at line {} column {}", error.line(), error.column());
        QueueError::Unreadable(StorageError::new(place))
    })
}

/// What of an error's text is kept, in bytes.
const ERROR_SIZE: usize = 2048;

/// Cuts a text that is too long to be kept.
pub(crate) fn bounded(mut text: String) -> String {
    if text.len() > ERROR_SIZE {
        let end = (0..=ERROR_SIZE).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}
