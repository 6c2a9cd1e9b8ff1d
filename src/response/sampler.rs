//! Decides which warnings the log shows, of those that anybody can cause. To show all would let
//! anybody fill the log; to show none would hide a wrong token in your settings.
//!
//! Of each occasion one warning is shown in a minute, with the number since the last one. Warnings
//! about verified requests of a signed app are all shown: only somebody who knows the token, or a
//! fresh URL, can cause them. Those about a rate limit are not: any user can go over it.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use crate::error::Cause;
use crate::rejection::RejectionKind;

/// The target of all log events.
#[cfg(feature = "tracing")]
pub(crate) const TARGET: &str = "tencent_im_callback";

/// One of a kind is shown in this many seconds.
const EACH: u64 = 60;

/// The number of slots for each of the first three variants of [`Occasion`]. It is larger than the
/// number of kinds or causes.
const SORT: usize = 32;

/// What a warning is about.
#[derive(Clone, Copy)]
pub(crate) enum Occasion {
    Rejection(RejectionKind),
    Failure(Cause),
    /// A notification that was accepted although its body cannot be read. The cause is the one that
    /// a *before* callback would have failed with.
    Unread(Cause),
    Cancelled,
    /// Work that was detached has failed.
    #[cfg(feature = "detach")]
    Background,
}

impl Occasion {
    fn index(self) -> usize {
        match self {
            Occasion::Rejection(kind) => kind as usize,
            Occasion::Failure(cause) => SORT + cause as usize,
            Occasion::Unread(cause) => 2 * SORT + cause as usize,
            Occasion::Cancelled => 3 * SORT,
            #[cfg(feature = "detach")]
            Occasion::Background => 3 * SORT + 1,
        }
    }
}

/// Counts the occasions, and decides which are shown.
pub(crate) struct Sampler {
    slots: [Slot; 3 * SORT + 2],
    started: OnceLock<Instant>,
}

#[derive(Default)]
struct Slot {
    /// When the next one may be shown, in seconds since the sampler's first occasion.
    due: AtomicU64,
    /// How many there were since the last one that was shown.
    since: AtomicU32,
}

impl Default for Sampler {
    fn default() -> Self {
        Sampler { slots: std::array::from_fn(|_| Slot::default()), started: OnceLock::new() }
    }
}

impl Sampler {
    /// Counts an occasion. If it is to be shown, returns how many there were since the last one
    /// that was shown, this one included.
    pub(crate) fn count(&self, occasion: Occasion) -> Option<NonZeroU32> {
        if !shows_warnings() {
            return None;
        }
        let now = self.started.get_or_init(Instant::now).elapsed().as_secs();
        self.count_at(occasion, now)
    }

    fn count_at(&self, occasion: Occasion, now: u64) -> Option<NonZeroU32> {
        let slot = self.slots.get(occasion.index())?;
        slot.since.fetch_add(1, Ordering::Relaxed);
        let due = slot.due.load(Ordering::Relaxed);
        // If several threads get here at once, only one of them sets `due`, and shows its warning.
        let shown = now >= due
            && slot
                .due
                .compare_exchange(due, now + EACH, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if shown { NonZeroU32::new(slot.since.swap(0, Ordering::Relaxed)) } else { None }
    }
}

/// Whether anybody would see a warning.
#[cfg(feature = "tracing")]
fn shows_warnings() -> bool {
    tracing::enabled!(target: TARGET, tracing::Level::WARN)
}

#[cfg(not(feature = "tracing"))]
#[allow(dead_code)] // nothing asks
fn shows_warnings() -> bool {
    false
}

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampler").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tests in this binary have no subscriber.
    #[test]
    fn nothing_is_counted_for_nobody() {
        let sampler = Sampler::default();
        let occasion = Occasion::Rejection(RejectionKind::SignatureMismatch);
        assert_eq!(sampler.count(occasion), None);
        assert!(sampler.started.get().is_none(), "the clock was read");
    }

    #[test]
    fn the_first_of_each_kind_within_a_minute_is_shown_with_the_number_since() {
        let sampler = Sampler::default();
        let at = |occasion, second| sampler.count_at(occasion, second).map(NonZeroU32::get);
        let mismatch = Occasion::Rejection(RejectionKind::SignatureMismatch);
        assert_eq!(at(mismatch, 0), Some(1));
        for second in 0..60 {
            assert_eq!(at(mismatch, second), None);
        }
        assert_eq!(at(Occasion::Rejection(RejectionKind::Stale), 59), Some(1));
        assert_eq!(at(Occasion::Failure(Cause::Misfit), 59), Some(1));
        assert_eq!(at(mismatch, 60), Some(61));
        assert_eq!(at(mismatch, 119), None);
        assert_eq!(at(mismatch, 1000), Some(2));
    }

    #[test]
    fn every_occasion_has_a_place_of_its_own() {
        let rejections = RejectionKind::ALL.iter().map(|kind| Occasion::Rejection(*kind));
        let failures = Cause::ALL.iter().map(|cause| Occasion::Failure(*cause));
        let unread = Cause::ALL.iter().map(|cause| Occasion::Unread(*cause));
        let mut places: Vec<_> =
            rejections.chain(failures).chain(unread).map(Occasion::index).collect();
        places.push(Occasion::Cancelled.index());
        #[cfg(feature = "detach")]
        places.push(Occasion::Background.index());
        let all = places.len();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), all);
        // What has no place is never shown.
        assert!(places.last() < Some(&Sampler::default().slots.len()));
        assert!(RejectionKind::ALL.len() <= SORT && Cause::ALL.len() <= SORT);
    }
}
