//! The space that is kept on the disk, so that every accepted callback can be completed.
//!
//! A commit writes pages into the log, and later the log is written back into the file. Were there
//! no space for either, no result could be stored, and no callback would ever make space. So blocks
//! are allocated before they are needed (`fallocate`), and these hold:
//!
//! 1. **The log can be written back.** Before each commit, the file has blocks for as many pages as
//!    it has after this commit. SQLite cuts the file to its pages when it has written the log back;
//!    then the log is empty, and the blocks are allocated again before the next commit. So on a
//!    full disk the log can always be written back, after which it begins anew.
//! 2. **The log holds a result.** [`LOG`] bytes of it are allocated from the start, and it is never
//!    cut below that. A completion that is committed by itself writes at most about 120 pages of
//!    the 254 that fit. Each change of a row rewrites a page for each level of its tree, and with
//!    balancing up to five: five levels hold a billion rows, which makes 25 pages a tree. A
//!    completion changes `entry`, its two partial indexes only after a retry, `line`, and `done`:
//!    100 pages when all of them are balanced on all levels, 10 in practice. Freeing overflow pages
//!    writes one page for a thousand of them: a body of 20 KB has five, one of 1 MiB 260. Page 1 is
//!    added. What a commit does besides (forgetting old keys, steps aside, the line) is cut to a
//!    few rows when space is short.
//! 3. **The file has space for results.** A completion deletes a row, but a page of the tree is
//!    free only after all of its rows are gone, or after it is joined with its neighbours. Until
//!    then `done` (46 bytes a row) and `line` (up to 40) may need new pages. So for each row
//!    [`FOR_A_ROW`] bytes are kept, free in the file or allocated behind its end, and
//!    [`FOR_BALANCE`] for the pages that fill only partly. New callbacks leave more, for the errors
//!    of failed ones.
//!
//! What is left: file systems that copy on write (btrfs, ZFS) may need a new block for every page
//! they write, allocated or not. Those without `fallocate`, and systems other than Linux, get
//! arithmetic with the free space instead. In both cases, as when another program takes the space
//! between a cut and the next allocation, a result may find no space. It waits until there is some.

use super::own::{Log, Own};
use crate::error::QueueError;

/// Bytes of a page, as SQLite chooses it.
const PAGE: u64 = 4096;

/// Bytes of a page in the log, with its head; and those of the head of the log.
const FRAME: u64 = PAGE + 24;
const LOG_HEAD: u64 = 32;

/// Bytes of the log that are allocated at all times.
const LOG: u64 = 1 << 20;

/// Bytes that are kept for each row.
const FOR_A_ROW: u64 = 128;

/// Bytes that are kept for pages that are filled only partly.
const FOR_BALANCE: u64 = 256 << 10;

/// Bytes that new callbacks leave for the errors of failed ones, at most.
const FOR_FAILED: u64 = 2 << 20;

/// The number of pages in the log at which it is written back into the file, at most.
const MOST_PAGES: u64 = 4096;

/// The disk that holds the file.
pub(super) struct Disk<'o> {
    /// None in tests that replace the disk.
    own: Option<&'o Own>,
    log: Log,
    /// The file has at least this length, in bytes.
    length: u64,
    /// Blocks are allocated ahead. False where the file system, or the operating system, cannot do
    /// so.
    allocates: bool,
    /// Bytes from the start of the file that have blocks.
    allocated: u64,
    /// The same, without what SQLite cuts off when it has written the log back.
    lasting: u64,
    log_allocated: bool,
    /// Bytes of the log that can be written before it grows.
    log_left: u64,
    /// The log could not be written back for lack of space.
    stuck: bool,
    for_failed: u64,
    log_pages: u64,
}

/// An attempt to allocate blocks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Allocated {
    Yes,
    Full,
    /// This cannot be done here.
    Unsupported,
}

impl<'o> Disk<'o> {
    pub(super) fn new(own: Option<&'o Own>) -> Self {
        // On a small disk, log and reserves take less.
        let total = own.and_then(|own| fs4::total_space(&own.path).ok());
        let part = |divisor: u64| total.map_or(u64::MAX, |total| total / divisor);
        Disk {
            own,
            log: own.map_or_else(Log::default, Own::look_at_log),
            length: 0,
            allocates: own.is_some() && cfg!(target_os = "linux"),
            allocated: 0,
            lasting: 0,
            log_allocated: false,
            log_left: LOG,
            stuck: false,
            for_failed: FOR_FAILED.min(part(16)),
            log_pages: (part(8) / PAGE).clamp(LOG / PAGE, MOST_PAGES),
        }
    }

    /// False in tests that replace the disk.
    pub(super) fn is_real(&self) -> bool {
        self.own.is_some()
    }

    /// The number of the log, to store it in the file.
    pub(super) fn lineage(&self) -> Option<i64> {
        super::lineage::of(&self.own?.log)
    }

    /// The number of pages in the log at which it is written back.
    pub(super) fn log_pages(&self) -> u64 {
        self.log_pages
    }

    /// The log is cut to this size, in bytes, when it begins anew after a large transaction.
    pub(super) fn log_limit(&self) -> u64 {
        self.log_pages * FRAME + LOG
    }

    /// Fails if the file or its log was deleted, replaced, truncated, or is no longer locked.
    /// `frames` is the number of pages in the log, and `left` of those that are to be written back.
    pub(super) fn check(&mut self, frames: u64, left: u64) -> Result<(), QueueError> {
        let Some(own) = self.own else { return Ok(()) };
        self.log.length = if frames == 0 { 0 } else { LOG_HEAD + frames * FRAME };
        let length = own.check(&self.log, self.length)?;
        // If nothing is left, it begins anew.
        let used = if left == 0 { 0 } else { self.log.length };
        self.log_left = length.max(LOG).saturating_sub(used);
        Ok(())
    }

    /// Whether the file has blocks for this many pages, or gets them now.
    pub(super) fn hold(&mut self, pages: u64) -> bool {
        self.extend(pages.saturating_mul(PAGE))
    }

    fn extend(&mut self, end: u64) -> bool {
        let (true, Some(own)) = (self.allocates, self.own) else {
            return true;
        };
        if end <= self.allocated {
            return true;
        }
        // More than is needed, so that this is not done for each commit; if there is no space for
        // that, what is needed.
        let more = end.saturating_add(self.log_pages / 2 * PAGE);
        let ends = [self.has(more).then_some(more), Some(end)];
        for end in ends.into_iter().flatten() {
            match allocate(&own.file, self.allocated, end) {
                Allocated::Yes => {
                    self.allocated = end;
                    return true;
                }
                Allocated::Full => {}
                Allocated::Unsupported => {
                    self.allocates = false;
                    return true;
                }
            }
        }
        false
    }

    /// Whether the disk has the blocks that are missing up to here. To ask is cheap, and to
    /// allocate in vain is not.
    fn has(&self, end: u64) -> bool {
        self.free() >= end.saturating_sub(self.allocated)
    }

    /// Free bytes of the disk. A disk that cannot say it is asked by writing.
    fn free(&self) -> u64 {
        let free = self.own.and_then(|own| fs4::available_space(&own.path).ok());
        free.unwrap_or(u64::MAX)
    }

    /// Allocates what is kept, for a file that was just opened.
    pub(super) fn opened(&mut self, pages: u64, rows: u64) {
        self.allocate_log();
        // Otherwise the file does not have all of its pages yet.
        if !self.stuck {
            self.written_back(Some(pages), rows);
        }
    }

    fn allocate_log(&mut self) -> bool {
        if self.allocates && !self.log_allocated {
            let allocated =
                self.own.and_then(|own| own.open_log().ok()).map(|log| allocate(&log, 0, LOG));
            self.log_allocated = allocated == Some(Allocated::Yes);
            self.allocates = allocated != Some(Allocated::Unsupported);
        }
        self.log_allocated || !self.allocates
    }

    /// The log was written back, and SQLite has cut the file to this many pages; or it was not,
    /// since there was no space.
    pub(super) fn written_back(&mut self, pages: Option<u64>, rows: u64) {
        self.stuck = pages.is_none();
        let Some(pages) = pages else { return };
        self.log_left = self.log_left.max(self.log.length).max(LOG);
        self.length = pages.saturating_mul(PAGE);
        self.allocated = self.lasting;
        // If there is no space, because another program took it, new callbacks are refused until
        // there is.
        let kept = self.extend(self.length.saturating_add(kept(rows)));
        if kept || self.extend(self.length) {
            self.lasting = self.length;
        }
    }

    /// Whether the log could not be written back for lack of space.
    pub(super) fn is_stuck(&self) -> bool {
        self.stuck
    }

    /// The space for writes that take about `wanted` bytes, if the file has `pages` pages once the
    /// log is written back, of which `unused` hold nothing, and `rows` rows.
    pub(super) fn space(&mut self, pages: u64, unused: u64, rows: u64, wanted: u64) -> Space {
        let mut space =
            Space { room: u64::MAX, log: u64::MAX, kept: kept(rows), for_failed: self.for_failed };
        let Some(own) = self.own else { return space };
        let end = pages.saturating_mul(PAGE);
        let unused = unused.saturating_mul(PAGE);
        if self.stuck || !self.allocate_log() {
            space.room = 0;
            return space;
        }
        let needs = (wanted.saturating_add(space.kept).saturating_add(space.for_failed))
            .saturating_sub(unused);
        let needed = end.saturating_add(needs);
        if needed > self.allocated {
            // If there is less, the log needs the other half.
            let half = self.allocated.saturating_add(self.free() / 2);
            self.extend(if self.has(needed) { needed } else { half.min(needed) });
        }
        if self.allocates {
            space.room = self.allocated.saturating_sub(end).saturating_add(unused);
            space.log = self.log_left.saturating_add(self.free());
            return space;
        }
        let length = std::fs::metadata(&own.path).map_or(0, |file| file.len());
        // Both the log and the file may still grow.
        let grows = end.saturating_sub(length).saturating_add(self.log_limit());
        space.room = self.free().saturating_sub(grows).saturating_add(unused);
        space
    }
}

fn kept(rows: u64) -> u64 {
    FOR_BALANCE.saturating_add(rows.saturating_mul(FOR_A_ROW))
}

/// Allocates blocks for this part of the file, without changing its length or what is in it.
#[cfg(target_os = "linux")]
fn allocate(file: &std::fs::File, from: u64, to: u64) -> Allocated {
    use nix::errno::Errno;
    use nix::fcntl::{FallocateFlags, fallocate};

    let (Ok(start), Ok(length)) = (from.try_into(), to.saturating_sub(from).try_into()) else {
        return Allocated::Unsupported;
    };
    loop {
        return match fallocate(file, FallocateFlags::FALLOC_FL_KEEP_SIZE, start, length) {
            Ok(()) => Allocated::Yes,
            Err(Errno::EINTR) => continue,
            Err(
                Errno::EOPNOTSUPP | Errno::ENOSYS | Errno::EINVAL | Errno::ENODEV | Errno::EPERM,
            ) => Allocated::Unsupported,
            Err(_) => Allocated::Full,
        };
    }
}

#[cfg(not(target_os = "linux"))]
fn allocate(_: &std::fs::File, _: u64, _: u64) -> Allocated {
    Allocated::Unsupported
}

/// Bytes that can be written.
#[derive(Clone, Copy)]
pub(super) struct Space {
    /// Into the file.
    room: u64,
    /// Into the log, in one transaction.
    log: u64,
    kept: u64,
    for_failed: u64,
}

impl Space {
    /// What a write of so many bytes takes: its pages, one more of the table, and one of an index.
    pub(super) fn of(bytes: usize) -> u64 {
        bytes as u64 + 2 * PAGE + FOR_A_ROW
    }

    /// Takes the space of a new callback. False if there is not enough.
    pub(super) fn take_new(&mut self, payload: usize) -> bool {
        self.take(payload, self.for_failed)
    }

    /// Takes the space that a failed callback takes on top. False if there is not enough.
    pub(super) fn take_failed(&mut self, growth: usize) -> bool {
        self.take(growth, 0)
    }

    fn take(&mut self, bytes: usize, left: u64) -> bool {
        let taken = Space::of(bytes);
        let (Some(rest), Some(log)) = (self.room.checked_sub(taken), self.log.checked_sub(taken))
        else {
            return false;
        };
        let fits = rest >= self.kept.saturating_add(left);
        if fits {
            (self.room, self.log) = (rest, log);
        }
        fits
    }
}
