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
use crate::watch::Watch;
use crate::worker::Worker;

/// How many records are read at a time.
const PAGE: usize = 256;

/// A queue of callbacks. It is a cheap handle; its clones share one store.
///
/// A callback that its [layer](Self::layer) answers `OK` is stored, and a [worker](Self::worker)
/// handles it at least once.
#[derive(Clone)]
pub struct Queue {
    store: Arc<dyn Store>,
    watch: Arc<Watch>,
}

impl Queue {
    /// Opens a queue in an SQLite file. The file is created if it does not exist; its folder must
    /// exist. Only one process can open it.
    ///
    /// For other limits and times, pass a [`SqliteStore`](crate::sqlite::SqliteStore) to
    /// [`Queue::new`].
    ///
    /// # Errors
    ///
    /// As [`SqliteStore::open_with`](crate::sqlite::SqliteStore::open_with).
    #[cfg(feature = "sqlite")]
    #[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, QueueError> {
        Ok(Queue::new(crate::sqlite::SqliteStore::open(path).await?))
    }

    /// Opens an existing SQLite file to look at it. The file and its log stay as they are, also
    /// after a crash. No other process can have it open, and you need the right to write: both are
    /// for the lock.
    ///
    /// [`stats`](Self::stats), [`dead_letters`](Self::dead_letters), [`export`](Self::export) and
    /// [`close`](Self::close) work. Everything else fails with [`QueueError::ReadOnly`].
    ///
    /// # Errors
    ///
    /// As [`SqliteStore::open_with`](crate::sqlite::SqliteStore::open_with), and
    /// [`QueueError::Storage`] if there is no file.
    #[cfg(feature = "sqlite")]
    #[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
    pub async fn open_read_only(path: impl AsRef<Path>) -> Result<Self, QueueError> {
        Ok(Queue::new(crate::sqlite::ReadOnlyStore::open(path.as_ref()).await?))
    }

    /// A queue on NATS JetStream, which several processes share. Missing streams and consumers are
    /// made, existing ones are checked.
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
        Ok(Queue::new(crate::jetstream::JetStreamStore::open(context, settings).await?))
    }

    /// A queue on any store.
    pub fn new(store: impl Store) -> Self {
        Queue { store: Arc::new(store), watch: Arc::default() }
    }

    /// The layer that puts notifications into the queue and answers them.
    pub fn layer(&self) -> EnqueueLayer {
        EnqueueLayer::new(self.store.clone(), self.watch.clone())
    }

    /// A worker that passes the queue's callbacks to this service.
    pub fn worker<S>(&self, service: S) -> Worker<S> {
        Worker::new(self.store.clone(), self.watch.clone(), service)
    }

    /// Counts, now and since the store was opened.
    ///
    /// # Errors
    ///
    /// An error of the storage.
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
    /// An error of the storage.
    pub async fn dead_letters(&self, page: Page) -> Result<Vec<Record>, QueueError> {
        self.store.list(Filter::dead(), page.after, page.size).await
    }

    /// Puts a dead letter back into the queue. It is due at once, its attempts start again from 1,
    /// and it is [out of order](crate::Delivery::out_of_order).
    ///
    /// # Errors
    ///
    /// [`QueueError::NotFound`], or an error of the storage.
    pub async fn requeue(&self, id: DeliveryId) -> Result<(), QueueError> {
        self.store.requeue(id).await
    }

    /// Deletes callbacks permanently, except those that are being handled. Returns how many.
    ///
    /// # Errors
    ///
    /// An error of the storage.
    pub async fn purge(&self, filter: Filter) -> Result<u64, QueueError> {
        self.store.purge(filter).await
    }

    /// Writes callbacks as JSON, one [`Record`] per line. Returns how many. Nothing is deleted.
    ///
    /// The output contains private messages: protect it.
    ///
    /// # Errors
    ///
    /// An error of the storage, or [`QueueError::Export`] if writing fails.
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

    /// Finishes what has begun, and closes the storage. Stop the workers first. Afterwards
    /// everything fails with [`QueueError::Closed`].
    ///
    /// # Errors
    ///
    /// An error of the storage.
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

/// A page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Page {
    after: Option<DeliveryId>,
    size: usize,
}

impl Page {
    /// The first page, of this size.
    pub const fn of(size: usize) -> Self {
        Page { after: None, size }
    }

    /// The page after this id.
    pub const fn after(self, id: DeliveryId) -> Self {
        Page { after: Some(id), ..self }
    }
}
