//! Listing and deleting, a page at a time.

use std::collections::{BTreeMap, HashSet};

use async_nats::jetstream::stream::LastRawMessageErrorKind;
use futures_util::{StreamExt, TryStreamExt};

use super::Shared;
use super::broker::{Found, unavailable};
use super::names::{LANES, Lane};
use super::wire::Meta;
use crate::delivery::DeliveryId;
use crate::error::QueueError;
use crate::options::{from_millis, millis};
use crate::store::{Filter, Record};

/// How many are read or deleted at the same time.
const AT_ONCE: usize = 64;

/// How many sequence numbers are told to the owners at a time.
const TOLD: usize = 500;

/// How many ids are looked up at least before the subjects are read again.
const IDS: usize = 1024;

fn passes(found: &Found, filter: &Filter, now: i64) -> bool {
    let (at, key) = match &found.meta {
        Some(meta) => (meta.at, meta.order_key()),
        None => (0, None),
    };
    let old = filter.older_than.is_none_or(|age| at <= now.saturating_sub(millis(age)));
    old && (filter.order_key.is_none() || filter.order_key == key)
}

fn record(found: Found) -> Record {
    let id = found.id();
    let meta = found.meta.unwrap_or_default();
    let payload = String::from_utf8_lossy(&found.payload).into_owned();
    let mut record = Record::new(id, from_millis(meta.at), payload);
    record.attempts = meta.attempts;
    record.order_key = meta.order_key();
    record.death = meta.death();
    record.error = meta.error;
    record.trace_context = meta.trace_context;
    record
}

impl Shared {
    pub(super) async fn list(
        &self,
        filter: Filter,
        after: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<Record>, QueueError> {
        let now = self.now()?;
        let names = &self.broker.names;
        let passes = |found: &Found| passes(found, &filter, now);
        if filter.dead {
            return self.by_id(&names.dead(), after, limit, passes).await;
        }
        let mut all = self.by_id(&names.stream(Lane::Retry), after, limit, passes).await?;
        // A crash may have left the attempt that failed beside its retry.
        let retries: HashSet<DeliveryId> = all.iter().map(|record| record.id).collect();
        let new = self.by_sequence(after, limit, passes).await?;
        all.extend(new.into_iter().filter(|record| !retries.contains(&record.id)));
        all.sort_by_key(|record| record.id);
        all.truncate(limit);
        Ok(all)
    }

    /// Of those that wait for their first attempt, the sequence is that of the id.
    async fn by_sequence(
        &self,
        after: Option<DeliveryId>,
        limit: usize,
        passes: impl Fn(&Found) -> bool,
    ) -> Result<Vec<Record>, QueueError> {
        let stream = self.broker.names.stream(Lane::New);
        let mut from = after.map_or(1, DeliveryId::sequence);
        let mut records = Vec::new();
        while records.len() < limit {
            let some = self.broker.read(&stream, from).await?;
            let Some(last) = some.last() else { break };
            from = last.sequence.saturating_add(1);
            let some = some.into_iter().filter(|found| Some(found.id()) > after && passes(found));
            records.extend(some.map(record));
        }
        records.truncate(limit);
        Ok(records)
    }

    /// Of the others, the subject ends with the id. The broker lists subjects in no order.
    async fn by_id(
        &self,
        stream: &str,
        mut after: Option<DeliveryId>,
        limit: usize,
        passes: impl Fn(&Found) -> bool,
    ) -> Result<Vec<Record>, QueueError> {
        let mut records = Vec::new();
        while records.len() < limit {
            let ids = self.ids(stream, after, limit.max(IDS)).await?;
            let Some((last, _)) = ids.last_key_value() else { break };
            after = Some(*last);
            let read = ids.into_values().map(|subject| self.last(stream, subject));
            let mut read = futures_util::stream::iter(read).buffered(AT_ONCE);
            while let Some(found) = read.next().await {
                // Handled, purged or requeued meanwhile.
                let Some(found) = found? else { continue };
                if passes(&found) && records.len() < limit {
                    records.push(record(found));
                }
                if records.len() == limit {
                    break;
                }
            }
        }
        Ok(records)
    }

    /// The first ids after this one, at most so many, with their subjects.
    async fn ids(
        &self,
        stream: &str,
        after: Option<DeliveryId>,
        most: usize,
    ) -> Result<BTreeMap<DeliveryId, String>, QueueError> {
        let found = self.broker.stream(stream).await?;
        let mut subjects = found.info_with_subjects(">").await.map_err(unavailable)?;
        let mut ids = BTreeMap::new();
        while let Some((subject, _)) = subjects.try_next().await.map_err(unavailable)? {
            let id = subject.rsplit('.').next().and_then(|id| id.parse().ok());
            let Some(id) = id.filter(|id| Some(*id) > after) else { continue };
            ids.insert(id, subject);
            if ids.len() > most {
                ids.pop_last();
            }
        }
        Ok(ids)
    }

    /// The last message of a subject.
    async fn last(&self, stream: &str, subject: String) -> Result<Option<Found>, QueueError> {
        let found = self.broker.stream(stream).await?;
        match found.get_last_raw_message_by_subject(&subject).await {
            Ok(message) => Ok(Some(Found {
                sequence: message.sequence,
                meta: Meta::read(Some(&message.headers)),
                payload: message.payload,
            })),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    pub(super) async fn purge(&self, filter: Filter) -> Result<u64, QueueError> {
        let now = self.now()?;
        let names = &self.broker.names;
        let mut gone = 0;
        if filter.dead {
            gone += self.purge_of(&names.dead(), None, |found| passes(found, &filter, now)).await?;
        } else {
            for lane in LANES {
                let passes = |found: &Found| {
                    passes(found, &filter, now) && !self.lock().is_running(lane, found.sequence)
                };
                gone += self.purge_of(&names.stream(lane), Some(lane), passes).await?;
            }
        }
        self.changed.notify_waiters();
        Ok(gone)
    }

    async fn purge_of(
        &self,
        stream: &str,
        lane: Option<Lane>,
        passes: impl Fn(&Found) -> bool,
    ) -> Result<u64, QueueError> {
        let mut gone = 0;
        let mut from = 1;
        loop {
            let some = self.broker.read(stream, from).await?;
            let Some(last) = some.last() else { return Ok(gone) };
            from = last.sequence.saturating_add(1);
            let sequences: Vec<u64> =
                some.iter().filter(|found| passes(found)).map(|found| found.sequence).collect();
            let deletions = sequences.into_iter().map(async |sequence| {
                let deleted = self.broker.delete(stream, sequence).await?;
                Ok::<_, QueueError>(deleted.then_some(sequence))
            });
            let deletions = futures_util::stream::iter(deletions).buffer_unordered(AT_ONCE);
            let deleted: Vec<Option<u64>> = deletions.try_collect().await?;
            let deleted: Vec<u64> = deleted.into_iter().flatten().collect();
            gone += deleted.len() as u64;
            if let Some(lane) = lane {
                self.tell_purged(lane, &deleted).await;
            }
        }
    }

    /// Tells the owners, here and elsewhere, not to start what they hold of these.
    async fn tell_purged(&self, lane: Lane, sequences: &[u64]) {
        for some in sequences.chunks(TOLD) {
            self.lock().purged(lane, &some.iter().copied().collect());
            let words: Vec<String> = some.iter().map(u64::to_string).collect();
            let lane = if lane == Lane::New { "new" } else { "retry" };
            self.broker.say(format!("purged {lane} {}", words.join(" "))).await;
        }
    }
}
