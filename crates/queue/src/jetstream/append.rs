//! Taking a callback in.

use std::hash::BuildHasher;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::connection::State as Connection;
use bytes::Bytes;
use tokio::time::Instant;

use super::broker::{NotStored, PATIENCE, Stored};
use super::names::{partition_for, start_of};
use super::wire::Meta;
use super::{AGAIN, Shared, check};
use crate::delivery::DeliveryId;
use crate::error::{QueueError, StorageError};
use crate::store::{Appended, Entry};

impl Shared {
    pub(super) async fn append(
        &self,
        entry: Entry,
        max_wait: Duration,
    ) -> Result<Appended, QueueError> {
        let now = self.now()?;
        let size = entry.body_size;
        let max = self.settings.options.max_body;
        if size > max {
            return Err(QueueError::TooLarge { size, max });
        }
        let payload = Bytes::from(entry.payload);
        if payload.len() > self.max_payload {
            return Err(QueueError::TooLarge { size: payload.len(), max: self.max_payload });
        }
        let partition = partition_for(entry.order_key, &self.random, self.settings.partitions);
        // The same delivery to another endpoint must have the same id.
        let id = match &entry.dedup_key {
            Some(key) => start_of(key.as_bytes()),
            None => self.random.hash_one((now, std::time::Instant::now())),
        };
        let meta = Meta {
            id,
            at: now,
            order: entry.order_key.map(|key| key.to_string()),
            trace_context: entry.trace_context,
            ..Meta::default()
        };
        let key = entry.dedup_key.map(|key| key.to_string());
        let stored = self.insist(partition, &meta, key.as_deref(), payload, max_wait).await?;
        let id = DeliveryId::new(id, stored.sequence);
        let mut state = self.lock();
        Ok(if stored.duplicate {
            state.counts.duplicates += 1;
            Appended::Duplicate(id)
        } else {
            state.counts.accepted += 1;
            Appended::Stored(id)
        })
    }

    /// Publishes until it is stored, or the time is over.
    async fn insist(
        &self,
        partition: usize,
        meta: &Meta,
        key: Option<&str>,
        payload: Bytes,
        max_wait: Duration,
    ) -> Result<Stored, QueueError> {
        let subject = &self.subjects[partition];
        let end = Instant::now() + max_wait;
        let mut rest = max_wait;
        let mut last = QueueError::TimedOut;
        loop {
            if rest.is_zero() {
                return Err(last);
            }
            // The client would buffer it and send it when the broker is back, long after it was
            // refused.
            if self.is_connected() {
                check::version_again(&self.broker, &self.checked)?;
                let headers = meta.headers(key);
                // Without a key there is one try, which has all the time.
                let patience = if key.is_some() { rest.min(PATIENCE) } else { rest };
                let sent = self.broker.publish(subject.clone(), headers, payload.clone(), patience);
                match sent.await {
                    Ok(stored) => return Ok(stored),
                    Err(NotStored::Surely(error)) if error.is_temporary() => last = error,
                    Err(NotStored::Perhaps(error)) if error.is_temporary() && key.is_some() => {
                        last = error;
                    }
                    Err(error) => return Err(error.into()),
                }
            } else {
                last = QueueError::Unavailable(StorageError::new("not connected"));
            }
            let left = end.saturating_duration_since(Instant::now());
            tokio::time::sleep(left.min(AGAIN / 4)).await;
            rest = end.saturating_duration_since(Instant::now());
        }
    }

    /// Whether the client is connected. Logs once when the connection is lost, and once when it is
    /// back.
    pub(super) fn is_connected(&self) -> bool {
        let is = self.broker.client.connection_state() == Connection::Connected;
        if self.lost.swap(!is, Ordering::Relaxed) == is {
            // It may be another server.
            self.checked.store(false, Ordering::Relaxed);
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
}
