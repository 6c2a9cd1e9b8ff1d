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

/// How often a server that is behind is asked whether it has caught up.
const BEHIND: u32 = 40;

pub(super) struct Puller {
    consumer: PullConsumer,
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
        let name = broker.names.stream(lane);
        let stream = broker.stream(&name).await?;
        let config = pull::Config {
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::None,
            filter_subject: broker.names.filter(lane, partition),
            inactive_threshold: UNUSED,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        let consumer = stream.create_consumer(config).await.map_err(unavailable)?;
        let server = consumer.cached_info().cluster.as_ref().and_then(|it| it.leader.clone());
        if let Some(server) = server {
            has_caught_up(broker, &name, &server).await?;
        }
        let inbox: Subject = broker.client.new_inbox().into();
        let messages = broker.client.subscribe(inbox.clone()).await.map_err(unavailable)?;
        Ok(Puller { consumer, inbox, messages, open: None })
    }

    /// Removes the consumer, if the broker answers in time.
    pub(super) async fn end(self, broker: &Broker, lane: Lane) {
        let name = &self.consumer.cached_info().name;
        let Ok(stream) = broker.stream(broker.names.stream(lane)).await else { return };
        drop(tokio::time::timeout(PATIENCE, stream.delete_consumer(name)).await);
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

/// Waits until the server that reads has all that the leader has. One that is behind may still have
/// what the owner before has deleted.
async fn has_caught_up(broker: &Broker, stream: &str, server: &str) -> Result<(), QueueError> {
    for _ in 0..BEHIND {
        if broker.is_current(stream, server).await? {
            return Ok(());
        }
        tokio::time::sleep(super::AGAIN / 2).await;
    }
    Err(QueueError::Unavailable(StorageError::new(format!("{server} is behind its leader"))))
}
