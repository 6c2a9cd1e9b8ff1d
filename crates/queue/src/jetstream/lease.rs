//! How long a partition is ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::time::Instant;

/// How long this process owns a partition, by its own clock that never jumps.
pub(super) struct Lease {
    born: Instant,
    /// In ms since `born`. 0: lost.
    until: AtomicU64,
    draining: AtomicBool,
}

impl Lease {
    pub(super) fn new(until: Instant) -> Arc<Self> {
        let lease = Lease {
            born: Instant::now(),
            until: AtomicU64::new(0),
            draining: AtomicBool::new(false),
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

    /// Whether another worker has the partition. A lease that only is over may be renewed when the
    /// broker is back.
    pub(super) fn is_lost(&self) -> bool {
        self.until.load(Ordering::SeqCst) == 0
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
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn while_it_is_handed_over_what_runs_may_be_settled_and_nothing_starts() {
        let later = Instant::now() + Duration::from_secs(60);
        let lease = Lease::new(later);
        assert!(lease.holds() && lease.may_start() && !lease.is_draining());
        lease.drain();
        assert!(lease.holds() && !lease.may_start() && lease.is_draining());
        lease.lose();
        assert!(!lease.holds());
        lease.extend(later);
        assert!(lease.holds() && !lease.may_start());
        assert!(!Lease::new(Instant::now()).holds());
    }
}
