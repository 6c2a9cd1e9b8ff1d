//! What the first bytes of the file say.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{QueueError, StorageError};

/// `TIMq` as `PRAGMA application_id`: distinguishes a queue from the files of other programs.
pub(super) const APPLICATION_ID: u32 = 0x5449_4d71;

/// `PRAGMA user_version`: the format that this version writes, and the newest that it reads.
pub(super) const FORMAT: u32 = 1;

/// Checks what can be checked without SQLite, which would repair, lock or write.
pub(super) fn look_at(file: &File, path: &Path) -> Result<(), QueueError> {
    let storage = |error: std::io::Error| QueueError::Storage(StorageError::new(error));
    let mut head = Vec::with_capacity(100);
    file.take(100).read_to_end(&mut head).map_err(storage)?;
    if !head.is_empty() {
        let (Some(magic), Some(id), Some(format)) =
            (head.get(..16), number(&head, 68), number(&head, 60))
        else {
            return Err(QueueError::NotADatabase(path.to_owned()));
        };
        if magic != b"SQLite format 3\0" {
            return Err(QueueError::NotADatabase(path.to_owned()));
        }
        if id != APPLICATION_ID {
            return Err(QueueError::NotAQueue(path.to_owned()));
        }
        if format > FORMAT {
            return Err(QueueError::NewerFormat { found: format, supported: FORMAT });
        }
    }
    // Also checked for the superuser, who could write the file anyway.
    if file.metadata().map_err(storage)?.permissions().readonly() {
        return Err(QueueError::ReadOnly(path.to_owned()));
    }
    Ok(())
}

fn number(head: &[u8], at: usize) -> Option<u32> {
    let bytes = head.get(at..at + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}
