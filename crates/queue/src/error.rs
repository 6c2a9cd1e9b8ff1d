//! What can go wrong with a queue.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why the queue could not do what it was asked for. Cheap to clone: one failed write answers many callers.
///
/// No text in it quotes a callback.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum QueueError {
    /// The queue holds as many rows or bytes as it may. Callbacks are accepted again once some are handled, or dead letters purged.
    Full,
    /// The body is larger than the queue takes, in **bytes**. Raise [`StoreOptions::max_body`](crate::StoreOptions::max_body).
    TooLarge {
        /// Size of the body, in bytes.
        size: usize,
        /// What the queue takes, in bytes.
        max: usize,
    },
    /// It was not durable in time. The write may still succeed later.
    TimedOut,
    /// The disk is full. Nothing was written; the queue goes on once there is room.
    DiskFull,
    /// Reading or writing failed. From then on the store is [poisoned](Self::Poisoned).
    Storage(StorageError),
    /// An earlier read or write failed, and what is on disk is no longer certain. Open the queue again to go on.
    Poisoned,
    /// The queue was closed.
    Closed,
    /// Another process, or another queue in this one, has the file open. One file takes one process.
    Locked(PathBuf),
    /// The file is damaged. Nothing was changed; move it away, and take what can be read with `sqlite3 FILE .recover`.
    Corrupt(StorageError),
    /// A newer version of this crate wrote the file. Nothing was changed; use that version.
    NewerFormat {
        /// Format of the file.
        found: u32,
        /// The newest format that this version reads.
        supported: u32,
    },
    /// The path names something that is no SQLite file. Nothing was changed; choose another path.
    NotADatabase(PathBuf),
    /// The path names the SQLite file of another program. Nothing was changed; choose another path.
    NotAQueue(PathBuf),
    /// The file, or the folder it is in, cannot be written.
    ReadOnly(PathBuf),
    /// The folder of the file does not exist. It is not made, since a wrong path would go unnoticed.
    NoFolder(PathBuf),
    /// The claim does not hold any more: it was given back, or settled before. Its callback is, or will be, claimed by someone else.
    ClaimLost,
    /// There is no dead letter of this id.
    NotFound,
    /// The callback cannot be stored.
    NotStorable(StorageError),
    /// What is stored cannot be read as a callback: a newer version of this crate wrote it, or it is damaged.
    Unreadable(StorageError),
    /// What was read could not be written where the caller wanted it.
    Export(StorageError),
    /// The broker does not answer, or refuses. A callback that was on its way may have been stored.
    Unavailable(StorageError),
    /// A stream or consumer at the broker is set up so that callbacks could be lost, or mixed up. The text names the setting.
    UnsafeSetting(StorageError),
}

impl QueueError {
    /// Name in `snake_case`, for logs and metric labels.
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
        }
    }

    /// Whether the same call may succeed later on the same queue: it is full, slow, or its disk is, or its broker is away.
    pub const fn is_temporary(&self) -> bool {
        matches!(
            self,
            QueueError::Full | QueueError::TimedOut | QueueError::DiskFull | QueueError::Unavailable(_)
        )
    }
}

impl fmt::Display for QueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |f: &mut fmt::Formatter<'_>, what: &str, path: &Path| write!(f, "{what}: {}", path.display());
        match self {
            QueueError::Full => f.write_str("the queue is full"),
            QueueError::TooLarge { size, max } => {
                write!(
                    f,
                    "a body of {size} bytes is larger than the {max} bytes that the queue takes"
                )
            }
            QueueError::TimedOut => f.write_str("the callback was not durable in time"),
            QueueError::DiskFull => f.write_str("the disk of the queue is full"),
            QueueError::Storage(_) => f.write_str("the queue cannot read or write its store; open it again"),
            QueueError::Poisoned => f.write_str("the queue has failed before and must be opened again"),
            QueueError::Closed => f.write_str("the queue is closed"),
            QueueError::Locked(path) => at(f, "another process has the queue open", path),
            QueueError::Corrupt(_) => {
                f.write_str("the queue's file is damaged; move it away and recover what can be read")
            }
            QueueError::NewerFormat { found, supported } => write!(
                f,
                "the queue's file has format {found}, and this version reads up to {supported}; use the newer version"
            ),
            QueueError::NotADatabase(path) => at(f, "not an SQLite file, choose another path", path),
            QueueError::NotAQueue(path) => at(f, "the SQLite file of another program, choose another path", path),
            QueueError::ReadOnly(path) => at(f, "the queue's file cannot be written", path),
            QueueError::NoFolder(path) => at(f, "the folder of the queue's file does not exist", path),
            QueueError::ClaimLost => f.write_str("the claim does not hold any more"),
            QueueError::NotFound => f.write_str("no dead letter of this id"),
            QueueError::NotStorable(_) => f.write_str("the callback cannot be stored"),
            QueueError::Unreadable(_) => f.write_str("the stored callback cannot be read"),
            QueueError::Export(_) => f.write_str("the export could not be written"),
            QueueError::Unavailable(_) => f.write_str("the broker does not answer, or refuses"),
            QueueError::UnsafeSetting(_) => f.write_str("a setting at the broker is not safe"),
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

/// What the store, or the operating system, said.
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
