use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tower_service::Service;

use super::background::{DetachFailure, Permits, Shared, Work, detach};
use crate::auth::Params;
use crate::callback::Callback;
use crate::error::{HandlerError, caught};
use crate::oneshot::Oneshot;
use crate::reply::{Disposition, Reply};

/// Service of [`DetachLayer`](crate::DetachLayer).
#[derive(Clone)]
pub struct Detach<S> {
    pub(super) inner: S,
    pub(super) shared: Arc<Shared>,
    pub(super) max_wait: Duration,
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
            State::Inline { call, late: None }
        } else {
            let work = Work { service, callback };
            State::Detaching { work: Some(work) }
        };
        DetachFuture {
            state,
            waiting: None,
            shared: self.shared.clone(),
            max_wait: self.max_wait,
        }
    }
}

type Waited = Pin<Box<dyn Future<Output = Option<Permits>> + Send>>;

pin_project! {
    /// The future of [`Detach`].
    #[must_use]
    pub struct DetachFuture<S: Service<Callback>> {
        #[pin]
        state: State<S>,
        // Set once the callback has to wait for permits.
        waiting: Option<Waiting>,
        shared: Arc<Shared>,
        max_wait: Duration,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S: Service<Callback>> {
        // `late` is set for a callback that came after a drain had begun and would have been
        // detached. It has the parameters, for the log if the handler fails.
        Inline { #[pin] call: Oneshot<S, Callback>, late: Option<Box<Params>> },
        Detaching { work: Option<Work<S>> },
        Done,
    }
}

/// A wait for permits. If the future is dropped before the wait is over, the callback is counted as
/// abandoned.
struct Waiting {
    permits: Waited,
    shared: Arc<Shared>,
    over: bool,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.over {
            self.shared.abandoned.fetch_add(1, Ordering::Relaxed);
            crate::count::detached("abandoned");
        }
    }
}

/// Takes the permits of a callback if they are free now.
fn try_acquire(shared: &Shared, kibibytes: u32) -> Option<Permits> {
    let callback = shared.callbacks.clone().try_acquire_owned().ok()?;
    let bytes = shared.kibibytes.clone().try_acquire_many_owned(kibibytes).ok()?;
    Some((callback, bytes))
}

async fn acquire(shared: Arc<Shared>, kibibytes: u32) -> Option<Permits> {
    let callback = shared.callbacks.clone().acquire_owned().await.ok()?;
    let bytes = shared.kibibytes.clone().acquire_many_owned(kibibytes).await.ok()?;
    Some((callback, bytes))
}

impl<S> Future for DetachFuture<S>
where
    S: Service<Callback> + Send + 'static,
    S::Future: Send,
    S::Response: Into<Reply>,
    S::Error: fmt::Display + Send + Sync,
{
    type Output = Result<Reply, HandlerError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let work = match this.state.as_mut().project() {
                StateProjection::Inline { call, late: None } => return call.poll(cx).map_ok(Into::into),
                StateProjection::Inline { call, late } => {
                    let result = ready!(poll_late(call, cx)).map(Into::into);
                    if let Some(params) = late.take() {
                        this.shared.late(&params, &result);
                    }
                    this.state.set(State::Done);
                    return Poll::Ready(result.map_err(failure_of));
                }
                StateProjection::Detaching { work } => work,
                StateProjection::Done => return Poll::Ready(Err(HandlerError::new("polled after completion"))),
            };
            let Some(needed) = work.as_ref().map(|work| work.kibibytes(this.shared)) else {
                return Poll::Ready(Err(HandlerError::new("polled after completion")));
            };
            let permits = match this.waiting {
                None => try_acquire(this.shared, needed),
                Some(waiting) => {
                    let permits = ready!(waiting.permits.as_mut().poll(cx));
                    waiting.over = true;
                    if permits.is_none() && !this.shared.is_draining() {
                        this.shared.overloaded.fetch_add(1, Ordering::Relaxed);
                        crate::count::detached("overloaded");
                        return Poll::Ready(Err(HandlerError::overloaded()));
                    }
                    permits
                }
            };
            let permits = match permits {
                Some(permits) => Some(permits),
                // A drain has closed the semaphores. Nothing is detached any more, so there is no
                // need to wait.
                None if this.shared.is_draining() => None,
                None => {
                    let wait = acquire(this.shared.clone(), needed);
                    let max_wait = *this.max_wait;
                    *this.waiting = Some(Waiting {
                        permits: Box::pin(async move { tokio::time::timeout(max_wait, wait).await.ok()? }),
                        shared: this.shared.clone(),
                        over: false,
                    });
                    continue;
                }
            };
            let Some(work) = work.take() else {
                return Poll::Ready(Err(HandlerError::new("polled after completion")));
            };
            let detached = match permits {
                Some(permits) => detach(this.shared, permits, work),
                None => Err(work),
            };
            match detached {
                Ok(()) => return Poll::Ready(Ok(Reply::ok().with_disposition(Disposition::Detached))),
                Err(Work { service, callback }) => {
                    let late = Some(Box::new(callback.params.clone()));
                    let call = Oneshot::new(service, callback);
                    this.state.set(State::Inline { call, late });
                }
            }
        }
    }
}

/// Polls the handler of a callback that came after the drain had begun. A panic becomes an error,
/// as it does in the background.
fn poll_late<F, R>(future: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<Result<R, DetachFailure>>
where
    F: Future<Output = Result<R, HandlerError>>,
{
    // `caught` asserts unwind safety. That holds, since the caller drops the future after a panic.
    match caught(|| future.poll(cx)) {
        Ok(result) => result.map_err(DetachFailure::Error),
        Err(_panic) => Poll::Ready(Err(DetachFailure::Panic)),
    }
}

fn failure_of(failure: DetachFailure) -> HandlerError {
    match failure {
        DetachFailure::Error(error) => error,
        DetachFailure::Panic => HandlerError::new("the service panicked"),
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
