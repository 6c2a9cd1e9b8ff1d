//! One service for callbacks that wait for a verdict, another one for notifications.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tower_service::Service;

use crate::callback::Callback;
use crate::error::HandlerError;
use crate::oneshot::Oneshot;
use crate::reply::Reply;

/// Passes callbacks that wait for a verdict to one service, and notifications to another, each with
/// its own layers.
///
/// A user waits for a verdict, for two seconds at most; nobody waits for a notification. In one
/// stack they share permits, and slow moderation makes your server lose notifications, which
/// Tencent does not send again. So put `timeout`, `load_shed` and `concurrency_limit` around
/// verdicts, and `Detach` and `Dedup`, or the durable queue, around notifications.
///
/// A callback waits for a verdict if its phase is [`Before`](crate::Phase::Before) or
/// [`Unknown`](crate::Phase::Unknown), or if Tencent [reads](crate::Command::is_answered) its
/// reply. A `Split` is always ready; it waits for a clone of the service that it calls. So
/// `load_shed` belongs inside it, around the limit.
///
/// ```
/// use std::time::Duration;
/// use tencent_im_callback::{DedupLayer, DetachLayer, EventRouter, Split};
/// use tower::ServiceBuilder;
///
/// let router = EventRouter::new();
/// let detach = DetachLayer::new(1000);
/// let verdicts = ServiceBuilder::new()
///     .timeout(Duration::from_millis(1500))
///     .load_shed()
///     .concurrency_limit(100)
///     .service(router.clone());
/// let notifications = ServiceBuilder::new()
///     .layer(detach.clone()) // at shutdown, `detach.drain(timeout).await`
///     .layer(DedupLayer::new(Duration::from_secs(300)))
///     .service(router);
/// let service = Split::new(verdicts, notifications);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Split<V, N> {
    verdicts: V,
    notifications: N,
}

impl<V, N> Split<V, N> {
    /// Makes a service out of two.
    pub fn new(verdicts: V, notifications: N) -> Self {
        Split { verdicts, notifications }
    }

    /// The service for verdicts.
    pub fn verdicts(&self) -> &V {
        &self.verdicts
    }

    /// The service for notifications.
    pub fn notifications(&self) -> &N {
        &self.notifications
    }
}

impl<V, N> Service<Callback> for Split<V, N>
where
    V: Service<Callback> + Clone + 'static,
    V::Response: Into<Reply>,
    V::Error: fmt::Display + Send + Sync,
    N: Service<Callback> + Clone + 'static,
    N::Response: Into<Reply>,
    N::Error: fmt::Display + Send + Sync,
{
    type Response = Reply;
    type Error = HandlerError;
    type Future = SplitFuture<V, N>;

    /// Always ready, so that neither service holds up the callbacks of the other.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), HandlerError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, callback: Callback) -> SplitFuture<V, N> {
        let state = if callback.answered_as().is_answered() {
            let call = Oneshot::new(self.verdicts.clone(), callback);
            State::Verdict { call }
        } else {
            let call = Oneshot::new(self.notifications.clone(), callback);
            State::Notification { call }
        };
        SplitFuture { state }
    }
}

pin_project! {
    /// The future of [`Split`].
    #[must_use]
    pub struct SplitFuture<V: Service<Callback>, N: Service<Callback>> {
        #[pin]
        state: State<V, N>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<V: Service<Callback>, N: Service<Callback>> {
        Verdict { #[pin] call: Oneshot<V> },
        Notification { #[pin] call: Oneshot<N> },
    }
}

impl<V, N> Future for SplitFuture<V, N>
where
    V: Service<Callback> + 'static,
    V::Response: Into<Reply>,
    V::Error: fmt::Display + Send + Sync,
    N: Service<Callback> + 'static,
    N::Response: Into<Reply>,
    N::Error: fmt::Display + Send + Sync,
{
    type Output = Result<Reply, HandlerError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Verdict { call } => call.poll(cx).map_ok(Into::into),
            StateProjection::Notification { call } => call.poll(cx).map_ok(Into::into),
        }
    }
}

impl<V: Service<Callback>, N: Service<Callback>> fmt::Debug for SplitFuture<V, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SplitFuture").finish_non_exhaustive()
    }
}
