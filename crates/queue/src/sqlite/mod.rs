//! One file on one disk (feature `sqlite`).

mod claims;
mod disk;
mod head;
mod inbox;
mod lineage;
mod open;
mod own;
mod read;
mod read_only;
mod schema;
mod seen;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;

use self::disk::Disk;
use self::inbox::{Answer, Append, How, Op, PendingClaim, Purge, Settle, Shared};
use self::own::Own;
pub(crate) use self::read_only::ReadOnlyStore;
use self::writer::Writer;
use crate::delivery::DeliveryId;
use crate::error::{QueueError, StorageError};
use crate::options::StoreOptions;
use crate::store::{
    Appended, Claim, Claimed, DeadReason, Entry, Filter, Record, Stats, Store, StoreFuture,
};

/// A queue in one SQLite file, used by one process.
///
/// Beside the file are its log, `FILE-wal`, and its lock, `FILE-lock`. Only the owner can read them
/// (mode 0600). The bytes of deleted callbacks stay in the file until their space is used again.
/// The file does not shrink; `sqlite3 FILE 'VACUUM'` shrinks it while no process has it open.
///
/// Up to 8 MiB behind the end of the file are allocated ahead, and 1 MiB for the log, so that a
/// full disk does not stop the worker.
///
/// One thread owns the only connection. If the last handle is dropped, it finishes what it was
/// asked for and closes the file; to wait for that, use [`close`](Store::close).
pub struct SqliteStore {
    shared: Arc<Shared>,
    path: PathBuf,
    max_body: usize,
}

impl SqliteStore {
    /// Opens the file, or creates it, with default options.
    ///
    /// # Errors
    ///
    /// As for [`open_with`](Self::open_with).
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, QueueError> {
        SqliteStore::open_with(path, StoreOptions::new()).await
    }

    /// Opens the file, or creates it. Its folder must exist.
    ///
    /// A file of up to 256 MiB is checked completely for damage. After a crash, the callbacks in it
    /// are counted. Each takes about a second per GiB.
    ///
    /// # Errors
    ///
    /// [`QueueError::NoFolder`], [`ReadOnly`](QueueError::ReadOnly),
    /// [`Locked`](QueueError::Locked), [`NotADatabase`](QueueError::NotADatabase),
    /// [`NotAQueue`](QueueError::NotAQueue), [`NewerFormat`](QueueError::NewerFormat),
    /// [`Corrupt`](QueueError::Corrupt), [`DiskFull`](QueueError::DiskFull), and
    /// [`Storage`](QueueError::Storage) for all else. In none of these cases has the file been
    /// changed.
    pub async fn open_with(
        path: impl AsRef<Path>,
        options: StoreOptions,
    ) -> Result<Self, QueueError> {
        SqliteStore::start(path.as_ref().to_owned(), options, Place::default()).await
    }

    /// Opens it on a file system that is registered with SQLite under this name; for tests that cut
    /// the power.
    #[doc(hidden)]
    pub async fn open_with_vfs(
        path: impl AsRef<Path>,
        options: StoreOptions,
        vfs: &'static str,
    ) -> Result<Self, QueueError> {
        let place = Place { vfs: Some(vfs), ..Place::default() };
        SqliteStore::start(path.as_ref().to_owned(), options, place).await
    }

    /// With so many pages at most; for tests of a full disk.
    #[doc(hidden)]
    pub async fn open_with_pages(
        path: impl AsRef<Path>,
        options: StoreOptions,
        pages: u32,
    ) -> Result<Self, QueueError> {
        let place = Place { pages: Some(pages), ..Place::default() };
        SqliteStore::start(path.as_ref().to_owned(), options, place).await
    }

    /// How many transactions were committed; for measurements. Each is one sync of the log.
    #[doc(hidden)]
    pub fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::Relaxed)
    }

    async fn start(path: PathBuf, options: StoreOptions, place: Place) -> Result<Self, QueueError> {
        let store = SqliteStore {
            shared: Arc::new(Shared::new()),
            path: path.clone(),
            max_body: options.max_body,
        };
        let (tell, told) = oneshot::channel();
        let shared = store.shared.clone();
        std::thread::Builder::new()
            .name("callback-queue".to_owned())
            .spawn(move || {
                let end = End(shared.clone());
                let closed = run(&path, place, shared, options, tell);
                // Before the answer: a caller that gets it may open the file again.
                drop(end);
                if let Some((answer, result)) = closed {
                    drop(answer.send(result));
                }
            })
            .map_err(|error| QueueError::Storage(StorageError::new(error)))?;
        told.await.unwrap_or(Err(QueueError::Poisoned))?;
        Ok(store)
    }

    async fn ask<T>(&self, op: impl FnOnce(Answer<T>) -> Op) -> Result<T, QueueError> {
        let (answer, told) = oneshot::channel();
        self.shared.send(op(answer))?;
        told.await.unwrap_or(Err(QueueError::Poisoned))
    }

    async fn settle(&self, claim: Claim, how: How) -> Result<(), QueueError> {
        let settle = |answer| Op::Settle(Settle::new(claim, how, answer));
        self.ask(settle).await.map(drop)
    }

    async fn try_append(&self, entry: Entry) -> Result<Appended, QueueError> {
        // Never closed.
        let place = self.shared.places.clone().acquire_owned().await.ok();
        let append = |answer| Op::Append(Append { entry, answer, place });
        self.ask(append).await
    }
}

/// Replaces the disk in tests.
#[derive(Clone, Copy, Default)]
struct Place {
    vfs: Option<&'static str>,
    pages: Option<u32>,
}

/// The writer's thread.
fn run(
    path: &Path,
    place: Place,
    shared: Arc<Shared>,
    options: StoreOptions,
    opened: Answer<()>,
) -> Option<(Answer<()>, Result<(), QueueError>)> {
    let own = match place.vfs {
        None => Own::take(path).map(Some),
        Some(_) => Ok(None),
    };
    // Declared in this order, so that the connection is closed before the file is given up.
    let opening = own.and_then(|own| {
        let path = own.as_ref().map_or(path, |own| &own.path);
        open::open(path, own.as_ref(), place).map(|conn| (own, conn))
    });
    let (own, conn) = match opening {
        Ok(opening) => opening,
        Err(error) => {
            drop(opened.send(Err(error)));
            return None;
        }
    };
    let disk = Disk::new(own.as_ref());
    let answer = match Writer::new(&conn, disk, shared, options) {
        Ok(writer) => {
            drop(opened.send(Ok(())));
            writer.run()
        }
        Err(error) => {
            drop(opened.send(Err(error)));
            return None;
        }
    };
    let closed = conn.close().map_err(|(_, error)| open::failed(error));
    answer.map(|answer| (answer, closed))
}

/// Tells waiting callers that the thread has ended, also if it panicked.
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.shared.go();
    }
}

impl Store for SqliteStore {
    fn append(&self, entry: Entry, max_wait: Duration) -> StoreFuture<'_, Appended> {
        Box::pin(async move {
            let (size, max) = (entry.body_size, self.max_body);
            if size > max {
                return Err(QueueError::TooLarge { size, max });
            }
            match tokio::time::timeout(max_wait, self.try_append(entry)).await {
                Ok(appended) => appended,
                Err(_) if self.shared.full.load(Ordering::Relaxed) => Err(QueueError::Full),
                Err(_) => Err(QueueError::TimedOut),
            }
        })
    }

    fn claim(&self, max: usize, wait: Duration) -> StoreFuture<'_, Vec<Claimed>> {
        Box::pin(async move {
            if max == 0 {
                return Ok(Vec::new());
            }
            let now = wait.is_zero();
            let handed = self.ask(|answer| Op::Claim(PendingClaim { max, now, answer }));
            if now {
                return handed.await.map(inbox::Handed::take);
            }
            match tokio::time::timeout(wait, handed).await {
                Ok(handed) => handed.map(inbox::Handed::take),
                Err(_) => Ok(Vec::new()),
            }
        })
    }

    fn complete(&self, claim: Claim) -> StoreFuture<'_, ()> {
        Box::pin(self.settle(claim, How::Complete))
    }

    fn retry(&self, claim: Claim, error: String, delay: Duration) -> StoreFuture<'_, ()> {
        Box::pin(self.settle(claim, How::Retry(error, delay)))
    }

    fn bury(&self, claim: Claim, error: String, reason: DeadReason) -> StoreFuture<'_, ()> {
        let unsigned = false;
        Box::pin(self.settle(claim, How::Bury { error, reason, unsigned }))
    }

    fn bury_unsigned(&self, claim: Claim, error: String) -> StoreFuture<'_, bool> {
        let how = How::Bury { error, reason: DeadReason::BodyUnreadable, unsigned: true };
        Box::pin(self.ask(move |answer| Op::Settle(Settle::new(claim, how, answer))))
    }

    fn release(&self, claim: Claim) {
        // The store is closed: after a restart every row can be claimed again.
        drop(self.shared.send(Op::Release(claim)));
    }

    fn extend(&self, claim: Claim) -> StoreFuture<'_, ()> {
        Box::pin(self.ask(move |answer| Op::Extend(claim, answer)))
    }

    fn stats(&self) -> StoreFuture<'_, Stats> {
        Box::pin(self.ask(Op::Stats))
    }

    fn list(
        &self,
        filter: Filter,
        after: Option<DeliveryId>,
        limit: usize,
    ) -> StoreFuture<'_, Vec<Record>> {
        Box::pin(self.ask(move |answer| Op::List(filter, after, limit, answer)))
    }

    fn requeue(&self, id: DeliveryId) -> StoreFuture<'_, ()> {
        Box::pin(self.ask(move |answer| Op::Requeue(id, answer)))
    }

    fn purge(&self, filter: Filter) -> StoreFuture<'_, u64> {
        let purge = move |answer| Purge { filter, answer, after: 0, purged: 0 };
        Box::pin(self.ask(move |answer| Op::Purge(purge(answer))))
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        Box::pin(self.ask(Op::Close))
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}
