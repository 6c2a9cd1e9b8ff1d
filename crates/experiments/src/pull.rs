//! One pull at a time, on one inbox for each consumer.

use std::time::{Duration, Instant};

use async_nats::{Message, Subscriber};
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::api::Api;

pub struct Puller {
    api: Api,
    subject: String,
    inbox: String,
    messages: Subscriber,
    /// When the pull that is open was sent, and how many of it are still to come.
    open: Option<(Instant, usize)>,
}

pub enum Pulled {
    Message(Message),
    /// The pull has ended, with this status.
    Ended(u16),
}

const EXPIRES: Duration = Duration::from_secs(1);

impl Puller {
    pub async fn new(api: &Api, stream: &str, consumer: &str) -> Option<Self> {
        let inbox = api.client.new_inbox();
        let messages = api.client.subscribe(inbox.clone()).await.ok()?;
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}");
        Some(Puller { api: api.clone(), subject, inbox, messages, open: None })
    }

    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// A pull that waits for nothing may have no end: half a second of it are enough.
    pub fn is_waited_for(&self) -> bool {
        self.open.is_some_and(|(sent, _)| sent.elapsed() < Duration::from_millis(500))
    }

    pub fn sent(&self) -> Option<Instant> {
        self.open.map(|(sent, _)| sent)
    }

    /// No end of the pull came in time.
    pub fn is_late(&self) -> bool {
        self.open.is_some_and(|(sent, _)| sent.elapsed() > EXPIRES + Duration::from_secs(4))
    }

    /// No more is delivered to here. What was delivered meanwhile.
    pub async fn stop(&mut self, api: &Api) -> Vec<Message> {
        drop(self.messages.unsubscribe().await);
        drop(tokio::time::timeout(Duration::from_secs(1), api.client.flush()).await);
        let mut rest = Vec::new();
        while let Some(message) = self.messages.next().await {
            rest.extend(message.status.is_none().then_some(message));
        }
        rest
    }

    pub async fn pull(&mut self, batch: usize, more: &Value) {
        let mut body = json!({"batch": batch});
        if more["no_wait"].is_null() {
            body["expires"] = json!(EXPIRES.as_nanos() as u64);
        }
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        self.open = Some((Instant::now(), batch));
        let (subject, inbox) = (self.subject.clone(), self.inbox.clone());
        drop(self.api.client.publish_with_reply(subject, inbox, body.to_string().into()).await);
    }

    pub async fn next(&mut self) -> Pulled {
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
