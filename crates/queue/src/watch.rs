//! The log: warnings, once each, about programs that are put together so that nothing is queued, or
//! nothing is handled; and failures.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tencent_im_callback::Command;
use tokio::time::Instant;

use crate::delivery::DeliveryId;
use crate::store::DeadReason;

/// How long callbacks are accepted without a worker before there is a warning.
const WITHOUT_WORKER: Duration = Duration::from_secs(60);

/// How many callbacks the layer passes on, and enqueues none, before there is a warning.
const PASSED_ON: u32 = 100;

/// Of the failures of one kind that anybody can cause, one is shown in this time.
const EACH: Duration = Duration::from_secs(60);

/// What the handles on a queue have done in this process.
#[derive(Default)]
pub(crate) struct Watch {
    worked: AtomicBool,
    enqueued: AtomicBool,
    passed_on: AtomicU32,
    /// Labels of commands that nobody handles.
    unhandled: Mutex<BTreeSet<&'static str>>,
    sampler: Sampler,
}

/// A failed attempt.
pub(crate) struct Failure<'a> {
    pub(crate) id: DeliveryId,
    pub(crate) attempt: u32,
    pub(crate) error: &'a str,
    /// Whether its app is signed. If it is not, anybody can cause this failure, as often as he
    /// likes.
    pub(crate) signed: bool,
}

/// An event of this level, or of level debug if another one stands for it.
macro_rules! log {
    ($level:ident, $failure:ident, $shown:ident, $($rest:tt)*) => {
        if $shown.is_some() {
            log!(@ $level, $failure, $shown, $($rest)*);
        } else {
            log!(@ debug, $failure, $shown, $($rest)*);
        }
    };
    (@ $level:ident, $failure:ident, $shown:ident, $($rest:tt)*) => {
        tracing::$level!(
            target: "tencent_im_callback_queue",
            id = %$failure.id,
            attempt = $failure.attempt,
            error = $failure.error,
            times = $shown.filter(|_| !$failure.signed),
            $($rest)*
        )
    };
}

impl Watch {
    /// It is tried again after `delay`.
    pub(crate) fn retried(&self, failure: &Failure<'_>, delay: Duration) {
        let shown = self.shown(failure, "retried");
        let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        log!(warn, failure, shown, delay_ms, "callback failed and is tried again");
    }

    pub(crate) fn buried(&self, failure: &Failure<'_>, reason: DeadReason) {
        let reason = reason.as_str();
        let shown = self.shown(failure, reason);
        log!(error, failure, shown, reason, "callback is a dead letter");
    }

    /// It was to be a dead letter.
    pub(crate) fn dropped(&self, failure: &Failure<'_>) {
        let shown = self.shown(failure, "dropped");
        log!(
            warn,
            failure,
            shown,
            "callback is dropped: its body cannot be read, its app is unsigned, and there is no \
            room for more such dead letters"
        );
    }

    /// For how many of its kind it is shown, if it is.
    fn shown(&self, failure: &Failure<'_>, kind: &'static str) -> Option<u32> {
        if failure.signed { Some(1) } else { self.sampler.count(kind) }
    }
}

/// Counts failures by their kind.
#[derive(Default)]
struct Sampler(Mutex<BTreeMap<&'static str, Slot>>);

#[derive(Default)]
struct Slot {
    /// When the next one may be shown.
    due: Option<Instant>,
    /// How many there were since the last one that was shown.
    since: u32,
}

impl Sampler {
    /// The number since the last one that was shown, with this one, if it is to be shown.
    fn count(&self, kind: &'static str) -> Option<u32> {
        let now = Instant::now();
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.entry(kind).or_default();
        slot.since = slot.since.saturating_add(1);
        if slot.due.is_some_and(|due| now < due) {
            return None;
        }
        slot.due = Some(now + EACH);
        Some(std::mem::take(&mut slot.since))
    }
}

impl Watch {
    /// A worker has begun.
    pub(crate) fn worker_runs(&self) {
        self.worked.store(true, Ordering::Relaxed);
    }

    /// A callback was stored. `alone`: only workers of this process can handle it.
    pub(crate) fn enqueued(self: &Arc<Self>, alone: bool) {
        if self.enqueued.swap(true, Ordering::Relaxed)
            || !alone
            || self.worked.load(Ordering::Relaxed)
        {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        // The program may end meanwhile.
        let watch = Arc::downgrade(self);
        runtime.spawn(async move {
            tokio::time::sleep(WITHOUT_WORKER).await;
            if watch.upgrade().is_some_and(|watch| !watch.worked.load(Ordering::Relaxed)) {
                tracing::warn!(
                    target: "tencent_im_callback_queue",
                    "callbacks are accepted, and no worker handles them: run `Queue::worker` in \
                    this process"
                );
            }
        });
    }

    /// A worker's service has no handler for a callback of this command.
    pub(crate) fn unhandled(&self, command: &Command) {
        let mut warned = self.unhandled.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.insert(command.label()) {
            drop(warned);
            tracing::warn!(
                target: "tencent_im_callback_queue",
                command = command.label(),
                "callbacks of this command are in the queue, and the worker's router has no \
                handler for them: they are done without"
            );
        }
    }

    /// A callback was passed on to the inner service.
    pub(crate) fn passed_on(&self) {
        if self.enqueued.load(Ordering::Relaxed) {
            return;
        }
        if self.passed_on.fetch_add(1, Ordering::Relaxed) + 1 == PASSED_ON {
            tracing::warn!(
                target: "tencent_im_callback_queue",
                "the queue's layer has passed on {PASSED_ON} callbacks that wait for a \
                verdict, and enqueued none: in a `Split` it belongs on the side of notifications"
            );
        }
    }
}
