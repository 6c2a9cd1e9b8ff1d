use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tower_service::Service;

use super::background::{Hook, Permits, Shared, Work, detach};
use super::ends::DetachFailure;
use crate::callback::Callback;
use crate::caught::{caught, text_of};
use crate::error::HandlerError;
use crate::oneshot::Oneshot;
use crate::reply::{Disposition, Reply};
use crate::stored::StoredCallback;

/// Service of [`DetachLayer`](crate::DetachLayer).
#[derive(Clone)]
pub struct Detach<S> {
    pub(super) inner: S,
    pub(super) shared: Arc<Shared>,
    pub(super) max_wait: Duration,
    pub(super) hook: Option<Arc<Hook>>,
}

impl<S> Detach<S> {
    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service, mutable.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S> Service<Callback> for Detach<S>
where
    S: Service<Callback> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Into<Reply>,
    S::Error: fmt::Display + Send + Sync,
{
    type Response = Reply;
    type Error = HandlerError;
    type Future = DetachFuture<S>;

    /// Always ready. Permits are only taken for callbacks that are detached.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), HandlerError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, callback: Callback) -> DetachFuture<S> {
        let service = self.inner.clone();
        let state = if callback.answered_as().is_answered() {
            let call = Oneshot::new(service, callback);
            State::Inline { call }
        } else {
            let work = Work { service, callback, hook: self.hook.clone() };
            let answer = Box::pin(answer(self.shared.clone(), self.max_wait, work));
            State::Detaching { answer }
        };
        DetachFuture { state }
    }
}

pin_project! {
    /// The future of [`Detach`].
    #[must_use]
    pub struct DetachFuture<S: Service<Callback>> {
        #[pin]
        state: State<S>,
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<Reply, HandlerError>> + Send>>;

pin_project! {
    #[project = StateProjection]
    enum State<S: Service<Callback>> {
        Inline { #[pin] call: Oneshot<S> },
        Detaching { answer: Answer },
    }
}

impl<S> Future for DetachFuture<S>
where
    S: Service<Callback> + 'static,
    S::Response: Into<Reply>,
    S::Error: fmt::Display + Send + Sync,
{
    type Output = Result<Reply, HandlerError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Inline { call } => call.poll(cx).map_ok(Into::into),
            StateProjection::Detaching { answer } => answer.as_mut().poll(cx),
        }
    }
}

/// Detaches a callback as soon as there are permits for it. Once a drain has begun, nothing is
/// detached any more: then the callback is handled before it is answered.
async fn answer<S>(
    shared: Arc<Shared>,
    max_wait: Duration,
    work: Work<S>,
) -> Result<Reply, HandlerError>
where
    S: Service<Callback> + Send + 'static,
    S::Future: Send,
    S::Response: Into<Reply>,
    S::Error: fmt::Display + Send + Sync,
{
    let needed = work.kibibytes(&shared);
    let permits = match try_acquire(&shared, needed) {
        None if !shared.is_draining() => wait(&shared, needed, max_wait).await?,
        permits => permits,
    };
    let detached = match permits {
        Some(permits) => detach(&shared, permits, work),
        None => Err(work),
    };
    match detached {
        Ok(()) => Ok(Reply::ok().with_disposition(Disposition::Detached)),
        Err(work) => handle_late(&shared, work).await,
    }
}

/// Handles a callback that came after the drain had begun. It was never detached, so of its ends
/// only a failure is counted and reported.
async fn handle_late<S>(shared: &Shared, work: Work<S>) -> Result<Reply, HandlerError>
where
    S: Service<Callback> + 'static,
    S::Response: Into<Reply>,
    S::Error: fmt::Display + Send + Sync,
{
    let Work { service, callback, hook } = work;
    let stored = StoredCallback::from(&callback);
    let failed = |failure: &DetachFailure| shared.failed(hook.as_deref(), &stored, failure);
    let mut call = Box::pin(Oneshot::new(service, callback));
    // That it is unwind safe holds, since the call is dropped after a panic.
    let polled = poll_fn(|cx| {
        let polled =
            catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx).map_ok(Into::<Reply>::into)));
        polled.map_or_else(|panic| Poll::Ready(Err(panic)), |polled| polled.map(Ok))
    });
    match polled.await {
        Ok(Ok(reply)) => {
            if let Some(error) = reply.failure() {
                failed(&DetachFailure::Error(error));
            }
            Ok(reply)
        }
        Ok(Err(error)) => {
            let failure = DetachFailure::Error(error);
            failed(&failure);
            Err(failure.into_error())
        }
        Err(panic) => {
            failed(&DetachFailure::Panic(text_of(&*panic)));
            // To drop the call may panic as well, which would end the process during a panic.
            drop(caught(|| drop(call)));
            // `CallbackLayer` catches it, as that of a callback that is not detached.
            resume_unwind(panic)
        }
    }
}

/// Permits for a callback and its bytes, if there are any now.
fn try_acquire(shared: &Shared, kibibytes: u32) -> Option<Permits> {
    let callback = shared.callbacks.clone().try_acquire_owned().ok()?;
    let bytes = shared.kibibytes.clone().try_acquire_many_owned(kibibytes).ok()?;
    Some((callback, bytes))
}

/// Waits for permits. `None` if a drain has begun: it closes the semaphores, so that nobody waits
/// for what will not come.
async fn wait(
    shared: &Shared,
    kibibytes: u32,
    max_wait: Duration,
) -> Result<Option<Permits>, HandlerError> {
    let mut waiting = Waiting { shared, over: false };
    let acquire = async {
        let callback = shared.callbacks.clone().acquire_owned().await.ok()?;
        let bytes = shared.kibibytes.clone().acquire_many_owned(kibibytes).await.ok()?;
        Some((callback, bytes))
    };
    let permits = tokio::time::timeout(max_wait, acquire).await.ok().flatten();
    waiting.over = true;
    if permits.is_none() && !shared.is_draining() {
        shared.overloaded.fetch_add(1, Ordering::Relaxed);
        crate::count::detached("overloaded");
        return Err(HandlerError::overloaded());
    }
    Ok(permits)
}

/// A wait for permits that counts itself if it is given up: then the caller has closed the
/// connection.
struct Waiting<'a> {
    shared: &'a Shared,
    over: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.shared.abandoned.fetch_add(1, Ordering::Relaxed);
            crate::count::detached("abandoned");
        }
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
