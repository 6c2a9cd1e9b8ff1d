//! The space that stays free on the disk, so that every accepted callback can be settled.
//!
//! A callback is written into the log first, and later into the file. If new callbacks could fill the disk, the log could not be written
//! back, no result could be stored, and no callback would ever make space.

use std::path::{Path, PathBuf};

/// Bytes of a page, as SQLite chooses it.
const PAGE: u64 = 4096;

/// Bytes that results may add to the log before it is written back.
const RESULTS: u64 = 4 * 1024 * 1024;

/// Bytes that a callback may add to tables and indexes, besides its payload.
const OVERHEAD: u64 = 4 * PAGE;

/// The disk that holds the file.
pub(super) struct Disk {
    /// None in tests that replace the disk.
    path: Option<PathBuf>,
}

impl Disk {
    pub(super) fn new(path: &Path, is_real: bool) -> Self {
        Disk {
            path: is_real.then(|| std::path::absolute(path).unwrap_or_else(|_| path.to_owned())),
        }
    }

    /// The bytes that new callbacks may take, if the file will have this many pages once the log is written back.
    pub(super) fn room(&self, pages: i64) -> u64 {
        let Some(path) = &self.path else { return u64::MAX };
        // A disk that cannot say it is asked by writing.
        let Ok(free) = fs4::available_space(path) else {
            return u64::MAX;
        };
        let length = std::fs::metadata(path).map_or(0, |file| file.len());
        let grows = pages.unsigned_abs().saturating_mul(PAGE).saturating_sub(length);
        free.saturating_sub(grows).saturating_sub(RESULTS)
    }
}

/// The bytes that a callback takes, in the log and in the file.
pub(super) fn size_of(payload: &str) -> u64 {
    2 * (payload.len() as u64 + OVERHEAD)
}
