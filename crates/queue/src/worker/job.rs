//! The handling of one claimed callback, from the call of the service to its stored result.

use std::fmt;
use std::future::Future;
use std::hash::RandomState;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tencent_im_callback::{Callback, Cause, Disposition, Oneshot, Reply, Retry};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::Instant;
use tower_service::Service;
use tracing::Instrument;

use super::attempt::{CatchPanic, Failed, Origin, read_caught, text_of};
use super::guard::{ClaimGuard, LeaseKeeper};
use crate::delivery::Delivery;
use crate::error::QueueError;
use crate::policy::RetryPolicy;
use crate::store::{Claim, Claimed, DeadReason, Death, Record, Store, bounded};
use crate::trace::{self, Ending, Extract};
use crate::watch::{Failure, Watch};

/// How often it is reported that a result cannot be stored.
const REPORTED: Duration = Duration::from_secs(60);

/// How long a worker tries to store that a callback has failed while there is no space. Then it
/// gives the callback back, to be tried again as if this attempt had not been: callbacks that fail
/// must not keep those from being handled that would make space.
const GIVE_UP: Duration = Duration::from_secs(5);

/// The wait before a settlement is tried again for which the disk had no room.
const AGAIN: Duration = Duration::from_millis(500);

/// Is called for every dead letter.
pub(super) type Hook = dyn Fn(&Record) + Send + Sync;

/// Whether a result was stored.
enum Settled {
    As(End),
    /// The claim has ended. Perhaps somebody else has the callback now.
    Lost,
    /// There is no space for the result.
    NoSpace,
}

/// How a delivery was settled.
pub(super) enum End {
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

/// What comes of it is in the store: it is handled again, unless somebody has purged it.
fn lost(ending: &mut Ending, how: &str) {
    tracing::warn!(target: "tencent_im_callback_queue", "{how}");
    ending.outcome(LOST);
}

/// A claimed callback, with what is released and recorded when it is settled.
struct Work {
    claim: Claim,
    delivery: Delivery,
    payload: Option<String>,
    guard: ClaimGuard,
    keeper: Option<LeaseKeeper>,
    place: Option<OwnedSemaphorePermit>,
    ending: Ending,
}

/// What every delivery needs.
pub(super) struct Job<S> {
    /// A service may be `Send` and not `Sync`.
    pub(super) service: std::sync::Mutex<S>,
    pub(super) watch: Arc<Watch>,
    pub(super) store: Arc<dyn Store>,
    pub(super) timeout: Duration,
    pub(super) retry: RetryPolicy,
    pub(super) random: RandomState,
    pub(super) on_dead: Option<Arc<Hook>>,
    pub(super) trace_context: Option<Arc<Extract>>,
    pub(super) results: mpsc::UnboundedSender<Result<End, QueueError>>,
}

impl<S> Job<S>
where
    S: Service<Callback> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Into<Reply>,
    S::Error: fmt::Display + Send + Sync,
{
    pub(super) async fn handle(
        self: Arc<Self>,
        claimed: Claimed,
        guard: ClaimGuard,
        place: Option<OwnedSemaphorePermit>,
    ) {
        let Claimed { claim, delivery, payload, .. } = claimed;
        // Until the callback is settled, and in a task of its own, since a handler may block its
        // thread.
        let keeper =
            (self.store.lease()).map(|lease| LeaseKeeper::new(self.store.clone(), claim, lease));
        if keeper.is_some() {
            // What was spawned last is run by this thread alone.
            tokio::task::yield_now().await;
        }
        let callback = match payload.as_deref().map(read_caught) {
            Some(read) => read,
            None => Err("the stored callback cannot be read: it is damaged".to_owned()),
        };
        let span = trace::attempt(&delivery, callback.as_ref().ok(), self.trace_context.as_ref());
        let ending = Ending::of(&span);
        let work = Work { claim, delivery, payload, guard, keeper, place, ending };
        self.work(work, callback).instrument(span).await;
    }

    /// One attempt, from the call of the service to the writing down of its result. It runs in the
    /// attempt's span.
    async fn work(&self, work: Work, callback: Result<Callback, String>) {
        let Work { claim, delivery, payload, mut guard, mut keeper, place, mut ending } = work;
        // A stored callback that cannot be read is our doing, or the disk's.
        let mut origin = Origin { signed: true, readable: true };
        let attempted = match callback {
            Ok(mut callback) => {
                callback.extensions.insert(delivery.clone());
                origin = Origin::of(&callback);
                let Some(attempted) = self.attempt(callback, keeper.as_mut()).await else {
                    return lost(&mut ending, "the claim has ended; the handler is stopped");
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
                guard.forget();
                drop(self.results.send(Ok(end)));
            }
            // What is not settled is given back, as if this attempt had not been.
            Ok(Settled::Lost) => {
                lost(&mut ending, "the claim had ended before the result was stored");
            }
            Ok(Settled::NoSpace) => ending.outcome("given_back"),
            Err(error) => {
                ending.outcome("not_stored");
                drop(self.results.send(Err(error)));
            }
        }
    }

    /// One attempt. `None` if the claim ended meanwhile.
    async fn attempt(
        &self,
        callback: Callback,
        keeper: Option<&mut LeaseKeeper>,
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
        let call = tokio::time::timeout(self.timeout, CatchPanic { call: Some(call) });
        let result = match keeper {
            None => call.await,
            Some(keeper) => {
                tokio::select! {
                    result = call => result,
                    () = keeper.lost() => return None,
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
                cause: Some(error.cause()),
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
                .store_result(Duration::MAX, || async {
                    self.store.complete(claim).await.map(|()| End::Completed)
                })
                .await;
        };
        let delay = self.delay_after(&failed, delivery, origin);
        let error = bounded(failed.text);
        let (id, attempt) = (delivery.id, delivery.attempt);
        let failure = Failure { id, attempt, error: &error, signed: origin.signed };
        match delay {
            Ok(delay) => self.retry(claim, &failure, delay).await,
            Err(reason) => {
                let settled = self.bury(claim, &failure, reason).await?;
                if let (Settled::As(End::Buried), Some(hook)) = (&settled, &self.on_dead) {
                    let record = dead_letter(delivery, payload, error, reason);
                    // It is stored already; a panic of the hook does not change that.
                    drop(catch_unwind(AssertUnwindSafe(|| hook(&record))));
                }
                Ok(settled)
            }
        }
    }

    async fn retry(
        &self,
        claim: Claim,
        failure: &Failure<'_>,
        delay: Duration,
    ) -> Result<Settled, QueueError> {
        let retry = || async {
            let retried = self.store.retry(claim, failure.error.to_owned(), delay);
            retried.await.map(|()| End::Retried)
        };
        let settled = self.store_result(GIVE_UP, retry).await?;
        if matches!(settled, Settled::As(_)) {
            self.watch.retried(failure, delay);
        }
        Ok(settled)
    }

    async fn bury(
        &self,
        claim: Claim,
        failure: &Failure<'_>,
        reason: DeadReason,
    ) -> Result<Settled, QueueError> {
        let bury = || async {
            let error = failure.error.to_owned();
            if reason == DeadReason::BodyUnreadable && !failure.signed {
                let kept = self.store.bury_unsigned(claim, error).await?;
                return Ok(if kept { End::Buried } else { End::Dropped });
            }
            self.store.bury(claim, error, reason).await.map(|()| End::Buried)
        };
        let settled = self.store_result(GIVE_UP, bury).await?;
        match settled {
            Settled::As(End::Buried) => self.watch.buried(failure, reason),
            Settled::As(End::Dropped) => self.watch.dropped(failure),
            _ => {}
        }
        Ok(settled)
    }

    /// When it is tried again, or why it is not.
    fn delay_after(
        &self,
        failed: &Failed,
        delivery: &Delivery,
        origin: Origin,
    ) -> Result<Duration, DeadReason> {
        let dead = |reason| Err(if origin.readable { reason } else { DeadReason::BodyUnreadable });
        let (attempt, id) = (delivery.attempt, delivery.id.sequence());
        match failed.retry {
            _ if failed.cause.is_none() => Err(DeadReason::Unreadable),
            Retry::Never => dead(DeadReason::Permanent),
            retry => match self.retry.delay_after(attempt, &self.random, id) {
                None => dead(DeadReason::Attempts),
                Some(usual) => Ok(if let Retry::After(delay) = retry { delay } else { usual }),
            },
        }
    }

    /// Settles it, as soon as there is space. After `patience` without space it gives up.
    async fn store_result<F>(
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

/// What the hook for dead letters gets.
fn dead_letter(
    delivery: &Delivery,
    payload: Option<String>,
    error: String,
    reason: DeadReason,
) -> Record {
    let mut record = Record::new(delivery.id, delivery.accepted_at, payload.unwrap_or_default());
    record.attempts = delivery.attempt;
    record.error = Some(error);
    record.order_key = delivery.order_key;
    record.trace_context.clone_from(&delivery.trace_context);
    record.death = Some(Death::new(SystemTime::now(), reason));
    record
}
