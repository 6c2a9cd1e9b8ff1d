use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tower_layer::Layer;

use super::background::{DetachFailure, DetachStats, Drained, Shared, Task, lock};
use super::service::Detach;
use crate::auth::Params;

/// How long a callback waits for room, unless [`DetachLayer::max_wait`] says otherwise. Tencent waits 2 s.
const MAX_WAIT: Duration = Duration::from_millis(1500);

/// Answers at once what needs no verdict, and runs the inner service in the background.
///
/// Detached are *after* callbacks and notices whose reply means nothing ([`Command::is_answered`](crate::Command::is_answered)); all
/// others pass through to the inner service. At most `room` callbacks are in the background at a time; one for which there is no room
/// waits for it, and fails as overloaded after [`max_wait`](Self::max_wait). Needs a tokio runtime.
///
/// **An event that was answered early and is lost in a crash is lost**: Tencent does not send it again. Where that must not be, let
/// the inner service put it into a durable queue and leave this layer out.
///
/// At shutdown, stop accepting connections, then [`drain`](Self::drain).
///
/// ```
/// use std::time::Duration;
/// use tencent_im_callback::{App, CallbackLayer, DedupLayer, DetachLayer, EventRouter, Token};
/// use tower::ServiceBuilder;
///
/// # async fn run() -> Result<(), tencent_im_callback::InvalidToken> {
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
}

impl DetachLayer {
    /// Room for this many callbacks in the background at a time. Clones share it.
    pub fn new(room: usize) -> Self {
        DetachLayer {
            shared: Arc::new(Shared {
                room: Arc::new(Semaphore::new(room.min(Semaphore::MAX_PERMITS))),
                running: Mutex::default(),
                ended: Notify::new(),
                hook: Mutex::default(),
                detached: AtomicU64::new(0),
                succeeded: AtomicU64::new(0),
                failed: AtomicU64::new(0),
                overloaded: AtomicU64::new(0),
                abandoned: AtomicU64::new(0),
            }),
            max_wait: MAX_WAIT,
        }
    }

    /// How long a callback waits for room before it fails as overloaded (1.5 s; Tencent waits 2 s).
    pub fn max_wait(mut self, max_wait: Duration) -> Self {
        self.max_wait = max_wait;
        self
    }

    /// Is told of every callback that fails in the background. The last one set counts, for all clones.
    pub fn on_failure(self, hook: impl Fn(&Params, &DetachFailure) + Send + Sync + 'static) -> Self {
        *lock(&self.shared.hook) = Some(Arc::new(hook));
        self
    }

    /// Stops detaching, and waits for what is in the background until it is done or the time is up; what is not done by then is
    /// aborted and handed back. Callbacks that still arrive run inline.
    pub async fn drain(&self, timeout: Duration) -> Drained {
        let running = || {
            let mut running = lock(&self.shared.running);
            running.draining = true;
            running.tasks.len()
        };
        let before = running();
        let all_ended = async {
            loop {
                let ended = self.shared.ended.notified();
                if running() == 0 {
                    break;
                }
                ended.await;
            }
        };
        drop(tokio::time::timeout(timeout, all_ended).await);
        let tasks: Vec<Task> = lock(&self.shared.running).tasks.drain().map(|(_, task)| task).collect();
        let unfinished = tasks.into_iter().map(|task| {
            if let Some(abort) = task.abort {
                abort.abort();
            }
            (task.params, task.body)
        });
        let unfinished: Vec<_> = unfinished.collect();
        Drained {
            finished: before.saturating_sub(unfinished.len()),
            unfinished,
        }
    }

    /// Counts since the layer was made.
    pub fn stats(&self) -> DetachStats {
        let shared = &self.shared;
        DetachStats {
            running: lock(&shared.running).tasks.len(),
            detached: shared.detached.load(Ordering::Relaxed),
            succeeded: shared.succeeded.load(Ordering::Relaxed),
            failed: shared.failed.load(Ordering::Relaxed),
            overloaded: shared.overloaded.load(Ordering::Relaxed),
            abandoned: shared.abandoned.load(Ordering::Relaxed),
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
