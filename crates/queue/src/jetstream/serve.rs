//! Reading the two lanes of a partition that this process owns.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Message;
use futures_util::future::join_all;
use tokio::time::{Instant, MissedTickBehavior};

use super::broker::PATIENCE;
use super::job::{Job, Place};
use super::lease::Lease;
use super::names::{LANES, Lane};
use super::part::Settled;
use super::pull::{Pulled, Puller};
use super::wire::{Meta, Position};
use super::{AGAIN, Shared};
use crate::error::QueueError;

/// How many messages are asked for at a time.
const BATCH: usize = 500;

/// How often to look whether the partition is still ours, and whether there is room.
const TICK: Duration = Duration::from_millis(50);

/// How often to compare what is here with what is in the stream.
const COMPARED: Duration = Duration::from_secs(10);

/// Reads the partition while the lease holds, until it is lost, or asked for and nothing runs. What
/// has not started is in the stream, for the next owner.
pub(super) async fn serve(shared: Arc<Shared>, partition: usize, epoch: u64, lease: Arc<Lease>) {
    loop {
        let is_left = lease.is_draining() && !shared.lock().runs(partition, epoch);
        if lease.is_lost() || is_left {
            return;
        }
        if !lease.may_start() {
            tokio::time::sleep(TICK / 2).await;
            continue;
        }
        let owner = Owner::new(shared.clone(), partition, epoch, lease.clone()).await;
        match owner {
            Ok(mut owner) => {
                let followed = owner.follow().await;
                shared.told(followed.as_ref().map(drop));
                owner.end();
            }
            Err(error) => shared.told(Err(&error)),
        }
        if lease.may_start() {
            tokio::time::sleep(AGAIN).await;
        }
    }
}

/// One lane of a partition.
struct Reader {
    lane: Lane,
    puller: Puller,
    /// The number of the last delivery. The broker counts them without gaps.
    delivery: u64,
    /// Where reading stood when it was compared last and had not come to the end.
    short_at: Option<u64>,
}

struct Owner {
    shared: Arc<Shared>,
    partition: usize,
    epoch: u64,
    lease: Arc<Lease>,
    /// In the order of [`LANES`].
    readers: [Reader; 2],
    began: Instant,
    compared: Instant,
}

impl Owner {
    async fn new(
        shared: Arc<Shared>,
        partition: usize,
        epoch: u64,
        lease: Arc<Lease>,
    ) -> Result<Self, QueueError> {
        let began = Instant::now();
        shared.lock().read_anew(partition, epoch);
        let reader = async |lane| {
            let puller = Puller::new(&shared.broker, lane, partition).await?;
            Ok::<_, QueueError>(Reader { lane, puller, delivery: 0, short_at: None })
        };
        let readers = [reader(LANES[0]).await?, reader(LANES[1]).await?];
        Ok(Owner { shared, partition, epoch, lease, readers, began, compared: began })
    }

    /// Returns when the lanes have to be read anew, or the lease is over or wanted back.
    async fn follow(&mut self) -> Result<(), QueueError> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut settled = self.settle().await?;
        while self.lease.may_start() {
            self.ask().await;
            let [retries, new] = &mut self.readers;
            let (lane, pulled) = tokio::select! {
                pulled = retries.puller.next() => (0, pulled),
                pulled = new.puller.next() => (1, pulled),
                _ = tick.tick() => {
                    self.shared.broker.is_reached()?;
                    if retries.puller.is_late() || new.puller.is_late() {
                        return Ok(());
                    }
                    if !settled {
                        settled = self.settle().await?;
                    }
                    if self.compared.elapsed() > COMPARED && self.lacks_some().await? {
                        return Ok(());
                    }
                    continue;
                }
            };
            match pulled {
                Pulled::Message(message) => {
                    if !self.arrive(lane, message).await {
                        // One before it did not arrive.
                        return Ok(());
                    }
                    self.shared.changed.notify_waiters();
                }
                // Nothing came, or it has expired.
                Pulled::Ended(404 | 408) => {}
                // The consumer is gone, and perhaps its server.
                Pulled::Ended(_) => return Ok(()),
            }
        }
        Ok(())
    }

    async fn ask(&mut self) {
        for reader in &mut self.readers {
            let room = match self.shared.lock().part(self.partition, self.epoch) {
                Some(part) => part.room(reader.lane),
                None => 0,
            };
            let batch = room.min(BATCH);
            if !reader.puller.is_open() && batch > 0 {
                reader.puller.pull(batch).await;
            }
        }
    }

    /// What is here is no longer known to be in the stream.
    fn end(self) {
        self.shared.lock().read_anew(self.partition, self.epoch);
        for reader in self.readers {
            let shared = self.shared.clone();
            tokio::spawn(async move { reader.puller.end(&shared.broker, reader.lane).await });
        }
    }

    /// Retries block their keys. So no new callback starts until all are known that the owner before
    /// has left. Whether they are.
    async fn settle(&self) -> Result<bool, QueueError> {
        let last = self.shared.broker.last(Lane::Retry, self.partition).await?.unwrap_or(0);
        let mut state = self.shared.lock();
        let Some(part) = state.part(self.partition, self.epoch) else { return Ok(false) };
        let is_all = part.load(Lane::Retry).read >= last;
        if !is_all && part.room(Lane::Retry) > 0 {
            return Ok(false);
        }
        let settled = if is_all { Settled::All } else { Settled::Retries };
        state.settled(self.partition, self.epoch, settled);
        drop(state);
        self.shared.changed.notify_waiters();
        let (queue, partition) = (&self.shared.settings.name, self.partition);
        let took = self.began.elapsed();
        tracing::debug!(target: "tencent_im_callback_queue", queue, partition, ?settled, ?took, "owns a partition");
        Ok(is_all)
    }

    /// Whether something is in the stream that is not here: the server that was read from did not
    /// have it, or gives out no more.
    async fn lacks_some(&mut self) -> Result<bool, QueueError> {
        self.compared = Instant::now();
        for reader in &mut self.readers {
            let (shared, lane) = (&self.shared, reader.lane);
            let load = || {
                let mut state = shared.lock();
                let part = state.part(self.partition, self.epoch)?;
                Some((*part.load(lane), part.room(lane)))
            };
            let Some((before, _)) = load() else { return Ok(false) };
            let there = shared.broker.count(lane, self.partition).await?;
            let last = shared.broker.last(lane, self.partition).await?.unwrap_or(0);
            let Some((now, room)) = load() else { return Ok(false) };
            let is_short = now.read < last;
            let taken = now.taken - before.taken;
            let is_lacking = if is_short {
                // Nothing has been read since the last time, though there was room.
                room > 0 && reader.short_at.replace(now.read) == Some(now.read)
            } else {
                reader.short_at = None;
                there > before.held as u64 + taken
            };
            if is_lacking {
                let (queue, partition) = (&shared.settings.name, self.partition);
                tracing::warn!(
                    target: "tencent_im_callback_queue",
                    queue,
                    partition,
                    there,
                    held = before.held,
                    "callbacks were passed over, and are read anew"
                );
                return Ok(true);
            }
            if lane == Lane::Retry && !is_short {
                let mut state = shared.lock();
                state.expect_no_longer_than(self.partition, self.epoch, 2 * PATIENCE);
            }
        }
        self.shared.changed.notify_waiters();
        Ok(false)
    }

    /// Takes a message in. Whether all before it have arrived.
    async fn arrive(&mut self, lane: usize, message: Message) -> bool {
        let reader = &mut self.readers[lane];
        let Some((mut job, delivery)) = read(reader.lane, message) else { return true };
        if reader.lane == Lane::Retry {
            // It has waited while somebody else owned the partition, or nobody.
            job.meta.has_waited(reader.puller.age(job.place.at.stored));
        }
        let in_turn = delivery == reader.delivery + 1;
        reader.delivery = delivery;
        if !in_turn {
            return false;
        }
        let over = self.shared.lock().arrive(self.partition, self.epoch, job);
        // One that cannot be deleted now comes again when the lane is read anew.
        join_all(over.iter().map(|job| self.shared.forget(job))).await;
        true
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
    let place = Place { at: Position { sequence, stored }, lane };
    // Without readable metadata it becomes a dead letter.
    let readable = meta.is_some();
    let meta = meta.unwrap_or_else(|| Meta {
        at: i64::try_from(stored / 1_000_000).unwrap_or(i64::MAX),
        ..Meta::default()
    });
    let job = Job { readable, ..Job::new(place, meta, message.payload) };
    Some((job, delivery))
}

#[cfg(test)]
mod tests;
