//! The worker that handles the queue's callbacks.

mod attempt;
mod guard;
mod job;

use std::fmt;
use std::future::Future;
use std::hash::RandomState;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tencent_im_callback::{Callback, Reply};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tower_service::Service;
use tracing::{Instrument, Span};

use self::guard::ClaimGuard;
use self::job::{End, Hook, Job};
use crate::error::QueueError;
use crate::policy::RetryPolicy;
use crate::store::{Claimed, Record, Store};
use crate::trace::Extract;
use crate::watch::Watch;

/// The longest single wait for something to claim.
const WAIT: Duration = Duration::from_secs(10);

/// Settlements that may be on their way to the disk while their handlers' places are used again.
const SETTLING: usize = 1024;

/// The most that is claimed at a time: what is claimed is in memory.
const BATCH: usize = 1024;

/// Claims callbacks from a queue and passes them to a service, until it is told to stop.
///
/// Each callback has a [`Delivery`](crate::Delivery) in its [extensions](Callback::extensions). A
/// reply means that the callback is done, unless its `ActionStatus` is `FAIL`, as that of
/// [`Reply::fail`]. After such a reply, an error, a panic or a time-out it is tried again according
/// to [`RetryPolicy`], and finally becomes a dead letter. It becomes one at once if the error is
/// [`HandlerError::permanent`](tencent_im_callback::HandlerError::permanent), or if this version
/// cannot read it.
///
/// Callbacks with the same order key are handled one after the other, all others concurrently.
///
/// Limit the work with [`concurrency`](Self::concurrency). An error of `load_shed` inside, or a
/// wait for readiness that is longer than [`timeout`](Self::timeout), is a failed attempt like any
/// other. If a claim ends while its handler runs (a broker was away for too long), the handler's
/// future is dropped, and the callback is handled again.
///
/// ```no_run
/// use std::time::Duration;
/// use tencent_im_callback::EventRouter;
/// use tencent_im_callback_queue::{Queue, QueueError, RetryPolicy};
///
/// # async fn run() -> Result<(), QueueError> {
/// let queue = Queue::open("callbacks.queue").await?;
/// let worker = queue
///     .worker(EventRouter::new())
///     .concurrency(16)
///     .timeout(Duration::from_secs(30))
///     .retry(RetryPolicy::new().attempts(10));
/// let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
/// let running = tokio::spawn(worker.run(async { drop(stopped.await) }));
/// // … serve, and in the end:
/// drop(stop);
/// if let Ok(stopped) = running.await {
///     println!("{:?}", stopped?);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct Worker<S> {
    service: S,
    store: Arc<dyn Store>,
    watch: Arc<Watch>,
    concurrency: usize,
    timeout: Duration,
    grace: Duration,
    retry: RetryPolicy,
    on_dead: Option<Arc<Hook>>,
    trace_context: Option<Arc<Extract>>,
}

impl<S> Worker<S> {
    pub(crate) fn new(store: Arc<dyn Store>, watch: Arc<Watch>, service: S) -> Self {
        Worker {
            service,
            store,
            watch,
            concurrency: 64,
            timeout: Duration::from_secs(60),
            grace: Duration::from_secs(10),
            retry: RetryPolicy::new(),
            on_dead: None,
            trace_context: None,
        }
    }

    /// How many callbacks are handled at the same time (64), at least 1.
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        self
    }

    /// How long an attempt may take (60 s), including the wait until the service is ready. After
    /// that its future is dropped, and the attempt has failed. A handler that blocks its thread
    /// cannot be stopped.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long running handlers may continue at shutdown (10 s). Those that are not done are
    /// aborted. That does not count as an attempt, and the callback is handled again.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// When and how often to try again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// A hook that is called for every dead letter after it is stored. It must not block.
    pub fn on_dead(mut self, hook: impl Fn(&Record) + Send + Sync + 'static) -> Self {
        self.on_dead = Some(Arc::new(hook));
        self
    }

    /// A function that gets the span of each attempt, and the text that
    /// [`EnqueueLayer::trace_context`](crate::EnqueueLayer::trace_context) returned when the
    /// callback was stored. It makes that the parent of the span, or links to it. It is called
    /// before the span is entered; not if there was no text, or if the span is filtered out.
    pub fn trace_context(mut self, context: impl Fn(&Span, &str) + Send + Sync + 'static) -> Self {
        self.trace_context = Some(Arc::new(context));
        self
    }
}

impl<S> Worker<S>
where
    S: Service<Callback> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Into<Reply>,
    S::Error: fmt::Display + Send + Sync,
{
    /// Works until `shutdown` is done, then waits for running handlers for at most
    /// [`grace`](Self::grace).
    ///
    /// If the future is dropped, running handlers are aborted, and their callbacks are given back.
    ///
    /// # Errors
    ///
    /// An error of the storage, such as [`QueueError::Poisoned`]. Open the queue again, and make
    /// another worker. Running handlers have been aborted by then.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<Stopped, QueueError> {
        self.watch.worker_runs();
        let (report, results) = mpsc::unbounded_channel();
        let mut running = Running {
            store: self.store.clone(),
            places: Arc::new(Semaphore::new(self.concurrency)),
            limit: self.concurrency.saturating_add(SETTLING),
            tasks: JoinSet::new(),
            results,
            stopped: Stopped::default(),
        };
        let job = Arc::new(Job {
            service: std::sync::Mutex::new(self.service),
            watch: self.watch,
            store: self.store,
            timeout: self.timeout,
            retry: self.retry,
            random: RandomState::new(),
            on_dead: self.on_dead,
            trace_context: self.trace_context,
            results: report,
        });
        if let Err(error) = running.work(&job, std::pin::pin!(shutdown)).await {
            running.tasks.shutdown().await;
            return Err(error);
        }
        running.store.leave();
        running.finish(self.grace).await
    }
}

/// The handlers of a worker that runs.
struct Running {
    store: Arc<dyn Store>,
    places: Arc<Semaphore>,
    /// The most tasks at a time.
    limit: usize,
    tasks: JoinSet<()>,
    results: mpsc::UnboundedReceiver<Result<End, QueueError>>,
    stopped: Stopped,
}

impl Running {
    /// Starts handlers until `shutdown` is done.
    async fn work<S, F>(
        &mut self,
        job: &Arc<Job<S>>,
        mut shutdown: Pin<&mut F>,
    ) -> Result<(), QueueError>
    where
        S: Service<Callback> + Clone + Send + 'static,
        S::Future: Send,
        S::Response: Into<Reply>,
        S::Error: fmt::Display + Send + Sync,
        F: Future<Output = ()>,
    {
        while let Some(place) = self.place(shutdown.as_mut()).await? {
            // Lets tasks finish that are about to: one claim for many permits is cheaper than many
            // claims for one each.
            tokio::task::yield_now().await;
            let Some(claimed) = self.claim(shutdown.as_mut()).await? else {
                break;
            };
            let mut place = Some(place);
            for claimed in claimed {
                let guard = ClaimGuard::new(self.store.clone(), claimed.claim);
                let free = || self.places.clone().try_acquire_owned().ok();
                let place = place.take().or_else(free);
                self.tasks.spawn(job.clone().handle(claimed, guard, place).in_current_span());
            }
        }
        Ok(())
    }

    /// Waits for the place of a handler; `None` at shutdown.
    async fn place<F: Future<Output = ()>>(
        &mut self,
        mut shutdown: Pin<&mut F>,
    ) -> Result<Option<OwnedSemaphorePermit>, QueueError> {
        loop {
            while self.tasks.try_join_next().is_some() {}
            self.count()?;
            if self.tasks.len() < self.limit {
                break;
            }
            tokio::select! {
                () = &mut shutdown => return Ok(None),
                _ = self.tasks.join_next() => {}
            }
        }
        tokio::select! {
            biased;
            () = &mut shutdown => Ok(None),
            // Never closed.
            place = self.places.clone().acquire_owned() => Ok(place.ok()),
        }
    }

    /// Claims for all free places, and for the one that is taken; `None` at shutdown.
    async fn claim<F: Future<Output = ()>>(
        &mut self,
        mut shutdown: Pin<&mut F>,
    ) -> Result<Option<Vec<Claimed>>, QueueError> {
        let max = self.places.available_permits().saturating_add(1).min(BATCH);
        let mut claim = self.store.claim(max, WAIT);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => return Ok(None),
                claimed = &mut claim => return claimed.map(Some),
                end = self.results.recv() => if let Some(end) = end { self.stopped.count(end)? },
            }
        }
    }

    /// Waits for the handlers, and aborts those that are not done in time.
    async fn finish(mut self, grace: Duration) -> Result<Stopped, QueueError> {
        let rest = async { while self.tasks.join_next().await.is_some() {} };
        drop(tokio::time::timeout(grace, rest).await);
        self.tasks.abort_all();
        while let Some(end) = self.tasks.join_next().await {
            self.stopped.aborted += usize::from(end.is_err());
        }
        self.count()?;
        Ok(self.stopped)
    }

    /// Counts the results that are there.
    fn count(&mut self) -> Result<(), QueueError> {
        while let Ok(end) = self.results.try_recv() {
            self.stopped.count(end)?;
        }
        Ok(())
    }
}

impl<S> fmt::Debug for Worker<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("concurrency", &self.concurrency)
            .field("timeout", &self.timeout)
            .field("grace", &self.grace)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

/// What a [`Worker`] has done when it stops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stopped {
    /// Callbacks handled.
    pub completed: u64,
    /// Failed attempts that will be repeated.
    pub retried: u64,
    /// Callbacks that became dead letters.
    pub buried: u64,
    /// Unreadable callbacks of unsigned apps for which there was [no
    /// room](crate::StoreOptions::max_unreadable_bytes) among the dead letters.
    pub dropped: u64,
    /// Callbacks that were aborted after the [grace](Worker::grace): their handlers were running,
    /// or the result was not stored yet. They are handled again.
    pub aborted: usize,
}

impl Stopped {
    fn count(&mut self, end: Result<End, QueueError>) -> Result<(), QueueError> {
        match end? {
            End::Completed => self.completed += 1,
            End::Retried => self.retried += 1,
            End::Buried => self.buried += 1,
            End::Dropped => self.dropped += 1,
        }
        Ok(())
    }
}
