//! What runs in the background, and how it ends.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tower_service::Service;

use crate::auth::Params;
use crate::callback::Callback;
use crate::error::HandlerError;
use crate::oneshot::Oneshot;
use crate::reply::Reply;

pub(super) type Hook = dyn Fn(&Params, &DetachFailure) + Send + Sync;

/// How work in the background went wrong, as shown to [`DetachLayer::on_failure`].
#[derive(Debug)]
#[non_exhaustive]
pub enum DetachFailure {
    /// The service gave an error.
    Error(HandlerError),
    /// The service panicked.
    Panic,
}

impl fmt::Display for DetachFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DetachFailure::Error(error) => error.fmt(f),
            DetachFailure::Panic => f.write_str("the service panicked"),
        }
    }
}

/// What became of the callbacks in the background when it was [drained](DetachLayer::drain).
#[derive(Clone)]
#[non_exhaustive]
pub struct Drained {
    /// How many finished while it was waited for them, well or not.
    pub finished: usize,
    /// Those that did not, and were aborted: enough to put them away and handle them later with
    /// [`Callback::parse`].
    pub unfinished: Vec<(Params, Bytes)>,
}

/// Without the bodies.
impl fmt::Debug for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drained")
            .field("finished", &self.finished)
            .field("unfinished", &self.unfinished.len())
            .finish()
    }
}

/// Counts since the layer was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DetachStats {
    /// In the background now.
    pub running: usize,
    /// Answered before they were handled.
    pub detached: u64,
    /// Of those, handled without an error.
    pub succeeded: u64,
    /// Of those, ended with an error or a panic.
    pub failed: u64,
    /// Not answered in time since there was no room.
    pub overloaded: u64,
    /// Not answered since the caller hung up while there was no room.
    pub abandoned: u64,
}

pub(super) struct Shared {
    pub(super) room: Arc<Semaphore>,
    pub(super) running: Mutex<Running>,
    /// Told whenever something in the background ends.
    pub(super) ended: Notify,
    pub(super) hook: Mutex<Option<Arc<Hook>>>,
    pub(super) detached: AtomicU64,
    pub(super) succeeded: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) overloaded: AtomicU64,
    pub(super) abandoned: AtomicU64,
}

#[derive(Default)]
pub(super) struct Running {
    pub(super) draining: bool,
    pub(super) next: u64,
    pub(super) tasks: HashMap<u64, Task>,
}

pub(super) struct Task {
    pub(super) params: Params,
    pub(super) body: Bytes,
    pub(super) abort: Option<AbortHandle>,
}

/// What it guards is consistent at all times, so a panic elsewhere is no reason to stop.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the work in the background; gives it back if that is being drained.
#[allow(clippy::result_large_err)] // handed back to run inline, not reported
pub(super) fn detach<S>(
    shared: &Arc<Shared>,
    permit: OwnedSemaphorePermit,
    call: Oneshot<S, Callback>,
    params: Params,
    body: Bytes,
) -> Result<(), Oneshot<S, Callback>>
where
    S: Service<Callback> + Send + 'static,
    S::Future: Send,
    S::Response: Into<Reply>,
    S::Error: fmt::Display,
{
    let id = {
        let mut running = lock(&shared.running);
        if running.draining {
            return Err(call);
        }
        let id = running.next;
        running.next += 1;
        running.tasks.insert(
            id,
            Task {
                params,
                body,
                abort: None,
            },
        );
        id
    };
    shared.detached.fetch_add(1, Ordering::Relaxed);
    let mut end = End {
        shared: shared.clone(),
        id,
        result: None,
    };
    let work = async move {
        // Given back after the end is noted, so that room and list agree.
        let _permit = permit;
        let result = call.await.map(drop);
        end.result = Some(result);
        drop(end);
    };
    // Not under the lock: a runtime that is shutting down drops the work right here, and its end takes the lock.
    let abort = tokio::spawn(in_span(work)).abort_handle();
    match lock(&shared.running).tasks.get_mut(&id) {
        Some(task) => task.abort = Some(abort),
        // Ended already, which makes this nothing; or handed back by a drain, which could not abort it yet.
        None => abort.abort(),
    }
    Ok(())
}

#[cfg(feature = "tracing")]
fn in_span<F: Future>(work: F) -> impl Future<Output = F::Output> {
    use tracing::Instrument;

    work.in_current_span()
}

#[cfg(not(feature = "tracing"))]
fn in_span<F: Future>(work: F) -> F {
    work
}

/// Notes how a piece of work ended, however it ended.
struct End {
    shared: Arc<Shared>,
    id: u64,
    result: Option<Result<(), HandlerError>>,
}

impl Drop for End {
    fn drop(&mut self) {
        // None if it was handed back by a drain, and aborted.
        let task = lock(&self.shared.running).tasks.remove(&self.id);
        let failure = match self.result.take() {
            Some(Ok(())) => {
                self.shared.succeeded.fetch_add(1, Ordering::Relaxed);
                None
            }
            Some(Err(error)) => Some(DetachFailure::Error(error)),
            None if std::thread::panicking() => Some(DetachFailure::Panic),
            None => None,
        };
        if let (Some(failure), Some(task)) = (failure, task) {
            self.shared.failed.fetch_add(1, Ordering::Relaxed);
            report(&task.params, &failure);
            let hook = lock(&self.shared.hook).clone();
            // A panicking hook during a panic would end the process.
            if let Some(hook) = hook {
                let told = std::panic::AssertUnwindSafe(|| hook(&task.params, &failure));
                drop(std::panic::catch_unwind(told));
            }
        }
        self.shared.ended.notify_waiters();
    }
}

#[cfg(feature = "tracing")]
fn report(params: &Params, failure: &DetachFailure) {
    tracing::warn!(
        target: "tencent_im_callback",
        outcome = "failed",
        sdk_app_id = params.sdk_app_id.0,
        command = %crate::types::Escaped(params.command.as_str()),
        phase = params.command.phase().as_str(),
        error = %failure,
        "callback failed in the background"
    );
}

#[cfg(not(feature = "tracing"))]
fn report(_: &Params, _: &DetachFailure) {}
