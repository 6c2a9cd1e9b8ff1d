//! The work in the background.

use std::collections::HashMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tower_service::Service;

use super::ends::{DetachFailure, DetachId};
use crate::auth::Params;
use crate::callback::Callback;
use crate::caught::caught;
use crate::count::InBackground;
use crate::error::HandlerError;
use crate::oneshot::Oneshot;
use crate::reply::{Disposition, Reply};
#[cfg(feature = "tracing")]
use crate::response::Occasion;
use crate::response::Sampler;
use crate::stored::StoredCallback;

pub(super) type Hook = dyn Fn(&StoredCallback, &DetachFailure) + Send + Sync;

pub(super) struct Shared {
    /// One permit for each callback that may be in flight.
    pub(super) callbacks: Arc<Semaphore>,
    /// One permit for each KiB of body and URL that may be in flight.
    pub(super) kibibytes: Arc<Semaphore>,
    /// Of them, those that are free or taken.
    pub(super) max_kibibytes: AtomicU32,
    pub(super) running: Mutex<Running>,
    /// Notified whenever a callback in the background ends. A drain waits for it.
    pub(super) ended: Notify,
    pub(super) sampler: Sampler,
    pub(super) detached: AtomicU64,
    pub(super) succeeded: AtomicU64,
    pub(super) duplicates: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) overloaded: AtomicU64,
    pub(super) abandoned: AtomicU64,
    pub(super) unfinished: AtomicU64,
    /// Tasks that ended and that no drain has aborted, successfully or not. A drain counts from
    /// here.
    pub(super) finished: AtomicU64,
}

#[derive(Default)]
pub(super) struct Running {
    pub(super) draining: bool,
    /// The time of a drain is up, and it is aborting what is left.
    pub(super) aborting: bool,
    /// Callbacks whose tasks were aborted, for the drain to return.
    pub(super) aborted: Vec<(u64, StoredCallback)>,
    pub(super) next: u64,
    pub(super) tasks: HashMap<u64, Task>,
}

impl Running {
    /// Adds a task to the list, unless a drain has begun.
    fn add(&mut self, callback: StoredCallback) -> Option<u64> {
        if self.draining {
            return None;
        }
        let id = self.next;
        self.next += 1;
        self.tasks.insert(id, Task { callback, abort: None });
        Some(id)
    }
}

pub(super) struct Task {
    pub(super) callback: StoredCallback,
    pub(super) abort: Option<AbortHandle>,
}

/// The permits that one callback holds: one for itself, and one for each KiB.
pub(super) type Permits = (OwnedSemaphorePermit, OwnedSemaphorePermit);

/// A callback that is to be handled in the background.
pub(super) struct Work<S> {
    pub(super) service: S,
    pub(super) callback: Callback,
    /// Called if it fails.
    pub(super) hook: Option<Arc<Hook>>,
}

impl<S> Work<S> {
    /// How many permits its bytes take. A callback larger than the limit takes all permits, so it
    /// runs alone.
    pub(super) fn kibibytes(&self, shared: &Shared) -> u32 {
        let needed = self.callback.size().div_ceil(1024);
        let max = shared.max_kibibytes.load(Ordering::Relaxed);
        u32::try_from(needed).map_or(max, |needed| needed.min(max))
    }
}

impl Shared {
    pub(super) fn is_draining(&self) -> bool {
        lock(&self.running).draining
    }

    /// Permits that are taken now cannot be withdrawn.
    pub(super) fn set_max_kibibytes(&self, wanted: u32) {
        let now = self.max_kibibytes.load(Ordering::Relaxed);
        if let Some(more) = wanted.checked_sub(now) {
            self.kibibytes.add_permits(more as usize);
            self.max_kibibytes.fetch_add(more, Ordering::Relaxed);
        } else {
            let withdrawn = self.kibibytes.forget_permits((now - wanted) as usize);
            let withdrawn = u32::try_from(withdrawn).unwrap_or(u32::MAX);
            self.max_kibibytes.fetch_sub(withdrawn, Ordering::Relaxed);
        }
    }
}

/// Locks, also after a panic of another holder. No holder leaves the data half changed, so it can
/// still be used.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the work in the background. Gives it back if a drain has begun; the caller then handles
/// it inline.
#[allow(clippy::result_large_err)] // handed back to run inline, not reported
pub(super) fn detach<S>(
    shared: &Arc<Shared>,
    permits: Permits,
    mut work: Work<S>,
) -> Result<(), Work<S>>
where
    S: Service<Callback> + Send + 'static,
    S::Future: Send,
    S::Response: Into<Reply>,
    S::Error: fmt::Display + Send + Sync,
{
    if lock(&shared.running).draining {
        return Err(work);
    }
    // Panics without a runtime, before anything is counted.
    let runtime = Handle::current();
    work.callback.outlive_request();
    let Some(id) = lock(&shared.running).add(StoredCallback::from(&work.callback)) else {
        return Err(work);
    };
    shared.detached.fetch_add(1, Ordering::Relaxed);
    work.callback.extensions.insert(DetachId(id));
    let mut end = End {
        shared: shared.clone(),
        hook: work.hook,
        id,
        result: None,
        _running: InBackground::new(),
    };
    let call = Oneshot::new(work.service, work.callback);
    let work = async move {
        // Dropped after `end`, which removes this task from the list. So there are never fewer
        // permits taken than tasks in the list.
        let _permits = permits;
        let result = {
            let mut call = pin!(call);
            poll_fn(|cx| poll_caught(call.as_mut(), cx)).await
        };
        end.result = Some(result);
        drop(end);
    };
    // `spawn` is called without the lock. A runtime that is shutting down drops the future right
    // here, and `End::drop` takes the lock.
    let abort = runtime.spawn(in_span(work)).abort_handle();
    let mut running = lock(&shared.running);
    let aborting = running.aborting;
    if let Some(task) = running.tasks.get_mut(&id).filter(|_| !aborting) {
        task.abort = Some(abort);
    } else {
        // Either the task has ended already, and to abort it does nothing. Or a drain has begun to
        // abort the tasks, and did not have this one's handle.
        drop(running);
        abort.abort();
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

/// Polls the call of the service. Its panics are failures, which keep their text.
fn poll_caught<F, R>(
    call: Pin<&mut F>,
    cx: &mut Context<'_>,
) -> Poll<Result<Disposition, DetachFailure>>
where
    F: Future<Output = Result<R, HandlerError>>,
    R: Into<Reply>,
{
    // `caught` asserts unwind safety. That holds, since a call is dropped after a panic.
    let polled = caught(|| {
        call.poll(cx).map(|result| {
            let reply: Reply = result?.into();
            reply.failure().map_or_else(|| Ok(reply.disposition()), Err)
        })
    });
    match polled {
        Ok(polled) => polled.map_err(DetachFailure::Error),
        Err(text) => Poll::Ready(Err(DetachFailure::Panic(text))),
    }
}

/// Lives in the task. Its drop notes how the task ended: with a result, by a panic, or aborted by a
/// drain or with its runtime.
struct End {
    shared: Arc<Shared>,
    hook: Option<Arc<Hook>>,
    id: u64,
    result: Option<Result<Disposition, DetachFailure>>,
    _running: InBackground,
}

impl Drop for End {
    fn drop(&mut self) {
        let result = self.result.take();
        let task = {
            let mut running = lock(&self.shared.running);
            match running.tasks.remove(&self.id) {
                // Aborted by a drain, also if its future panicked while it was dropped.
                Some(task) if result.is_none() && running.aborting => {
                    running.aborted.push((self.id, task.callback));
                    None
                }
                // The task is missing from the list if a drain has returned it as unfinished.
                task => task,
            }
        };
        if let Some(task) = task {
            self.shared.finished.fetch_add(1, Ordering::Relaxed);
            match result.unwrap_or_else(|| Err(without_result())) {
                Ok(disposition) => self.shared.succeeded(disposition),
                Err(failure) => self.shared.failed(self.hook.as_deref(), &task.callback, &failure),
            }
        }
        self.shared.ended.notify_waiters();
    }
}

/// How a task failed that has no result: the service's future panicked while it was dropped, or the
/// runtime has ended.
fn without_result() -> DetachFailure {
    if std::thread::panicking() {
        DetachFailure::Panic("the service panicked".to_owned())
    } else {
        DetachFailure::Aborted
    }
}

impl Shared {
    /// Waits until nothing is in the background.
    pub(super) async fn all_ended(&self) {
        loop {
            let ended = self.ended.notified();
            if lock(&self.running).tasks.is_empty() {
                break;
            }
            ended.await;
        }
    }

    pub(super) fn succeeded(&self, disposition: Disposition) {
        self.succeeded.fetch_add(1, Ordering::Relaxed);
        if disposition == Disposition::Duplicate {
            self.duplicates.fetch_add(1, Ordering::Relaxed);
            crate::count::detached("duplicate");
        } else {
            crate::count::detached("succeeded");
        }
    }

    pub(super) fn failed(
        &self,
        hook: Option<&Hook>,
        callback: &StoredCallback,
        failure: &DetachFailure,
    ) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        crate::count::detached("failed");
        report(&callback.params, failure, &self.sampler);
        // This may run during a panic of the task. If the hook panicked then, the process would
        // abort.
        if let Some(hook) = hook {
            drop(caught(|| hook(callback, failure)));
        }
    }
}

#[cfg(feature = "tracing")]
fn report(params: &Params, failure: &DetachFailure, sampler: &Sampler) {
    let verified = params.token_index().is_some();
    let (warn, times) = crate::response::shown(verified, Occasion::Background, sampler);

    macro_rules! event {
        ($level:ident) => {
            tracing::event!(
                target: "tencent_im_callback",
                tracing::Level::$level,
                outcome = "failed",
                sdk_app_id = params.sdk_app_id.0,
                command = %crate::types::Escaped(params.command.as_str()),
                phase = params.command.phase().as_str(),
                error = %failure,
                times = times.map(std::num::NonZeroU32::get),
                "callback failed in the background"
            )
        };
    }

    if warn { event!(WARN) } else { event!(DEBUG) }
}

#[cfg(not(feature = "tracing"))]
fn report(_: &Params, _: &DetachFailure, _: &Sampler) {}
