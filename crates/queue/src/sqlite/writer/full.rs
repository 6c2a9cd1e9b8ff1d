//! Writing while there is little space on the disk, or none.

use std::collections::HashSet;
use std::time::Duration;

use tencent_im_callback::DedupKey;

use super::super::disk::Space;
use super::{How, Write, Writer, fail_all};
use crate::error::QueueError;
use crate::store::Entry;

impl Writer<'_> {
    /// New callbacks leave space for those that fail, and those that fail leave space for completions.
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
        // The log may take more of the disk than it needs.
        let truncated = self.s.truncate.query_row((), |_| Ok(()));
        self.written_back(truncated);
        let refused = self.without_space(writes);
        let mut number = 0;
        let refused = writes.extract_if(.., |_| {
            number += 1;
            refused.contains(&(number - 1))
        });
        refused.for_each(|write| write.fail(&QueueError::DiskFull));
    }

    fn space(&mut self) -> Option<Space> {
        let pages = |columns: &rusqlite::Row<'_>, at: usize| columns.get::<_, i64>(at).map(i64::unsigned_abs);
        let pages = |columns: &rusqlite::Row<'_>| Ok((pages(columns, 0)?, pages(columns, 1)?));
        let (pages, unused) = self.s.pages.query_row((), pages).ok()?;
        Some(self.disk.space(pages, unused))
    }

    /// The places of the writes for which there is not enough space.
    fn without_space(&mut self, writes: &[Write]) -> HashSet<usize> {
        let mut refused = HashSet::new();
        let Some(mut space) = self.space() else {
            return refused;
        };
        for (place, write) in writes.iter().enumerate() {
            let fits = match write {
                Write::Append(append) => space.take_new(append.entry.payload.len()) || self.is_known(&append.entry),
                Write::Settle(settle) => match &settle.how {
                    How::Complete => true,
                    How::Retry(error, _) => space.take_failed(error.len()),
                    How::Bury(error, _) => {
                        let held = self.claims.get(settle.claim).map(|(_, held)| held.size);
                        let size = held.and_then(|size| usize::try_from(size).ok()).unwrap_or(0);
                        space.take_failed(size.saturating_add(error.len()))
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

    /// The log begins anew once it is written back, and takes the results without growing. If it is too small for all of them, each is
    /// written by itself.
    pub(super) fn write_on_a_full_disk(&mut self, writes: Vec<Write>, now: i64) {
        let Err(mut writes) = self.write_back_and_try(writes, now) else {
            return;
        };
        while !writes.is_empty() {
            let rest = writes.split_off(1);
            match self.write_back_and_try(writes, now) {
                Ok(()) => writes = rest,
                Err(first) => {
                    fail_all(first, &QueueError::DiskFull);
                    fail_all(rest, &QueueError::DiskFull);
                    // Timers that are due would be tried again at once, and fail again.
                    std::thread::sleep(Duration::from_millis(10));
                    return;
                }
            }
        }
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
}
