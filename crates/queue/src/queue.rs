//! The handle on a store.

use std::fmt;
use std::io;
#[cfg(feature = "sqlite")]
use std::path::Path;
use std::sync::Arc;

use crate::delivery::DeliveryId;
use crate::enqueue::EnqueueLayer;
use crate::error::{QueueError, StorageError};
use crate::store::{Filter, Record, Stats, Store};
use crate::worker::Worker;

/// How many records are read at a time.
const PAGE: usize = 256;

/// A queue of callbacks: a cheap handle, whose clones share one store.
///
/// What its [layer](Self::layer) answers `OK` is durable, and is handled at least once by a [worker](Self::worker).
#[derive(Clone)]
pub struct Queue {
    pub(crate) store: Arc<dyn Store>,
}

impl Queue {
    /// Opens a queue in one SQLite file, or makes it. One file takes one process; its folder must exist.
    ///
    /// For other bounds and times, give a [`SqliteStore`](crate::sqlite::SqliteStore) to [`Queue::new`].
    ///
    /// # Errors
    ///
    /// As [`SqliteStore::open_with`](crate::sqlite::SqliteStore::open_with).
    #[cfg(feature = "sqlite")]
    #[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, QueueError> {
        Ok(Queue::new(crate::sqlite::SqliteStore::open(path).await?))
    }

    /// A queue on NATS JetStream, which several processes share. What is missing at the broker is made, what is there is checked.
    ///
    /// # Errors
    ///
    /// As [`JetStreamStore::open`](crate::jetstream::JetStreamStore::open).
    #[cfg(feature = "jetstream")]
    #[cfg_attr(docsrs, doc(cfg(feature = "jetstream")))]
    pub async fn jetstream(
        context: async_nats::jetstream::Context,
        settings: crate::jetstream::JetStream,
    ) -> Result<Self, QueueError> {
        Ok(Queue::new(
            crate::jetstream::JetStreamStore::open(context, settings).await?,
        ))
    }

    /// A queue on any store.
    pub fn new(store: impl Store) -> Self {
        Queue { store: Arc::new(store) }
    }

    /// The layer that puts notifications into the queue and answers them.
    pub fn layer(&self) -> EnqueueLayer {
        EnqueueLayer::new(self.clone())
    }

    /// A worker that hands what is in the queue to this service.
    pub fn worker<S>(&self, service: S) -> Worker<S> {
        Worker::new(self.clone(), service)
    }

    /// Counts, now and since the store was opened.
    ///
    /// # Errors
    ///
    /// What goes wrong with the storage.
    pub async fn stats(&self) -> Result<Stats, QueueError> {
        self.store.stats().await
    }

    /// Dead letters, by id.
    ///
    /// ```
    /// # use tencent_im_callback_queue::{Page, Queue, QueueError};
    /// # async fn show(queue: &Queue) -> Result<(), QueueError> {
    /// let mut page = Page::of(100);
    /// loop {
    ///     let letters = queue.dead_letters(page).await?;
    ///     for letter in &letters {
    ///         println!("{} {:?} {:?}", letter.id, letter.death, letter.error);
    ///     }
    ///     let Some(last) = letters.last() else { break };
    ///     page = page.after(last.id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What goes wrong with the storage.
    pub async fn dead_letters(&self, page: Page) -> Result<Vec<Record>, QueueError> {
        self.store.list(Filter::dead(), page.after, page.size).await
    }

    /// Puts a dead letter back: it is due at once, has all its attempts before it, and is [out of
    /// order](crate::Delivery::out_of_order).
    ///
    /// # Errors
    ///
    /// [`QueueError::NotFound`], and what goes wrong with the storage.
    pub async fn requeue(&self, id: DeliveryId) -> Result<(), QueueError> {
        self.store.requeue(id).await
    }

    /// Deletes callbacks for good, except those that are being handled. Says how many.
    ///
    /// # Errors
    ///
    /// What goes wrong with the storage.
    pub async fn purge(&self, filter: Filter) -> Result<u64, QueueError> {
        self.store.purge(filter).await
    }

    /// Writes callbacks as JSON, one [`Record`] a line. Says how many. Nothing is deleted.
    ///
    /// They hold what people wrote to each other: mind who can read them.
    ///
    /// # Errors
    ///
    /// What goes wrong with the storage, and [`QueueError::Export`] with what goes wrong with the writing.
    pub async fn export(&self, filter: Filter, mut to: impl io::Write) -> Result<u64, QueueError> {
        let mut written = 0;
        let mut after = None;
        loop {
            let records = self.store.list(filter, after, PAGE).await?;
            let Some(last) = records.last() else { break };
            after = Some(last.id);
            for record in &records {
                let mut line = serde_json::to_vec(record).map_err(not_exported)?;
                line.push(b'\n');
                to.write_all(&line).map_err(not_exported)?;
                written += 1;
            }
        }
        to.flush().map_err(not_exported)?;
        Ok(written)
    }

    /// Finishes what was begun, and gives the storage free. Stop the workers first. Afterwards everything fails with
    /// [`QueueError::Closed`].
    ///
    /// # Errors
    ///
    /// What goes wrong with the storage.
    pub async fn close(&self) -> Result<(), QueueError> {
        self.store.close().await
    }
}

fn not_exported(error: impl std::error::Error + Send + Sync + 'static) -> QueueError {
    QueueError::Export(StorageError::new(error))
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Page {
    after: Option<DeliveryId>,
    size: usize,
}

impl Page {
    /// The first of this size.
    pub const fn of(size: usize) -> Self {
        Page { after: None, size }
    }

    /// The one behind this id.
    pub const fn after(self, id: DeliveryId) -> Self {
        Page {
            after: Some(id),
            ..self
        }
    }
}
