//! Writing while there is little space on the disk, or none.

use std::collections::HashSet;
use std::time::Duration;

use tencent_im_callback::DedupKey;

use super::super::disk::Space;
use super::super::inbox::How;
use super::super::open::failed;
use super::transaction::{Write, fail_all};
use super::{CHUNK, Log, Pages, Writer};
use crate::error::QueueError;
use crate::store::Entry;

/// The same as [`CHUNK`] while there is no space.
const FEW: usize = 8;

impl Writer<'_> {
    /// New callbacks leave space for those that fail, and those that fail leave space for
    /// completions.
    pub(super) fn refuse_without_space(&mut self, writes: &mut Vec<Write>) {
        let grows = |write: &Write| match write {
            Write::Append(_) => true,
            Write::Settle(settle) => !matches!(settle.how, How::Complete),
            Write::Requeue(..) | Write::Purge(_) => false,
        };
        if !writes.iter().any(grows) {
            return;
        }
        if self.without_space(writes).is_empty() {
            return;
        }
        // Space in the file that was freed counts once the log is written back.
        self.write_back(1);
        let refused = self.without_space(writes);
        let mut number = 0;
        let refused = writes.extract_if(.., |_| {
            number += 1;
            refused.contains(&(number - 1))
        });
        refused.for_each(|write| write.fail(&QueueError::DiskFull));
    }

    /// Asks for the size of the log. SQLite compiles a `PRAGMA` anew each time it runs, so it is
    /// asked only after the log has changed.
    pub(super) fn measure_log(&mut self) -> rusqlite::Result<()> {
        self.log = self.s.frames.query_row((), |columns| {
            let (frames, done): (i64, i64) = (columns.get(1)?, columns.get(2)?);
            // -1 if there is no log.
            let number = |number: i64| u64::try_from(number).unwrap_or(0);
            Ok(Log { frames: number(frames), left: number(frames - done) })
        })?;
        Ok(())
    }

    /// The size of the file, within a transaction or after it.
    pub(super) fn measure_file(&mut self) -> rusqlite::Result<Pages> {
        let number = |columns: &rusqlite::Row<'_>| columns.get::<_, i64>(0).map(i64::unsigned_abs);
        let all = self.s.page_count.query_row((), number)?;
        Ok(Pages { all, unused: self.s.freelist_count.query_row((), number)? })
    }

    /// The places of the writes for which there is not enough space.
    fn without_space(&mut self, writes: &[Write]) -> HashSet<usize> {
        let mut refused = HashSet::new();
        let wanted = writes.iter().map(|write| match write {
            Write::Append(append) => Space::of(append.entry.payload.len()),
            _ => 0,
        });
        let Pages { all, unused } = self.pages;
        let mut space = self.disk.space(all, unused, self.numbers.rows(), wanted.sum());
        for (place, write) in writes.iter().enumerate() {
            let fits = match write {
                Write::Append(append) => {
                    space.take_new(append.entry.payload.len()) || self.is_known(&append.entry)
                }
                Write::Settle(settle) => match &settle.how {
                    How::Complete => true,
                    How::Retry(error, _) => space.take_failed(error.len()),
                    how @ How::Bury { error, .. } => {
                        let held = self.claims.get(settle.claim).map(|(_, held)| held.size);
                        let held = held.unwrap_or(0);
                        let size = usize::try_from(held).unwrap_or(0);
                        // What is dropped makes space.
                        how.is_dropped(held, &self.numbers, &self.options)
                            || space.take_failed(size.saturating_add(error.len()))
                    }
                },
                Write::Requeue(..) | Write::Purge(_) => true,
            };
            if !fits {
                refused.insert(place);
            }
        }
        refused
    }

    /// Whether it is a duplicate, which takes no space.
    fn is_known(&mut self, entry: &Entry) -> bool {
        let key = entry.dedup_key.as_ref().map(DedupKey::as_bytes);
        key.is_some_and(|key| matches!(self.seen.find(&mut self.s, key), Ok(Some(_))))
    }

    /// The log begins anew once it is written back, and takes the results without growing. If it is
    /// too small for all of them, each is written by itself.
    pub(super) fn write_on_a_full_disk(&mut self, writes: Vec<Write>, now: i64) {
        let Err(mut writes) = self.write_back_and_try(writes, now) else {
            return;
        };
        self.chunk = FEW;
        loop {
            let rest = writes.split_off(writes.len().min(1));
            if let Err(first) = self.write_back_and_try(writes, now) {
                fail_all(first, &QueueError::DiskFull);
                fail_all(rest, &QueueError::DiskFull);
                // Timers that are due would be tried again at once, and fail again.
                std::thread::sleep(Duration::from_millis(10));
                break;
            }
            if rest.is_empty() {
                break;
            }
            writes = rest;
        }
        self.chunk = CHUNK;
    }

    /// The writes again if the disk is too full for them.
    fn write_back_and_try(&mut self, writes: Vec<Write>, now: i64) -> Result<(), Vec<Write>> {
        self.write_back(1);
        let Some(writes) = self.unless_broken(writes) else {
            return Ok(());
        };
        match self.transaction(&writes, now) {
            Ok(scratch) => self.committed(writes, scratch),
            Err(QueueError::DiskFull) => return Err(writes),
            Err(error) => self.give_up(&error, writes),
        }
        Ok(())
    }

    /// Writes the log back into the file if it has this many pages.
    pub(super) fn write_back(&mut self, pages: u64) {
        if self.broken.is_some() {
            return;
        }
        let left = self.log.left;
        if left < pages && (left == 0 || !self.disk.is_stuck()) {
            return;
        }
        let result = self.s.checkpoint.query_row((), |_| Ok(()));
        // Also after a failure: a part of the log may be written back.
        let measured = self.measure_log();
        let rows = self.numbers.rows();
        match result.and(measured).map_err(failed) {
            Ok(()) => self.disk.written_back(Some(self.pages.all), rows),
            // The log stays, and is written back when there is space. Until then nothing is
            // accepted.
            Err(error @ QueueError::DiskFull) => {
                if !self.disk.is_stuck() {
                    let text = "the log of the queue cannot be written back";
                    tracing::error!(target: "tencent_im_callback_queue", %error, "{text}");
                }
                self.disk.written_back(None, rows);
            }
            // A failed sync of the file is as bad as one of the log.
            Err(error) => self.give_up(&error, Vec::new()),
        }
    }
}
