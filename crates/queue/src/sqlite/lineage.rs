//! Whether the log beside the file (`FILE-wal`) is the file's own.
//!
//! SQLite applies any sound log that it finds, also that of another file, and misses none that is
//! gone. So the file says to which log it belongs. The head of a log has a number that goes up by
//! one when the log begins anew, and so does the first of its salts, which is random in the
//! beginning: their difference stays the same for as long as the log lives.
//!
//! 1. Before a log is created, the file says that it has none (`meta.log` is null), with a rollback
//!    journal.
//! 2. Once the log is there, its number is stored, the store is marked as open, and both are
//!    written back into the file. Only then callbacks are accepted.
//!
//! So a file that is marked as open has a log with this number. What this does not tell: the right
//! log of another day, as from a copy of the two files that was made while the store was open.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::own::Own;
use crate::error::{QueueError, StorageError};

/// The number of the log, if there is one.
pub(super) fn of(log: &Path) -> Option<i64> {
    let mut head = [0; 32];
    File::open(log).ok()?.read_exact(&mut head).ok()?;
    let number = |at: usize| Some(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?));
    // The last bit tells the order of bytes in checksums.
    let is_log = number(0)? | 1 == 0x377f_0683;
    let begun = number(12)?;
    is_log.then_some(i64::from(number(16)?.wrapping_sub(begun)))
}

/// Fails if the log is that of another file, and logs an error if the file's own is gone.
pub(super) fn check(own: &Own) -> Result<(), QueueError> {
    // A journal says that the file is not whole before SQLite has rolled it back.
    let is_empty = own.file.metadata().is_ok_and(|file| file.len() == 0);
    if is_empty || own.beside("-journal").exists() {
        return Ok(());
    }
    // What cannot be read here is reported when the file is opened.
    let Some((closed, Some(expected))) = without_log(&own.path) else {
        return Ok(());
    };
    match of(&own.log) {
        Some(found) if found == expected => Ok(()),
        Some(_) => Err(QueueError::Corrupt(StorageError::new(
            "the log beside it (`FILE-wal`) is that of another file, or of another copy of this \
            file; put back the right one, or move it away",
        ))),
        None => {
            if !closed {
                tracing::error!(
                    target: "tencent_im_callback_queue",
                    file = %own.path.display(),
                    "the queue's file was not closed, and its log is missing (`FILE-wal`): unless \
                    another program has written it back, callbacks that were answered OK are lost"
                );
            }
            Ok(())
        }
    }
}

/// Whether the file says that it was closed, and the number of its log, both without regard to a
/// log.
#[cfg(unix)]
fn without_log(path: &Path) -> Option<(bool, Option<i64>)> {
    use std::os::unix::ffi::OsStrExt;

    let escaped = path.as_os_str().as_bytes().iter().map(|byte| format!("%{byte:02x}"));
    let uri = format!("file:{}?immutable=1", escaped.collect::<String>());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(uri, flags).ok()?;
    conn.query_row("SELECT closed, log FROM meta", (), |columns| {
        Ok((columns.get(0)?, columns.get(1)?))
    })
    .ok()
}

#[cfg(not(unix))]
fn without_log(_: &Path) -> Option<(bool, Option<i64>)> {
    None
}

/// Says in the file that it has no log, if there is none.
pub(super) fn prepare(conn: &Connection, own: &Own) -> rusqlite::Result<()> {
    if of(&own.log).is_some() {
        return Ok(());
    }
    conn.execute_batch("PRAGMA journal_mode = delete; PRAGMA synchronous = extra")?;
    conn.execute_batch("UPDATE meta SET log = NULL WHERE log IS NOT NULL")
}
