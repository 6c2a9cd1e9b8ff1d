use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use moka::future::Cache;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::layer::Key;
use crate::callback::Callback;
use crate::error::HandlerError;
use crate::event::DedupKey;
use crate::oneshot::Oneshot;
use crate::reply::{Handling, Reply};

/// Service of [`DedupLayer`].
#[derive(Clone)]
pub struct Dedup<S> {
    pub(super) inner: S,
    pub(super) seen: Cache<DedupKey, Reply>,
    pub(super) key: Option<Arc<Key>>,
}

impl<S> Dedup<S> {
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

    /// How many deliveries are remembered, about.
    pub fn remembered(&self) -> u64 {
        self.seen.entry_count()
    }
}

impl<S> Service<Callback> for Dedup<S>
where
    S: Service<Callback> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Into<Reply>,
    S::Error: fmt::Display,
{
    type Response = Reply;
    type Error = HandlerError;
    type Future = DedupFuture<S>;

    /// Always ready: the inner service is asked only for what it has not handled.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), HandlerError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, callback: Callback) -> DedupFuture<S> {
        let key = match &self.key {
            Some(key) => key(&callback),
            None => callback.dedup_key(),
        };
        let call = Oneshot::new(self.inner.clone(), callback);
        let Some(key) = key else {
            return DedupFuture {
                state: State::Passing { call },
            };
        };
        let seen = self.seen.clone();
        let shared = Box::pin(async move {
            let first = Box::pin(async move { call.await.map(Into::into) });
            match seen.entry(key).or_try_insert_with(first).await {
                Ok(entry) if entry.is_fresh() => Ok(entry.into_value()),
                Ok(entry) => Ok(entry.into_value().handled(Handling::Duplicate)),
                Err(error) => Err(HandlerError::new(HandlerError::to_string(&error))),
            }
        });
        DedupFuture {
            state: State::Shared { shared },
        }
    }
}

pin_project! {
    /// Future of [`Dedup`].
    #[must_use]
    pub struct DedupFuture<S: Service<Callback>> {
        #[pin]
        state: State<S>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S: Service<Callback>> {
        Passing { #[pin] call: Oneshot<S, Callback> },
        Shared { shared: Pin<Box<dyn Future<Output = Result<Reply, HandlerError>> + Send>> },
    }
}

impl<S> Future for DedupFuture<S>
where
    S: Service<Callback>,
    S::Response: Into<Reply>,
    S::Error: fmt::Display,
{
    type Output = Result<Reply, HandlerError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Passing { call } => call.poll(cx).map_ok(Into::into),
            StateProjection::Shared { shared } => shared.as_mut().poll(cx),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Dedup<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dedup")
            .field("inner", &self.inner)
            .field("remembered", &self.remembered())
            .finish_non_exhaustive()
    }
}

impl<S: Service<Callback>> fmt::Debug for DedupFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DedupFuture").finish_non_exhaustive()
    }
}
