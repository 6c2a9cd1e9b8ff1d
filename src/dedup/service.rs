use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use moka::future::Cache;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::callback::Callback;
use crate::command::Phase;
use crate::error::HandlerError;
use crate::event::DedupKey;
use crate::event::key::Parts;
use crate::oneshot::Oneshot;
use crate::reply::{Disposition, Reply};

/// A function of the user that returns a key.
pub(super) type KeyFn = dyn Fn(&Callback) -> Option<DedupKey> + Send + Sync;

/// Service of [`DedupLayer`](crate::DedupLayer).
#[derive(Clone)]
pub struct Dedup<S> {
    pub(super) inner: S,
    pub(super) seen: Cache<DedupKey, Reply>,
    pub(super) key: Option<Arc<KeyFn>>,
    pub(super) counts: Arc<Counts>,
}

/// Counts since the service was made. Its clones share them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DedupStats {
    /// Handled for the first time.
    pub handled: u64,
    /// Answered like the first delivery.
    pub duplicates: u64,
    /// Failed, or answered [`FAIL`](Reply::failure). Every delivery that waited got the same
    /// answer, and is counted.
    pub failed: u64,
    /// Handled without a key: *before* callbacks, and events that contain nothing that identifies a
    /// delivery.
    pub without_key: u64,
    /// The approximate number of deliveries that are remembered.
    pub remembered: u64,
}

#[derive(Default)]
pub(super) struct Counts {
    handled: AtomicU64,
    duplicates: AtomicU64,
    failed: AtomicU64,
    without_key: AtomicU64,
}

impl<S> Dedup<S> {
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
    pub fn stats(&self) -> DedupStats {
        let counts = &self.counts;
        DedupStats {
            handled: counts.handled.load(Ordering::Relaxed),
            duplicates: counts.duplicates.load(Ordering::Relaxed),
            failed: counts.failed.load(Ordering::Relaxed),
            without_key: counts.without_key.load(Ordering::Relaxed),
            remembered: self.seen.entry_count(),
        }
    }
}

impl<S> Service<Callback> for Dedup<S>
where
    S: Service<Callback> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Into<Reply>,
    S::Error: fmt::Display + Send + Sync,
{
    type Response = Reply;
    type Error = HandlerError;
    type Future = DedupFuture<S>;

    /// Always ready. The inner service is only polled for callbacks that it has not handled yet.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), HandlerError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, callback: Callback) -> DedupFuture<S> {
        // A callback that waits for a verdict has no key, even if the user's function returns one.
        // It is judged each time, since the sender may have been banned in the meantime.
        let command = callback.command();
        let key = match &self.key {
            _ if callback.answered_as().phase() == Phase::Before
                || callback.event.unjudged(command).is_some() =>
            {
                None
            }
            // A message's key, for one, is also in what is said about the message later.
            Some(key) if !command.is_unknown() => key(&callback).map(|key| {
                Parts::new(callback.params.sdk_app_id, "own")
                    .bytes(command.as_str().as_bytes())
                    .bytes(key.as_bytes())
                    .dedup()
            }),
            // An unknown command may wait for a verdict as well. Its key needs Tencent's
            // `RequestId`, and the user's function is not asked.
            _ => callback.dedup_key(),
        };
        let call = Oneshot::new(self.inner.clone(), callback);
        let Some(key) = key else {
            self.counts.without_key.fetch_add(1, Ordering::Relaxed);
            crate::count::dedup("without_key");
            return DedupFuture { state: State::Passing { call } };
        };
        let (seen, counts) = (self.seen.clone(), self.counts.clone());
        let answer = Box::pin(async move {
            let first = Box::pin(async move {
                let reply: Reply =
                    call.await.map_err(|error| Unhandled::Error(Arc::new(error)))?.into();
                if reply.failure().is_some() { Err(Unhandled::Fail(reply)) } else { Ok(reply) }
            });
            match seen.entry(key).or_try_insert_with(first).await {
                Ok(entry) if entry.is_fresh() => {
                    counts.handled.fetch_add(1, Ordering::Relaxed);
                    crate::count::dedup("handled");
                    Ok(entry.into_value())
                }
                Ok(entry) => {
                    counts.duplicates.fetch_add(1, Ordering::Relaxed);
                    crate::count::dedup("duplicate");
                    Ok(entry.into_value().with_disposition(Disposition::Duplicate))
                }
                Err(unhandled) => {
                    counts.failed.fetch_add(1, Ordering::Relaxed);
                    crate::count::dedup("failed");
                    match &*unhandled {
                        Unhandled::Error(error) => Err(HandlerError::shared(error.clone())),
                        Unhandled::Fail(reply) => Ok(reply.clone()),
                    }
                }
            }
        });
        DedupFuture { state: State::Waiting { answer } }
    }
}

/// What is not remembered: all that wait get it, and the next delivery tries again.
enum Unhandled {
    Error(Arc<HandlerError>),
    Fail(Reply),
}

pin_project! {
    /// The future of [`Dedup`].
    #[must_use]
    pub struct DedupFuture<S: Service<Callback>> {
        #[pin]
        state: State<S>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S: Service<Callback>> {
        Passing { #[pin] call: Oneshot<S> },
        Waiting { answer: Pin<Box<dyn Future<Output = Result<Reply, HandlerError>> + Send>> },
    }
}

impl<S> Future for DedupFuture<S>
where
    S: Service<Callback> + 'static,
    S::Response: Into<Reply>,
    S::Error: fmt::Display + Send + Sync,
{
    type Output = Result<Reply, HandlerError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Passing { call } => call.poll(cx).map_ok(Into::into),
            StateProjection::Waiting { answer } => answer.as_mut().poll(cx),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Dedup<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dedup")
            .field("inner", &self.inner)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl<S: Service<Callback>> fmt::Debug for DedupFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DedupFuture").finish_non_exhaustive()
    }
}
