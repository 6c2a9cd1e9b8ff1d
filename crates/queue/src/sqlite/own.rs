//! The file as this process holds it: no other store has it open, and it is still the file at its
//! path.
//!
//! SQLite locks the file with `fcntl`. The kernel ends such locks when the process closes *any*
//! descriptor of the file. So:
//!
//! - A lock of our own is on `FILE-lock`. It belongs to a descriptor that nobody else has.
//! - Nothing here opens a file that another store of this process has open. A register tells,
//!   before the file is opened.
//! - The descriptor of the file is closed after SQLite's connection.
//! - Other code of the process may still end SQLite's lock, such as a backup that reads the file.
//!   `FILE-lock` keeps other queues out then, but not `sqlite3 FILE`. On Linux each commit asks
//!   whether the lock is there, and the store fails if it is not.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fs4::{FileExt, TryLockError};

use super::head::look_at;
use crate::error::{QueueError, StorageError};

/// What tells one file from another. A path does not: files have several names, and names get other
/// files.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Identity(#[cfg(unix)] (u64, u64), #[cfg(not(unix))] PathBuf);

/// The files that stores of this process have open.
static OPEN: Mutex<BTreeSet<Identity>> = Mutex::new(BTreeSet::new());

fn open_files() -> MutexGuard<'static, BTreeSet<Identity>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The fields are dropped in this order.
pub(super) struct Own {
    /// Without symbolic links.
    pub(super) path: PathBuf,
    pub(super) log: PathBuf,
    pub(super) file: File,
    _lock: Lock,
    registered: Registered,
}

struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // A child process that is just being started has the descriptor, too, and closing this one
        // would not end the lock.
        drop(FileExt::unlock(&self.0));
    }
}

struct Registered(Identity);

impl Drop for Registered {
    fn drop(&mut self) {
        open_files().remove(&self.0);
    }
}

/// An error of the operating system at this path.
fn at(path: &Path) -> impl Fn(io::Error) -> QueueError + '_ {
    move |error| match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            QueueError::ReadOnly(path.to_owned())
        }
        ErrorKind::StorageFull => QueueError::DiskFull,
        _ => QueueError::Storage(StorageError::new(error)),
    }
}

fn failed(text: &str) -> QueueError {
    QueueError::Storage(StorageError::new(text))
}

impl Own {
    /// Takes the file, or creates an empty one. A file that is not a queue, or that another store
    /// has, is left as it is.
    pub(super) fn take(path: &Path) -> Result<Self, QueueError> {
        let real = real_path(path)?;
        let found = find(&real, path)?;
        Own::with(real, path, found)
    }

    /// The same, but creates nothing except the lock beside the file.
    pub(super) fn take_existing(path: &Path) -> Result<Self, QueueError> {
        let real = real_path(path)?;
        match find(&real, path)? {
            None => Err(at(path)(ErrorKind::NotFound.into())),
            found => Own::with(real, path, found),
        }
    }

    fn with(
        real: PathBuf,
        path: &Path,
        found: Option<(File, Registered)>,
    ) -> Result<Self, QueueError> {
        if let Some((file, _)) = &found {
            look_at(file, path)?;
        }
        let lock = lock(&beside(&real, "-lock"), path)?;
        let (file, registered) = match found {
            Some(found) => found,
            None => make(&real, path)?,
        };
        Ok(Own { log: beside(&real, "-wal"), path: real, file, _lock: lock, registered })
    }

    /// The path of the file with a suffix.
    pub(super) fn beside(&self, suffix: &str) -> PathBuf {
        beside(&self.path, suffix)
    }

    /// Fails if the file or its log, of at least these lengths in bytes, is no longer at its path,
    /// or if it is no longer locked. Returns the length of the log.
    pub(super) fn check(&self, log: &Log, length: u64) -> Result<u64, QueueError> {
        there(&self.path, Some(&self.registered.0), length)?;
        let log = there(&self.log, log.identity.as_ref(), log.length)?;
        if self.is_locked() {
            return Ok(log);
        }
        Err(failed(
            "other code of this process opened the queue's file and closed it, which has ended the \
            lock on it",
        ))
    }

    /// The log as it is now.
    pub(super) fn look_at_log(&self) -> Log {
        let found = fs::metadata(&self.log).ok();
        Log { identity: found.map(|found| identity(&self.log, &found)), length: 0 }
    }

    /// The log, to allocate blocks for it. Closing it does no harm: SQLite does not lock it.
    pub(super) fn open_log(&self) -> io::Result<File> {
        OpenOptions::new().write(true).open(&self.log)
    }

    /// Whether SQLite's lock is there, as far as this can be known.
    #[cfg(target_os = "linux")]
    #[allow(clippy::cast_possible_truncation)] // small constants
    fn is_locked(&self) -> bool {
        use nix::fcntl::{FcntlArg, fcntl};
        use nix::libc;

        // The bytes that SQLite locks: one pending, one reserved, and those of readers.
        let mut asked = libc::flock {
            l_type: libc::F_WRLCK as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: 0x4000_0000,
            l_len: 512,
            l_pid: 0,
        };
        // A lock of an open file description is in conflict with the locks of every process, this
        // one included.
        match fcntl(&self.file, FcntlArg::F_OFD_GETLK(&mut asked)) {
            Ok(_) => {
                asked.l_pid.unsigned_abs() == std::process::id()
                    && asked.l_type != libc::F_UNLCK as libc::c_short
            }
            // The kernel or the file system does not know these locks.
            Err(_) => true,
        }
    }

    #[cfg(not(target_os = "linux"))]
    #[allow(clippy::unused_self)]
    fn is_locked(&self) -> bool {
        true
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// What is known of the log.
#[derive(Default)]
pub(super) struct Log {
    identity: Option<Identity>,
    /// It has at least this length.
    pub(super) length: u64,
}

/// Fails if this path does not have this file, of this length at least. Returns its length.
fn there(path: &Path, expected: Option<&Identity>, length: u64) -> Result<u64, QueueError> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Err(failed(
                "the queue's file, or its log, was deleted or moved while it was open",
            ));
        }
        Err(error) => return Err(QueueError::Storage(StorageError::new(error))),
    };
    if expected.is_some_and(|expected| *expected != identity(path, &found)) {
        return Err(failed("the queue's file, or its log, was replaced while it was open"));
    }
    if found.len() < length {
        return Err(failed("the queue's file, or its log, was truncated while it was open"));
    }
    Ok(found.len())
}

/// The path without symbolic links, so that all of them lead to the same lock. The file need not
/// exist, its folder must.
fn real_path(path: &Path) -> Result<PathBuf, QueueError> {
    let missing =
        |error: &io::Error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
    match fs::canonicalize(path) {
        Err(error) if missing(&error) => {}
        other => return other.map_err(at(path)),
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let no_folder = || QueueError::NoFolder(folder.to_owned());
    let real = match fs::canonicalize(folder) {
        Err(error) if missing(&error) => return Err(no_folder()),
        other => other.map_err(at(folder))?,
    };
    match path.file_name() {
        Some(name) if real.is_dir() => Ok(real.join(name)),
        _ => Err(no_folder()),
    }
}

/// Opens and registers the file, if there is one.
fn find(real: &Path, path: &Path) -> Result<Option<(File, Registered)>, QueueError> {
    let mut open = open_files();
    let found = match fs::metadata(real) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(path)(error)),
    };
    if !found.is_file() {
        return Err(QueueError::NotADatabase(path.to_owned()));
    }
    if open.contains(&identity(real, &found)) {
        return Err(QueueError::Locked(path.to_owned()));
    }
    // Writing is tried now: SQLite opens a file that it may only read, and fails later with another
    // error.
    let opened = OpenOptions::new().read(true).write(true).open(real);
    let file = opened.map_err(at(path))?;
    let identity = identity(real, &file.metadata().map_err(at(path))?);
    if !open.insert(identity.clone()) {
        // The file at the path was replaced in between, by one that is open. To close it would end
        // the lock on it.
        std::mem::forget(file);
        return Err(QueueError::Locked(path.to_owned()));
    }
    Ok(Some((file, Registered(identity))))
}

/// Creates and registers an empty file that only its owner can read. SQLite gives its log the same
/// permissions.
fn make(real: &Path, path: &Path) -> Result<(File, Registered), QueueError> {
    let mut open = open_files();
    let file = private().create_new(true).open(real).map_err(at(path))?;
    let identity = identity(real, &file.metadata().map_err(at(path))?);
    open.insert(identity.clone());
    Ok((file, Registered(identity)))
}

/// Locks the file beside the queue's. It is never deleted: a process could wait for the lock on a
/// file that is gone.
fn lock(lock: &Path, path: &Path) -> Result<Lock, QueueError> {
    let opened = private().create(true).truncate(false).open(lock);
    let file = opened.map_err(at(lock))?;
    match FileExt::try_lock(&file) {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(QueueError::Locked(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(at(lock)(error)),
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        options.mode(0o600);
    }
    options
}

#[cfg(unix)]
fn identity(_: &Path, found: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;

    Identity((found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path, _: &Metadata) -> Identity {
    Identity(path.to_owned())
}
