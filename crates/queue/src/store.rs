//! What a store must do, whatever it is built on.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use tencent_im_callback::{Callback, DedupKey, OrderKey, StoredCallback};

use crate::delivery::{Delivery, DeliveryId};
use crate::error::{QueueError, StorageError};
use crate::options::to_millis;

/// The result of the methods of a [`Store`].
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, QueueError>> + Send + 'a>>;

/// Where a queue keeps its callbacks.
///
/// Implement it to keep a queue elsewhere than in SQLite. The store is responsible for the rules
/// that must hold when processes die: what is stored, what is a duplicate, and what may be claimed.
/// The [`Worker`](crate::Worker) decides when to try again and when to give up.
///
/// The rules:
///
/// - **Durable**: [`append`](Self::append) returns [`Appended::Stored`] only when the callback is
///   safe, and [`Appended::Duplicate`] only when the first one with its key is.
/// - **Order**: of the callbacks with the same order key, only the earliest accepted may be
///   claimed, one at a time. One that waits for its retry blocks the others for at most
///   [`max_block`](crate::StoreOptions::max_block).
/// - **Fences**: a claim that was given back or has expired cannot change anything:
///   [`QueueError::ClaimLost`].
/// - **Nothing is lost**: what is not completed comes again, until it is buried. What is buried
///   stays until it is purged.
pub trait Store: Send + Sync + 'static {
    /// Stores a callback. Waits for room, and for the disk, for at most `max_wait`. If the future
    /// is dropped, the callback may be stored all the same.
    ///
    /// # Errors
    ///
    /// [`QueueError::Full`] if the store was full for that long, [`QueueError::TimedOut`] if it was
    /// not stored by then, [`QueueError::TooLarge`], or an error of the storage.
    fn append(&self, entry: Entry, max_wait: Duration) -> StoreFuture<'_, Appended>;

    /// Claims up to `max` callbacks. Waits for the first one for at most `wait`, and then returns
    /// none. If the future is dropped, what it has claimed is given back.
    ///
    /// # Errors
    ///
    /// An error of the storage.
    fn claim(&self, max: usize, wait: Duration) -> StoreFuture<'_, Vec<Claimed>>;

    /// The callback is handled: removes it, and remembers its dedup key.
    ///
    /// # Errors
    ///
    /// [`QueueError::ClaimLost`], or an error of the storage. After a
    /// [temporary](QueueError::is_temporary) error the claim still holds.
    fn complete(&self, claim: Claim) -> StoreFuture<'_, ()>;

    /// The attempt failed: the next one is due after `delay`, even if the process restarts.
    ///
    /// # Errors
    ///
    /// As for [`complete`](Self::complete).
    fn retry(&self, claim: Claim, error: String, delay: Duration) -> StoreFuture<'_, ()>;

    /// Gives up on the callback: it becomes a dead letter.
    ///
    /// # Errors
    ///
    /// As for [`complete`](Self::complete).
    fn bury(&self, claim: Claim, error: String, reason: DeadReason) -> StoreFuture<'_, ()>;

    /// Gives up on a callback whose body cannot be read, and whose app is unsigned, so that anybody
    /// can have sent it. It becomes a dead letter ([`DeadReason::BodyUnreadable`]) if there is room
    /// for it within [`max_unreadable_bytes`](crate::StoreOptions::max_unreadable_bytes). Otherwise
    /// it is dropped: removed like one that is handled, but counted as [`dropped`](Stats::dropped).
    /// Returns whether it was kept.
    ///
    /// The default keeps all of them.
    ///
    /// # Errors
    ///
    /// As for [`complete`](Self::complete).
    fn bury_unsigned(&self, claim: Claim, error: String) -> StoreFuture<'_, bool> {
        let buried = self.bury(claim, error, DeadReason::BodyUnreadable);
        Box::pin(async { buried.await.map(|()| true) })
    }

    /// Gives the callback back as if it had not been claimed. It is called when a worker is
    /// dropped, so it neither waits nor fails. A store that cannot do it now does it later; one
    /// with a [`lease`](Self::lease) may let the claim expire instead.
    fn release(&self, claim: Claim);

    /// Extends a claim: the handler is still running.
    ///
    /// # Errors
    ///
    /// As for [`complete`](Self::complete).
    fn extend(&self, claim: Claim) -> StoreFuture<'_, ()>;

    /// How long a claim holds unless it is [extended](Self::extend). `None`: as long as the process
    /// lives.
    fn lease(&self) -> Option<Duration> {
        None
    }

    /// Counts, now and since the store was opened.
    ///
    /// # Errors
    ///
    /// An error of the storage.
    fn stats(&self) -> StoreFuture<'_, Stats>;

    /// The callbacks that pass the filter, ordered by id, after `after`; at most `limit`.
    ///
    /// # Errors
    ///
    /// An error of the storage.
    fn list(
        &self,
        filter: Filter,
        after: Option<DeliveryId>,
        limit: usize,
    ) -> StoreFuture<'_, Vec<Record>>;

    /// Puts a dead letter back, due at once, out of order, with its attempts starting from 1.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotFound`], or an error of the storage.
    fn requeue(&self, id: DeliveryId) -> StoreFuture<'_, ()>;

    /// Deletes the callbacks that pass the filter, except those that are being handled. Returns how
    /// many.
    ///
    /// # Errors
    ///
    /// An error of the storage.
    fn purge(&self, filter: Filter) -> StoreFuture<'_, u64>;

    /// Finishes what has begun, and closes the storage. Afterwards everything fails with
    /// [`QueueError::Closed`].
    ///
    /// # Errors
    ///
    /// An error of the storage.
    fn close(&self) -> StoreFuture<'_, ()>;
}

/// So that a program can keep the store that it passed to a [`Queue`](crate::Queue).
impl<T: Store + ?Sized> Store for Arc<T> {
    fn append(&self, entry: Entry, max_wait: Duration) -> StoreFuture<'_, Appended> {
        (**self).append(entry, max_wait)
    }

    fn claim(&self, max: usize, wait: Duration) -> StoreFuture<'_, Vec<Claimed>> {
        (**self).claim(max, wait)
    }

    fn complete(&self, claim: Claim) -> StoreFuture<'_, ()> {
        (**self).complete(claim)
    }

    fn retry(&self, claim: Claim, error: String, delay: Duration) -> StoreFuture<'_, ()> {
        (**self).retry(claim, error, delay)
    }

    fn bury(&self, claim: Claim, error: String, reason: DeadReason) -> StoreFuture<'_, ()> {
        (**self).bury(claim, error, reason)
    }

    fn bury_unsigned(&self, claim: Claim, error: String) -> StoreFuture<'_, bool> {
        (**self).bury_unsigned(claim, error)
    }

    fn release(&self, claim: Claim) {
        (**self).release(claim);
    }

    fn extend(&self, claim: Claim) -> StoreFuture<'_, ()> {
        (**self).extend(claim)
    }

    fn lease(&self) -> Option<Duration> {
        (**self).lease()
    }

    fn stats(&self) -> StoreFuture<'_, Stats> {
        (**self).stats()
    }

    fn list(
        &self,
        filter: Filter,
        after: Option<DeliveryId>,
        limit: usize,
    ) -> StoreFuture<'_, Vec<Record>> {
        (**self).list(filter, after, limit)
    }

    fn requeue(&self, id: DeliveryId) -> StoreFuture<'_, ()> {
        (**self).requeue(id)
    }

    fn purge(&self, filter: Filter) -> StoreFuture<'_, u64> {
        (**self).purge(filter)
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        (**self).close()
    }
}

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
    /// As in [`Delivery::trace_context`].
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
    /// Of those, being handled.
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
