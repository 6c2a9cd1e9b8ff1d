//! What goes to the writer's thread, and comes back from it.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::writer::Op;
use crate::error::QueueError;
use crate::store::Claimed;

/// Callbacks that wait for the writer. More wait outside, so that a disk that hangs does not fill the memory.
const PLACES: usize = 8192;

pub(super) struct Shared {
    inbox: Mutex<Inbox>,
    wake: Condvar,
    pub(super) places: Arc<Semaphore>,
    /// Whether callbacks wait for room in the store.
    pub(super) full: AtomicBool,
}

#[derive(Default)]
struct Inbox {
    ops: Vec<Op>,
    /// The writer has ended, or is about to.
    closed: Option<QueueError>,
    /// Nobody has a handle any more.
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
        }
    }

    /// What it guards is consistent at all times, so a panic elsewhere is no reason to stop.
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the writer for something.
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

    /// Takes all there is, after at most `sleep` also if it is nothing. Says whether this is the end.
    pub(super) fn take(&self, sleep: Option<Duration>) -> (Vec<Op>, bool) {
        let mut inbox = self.lock();
        if inbox.ops.is_empty() && !inbox.gone && sleep != Some(Duration::ZERO) {
            inbox.asleep = true;
            inbox = match sleep {
                None => self.wake.wait(inbox).unwrap_or_else(PoisonError::into_inner),
                Some(sleep) => {
                    self.wake
                        .wait_timeout(inbox, sleep)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
            inbox.asleep = false;
        }
        let ops = std::mem::take(&mut inbox.ops);
        (ops, inbox.gone)
    }

    /// The last handle is dropped.
    pub(super) fn go(&self) {
        let mut inbox = self.lock();
        inbox.gone = true;
        drop(inbox);
        self.wake.notify_one();
    }

    /// The writer has ended: nothing will be answered any more.
    pub(super) fn end(&self) {
        let mut inbox = self.lock();
        // A writer that was not asked to close has panicked.
        inbox.closed.get_or_insert(QueueError::Poisoned);
        let ops = std::mem::take(&mut inbox.ops);
        drop(inbox);
        // Outside of the lock: claims that were handed out and not taken are given back as they are dropped.
        drop(ops);
    }
}

/// Claims on their way: given back if nobody takes them.
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
            // Closed: a restart takes everything back.
            drop(self.shared.send(Op::Release(claimed.claim)));
        }
    }
}
