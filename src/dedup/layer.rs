use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use moka::policy::EvictionPolicy;
use tower_layer::Layer;

use super::service::{Dedup, KeyFn};
use crate::callback::Callback;
use crate::event::DedupKey;

/// Handles a delivery that arrives twice within a window only once. Both get the same answer.
///
/// Tencent sends an *after* callback again if the answer was late and the console is set to do so.
/// Two callbacks are the same delivery if they have the same [`Callback::dedup_key`], or the same
/// [key of your own](Self::key). Callbacks without a key are always handled: the
/// [table](crate::docs::commands) shows which commands need `RequestId` in the URL to have one. A
/// callback that waits for a verdict never has a key, not even your own: each one is judged. An
/// unknown command never has a key of your own: it may wait for a verdict, too.
///
/// - A second delivery that arrives while the first is being handled waits, and gets the same
///   reply.
/// - All that wait get the error or the [`FAIL`](crate::Reply::failure) if the first fails. The
///   next delivery tries again.
/// - If the first is cancelled or panics, one of those that wait handles it.
/// - At most [`capacity`](Self::capacity) keys are remembered. The least recently used one is
///   removed first.
///
/// The key comes from the body, which the signature does not cover. Somebody who can forge a
/// callback can also forge one with the key of a real one, and the real one then looks like a
/// second delivery. See "Security" in the [crate's documentation](crate).
///
/// Put it *inside* [`Detach`](crate::DetachLayer); the [module](crate::dedup) says why. Put a
/// `concurrency_limit` inside this layer, since deliveries that wait for the first one would hold
/// permits outside. The keys are in memory, and lost with the process.
///
/// ```
/// use std::time::Duration;
/// use tencent_im_callback::{DedupLayer, EventRouter};
/// use tower::Layer;
///
/// let dedup = DedupLayer::new(Duration::from_secs(300)).capacity(100_000);
/// let service = dedup.layer(EventRouter::new());
/// ```
#[derive(Clone)]
#[must_use]
pub struct DedupLayer {
    window: Duration,
    capacity: u64,
    key: Option<Arc<KeyFn>>,
}

/// The cache panics if its window is longer than a thousand years.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The number of keys that are remembered, unless [`DedupLayer::capacity`] is set. About 200 bytes
/// each.
const CAPACITY: u64 = 10_000;

impl DedupLayer {
    /// Remembers each delivery for this long after it was handled.
    pub fn new(window: Duration) -> Self {
        DedupLayer { window, capacity: CAPACITY, key: None }
    }

    /// The maximum number of deliveries to remember (10,000).
    pub fn capacity(mut self, deliveries: u64) -> Self {
        self.capacity = deliveries;
        self
    }

    /// A function that returns the key of a delivery. Callbacks with `None` are always handled. It
    /// is not called for callbacks that wait for a verdict. Callbacks of different apps or commands
    /// are different deliveries, also if their keys are equal.
    pub fn key(
        mut self,
        key: impl Fn(&Callback) -> Option<DedupKey> + Send + Sync + 'static,
    ) -> Self {
        self.key = Some(Arc::new(key));
        self
    }
}

impl<S> Layer<S> for DedupLayer {
    type Service = Dedup<S>;

    /// Each service made by a layer has its own memory, which the clones of that service share.
    fn layer(&self, inner: S) -> Dedup<S> {
        // The cache's default policy would keep keys that were used often and drop new ones, but it
        // is the new ones that come again.
        let seen = Cache::builder()
            .eviction_policy(EvictionPolicy::lru())
            .max_capacity(self.capacity)
            .time_to_live(self.window.min(LONGEST))
            .build();
        Dedup { inner, seen, key: self.key.clone(), counts: Arc::default() }
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
