//! One pull at a time, on one inbox for each consumer.

use std::time::Duration;

use async_nats::jetstream::consumer::{PullConsumer, pull};
use async_nats::{Client, Message, Subject, Subscriber};
use futures_util::StreamExt;
use tokio::time::Instant;

use super::broker::unavailable;
use crate::error::QueueError;

/// How long the broker keeps a pull.
pub(super) const EXPIRES: Duration = Duration::from_secs(1);

/// How late its end may be until the consumer is made anew.
const LATE: Duration = Duration::from_secs(4);

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
    pub(super) async fn new(client: &Client, consumer: PullConsumer) -> Result<Self, QueueError> {
        let inbox: Subject = client.new_inbox().into();
        let messages = client.subscribe(inbox.clone()).await.map_err(unavailable)?;
        Ok(Puller { consumer, inbox, messages, open: None })
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub(super) fn is_late(&self) -> bool {
        self.open.is_some_and(|(sent, _)| sent.elapsed() > EXPIRES + LATE)
    }

    /// Asks for messages. `wait`: for new ones, too.
    pub(super) async fn pull(&mut self, batch: usize, wait: bool) {
        let expires = wait.then_some(EXPIRES);
        let config =
            pull::BatchConfig { batch, expires, no_wait: !wait, ..pull::BatchConfig::default() };
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

    /// A pull that waits for nothing may have no end.
    pub(super) fn give_up(&mut self) {
        self.open = None;
    }

    /// No more is delivered to here. Returns what was delivered meanwhile.
    pub(super) async fn stop(&mut self, client: &Client) -> Vec<Message> {
        drop(self.messages.unsubscribe().await);
        drop(tokio::time::timeout(Duration::from_secs(1), client.flush()).await);
        let mut rest = Vec::new();
        let all = async {
            while let Some(message) = self.messages.next().await {
                rest.extend(message.status.is_none().then_some(message));
            }
        };
        // Without a connection there may be no end.
        drop(tokio::time::timeout(Duration::from_secs(1), all).await);
        rest
    }
}
