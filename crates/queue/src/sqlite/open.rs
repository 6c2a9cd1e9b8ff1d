//! Opens the file, and finds out what is wrong with it.

use std::fs;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::head::{APPLICATION_ID, FORMAT};
use super::own::Own;
use super::{Place, lineage, schema};
use crate::error::{QueueError, StorageError};

/// Files of up to this size, in bytes, are checked completely when they are opened. This reads the
/// whole file: about a second per GiB.
const CHECKED_SIZE: u64 = 256 << 20;

/// The size of SQLite's page cache, in KiB.
pub(super) const CACHE_SIZE: &str = "PRAGMA cache_size = -32768";

/// The settings of the connection, with what SQLite then says of them.
const PRAGMAS: [(&str, &str, &str); 7] = [
    ("journal_mode", "wal", "wal"),
    ("synchronous", "full", "2"),
    // For macOS, where `fsync` leaves the data in the cache of the disk.
    ("fullfsync", "on", "1"),
    ("checkpoint_fullfsync", "on", "1"),
    // The writer does it after the callers have their answers, where its errors are noticed.
    ("wal_autocheckpoint", "0", "0"),
    ("cell_size_check", "on", "1"),
    ("trusted_schema", "off", "0"),
];

/// Maps an error of SQLite to an error of the queue.
pub(super) fn failed(error: rusqlite::Error) -> QueueError {
    let code = error.sqlite_error_code();
    let storage = StorageError::new(error);
    match code {
        Some(ErrorCode::DiskFull) => QueueError::DiskFull,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => QueueError::Corrupt(storage),
        _ => QueueError::Storage(storage),
    }
}

/// The same while the file is being opened, where the cause can be stated more exactly.
fn not_opened(path: &Path) -> impl Fn(rusqlite::Error) -> QueueError + '_ {
    move |error| match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            QueueError::Locked(path.to_owned())
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            QueueError::ReadOnly(path.to_owned())
        }
        _ => failed(error),
    }
}

/// A connection on which nothing was written yet, and what the file says of itself.
struct Begun {
    conn: Connection,
    application: u32,
    tables: u32,
}

const KEEP_LOG: DbConfig = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;

fn begin(path: &Path, own: Option<&Own>, place: Place) -> Result<Begun, QueueError> {
    let conn = connect(path, place.vfs)?;
    let failed = not_opened(path);
    conn.busy_timeout(std::time::Duration::ZERO).map_err(&failed)?;
    // Before the first access: so SQLite uses no shared memory, and no other process can come in
    // between.
    set(&conn, "locking_mode", "exclusive", "exclusive").map_err(&failed)?;
    // A file that is refused is left as it is, and so is its log.
    conn.set_db_config(KEEP_LOG, true).map_err(&failed)?;
    let application =
        conn.query_row("PRAGMA application_id", (), |row| row.get(0)).map_err(&failed)?;
    let tables = conn
        .query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))
        .map_err(&failed)?;
    // SQLite has read the log by now, and written nothing.
    if let Some(own) = own {
        lineage::check(own)?;
    }
    if conn.is_readonly("main").map_err(&failed)? {
        return Err(QueueError::ReadOnly(path.to_owned()));
    }
    Ok(Begun { conn, application, tables })
}

/// Opens the file, and creates the tables in an empty one. A file of another program is not
/// changed.
pub(super) fn open(path: &Path, own: Option<&Own>, place: Place) -> Result<Connection, QueueError> {
    let Begun { conn, application, tables } = begin(path, own, place)?;
    let failed = not_opened(path);
    match (application, tables) {
        (APPLICATION_ID, 1..) => check(&conn, path)?,
        // With a rollback journal, so that a reader after a crash finds either an empty file or the
        // complete id.
        (0 | APPLICATION_ID, 0) => create(&conn).map_err(&failed)?,
        _ => return Err(QueueError::NotAQueue(path.to_owned())),
    }
    if let Some(own) = own {
        lineage::prepare(&conn, own).map_err(&failed)?;
    }
    for (pragma, value, expected) in PRAGMAS {
        set(&conn, pragma, value, expected).map_err(&failed)?;
    }
    if let Some(pages) = place.pages {
        let pages = pages.to_string();
        set(&conn, "max_page_count", &pages, &pages).map_err(&failed)?;
    }
    conn.execute_batch(CACHE_SIZE).map_err(&failed)?;
    // Takes the write lock now, not at the first callback.
    conn.execute_batch("BEGIN IMMEDIATE; COMMIT").map_err(&failed)?;
    conn.set_db_config(KEEP_LOG, false).map_err(&failed)?;
    Ok(conn)
}

/// Opens the file to read it. The file and its log stay as they are, also after a crash.
pub(super) fn open_read_only(own: &Own) -> Result<Connection, QueueError> {
    let path = &own.path;
    if own.beside("-journal").exists() {
        return Err(QueueError::Storage(StorageError::new(
            "a process has ended in the middle of a change (`FILE-journal`); open the queue to \
            write, which undoes it",
        )));
    }
    // SQLite creates an empty log where there is none. It deletes that one when it closes the file.
    let keep = own.log.exists();
    let Begun { conn, application, tables } = begin(path, Some(own), Place::default())?;
    if (application, tables == 0) != (APPLICATION_ID, false) {
        return Err(QueueError::NotAQueue(path.clone()));
    }
    check(&conn, path)?;
    let failed = not_opened(path);
    set(&conn, "query_only", "on", "1").map_err(&failed)?;
    conn.set_db_config(KEEP_LOG, keep).map_err(&failed)?;
    Ok(conn)
}

/// Sets a pragma and reads it back, since SQLite ignores unknown pragmas and values it cannot
/// apply.
fn set(conn: &Connection, pragma: &str, value: &str, expected: &str) -> rusqlite::Result<()> {
    conn.execute_batch(&format!("PRAGMA {pragma} = {value}"))?;
    let found: rusqlite::types::Value =
        conn.query_row(&format!("PRAGMA {pragma}"), (), |row| row.get(0))?;
    let found = match found {
        rusqlite::types::Value::Integer(number) => number.to_string(),
        rusqlite::types::Value::Text(text) => text,
        other => format!("{other:?}"),
    };
    if found == expected {
        Ok(())
    } else {
        let refused = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ERROR);
        let text = format!("{pragma} is {found} and must be {expected}");
        Err(rusqlite::Error::SqliteFailure(refused, Some(text)))
    }
}

fn connect(path: &Path, vfs: Option<&str>) -> Result<Connection, QueueError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    match vfs {
        // SQLite gives some names a special meaning, such as `:memory:` and `file:…?mode=memory`.
        // This path is absolute.
        None => Connection::open_with_flags(path, flags),
        Some(vfs) => {
            Connection::open_with_flags_and_vfs(path, flags | OpenFlags::SQLITE_OPEN_CREATE, vfs)
        }
    }
    .map_err(not_opened(path))
}

fn create(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch(
        "PRAGMA journal_mode = delete; PRAGMA synchronous = extra; BEGIN EXCLUSIVE",
    )?;
    conn.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT}"
    ))?;
    conn.execute_batch(schema::CREATE)?;
    conn.execute_batch("COMMIT")
}

/// Whether this version reads the format, and the file is intact, as far as a short check can tell.
fn check(conn: &Connection, path: &Path) -> Result<(), QueueError> {
    let format: u32 =
        conn.query_row("PRAGMA user_version", (), |row| row.get(0)).map_err(not_opened(path))?;
    if format > FORMAT {
        return Err(QueueError::NewerFormat { found: format, supported: FORMAT });
    }
    let size = fs::metadata(path).map_or(0, |found| found.len());
    if size > CHECKED_SIZE {
        return Ok(());
    }
    let found: String =
        conn.query_row("PRAGMA quick_check(1)", (), |row| row.get(0)).map_err(not_opened(path))?;
    if found == "ok" {
        return Ok(());
    }
    Err(QueueError::Corrupt(StorageError::new(found)))
}
