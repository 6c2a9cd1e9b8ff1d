use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::task::AbortHandle;
use tower_layer::Layer;

use super::background::{Hook, Shared, lock};
use super::ends::{DetachFailure, DetachId, DetachStats, Drained};
use super::service::Detach;
use crate::response::Sampler;
use crate::stored::StoredCallback;

/// The limit in KiB of the bodies and URLs in the background, unless [`DetachLayer::max_bytes`] is
/// set.
const MAX_KIBIBYTES: u32 = 64 * 1024;

/// How long a callback waits for a permit, unless [`DetachLayer::max_wait`] is set. Tencent waits 2
/// s.
const MAX_WAIT: Duration = Duration::from_millis(1500);

/// How long a drain waits for tasks that it has aborted. Only a task that blocks its thread takes
/// as long.
const ABORT: Duration = Duration::from_secs(1);

/// Answers notifications at once, and handles them in the background.
///
/// It detaches *after* callbacks and notices whose reply has no meaning
/// ([`Command::is_answered`](crate::Command::is_answered)). All others are passed to the inner
/// service and answered by it. A callback in the background has neither the headers nor the
/// extensions of its request, as behind the queue: read them in a service outside of this layer. At
/// most `max_in_flight` callbacks, and [`max_bytes`](Self::max_bytes) of them, are in the
/// background at a time. When that is reached, callbacks wait in the order in which they came,
/// behind a large one also those that would fit. After [`max_wait`](Self::max_wait) they fail as
/// overloaded. This needs a tokio runtime.
///
/// **A crash loses detached events**: they are in memory only, and Tencent does not send them
/// again. If you must not lose any, use the layer of
/// `tencent-im-callback-queue` instead of this one.
///
/// At shutdown, stop accepting connections, then [`drain`](Self::drain).
///
/// ```
/// use std::time::Duration;
/// use tencent_im_callback::{App, CallbackLayer, DedupLayer, DetachLayer, EventRouter, Token};
/// use tower::ServiceBuilder;
///
/// # async fn run() -> Result<(), tencent_im_callback::InvalidTokenError> {
/// let detach = DetachLayer::new(1000);
/// let app = App::signed(1400000000, Token::new("xxxxyyyy")?);
/// let service = ServiceBuilder::new()
///     .layer(CallbackLayer::new(app))
///     .layer(detach.clone())
///     .layer(DedupLayer::new(Duration::from_secs(300)))
///     .service(EventRouter::new());
/// // … serve, and in the end:
/// let drained = detach.drain(Duration::from_secs(10)).await;
/// println!("{} finished, {} not", drained.finished, drained.unfinished.len());
/// # drop::<tencent_im_callback::CallbackService<_>>(service);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct DetachLayer {
    shared: Arc<Shared>,
    max_wait: Duration,
    hook: Option<Arc<Hook>>,
}

impl DetachLayer {
    /// At most this many callbacks, at least 1, are in the background at a time. Clones share the
    /// limit.
    pub fn new(max_in_flight: usize) -> Self {
        DetachLayer {
            shared: Arc::new(Shared {
                callbacks: Arc::new(Semaphore::new(max_in_flight.clamp(1, Semaphore::MAX_PERMITS))),
                kibibytes: Arc::new(Semaphore::new(MAX_KIBIBYTES as usize)),
                max_kibibytes: AtomicU32::new(MAX_KIBIBYTES),
                running: Mutex::default(),
                ended: Notify::new(),
                sampler: Sampler::default(),
                detached: AtomicU64::new(0),
                succeeded: AtomicU64::new(0),
                duplicates: AtomicU64::new(0),
                failed: AtomicU64::new(0),
                overloaded: AtomicU64::new(0),
                abandoned: AtomicU64::new(0),
                unfinished: AtomicU64::new(0),
                finished: AtomicU64::new(0),
            }),
            max_wait: MAX_WAIT,
            hook: None,
        }
    }

    /// The maximum number of bytes in the background (64 MiB): body and URL of each callback,
    /// rounded up to 1 KiB. A larger one runs alone. Events take up to 16 times the memory of their
    /// bodies, most of them about twice as much; a task takes a few KiB besides.
    ///
    /// Clones share the limit, as they share that of [`new`](Self::new). If it is lowered while
    /// more is in the background, it is lowered to what is there.
    pub fn max_bytes(self, bytes: usize) -> Self {
        let most = u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX);
        let kibibytes = u32::try_from(bytes.div_ceil(1024).max(1)).unwrap_or(u32::MAX);
        self.shared.set_max_kibibytes(kibibytes.min(most));
        self
    }

    /// How long a callback waits, once its body is read, before it fails as overloaded (1.5 s;
    /// Tencent waits 2 s).
    pub fn max_wait(mut self, max_wait: Duration) -> Self {
        self.max_wait = max_wait;
        self
    }

    /// A hook that is called for each callback that fails in the background, with the callback in
    /// the form to store: Tencent does not send it again. Like [`max_wait`](Self::max_wait), it is
    /// that of the services which this layer makes from now on.
    pub fn on_failure(
        mut self,
        hook: impl Fn(&StoredCallback, &DetachFailure) + Send + Sync + 'static,
    ) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    /// Graceful shutdown: stops detaching, and waits until the background work is done or the time
    /// is up. What is not done by then is aborted and returned, in the order in which it arrived. A
    /// handler that blocks its thread cannot be aborted: `drain` waits one more second for it, and
    /// then returns its callback, which may still complete.
    ///
    /// Callbacks that arrive later, and those that wait for a permit, are handled before they are
    /// answered, without a limit. A panic of their handler reaches the layers outside, as that of
    /// any callback that is not detached. This stays so, also if the future of `drain` is dropped; a
    /// second call then returns what the first one has aborted.
    pub async fn drain(&self, timeout: Duration) -> Drained {
        lock(&self.shared.running).draining = true;
        let before = self.shared.finished.load(Ordering::Relaxed);
        // Closing wakes the callbacks that wait for permits. They are then handled inline.
        self.shared.callbacks.close();
        self.shared.kibibytes.close();
        if tokio::time::timeout(timeout, self.shared.all_ended()).await.is_err() {
            let aborts: Vec<AbortHandle> = {
                let mut running = lock(&self.shared.running);
                running.aborting = true;
                running.tasks.values().filter_map(|task| task.abort.clone()).collect()
            };
            // Aborted without the lock: `End::drop` takes it when the task ends.
            aborts.iter().for_each(AbortHandle::abort);
            drop(tokio::time::timeout(ABORT, self.shared.all_ended()).await);
        }
        let mut unfinished = {
            let mut running = lock(&self.shared.running);
            let mut unfinished = std::mem::take(&mut running.aborted);
            unfinished.extend(running.tasks.drain().map(|(id, task)| (id, task.callback)));
            unfinished
        };
        unfinished.sort_by_key(|(id, _)| *id);
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        for _ in &unfinished {
            self.shared.unfinished.fetch_add(1, Ordering::Relaxed);
            crate::count::detached("unfinished");
        }
        Drained {
            finished: count(self.shared.finished.load(Ordering::Relaxed) - before),
            unfinished: unfinished
                .into_iter()
                .map(|(id, callback)| (DetachId(id), callback))
                .collect(),
        }
    }

    /// Waits until nothing is in the background: in a test, before you look at what a handler did.
    /// The layer goes on detaching.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http_body_util::Full;
    /// use tencent_im_callback::event::sns::FriendDelete;
    /// use tencent_im_callback::testing::SignedRequest;
    /// use tencent_im_callback::{
    ///     App, Callback, CallbackLayer, Command, DetachLayer, EventRouter, Token,
    /// };
    /// use tower::{ServiceBuilder, ServiceExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (told, tell) = std::sync::mpsc::channel();
    /// let detach = DetachLayer::new(10);
    /// let service = ServiceBuilder::new()
    ///     .layer(CallbackLayer::new(App::signed(1400000000, Token::new("xxxxyyyy")?)))
    ///     .layer(detach.clone())
    ///     .service(EventRouter::new().on(move |_: Callback<FriendDelete>| {
    ///         let told = told.clone();
    ///         async move { drop(told.send("handled")) }
    ///     }));
    /// let request = SignedRequest::new(Command::SnsFriendDelete);
    /// service.oneshot(request.build::<Full<Bytes>>()).await?;
    /// detach.idle().await;
    /// assert_eq!(tell.try_recv(), Ok("handled"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn idle(&self) {
        self.shared.all_ended().await;
    }

    /// Counts since the layer was made.
    pub fn stats(&self) -> DetachStats {
        let shared = &self.shared;
        DetachStats {
            running: lock(&shared.running).tasks.len(),
            running_bytes: (shared.max_kibibytes.load(Ordering::Relaxed) as usize)
                .saturating_sub(shared.kibibytes.available_permits())
                .saturating_mul(1024),
            detached: shared.detached.load(Ordering::Relaxed),
            succeeded: shared.succeeded.load(Ordering::Relaxed),
            duplicates: shared.duplicates.load(Ordering::Relaxed),
            failed: shared.failed.load(Ordering::Relaxed),
            overloaded: shared.overloaded.load(Ordering::Relaxed),
            abandoned: shared.abandoned.load(Ordering::Relaxed),
            unfinished: shared.unfinished.load(Ordering::Relaxed),
        }
    }
}

impl<S> Layer<S> for DetachLayer {
    type Service = Detach<S>;

    fn layer(&self, inner: S) -> Detach<S> {
        Detach {
            inner,
            shared: self.shared.clone(),
            max_wait: self.max_wait,
            hook: self.hook.clone(),
        }
    }
}

impl fmt::Debug for DetachLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetachLayer")
            .field("max_wait", &self.max_wait)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
