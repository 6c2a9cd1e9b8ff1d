use std::time::Duration;

/// How many callbacks of one key are let through: a rate, and how many may come at once.
///
/// After a pause, [`burst`](Self::burst) callbacks pass at once, and then one each time the rate
/// allows it: of `per_second(5)`, one each 200 ms. A callback over the limit does not count.
///
/// ```
/// use tencent_im_callback::Quota;
///
/// // Five a second for long, and up to twenty at once.
/// let quota = Quota::per_second(5).burst(20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Quota {
    /// The time in which one callback is earned again, in nanoseconds.
    pub(super) interval: u64,
    burst: u32,
}

/// The longest time that a burst may take to be earned again, so that no sum of times overflows.
const LONGEST: u64 = u64::MAX / 4;

impl Quota {
    /// This many callbacks a second, and as many at once. 0 counts as 1.
    pub fn per_second(callbacks: u32) -> Self {
        Quota::per(Duration::from_secs(1), callbacks)
    }

    /// This many callbacks a minute, and as many at once. 0 counts as 1.
    pub fn per_minute(callbacks: u32) -> Self {
        Quota::per(Duration::from_secs(60), callbacks)
    }

    fn per(period: Duration, callbacks: u32) -> Self {
        let callbacks = callbacks.max(1);
        let interval = period.as_nanos() / u128::from(callbacks);
        Quota { interval: u64::try_from(interval).unwrap_or(LONGEST).max(1), burst: callbacks }
    }

    /// How many may come at once, after a pause. 0 counts as 1.
    pub fn burst(mut self, callbacks: u32) -> Self {
        self.burst = callbacks.max(1);
        self
    }

    /// The time in which a whole burst is earned again, in nanoseconds.
    pub(super) fn window(self) -> u64 {
        self.interval.saturating_mul(self.burst.into()).min(LONGEST)
    }
}
