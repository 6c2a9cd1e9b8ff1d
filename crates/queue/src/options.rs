//! The settings of every store, and its clock.
// The stores of these features use all of it; stores of others the options alone.
#![cfg_attr(
    not(any(feature = "sqlite", feature = "testing", feature = "jetstream")),
    allow(dead_code)
)]

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

type ReadClock = dyn Fn() -> SystemTime + Send + Sync;

/// Limits and times of a store.
///
/// ```
/// use std::time::Duration;
/// use tencent_im_callback_queue::StoreOptions;
///
/// let options = StoreOptions::new()
///     .max_rows(1_000_000)
///     .max_bytes(2 << 30)
///     .dedup_window(Duration::from_secs(3600));
/// ```
#[derive(Clone)]
#[must_use]
pub struct StoreOptions {
    pub(crate) max_rows: u64,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) max_body: usize,
    pub(crate) max_unreadable_bytes: u64,
    pub(crate) dedup_window: Duration,
    pub(crate) max_block: Duration,
    pub(crate) clock: Arc<ReadClock>,
}

impl StoreOptions {
    /// The defaults.
    pub fn new() -> Self {
        StoreOptions {
            max_rows: 10_000_000,
            max_bytes: None,
            max_body: 1 << 20,
            max_unreadable_bytes: 64 << 20,
            dedup_window: Duration::from_secs(600),
            max_block: Duration::from_secs(300),
            clock: Arc::new(SystemTime::now),
        }
    }

    /// The maximum number of callbacks in the store, waiting and dead (10,000,000). Then it is
    /// [full](crate::QueueError::Full).
    pub fn max_rows(mut self, rows: u64) -> Self {
        self.max_rows = rows;
        self
    }

    /// The maximum size of the callbacks in the store, waiting and dead, in **bytes** (16 GiB on
    /// disk). Then it is [full](crate::QueueError::Full). Indexes and remembered dedup keys are not
    /// counted: about 100 bytes for each callback.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// The maximum size of a body, in **bytes** (1 MiB). Larger ones are
    /// [`TooLarge`](crate::QueueError::TooLarge).
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// The maximum size of dead letters with a [body that cannot be
    /// read](crate::DeadReason::BodyUnreadable), in **bytes** (64 MiB). Those of an unsigned app
    /// are not kept beyond it, since anybody can send them; those of a signed app always are.
    /// Dropped ones are counted ([`Stats::dropped`](crate::Stats::dropped)).
    pub fn max_unreadable_bytes(mut self, bytes: u64) -> Self {
        self.max_unreadable_bytes = bytes;
        self
    }

    /// How long after it was handled a duplicate of a callback is recognised (10 minutes). While a
    /// callback waits, or is a dead letter, its duplicates are always recognised.
    pub fn dedup_window(mut self, window: Duration) -> Self {
        self.dedup_window = window;
        self
    }

    /// How long a callback that keeps failing blocks later ones with the same order key, from its
    /// first failure (5 minutes). Then it steps aside, and is marked as [out of
    /// order](crate::Delivery::out_of_order).
    pub fn max_block(mut self, max_block: Duration) -> Self {
        self.max_block = max_block;
        self
    }

    /// Another clock, for tests. It may jump: if it goes back, the store's time stops until the
    /// clock catches up.
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

impl StoreOptions {
    /// For a store that has no bound of its own.
    #[cfg(any(feature = "sqlite", feature = "testing"))]
    pub(crate) fn bytes(&self) -> u64 {
        self.max_bytes.unwrap_or(16 << 30)
    }

    /// Whether an unreadable dead letter of an unsigned app is kept beside those that are there.
    pub(crate) fn keeps_unreadable(&self, there: u64, size: u64) -> bool {
        there.saturating_add(size) <= self.max_unreadable_bytes
    }
}

impl Default for StoreOptions {
    fn default() -> Self {
        StoreOptions::new()
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreOptions")
            .field("max_rows", &self.max_rows)
            .field("max_bytes", &self.max_bytes)
            .field("max_body", &self.max_body)
            .field("max_unreadable_bytes", &self.max_unreadable_bytes)
            .field("dedup_window", &self.dedup_window)
            .field("max_block", &self.max_block)
            .finish_non_exhaustive()
    }
}

/// A clock in milliseconds that never goes back.
pub(crate) struct Clock {
    read: Arc<ReadClock>,
    last: i64,
    behind: i64,
}

impl Clock {
    pub(crate) fn new(options: &StoreOptions) -> Self {
        let read = options.clock.clone();
        let last = to_millis(read());
        Clock { read, last, behind: 0 }
    }

    /// Now, in milliseconds since 1970.
    pub(crate) fn now(&mut self) -> i64 {
        let told = to_millis((self.read)());
        let now = told.saturating_add(self.behind);
        if now < self.last {
            // From here on time goes on at the clock's speed. Waiting for it to catch up would stop
            // all retries for so long.
            self.behind = self.last.saturating_sub(told);
            return self.last;
        }
        self.last = now;
        now
    }
}

/// Milliseconds since 1970; times that do not fit are the nearest that does.
pub(crate) fn to_millis(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => millis(after),
        Err(before) => -millis(before.duration()),
    }
}

pub(crate) fn from_millis(millis: i64) -> SystemTime {
    let span = Duration::from_millis(millis.unsigned_abs());
    let time = if millis < 0 { UNIX_EPOCH.checked_sub(span) } else { UNIX_EPOCH.checked_add(span) };
    time.unwrap_or(UNIX_EPOCH)
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[test]
    fn a_clock_that_jumps_back_goes_on_at_its_speed() {
        let told = Arc::new(AtomicI64::new(10_000));
        let read = told.clone();
        let options = StoreOptions::new().clock(move || from_millis(read.load(Ordering::Relaxed)));
        let mut clock = Clock::new(&options);
        let mut at = |millis| {
            told.store(millis, Ordering::Relaxed);
            clock.now()
        };
        assert_eq!(at(11_000), 11_000);
        assert_eq!(at(1_000), 11_000);
        assert_eq!(at(1_500), 11_500);
        assert_eq!(at(500), 11_500);
        assert_eq!(at(20_000), 31_000);
        assert_eq!(at(i64::MAX), i64::MAX);
        assert_eq!(at(i64::MIN), i64::MAX);
    }

    #[test]
    fn times_go_there_and_back() {
        for millis in [0, 1, -1, 1_700_000_000_123, -1_700_000_000_123] {
            assert_eq!(to_millis(from_millis(millis)), millis);
        }
        to_millis(from_millis(i64::MIN));
        to_millis(from_millis(i64::MAX));
    }
}
