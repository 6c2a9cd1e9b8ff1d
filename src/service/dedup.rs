use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use moka::future::Cache;
use moka::policy::EvictionPolicy;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::error::HandlerError;
use super::oneshot::Oneshot;
use crate::event::{Callback, DedupKey};
use crate::reply::{Handling, Reply};

type Key = dyn Fn(&Callback) -> Option<DedupKey> + Send + Sync;

/// Handles a delivery that comes twice within a window only once, and answers it alike both times.
///
/// Tencent sends an *after* callback again if the answer was late and the console says so; it documents no delivery id. What makes
/// two callbacks the same delivery is [`Callback::dedup_key`], or a [key of your own](Self::key); those without a key pass.
///
/// - A second delivery that arrives while the first is being handled waits for it and gets the same reply.
/// - An error goes to all who waited; the next delivery tries again.
/// - If the first is cancelled, or panics, one of those who wait takes over.
/// - At most [`capacity`](Self::capacity) keys are remembered; those not seen for the longest time go first.
///
/// The key comes from the body, which the signature does not cover: whoever can forge a callback can also send one with the key of
/// another, which is then taken for a second delivery. See "What the signature proves" in the [crate's documentation](crate).
///
/// Put it *inside* of [`Detach`](super::DetachLayer), see the [module](super). What is remembered is lost with the process.
///
/// ```
/// use std::time::Duration;
/// use tencent_im_callback::{DedupLayer, EventRouter};
/// use tower::Layer;
///
/// let service = DedupLayer::new(Duration::from_secs(300)).capacity(100_000).layer(EventRouter::new());
/// ```
#[derive(Clone)]
#[must_use]
pub struct DedupLayer {
    window: Duration,
    capacity: u64,
    key: Option<Arc<Key>>,
}

/// Keys remembered, unless [`DedupLayer::capacity`] says otherwise. About 200 bytes each.
const CAPACITY: u64 = 10_000;

impl DedupLayer {
    /// Remembers each delivery for this long after it was handled.
    pub fn new(window: Duration) -> Self {
        DedupLayer {
            window,
            capacity: CAPACITY,
            key: None,
        }
    }

    /// How many deliveries are remembered at most (10,000).
    pub fn capacity(mut self, deliveries: u64) -> Self {
        self.capacity = deliveries;
        self
    }

    /// Tells deliveries apart by this key; what has none passes.
    pub fn key(mut self, key: impl Fn(&Callback) -> Option<DedupKey> + Send + Sync + 'static) -> Self {
        self.key = Some(Arc::new(key));
        self
    }
}

impl<S> Layer<S> for DedupLayer {
    type Service = Dedup<S>;

    /// Each service made by a layer has a memory of its own, which its clones share.
    fn layer(&self, inner: S) -> Dedup<S> {
        // The cache's own choice would keep keys that were asked for often, and forget the new ones, which are the ones that come again.
        let seen = Cache::builder()
            .eviction_policy(EvictionPolicy::lru())
            .max_capacity(self.capacity)
            .time_to_live(self.window)
            .build();
        Dedup {
            inner,
            seen,
            key: self.key.clone(),
        }
    }
}

/// Service of [`DedupLayer`].
#[derive(Clone)]
pub struct Dedup<S> {
    inner: S,
    seen: Cache<DedupKey, Reply>,
    key: Option<Arc<Key>>,
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

impl fmt::Debug for DedupLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DedupLayer")
            .field("window", &self.window)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
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
