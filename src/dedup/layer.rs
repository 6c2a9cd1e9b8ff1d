use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use moka::policy::EvictionPolicy;
use tower_layer::Layer;

use super::service::{Dedup, Key};
use crate::callback::Callback;
use crate::event::DedupKey;

/// Handles a delivery that arrives twice within a window once, and gives both the same answer.
///
/// Tencent sends an *after* callback again if the answer was late and the console says so; it documents no delivery id. What makes
/// two callbacks the same delivery is [`Callback::dedup_key`], or a [key of your own](Self::key). Callbacks without a key are always handled:
/// the [table](crate::commands) says which commands need `RequestId` in the URL to have one. A callback that waits for a verdict has no
/// key, whatever function is set: it is judged every time.
///
/// - A second delivery that arrives while the first is being handled waits for it and gets the same reply.
/// - An error goes to all who waited; the next delivery tries again.
/// - If the first is cancelled, or panics, one of those who wait takes over.
/// - At most [`capacity`](Self::capacity) keys are remembered; those not seen for the longest time go first.
///
/// The key comes from the body, which the signature does not cover: an attacker who can forge a callback can also send one with the key of
/// another, which is then taken for a second delivery. See "What the signature proves" in the [crate's documentation](crate).
///
/// Put it *inside* of [`Detach`](crate::DetachLayer), see its [module](crate::dedup). What is remembered is lost with the process.
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

/// The cache takes no longer window than a thousand years, and panics.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

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

    /// Tells deliveries apart by this key; what has none passes. It is not asked about callbacks that wait for a verdict.
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
            .time_to_live(self.window.min(LONGEST))
            .build();
        Dedup {
            inner,
            seen,
            key: self.key.clone(),
            counts: Arc::default(),
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
