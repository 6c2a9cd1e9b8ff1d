//! The errors of a queue.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why the queue could not do something. It is cheap to clone.
///
/// Its text never quotes a callback.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum QueueError {
    /// The queue is full, by rows or by bytes. It accepts callbacks again once some are handled, or
    /// dead letters are purged.
    Full,
    /// The body is larger than the limit, in **bytes**. Raise
    /// [`StoreOptions::max_body`](crate::StoreOptions::max_body).
    TooLarge {
        /// The size of the body, in bytes.
        size: usize,
        /// The limit, in bytes.
        max: usize,
    },
    /// The callback was not stored in time. It may still be stored later.
    TimedOut,
    /// The disk is full. Nothing was written. The queue continues when there is room.
    DiskFull,
    /// Reading or writing failed; or the file was deleted, replaced or truncated, or its lock has
    /// ended, while it was open. The source says which. From now on the store is
    /// [poisoned](Self::Poisoned).
    Storage(StorageError),
    /// An earlier read or write failed, so what is on disk is uncertain. Open the queue again.
    Poisoned,
    /// The queue was closed.
    Closed,
    /// Another process, or another queue in this process, has the file open. Only one can.
    Locked(PathBuf),
    /// The file is damaged, or its log (`FILE-wal`) is that of another file; the source says which.
    /// Nothing was changed. Move a damaged file away, and recover what can be read with `sqlite3
    /// FILE .recover`.
    Corrupt(StorageError),
    /// A newer version of this crate wrote the file. Nothing was changed; use that version.
    NewerFormat {
        /// The format of the file.
        found: u32,
        /// The newest format that this version reads.
        supported: u32,
    },
    /// The path is not an SQLite file. Nothing was changed. Choose another path.
    NotADatabase(PathBuf),
    /// The path is the SQLite file of another program. Nothing was changed. Choose another path.
    NotAQueue(PathBuf),
    /// The file, or its folder, cannot be written, or the queue was opened by
    /// `Queue::open_read_only`.
    ReadOnly(PathBuf),
    /// The folder of the file does not exist. The queue does not create it, so that you notice a
    /// wrong path.
    NoFolder(PathBuf),
    /// The claim has ended: it was given back or settled before. Somebody else has the callback, or
    /// will get it.
    ClaimLost,
    /// There is no dead letter with this id.
    NotFound,
    /// The callback cannot be stored.
    NotStorable(StorageError),
    /// What is stored is not a callback that this version can read: a newer version wrote it, or it
    /// is damaged.
    Unreadable(StorageError),
    /// The export could not be written.
    Export(StorageError),
    /// The broker does not answer, or refuses. A callback that was being stored may have been
    /// stored.
    Unavailable(StorageError),
    /// A stream or consumer has a setting with which callbacks could be lost or mixed up. The text
    /// names the setting.
    UnsafeSetting(StorageError),
    /// The NATS server is older than the queue needs. Nothing was changed; use a newer one.
    ServerTooOld {
        /// The version of the server.
        found: String,
        /// The lowest version that will do.
        lowest: String,
    },
}

impl QueueError {
    /// The name in `snake_case`, for logs and metric labels.
    pub const fn as_str(&self) -> &'static str {
        match self {
            QueueError::Full => "full",
            QueueError::TooLarge { .. } => "too_large",
            QueueError::TimedOut => "timed_out",
            QueueError::DiskFull => "disk_full",
            QueueError::Storage(_) => "storage",
            QueueError::Poisoned => "poisoned",
            QueueError::Closed => "closed",
            QueueError::Locked(_) => "locked",
            QueueError::Corrupt(_) => "corrupt",
            QueueError::NewerFormat { .. } => "newer_format",
            QueueError::NotADatabase(_) => "not_a_database",
            QueueError::NotAQueue(_) => "not_a_queue",
            QueueError::ReadOnly(_) => "read_only",
            QueueError::NoFolder(_) => "no_folder",
            QueueError::ClaimLost => "claim_lost",
            QueueError::NotFound => "not_found",
            QueueError::NotStorable(_) => "not_storable",
            QueueError::Unreadable(_) => "unreadable",
            QueueError::Export(_) => "export",
            QueueError::Unavailable(_) => "unavailable",
            QueueError::UnsafeSetting(_) => "unsafe_setting",
            QueueError::ServerTooOld { .. } => "server_too_old",
        }
    }

    /// Whether the same call may succeed later on the same queue: the queue or its disk is full, it
    /// was too slow, or the broker is away.
    pub const fn is_temporary(&self) -> bool {
        matches!(
            self,
            QueueError::Full
                | QueueError::TimedOut
                | QueueError::DiskFull
                | QueueError::Unavailable(_)
        )
    }
}

impl fmt::Display for QueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |f: &mut fmt::Formatter<'_>, what: &str, path: &Path| {
            write!(f, "{what}: {}", path.display())
        };
        match self {
            QueueError::Full => f.write_str("the queue is full"),
            QueueError::TooLarge { size, max } => {
                write!(f, "the body has {size} bytes, more than the {max} that the queue takes")
            }
            QueueError::TimedOut => f.write_str("the callback was not stored in time"),
            QueueError::DiskFull => f.write_str("the disk of the queue is full"),
            QueueError::Storage(_) => {
                f.write_str("the queue cannot read or write its store; open it again")
            }
            QueueError::Poisoned => {
                f.write_str("the queue has failed before and must be opened again")
            }
            QueueError::Closed => f.write_str("the queue is closed"),
            QueueError::Locked(path) => at(f, "another process has the queue open", path),
            QueueError::Corrupt(_) => f.write_str(
                "the queue's file is damaged; move it away and recover what can be read",
            ),
            QueueError::NewerFormat { found, supported } => write!(
                f,
                "the queue's file has format {found}, and this version reads up to {supported}; \
                use the newer version"
            ),
            QueueError::NotADatabase(path) => {
                at(f, "not an SQLite file, choose another path", path)
            }
            QueueError::NotAQueue(path) => {
                at(f, "the SQLite file of another program, choose another path", path)
            }
            QueueError::ReadOnly(path) => at(f, "the queue's file cannot be written", path),
            QueueError::NoFolder(path) => {
                at(f, "the folder of the queue's file does not exist", path)
            }
            QueueError::ClaimLost => f.write_str("the claim has ended"),
            QueueError::NotFound => f.write_str("no dead letter with this id"),
            QueueError::NotStorable(_) => f.write_str("the callback cannot be stored"),
            QueueError::Unreadable(_) => f.write_str("the stored callback cannot be read"),
            QueueError::Export(_) => f.write_str("the export could not be written"),
            QueueError::Unavailable(_) => f.write_str("the broker does not answer, or refuses"),
            QueueError::UnsafeSetting(_) => f.write_str("a setting at the broker is not safe"),
            QueueError::ServerTooOld { found, lowest } => write!(
                f,
                "the NATS server has version {found}, and the queue needs {lowest} or newer"
            ),
        }
    }
}

impl Error for QueueError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            QueueError::Storage(error)
            | QueueError::Corrupt(error)
            | QueueError::NotStorable(error)
            | QueueError::Unreadable(error)
            | QueueError::Export(error)
            | QueueError::Unavailable(error)
            | QueueError::UnsafeSetting(error) => Some(error),
            _ => None,
        }
    }
}

/// The error of the store or of the operating system.
#[derive(Clone)]
pub struct StorageError(Arc<dyn Error + Send + Sync>);

impl StorageError {
    /// From a text, or from any error.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        StorageError(error.into().into())
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Error for StorageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
