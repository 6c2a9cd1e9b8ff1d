//! How long a partition is held, by a clock that never jumps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

pub struct Lease {
    born: Instant,
    /// Until when it holds, in ms since `born`. 0: lost.
    until: AtomicU64,
    pub draining: AtomicBool,
}

impl Lease {
    pub fn new(until: Instant) -> Arc<Self> {
        let born = Instant::now();
        let lease = Lease { born, until: AtomicU64::new(0), draining: AtomicBool::new(false) };
        lease.extend(until);
        Arc::new(lease)
    }

    pub fn extend(&self, until: Instant) {
        let until = until.saturating_duration_since(self.born).as_millis();
        self.until.store(u64::try_from(until).unwrap_or(0), Ordering::SeqCst);
    }

    pub fn lose(&self) {
        self.until.store(0, Ordering::SeqCst);
    }

    pub fn holds(&self) -> bool {
        (self.born.elapsed().as_millis() as u64) < self.until.load(Ordering::SeqCst)
    }

    pub fn may_start(&self) -> bool {
        !self.draining.load(Ordering::SeqCst) && self.holds()
    }
}
