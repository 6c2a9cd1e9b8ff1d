use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;
use tower_service::Service;

use super::quota::Quota;
use super::table::Table;
use crate::callback::Callback;
use crate::error::HandlerError;
use crate::oneshot::Oneshot;
use crate::reply::{Disposition, Reply};

/// Service of [`RateLimitLayer`](crate::RateLimitLayer).
#[derive(Clone)]
pub struct RateLimit<S> {
    inner: S,
    limit: Arc<Limit>,
}

/// What a service keeps of the layer.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) key: Arc<Key>,
    pub(super) limits_notifications: bool,
    pub(super) reply: Option<Arc<Answer>>,
    pub(super) clock: Option<Arc<dyn Fn() -> Instant + Send + Sync>>,
}

/// The hash of a callback's key, if it is limited.
pub(super) type Key = dyn Fn(&Callback) -> Option<u64> + Send + Sync;

/// The reply to a callback over the limit.
pub(super) type Answer = dyn Fn(&Callback) -> Option<Reply> + Send + Sync;

/// What all clones of a service share.
struct Limit {
    settings: Settings,
    table: Table,
    started: Instant,
    passed: AtomicU64,
    limited: AtomicU64,
    shared: AtomicU64,
}

/// Counts since the service was made. Its clones share them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimitStats {
    /// Within the limit.
    pub passed: u64,
    /// Over the limit.
    pub limited: u64,
    /// Of both, those whose key found no room, so that they shared one quota. If it grows, raise
    /// the [`capacity`](crate::RateLimitLayer::capacity).
    pub shared: u64,
    /// The number of keys that are held.
    pub keys: usize,
}

impl<S> RateLimit<S> {
    pub(super) fn new(inner: S, quota: Quota, capacity: usize, settings: Settings) -> Self {
        let started = settings.now();
        let limit = Arc::new(Limit {
            settings,
            table: Table::new(quota, capacity),
            started,
            passed: AtomicU64::new(0),
            limited: AtomicU64::new(0),
            shared: AtomicU64::new(0),
        });
        RateLimit { inner, limit }
    }

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

    /// Counts since the service was made.
    pub fn stats(&self) -> RateLimitStats {
        let limit = &self.limit;
        RateLimitStats {
            passed: limit.passed.load(Ordering::Relaxed),
            limited: limit.limited.load(Ordering::Relaxed),
            shared: limit.shared.load(Ordering::Relaxed),
            keys: limit.table.len(),
        }
    }
}

impl Settings {
    fn now(&self) -> Instant {
        self.clock.as_ref().map_or_else(Instant::now, |clock| clock())
    }

    /// What a callback over the limit is answered.
    fn answer(&self, callback: &Callback, wait: Duration) -> Result<Reply, HandlerError> {
        let reply = self.reply.as_ref().filter(|_| callback.answered_as().is_answered());
        match reply.and_then(|reply| reply(callback)) {
            Some(reply) => Ok(reply.with_disposition(Disposition::RateLimited)),
            None => Err(HandlerError::rate_limited(wait)),
        }
    }
}

impl Limit {
    /// How long until the callback would be within the limit, if it is over.
    fn over_by(&self, callback: &Callback) -> Option<Duration> {
        if !self.settings.limits_notifications && !callback.answered_as().is_answered() {
            return None;
        }
        let key = (self.settings.key)(callback)?;
        let since = self.settings.now().saturating_duration_since(self.started);
        let taken = self.table.take(key, u64::try_from(since.as_nanos()).unwrap_or(u64::MAX));
        if taken.shared {
            self.shared.fetch_add(1, Ordering::Relaxed);
        }
        let count = if taken.wait.is_some() { &self.limited } else { &self.passed };
        count.fetch_add(1, Ordering::Relaxed);
        if taken.wait.is_some() {
            crate::count::limited(if taken.shared { "shared" } else { "own" });
        }
        taken.wait
    }
}

impl<S> Service<Callback> for RateLimit<S>
where
    S: Service<Callback> + Clone + 'static,
    S::Response: Into<Reply>,
    S::Error: fmt::Display + Send + Sync,
{
    type Response = Reply;
    type Error = HandlerError;
    type Future = RateLimitFuture<S>;

    /// Always ready. The inner service is only polled for callbacks within the limit.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), HandlerError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, callback: Callback) -> RateLimitFuture<S> {
        let state = match self.limit.over_by(&callback) {
            None => State::Passed { call: Oneshot::new(self.inner.clone(), callback) },
            Some(wait) => {
                let answer = Some(self.limit.settings.answer(&callback, wait));
                State::Limited { answer }
            }
        };
        RateLimitFuture { state }
    }
}

pin_project! {
    /// The future of [`RateLimit`].
    #[must_use]
    pub struct RateLimitFuture<S: Service<Callback>> {
        #[pin]
        state: State<S>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S: Service<Callback>> {
        Limited { answer: Option<Result<Reply, HandlerError>> },
        Passed { #[pin] call: Oneshot<S> },
    }
}

impl<S> Future for RateLimitFuture<S>
where
    S: Service<Callback> + 'static,
    S::Response: Into<Reply>,
    S::Error: fmt::Display + Send + Sync,
{
    type Output = Result<Reply, HandlerError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Passed { call } => call.poll(cx).map_ok(Into::into),
            StateProjection::Limited { answer } => {
                let Some(answer) = answer.take() else {
                    panic!("RateLimitFuture polled after completion")
                };
                Poll::Ready(answer)
            }
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for RateLimit<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("inner", &self.inner)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl<S: Service<Callback>> fmt::Debug for RateLimitFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitFuture").finish_non_exhaustive()
    }
}
