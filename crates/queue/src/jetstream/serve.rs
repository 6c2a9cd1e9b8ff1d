//! Reading the two lanes of a partition that this process owns.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Message;
use async_nats::jetstream::AckKind;
use tokio::time::{Instant, MissedTickBehavior};

use super::lease::Lease;
use super::names::{LANES, Lane};
use super::part::{Job, Place};
use super::pull::{Pulled, Puller};
use super::wire::{Meta, Position};
use super::{AGAIN, Shared, streams};
use crate::error::{QueueError, StorageError};

/// How many messages are asked for at a time.
pub(super) const BATCH: usize = 500;

/// How long the broker may take to remove a stream or a consumer after it has said so. What is made
/// meanwhile may lose its folder.
pub(super) const REMOVAL: Duration = Duration::from_secs(1);

/// How often to look whether the partition is still ours, and whether there is room.
const TICK: Duration = Duration::from_millis(50);

/// Reads the partition for as long as the lease holds and nobody asks for it. Then gives back what
/// has not started, and waits for what runs.
pub(super) async fn serve(
    shared: Arc<Shared>,
    partition: usize,
    epoch: u64,
    lease: Arc<Lease>,
) -> (usize, u64) {
    while lease.may_start() {
        let owner = Owner::new(shared.clone(), partition, epoch, lease.clone()).await;
        match owner {
            Ok(mut owner) => {
                let followed = owner.follow().await;
                shared.told(followed.as_ref().map(drop));
                owner.stop().await;
            }
            Err(error) => shared.told(Err(&error)),
        }
        if lease.may_start() {
            tokio::time::sleep(AGAIN).await;
        }
    }
    while lease.holds() {
        give_back(&shared, partition, epoch).await;
        if !shared.lock().runs(partition, epoch) {
            // A claim that was given back meanwhile.
            give_back(&shared, partition, epoch).await;
            break;
        }
        tokio::time::sleep(TICK / 2).await;
    }
    (partition, epoch)
}

/// Tells the broker that what has not started is for the next owner.
async fn give_back(shared: &Shared, partition: usize, epoch: u64) {
    let waiting = match shared.lock().part(partition, epoch) {
        Some(part) => part.take_waiting(),
        None => return,
    };
    if waiting.is_empty() {
        return;
    }
    for reply in waiting {
        shared.broker.tell(reply, AckKind::Nak(None)).await;
    }
    drop(tokio::time::timeout(Duration::from_secs(1), shared.broker.client.flush()).await);
}

/// One lane of a partition.
pub(super) struct Reader {
    pub(super) lane: Lane,
    pub(super) puller: Puller,
    /// The number of the last delivery. The broker counts them without gaps.
    pub(super) delivery: u64,
}

pub(super) struct Owner {
    pub(super) shared: Arc<Shared>,
    pub(super) partition: usize,
    epoch: u64,
    pub(super) lease: Arc<Lease>,
    /// In the order of [`LANES`].
    readers: [Reader; 2],
}

/// What became of a delivery.
pub(super) struct Arrived {
    /// Whether all deliveries before it have arrived here.
    in_turn: bool,
    pub(super) sequence: u64,
}

impl Owner {
    async fn new(
        shared: Arc<Shared>,
        partition: usize,
        epoch: u64,
        lease: Arc<Lease>,
    ) -> Result<Self, QueueError> {
        let number = streams::number(&shared.broker).await?;
        shared.lock().renew(partition, epoch, number);
        let reader = async |lane| {
            let consumer =
                streams::consumer(&shared.broker, &shared.settings, lane, partition).await?;
            let puller = Puller::new(&shared.broker.client, consumer).await?;
            Ok::<_, QueueError>(Reader { lane, puller, delivery: 0 })
        };
        let readers = [reader(LANES[0]).await?, reader(LANES[1]).await?];
        if streams::number(&shared.broker).await? != number {
            // What is held would be taken for messages of the new stream.
            let error = StorageError::new("the stream was made anew meanwhile");
            return Err(QueueError::Unavailable(error));
        }
        Ok(Owner { shared, partition, epoch, lease, readers })
    }

    /// Returns when the consumers have to be made anew, or the lease is over or wanted back.
    async fn follow(&mut self) -> Result<(), QueueError> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut settled = false;
        while self.lease.may_start() {
            if !settled {
                settled = self.settle().await?;
                continue;
            }
            self.ask().await;
            let [retries, new] = &mut self.readers;
            let (lane, pulled) = tokio::select! {
                pulled = retries.puller.next() => (0, pulled),
                pulled = new.puller.next() => (1, pulled),
                _ = tick.tick() => {
                    if retries.puller.is_late() || new.puller.is_late() {
                        return Ok(());
                    }
                    continue;
                }
            };
            match pulled {
                Pulled::Message(message) => {
                    let arrived = self.arrive(lane, message).await;
                    if arrived.is_some_and(|arrived| !arrived.in_turn) {
                        self.unsettle();
                        settled = false;
                    }
                    self.shared.changed.notify_waiters();
                }
                // Nothing came, or it has expired.
                Pulled::Ended(404 | 408) => {}
                // Without a leader, or another one's; or deleted. The broker says so before it has
                // removed the folder, and with that one that is made meanwhile.
                Pulled::Ended(_) => {
                    self.unsettle();
                    tokio::time::sleep(REMOVAL).await;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn ask(&mut self) {
        let room = self.shared.lock().part(self.partition, self.epoch).map_or(0, |it| it.room());
        for reader in &mut self.readers {
            let batch = if reader.lane == Lane::Retry { BATCH } else { room.min(BATCH) };
            if !reader.puller.is_open() && batch > 0 {
                reader.puller.pull(batch, true).await;
            }
        }
    }

    pub(super) fn unsettle(&self) {
        if let Some(part) = self.shared.lock().part(self.partition, self.epoch) {
            part.settled = false;
        }
    }

    /// Brings all here that was delivered and not acknowledged. Whether that was reached.
    async fn settle(&mut self) -> Result<bool, QueueError> {
        let began = Instant::now();
        let mut pulled = [false; LANES.len()];
        while self.lease.may_start() {
            let mut all = true;
            for (lane, pulled) in pulled.iter_mut().enumerate() {
                all &= self.round(lane, pulled).await?;
            }
            if all {
                self.shared.lock().settled(self.partition, self.epoch);
                self.shared.changed.notify_waiters();
                let (queue, partition) = (&self.shared.settings.name, self.partition);
                let took = began.elapsed();
                tracing::debug!(target: "tencent_im_callback_queue", queue, partition, ?took, "owns a partition");
                return Ok(true);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(false)
    }

    /// All deliveries up to this one have arrived.
    pub(super) fn arrived(&mut self, lane: usize, delivery: u64) {
        let reader = self.reader(lane);
        reader.delivery = reader.delivery.max(delivery);
        let (lane, delivery) = (reader.lane, reader.delivery);
        if let Some(part) = self.shared.lock().part(self.partition, self.epoch) {
            part.delivered.insert(lane, delivery);
        }
    }

    pub(super) fn reader(&mut self, lane: usize) -> &mut Reader {
        &mut self.readers[lane]
    }

    /// The sequence numbers of a lane that are here.
    pub(super) fn held(&self, lane: Lane) -> HashSet<u64> {
        let mut state = self.shared.lock();
        let Some(part) = state.part(self.partition, self.epoch) else { return HashSet::new() };
        let here = part.jobs().filter(|job| job.place.lane == lane);
        here.map(|job| job.place.at.sequence).collect()
    }

    /// Takes a message in.
    pub(super) async fn arrive(&mut self, lane: usize, message: Message) -> Option<Arrived> {
        let reader = self.reader(lane);
        let (job, delivery) = read(reader.lane, message)?;
        let in_turn = delivery == reader.delivery + 1;
        reader.delivery = delivery;
        let sequence = job.place.at.sequence;
        let over = self.shared.lock().arrive(self.partition, self.epoch, job, delivery);
        for reply in over {
            self.shared.broker.tell(reply, AckKind::Ack).await;
        }
        Some(Arrived { in_turn, sequence })
    }

    /// What is on its way to here is taken in before the inboxes are given up.
    async fn stop(&mut self) {
        self.unsettle();
        for lane in 0..LANES.len() {
            let client = self.shared.broker.client.clone();
            for message in self.reader(lane).puller.stop(&client).await {
                self.arrive(lane, message).await;
            }
        }
    }
}

/// The message, and the number of its delivery.
fn read(lane: Lane, message: Message) -> Option<(Job, u64)> {
    let reply = message.reply?;
    let tokens: Vec<&str> = reply.split('.').collect();
    // With a domain and an account: two more.
    let from = if tokens.len() >= 11 { 7 } else { 5 };
    let number = |at: usize| tokens.get(from + at)?.parse::<u64>().ok();
    let (sequence, delivery, stored) = (number(0)?, number(1)?, number(2)?);
    let meta = Meta::read(message.headers.as_ref());
    let job = Job {
        place: Place { at: Position { sequence, stored }, lane },
        // Without readable metadata it becomes a dead letter.
        readable: meta.is_some(),
        meta: meta.unwrap_or_else(|| Meta {
            at: i64::try_from(stored / 1_000_000).unwrap_or(i64::MAX),
            ..Meta::default()
        }),
        payload: message.payload,
        due: 0,
        aside: None,
        running: None,
        reply,
    };
    Some((job, delivery))
}
