//! The one thread that owns the connection.
//!
//! It takes all waiting requests from its inbox, makes all writes in one transaction, commits, and
//! then answers. So under load many callers share one sync of the disk, and an idle queue commits
//! at once.

mod admin;
mod full;
mod numbers;
mod settle;
mod timers;
mod transaction;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tencent_im_callback::HandlerError;

pub(super) use self::numbers::Head;
use self::numbers::Numbers;
use self::transaction::{Write, fail_all};
use super::claims::Claims;
use super::disk::Disk;
use super::inbox::{Answer, Append, Handed, Op, PendingClaim, Purge, Shared};
use super::open::failed;
use super::schema::Statements;
use super::seen::Seen;
use crate::error::QueueError;
use crate::options::{Clock, StoreOptions};

/// The number of rows that one transaction purges or takes out of their order before other requests
/// get their turn.
const CHUNK: usize = 1000;

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
    /// As of the last commit.
    numbers: Numbers,
    claims: Claims,
    seen: Seen,
    /// Callbacks that wait for space.
    parked: VecDeque<Append>,
    /// There is more space than when they were last tried.
    room: bool,
    purges: VecDeque<Purge>,
    waiting: VecDeque<PendingClaim>,
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
        let head = Head::read(&mut s, clock.now()).map_err(failed)?;
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
            numbers: head.numbers,
            claims: Claims::new(head.store),
            parked: VecDeque::new(),
            room: false,
            purges: VecDeque::new(),
            waiting: VecDeque::new(),
            broken: None,
            look: true,
        };
        writer.start(&head)?;
        match writer.broken {
            None => Ok(writer),
            Some(error) => Err(error),
        }
    }

    fn start(&mut self, head: &Head) -> Result<(), QueueError> {
        self.measure().map_err(failed)?;
        // First of all, so that nothing else takes the space.
        self.write_back(1);
        self.disk.opened(self.pages.all, self.numbers.rows());
        let known = !head.was_closed && head.log.is_some() && self.disk.lineage() == head.log;
        if self.disk.is_real() && !known {
            // If the log is new, this creates its head.
            self.numbers.reserve(&mut self.s).map_err(failed)?;
            self.s.log.execute([self.disk.lineage()]).map_err(failed)?;
            self.measure().map_err(failed)?;
            self.write_back(1);
        }
        Ok(())
    }

    fn measure(&mut self) -> rusqlite::Result<()> {
        self.pages = self.measure_file()?;
        self.measure_log()
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

    /// Answers waiting claims, as far as there are rows.
    fn hand_out(&mut self) {
        self.waiting.retain(|claim| !claim.answer.is_closed());
        while let Some(claim) = self.waiting.pop_front() {
            if self.broken.is_some() {
                drop(claim.answer.send(Err(QueueError::Poisoned)));
                continue;
            }
            let (now, failed_rows) = (self.clock.now(), self.numbers.stats.retrying > 0);
            let found = match self.claims.take(&mut self.s, claim.max, now, failed_rows) {
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
        self.fail_waiting(error);
    }

    /// Nothing that waits can be done any more.
    fn fail_waiting(&mut self, error: &QueueError) {
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
        if self.numbers.opened && self.broken.is_none() {
            // If this fails, the rows are counted at the next start.
            drop(self.numbers.close(&mut self.s));
        }
        self.fail_waiting(&QueueError::Closed);
    }
}
