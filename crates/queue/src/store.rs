//! What a store must do, whatever it is built on.

mod entry;
mod record;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use self::entry::{Appended, Claim, Claimed, Entry};
pub(crate) use self::entry::{bounded, read};
pub use self::record::{DeadReason, Death, Filter, Record, Stats};
use crate::delivery::DeliveryId;
use crate::error::QueueError;

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

    /// A worker that is stopping claims no more; its handlers may still run. A store that shares
    /// its work with other processes can hand over what nothing runs of, until somebody claims
    /// again. It neither waits nor fails. The default does nothing.
    fn leave(&self) {}

    /// Gives the callback back as if it had not been claimed. It is called when a worker is
    /// dropped, so it neither waits nor fails. A store that cannot do it now does it later; one
    /// with a [`lease`](Self::lease) may let the claim expire instead. It is also called after
    /// [`QueueError::ClaimLost`]; if somebody else has the callback by then, it changes nothing.
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

    fn leave(&self) {
        (**self).leave();
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
