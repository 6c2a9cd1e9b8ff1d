//! Counting and requeueing.

use async_nats::jetstream::stream::LastRawMessageErrorKind;

use super::Shared;
use super::broker::{PATIENCE, unavailable};
use super::names::{Lane, partition_of};
use super::wire::{Meta, Position};
use crate::delivery::DeliveryId;
use crate::error::{QueueError, StorageError};
use crate::options::from_millis;
use crate::store::Stats;

/// How many retries are looked at to find the oldest.
const LOOKED_AT: usize = 1000;

impl Shared {
    pub(super) async fn stats(&self) -> Result<Stats, QueueError> {
        self.now()?;
        let names = &self.broker.names;
        let (new, retry, dead) = (names.stream(Lane::New), names.stream(Lane::Retry), names.dead());
        let (new, retry, dead, oldest) = tokio::try_join!(
            self.broker.state(&new),
            self.broker.state(&retry),
            self.broker.state(&dead),
            self.oldest(),
        )?;
        let state = self.lock();
        let waiting = new.messages + retry.messages;
        Ok(Stats {
            waiting,
            running: waiting.min(state.running() as u64),
            retrying: retry.messages,
            dead: dead.messages,
            bytes: new.bytes + retry.bytes + dead.bytes,
            oldest: oldest.map(from_millis),
            partitions: state.parts().count() as u64,
            ..state.counts
        })
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

    pub(super) async fn requeue(&self, id: DeliveryId) -> Result<(), QueueError> {
        self.now()?;
        let dead = self.broker.stream(self.broker.names.dead()).await?;
        let found = dead.get_last_raw_message_by_subject(&self.broker.names.dead_subject(id)).await;
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
        let again = format!("{id}-{:x} again {generation}", first.stored);
        // It goes on with those that have failed, so that a full queue takes it.
        let subject = self.retry_subject(partition, id);
        let headers = meta.headers(Some(&again));
        self.broker.publish(subject, headers, message.payload, PATIENCE).await?;
        self.broker.delete(&self.broker.names.dead(), message.sequence).await?;
        Ok(())
    }
}
