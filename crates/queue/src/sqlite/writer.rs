//! The one thread that owns the connection.
//!
//! It takes all waiting requests from its inbox, makes all writes in one transaction, commits, and
//! then answers. So under load many callers share one sync of the disk, and an idle queue commits
//! at once.

mod full;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, params};
use tencent_im_callback::{DedupKey, HandlerError, OrderKey};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::claims::{Claims, key, key_number, optional_text};
use super::disk::Disk;
use super::inbox::{Handed, Shared};
use super::open::failed;
use super::schema::Statements;
use super::seen::{Digest, Seen};
use crate::delivery::DeliveryId;
use crate::error::QueueError;
use crate::options::{Clock, StoreOptions, from_millis, millis};
use crate::store::{Appended, Claim, DeadReason, Death, Entry, Filter, Record, Stats, bounded};

pub(super) type Answer<T> = oneshot::Sender<Result<T, QueueError>>;

/// The number of rows that one transaction purges or takes out of their order before other requests
/// get their turn.
const CHUNK: usize = 1000;

/// The number of ids that are reserved at a time. After a crash, the reserved ids that were not
/// used are skipped.
const RESERVE: i64 = 10_000;

/// The longest sleep. A clock that jumped is noticed after this time at the latest.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// A request to the store.
pub(super) enum Op {
    Append(Append),
    Settle(Settle),
    Requeue(DeliveryId, Answer<()>),
    Purge(Purge),
    Release(Claim),
    Extend(Claim, Answer<()>),
    Claim(PendingClaim),
    Stats(Answer<Stats>),
    List(Filter, Option<DeliveryId>, usize, Answer<Vec<Record>>),
    Close(Answer<()>),
}

pub(super) struct Append {
    pub(super) entry: Entry,
    pub(super) answer: Answer<Appended>,
    /// The permit to wait in the inbox.
    pub(super) place: Option<OwnedSemaphorePermit>,
}

pub(super) struct Settle {
    pub(super) claim: Claim,
    pub(super) how: How,
    /// Whether it was settled like this, and not dropped.
    pub(super) answer: Answer<bool>,
}

pub(super) enum How {
    Complete,
    Retry(String, Duration),
    Bury {
        error: String,
        reason: DeadReason,
        /// Only if there is room for unreadable ones of unsigned apps.
        unsigned: bool,
    },
}

pub(super) struct Purge {
    pub(super) filter: Filter,
    pub(super) answer: Answer<u64>,
    pub(super) after: i64,
    pub(super) purged: u64,
}

pub(super) struct PendingClaim {
    pub(super) max: usize,
    /// Answer at once, even if there is nothing to claim.
    pub(super) now: bool,
    pub(super) answer: Answer<Handed>,
}

/// A write of a transaction, in a form that can be repeated.
enum Write {
    Append(Append),
    Settle(Settle),
    Requeue(DeliveryId, Answer<()>),
    Purge(Purge),
}

/// The result of a write, reported after the commit.
enum Outcome {
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
enum Effect {
    Free(i64),
    Unblock(i64),
    Due(i64),
}

/// The numbers that are reported.
#[derive(Clone, Copy)]
struct Meta {
    next_id: i64,
    waiting: u64,
    retrying: u64,
    dead: u64,
    bytes: u64,
    unreadable: u64,
    unreadable_bytes: u64,
}

/// The results of the current transaction so far.
struct Scratch {
    meta: Meta,
    outcomes: Vec<Outcome>,
    effects: Vec<Effect>,
    /// Rows whose claims end with this transaction.
    settled: HashSet<i64>,
    reserved: i64,
    oldest_done: Option<i64>,
    next_aside: Option<i64>,
    /// Skipped rows that are in the table now.
    lined_up: usize,
    counts: Stats,
}

/// The pages of the file, and of those the ones that hold nothing.
#[derive(Clone, Copy, Default)]
struct Pages {
    all: u64,
    unused: u64,
}

/// The pages in the log, and of those the ones that are to be written back.
#[derive(Clone, Copy, Default)]
struct Log {
    frames: u64,
    left: u64,
}

pub(super) struct Writer<'c> {
    conn: &'c Connection,
    s: Statements<'c>,
    disk: Disk<'c>,
    /// As of the last commit.
    pages: Pages,
    /// As of the last commit, or since the log was last written back.
    log: Log,
    /// How many rows a transaction changes besides those it was asked to.
    chunk: usize,
    shared: Arc<Shared>,
    options: StoreOptions,
    clock: Clock,
    meta: Meta,
    /// Ids up to this one may be used without writing to the file.
    reserved: i64,
    /// The file says that its counts are not valid.
    opened: bool,
    claims: Claims,
    seen: Seen,
    /// When the oldest remembered key was handled, if any key is remembered.
    oldest_done: Option<i64>,
    /// When the next row stops blocking its key.
    next_aside: Option<i64>,
    /// Callbacks that wait for space.
    parked: VecDeque<Append>,
    /// There is more space than when they were last tried.
    room: bool,
    purges: VecDeque<Purge>,
    waiting: VecDeque<PendingClaim>,
    counts: Stats,
    broken: Option<QueueError>,
    /// There may be a row to claim that was not read yet.
    look: bool,
}

impl<'c> Writer<'c> {
    pub(super) fn new(
        conn: &'c Connection,
        disk: Disk<'c>,
        shared: Arc<Shared>,
        options: StoreOptions,
    ) -> Result<Self, QueueError> {
        let mut s = Statements::prepare(conn).map_err(failed)?;
        let limit = format!("PRAGMA journal_size_limit = {}", disk.log_limit());
        conn.execute_batch(&limit).map_err(failed)?;
        let mut clock = Clock::new(&options);
        let now = clock.now();
        let (store, was_closed, logged, meta) = read_meta(&mut s).map_err(failed)?;
        // If the clock went back since then, timers keep their remaining time.
        s.due_back.execute([now]).map_err(failed)?;
        let newest_done: Option<i64> =
            s.newest_done.query_row((), |columns| columns.get(0)).optional().map_err(failed)?;
        if newest_done.is_some_and(|at| at > now) {
            s.done_back.execute([now]).map_err(failed)?;
        }
        let oldest_done =
            s.oldest_done.query_row([1], |columns| columns.get(1)).optional().map_err(failed)?;
        let next_aside = s.next_aside.query_row((), |columns| columns.get(0)).map_err(failed)?;
        // This reads the whole index once. It need not stay in the cache.
        conn.execute_batch("PRAGMA cache_size = -1024").map_err(failed)?;
        let seen = Seen::open(&mut s).map_err(failed)?;
        conn.execute_batch(super::open::CACHE_SIZE).map_err(failed)?;
        let mut writer = Writer {
            conn,
            s,
            disk,
            pages: Pages::default(),
            log: Log::default(),
            chunk: CHUNK,
            seen,
            shared,
            options,
            clock,
            meta,
            reserved: meta.next_id,
            opened: false,
            claims: Claims::new(store),
            oldest_done,
            next_aside,
            parked: VecDeque::new(),
            room: false,
            purges: VecDeque::new(),
            waiting: VecDeque::new(),
            counts: Stats::default(),
            broken: None,
            look: true,
        };
        writer.measure().map_err(failed)?;
        // First of all, so that nothing else takes the space.
        writer.write_back(1);
        writer.disk.opened(writer.pages.all, writer.meta.rows());
        if writer.disk.is_real()
            && (was_closed || logged.is_none() || writer.disk.lineage() != logged)
        {
            // If the log is new, this creates its head.
            writer.mark_opened(meta.next_id).map_err(failed)?;
            writer.s.log.execute([writer.disk.lineage()]).map_err(failed)?;
            writer.measure().map_err(failed)?;
            writer.write_back(1);
        }
        match writer.broken {
            None => Ok(writer),
            Some(error) => Err(error),
        }
    }

    fn measure(&mut self) -> rusqlite::Result<()> {
        self.pages = self.measure_file()?;
        self.measure_log()
    }

    /// Says in the file that its counts are not valid, and that more ids may be used.
    fn mark_opened(&mut self, next_id: i64) -> rusqlite::Result<()> {
        let reserved = next_id.saturating_add(RESERVE);
        self.s.opened.execute([reserved])?;
        (self.reserved, self.opened) = (reserved, true);
        Ok(())
    }

    /// Works until the store is closed or its last handle is dropped. A caller of `close` is
    /// answered after the lock on the file is released.
    pub(super) fn run(mut self) -> Option<Answer<()>> {
        loop {
            let sleep = self.sleep();
            let (ops, gone) = self.shared.take(sleep);
            let mut writes = Vec::with_capacity(ops.len());
            let mut reads = Vec::new();
            let mut close = None;
            while self.parked.front().is_some_and(|append| append.answer.is_closed()) {
                self.parked.pop_front();
            }
            if std::mem::take(&mut self.room) {
                writes.extend(self.parked.drain(..).map(Write::Append));
            }
            for op in ops {
                match op {
                    Op::Append(mut append) => {
                        append.place = None;
                        writes.push(Write::Append(append));
                    }
                    Op::Settle(settle) => writes.push(Write::Settle(settle)),
                    Op::Requeue(id, answer) => writes.push(Write::Requeue(id, answer)),
                    Op::Purge(purge) => self.purges.push_back(purge),
                    Op::Release(claim) => self.claims.release(claim),
                    Op::Extend(claim, answer) => {
                        let held = self.claims.get(claim).map(drop).ok_or(QueueError::ClaimLost);
                        drop(answer.send(held));
                    }
                    Op::Claim(claim) => self.waiting.push_back(claim),
                    Op::Close(answer) => close = Some(answer),
                    Op::Stats(_) | Op::List(..) => reads.push(op),
                }
            }
            writes.extend(self.purges.pop_front().map(Write::Purge));
            self.write(writes);
            self.shared.full.store(!self.parked.is_empty(), Ordering::Relaxed);
            for op in reads {
                self.read(op);
            }
            if let Some(answer) = close {
                self.end();
                return Some(answer);
            }
            self.hand_out();
            self.write_back(self.disk.log_pages());
            if gone {
                self.end();
                return None;
            }
        }
    }

    /// How long there is nothing to do; `None` means until the next request.
    fn sleep(&mut self) -> Option<Duration> {
        if self.broken.is_some() {
            return None;
        }
        let claimable = self.look || self.claims.has_ready();
        let parked = self.room && !self.parked.is_empty();
        let passed = !self.claims.passed.is_empty();
        if (claimable && !self.waiting.is_empty()) || parked || passed || !self.purges.is_empty() {
            return Some(Duration::ZERO);
        }
        let mut next: Option<i64> = None;
        let mut at = |time: i64| next = Some(next.map_or(time, |next| next.min(time)));
        if !self.waiting.is_empty() && self.meta.retrying > 0 {
            match self.claims.next_due(&mut self.s) {
                Ok(due) => due.into_iter().for_each(&mut at),
                // The error will occur again when a claim reads the row, and is reported there.
                Err(_) => return Some(Duration::ZERO),
            }
        }
        self.next_aside.into_iter().for_each(&mut at);
        if let Some(done) = self.oldest_done {
            at(done.saturating_add(millis(self.options.dedup_window)));
        }
        let wait = next?.saturating_sub(self.clock.now());
        // At least a moment, so that rounding does not cause a busy loop.
        let wait = Duration::from_millis(u64::try_from(wait).unwrap_or(0).max(1));
        Some(wait.min(LONGEST_SLEEP))
    }

    /// The writes, if the store can be written. Otherwise they fail.
    fn unless_broken(&self, writes: Vec<Write>) -> Option<Vec<Write>> {
        let Some(error) = &self.broken else {
            return Some(writes);
        };
        fail_all(writes, &error.clone());
        None
    }

    fn write(&mut self, writes: Vec<Write>) {
        let Some(mut writes) = self.unless_broken(writes) else {
            return;
        };
        let now = self.clock.now();
        let aside = self.next_aside.is_some_and(|at| at <= now);
        let window = millis(self.options.dedup_window);
        let expired = self.oldest_done.is_some_and(|at| at.saturating_add(window) <= now);
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
    fn transaction(&mut self, writes: &[Write], now: i64) -> Result<Scratch, QueueError> {
        self.check()?;
        let mut scratch = Scratch {
            meta: self.meta,
            outcomes: Vec::with_capacity(writes.len()),
            effects: Vec::new(),
            settled: HashSet::new(),
            reserved: self.reserved,
            oldest_done: self.oldest_done,
            next_aside: self.next_aside,
            lined_up: 0,
            counts: self.counts,
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
        if scratch.next_aside.is_some_and(|at| at <= now) {
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
        if scratch.meta.next_id > self.reserved || !self.opened {
            scratch.reserved = scratch.meta.next_id.saturating_add(RESERVE);
            self.s.opened.execute([scratch.reserved])?;
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

    fn append(
        &mut self,
        entry: &Entry,
        now: i64,
        scratch: &mut Scratch,
    ) -> rusqlite::Result<Outcome> {
        let size = entry.payload.len() as u64;
        let dedup_key = entry.dedup_key.as_ref().map(DedupKey::as_bytes);
        let meta = &scratch.meta;
        let full = meta.rows() >= self.options.max_rows
            || meta.bytes.saturating_add(size) > self.options.bytes();
        if full {
            // A duplicate takes no space.
            let first = match dedup_key {
                Some(key) => self.seen.find(&mut self.s, key)?,
                None => None,
            };
            return Ok(match first {
                Some(row) => self.duplicate(row, scratch),
                None => Outcome::NoRoom,
            });
        }
        let row = meta.next_id;
        if let Some(key) = dedup_key {
            let mut first = self.seen.find(&mut self.s, key)?;
            if first.is_some() {
                // Its time may be over although it was not forgotten yet.
                self.forget(now, usize::MAX, scratch)?;
                first = self.seen.find(&mut self.s, key)?;
            }
            if let Some(first) = first {
                return Ok(self.duplicate(first, scratch));
            }
            self.seen.add(&mut self.s, key, row)?;
        }
        self.s.append.execute(params![
            row,
            now,
            dedup_key,
            entry.order_key.as_ref().map(|key| &key.as_bytes()[..]),
            entry.trace_context,
            i64::from(crc32fast::hash(entry.payload.as_bytes())),
            entry.payload,
        ])?;
        scratch.meta.next_id += 1;
        scratch.meta.waiting += 1;
        scratch.meta.bytes += size;
        scratch.counts.accepted += 1;
        Ok(Outcome::Appended(Appended::Stored(self.claims.id(row))))
    }

    fn duplicate(&self, first: i64, scratch: &mut Scratch) -> Outcome {
        scratch.counts.duplicates += 1;
        Outcome::Appended(Appended::Duplicate(self.claims.id(first)))
    }

    fn settle(
        &mut self,
        settle: &Settle,
        now: i64,
        scratch: &mut Scratch,
    ) -> rusqlite::Result<Outcome> {
        let Some((row, held)) = self.claims.get(settle.claim) else {
            return Ok(Outcome::Failed(QueueError::ClaimLost));
        };
        if !scratch.settled.insert(row) {
            return Ok(Outcome::Failed(QueueError::ClaimLost));
        }
        scratch.effects.push(Effect::Free(row));
        // As long as the row is in its order, it blocks those behind it, unless it is finished.
        let ahead = held.key.filter(|_| !held.out_of_order);
        if let (Some(key), How::Complete | How::Bury { .. }) = (held.key, &settle.how) {
            self.s.leave_line.execute([key, row])?;
        }
        let dropped = settle.how.is_dropped(held.size, &scratch.meta, &self.options);
        match &settle.how {
            How::Bury { error, reason, .. } if !dropped => {
                self.s.bury.execute(params![row, held.attempt, now, reason.as_str(), error])?;
                self.s.delete.execute([row])?;
                scratch.meta.remove(1, held.retrying, 0);
                scratch.meta.dead += 1;
                if *reason == DeadReason::BodyUnreadable {
                    scratch.meta.unreadable += 1;
                    scratch.meta.unreadable_bytes += held.size;
                }
                scratch.counts.buried += 1;
            }
            How::Complete | How::Bury { .. } => {
                self.s.delete.execute([row])?;
                scratch.meta.remove(1, held.retrying, held.size);
                scratch.counts.completed += u64::from(!dropped);
                scratch.counts.dropped += u64::from(dropped);
                if let Some(key) = held.dedup_key {
                    self.s.done.execute(params![now, key])?;
                    scratch.oldest_done.get_or_insert(now);
                }
            }
            How::Retry(error, delay) => {
                let due_at = now.saturating_add(millis(*delay));
                let aside_at = ahead.map(|_| {
                    let max_block = millis(self.options.max_block);
                    held.aside_at.unwrap_or(now.saturating_add(max_block))
                });
                let aside = aside_at.is_some_and(|at| at <= now);
                if let Some(at) = aside_at.filter(|_| !aside) {
                    scratch.next_aside = Some(scratch.next_aside.map_or(at, |next| next.min(at)));
                }
                self.s.retry.execute(params![
                    row,
                    held.attempt,
                    now,
                    due_at,
                    aside_at.filter(|_| !aside),
                    aside || held.out_of_order,
                    error,
                ])?;
                if let Some(key) = ahead {
                    let line = if aside { &mut self.s.leave_line } else { &mut self.s.line_up };
                    line.execute([key, row])?;
                }
                if !held.retrying {
                    scratch.meta.retrying += 1;
                }
                scratch.counts.retried += 1;
                scratch.effects.push(Effect::Due(due_at));
            }
        }
        Ok(if dropped { Outcome::Dropped } else { Outcome::Done })
    }

    fn requeue(
        &mut self,
        id: DeliveryId,
        now: i64,
        scratch: &mut Scratch,
    ) -> rusqlite::Result<Outcome> {
        let Some(row) = self.claims.row(id) else {
            return Ok(Outcome::Failed(QueueError::NotFound));
        };
        if self.s.requeue.execute([row, now])? == 0 {
            return Ok(Outcome::Failed(QueueError::NotFound));
        }
        let unreadable = self.s.unreadable.query_row([row], |columns| columns.get::<_, i64>(0));
        if let Some(size) = unreadable.optional()? {
            scratch.meta.remove_unreadable(size.unsigned_abs());
        }
        self.s.delete_dead.execute([row])?;
        scratch.meta.dead = scratch.meta.dead.saturating_sub(1);
        scratch.meta.waiting += 1;
        scratch.meta.retrying += 1;
        scratch.effects.push(Effect::Due(now));
        Ok(Outcome::Done)
    }

    fn purge(
        &mut self,
        purge: &Purge,
        now: i64,
        scratch: &mut Scratch,
    ) -> rusqlite::Result<Outcome> {
        struct Found {
            row: i64,
            dedup_key: Option<[u8; 32]>,
            key: Option<i64>,
            retrying: bool,
            size: u64,
            unreadable: bool,
        }

        let filter = &purge.filter;
        let statement =
            if filter.dead { &mut self.s.purge_dead } else { &mut self.s.purge_waiting };
        let rows = statement.query_map(
            params![purge.after, accepted_before(filter, now), order_key(filter), sql(self.chunk)],
            |columns| {
                Ok(Found {
                    row: columns.get(0)?,
                    dedup_key: key(columns, 1)?,
                    key: order_number(columns, 2)?,
                    retrying: columns.get::<_, Option<i64>>(3)?.is_some(),
                    size: columns.get::<_, i64>(4)?.unsigned_abs(),
                    unreadable: columns.get(5)?,
                })
            },
        )?;
        let rows: Vec<Found> = rows.collect::<Result<_, _>>()?;
        let mut count = 0;
        for found in &rows {
            if filter.dead {
                self.s.delete_dead.execute([found.row])?;
                scratch.meta.dead = scratch.meta.dead.saturating_sub(1);
                scratch.meta.bytes = scratch.meta.bytes.saturating_sub(found.size);
                if found.unreadable {
                    scratch.meta.remove_unreadable(found.size);
                }
            } else {
                if self.claims.is_running(found.row) || scratch.settled.contains(&found.row) {
                    continue;
                }
                self.s.delete.execute([found.row])?;
                scratch.meta.remove(1, found.retrying, found.size);
                if let Some(key) = found.key {
                    self.s.leave_line.execute([key, found.row])?;
                    scratch.effects.push(Effect::Unblock(key));
                }
            }
            count += 1;
            if let Some(key) = found.dedup_key {
                self.s.done.execute(params![now, key])?;
                scratch.oldest_done.get_or_insert(now);
            }
        }
        Ok(Outcome::Purged { last: rows.last().map(|found| found.row), count })
    }

    /// Rows that have blocked their key for too long leave their order.
    fn step_aside(&mut self, now: i64, scratch: &mut Scratch) -> rusqlite::Result<()> {
        let rows = self.s.to_step_aside.query_map([now, sql(self.chunk)], |columns| {
            Ok((columns.get(0)?, order_number(columns, 1)?))
        })?;
        let rows: Vec<(i64, Option<i64>)> = rows.collect::<Result<_, _>>()?;
        for (row, key) in rows {
            self.s.step_aside.execute([row])?;
            if let Some(key) = key {
                self.s.leave_line.execute([key, row])?;
                scratch.effects.push(Effect::Unblock(key));
            }
        }
        scratch.next_aside = self.s.next_aside.query_row((), |columns| columns.get(0))?;
        Ok(())
    }

    /// Forgets dedup keys whose time is over.
    fn forget(&mut self, now: i64, limit: usize, scratch: &mut Scratch) -> rusqlite::Result<()> {
        let window = millis(self.options.dedup_window);
        let over = |done_at: i64| done_at.saturating_add(window) <= now;
        if !scratch.oldest_done.is_some_and(over) {
            return Ok(());
        }
        let mut left = limit;
        loop {
            // One more than needed, to know when the next key is to be forgotten.
            let chunk = left.min(CHUNK);
            let rows = self.s.oldest_done.query_map([sql(chunk + 1)], |columns| {
                Ok((columns.get(0)?, columns.get(1)?, key(columns, 2)?))
            })?;
            let rows: Vec<(i64, i64, Option<Digest>)> = rows.collect::<Result<_, _>>()?;
            let due = rows.iter().take_while(|(_, done_at, _)| over(*done_at)).count();
            let due = due.min(chunk);
            for (_, _, key) in &rows[..due] {
                if let Some(key) = key {
                    self.seen.forget(&mut self.s, key)?;
                }
            }
            if let Some((last, ..)) = rows[..due].last() {
                self.s.forget_done.execute([last])?;
            }
            left -= chunk;
            scratch.oldest_done = rows.get(due).map(|(_, done_at, _)| *done_at);
            if left == 0 || !scratch.oldest_done.is_some_and(over) {
                return Ok(());
            }
        }
    }

    /// The transaction is on disk: now the callers are answered.
    fn committed(&mut self, writes: Vec<Write>, scratch: Scratch) {
        let accepted = scratch.counts.accepted != self.counts.accepted;
        self.look |= accepted || !scratch.effects.is_empty();
        self.room |= scratch.meta.rows() < self.meta.rows() || scratch.meta.bytes < self.meta.bytes;
        self.meta = scratch.meta;
        self.counts = scratch.counts;
        self.reserved = scratch.reserved;
        self.opened = true;
        self.claims.passed.drain(..scratch.lined_up);
        self.oldest_done = scratch.oldest_done;
        self.next_aside = scratch.next_aside;
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
        let failed_rows = self.meta.retrying > 0;
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

    /// Answers waiting claims, as far as there are rows.
    fn hand_out(&mut self) {
        self.waiting.retain(|claim| !claim.answer.is_closed());
        while let Some(claim) = self.waiting.pop_front() {
            if self.broken.is_some() {
                drop(claim.answer.send(Err(QueueError::Poisoned)));
                continue;
            }
            let now = self.clock.now();
            let found = match self.claims.take(&mut self.s, claim.max, now, self.meta.retrying > 0)
            {
                Ok(found) => found,
                Err(error) => {
                    self.give_up(&failed(error), Vec::new());
                    drop(claim.answer.send(Err(QueueError::Poisoned)));
                    continue;
                }
            };
            self.look = found.more || found.claimed.len() == claim.max;
            if found.claimed.is_empty() && (found.more || !claim.now) {
                self.waiting.push_front(claim);
                return;
            }
            drop(claim.answer.send(Ok(Handed::new(self.shared.clone(), found.claimed))));
        }
    }

    fn read(&mut self, op: Op) {
        match op {
            Op::Stats(answer) => {
                let stats = self.stats();
                drop(answer.send(self.noticed(stats)));
            }
            Op::List(filter, after, limit, answer) => {
                let list = match self.broken {
                    Some(_) => Err(QueueError::Poisoned),
                    None => self.list(&filter, after, limit).map_err(failed),
                };
                drop(answer.send(self.noticed(list)));
            }
            _ => {}
        }
    }

    /// A failed read is treated like a failed write.
    fn noticed<T>(&mut self, result: Result<T, QueueError>) -> Result<T, QueueError> {
        if let (Err(error), None) = (&result, &self.broken) {
            self.give_up(error, Vec::new());
        }
        result
    }

    fn stats(&mut self) -> Result<Stats, QueueError> {
        let oldest =
            self.s.oldest.query_row((), |columns| columns.get(0)).optional().map_err(failed)?;
        Ok(Stats {
            waiting: self.meta.waiting,
            running: self.claims.running,
            retrying: self.meta.retrying,
            dead: self.meta.dead,
            unreadable: self.meta.unreadable,
            unreadable_bytes: self.meta.unreadable_bytes,
            bytes: self.meta.bytes,
            oldest: oldest.map(from_millis),
            ..self.counts
        })
    }

    fn list(
        &mut self,
        filter: &Filter,
        after: Option<DeliveryId>,
        limit: usize,
    ) -> rusqlite::Result<Vec<Record>> {
        let after = after.map_or(0, |id| self.claims.row(id).unwrap_or(0));
        let before = accepted_before(filter, self.clock.now());
        let limit = sql(limit);
        let statement = if filter.dead { &mut self.s.list_dead } else { &mut self.s.list_waiting };
        let claims = &self.claims;
        let rows =
            statement.query_map(params![after, before, order_key(filter), limit], |columns| {
                let text = columns.get_ref(5)?;
                let payload =
                    String::from_utf8_lossy(text.as_bytes().unwrap_or_default()).into_owned();
                let mut record =
                    Record::new(claims.id(columns.get(0)?), from_millis(columns.get(1)?), payload);
                record.order_key = key(columns, 2)?.map(OrderKey::from_bytes);
                record.attempts = columns.get(3)?;
                record.error = columns.get(4)?;
                record.trace_context = optional_text(columns, 8)?;
                record.death = match columns.get::<_, Option<i64>>(6)? {
                    Some(at) => {
                        let reason: String = columns.get(7)?;
                        let reason = DeadReason::from_name(&reason).unwrap_or(DeadReason::Attempts);
                        Some(Death::new(from_millis(at), reason))
                    }
                    None => None,
                };
                Ok(record)
            })?;
        rows.collect()
    }

    /// After a disk error, nothing that the disk reports can be trusted, not even a repeated sync
    /// that succeeds.
    fn give_up(&mut self, error: &QueueError, writes: Vec<Write>) {
        let with_sources = HandlerError::new(error.clone());
        tracing::error!(
            target: "tencent_im_callback_queue",
            error = format_args!("{with_sources:#}"),
            "the queue's store has failed"
        );
        self.broken = Some(QueueError::Poisoned);
        // The log is checked when it is read next. Nothing may be written back relying on this
        // disk.
        drop(self.conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true));
        fail_all(writes, error);
        for purge in self.purges.drain(..) {
            drop(purge.answer.send(Err(error.clone())));
        }
        for append in self.parked.drain(..) {
            drop(append.answer.send(Err(error.clone())));
        }
        for claim in self.waiting.drain(..) {
            drop(claim.answer.send(Err(error.clone())));
        }
    }

    fn end(&mut self) {
        if self.opened && self.broken.is_none() {
            let meta = &self.meta;
            let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
            let counts = params![
                meta.next_id,
                count(meta.waiting),
                count(meta.retrying),
                count(meta.dead),
                count(meta.bytes),
                count(meta.unreadable),
                count(meta.unreadable_bytes)
            ];
            // If this fails, the rows are counted at the next start.
            drop(self.s.closed.execute(counts));
        }
        for purge in self.purges.drain(..) {
            drop(purge.answer.send(Err(QueueError::Closed)));
        }
        for append in self.parked.drain(..) {
            drop(append.answer.send(Err(QueueError::Closed)));
        }
        for claim in self.waiting.drain(..) {
            drop(claim.answer.send(Err(QueueError::Closed)));
        }
    }
}

/// The id of the store, whether it was closed, the number of its log, and its counts.
fn read_meta(s: &mut Statements<'_>) -> rusqlite::Result<(u64, bool, Option<i64>, Meta)> {
    let count =
        |columns: &rusqlite::Row<'_>, at: usize| columns.get::<_, i64>(at).map(i64::unsigned_abs);
    let (store, closed, logged, mut meta) = s.meta.query_row((), |columns| {
        let meta = Meta {
            next_id: columns.get(1)?,
            waiting: count(columns, 4)?,
            retrying: count(columns, 5)?,
            dead: count(columns, 6)?,
            bytes: count(columns, 7)?,
            unreadable: count(columns, 8)?,
            unreadable_bytes: count(columns, 9)?,
        };
        let store = columns.get::<_, i64>(0)?.cast_unsigned();
        Ok((store, columns.get::<_, i64>(2)? == 1, columns.get(3)?, meta))
    })?;
    if !closed {
        s.count_waiting.query_row((), |columns| {
            meta.waiting = count(columns, 0)?;
            meta.retrying = count(columns, 1)?;
            meta.bytes = count(columns, 2)?;
            Ok(())
        })?;
        s.count_dead.query_row((), |columns| {
            meta.dead = count(columns, 0)?;
            meta.bytes += count(columns, 1)?;
            Ok(())
        })?;
        s.count_unreadable.query_row((), |columns| {
            meta.unreadable = count(columns, 0)?;
            meta.unreadable_bytes = count(columns, 1)?;
            Ok(())
        })?;
    }
    Ok((store, closed, logged, meta))
}

/// The order key of a row as a number.
fn order_number(columns: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Option<i64>> {
    Ok(key(columns, at)?.map(|key| key_number(&OrderKey::from_bytes(key))))
}

/// A number for SQL.
fn sql(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn fail_all(writes: Vec<Write>, error: &QueueError) {
    for write in writes {
        write.fail(error);
    }
}

impl Write {
    fn fail(self, error: &QueueError) {
        let error = error.clone();
        match self {
            Write::Append(append) => drop(append.answer.send(Err(error))),
            Write::Settle(settle) => drop(settle.answer.send(Err(error))),
            Write::Requeue(_, answer) => drop(answer.send(Err(error))),
            Write::Purge(purge) => drop(purge.answer.send(Err(error))),
        }
    }
}

impl Meta {
    fn rows(&self) -> u64 {
        self.waiting.saturating_add(self.dead)
    }

    fn remove(&mut self, rows: u64, retrying: bool, bytes: u64) {
        self.waiting = self.waiting.saturating_sub(rows);
        self.retrying = self.retrying.saturating_sub(u64::from(retrying));
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// A dead letter that cannot be read is gone.
    fn remove_unreadable(&mut self, bytes: u64) {
        self.unreadable = self.unreadable.saturating_sub(1);
        self.unreadable_bytes = self.unreadable_bytes.saturating_sub(bytes);
    }
}

fn accepted_before(filter: &Filter, now: i64) -> i64 {
    filter.older_than.map_or(i64::MAX, |age| now.saturating_sub(millis(age)))
}

fn order_key(filter: &Filter) -> Option<&[u8]> {
    filter.order_key.as_ref().map(|key| &key.as_bytes()[..])
}

impl Settle {
    pub(super) fn new(claim: Claim, how: How, answer: Answer<bool>) -> Self {
        let how = match how {
            How::Complete => How::Complete,
            How::Retry(error, delay) => How::Retry(bounded(error), delay),
            How::Bury { error, reason, unsigned } => {
                How::Bury { error: bounded(error), reason, unsigned }
            }
        };
        Settle { claim, how, answer }
    }
}

impl How {
    /// Whether there is no room to bury a callback of this size.
    fn is_dropped(&self, size: u64, meta: &Meta, options: &StoreOptions) -> bool {
        matches!(self, How::Bury { unsigned: true, .. })
            && !options.keeps_unreadable(meta.unreadable_bytes, size)
    }
}
