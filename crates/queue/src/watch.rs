//! Warnings, once each, about programs that are put together so that nothing is queued, or nothing is handled.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tencent_im_callback::Command;

/// How long callbacks are accepted without a worker before there is a warning.
const WITHOUT_WORKER: Duration = Duration::from_secs(60);

/// How many callbacks the layer passes on, and enqueues none, before there is a warning.
const PASSED_ON: u32 = 100;

/// What the handles on a queue have done in this process.
#[derive(Default)]
pub(crate) struct Watch {
    worked: AtomicBool,
    enqueued: AtomicBool,
    passed_on: AtomicU32,
    /// Labels of commands that nobody handles.
    unhandled: Mutex<BTreeSet<&'static str>>,
}

impl Watch {
    /// A worker has begun.
    pub(crate) fn worker_runs(&self) {
        self.worked.store(true, Ordering::Relaxed);
    }

    /// A callback was stored. `alone`: only workers of this process can handle it.
    pub(crate) fn enqueued(self: &Arc<Self>, alone: bool) {
        if self.enqueued.swap(true, Ordering::Relaxed) || !alone || self.worked.load(Ordering::Relaxed) {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        // The program may end meanwhile.
        let watch = Arc::downgrade(self);
        runtime.spawn(async move {
            tokio::time::sleep(WITHOUT_WORKER).await;
            if watch
                .upgrade()
                .is_some_and(|watch| !watch.worked.load(Ordering::Relaxed))
            {
                tracing::warn!(
                    target: "tencent_im_callback_queue",
                    "callbacks are accepted, and no worker handles them: run `Queue::worker` in this process"
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
                "callbacks of this command are in the queue, and the worker's router has no handler for them: they are done without"
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
                "the queue's layer has passed on {PASSED_ON} callbacks that wait for a verdict, and enqueued none: \
                 in a `Split` it belongs on the side of notifications"
            );
        }
    }
}
