use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use pin_project_lite::pin_project;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tower_layer::Layer;
use tower_service::Service;

use super::error::HandlerError;
use super::oneshot::Oneshot;
use crate::event::Callback;
use crate::protocol::Params;
use crate::reply::{Handling, Reply};

/// How long a callback waits for room, unless [`DetachLayer::max_wait`] says otherwise. Tencent waits 2 s.
const MAX_WAIT: Duration = Duration::from_millis(1500);

type Hook = dyn Fn(&Params, &DetachFailure) + Send + Sync;

/// Answers at once what needs no verdict, and runs the inner service in the background.
///
/// Detached are *after* callbacks and notices whose reply means nothing ([`Command::is_answered`](crate::Command::is_answered)); all
/// others pass through to the inner service. At most `room` callbacks are in the background at a time; one for which there is no room
/// waits for it, and fails as overloaded after [`max_wait`](Self::max_wait). Needs a tokio runtime.
///
/// **An event that was answered early and is lost in a crash is lost**: Tencent does not send it again. Where that must not be, let
/// the inner service put it into a durable queue and leave this layer out.
///
/// At shutdown, stop accepting connections, then [`drain`](Self::drain).
///
/// ```
/// use std::time::Duration;
/// use tencent_im_callback::{App, CallbackLayer, DedupLayer, DetachLayer, EventRouter, Token};
/// use tower::ServiceBuilder;
///
/// # async fn run() -> Result<(), tencent_im_callback::InvalidToken> {
/// let detach = DetachLayer::new(1000);
/// let app = App::signed(1400000000, Token::new("xxxxyyyy")?);
/// let service = ServiceBuilder::new()
///     .layer(CallbackLayer::new(app))
///     .layer(detach.clone())
///     .layer(DedupLayer::new(Duration::from_secs(300)))
///     .service(EventRouter::new());
/// // … serve, and in the end:
/// let drained = detach.drain(Duration::from_secs(10)).await;
/// println!("{} finished, {} not", drained.finished, drained.unfinished.len());
/// # drop::<tencent_im_callback::CallbackService<_>>(service);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct DetachLayer {
    shared: Arc<Shared>,
    max_wait: Duration,
}

/// Service of [`DetachLayer`].
#[derive(Clone)]
pub struct Detach<S> {
    inner: S,
    shared: Arc<Shared>,
    max_wait: Duration,
}

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

struct Shared {
    room: Arc<Semaphore>,
    running: Mutex<Running>,
    /// Told whenever something in the background ends.
    ended: Notify,
    hook: Mutex<Option<Arc<Hook>>>,
    detached: AtomicU64,
    succeeded: AtomicU64,
    failed: AtomicU64,
    overloaded: AtomicU64,
    abandoned: AtomicU64,
}

#[derive(Default)]
struct Running {
    draining: bool,
    next: u64,
    tasks: HashMap<u64, Task>,
}

struct Task {
    params: Params,
    body: Bytes,
    abort: Option<AbortHandle>,
}

/// What it guards is consistent at all times, so a panic elsewhere is no reason to stop.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl DetachLayer {
    /// Room for this many callbacks in the background at a time. Clones share it.
    pub fn new(room: usize) -> Self {
        DetachLayer {
            shared: Arc::new(Shared {
                room: Arc::new(Semaphore::new(room.min(Semaphore::MAX_PERMITS))),
                running: Mutex::default(),
                ended: Notify::new(),
                hook: Mutex::default(),
                detached: AtomicU64::new(0),
                succeeded: AtomicU64::new(0),
                failed: AtomicU64::new(0),
                overloaded: AtomicU64::new(0),
                abandoned: AtomicU64::new(0),
            }),
            max_wait: MAX_WAIT,
        }
    }

    /// How long a callback waits for room before it fails as overloaded (1.5 s; Tencent waits 2 s).
    pub fn max_wait(mut self, max_wait: Duration) -> Self {
        self.max_wait = max_wait;
        self
    }

    /// Is told of every callback that fails in the background. The last one set counts, for all clones.
    pub fn on_failure(self, hook: impl Fn(&Params, &DetachFailure) + Send + Sync + 'static) -> Self {
        *lock(&self.shared.hook) = Some(Arc::new(hook));
        self
    }

    /// Stops detaching, and waits for what is in the background until it is done or the time is up; what is not done by then is
    /// aborted and handed back. Callbacks that still arrive run inline.
    pub async fn drain(&self, timeout: Duration) -> Drained {
        let running = || {
            let mut running = lock(&self.shared.running);
            running.draining = true;
            running.tasks.len()
        };
        let before = running();
        let all_ended = async {
            loop {
                let ended = self.shared.ended.notified();
                if running() == 0 {
                    break;
                }
                ended.await;
            }
        };
        drop(tokio::time::timeout(timeout, all_ended).await);
        let tasks: Vec<Task> = lock(&self.shared.running).tasks.drain().map(|(_, task)| task).collect();
        let unfinished = tasks.into_iter().map(|task| {
            if let Some(abort) = task.abort {
                abort.abort();
            }
            (task.params, task.body)
        });
        let unfinished: Vec<_> = unfinished.collect();
        Drained {
            finished: before.saturating_sub(unfinished.len()),
            unfinished,
        }
    }

    /// Counts since the layer was made.
    pub fn stats(&self) -> DetachStats {
        let shared = &self.shared;
        DetachStats {
            running: lock(&shared.running).tasks.len(),
            detached: shared.detached.load(Ordering::Relaxed),
            succeeded: shared.succeeded.load(Ordering::Relaxed),
            failed: shared.failed.load(Ordering::Relaxed),
            overloaded: shared.overloaded.load(Ordering::Relaxed),
            abandoned: shared.abandoned.load(Ordering::Relaxed),
        }
    }
}

impl<S> Layer<S> for DetachLayer {
    type Service = Detach<S>;

    fn layer(&self, inner: S) -> Detach<S> {
        Detach {
            inner,
            shared: self.shared.clone(),
            max_wait: self.max_wait,
        }
    }
}

impl<S> Detach<S> {
    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service, to change it.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Gives the inner service back.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S> Service<Callback> for Detach<S>
where
    S: Service<Callback> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Into<Reply>,
    S::Error: fmt::Display,
{
    type Response = Reply;
    type Error = HandlerError;
    type Future = DetachFuture<S>;

    /// Always ready: room is asked for only by what is detached.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), HandlerError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, callback: Callback) -> DetachFuture<S> {
        let inline = callback.command().is_answered() || callback.command().phase().may_decide();
        let kept = (!inline).then(|| (callback.params.clone(), callback.body.clone()));
        let call = Oneshot::new(self.inner.clone(), callback);
        let state = match kept {
            Some((params, body)) => State::Detaching {
                work: Some((call, params, body)),
            },
            None => State::Inline { call },
        };
        DetachFuture {
            state,
            waiting: None,
            shared: self.shared.clone(),
            max_wait: self.max_wait,
        }
    }
}

type Permit = Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send>>;

pin_project! {
    /// Future of [`Detach`].
    #[must_use]
    pub struct DetachFuture<S: Service<Callback>> {
        #[pin]
        state: State<S>,
        // There while there is no room.
        waiting: Option<Waiting>,
        shared: Arc<Shared>,
        max_wait: Duration,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S: Service<Callback>> {
        Inline { #[pin] call: Oneshot<S, Callback> },
        Detaching { work: Option<(Oneshot<S, Callback>, Params, Bytes)> },
    }
}

/// A wait for room that counts itself if it is given up.
struct Waiting {
    permit: Permit,
    shared: Arc<Shared>,
    over: bool,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.over {
            self.shared.abandoned.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<S> Future for DetachFuture<S>
where
    S: Service<Callback> + Send + 'static,
    S::Future: Send,
    S::Response: Into<Reply>,
    S::Error: fmt::Display,
{
    type Output = Result<Reply, HandlerError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let work = match this.state.as_mut().project() {
                StateProjection::Inline { call } => return call.poll(cx).map_ok(Into::into),
                StateProjection::Detaching { work } => work,
            };
            let permit = match this.waiting {
                None => this.shared.room.clone().try_acquire_owned().ok(),
                Some(waiting) => {
                    let permit = ready!(waiting.permit.as_mut().poll(cx));
                    waiting.over = true;
                    if permit.is_none() {
                        this.shared.overloaded.fetch_add(1, Ordering::Relaxed);
                        return Poll::Ready(Err(HandlerError::new("overloaded: no room in the background")));
                    }
                    permit
                }
            };
            let Some(permit) = permit else {
                let (room, max_wait) = (this.shared.room.clone(), *this.max_wait);
                let permit =
                    Box::pin(async move { tokio::time::timeout(max_wait, room.acquire_owned()).await.ok()?.ok() });
                *this.waiting = Some(Waiting {
                    permit,
                    shared: this.shared.clone(),
                    over: false,
                });
                continue;
            };
            let Some((call, params, body)) = work.take() else {
                return Poll::Ready(Err(HandlerError::new("polled after it was ready")));
            };
            match detach(this.shared, permit, call, params, body) {
                Ok(()) => return Poll::Ready(Ok(Reply::ok().handled(Handling::Detached))),
                Err(call) => this.state.set(State::Inline { call }),
            }
        }
    }
}

/// Starts the work in the background; gives it back if that is being drained.
#[allow(clippy::result_large_err)] // handed back to run inline, not reported
fn detach<S>(
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
        command = %crate::protocol::Escaped(params.command.as_str()),
        phase = params.command.phase().as_str(),
        error = %failure,
        "callback failed in the background"
    );
}

#[cfg(not(feature = "tracing"))]
fn report(_: &Params, _: &DetachFailure) {}

impl fmt::Debug for DetachLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetachLayer")
            .field("max_wait", &self.max_wait)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl<S: fmt::Debug> fmt::Debug for Detach<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detach")
            .field("inner", &self.inner)
            .field("max_wait", &self.max_wait)
            .finish_non_exhaustive()
    }
}

impl<S: Service<Callback>> fmt::Debug for DetachFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetachFuture").finish_non_exhaustive()
    }
}
