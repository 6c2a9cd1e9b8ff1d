//! The worker that handles the queue's callbacks.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::hash::RandomState;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use tencent_im_callback::{
    Callback, Cause, Disposition, Event, HandlerError, Oneshot, Reply, Retry, UnknownReason,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use tower_service::Service;
use tracing::{Instrument, Span};

use crate::delivery::Delivery;
use crate::error::QueueError;
use crate::policy::RetryPolicy;
use crate::queue::Queue;
use crate::store::{self, Claim, Claimed, DeadReason, Death, Record, Store, bounded};
use crate::trace::{self, Ending, Extract};
use crate::watch::{Failure, Watch};

/// The longest single wait for something to claim.
const WAIT: Duration = Duration::from_secs(10);

/// How often it is reported that a result cannot be stored.
const REPORTED: Duration = Duration::from_secs(60);

/// How long a worker tries to store that a callback has failed while there is no space. Then it
/// gives the callback back, to be tried again as if this attempt had not been: callbacks that fail
/// must not keep those from being handled that would make space.
const GIVE_UP: Duration = Duration::from_secs(5);

/// The wait before a settlement is tried again for which the disk had no room.
const AGAIN: Duration = Duration::from_millis(500);

/// Settlements that may be on their way to the disk while their handlers' places are used again.
const SETTLING: usize = 1024;

/// The most that is claimed at a time: what is claimed is in memory.
const BATCH: usize = 1024;

type Hook = dyn Fn(&Record) + Send + Sync;

/// Claims callbacks from a queue and passes them to a service, until it is told to stop.
///
/// Each callback has a [`Delivery`] in its [extensions](Callback::extensions). A reply means that
/// the callback is done, unless its `ActionStatus` is `FAIL`, as that of [`Reply::fail`]. After
/// such a reply, an error, a panic or a time-out it is tried again according to [`RetryPolicy`],
/// and finally becomes a dead letter. It becomes one at once if the error is
/// [`HandlerError::permanent`], or if this version cannot read it.
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
    queue: Queue,
    concurrency: usize,
    timeout: Duration,
    grace: Duration,
    retry: RetryPolicy,
    on_dead: Option<Arc<Hook>>,
    trace_context: Option<Arc<Extract>>,
}

impl<S> Worker<S> {
    pub(crate) fn new(queue: Queue, service: S) -> Self {
        Worker {
            service,
            queue,
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
        let store = self.queue.store.clone();
        self.queue.watch.worker_runs();
        let places = Arc::new(Semaphore::new(self.concurrency));
        let limit = self.concurrency.saturating_add(SETTLING);
        let (tell, mut told) = mpsc::unbounded_channel();
        let job = Arc::new(Job {
            service: std::sync::Mutex::new(self.service),
            watch: self.queue.watch.clone(),
            store: store.clone(),
            timeout: self.timeout,
            retry: self.retry,
            random: RandomState::new(),
            on_dead: self.on_dead,
            trace_context: self.trace_context,
            tell,
        });
        let mut tasks: JoinSet<()> = JoinSet::new();
        let mut stopped = Stopped::default();
        let mut shutdown = std::pin::pin!(shutdown);
        let worked: Result<(), QueueError> = async {
            loop {
                while tasks.try_join_next().is_some() {}
                while let Ok(end) = told.try_recv() {
                    stopped.count(end)?;
                }
                if tasks.len() >= limit {
                    tokio::select! {
                        () = &mut shutdown => break,
                        _ = tasks.join_next() => continue,
                    }
                }
                let place = tokio::select! {
                    biased;
                    () = &mut shutdown => break,
                    place = places.clone().acquire_owned() => place,
                };
                // Never closed.
                let Ok(place) = place else { break };
                // Lets tasks finish that are about to: one claim for many permits is cheaper than
                // many claims for one each.
                tokio::task::yield_now().await;
                let max = places.available_permits().saturating_add(1).min(BATCH);
                let mut claim = store.claim(max, WAIT);
                let claimed = loop {
                    tokio::select! {
                        biased;
                        () = &mut shutdown => break None,
                        claimed = &mut claim => break Some(claimed?),
                        end = told.recv() => if let Some(end) = end { stopped.count(end)? },
                    }
                };
                drop(claim);
                let Some(claimed) = claimed else { break };
                let mut place = Some(place);
                for claimed in claimed {
                    let held = Hold::new(store.clone(), claimed.claim);
                    let place = match place.take() {
                        Some(place) => Some(place),
                        None => places.clone().try_acquire_owned().ok(),
                    };
                    tasks.spawn(job.clone().handle(claimed, held, place).in_current_span());
                }
            }
            Ok(())
        }
        .await;
        if let Err(error) = worked {
            tasks.shutdown().await;
            return Err(error);
        }
        let rest = async { while tasks.join_next().await.is_some() {} };
        drop(tokio::time::timeout(self.grace, rest).await);
        tasks.abort_all();
        while let Some(end) = tasks.join_next().await {
            stopped.aborted += usize::from(end.is_err());
        }
        while let Ok(end) = told.try_recv() {
            stopped.count(end)?;
        }
        Ok(stopped)
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

/// Whether a result was stored.
enum Settled {
    As(End),
    /// Somebody else has the callback now.
    Lost,
    /// There is no space for the result.
    NoSpace,
}

/// How a delivery was settled.
enum End {
    Completed,
    Retried,
    Buried,
    Dropped,
}

impl End {
    /// The name in the span of an attempt, as in [`Stopped`].
    fn as_str(&self) -> &'static str {
        match self {
            End::Completed => "completed",
            End::Retried => "retried",
            End::Buried => "buried",
            End::Dropped => "dropped",
        }
    }
}

/// The name in the span of an attempt whose claim has ended.
const LOST: &str = "lost";

/// A claimed callback, with what is released and recorded when it is settled.
struct Work {
    claim: Claim,
    delivery: Delivery,
    payload: Option<String>,
    hold: Hold,
    kept: Option<Kept>,
    place: Option<OwnedSemaphorePermit>,
    ending: Ending,
}

/// What every delivery needs.
struct Job<S> {
    /// A service may be `Send` and not `Sync`.
    service: std::sync::Mutex<S>,
    watch: Arc<Watch>,
    store: Arc<dyn Store>,
    timeout: Duration,
    retry: RetryPolicy,
    random: RandomState,
    on_dead: Option<Arc<Hook>>,
    trace_context: Option<Arc<Extract>>,
    tell: mpsc::UnboundedSender<Result<End, QueueError>>,
}

impl<S> Job<S>
where
    S: Service<Callback> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Into<Reply>,
    S::Error: fmt::Display + Send + Sync,
{
    async fn handle(
        self: Arc<Self>,
        claimed: Claimed,
        hold: Hold,
        place: Option<OwnedSemaphorePermit>,
    ) {
        let Claimed { claim, delivery, payload, .. } = claimed;
        // Until the callback is settled, and in a task of its own, since a handler may block its
        // thread.
        let kept = (self.store.lease()).map(|lease| Kept::new(self.store.clone(), claim, lease));
        if kept.is_some() {
            // What was spawned last is run by this thread alone.
            tokio::task::yield_now().await;
        }
        let callback = match payload.as_deref().map(read_caught) {
            Some(read) => read,
            None => Err("the stored callback cannot be read: it is damaged".to_owned()),
        };
        let span = trace::attempt(&delivery, callback.as_ref().ok(), self.trace_context.as_ref());
        let ending = Ending::of(&span);
        let work = Work { claim, delivery, payload, hold, kept, place, ending };
        self.work(work, callback).instrument(span).await;
    }

    /// One attempt, from the call of the service to the writing down of its result. It runs in the
    /// attempt's span.
    async fn work(&self, work: Work, callback: Result<Callback, String>) {
        let Work { claim, delivery, payload, mut hold, mut kept, place, mut ending } = work;
        // A stored callback that cannot be read is our doing, or the disk's.
        let mut origin = Origin { signed: true, readable: true };
        let attempted = match callback {
            Ok(mut callback) => {
                callback.extensions.insert(delivery.clone());
                origin = Origin::of(&callback);
                let Some(attempted) = self.attempt(callback, kept.as_mut()).await else {
                    // Somebody else has it now.
                    ending.outcome(LOST);
                    return hold.forget();
                };
                attempted
            }
            Err(error) => Err(Failed::unreadable(error)),
        };
        // The next callback may start while this one is settled.
        drop(place);
        match &attempted {
            Ok(disposition) => ending.handled(*disposition),
            Err(failed) => ending.failed(failed.cause),
        }
        match self.settle(&delivery, claim, payload, origin, attempted.map(drop)).await {
            Ok(Settled::As(end)) => {
                ending.outcome(end.as_str());
                hold.forget();
                drop(self.tell.send(Ok(end)));
            }
            Ok(Settled::Lost) => {
                ending.outcome(LOST);
                hold.forget();
            }
            // Given back, without this attempt.
            Ok(Settled::NoSpace) => {
                ending.outcome("given_back");
                drop(hold);
            }
            Err(error) => {
                ending.outcome("not_stored");
                hold.forget();
                drop(self.tell.send(Err(error)));
            }
        }
    }

    /// One attempt. `None` if the claim ended meanwhile.
    async fn attempt(
        &self,
        callback: Callback,
        kept: Option<&mut Kept>,
    ) -> Option<Result<Disposition, Failed>> {
        let service = catch_unwind(AssertUnwindSafe(|| match self.service.lock() {
            Ok(service) => service.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        }));
        let service = match service {
            Ok(service) => service,
            Err(panic) => {
                let text = format!("the service panicked when it was cloned: {}", text_of(&*panic));
                return Some(Err(Failed::again(Cause::Panicked, text)));
            }
        };
        let command = callback.command().clone();
        let call = Box::pin(Oneshot::new(service, callback));
        let call = tokio::time::timeout(self.timeout, Caught { call: Some(call) });
        let result = match kept {
            None => call.await,
            Some(kept) => {
                tokio::select! {
                    result = call => result,
                    () = kept.lost() => return None,
                }
            }
        };
        Some(match result {
            Ok(Ok(Ok(disposition))) => {
                if disposition == Disposition::Unhandled {
                    self.watch.unhandled(&command);
                }
                Ok(disposition)
            }
            Ok(Ok(Err(error))) => Err(Failed {
                retry: error.retry(),
                text: format!("{error:#}"),
                cause: Some(match &error {
                    error if error.is_overloaded() => Cause::Overloaded,
                    error if error.is_timed_out() => Cause::TimedOut,
                    _ => Cause::Failed,
                }),
            }),
            Ok(Err(panic)) => {
                Err(Failed::again(Cause::Panicked, format!("the handler panicked: {panic}")))
            }
            Err(_) => {
                let text = format!("the handler took longer than {:?}", self.timeout);
                Err(Failed::again(Cause::TimedOut, text))
            }
        })
    }

    /// Writes down how it went.
    async fn settle(
        &self,
        delivery: &Delivery,
        claim: Claim,
        payload: Option<String>,
        origin: Origin,
        attempted: Result<(), Failed>,
    ) -> Result<Settled, QueueError> {
        let Err(failed) = attempted else {
            // It makes space, so it goes through in the end.
            return self
                .insist(Duration::MAX, || async {
                    self.store.complete(claim).await.map(|()| End::Completed)
                })
                .await;
        };
        let error = bounded(failed.text);
        let (id, attempt) = (delivery.id, delivery.attempt);
        let failure = Failure { id, attempt, error: &error, signed: origin.signed };
        let dead = |reason| Err(if origin.readable { reason } else { DeadReason::BodyUnreadable });
        let delay = match failed.retry {
            _ if failed.cause.is_none() => Err(DeadReason::Unreadable),
            Retry::Never => dead(DeadReason::Permanent),
            retry => match self.retry.delay_after(attempt, &self.random, id.sequence()) {
                None => dead(DeadReason::Attempts),
                Some(usual) => Ok(if let Retry::After(delay) = retry { delay } else { usual }),
            },
        };
        let reason = match delay {
            Ok(delay) => {
                let retry = || async {
                    let retried = self.store.retry(claim, error.clone(), delay);
                    retried.await.map(|()| End::Retried)
                };
                let settled = self.insist(GIVE_UP, retry).await?;
                if matches!(settled, Settled::As(_)) {
                    self.watch.retried(&failure, delay);
                }
                return Ok(settled);
            }
            Err(reason) => reason,
        };
        let bury = || async {
            if reason == DeadReason::BodyUnreadable && !origin.signed {
                let kept = self.store.bury_unsigned(claim, error.clone()).await?;
                return Ok(if kept { End::Buried } else { End::Dropped });
            }
            let buried = self.store.bury(claim, error.clone(), reason);
            buried.await.map(|()| End::Buried)
        };
        let settled = self.insist(GIVE_UP, bury).await?;
        match settled {
            Settled::As(End::Buried) => self.watch.buried(&failure, reason),
            Settled::As(End::Dropped) => {
                self.watch.dropped(&failure);
                return Ok(settled);
            }
            _ => return Ok(settled),
        }
        if let Some(hook) = &self.on_dead {
            let mut record = Record::new(id, delivery.accepted_at, payload.unwrap_or_default());
            record.attempts = attempt;
            record.error = Some(error);
            record.order_key = delivery.order_key;
            record.trace_context.clone_from(&delivery.trace_context);
            record.death = Some(Death::new(SystemTime::now(), reason));
            // It is stored already; a panic of the hook does not change that.
            drop(catch_unwind(AssertUnwindSafe(|| hook(&record))));
        }
        Ok(settled)
    }

    /// Settles it, as soon as there is space. After `patience` without space it gives up.
    async fn insist<F>(
        &self,
        patience: Duration,
        settle: impl Fn() -> F,
    ) -> Result<Settled, QueueError>
    where
        F: Future<Output = Result<End, QueueError>>,
    {
        let began = Instant::now();
        let mut reported: Option<Instant> = None;
        loop {
            match settle().await {
                Ok(end) => return Ok(Settled::As(end)),
                Err(QueueError::ClaimLost) => return Ok(Settled::Lost),
                Err(error) if error.is_temporary() => {
                    let no_space = matches!(error, QueueError::Full | QueueError::DiskFull);
                    if no_space && began.elapsed() >= patience {
                        return Ok(Settled::NoSpace);
                    }
                    if reported.is_none_or(|at| at.elapsed() >= REPORTED) {
                        reported = Some(Instant::now());
                        tracing::error!(
                            target: "tencent_im_callback_queue",
                            %error,
                            "the result of a callback cannot be stored; the worker tries again"
                        );
                    }
                    tokio::time::sleep(AGAIN).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// [`read`], whose panic would give the callback back, to be read again at once.
fn read_caught(payload: &str) -> Result<Callback, String> {
    catch_unwind(|| read(payload))
        .unwrap_or_else(|_| Err("the stored callback cannot be read: a panic".to_owned()))
}

/// The callback that was stored; or what is wrong with it, without what is in it.
fn read(payload: &str) -> Result<Callback, String> {
    let stored = store::read(payload).map_err(|error| match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    })?;
    let parsed = stored.parse();
    parsed.map_err(|rejection| format!("the stored callback cannot be read: {rejection}"))
}

/// What matters about a callback when it has failed.
#[derive(Clone, Copy)]
struct Origin {
    /// Its app is signed: only who knows a token can have sent it.
    signed: bool,
    /// Its body can be read, or has an unknown command.
    readable: bool,
}

impl Origin {
    fn of(callback: &Callback) -> Self {
        Origin {
            signed: callback.params.token_index().is_some(),
            readable: match &callback.event {
                Event::Unknown(unknown) => matches!(unknown.reason, UnknownReason::UnknownCommand),
                _ => true,
            },
        }
    }
}

/// Why an attempt failed.
struct Failed {
    retry: Retry,
    text: String,
    /// `None`: the stored callback cannot be read.
    cause: Option<Cause>,
}

impl Failed {
    fn again(cause: Cause, text: String) -> Self {
        Failed { retry: Retry::Default, text, cause: Some(cause) }
    }

    fn unreadable(text: String) -> Self {
        Failed { retry: Retry::Never, text, cause: None }
    }
}

/// The claim has ended.
struct Lost;

/// Extends a claim for as long as this lives.
struct Kept {
    lost: oneshot::Receiver<Lost>,
    task: AbortHandle,
}

impl Kept {
    fn new(store: Arc<dyn Store>, claim: Claim, lease: Duration) -> Self {
        let (tell, lost) = oneshot::channel();
        let extend = async move {
            loop {
                tokio::time::sleep(lease / 3).await;
                if let Err(QueueError::ClaimLost) = store.extend(claim).await {
                    drop(tell.send(Lost));
                    return;
                }
            }
        };
        let task = tokio::spawn(extend).abort_handle();
        Kept { lost, task }
    }

    /// Ends when the claim has ended.
    async fn lost(&mut self) {
        if (&mut self.lost).await.is_err() {
            // The task has panicked. Whether the claim holds is found out when the callback is
            // settled.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Gives a claim back, unless it was settled: a task may be aborted at any time.
struct Hold {
    store: Arc<dyn Store>,
    claim: Option<Claim>,
}

impl Hold {
    fn new(store: Arc<dyn Store>, claim: Claim) -> Self {
        Hold { store, claim: Some(claim) }
    }

    fn forget(&mut self) {
        self.claim = None;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(claim) = self.claim.take() {
            self.store.release(claim);
        }
    }
}

/// A call whose panics are values.
struct Caught<F> {
    call: Option<Pin<Box<F>>>,
}

impl<F, T> Future for Caught<F>
where
    F: Future<Output = Result<T, HandlerError>>,
    T: Into<Reply>,
{
    type Output = Result<Result<Disposition, HandlerError>, String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(call) = &mut self.call else {
            return Poll::Ready(Err("polled after completion".to_owned()));
        };
        // Nothing that it used is used again: the call is dropped, and the next attempt gets a
        // clone of the service, as if it had run in its own task.
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let result = call.as_mut().poll(cx);
            result.map(|result| result.and_then(|reply| done(&reply.into())))
        }));
        let ended = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => Ok(result),
            Err(panic) => Err(text_of(&*panic)),
        };
        // What is dropped may panic as well.
        let call = self.call.take();
        match catch_unwind(AssertUnwindSafe(|| drop(call))) {
            Ok(()) => Poll::Ready(ended),
            Err(panic) => Poll::Ready(Err(text_of(&*panic))),
        }
    }
}

/// What the reply says of the callback: a handler that answers `FAIL` has not handled it.
fn done(reply: &Reply) -> Result<Disposition, HandlerError> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer<'a> {
        #[serde(borrow)]
        action_status: Cow<'a, str>,
        #[serde(borrow, default)]
        error_info: Cow<'a, str>,
    }

    match serde_json::from_slice::<Answer<'_>>(reply.as_bytes()) {
        Ok(answer) if answer.action_status == "FAIL" => {
            Err(HandlerError::new(format!("the handler answered FAIL: {}", answer.error_info)))
        }
        _ => Ok(reply.disposition()),
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no text").to_owned()
}
