//! Reading one lane of a partition from its first message on: a consumer that keeps no books, and
//! one pull at a time. What is in the stream is what is to be done; only its owner deletes it.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use async_nats::{Message, Subject, Subscriber};
use futures_util::StreamExt;
use tokio::time::Instant;

use super::broker::{Broker, PATIENCE, unavailable};
use super::names::Lane;
use crate::error::{QueueError, StorageError};

/// How long the broker keeps a pull.
const EXPIRES: Duration = Duration::from_secs(1);

/// How late its end may be until the lane is read anew.
const LATE: Duration = Duration::from_secs(4);

/// How long the broker keeps a consumer that nobody pulls from.
const UNUSED: Duration = Duration::from_secs(60);

/// How often a consumer is made until it is on the leader. The broker puts each on any of the
/// stream's servers.
const TRIES: u32 = 20;

pub(super) struct Puller {
    consumer: PullConsumer,
    made: Instant,
    inbox: Subject,
    messages: Subscriber,
    /// When the pull that is open was sent, and how many of it are still to come.
    open: Option<(Instant, usize)>,
}

pub(super) enum Pulled {
    Message(Message),
    /// The pull has ended, with this status.
    Ended(u16),
}

impl Puller {
    pub(super) async fn new(
        broker: &Broker,
        lane: Lane,
        partition: usize,
    ) -> Result<Self, QueueError> {
        let consumer = on_leader(broker, lane, partition).await?;
        let inbox: Subject = broker.client.new_inbox().into();
        let messages = broker.client.subscribe(inbox.clone()).await.map_err(unavailable)?;
        Ok(Puller { consumer, made: Instant::now(), inbox, messages, open: None })
    }

    /// How long ago something was stored at this time of the broker's, in ms. The broker has said
    /// what time it was there when the consumer was made.
    pub(super) fn age(&self, stored: u64) -> i64 {
        let then = self.consumer.cached_info().created.unix_timestamp_nanos() - i128::from(stored);
        let since = i128::try_from(self.made.elapsed().as_nanos()).unwrap_or(i128::MAX);
        i64::try_from(then.saturating_add(since).max(0) / 1_000_000).unwrap_or(i64::MAX)
    }

    /// Removes the consumer, if the broker answers in time.
    pub(super) async fn end(self, broker: &Broker, lane: Lane) {
        end(&self.consumer, broker, lane).await;
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub(super) fn is_late(&self) -> bool {
        self.open.is_some_and(|(sent, _)| sent.elapsed() > EXPIRES + LATE)
    }

    pub(super) async fn pull(&mut self, batch: usize) {
        let expires = Some(EXPIRES);
        let config = pull::BatchConfig { batch, expires, ..pull::BatchConfig::default() };
        self.open = Some((Instant::now(), batch));
        drop(self.consumer.request_batch(config, self.inbox.clone()).await);
    }

    pub(super) async fn next(&mut self) -> Pulled {
        // It ends with the connection, and with that all of this.
        let Some(message) = self.messages.next().await else { return std::future::pending().await };
        if let Some(status) = message.status {
            self.open = None;
            return Pulled::Ended(status.as_u16());
        }
        if let Some((sent, left)) = self.open {
            self.open = (left > 1).then_some((sent, left - 1));
        }
        Pulled::Message(message)
    }
}

/// A consumer on the server that leads the stream: that one has done all that was confirmed before
/// it became the leader. Another one may still have what the owner before has deleted.
async fn on_leader(
    broker: &Broker,
    lane: Lane,
    partition: usize,
) -> Result<PullConsumer, QueueError> {
    let name = broker.names.stream(lane);
    let config = pull::Config {
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::None,
        filter_subject: broker.names.filter(lane, partition),
        inactive_threshold: UNUSED,
        memory_storage: true,
        num_replicas: 1,
        ..pull::Config::default()
    };
    for _ in 0..TRIES {
        let made = broker.stream(&name).await?.create_consumer(config.clone()).await;
        let consumer = made.map_err(unavailable)?;
        let cluster = consumer.cached_info().cluster.as_ref();
        let Some(server) = cluster.and_then(|cluster| cluster.leader.as_deref()) else {
            return Ok(consumer);
        };
        if broker.leads(server, &name).await? {
            return Ok(consumer);
        }
        end(&consumer, broker, lane).await;
    }
    let error = StorageError::new(format!("no consumer is on the leader of {name}"));
    Err(QueueError::Unavailable(error))
}

async fn end(consumer: &PullConsumer, broker: &Broker, lane: Lane) {
    let Ok(stream) = broker.stream(broker.names.stream(lane)).await else { return };
    let ended = stream.delete_consumer(&consumer.cached_info().name);
    drop(tokio::time::timeout(PATIENCE, ended).await);
}
