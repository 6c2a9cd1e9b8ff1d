//! JetStream by its requests: what is sent is what the experiments are about.

use std::time::Duration;

use async_nats::{Client, HeaderMap, Message};
use serde_json::{Value, json};

pub enum Answer {
    Done(Value),
    /// The broker's error: code and text.
    Failed(u64, String),
}

#[derive(Clone)]
pub struct Api {
    pub client: Client,
}

impl Api {
    pub async fn connect(urls: &str) -> Self {
        let options = async_nats::ConnectOptions::new()
            .retry_on_initial_connect()
            .reconnect_delay_callback(|_| Duration::from_millis(100))
            .connection_timeout(Duration::from_secs(2))
            .request_timeout(Some(Duration::from_millis(1500)))
            .subscription_capacity(1 << 16)
            .ping_interval(Duration::from_secs(1));
        let urls: Vec<String> = urls.split(',').map(str::to_owned).collect();
        Api { client: options.connect(urls).await.unwrap() }
    }

    /// Nothing if there was no answer.
    pub async fn once(&self, subject: &str, body: &Value) -> Option<Answer> {
        let body = serde_json::to_vec(body).unwrap();
        let message = self.client.request(format!("$JS.API.{subject}"), body.into()).await.ok()?;
        Some(answer(&message))
    }

    /// Asks until there is an answer that is not "try again".
    pub async fn call(&self, subject: &str, body: &Value) -> Result<Value, (u64, String)> {
        loop {
            match self.once(subject, body).await {
                Some(Answer::Done(value)) => return Ok(value),
                // No leader, no answer in time, no quorum.
                Some(Answer::Failed(10008 | 10009 | 10013 | 10023 | 10077 | 10118, _)) | None => {}
                Some(Answer::Failed(code, text)) => return Err((code, text)),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Sequence, and whether it was a duplicate. Nothing if there was no answer.
    pub async fn publish(
        &self,
        subject: &str,
        headers: HeaderMap,
        body: impl Into<bytes::Bytes>,
    ) -> Option<Result<(u64, bool), (u64, String)>> {
        let subject = subject.to_owned();
        let message = self.client.request_with_headers(subject, headers, body.into()).await.ok()?;
        Some(match answer(&message) {
            Answer::Done(ack) => {
                Ok((ack["seq"].as_u64().unwrap_or(0), ack["duplicate"] == json!(true)))
            }
            Answer::Failed(code, text) => Err((code, text)),
        })
    }

    /// A work queue in a file, that refuses what does not fit.
    pub async fn work_queue(&self, name: &str, subject: &str, replicas: usize) {
        let config = json!({
            "name": name, "subjects": [subject], "retention": "workqueue", "storage": "file",
            "discard": "new", "num_replicas": replicas, "duplicate_window": 120_000_000_000_u64,
        });
        // Another process may be making it.
        while let Err(error) = self.call(&format!("STREAM.CREATE.{name}"), &config).await {
            eprintln!("{name}: {error:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    pub async fn messages(&self, stream: &str) -> u64 {
        let info = self.call(&format!("STREAM.INFO.{stream}"), &json!({})).await;
        info.map_or(0, |info| info["state"]["messages"].as_u64().unwrap_or(0))
    }
}

fn answer(message: &Message) -> Answer {
    match serde_json::from_slice::<Value>(&message.payload) {
        Ok(value) if value["error"].is_object() => {
            let error = &value["error"];
            let code = error["err_code"].as_u64().or(error["code"].as_u64()).unwrap_or(0);
            Answer::Failed(code, error["description"].as_str().unwrap_or("").to_owned())
        }
        Ok(value) => Answer::Done(value),
        Err(_) => Answer::Failed(0, String::from_utf8_lossy(&message.payload).into_owned()),
    }
}

/// Where a message stands, from the subject for its acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub delivered: u64,
    /// In the stream.
    pub sequence: u64,
    /// Among the deliveries of the consumer.
    pub delivery: u64,
    /// When it was stored, in ns.
    pub stored: u64,
    pub pending: u64,
}

impl Place {
    pub fn of(message: &Message) -> Option<Self> {
        let reply = message.reply.as_ref()?.as_str();
        let tokens: Vec<&str> = reply.split('.').collect();
        // With a domain and an account: two more.
        let at = if tokens.len() >= 11 { 6 } else { 4 };
        let number = |at: usize| tokens.get(at)?.parse().ok();
        Some(Place {
            delivered: number(at)?,
            sequence: number(at + 1)?,
            delivery: number(at + 2)?,
            stored: number(at + 3)?,
            pending: number(at + 4)?,
        })
    }
}

/// Whether the broker has confirmed it.
pub async fn acknowledge(client: &Client, message: &Message) -> bool {
    let reply = message.reply.clone().unwrap();
    client.request(reply, "+ACK".into()).await.is_ok()
}
