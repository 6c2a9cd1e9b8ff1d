//! Which refusals the log shows: anybody can cause them, so that all of them would fill it, and none of them would hide a wrong token.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use crate::rejection::RejectionKind;

/// A refusal of one kind is shown once in this many seconds.
const EACH: u64 = 60;

/// Counts refusals by kind.
pub(crate) struct Refusals {
    kinds: [Kind; RejectionKind::ALL.len()],
    started: OnceLock<Instant>,
}

#[derive(Default)]
struct Kind {
    /// When the next one may be shown, in seconds since the first of any kind.
    due: AtomicU64,
    /// How many there were since the last one that was shown.
    since: AtomicU32,
}

impl Default for Refusals {
    fn default() -> Self {
        Refusals {
            kinds: std::array::from_fn(|_| Kind::default()),
            started: OnceLock::new(),
        }
    }
}

impl Refusals {
    /// Counts a refusal. Gives the number of them since the last one that was shown, this one included, if it is to be shown itself.
    pub(crate) fn count(&self, kind: RejectionKind) -> Option<NonZeroU32> {
        if kind == RejectionKind::Probe || !super::trace::shows_warnings() {
            return None;
        }
        let now = self.started.get_or_init(Instant::now).elapsed().as_secs();
        self.count_at(kind, now)
    }

    fn count_at(&self, kind: RejectionKind, now: u64) -> Option<NonZeroU32> {
        let kind = self.kinds.get(kind as usize)?;
        kind.since.fetch_add(1, Ordering::Relaxed);
        let due = kind.due.load(Ordering::Relaxed);
        // Of several at once, one is shown.
        let shown = now >= due
            && kind
                .due
                .compare_exchange(due, now + EACH, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if shown {
            NonZeroU32::new(kind.since.swap(0, Ordering::Relaxed))
        } else {
            None
        }
    }
}

impl fmt::Debug for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusals").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tests in this binary have no subscriber.
    #[test]
    fn nothing_is_counted_for_nobody() {
        let refusals = Refusals::default();
        assert_eq!(refusals.count(RejectionKind::SignatureMismatch), None);
        assert!(refusals.started.get().is_none(), "the clock was read");
    }

    #[test]
    fn the_first_of_each_kind_within_a_minute_is_shown_with_the_number_since() {
        use RejectionKind::{SignatureMismatch, Stale};

        let refusals = Refusals::default();
        let at = |kind, second| refusals.count_at(kind, second).map(NonZeroU32::get);
        assert_eq!(at(SignatureMismatch, 0), Some(1));
        for second in 0..60 {
            assert_eq!(at(SignatureMismatch, second), None);
        }
        assert_eq!(at(Stale, 59), Some(1));
        assert_eq!(at(SignatureMismatch, 60), Some(61));
        assert_eq!(at(SignatureMismatch, 119), None);
        assert_eq!(at(SignatureMismatch, 1000), Some(2));
        for (index, kind) in RejectionKind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, index);
        }
    }
}
