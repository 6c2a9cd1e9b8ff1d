//! Counting, listing, requeueing and deleting.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use async_nats::jetstream::AckKind;
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use futures_util::StreamExt;
use futures_util::future::try_join_all;

use super::broker::{Found, PATIENCE, unavailable};
use super::names::{LANES, Lane, partition_of};
use super::wire::{Meta, Position};
use super::{Shared, streams};
use crate::delivery::DeliveryId;
use crate::error::{QueueError, StorageError};
use crate::options::{from_millis, millis};
use crate::store::{Filter, Record, Stats};

/// How many are deleted at a time.
const DELETIONS: usize = 64;

/// How many sequence numbers are told to the owners at a time.
const TOLD: usize = 500;

/// How many retries are looked at to find the oldest.
const LOOKED_AT: usize = 1000;

/// A callback that waits, or is dead.
struct Waits {
    id: u64,
    /// `None` if it is dead.
    lane: Option<Lane>,
    sequence: u64,
    meta: Meta,
}

impl Waits {
    fn new(lane: Option<Lane>, found: Found) -> Self {
        let meta = found.meta.unwrap_or_default();
        let id = meta.first.map_or(found.sequence, |first| first.sequence);
        Waits { id, lane, sequence: found.sequence, meta }
    }

    fn passes(&self, filter: &Filter, now: i64) -> bool {
        let meta = &self.meta;
        let old = filter.older_than.is_none_or(|age| meta.at <= now.saturating_sub(millis(age)));
        old && (filter.order_key.is_none() || filter.order_key == meta.order_key())
    }
}

impl Shared {
    pub(super) async fn stats(&self) -> Result<Stats, QueueError> {
        self.now()?;
        let names = &self.broker.names;
        let (new, retry, dead) = (names.stream(Lane::New), names.stream(Lane::Retry), names.dead());
        let (new, retry, dead, oldest, elsewhere) = tokio::try_join!(
            self.broker.state(&new),
            self.broker.state(&retry),
            self.broker.state(&dead),
            self.oldest(),
            self.held_elsewhere(),
        )?;
        let state = self.lock();
        let waiting = new.messages + retry.messages;
        Ok(Stats {
            waiting,
            running: waiting.min(state.running() as u64 + elsewhere),
            retrying: retry.messages,
            dead: dead.messages,
            bytes: new.bytes + retry.bytes + dead.bytes,
            oldest: oldest.map(from_millis),
            partitions: state.parts().count() as u64,
            ..state.counts
        })
    }

    /// What the workers of other processes have, running or not.
    async fn held_elsewhere(&self) -> Result<u64, QueueError> {
        let ours: HashSet<usize> = self.lock().parts().map(|(partition, _)| partition).collect();
        let others = (0..self.settings.partitions).filter(|partition| !ours.contains(partition));
        let lanes = others.flat_map(|partition| LANES.map(|lane| (lane, partition)));
        let counts = lanes.map(async |(lane, partition)| {
            let info = self.broker.lane(lane, partition).await?;
            Ok::<_, QueueError>(info.map_or(0, |info| info.num_ack_pending as u64))
        });
        Ok(try_join_all(counts).await?.into_iter().sum())
    }

    /// When the oldest waiting callback was accepted.
    async fn oldest(&self) -> Result<Option<i64>, QueueError> {
        let names = &self.broker.names;
        let first = self.broker.read(&names.stream(Lane::New), 1).await?;
        let first = first.into_iter().filter_map(|found| found.meta).map(|meta| meta.at).min();
        let mut retries = Vec::new();
        let mut from = 1;
        while retries.len() < LOOKED_AT {
            let some = self.broker.read(&names.stream(Lane::Retry), from).await?;
            let Some(last) = some.last() else { break };
            from = last.sequence + 1;
            retries.extend(some.into_iter().filter_map(|found| found.meta).map(|meta| meta.at));
        }
        Ok(retries.into_iter().chain(first).min())
    }

    /// The callbacks that wait, or are dead, without their bodies, ordered by id.
    async fn found(&self, filter: Filter, after: u64) -> Result<Vec<Waits>, QueueError> {
        let now = self.now()?;
        let lanes: &[Option<Lane>] =
            if filter.dead { &[None] } else { &[Some(Lane::Retry), Some(Lane::New)] };
        let mut found: Vec<Waits> = Vec::new();
        for lane in lanes {
            let stream = self.stream_of(*lane);
            // Ids are not greater than sequence numbers, and in this lane most are the same.
            let mut from = if *lane == Some(Lane::New) { after.saturating_add(1) } else { 1 };
            loop {
                let some = self.broker.read(&stream, from).await?;
                let Some(last) = some.last() else { break };
                from = last.sequence + 1;
                let some = some.into_iter().map(|one| Waits::new(*lane, one));
                found.extend(some.filter(|one| one.id > after && one.passes(&filter, now)));
            }
        }
        found.sort_by_key(|waits| (waits.id, waits.lane));
        Ok(found)
    }

    fn stream_of(&self, lane: Option<Lane>) -> String {
        lane.map_or_else(|| self.broker.names.dead(), |lane| self.broker.names.stream(lane))
    }

    pub(super) async fn list(
        &self,
        filter: Filter,
        after: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<Record>, QueueError> {
        let number = self.renumbered().await?;
        let mut records = Vec::new();
        let found = self.found(filter, after.map_or(0, DeliveryId::sequence)).await?;
        for waits in found.into_iter().take(limit) {
            let stream = self.broker.context.get_stream_no_info(self.stream_of(waits.lane)).await;
            let stream = stream.map_err(unavailable)?;
            // Handled, purged or requeued meanwhile.
            let Ok(message) = stream.get_raw_message(waits.sequence).await else { continue };
            let payload = String::from_utf8_lossy(&message.payload).into_owned();
            let id = DeliveryId::new(number, waits.id);
            let mut record = Record::new(id, from_millis(waits.meta.at), payload);
            record.attempts = waits.meta.attempts;
            record.order_key = waits.meta.order_key();
            record.death = waits.meta.death();
            record.error = waits.meta.error;
            record.trace_context = waits.meta.trace_context;
            records.push(record);
        }
        Ok(records)
    }

    async fn renumbered(&self) -> Result<u64, QueueError> {
        self.now()?;
        let number = streams::number(&self.broker).await?;
        self.number.store(number, Ordering::Relaxed);
        Ok(number)
    }

    pub(super) async fn requeue(&self, id: DeliveryId) -> Result<(), QueueError> {
        let number = self.renumbered().await?;
        if id.store() != number {
            return Err(QueueError::NotFound);
        }
        let dead = self.broker.context.get_stream_no_info(self.broker.names.dead()).await;
        let subject = self.broker.names.dead_subject(id.sequence());
        let found = dead.map_err(unavailable)?.get_last_raw_message_by_subject(&subject).await;
        let message = found.map_err(|error| match error.kind() {
            LastRawMessageErrorKind::NoMessageFound => QueueError::NotFound,
            _ => unavailable(error),
        })?;
        let Some(meta) = Meta::read(Some(&message.headers)) else {
            return Err(QueueError::Unreadable(StorageError::new(
                "the dead letter's headers are damaged",
            )));
        };
        let first = meta.first.unwrap_or(Position { sequence: id.sequence(), stored: 0 });
        let generation = meta.generation.saturating_add(1);
        let partition = partition_of(meta.order_key(), first, self.settings.partitions);
        let meta = Meta {
            first: Some(first),
            generation,
            attempts: 0,
            delay: 0,
            blocked: 0,
            dead_at: None,
            reason: None,
            out_of_order: true,
            ..meta
        };
        // If the answer is lost and it is requeued again, it is stored only once.
        let again = format!("{number:x}-{}-{:x} again {generation}", first.sequence, first.stored);
        let subject = self.subject(Lane::New, partition);
        let headers = meta.headers(Some(&again));
        let stored = self.broker.publish(subject, headers, message.payload, PATIENCE).await?;
        self.lock().published(Lane::New, partition, stored.sequence);
        self.broker.delete(&self.broker.names.dead(), message.sequence).await?;
        Ok(())
    }

    pub(super) async fn purge(&self, filter: Filter) -> Result<u64, QueueError> {
        let mut gone = 0;
        for lane in [None, Some(Lane::New), Some(Lane::Retry)] {
            if filter.dead != lane.is_none() {
                continue;
            }
            let found = self.found(filter, 0).await?.into_iter();
            let found = found.filter(|waits| waits.lane == lane).filter(|waits| {
                lane.is_none_or(|lane| !self.lock().is_running(lane, waits.sequence))
            });
            let stream = self.stream_of(lane);
            let deletions = found.map(|waits| waits.sequence).map(async |sequence| {
                let deleted = self.broker.delete(&stream, sequence).await?;
                Ok::<_, QueueError>(deleted.then_some(sequence))
            });
            let mut deletions = futures_util::stream::iter(deletions).buffer_unordered(DELETIONS);
            let mut deleted = Vec::new();
            while let Some(one) = deletions.next().await {
                deleted.extend(one?);
            }
            gone += deleted.len() as u64;
            if let Some(lane) = lane {
                self.tell_purged(lane, &deleted).await;
            }
        }
        self.lock().forget_published();
        self.changed.notify_waiters();
        Ok(gone)
    }

    /// Tells the owners, here and elsewhere, not to start what they hold of these.
    async fn tell_purged(&self, lane: Lane, sequences: &[u64]) {
        for some in sequences.chunks(TOLD) {
            self.purged(lane, &some.iter().copied().collect()).await;
            let words: Vec<String> = some.iter().map(u64::to_string).collect();
            let lane = if lane == Lane::New { "new" } else { "retry" };
            self.broker.say(format!("purged {lane} {}", words.join(" "))).await;
        }
    }

    /// Lets go of messages that were deleted.
    pub(super) async fn purged(&self, lane: Lane, sequences: &HashSet<u64>) {
        let over = self.lock().purged(lane, sequences);
        for reply in over {
            self.broker.tell(reply, AckKind::Ack).await;
        }
    }
}
