//! The work in the background.

use std::collections::HashMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tower_service::Service;

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

/// How background work failed, as passed to
/// [`DetachLayer::on_failure`](crate::DetachLayer::on_failure).
#[derive(Debug)]
#[non_exhaustive]
pub enum DetachFailure {
    /// The service returned an error, or answered [`FAIL`](Reply::failure).
    Error(HandlerError),
    /// The service panicked, with this text: what [`Failure::message`](crate::Failure::message) is
    /// for a panic before the answer.
    Panic(String),
    /// The runtime ended before the service did, without a [`drain`](crate::DetachLayer::drain).
    Aborted,
}

impl DetachFailure {
    pub(super) fn into_error(self) -> HandlerError {
        match self {
            DetachFailure::Error(error) => error,
            other => HandlerError::new(other.to_string()),
        }
    }
}

/// The error with its sources, escaped: it may quote what a peer sent.
impl fmt::Display for DetachFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DetachFailure::Error(error) => write!(f, "{error:?}"),
            DetachFailure::Panic(text) => f.write_str(text),
            DetachFailure::Aborted => f.write_str("the runtime ended before the service did"),
        }
    }
}

/// Identifies one callback in the background: a number, unique for its layer. The handler finds it
/// in the callback's extensions, and [`Drained::unfinished`] has it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DetachId(pub(super) u64);

impl fmt::Display for DetachId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The result of [`drain`](crate::DetachLayer::drain): how the callbacks in the background ended.
#[derive(Clone)]
#[non_exhaustive]
#[must_use = "unfinished callbacks are lost with it"]
pub struct Drained {
    /// Tasks that completed during the drain, successfully or not.
    pub finished: usize,
    /// The callbacks that did not finish and were aborted, in the form to store and handle later. A
    /// handler that blocks its thread for another second cannot be aborted, so one of these **may
    /// still complete**; the id tells you which.
    pub unfinished: Vec<(DetachId, StoredCallback)>,
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

/// Counts since the layer was made. Clones of the layer share them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DetachStats {
    /// In the background now.
    pub running: usize,
    /// The bytes of the callbacks in the background now: body and URL, rounded up to 1 KiB for
    /// each.
    pub running_bytes: usize,
    /// Answered before they were handled: `running`, `succeeded`, `unfinished`, or `failed`.
    pub detached: u64,
    /// Of those, handled without an error, and not answered [`FAIL`](Reply::failure).
    pub succeeded: u64,
    /// Of these, duplicates that a `Dedup` inside answered from memory.
    pub duplicates: u64,
    /// Failed as [`DetachFailure`] says: of those, and of the callbacks that ran before their answer
    /// because they came after a drain had begun.
    pub failed: u64,
    /// Of those, returned by [`drain`](crate::DetachLayer::drain) as unfinished.
    pub unfinished: u64,
    /// Not answered in time because too many were in flight.
    pub overloaded: u64,
    /// Not answered because the caller closed the connection while the callback waited.
    pub abandoned: u64,
}

pub(super) struct Shared {
    /// One permit for each callback that may be in flight.
    pub(super) callbacks: Arc<Semaphore>,
    /// One permit for each KiB of body and URL that may be in flight.
    pub(super) kibibytes: Arc<Semaphore>,
    pub(super) max_kibibytes: u32,
    pub(super) running: Mutex<Running>,
    /// Notified whenever a callback in the background ends. A drain waits for it.
    pub(super) ended: Notify,
    pub(super) hook: Mutex<Option<Arc<Hook>>>,
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
}

impl<S> Work<S> {
    /// How many permits its bytes take. A callback larger than the limit takes all permits, so it
    /// runs alone.
    pub(super) fn kibibytes(&self, shared: &Shared) -> u32 {
        let needed = self.callback.size().div_ceil(1024);
        u32::try_from(needed)
            .map_or(shared.max_kibibytes, |needed| needed.min(shared.max_kibibytes))
    }
}

impl Shared {
    pub(super) fn is_draining(&self) -> bool {
        lock(&self.running).draining
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
    let callback = StoredCallback::from(&work.callback);
    let id = {
        let mut running = lock(&shared.running);
        if running.draining {
            return Err(work);
        }
        let id = running.next;
        running.next += 1;
        let abort = None;
        running.tasks.insert(id, Task { callback, abort });
        id
    };
    shared.detached.fetch_add(1, Ordering::Relaxed);
    work.callback.extensions.insert(DetachId(id));
    let mut end = End { shared: shared.clone(), id, result: None, _running: InBackground::new() };
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
                Err(failure) => self.shared.failed(&task.callback, &failure),
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

    pub(super) fn failed(&self, callback: &StoredCallback, failure: &DetachFailure) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        crate::count::detached("failed");
        report(&callback.params, failure, &self.sampler);
        let hook = lock(&self.hook).clone();
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
