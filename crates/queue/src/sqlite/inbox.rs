//! The requests to the writer's thread, and the claims that it answers.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::delivery::DeliveryId;
use crate::error::QueueError;
use crate::store::{Appended, Claim, Claimed, DeadReason, Entry, Filter, Record, Stats, bounded};

/// The number of callbacks that may wait for the writer. Further callers wait outside, so that a
/// disk that hangs does not fill the memory.
const PLACES: usize = 8192;

pub(super) type Answer<T> = oneshot::Sender<Result<T, QueueError>>;

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

pub(super) struct Shared {
    inbox: Mutex<Inbox>,
    wake: Condvar,
    pub(super) places: Arc<Semaphore>,
    /// Whether callbacks wait for space in the store.
    pub(super) full: AtomicBool,
    /// Transactions so far.
    pub(super) commits: AtomicU64,
}

#[derive(Default)]
struct Inbox {
    ops: Vec<Op>,
    /// The writer has ended, or is ending.
    closed: Option<QueueError>,
    /// Every handle was dropped.
    gone: bool,
    asleep: bool,
}

impl Shared {
    pub(super) fn new() -> Self {
        Shared {
            inbox: Mutex::default(),
            wake: Condvar::new(),
            places: Arc::new(Semaphore::new(PLACES)),
            full: AtomicBool::new(false),
            commits: AtomicU64::new(0),
        }
    }

    /// The guarded state is consistent at all times, so a panic elsewhere is no reason to stop.
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request to the writer.
    pub(super) fn send(&self, op: Op) -> Result<(), QueueError> {
        let mut inbox = self.lock();
        if let Some(error) = &inbox.closed {
            return Err(error.clone());
        }
        if matches!(op, Op::Close(_)) {
            inbox.closed = Some(QueueError::Closed);
        }
        inbox.ops.push(op);
        let asleep = std::mem::take(&mut inbox.asleep);
        drop(inbox);
        if asleep {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Takes all requests. If there are none, waits for at most `sleep`. Returns whether the writer
    /// has to end.
    pub(super) fn take(&self, sleep: Option<Duration>) -> (Vec<Op>, bool) {
        let mut inbox = self.lock();
        if inbox.ops.is_empty() && !inbox.gone && sleep != Some(Duration::ZERO) {
            inbox.asleep = true;
            inbox = match sleep {
                None => self.wake.wait(inbox).unwrap_or_else(PoisonError::into_inner),
                Some(sleep) => {
                    self.wake.wait_timeout(inbox, sleep).unwrap_or_else(PoisonError::into_inner).0
                }
            };
            inbox.asleep = false;
        }
        let ops = std::mem::take(&mut inbox.ops);
        (ops, inbox.gone)
    }

    /// The last handle was dropped.
    pub(super) fn go(&self) {
        let mut inbox = self.lock();
        inbox.gone = true;
        drop(inbox);
        self.wake.notify_one();
    }

    /// The writer has ended: no request will be answered any more.
    pub(super) fn end(&self) {
        let mut inbox = self.lock();
        // A writer that was not asked to close has panicked.
        inbox.closed.get_or_insert(QueueError::Poisoned);
        let ops = std::mem::take(&mut inbox.ops);
        drop(inbox);
        // Outside of the lock: dropping claims that nobody took gives them back, which takes the
        // lock.
        drop(ops);
    }
}

/// Claims on their way to the caller. They are given back if the caller does not take them.
pub(super) struct Handed {
    shared: Arc<Shared>,
    claimed: Vec<Claimed>,
}

impl Handed {
    pub(super) fn new(shared: Arc<Shared>, claimed: Vec<Claimed>) -> Self {
        Handed { shared, claimed }
    }

    pub(super) fn take(mut self) -> Vec<Claimed> {
        std::mem::take(&mut self.claimed)
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        for claimed in self.claimed.drain(..) {
            // The store is closed: after a restart every row can be claimed again.
            drop(self.shared.send(Op::Release(claimed.claim)));
        }
    }
}
