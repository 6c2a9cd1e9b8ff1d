//! One transaction: its writes, the commit, and the answers after it.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use super::super::inbox::{Answer, Append, Purge, Settle};
use super::super::open::failed;
use super::Writer;
use super::numbers::Numbers;
use crate::delivery::DeliveryId;
use crate::error::QueueError;
use crate::options::millis;
use crate::store::Appended;

/// A write of a transaction, in a form that can be repeated.
pub(super) enum Write {
    Append(Append),
    Settle(Settle),
    Requeue(DeliveryId, Answer<()>),
    Purge(Purge),
}

pub(super) fn fail_all(writes: Vec<Write>, error: &QueueError) {
    for write in writes {
        write.fail(error);
    }
}

impl Write {
    pub(super) fn fail(self, error: &QueueError) {
        let error = error.clone();
        match self {
            Write::Append(append) => drop(append.answer.send(Err(error))),
            Write::Settle(settle) => drop(settle.answer.send(Err(error))),
            Write::Requeue(_, answer) => drop(answer.send(Err(error))),
            Write::Purge(purge) => drop(purge.answer.send(Err(error))),
        }
    }
}

/// The result of a write, reported after the commit.
pub(super) enum Outcome {
    Appended(Appended),
    /// The store is full: the callback waits.
    NoRoom,
    Done,
    /// It was to be buried, and is gone.
    Dropped,
    Purged {
        last: Option<i64>,
        count: u64,
    },
    Failed(QueueError),
}

/// The changes in memory that are made after the commit.
pub(super) enum Effect {
    Free(i64),
    Unblock(i64),
    Due(i64),
}

/// The results of the current transaction so far.
pub(super) struct Scratch {
    pub(super) numbers: Numbers,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) effects: Vec<Effect>,
    /// Rows whose claims end with this transaction.
    pub(super) settled: HashSet<i64>,
    /// Skipped rows that are in the table now.
    pub(super) lined_up: usize,
}

impl Writer<'_> {
    /// The writes, if the store can be written. Otherwise they fail.
    pub(super) fn unless_broken(&self, writes: Vec<Write>) -> Option<Vec<Write>> {
        let Some(error) = &self.broken else {
            return Some(writes);
        };
        fail_all(writes, &error.clone());
        None
    }

    pub(super) fn write(&mut self, writes: Vec<Write>) {
        let Some(mut writes) = self.unless_broken(writes) else {
            return;
        };
        let now = self.clock.now();
        let aside = self.numbers.next_aside.is_some_and(|at| at <= now);
        let window = millis(self.options.dedup_window);
        let expired = self.numbers.oldest_done.is_some_and(|at| at.saturating_add(window) <= now);
        if writes.is_empty() && !aside && !expired && self.claims.passed.is_empty() {
            return;
        }
        self.refuse_without_space(&mut writes);
        let Some(mut writes) = self.unless_broken(writes) else {
            return;
        };
        let error = match self.transaction(&writes, now) {
            Ok(scratch) => return self.committed(writes, scratch),
            Err(error) => error,
        };
        if !matches!(error, QueueError::DiskFull) {
            return self.give_up(&error, writes);
        }
        // Settling makes space, and must not fail because of new callbacks.
        let appends = writes.extract_if(.., |write| matches!(write, Write::Append(_)));
        appends.for_each(|append| append.fail(&error));
        self.write_on_a_full_disk(writes, now);
    }

    /// Runs one transaction. If it fails, nothing has changed, unless the file itself is no longer
    /// ours.
    pub(super) fn transaction(
        &mut self,
        writes: &[Write],
        now: i64,
    ) -> Result<Scratch, QueueError> {
        self.check()?;
        let mut scratch = Scratch {
            numbers: self.numbers,
            outcomes: Vec::with_capacity(writes.len()),
            effects: Vec::new(),
            settled: HashSet::new(),
            lined_up: 0,
        };
        let result = self.apply_all(writes, now, &mut scratch).map_err(failed);
        if result.is_err() && !self.conn.is_autocommit() {
            // After some errors SQLite has already rolled back.
            self.s.rollback.execute(()).map_err(failed)?;
        }
        if result.is_err() {
            self.seen.rolled_back(&mut self.s).map_err(failed)?;
        }
        let measured = self.measure_log().map_err(failed);
        result?;
        measured?;
        // What is answered OK is in the file that the next process opens.
        self.check()?;
        Ok(scratch)
    }

    /// Fails if the file was deleted, replaced or truncated, or is no longer locked.
    fn check(&mut self) -> Result<(), QueueError> {
        self.disk.check(self.log.frames, self.log.left)
    }

    fn apply_all(
        &mut self,
        writes: &[Write],
        now: i64,
        scratch: &mut Scratch,
    ) -> rusqlite::Result<()> {
        self.s.begin.execute(())?;
        for (key, row) in self.claims.passed.iter().take(self.chunk) {
            self.s.line_up.execute([key, row])?;
            scratch.lined_up += 1;
        }
        if scratch.numbers.next_aside.is_some_and(|at| at <= now) {
            self.step_aside(now, scratch)?;
        }
        for write in writes {
            let outcome = match write {
                Write::Append(append) => self.append(&append.entry, now, scratch)?,
                Write::Settle(settle) => self.settle(settle, now, scratch)?,
                Write::Requeue(id, _) => self.requeue(*id, now, scratch)?,
                Write::Purge(purge) => self.purge(purge, now, scratch)?,
            };
            scratch.outcomes.push(outcome);
        }
        // Twice as many as can be added, so that forgetting never falls behind.
        self.forget(now, writes.len().saturating_mul(2).max(self.chunk), scratch)?;
        let numbers = &mut scratch.numbers;
        if numbers.next_id > numbers.reserved || !numbers.opened {
            numbers.reserve(&mut self.s)?;
        }
        // From now on, the log can be written back: see the first rule in `disk`.
        let pages = self.measure_file()?;
        if !self.disk.hold(pages.all) {
            let full = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
            return Err(rusqlite::Error::SqliteFailure(full, None));
        }
        self.s.commit.execute(())?;
        self.pages = pages;
        self.shared.commits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// The transaction is on disk: now the callers are answered.
    pub(super) fn committed(&mut self, writes: Vec<Write>, scratch: Scratch) {
        let (before, after) = (&self.numbers, &scratch.numbers);
        let accepted = after.stats.accepted != before.stats.accepted;
        self.look |= accepted || !scratch.effects.is_empty();
        self.room |= after.rows() < before.rows() || after.stats.bytes < before.stats.bytes;
        self.numbers = scratch.numbers;
        self.claims.passed.drain(..scratch.lined_up);
        for (write, outcome) in writes.into_iter().zip(scratch.outcomes) {
            match (write, outcome) {
                (Write::Append(append), Outcome::NoRoom) => self.parked.push_back(append),
                (Write::Append(append), Outcome::Appended(appended)) => {
                    drop(append.answer.send(Ok(appended)));
                }
                (Write::Settle(settle), Outcome::Done) => drop(settle.answer.send(Ok(true))),
                (Write::Settle(settle), Outcome::Dropped) => drop(settle.answer.send(Ok(false))),
                (Write::Requeue(_, answer), Outcome::Done) => drop(answer.send(Ok(()))),
                (Write::Purge(mut purge), Outcome::Purged { last, count }) => {
                    purge.purged += count;
                    match last {
                        Some(last) => {
                            purge.after = last;
                            self.purges.push_back(purge);
                        }
                        None => drop(purge.answer.send(Ok(purge.purged))),
                    }
                }
                (write, Outcome::Failed(error)) => write.fail(&error),
                (write, _) => write.fail(&QueueError::Poisoned),
            }
        }
        if let Err(error) = self.seen.committed(&mut self.s) {
            return self.give_up(&failed(error), Vec::new());
        }
        let failed_rows = self.numbers.stats.retrying > 0;
        for effect in scratch.effects {
            let done = match effect {
                Effect::Free(row) => self.claims.free(&mut self.s, row, failed_rows),
                Effect::Unblock(key) => self.claims.unblock(&mut self.s, key),
                Effect::Due(at) => {
                    self.claims.due_at(at);
                    Ok(())
                }
            };
            if let Err(error) = done {
                return self.give_up(&failed(error), Vec::new());
            }
        }
    }
}
