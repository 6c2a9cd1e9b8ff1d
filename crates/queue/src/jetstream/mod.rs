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
//! What the queue makes at the broker, if its name is `callbacks`:
//!
//! | stream | subjects | what is in it |
//! | --- | --- | --- |
//! | `callbacks` | `callbacks.p0` …, `callbacks.any` | callbacks on their way, and handled ones for the dedup window |
//! | `callbacks-retry` | `callbacks.retry` | failed callbacks that do not block others, until their next attempt |
//! | `callbacks-dead` | `callbacks.dead.ID` | dead letters |
//! | `callbacks-state` | `callbacks.state.…` | which attempts failed, and what is done |
//!
//! Each subject of the first two streams has a durable pull consumer. The consumers of the
//! partitions, `p0` to `p15`, deliver one message at a time. That keeps callbacks with the same
//! order key in order, over all processes.
//!
//! The queue does not rely on the broker's acknowledgements alone. A worker stores a note for each
//! handled callback before it acknowledges it, and reads the note before it handles a message. A
//! message is deleted only if it has such a note. So if the broker loses acknowledgements in a
//! crash, no callback is lost or handled again.
//!
//! Differences from a queue on one disk:
//!
//! - A callback that fails blocks its whole partition until it succeeds, or steps aside after
//!   [`max_block`](crate::StoreOptions::max_block).
//! - The dedup window starts when a callback is accepted. The broker measures it.
//! - [`Stats`] come from several answers of the broker, so they may be slightly off. `bytes` is the
//!   size of the streams, including handled callbacks. The counts of accepted, completed and other
//!   callbacks are those of this process.
//! - So are those of unreadable dead letters: each process keeps up to
//!   [`max_unreadable_bytes`](crate::StoreOptions::max_unreadable_bytes) of unsigned apps, and
//!   drops the rest until it opens the queue again. Callbacks that it buries at the same moment can
//!   exceed that.
//! - With [`Filter::waiting`](crate::Filter::waiting), a list reads the headers of everything that
//!   waits. A purge deletes only what no worker has received yet. The broker forgets the ids of
//!   purged callbacks when it restarts.
//! - While the broker is away, a callback is refused after
//!   [`max_wait`](crate::EnqueueLayer::max_wait), and workers wait.

mod broker;
mod claims;
mod options;
mod streams;
mod sweep;
mod wire;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use ::async_nats::connection::State as Connection;
use ::async_nats::jetstream::consumer::Info as LaneInfo;
use ::async_nats::jetstream::stream::LastRawMessageErrorKind;
use ::async_nats::jetstream::{AckKind, Context, Message as Delivered};
use ::async_nats::{Message, StatusCode, Subject, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use self::broker::{Broker, NotStored, PATIENCE, unavailable};
use self::claims::{ASK, Claims, Held, KEEP, LOOK, Step};
pub use self::options::JetStream;
use self::options::Lane;
use self::wire::{Meta, Noted, State};
use crate::delivery::DeliveryId;
use crate::error::{QueueError, StorageError};
use crate::options::{from_millis, millis};
use crate::store::{
    Appended, Claim, Claimed, DeadReason, Entry, Filter, Record, Stats, Store, StoreFuture, bounded,
};

/// The client library, in the version that [`Queue::jetstream`](crate::Queue::jetstream) takes.
pub use ::async_nats;

/// The delay before a request to the broker is repeated.
const AGAIN: Duration = Duration::from_millis(100);

/// What headers may add to a payload, in bytes: an error's text has up to 2 KiB, and each byte up
/// to six in JSON.
const HEADERS: usize = 16 << 10;

/// How often to check what is due.
const TICK: Duration = Duration::from_millis(100);

/// A store on NATS JetStream, for [`Queue::new`](crate::Queue::new).
///
/// A callback is stored when the broker has acknowledged it. How safe that is depends on the
/// broker's settings; see the README.
pub struct JetStreamStore {
    shared: Arc<Shared>,
}

struct Shared {
    broker: Broker,
    settings: JetStream,
    store: u64,
    inbox: String,
    /// The largest payload, in bytes, that the broker accepts together with all later metadata.
    max_payload: usize,
    /// In the order of [`Lane::all`].
    subjects: Vec<Subject>,
    claims: Mutex<Claims>,
    changed: Notify,
    /// Tells the receiving task to end.
    closing: Notify,
    receiving: Mutex<Option<JoinHandle<()>>>,
    /// Whether the log has already said that the broker does not answer.
    away: AtomicBool,
    /// Whether the log has already said that the connection is lost.
    lost: AtomicBool,
}

impl JetStreamStore {
    /// Makes the streams and consumers that are missing, and checks those that exist.
    ///
    /// # Errors
    ///
    /// [`QueueError::UnsafeSetting`] if a stream or consumer has a setting with which callbacks
    /// could be lost or mixed up; the text names the setting. [`QueueError::Unavailable`] if the
    /// broker does not answer, or refuses: JetStream is off, there are fewer servers than replicas,
    /// or the client has no permission.
    pub async fn open(context: Context, settings: JetStream) -> Result<Self, QueueError> {
        let (broker, store) = streams::open(context, &settings).await?;
        let inbox = broker.client.new_inbox();
        let max_payload = broker.client.server_info().max_payload.saturating_sub(HEADERS);
        let subscribed = broker.client.subscribe(format!("{inbox}.*")).await;
        let messages = subscribed.map_err(unavailable)?;
        let shared = Arc::new(Shared {
            claims: Mutex::new(Claims::new(store, &settings)),
            subjects: Lane::all(settings.partitions)
                .map(|lane| broker.names.subject(lane).into())
                .collect(),
            max_payload,
            changed: Notify::new(),
            closing: Notify::new(),
            receiving: Mutex::new(None),
            away: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            broker,
            settings,
            store,
            inbox,
        });
        let receiving = tokio::spawn(receive(Arc::downgrade(&shared), messages));
        *shared.receiving.lock().unwrap_or_else(PoisonError::into_inner) = Some(receiving);
        tokio::spawn(sweep::run(Arc::downgrade(&shared)));
        Ok(JetStreamStore { shared })
    }
}

impl Shared {
    /// The guarded state is consistent at all times, so a panic elsewhere does not matter.
    fn lock(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Result<(), QueueError> {
        if self.lock().closed { Err(QueueError::Closed) } else { Ok(()) }
    }

    /// The time by the clock of the settings, in ms.
    fn now(&self) -> i64 {
        self.lock().clock.now()
    }

    fn subject(&self, lane: Lane) -> Subject {
        let subject = self.subjects.get(lane.index(self.settings.partitions));
        subject.cloned().unwrap_or_else(|| self.broker.names.subject(lane).into())
    }

    fn id(&self, sequence: u64) -> DeliveryId {
        DeliveryId::new(self.store, sequence)
    }

    /// The message of a claim that has not ended.
    fn held(&self, claim: Claim) -> Result<Held, QueueError> {
        let claims = self.lock();
        if claims.closed {
            return Err(QueueError::Closed);
        }
        claims.of(claim).ok_or(QueueError::ClaimLost)
    }

    /// Ends a claim after the broker has confirmed its settlement.
    fn settled(&self, claim: Claim, count: impl Fn(&mut Stats)) {
        let mut claims = self.lock();
        claims.settle(claim);
        count(&mut claims.counts);
        drop(claims);
        self.changed.notify_waiters();
    }

    /// Whether the client is connected. Logs once when the connection is lost, and once when it is
    /// back.
    fn is_connected(&self) -> bool {
        let is = self.broker.client.connection_state() == Connection::Connected;
        if self.lost.swap(!is, Ordering::Relaxed) == is {
            if is {
                tracing::info!(target: "tencent_im_callback_queue", "connected to the broker again");
            } else {
                tracing::warn!(
                    target: "tencent_im_callback_queue",
                    "the connection to the broker is lost; callbacks are refused, and workers wait"
                );
            }
        }
        is
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

    // ----- in

    async fn append(&self, entry: Entry, max_wait: Duration) -> Result<Appended, QueueError> {
        let now = {
            let mut claims = self.lock();
            if claims.closed {
                return Err(QueueError::Closed);
            }
            claims.clock.now()
        };
        let size = entry.body_size;
        let max = self.settings.options.max_body;
        if size > max {
            return Err(QueueError::TooLarge { size, max });
        }
        let payload = Bytes::from(entry.payload);
        if payload.len() > self.max_payload {
            return Err(QueueError::TooLarge { size: payload.len(), max: self.max_payload });
        }
        let lane = Lane::of(entry.order_key.as_ref(), self.settings.partitions);
        let subject = self.subject(lane);
        let meta = Meta {
            at: now,
            order: entry.order_key.map(|key| key.to_string()),
            trace_context: entry.trace_context,
            ..Meta::default()
        };
        let key = entry.dedup_key.map(|key| key.to_string());
        let end = Instant::now() + max_wait;
        let mut last = QueueError::TimedOut;
        let ack = loop {
            let rest = end.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return Err(last);
            }
            // The client would buffer it and send it when the broker is back, long after it was
            // refused.
            if self.is_connected() {
                let headers = meta.headers(key.as_deref());
                // Without a key there is one try, which has all the time.
                let patience = if key.is_some() { rest.min(PATIENCE) } else { rest };
                let sent = self.broker.publish(subject.clone(), headers, payload.clone(), patience);
                match sent.await {
                    Ok(ack) => break ack,
                    Err(NotStored::Surely(error)) if error.is_temporary() => last = error,
                    Err(NotStored::Perhaps(error)) if error.is_temporary() && key.is_some() => {
                        last = error;
                    }
                    Err(error) => return Err(error.into()),
                }
            } else {
                last = not_connected();
            }
            let rest = end.saturating_duration_since(Instant::now());
            tokio::time::sleep(rest.min(AGAIN / 4)).await;
        };
        let mut claims = self.lock();
        Ok(if ack.duplicate {
            claims.counts.duplicates += 1;
            Appended::Duplicate(self.id(ack.sequence))
        } else {
            claims.counts.accepted += 1;
            Appended::Stored(self.id(ack.sequence))
        })
    }

    // ----- out

    async fn claim(
        self: &Arc<Self>,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Claimed>, QueueError> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let _waiting = Waiting::new(self);
        let end = Instant::now() + wait;
        let mut asked: Vec<(usize, u64)> = Vec::new();
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            self.is_connected();
            let now = Instant::now();
            let rest = end.saturating_duration_since(now);
            let expires = rest.clamp(LOOK, ASK);
            let (steps, asks, unheard) = {
                let mut claims = self.lock();
                if claims.closed {
                    return Err(QueueError::Closed);
                }
                let steps = claims.wake();
                // A claim that does not wait asks each lane once, if there may be something.
                let once = wait.is_zero().then_some(asked.as_slice());
                let asks = claims.asks(max, expires, once);
                claims.busy += steps.len();
                (steps, asks, claims.unheard())
            };
            for reply in unheard {
                let shared = self.clone();
                tokio::spawn(
                    async move { drop(shared.broker.acknowledge(&reply, AckKind::Ack).await) },
                );
            }
            for step in steps {
                tokio::spawn(self.clone().take_step(step));
            }
            for (lane, batch, number) in asks {
                asked.push((lane, number));
                let inbox = format!("{}.{number}", self.inbox);
                let sent = self.broker.ask(lane, batch, expires, inbox).await;
                if sent.is_err() {
                    self.lock().ended(number, true);
                }
            }
            {
                let mut claims = self.lock();
                let answered = claims.are_answered(&asked);
                // A claim that waits takes what comes first; one that does not wait takes all there
                // is.
                if !wait.is_zero() || answered {
                    let taken = claims.take(max);
                    if !taken.is_empty() || (rest.is_zero() && (answered || !wait.is_zero())) {
                        return Ok(taken);
                    }
                }
            }
            let tick = if rest.is_zero() { LOOK / 5 } else { rest.min(TICK) };
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(tick) => {}
            }
        }
    }

    /// Handles a message of the inbox.
    fn receive(self: &Arc<Self>, message: Message) {
        if let Some(status) = message.status {
            let number = message.subject.rsplit('.').next().and_then(|word| word.parse().ok());
            // "No messages" and "request timeout" both mean that nothing is there.
            let quiet = [StatusCode::NOT_FOUND, StatusCode::TIMEOUT].contains(&status);
            if let Some(number) = number {
                self.lock().ended(number, !quiet);
            }
            if !quiet {
                let said = format!("{status} {}", message.description.unwrap_or_default());
                self.told(Err(&QueueError::Unavailable(StorageError::new(said))));
            }
            self.changed.notify_waiters();
            return;
        }
        let until = Instant::now() + self.settings.ack_wait;
        let Some(held) = self.read(message, until) else {
            return;
        };
        let mut claims = self.lock();
        claims.came(held.lane, until);
        claims.busy += 1;
        drop(claims);
        tokio::spawn(self.clone().look_up(held));
    }

    /// Reads the note of a message, and puts it where it belongs.
    async fn look_up(self: Arc<Self>, mut held: Held) {
        let _busy = Busy(&self);
        let (state, late) = loop {
            match self.broker.state_of(held.lane, held.sequence).await {
                Ok(state) => break state,
                // The claim's time is over: the broker delivers it again.
                Err(_) if Instant::now() + self.settings.ack_wait / 2 > held.until => return,
                Err(error) => self.told(Err(&error)),
            }
            tokio::time::sleep(AGAIN).await;
        };
        self.told(Ok(()));
        match state {
            None => {}
            Some(State::Failed(failed)) => held.meta.failed = failed,
            Some(State::Done) => {
                // The broker has lost the acknowledgement.
                drop(self.broker.acknowledge(&held.reply, AckKind::Ack).await);
                self.lock().free(held.lane);
                return;
            }
        }
        if late {
            // The broker has delivered later ones before it, against its own limit.
            held.meta.out_of_order = true;
            held.late = true;
            let id = self.id(held.id());
            tracing::warn!(target: "tencent_im_callback_queue", %id, "the broker delivered a callback after later ones of its partition");
        }
        let step = self.lock().place(held);
        if let Some(step) = step {
            self.step(step).await;
        }
    }

    fn read(&self, message: Message, until: Instant) -> Option<Held> {
        let context = self.broker.context.clone();
        let delivered = Delivered { message, context };
        let info = delivered.info().ok()?;
        let sequence = info.stream_sequence;
        let lane = if info.stream == self.broker.names.retry() {
            Lane::Retry
        } else {
            self.broker.names.lane(&delivered.subject)?
        };
        let reply = delivered.reply.clone()?;
        let meta = Meta::read(delivered.headers.as_ref());
        Some(Held {
            lane,
            sequence,
            reply,
            // Without readable metadata it becomes a dead letter.
            readable: meta.is_some(),
            late: false,
            meta: meta.unwrap_or_else(|| Meta { at: self.now(), ..Meta::default() }),
            payload: delivered.payload.clone(),
            until,
            since: Instant::now(),
        })
    }

    /// [`step`](Self::step), already counted as busy.
    async fn take_step(self: Arc<Self>, step: Step) {
        let _busy = Busy(&self);
        self.step(step).await;
    }

    async fn step(&self, step: Step) {
        let (Step::Later(held, _) | Step::Aside(held) | Step::Back(held)) = &step;
        let lane = held.lane;
        match step {
            Step::Later(held, wait) => {
                drop(self.broker.acknowledge(&held.reply, AckKind::Nak(Some(wait))).await);
            }
            Step::Aside(held) => {
                self.insist(&held, self.move_aside(&held, held.meta.failed.clone())).await;
            }
            Step::Back(held) => self.insist(&held, self.move_back(&held)).await,
        }
        self.lock().free(lane);
    }

    /// Tries once. If it fails, the message comes again.
    async fn insist(&self, held: &Held, moved: impl Future<Output = Result<(), QueueError>>) {
        if let Err(error) = moved.await {
            self.told(Err(&error));
            drop(self.broker.acknowledge(&held.reply, AckKind::Nak(Some(AGAIN))).await);
        }
    }

    /// Moves a message to the retries, where it does not block others.
    async fn move_aside(&self, held: &Held, failed: wire::Failed) -> Result<(), QueueError> {
        let meta = Meta {
            id: Some(held.id()),
            out_of_order: held.meta.out_of_order || held.lane.is_ordered(),
            failed: wire::Failed { aside: None, ..failed },
            ..held.meta.clone()
        };
        self.publish_again(held, Lane::Retry, &meta).await?;
        self.done(held).await
    }

    /// Moves a message from the retries to the end of its lane.
    async fn move_back(&self, held: &Held) -> Result<(), QueueError> {
        let mut meta = held.meta.clone();
        meta.failed.due = None;
        let key = held.meta.order_key();
        self.publish_again(held, Lane::of(key.as_ref(), self.settings.partitions), &meta).await?;
        self.done(held).await
    }

    async fn publish_again(&self, held: &Held, lane: Lane, meta: &Meta) -> Result<(), QueueError> {
        let id = self.message_id(held, meta);
        let subject = self.subject(lane);
        self.broker
            .publish(subject, meta.headers(Some(&id)), held.payload.clone(), PATIENCE)
            .await?;
        Ok(())
    }

    /// An id that is the same if the same message is moved again for the same reason, because the
    /// answer was lost.
    fn message_id(&self, held: &Held, meta: &Meta) -> String {
        let from = if held.lane == Lane::Retry { 'r' } else { 'q' };
        format!("{:x}-{from}{}-{}", self.store, held.sequence, meta.failed.attempts)
    }

    /// Notes that a message needs no more work, then acknowledges it.
    async fn done(&self, held: &Held) -> Result<(), QueueError> {
        // In this order, so that everything acknowledged has a note.
        self.broker.put_state(held, State::Done).await?;
        self.broker.acknowledge(&held.reply, AckKind::Ack).await?;
        if held.lane == Lane::Retry {
            // If it fails, the sweep deletes it.
            drop(self.broker.retry.delete_message(held.sequence).await);
        }
        Ok(())
    }

    // ----- settlements

    async fn complete(&self, claim: Claim, count: impl Fn(&mut Stats)) -> Result<(), QueueError> {
        let held = self.held(claim)?;
        match self.broker.put_state(&held, State::Done).await {
            // A broker at its limit must not keep what is handled: a message that is gone makes
            // space for the note about it.
            Err(QueueError::Full) => {
                self.broker.delete(self.broker.stream_of(held.lane), held.sequence).await?;
                drop(self.broker.put_state(&held, State::Done).await);
            }
            noted => noted?,
        }
        // The note is stored. If the acknowledgement is lost, the message comes again, and its note
        // is found.
        let next = self.lock().next(&held);
        if let Some(number) = next {
            let inbox = format!("{}.{number}", self.inbox);
            self.broker.next(held.reply.clone(), ASK, inbox).await;
        } else {
            self.broker.tell(held.reply.clone(), AckKind::Ack).await;
        }
        if held.lane == Lane::Retry {
            drop(self.broker.retry.delete_message(held.sequence).await);
        }
        self.settled(claim, count);
        Ok(())
    }

    async fn retry(&self, claim: Claim, error: String, delay: Duration) -> Result<(), QueueError> {
        let mut held = self.held(claim)?;
        let now = self.now();
        let max_block = millis(self.settings.options.max_block);
        let failed = Claims::failed(&held, bounded(error), now, millis(delay), max_block);
        if !held.blocks() || failed.aside.is_some_and(|at| at <= now) {
            self.move_aside(&held, failed).await?;
            self.settled(claim, |counts| counts.retried += 1);
            return Ok(());
        }
        let until = Instant::now() + self.settings.ack_wait;
        self.broker.put_state(&held, State::Failed(failed.clone())).await?;
        // Starts its time again, for the delay.
        self.broker.acknowledge(&held.reply, AckKind::Progress).await?;
        held.meta.failed = failed;
        held.until = until;
        let step = {
            let mut claims = self.lock();
            claims.settle(claim);
            claims.counts.retried += 1;
            claims.place(held)
        };
        self.changed.notify_waiters();
        if let Some(step) = step {
            self.step(step).await;
        }
        Ok(())
    }

    async fn bury(
        &self,
        claim: Claim,
        error: String,
        reason: DeadReason,
    ) -> Result<(), QueueError> {
        let held = self.held(claim)?;
        let mut meta = held.meta.clone();
        meta.id = Some(held.id());
        meta.failed.attempts = meta.failed.attempts.saturating_add(1);
        meta.failed.error = Some(bounded(error));
        meta.dead_at = Some(self.now());
        meta.reason = Some(reason.as_str().to_owned());
        let id = self.message_id(&held, &meta);
        let subject = self.broker.names.dead_subject(held.id()).into();
        self.broker
            .publish(subject, meta.headers(Some(&id)), held.payload.clone(), PATIENCE)
            .await?;
        self.done(&held).await?;
        let unreadable = reason == DeadReason::BodyUnreadable;
        self.settled(claim, |counts| {
            counts.buried += 1;
            if unreadable {
                counts.unreadable += 1;
                counts.unreadable_bytes += held.payload.len() as u64;
            }
        });
        Ok(())
    }

    async fn bury_unsigned(&self, claim: Claim, error: String) -> Result<bool, QueueError> {
        let size = self.held(claim)?.payload.len() as u64;
        let there = self.lock().counts.unreadable_bytes;
        if self.settings.options.keeps_unreadable(there, size) {
            self.bury(claim, error, DeadReason::BodyUnreadable).await?;
            return Ok(true);
        }
        self.complete(claim, |counts| counts.dropped += 1).await?;
        Ok(false)
    }

    async fn extend(&self, claim: Claim) -> Result<(), QueueError> {
        let held = self.held(claim)?;
        let until = Instant::now() + self.settings.ack_wait;
        self.broker.acknowledge(&held.reply, AckKind::Progress).await?;
        self.lock().extended(claim, until);
        Ok(())
    }

    // ----- looking after it

    async fn stats(&self) -> Result<Stats, QueueError> {
        self.open()?;
        let lanes = Lane::main(self.settings.partitions).map(|lane| self.broker.lane_info(lane));
        let (lanes, retry_lane, main, retry, dead) = tokio::try_join!(
            try_join_all(lanes),
            self.broker.lane_info(Lane::Retry),
            self.broker.stream_state(&self.broker.main),
            self.broker.stream_state(&self.broker.retry),
            self.broker.stream_state(&self.broker.dead),
        )?;
        let pending = |info: &LaneInfo| info.num_ack_pending as u64;
        let waiting: u64 = lanes.iter().map(|info| info.num_pending + pending(info)).sum();
        let out: u64 = lanes.iter().map(pending).sum::<u64>() + pending(&retry_lane);
        let oldest = self.oldest(&lanes, retry.messages > 0).await?;
        let claims = self.lock();
        Ok(Stats {
            waiting: waiting + retry.messages,
            running: out.saturating_sub(claims.idle().count() as u64),
            retrying: retry.messages + claims.blocking() as u64,
            dead: dead.messages,
            bytes: main.bytes + retry.bytes + dead.bytes,
            oldest: oldest.map(from_millis),
            ..claims.counts
        })
    }

    /// When the oldest waiting callback was accepted.
    async fn oldest(&self, lanes: &[LaneInfo], retries: bool) -> Result<Option<i64>, QueueError> {
        let waits = |info: &&LaneInfo| info.num_pending > 0 || info.num_ack_pending > 0;
        let firsts = try_join_all(lanes.iter().filter(waits).map(|info| self.first(info))).await?;
        let firsts = firsts.into_iter().flatten().filter_map(|(_, meta)| meta);
        let retries = if retries {
            self.broker.scan(&self.broker.retry, None, 1, u64::MAX, true).await?
        } else {
            Vec::new()
        };
        let retries = retries.into_iter().filter_map(|found| found.meta);
        Ok(firsts.chain(retries).map(|meta| meta.at).min())
    }

    /// The first message of a lane that is not acknowledged.
    async fn first(&self, info: &LaneInfo) -> Result<Option<(u64, Option<Meta>)>, QueueError> {
        let from = info.ack_floor.stream_sequence.saturating_add(1);
        let first = self.broker.main.raw_message_builder().sequence(from);
        match first.next_by_subject(info.config.filter_subject.as_str()).send().await {
            Ok(message) => Ok(Some((message.sequence, Meta::read(Some(&message.headers))))),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// The callbacks that wait, or are dead, without their bodies, ordered by id.
    async fn found(&self, filter: Filter) -> Result<Vec<Waits>, QueueError> {
        let now = self.now();
        let mut found = Vec::new();
        if filter.dead {
            for dead in self.broker.scan(&self.broker.dead, None, 1, u64::MAX, true).await? {
                found.push(Waits::new(None, dead.sequence, dead.meta.unwrap_or_default()));
            }
        } else {
            let lanes = Lane::main(self.settings.partitions).map(async |lane| {
                let info = self.broker.lane_info(lane).await?;
                Ok::<_, QueueError>((lane, info))
            });
            let lanes = try_join_all(lanes).await?;
            let floor = lanes.iter().map(|(_, info)| info.ack_floor.stream_sequence).min();
            let mut states = std::collections::HashMap::new();
            for note in self.broker.scan(&self.broker.state, None, 1, u64::MAX, false).await? {
                let retry = self.broker.names.is_about_a_retry(&note.subject);
                let mark = self.broker.names.is_mark(&note.subject);
                if let Some(noted) = Noted::read(&note.payload).filter(|_| !mark) {
                    states.insert((retry, noted.sequence), noted.state);
                }
            }
            let main = self
                .broker
                .scan(&self.broker.main, None, floor.unwrap_or(0).saturating_add(1), u64::MAX, true)
                .await?;
            for message in main {
                let lane = self.broker.names.lane(&message.subject);
                let Some((lane, info)) = lanes.iter().find(|(one, _)| Some(*one) == lane) else {
                    continue;
                };
                if message.sequence <= info.ack_floor.stream_sequence {
                    continue;
                }
                let mut meta = message.meta.unwrap_or_default();
                match states.remove(&(false, message.sequence)) {
                    Some(State::Done) => continue,
                    Some(State::Failed(failed)) => meta.failed = failed,
                    None => {}
                }
                let mut waits = Waits::new(Some(*lane), message.sequence, meta);
                waits.delivered = message.sequence <= info.delivered.stream_sequence;
                found.push(waits);
            }
            for message in self.broker.scan(&self.broker.retry, None, 1, u64::MAX, true).await? {
                if states.remove(&(true, message.sequence)) == Some(State::Done) {
                    continue;
                }
                found.push(Waits::new(
                    Some(Lane::Retry),
                    message.sequence,
                    message.meta.unwrap_or_default(),
                ));
            }
        }
        found.retain(|waits| passes(&filter, &waits.meta, now));
        found.sort_by_key(|waits| waits.id);
        Ok(found)
    }

    async fn list(
        &self,
        filter: Filter,
        after: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<Record>, QueueError> {
        self.open()?;
        let mut records = Vec::new();
        let found = self.found(filter).await?.into_iter();
        let behind = found.filter(|waits| after.is_none_or(|after| waits.id > after.sequence()));
        for waits in behind.take(limit) {
            let stream = match waits.lane {
                None => &self.broker.dead,
                Some(Lane::Retry) => &self.broker.retry,
                Some(_) => &self.broker.main,
            };
            // Handled, purged or requeued meanwhile.
            let Ok(message) = stream.get_raw_message(waits.sequence).await else {
                continue;
            };
            let payload = String::from_utf8_lossy(&message.payload).into_owned();
            let mut record = Record::new(self.id(waits.id), from_millis(waits.meta.at), payload);
            record.attempts = waits.meta.failed.attempts;
            record.order_key = waits.meta.order_key();
            record.death = waits.meta.death();
            record.error = waits.meta.failed.error;
            record.trace_context = waits.meta.trace_context;
            records.push(record);
        }
        Ok(records)
    }

    async fn requeue(&self, id: DeliveryId) -> Result<(), QueueError> {
        self.open()?;
        if id.store() != self.store {
            return Err(QueueError::NotFound);
        }
        let subject = self.broker.names.dead_subject(id.sequence());
        let found = self.broker.dead.get_last_raw_message_by_subject(&subject).await;
        let message = found.map_err(|error| match error.kind() {
            LastRawMessageErrorKind::NoMessageFound => QueueError::NotFound,
            _ => unavailable(error),
        })?;
        let Some(mut meta) = Meta::read(Some(&message.headers)) else {
            return Err(QueueError::Unreadable(StorageError::new(
                "the dead letter's headers are damaged",
            )));
        };
        meta.failed.attempts = 0;
        meta.failed.due = None;
        meta.failed.aside = None;
        meta.dead_at = None;
        meta.reason = None;
        meta.out_of_order = true;
        let lane = Lane::of(meta.order_key().as_ref(), self.settings.partitions);
        // If the answer is lost and it is requeued again, it is stored only once.
        let again = format!("{:x}-d{}", self.store, message.sequence);
        let subject = self.subject(lane);
        self.broker.publish(subject, meta.headers(Some(&again)), message.payload, PATIENCE).await?;
        let gone = self.broker.dead.delete_message(message.sequence).await;
        gone.map(drop).map_err(unavailable)
    }

    async fn purge(&self, filter: Filter) -> Result<u64, QueueError> {
        self.open()?;
        let mut gone = 0;
        if !filter.dead {
            let now = self.now();
            let here = self.lock().take_idle(|held| passes(&filter, &held.meta, now));
            for held in here {
                self.done(&held).await?;
                self.lock().free(held.lane);
                if held.lane != Lane::Retry {
                    drop(self.broker.main.delete_message(held.sequence).await);
                }
                gone += 1;
            }
        }
        for waits in self.found(filter).await? {
            let (stream, lane) = match waits.lane {
                None => (&self.broker.dead, None),
                Some(Lane::Retry) => (&self.broker.retry, waits.lane),
                Some(_) => (&self.broker.main, waits.lane),
            };
            let running = lane.is_some_and(|lane| self.lock().is_running(lane, waits.sequence));
            if waits.delivered || running {
                continue;
            }
            if let Some(lane) = lane {
                let subject = self.broker.names.state_subject(lane, waits.sequence, true);
                self.broker.note(subject, waits.sequence, State::Done).await?;
            }
            if stream.delete_message(waits.sequence).await.map_err(unavailable)? {
                gone += 1;
            }
        }
        self.changed.notify_waiters();
        Ok(gone)
    }

    async fn close(&self) -> Result<(), QueueError> {
        let back = {
            let mut claims = self.lock();
            if claims.closed {
                return Err(QueueError::Closed);
            }
            claims.closed = true;
            claims.surplus(true)
        };
        self.changed.notify_waiters();
        self.closing.notify_one();
        // First stop receiving: what is given back would come here again.
        let receiving = self.receiving.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Without a connection the client waits for the next one. What is not given back comes
        // again after `ack_wait`.
        let give_back = async {
            if let Some(mut receiving) = receiving {
                let ended = tokio::time::timeout(PATIENCE, &mut receiving).await;
                if ended.is_err() {
                    receiving.abort();
                }
            }
            for reply in back {
                self.broker.tell(reply, AckKind::Nak(None)).await;
            }
            drop(self.broker.client.flush().await);
        };
        drop(tokio::time::timeout(2 * PATIENCE, give_back).await);
        Ok(())
    }
}

fn not_connected() -> QueueError {
    QueueError::Unavailable(StorageError::new("not connected"))
}

/// A callback that waits, or is dead.
struct Waits {
    id: u64,
    /// `None` if it is dead.
    lane: Option<Lane>,
    sequence: u64,
    meta: Meta,
    /// Whether a worker may have it.
    delivered: bool,
}

impl Waits {
    fn new(lane: Option<Lane>, sequence: u64, meta: Meta) -> Self {
        Waits { id: meta.id.unwrap_or(sequence), lane, sequence, meta, delivered: false }
    }
}

fn passes(filter: &Filter, meta: &Meta, now: i64) -> bool {
    let old = filter.older_than.is_none_or(|age| meta.at <= now.saturating_sub(millis(age)));
    old && (filter.order_key.is_none() || filter.order_key == meta.order_key())
}

/// Counts a claim that waits.
struct Waiting<'a>(&'a Shared);

impl<'a> Waiting<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.lock().waiting += 1;
        Waiting(shared)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.lock().waiting -= 1;
    }
}

/// Counts work that a claim which does not wait must wait for.
struct Busy<'a>(&'a Shared);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.lock().busy -= 1;
        self.0.changed.notify_waiters();
    }
}

/// Receives the broker's messages, and gives back those that no worker here claims.
async fn receive(shared: Weak<Shared>, mut messages: Subscriber) {
    let mut tick = tokio::time::interval(KEEP / 5);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let Some(here) = shared.upgrade() else { return };
        let closing = here.closing.notified();
        tokio::select! {
            message = messages.next() => {
                let Some(message) = message else {
                    // The client was closed.
                    here.lock().closed = true;
                    here.changed.notify_waiters();
                    return;
                };
                here.receive(message);
            }
            () = closing => {
                drop(messages.unsubscribe().await);
                while let Some(message) = messages.next().await {
                    if let (None, Some(reply)) = (message.status, message.reply) {
                        here.broker.tell(reply, AckKind::Nak(None)).await;
                    }
                }
                return;
            }
            _ = tick.tick() => {
                let back = {
                    let mut claims = here.lock();
                    if claims.waiting == 0 { claims.surplus(false) } else { Vec::new() }
                };
                for reply in back {
                    here.broker.tell(reply, AckKind::Nak(None)).await;
                }
            }
        }
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

    fn release(&self, claim: Claim) {
        let mut claims = self.shared.lock();
        if let Some(held) = claims.settle(claim) {
            claims.release(held);
        }
        drop(claims);
        self.shared.changed.notify_waiters();
    }

    fn extend(&self, claim: Claim) -> StoreFuture<'_, ()> {
        Box::pin(self.shared.extend(claim))
    }

    fn lease(&self) -> Option<Duration> {
        Some(self.shared.settings.ack_wait)
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
