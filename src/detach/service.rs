use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use pin_project_lite::pin_project;
use tokio::sync::OwnedSemaphorePermit;
use tower_service::Service;

use super::background::{Shared, detach};
use crate::auth::Params;
use crate::callback::Callback;
use crate::error::HandlerError;
use crate::oneshot::Oneshot;
use crate::reply::{Handling, Reply};

/// Service of [`DetachLayer`].
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
