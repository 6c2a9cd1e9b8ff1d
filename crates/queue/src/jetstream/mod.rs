//! A queue that several machines share: NATS JetStream (feature `jetstream`).
//!
//! ```no_run
//! use tencent_im_callback_queue::Queue;
//! use tencent_im_callback_queue::jetstream::{JetStream, async_nats};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let client = async_nats::connect("nats://127.0.0.1:4222").await?;
//! let context = async_nats::jetstream::new(client);
//! let queue = Queue::jetstream(context, JetStream::new("callbacks")).await?;
//! # drop(queue);
//! # Ok(())
//! # }
//! ```
//!
//! It needs nats-server 2.12.7 or newer. What the queue makes at the broker, if its name is
//! `callbacks`:
//!
//! | stream | subjects | what is in it |
//! | --- | --- | --- |
//! | `callbacks` | `callbacks.0` … | callbacks that wait for their first attempt |
//! | `callbacks-retry` | `callbacks-retry.0.ID` … | failed and requeued callbacks |
//! | `callbacks-dead` | `callbacks-dead.ID` | dead letters |
//! | `callbacks-owners` | `callbacks-owners.0` … | which worker owns which partition |
//!
//! A callback is done when the worker that has handled it has deleted its message. Beside that,
//! only a purge deletes one: the streams have no age, and no consumer that keeps books. A partition
//! belongs to one worker at a time, for as long as it renews its lease. So callbacks with the same
//! order key are handled in order, over all processes. Workers share the partitions among them, and
//! hand over when one joins or leaves.
//!
//! Differences from a queue on one disk:
//!
//! - A worker that has no free [place](crate::Worker::concurrency) keeps its partitions.
//! - The dedup window starts when a callback is accepted. The broker measures it.
//! - [`Stats`] come from several answers of the broker, so they may be slightly off. `bytes` is the
//!   size of the streams. What runs, and the counts of accepted, completed and other callbacks, are
//!   those of this process.
//! - So are those of unreadable dead letters: each process keeps up to
//!   [`max_unreadable_bytes`](crate::StoreOptions::max_unreadable_bytes) of unsigned apps, and
//!   drops the rest until it opens the queue again. Callbacks that it buries at the same moment can
//!   exceed that.
//! - A purge also deletes what other processes are handling at that moment. Their handlers are
//!   stopped, and what they return does not count.
//! - While the broker is away, a callback is refused after
//!   [`max_wait`](crate::EnqueueLayer::max_wait), and workers wait.

mod admin;
mod append;
mod broker;
mod check;
mod claim;
mod claims;
mod job;
mod lease;
mod list;
mod manager;
mod names;
mod options;
mod part;
mod pull;
mod record;
mod serve;
mod settle;
mod streams;
mod wire;

use std::fmt;
use std::hash::RandomState;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::async_nats::Subject;
use ::async_nats::jetstream::Context;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use self::broker::{Broker, PATIENCE};
use self::claims::State;
use self::names::Names;
pub use self::options::JetStream;
use crate::delivery::DeliveryId;
use crate::error::QueueError;
use crate::store::{
    Appended, Claim, Claimed, DeadReason, Entry, Filter, Record, Stats, Store, StoreFuture,
};

/// The client library, in the version that [`Queue::jetstream`](crate::Queue::jetstream) takes.
pub use ::async_nats;

/// The delay before a request to the broker is repeated.
const AGAIN: Duration = Duration::from_millis(100);

/// What headers may add to a payload, in bytes: an error's text has up to 2 KiB, and each byte up
/// to six in JSON.
const HEADERS: usize = 16 << 10;

/// A store on NATS JetStream, for [`Queue::new`](crate::Queue::new).
///
/// A callback is stored when the broker has acknowledged it. How safe that is depends on the
/// broker's settings; see the README.
///
/// If it is dropped without [`close`](Store::close), the workers of other processes take its
/// partitions over after the [`lease`](JetStream::lease).
pub struct JetStreamStore {
    shared: Arc<Shared>,
}

struct Shared {
    broker: Broker,
    settings: JetStream,
    /// Where new callbacks of each partition are published.
    subjects: Vec<Subject>,
    random: RandomState,
    /// The largest payload, in bytes, that the broker accepts together with all later metadata.
    max_payload: usize,
    state: Mutex<State>,
    changed: Notify,
    /// Whether a worker has said that it claims no more.
    leaving: AtomicBool,
    /// That has changed.
    left: Notify,
    /// Tells the manager of the partitions to hand all of them over.
    stop: watch::Sender<bool>,
    manager: Mutex<Option<JoinHandle<()>>>,
    /// Whether the server's version is known.
    checked: AtomicBool,
    /// Whether the log has already said that the broker does not answer.
    away: AtomicBool,
    /// Whether the log has already said that the connection is lost.
    lost: AtomicBool,
}

impl JetStreamStore {
    /// Makes the streams that are missing, and checks those that exist.
    ///
    /// # Errors
    ///
    /// [`QueueError::ServerTooOld`], or [`QueueError::UnsafeSetting`] if a stream has a setting
    /// with which callbacks could be lost or mixed up, or is of an older version's layout; the text
    /// names the setting. [`QueueError::Unavailable`] if the broker does not answer, or refuses:
    /// JetStream is off, there are fewer servers than replicas, or the client has no permission.
    pub async fn open(context: Context, settings: JetStream) -> Result<Self, QueueError> {
        let names = Names(settings.name.clone());
        let broker = Broker { client: context.client(), context, names };
        streams::open(&broker, &settings).await?;
        let max_payload = broker.client.server_info().max_payload.saturating_sub(HEADERS);
        let shared = Shared::new(broker, settings, max_payload);
        Ok(JetStreamStore { shared: Arc::new(shared) })
    }
}

/// As if the process had died: what runs is not settled any more.
impl Drop for JetStreamStore {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        let manager = self.shared.manager.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(manager) = manager {
            manager.abort();
        }
    }
}

impl Shared {
    fn new(broker: Broker, settings: JetStream, max_payload: usize) -> Self {
        let subjects = (0..settings.partitions).map(|at| broker.names.subject(at).into());
        Shared {
            subjects: subjects.collect(),
            random: RandomState::new(),
            max_payload,
            state: Mutex::new(State::new(&settings)),
            changed: Notify::new(),
            leaving: AtomicBool::new(false),
            left: Notify::new(),
            stop: watch::Sender::new(false),
            manager: Mutex::new(None),
            checked: AtomicBool::new(true),
            away: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            broker,
            settings,
        }
    }

    /// The guarded state is consistent at all times, so a panic elsewhere does not matter.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time by the clock of the settings, in ms, unless the store is closed.
    fn now(&self) -> Result<i64, QueueError> {
        let mut state = self.lock();
        if state.closed { Err(QueueError::Closed) } else { Ok(state.clock.now()) }
    }

    /// Whether nobody is going to claim anything.
    fn is_left(&self) -> bool {
        self.leaving.load(Ordering::SeqCst) && self.lock().waiting == 0
    }

    fn max_block(&self) -> i64 {
        self.lock().max_block
    }

    fn retry_subject(&self, partition: usize, id: DeliveryId) -> Subject {
        self.broker.names.retry_subject(partition, id).into()
    }

    /// Logs once when the broker goes away, and once when it is back.
    fn told(&self, result: Result<(), &QueueError>) {
        let away = result.is_err();
        if self.away.swap(away, Ordering::Relaxed) == away {
            return;
        }
        match result {
            Ok(()) => {
                tracing::info!(target: "tencent_im_callback_queue", "the broker answers again");
            }
            Err(error) => {
                let cause = std::error::Error::source(error).map(ToString::to_string);
                tracing::warn!(target: "tencent_im_callback_queue", %error, cause, "the broker does not answer; workers wait");
            }
        }
    }

    /// Hands the partitions over. Without a connection, others take them when the lease is over.
    async fn close(&self) -> Result<(), QueueError> {
        {
            let mut state = self.lock();
            if state.closed {
                return Err(QueueError::Closed);
            }
            state.closed = true;
            state.release_all();
        }
        self.changed.notify_waiters();
        self.stop.send_replace(true);
        let manager = self.manager.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut manager) = manager
            && tokio::time::timeout(2 * PATIENCE, &mut manager).await.is_err()
        {
            manager.abort();
        }
        Ok(())
    }
}

impl Store for JetStreamStore {
    fn append(&self, entry: Entry, max_wait: Duration) -> StoreFuture<'_, Appended> {
        Box::pin(self.shared.append(entry, max_wait))
    }

    fn claim(&self, max: usize, wait: Duration) -> StoreFuture<'_, Vec<Claimed>> {
        Box::pin(self.shared.claim(max, wait))
    }

    fn complete(&self, claim: Claim) -> StoreFuture<'_, ()> {
        Box::pin(self.shared.complete(claim, |counts| counts.completed += 1))
    }

    fn retry(&self, claim: Claim, error: String, delay: Duration) -> StoreFuture<'_, ()> {
        Box::pin(self.shared.retry(claim, error, delay))
    }

    fn bury(&self, claim: Claim, error: String, reason: DeadReason) -> StoreFuture<'_, ()> {
        Box::pin(self.shared.bury(claim, error, reason))
    }

    fn bury_unsigned(&self, claim: Claim, error: String) -> StoreFuture<'_, bool> {
        Box::pin(self.shared.bury_unsigned(claim, error))
    }

    fn leave(&self) {
        self.shared.leaving.store(true, Ordering::SeqCst);
        self.shared.left.notify_one();
    }

    fn release(&self, claim: Claim) {
        self.shared.lock().release(claim);
        self.shared.changed.notify_waiters();
    }

    fn extend(&self, claim: Claim) -> StoreFuture<'_, ()> {
        Box::pin(std::future::ready(self.shared.extend(claim)))
    }

    fn lease(&self) -> Option<Duration> {
        Some(self.shared.settings.lease)
    }

    fn stats(&self) -> StoreFuture<'_, Stats> {
        Box::pin(self.shared.stats())
    }

    fn list(
        &self,
        filter: Filter,
        after: Option<DeliveryId>,
        limit: usize,
    ) -> StoreFuture<'_, Vec<Record>> {
        Box::pin(self.shared.list(filter, after, limit))
    }

    fn requeue(&self, id: DeliveryId) -> StoreFuture<'_, ()> {
        Box::pin(self.shared.requeue(id))
    }

    fn purge(&self, filter: Filter) -> StoreFuture<'_, u64> {
        Box::pin(self.shared.purge(filter))
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        Box::pin(self.shared.close())
    }
}

impl fmt::Debug for JetStreamStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JetStreamStore")
            .field("settings", &self.shared.settings)
            .finish_non_exhaustive()
    }
}
