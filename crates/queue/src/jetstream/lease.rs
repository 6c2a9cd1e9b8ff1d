//! How long a partition is ours, and what is under way in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::time::Instant;

/// How long this process owns a partition, by its own clock that never jumps.
pub(super) struct Lease {
    born: Instant,
    /// In ms since `born`. 0: lost.
    until: AtomicU64,
    draining: AtomicBool,
    /// Acknowledgements that were begun, and those that have ended.
    begun: AtomicU64,
    ended: AtomicU64,
}

/// An acknowledgement that is under way.
pub(super) struct Acknowledging<'a>(&'a Lease);

impl Drop for Acknowledging<'_> {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

impl Lease {
    pub(super) fn new(until: Instant) -> Arc<Self> {
        let lease = Lease {
            born: Instant::now(),
            until: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
        };
        lease.extend(until);
        Arc::new(lease)
    }

    pub(super) fn extend(&self, until: Instant) {
        let until = until.saturating_duration_since(self.born).as_millis();
        self.until.store(u64::try_from(until).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    pub(super) fn lose(&self) {
        self.until.store(0, Ordering::SeqCst);
    }

    /// Whether what runs may still be settled.
    pub(super) fn holds(&self) -> bool {
        self.born.elapsed().as_millis() < u128::from(self.until.load(Ordering::SeqCst))
    }

    /// Whether another callback may start.
    pub(super) fn may_start(&self) -> bool {
        !self.is_draining() && self.holds()
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    pub(super) fn acknowledging(&self) -> Acknowledging<'_> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        Acknowledging(self)
    }

    /// How many acknowledgements were begun, if none is under way.
    pub(super) fn quiet(&self) -> Option<u64> {
        let begun = self.begun.load(Ordering::SeqCst);
        (begun == self.ended.load(Ordering::SeqCst)).then_some(begun)
    }
}
