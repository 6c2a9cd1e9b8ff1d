//! The space that stays free on the disk, so that every accepted callback can be completed.
//!
//! A callback is written into the log first, and later into the file. If new callbacks, or errors of failed ones, could fill the disk, the
//! log could not be written back, no result could be stored, and no callback would ever make space.

use std::path::{Path, PathBuf};

/// Bytes of a page, as SQLite chooses it.
const PAGE: u64 = 4096;

/// Bytes that are kept from new callbacks, for failed ones.
const FOR_FAILED: u64 = 4 * 1024 * 1024;

/// Bytes of these that are kept from failed callbacks, for completions.
const FOR_COMPLETED: u64 = 2 * 1024 * 1024;

/// Bytes of the disk that are kept for the log of completions. Space in the file is no use to it.
const FOR_THE_LOG: u64 = 1024 * 1024;

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

    /// The space for new rows, if the file has `pages` pages once the log is written back, of which `unused` hold nothing.
    pub(super) fn space(&self, pages: u64, unused: u64) -> Space {
        let Some(path) = &self.path else {
            return Space::UNKNOWN;
        };
        // A disk that cannot say it is asked by writing.
        let Ok(free) = fs4::available_space(path) else {
            return Space::UNKNOWN;
        };
        let length = std::fs::metadata(path).map_or(0, |file| file.len());
        let grows = pages.saturating_mul(PAGE).saturating_sub(length);
        Space {
            disk: free.saturating_sub(grows),
            file: unused.saturating_mul(PAGE),
            taken: 0,
        }
    }
}

/// Bytes that can be written.
#[derive(Clone, Copy)]
pub(super) struct Space {
    /// On the disk, for the log and the file.
    disk: u64,
    /// In the file.
    file: u64,
    /// By the writes so far: once in the log, and once in the file.
    taken: u64,
}

impl Space {
    const UNKNOWN: Space = Space {
        disk: u64::MAX,
        file: 0,
        taken: 0,
    };

    /// Takes the space of a new callback. False if there is not enough.
    pub(super) fn take_new(&mut self, payload: usize) -> bool {
        self.take(payload, FOR_FAILED)
    }

    /// Takes the space that a failed callback takes on top. False if there is not enough.
    pub(super) fn take_failed(&mut self, growth: usize) -> bool {
        self.take(growth, FOR_COMPLETED)
    }

    fn take(&mut self, bytes: usize, kept: u64) -> bool {
        // A page of the table, and one of an index.
        let taken = self.taken + bytes as u64 + 2 * PAGE;
        let log = self.disk.checked_sub(taken);
        let fits = log.is_some_and(|rest| rest >= FOR_THE_LOG && rest.saturating_add(self.file) >= taken + kept);
        if fits {
            self.taken = taken;
        }
        fits
    }
}
