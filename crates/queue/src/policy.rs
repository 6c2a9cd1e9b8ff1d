//! When a failed callback is tried again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// How often a callback is tried, and how long the delays between attempts are.
///
/// Each delay is longer than the one before by a factor, up to a maximum. A random part of up to a
/// quarter is taken off, so that callbacks that failed together are not tried again together. A
/// handler's [`HandlerError::permanent`](tencent_im_callback::HandlerError::permanent) and
/// [`HandlerError::retry_after`](tencent_im_callback::HandlerError::retry_after) take precedence.
///
/// The default is 20 attempts: after 1 s, 2 s, 4 s … up to 10 minutes, about two hours in all.
///
/// ```
/// use std::time::Duration;
/// use tencent_im_callback_queue::RetryPolicy;
///
/// let policy = RetryPolicy::new()
///     .first_delay(Duration::from_millis(500))
///     .factor(3.0)
///     .max_delay(Duration::from_secs(60))
///     .attempts(8);
/// assert_eq!(policy.longest_delay_after(1), Some(Duration::from_millis(500)));
/// assert_eq!(policy.longest_delay_after(3), Some(Duration::from_millis(4500)));
/// assert_eq!(policy.longest_delay_after(8), None);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct RetryPolicy {
    first: Duration,
    factor: f64,
    longest: Duration,
    attempts: u32,
}

impl RetryPolicy {
    /// The default policy.
    pub const fn new() -> Self {
        RetryPolicy {
            first: Duration::from_secs(1),
            factor: 2.0,
            longest: Duration::from_secs(600),
            attempts: 20,
        }
    }

    /// The delay after the first failure (1 s).
    pub const fn first_delay(self, delay: Duration) -> Self {
        RetryPolicy { first: delay, ..self }
    }

    /// The factor between one delay and the next (2). A value below 1, or NaN, counts as 1.
    pub fn factor(self, factor: f64) -> Self {
        let factor = if factor >= 1.0 { factor } else { 1.0 };
        RetryPolicy { factor, ..self }
    }

    /// The maximum delay (10 minutes).
    pub const fn max_delay(self, delay: Duration) -> Self {
        RetryPolicy { longest: delay, ..self }
    }

    /// The number of attempts (20), at least 1. After the last one the callback is a dead letter.
    pub fn attempts(self, attempts: u32) -> Self {
        RetryPolicy { attempts: attempts.max(1), ..self }
    }

    /// The wait after the failure of this attempt (from 1) before the random part is taken off;
    /// none after the last attempt.
    pub fn longest_delay_after(&self, attempt: u32) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = self.first.as_secs_f64() * self.factor.powi(exponent);
        // A delay that is infinite or too large for a `Duration` becomes the longest one.
        let delay = Duration::try_from_secs_f64(seconds).unwrap_or(self.longest);
        Some(delay.min(self.longest))
    }

    /// The wait after the failure of this attempt, with the random part taken off.
    pub(crate) fn delay_after(
        &self,
        attempt: u32,
        random: &RandomState,
        what: u64,
    ) -> Option<Duration> {
        let longest = self.longest_delay_after(attempt)?;
        let draw = u32::try_from(random.hash_one((what, attempt)) % 1024).unwrap_or(0);
        Some(longest.saturating_sub(longest / 4096 * draw))
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_longest_and_end() {
        let policy = RetryPolicy::new();
        let random = RandomState::new();
        let mut total = Duration::ZERO;
        for attempt in 1..20 {
            let longest = policy.longest_delay_after(attempt).unwrap();
            let delay = policy.delay_after(attempt, &random, 7).unwrap();
            assert!(
                delay <= longest && delay >= longest * 3 / 4,
                "{attempt}: {delay:?} {longest:?}"
            );
            total += longest;
        }
        assert_eq!(policy.longest_delay_after(20), None);
        assert!(
            total > Duration::from_secs(100 * 60) && total < Duration::from_secs(130 * 60),
            "{total:?}"
        );
    }

    #[test]
    fn no_setting_makes_it_panic() {
        let random = RandomState::new();
        for factor in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, 1e300] {
            for delay in [Duration::ZERO, Duration::MAX] {
                let policy = RetryPolicy::new()
                    .factor(factor)
                    .first_delay(delay)
                    .max_delay(delay)
                    .attempts(u32::MAX);
                for attempt in [0, 1, 2, 1000, u32::MAX - 1] {
                    assert!(policy.delay_after(attempt, &random, 0).unwrap() <= delay);
                }
                assert_eq!(policy.delay_after(u32::MAX, &random, 0), None);
            }
        }
        assert_eq!(RetryPolicy::new().attempts(0).longest_delay_after(1), None);
    }
}
