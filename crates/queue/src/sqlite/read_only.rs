//! A file that is only looked at.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use super::open::{failed, open_read_only};
use super::own::Own;
use super::read;
use super::schema::Statements;
use super::writer::Head;
use crate::delivery::DeliveryId;
use crate::error::{QueueError, StorageError};
use crate::options::to_millis;
use crate::store::{
    Appended, Claim, Claimed, DeadReason, Entry, Filter, Record, Stats, Store, StoreFuture,
};

/// Counts and lists. Everything else fails with [`QueueError::ReadOnly`].
pub(crate) struct ReadOnlyStore {
    path: PathBuf,
    /// `None` once it is closed.
    file: Arc<Mutex<Option<Opened>>>,
}

/// Declared in this order, so that the connection is closed before the file is given up.
struct Opened {
    conn: Connection,
    _own: Own,
}

impl ReadOnlyStore {
    pub(crate) async fn open(path: &Path) -> Result<Self, QueueError> {
        let path = path.to_owned();
        let file = path.clone();
        let opened = blocking(move || {
            let own = Own::take_existing(&file)?;
            Ok(Opened { conn: open_read_only(&own)?, _own: own })
        });
        Ok(ReadOnlyStore { path, file: Arc::new(Mutex::new(Some(opened.await?))) })
    }

    fn read<T, F>(&self, read: F) -> StoreFuture<'_, T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Statements<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let file = self.file.clone();
        Box::pin(blocking(move || {
            let file = file.lock().unwrap_or_else(PoisonError::into_inner);
            let Opened { conn, .. } = file.as_ref().ok_or(QueueError::Closed)?;
            Statements::prepare(conn).and_then(|mut s| read(&mut s)).map_err(failed)
        }))
    }

    fn refuse<T: Send + 'static>(&self) -> StoreFuture<'_, T> {
        Box::pin(async { Err(QueueError::ReadOnly(self.path.clone())) })
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, QueueError> + Send + 'static,
) -> Result<T, QueueError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(QueueError::Storage(StorageError::new(error))))
}

impl Store for ReadOnlyStore {
    fn append(&self, _: Entry, _: Duration) -> StoreFuture<'_, Appended> {
        self.refuse()
    }

    fn claim(&self, _: usize, _: Duration) -> StoreFuture<'_, Vec<Claimed>> {
        self.refuse()
    }

    fn complete(&self, _: Claim) -> StoreFuture<'_, ()> {
        self.refuse()
    }

    fn retry(&self, _: Claim, _: String, _: Duration) -> StoreFuture<'_, ()> {
        self.refuse()
    }

    fn bury(&self, _: Claim, _: String, _: DeadReason) -> StoreFuture<'_, ()> {
        self.refuse()
    }

    fn release(&self, _: Claim) {}

    fn extend(&self, _: Claim) -> StoreFuture<'_, ()> {
        self.refuse()
    }

    fn stats(&self) -> StoreFuture<'_, Stats> {
        self.read(|s| Ok(Stats { oldest: read::oldest(s)?, ..Head::counted(s)?.numbers.stats }))
    }

    fn list(
        &self,
        filter: Filter,
        after: Option<DeliveryId>,
        limit: usize,
    ) -> StoreFuture<'_, Vec<Record>> {
        self.read(move |s| {
            let store = Head::counted(s)?.store;
            let now = to_millis(std::time::SystemTime::now());
            read::list(s, store, &filter, after, limit, now)
        })
    }

    fn requeue(&self, _: DeliveryId) -> StoreFuture<'_, ()> {
        self.refuse()
    }

    fn purge(&self, _: Filter) -> StoreFuture<'_, u64> {
        self.refuse()
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        let file = self.file.clone();
        Box::pin(blocking(move || {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            let Opened { conn, _own } = file.take().ok_or(QueueError::Closed)?;
            conn.close().map_err(|(_, error)| failed(error))
        }))
    }
}
