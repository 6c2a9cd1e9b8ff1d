//! The layer that puts notifications into the queue.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tencent_im_callback::{Callback, Disposition, HandlerError, Oneshot, Reply};
use tower_layer::Layer;
use tower_service::Service;

use crate::error::QueueError;
use crate::store::{Appended, Entry, Store};
use crate::trace::{self, Inject};
use crate::watch::Watch;

/// How long storing a callback may take, unless [`EnqueueLayer::max_wait`] is set. Tencent waits 2
/// s.
const MAX_WAIT: Duration = Duration::from_millis(1500);

/// Answers notifications once the queue has stored them. Callbacks that wait for a verdict are
/// passed to the inner service.
///
/// It enqueues *after* callbacks and notices whose reply has no meaning
/// ([`Command::is_answered`](tencent_im_callback::Command::is_answered)), and passes on all others.
/// It answers `OK` with [`Disposition::Enqueued`], or with [`Disposition::Duplicate`] if a callback
/// with the same [`dedup_key`](tencent_im_callback::Callback::dedup_key) is in the queue, or was
/// handled within the [window](crate::StoreOptions::dedup_window).
///
/// If the queue is full, its disk is, or it is too slow, the error is
/// [overloaded](HandlerError::is_overloaded) after [`max_wait`](Self::max_wait);
/// [`OnError`](tencent_im_callback::OnError) decides about the answer. If the broker is away, the
/// error is [`QueueError::Unavailable`]. In each case `error.downcast_ref::<QueueError>()` returns
/// the cause.
///
/// The layer takes the place of a [`Split`](tencent_im_callback::Split); in one, it belongs on the
/// side of notifications. Two log events (`warn`), once each, tell of programs that lose callbacks:
/// the layer only passes callbacks on, or no worker has run a minute after the first was accepted.
#[derive(Clone)]
#[must_use]
pub struct EnqueueLayer {
    store: Arc<dyn Store>,
    watch: Arc<Watch>,
    max_wait: Duration,
    trace_context: Option<Arc<Inject>>,
}

impl EnqueueLayer {
    pub(crate) fn new(store: Arc<dyn Store>, watch: Arc<Watch>) -> Self {
        EnqueueLayer { store, watch, max_wait: MAX_WAIT, trace_context: None }
    }

    /// How long storing a callback may take, including the wait for room (1.5 s; Tencent waits 2
    /// s).
    pub fn max_wait(mut self, max_wait: Duration) -> Self {
        self.max_wait = max_wait;
        self
    }

    /// A function that returns what to store with a callback so that its trace goes on in the
    /// worker: W3C's `traceparent` of the current span, for example. It is called in the span of
    /// the callback. [`Worker::trace_context`](crate::Worker::trace_context) gets the text back,
    /// and a handler finds it in its [`Delivery`](crate::Delivery::trace_context).
    ///
    /// A text of more than 512 bytes is not stored, and neither is one if the function panics.
    pub fn trace_context(
        mut self,
        context: impl Fn(&Callback) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.trace_context = Some(Arc::new(context));
        self
    }
}

impl<S> Layer<S> for EnqueueLayer {
    type Service = Enqueue<S>;

    fn layer(&self, inner: S) -> Enqueue<S> {
        Enqueue {
            inner,
            store: self.store.clone(),
            watch: self.watch.clone(),
            max_wait: self.max_wait,
            trace_context: self.trace_context.clone(),
        }
    }
}

/// The service of [`EnqueueLayer`].
#[derive(Clone)]
pub struct Enqueue<S> {
    inner: S,
    store: Arc<dyn Store>,
    watch: Arc<Watch>,
    max_wait: Duration,
    trace_context: Option<Arc<Inject>>,
}

impl<S> Enqueue<S> {
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

impl<S> Service<Callback> for Enqueue<S>
where
    S: Service<Callback> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Into<Reply>,
    S::Error: fmt::Display + Send + Sync,
{
    type Response = Reply;
    type Error = HandlerError;
    type Future = EnqueueFuture<S>;

    /// Always ready. A clone of the inner service is made ready only for callbacks that are passed
    /// on.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), HandlerError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, callback: Callback) -> EnqueueFuture<S> {
        let command = callback.answered_as();
        if command.is_answered() || command.phase().may_decide() {
            self.watch.passed_on();
            let call = Oneshot::new(self.inner.clone(), callback);
            return EnqueueFuture { state: State::Inline { call } };
        }
        let (store, watch, max_wait) = (self.store.clone(), self.watch.clone(), self.max_wait);
        let entry = Entry::of(&callback).map(|mut entry| {
            entry.trace_context = trace::inject(self.trace_context.as_ref(), &callback);
            entry
        });
        let append: Append = Box::pin(async move {
            let appended = store.append(entry?, max_wait).await?;
            watch.enqueued(store.lease().is_none());
            Ok(appended)
        });
        EnqueueFuture { state: State::Enqueuing { append } }
    }
}

type Append = Pin<Box<dyn Future<Output = Result<Appended, QueueError>> + Send>>;

pin_project! {
    /// The future of [`Enqueue`]. If it is dropped, the callback may be enqueued all the same.
    #[must_use]
    pub struct EnqueueFuture<S: Service<Callback>> {
        #[pin]
        state: State<S>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S: Service<Callback>> {
        Inline { #[pin] call: Oneshot<S> },
        Enqueuing { append: Append },
    }
}

impl<S> Future for EnqueueFuture<S>
where
    S: Service<Callback> + 'static,
    S::Response: Into<Reply>,
    S::Error: fmt::Display + Send + Sync,
{
    type Output = Result<Reply, HandlerError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Inline { call } => call.poll(cx).map_ok(Into::into),
            StateProjection::Enqueuing { append } => {
                Poll::Ready(match ready!(append.as_mut().poll(cx)) {
                    Ok(Appended::Stored(id)) => {
                        trace::enqueued(id);
                        Ok(Reply::ok().with_disposition(Disposition::Enqueued))
                    }
                    Ok(Appended::Duplicate(id)) => {
                        trace::enqueued(id);
                        Ok(Reply::ok().with_disposition(Disposition::Duplicate))
                    }
                    Err(error) => Err(refused(error)),
                })
            }
        }
    }
}

fn refused(error: QueueError) -> HandlerError {
    match error {
        // The broker does not answer. This is not reported as overload: the cause is at the broker,
        // not at a limit of this server.
        QueueError::Unavailable(_) => HandlerError::new(error),
        error if error.is_temporary() => HandlerError::overloaded_by(error),
        error => HandlerError::new(error),
    }
}

impl fmt::Debug for EnqueueLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnqueueLayer").field("max_wait", &self.max_wait).finish_non_exhaustive()
    }
}

impl<S: fmt::Debug> fmt::Debug for Enqueue<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enqueue")
            .field("inner", &self.inner)
            .field("max_wait", &self.max_wait)
            .finish_non_exhaustive()
    }
}

impl<S: Service<Callback>> fmt::Debug for EnqueueFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnqueueFuture").finish_non_exhaustive()
    }
}
