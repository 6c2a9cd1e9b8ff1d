//! What a handler knows about a delivery.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::time::SystemTime;

use tencent_im_callback::OrderKey;

/// Identifies one accepted callback in all attempts, after restarts, and as a dead letter.
///
/// It has two numbers: a random one, and the position in the order of acceptance. The random one is
/// drawn when the store is made; on JetStream, it is drawn for each callback. So ids do not repeat
/// when a queue's file is deleted and made again, or when a stream is restored. They are ordered by
/// position.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId {
    // First, for the order.
    sequence: u64,
    store: u64,
}

impl DeliveryId {
    /// An id of your own store.
    pub const fn new(store: u64, sequence: u64) -> Self {
        DeliveryId { sequence, store }
    }

    /// The random number of the store; on JetStream, of the callback.
    pub const fn store(self) -> u64 {
        self.store
    }

    /// The position in the order of acceptance.
    pub const fn sequence(self) -> u64 {
        self.sequence
    }
}

/// `9f86d081884c7d65-42`: the random number in hex, the position in decimal.
impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.store, self.sequence)
    }
}

impl fmt::Debug for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeliveryId({self})")
    }
}

/// The text is not a [`DeliveryId`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidDeliveryIdError(());

impl fmt::Display for InvalidDeliveryIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a delivery id is 16 hex digits, a hyphen and a number")
    }
}

impl std::error::Error for InvalidDeliveryIdError {}

impl From<ParseIntError> for InvalidDeliveryIdError {
    fn from(_: ParseIntError) -> Self {
        InvalidDeliveryIdError(())
    }
}

impl FromStr for DeliveryId {
    type Err = InvalidDeliveryIdError;

    fn from_str(text: &str) -> Result<Self, InvalidDeliveryIdError> {
        let (store, sequence) = text.split_once('-').ok_or(InvalidDeliveryIdError(()))?;
        // The number parsers accept a sign, which an id does not have.
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if store.len() != 16 || !plain(store) || !plain(sequence) {
            return Err(InvalidDeliveryIdError(()));
        }
        Ok(DeliveryId { store: u64::from_str_radix(store, 16)?, sequence: sequence.parse()? })
    }
}

/// What the queue knows about a callback. A handler finds it in
/// [`Callback::extensions`](tencent_im_callback::Callback::extensions).
///
/// A callback is handled at least once. If work must not be done twice, store the [`id`](Self::id)
/// with that work, in the same transaction, and do nothing if it is there already.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// The idempotency key: the same in every attempt.
    pub id: DeliveryId,
    /// The number of this attempt, from 1. Attempts that a shutdown or a crash interrupted do not
    /// count.
    pub attempt: u32,
    /// When the callback was stored and answered `OK`.
    pub accepted_at: SystemTime,
    /// The order key: callbacks with the same key are handled in order.
    pub order_key: Option<OrderKey>,
    /// Whether later callbacks with its order key may have been handled before it: it failed for
    /// longer than [`max_block`](crate::StoreOptions::max_block), was requeued from the dead
    /// letters, or was overtaken when a broker failed.
    pub out_of_order: bool,
    /// What [`EnqueueLayer::trace_context`](crate::EnqueueLayer::trace_context) returned when the
    /// callback was stored.
    pub trace_context: Option<String>,
}

impl Delivery {
    /// The first attempt of a callback, for a store of your own.
    pub fn new(id: DeliveryId, accepted_at: SystemTime) -> Self {
        Delivery {
            id,
            attempt: 1,
            accepted_at,
            order_key: None,
            out_of_order: false,
            trace_context: None,
        }
    }
}
