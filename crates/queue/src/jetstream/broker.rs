//! Requests to the broker, and how its answers are read.

use std::error::Error;
use std::time::Duration;

use async_nats::header::HeaderMap;
use async_nats::jetstream::consumer::Info;
use async_nats::jetstream::context::{GetStreamError, GetStreamErrorKind};
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use async_nats::jetstream::{AckKind, Context, ErrorCode, stream};
use async_nats::{Client, Message, Request, RequestErrorKind, StatusCode, Subject};
use bytes::Bytes;
use futures_util::StreamExt;
use serde::Deserialize;

use super::names::{Lane, Names};
use super::wire::Meta;
use crate::delivery::DeliveryId;
use crate::error::{QueueError, StorageError};

/// How long to wait for one answer of the broker. A repeated request is repeated after this time.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// How many messages are read at a time.
const READ: usize = 256;

/// The connection to the streams of one queue.
pub(super) struct Broker {
    pub(super) context: Context,
    pub(super) client: Client,
    pub(super) names: Names,
}

/// The broker has stored a message.
pub(super) struct Stored {
    pub(super) sequence: u64,
    /// Whether it was stored before; then this is the sequence number of that time.
    pub(super) duplicate: bool,
}

/// The broker has not confirmed that it has stored a message.
pub(super) enum NotStored {
    /// Another message of the subject is the last one than the one that was expected.
    Mismatch,
    /// It has certainly not stored it.
    Surely(QueueError),
    /// It may have stored it: a second try without an id could store it twice.
    Perhaps(QueueError),
}

impl From<NotStored> for QueueError {
    fn from(error: NotStored) -> Self {
        match error {
            NotStored::Surely(error) | NotStored::Perhaps(error) => error,
            NotStored::Mismatch => QueueError::ClaimLost,
        }
    }
}

/// The broker's answer to a message.
#[derive(Deserialize)]
struct Answer {
    seq: Option<u64>,
    #[serde(default)]
    duplicate: bool,
    error: Option<async_nats::jetstream::Error>,
}

/// A message of a stream.
pub(super) struct Found {
    pub(super) sequence: u64,
    pub(super) meta: Option<Meta>,
    pub(super) payload: Bytes,
}

impl Found {
    /// The id of the callback.
    pub(super) fn id(&self) -> DeliveryId {
        let first = self.meta.as_ref().and_then(|meta| meta.first);
        let sequence = first.map_or(self.sequence, |first| first.sequence);
        DeliveryId::new(self.meta.as_ref().map_or(0, |meta| meta.id), sequence)
    }
}

impl Broker {
    /// Publishes a message, and waits until the broker has stored it.
    ///
    /// Like the client's own `publish`, with one timer and without its limit on pending
    /// acknowledgements, since this is the hot path.
    pub(super) async fn publish(
        &self,
        subject: Subject,
        headers: HeaderMap,
        payload: Bytes,
        patience: Duration,
    ) -> Result<Stored, NotStored> {
        let size = payload.len();
        let request = Request::new().headers(headers).payload(payload).timeout(None);
        let answered =
            tokio::time::timeout(patience, self.client.send_request(subject, request)).await;
        let Ok(answered) = answered else {
            let error = StorageError::new("no answer in time");
            return Err(NotStored::Perhaps(QueueError::Unavailable(error)));
        };
        let message = answered.map_err(|error| match error.kind() {
            RequestErrorKind::MaxPayloadExceeded => NotStored::Surely(QueueError::TooLarge {
                size,
                max: self.client.server_info().max_payload,
            }),
            RequestErrorKind::NoResponders => NotStored::Surely(unavailable(error)),
            _ => NotStored::Perhaps(unavailable(error)),
        })?;
        let answer = serde_json::from_slice(&message.payload);
        match answer.map_err(|error| NotStored::Perhaps(unavailable(error)))? {
            Answer { error: Some(error), .. } => Err(not_stored(error)),
            Answer { seq: Some(sequence), duplicate, .. } => Ok(Stored { sequence, duplicate }),
            Answer { .. } => Err(NotStored::Perhaps(QueueError::Unavailable(StorageError::new(
                "the answer has no sequence number",
            )))),
        }
    }

    /// Says something about a delivery, and waits until the broker confirms that it has heard.
    pub(super) async fn confirm(&self, reply: Subject, kind: AckKind) -> Result<(), QueueError> {
        let request = Request::new().payload(kind.into()).timeout(Some(PATIENCE));
        self.client.send_request(reply, request).await.map(drop).map_err(unavailable)
    }

    /// The same without waiting.
    pub(super) async fn tell(&self, reply: Subject, kind: AckKind) {
        drop(self.client.publish(reply, kind.into()).await);
    }

    /// Tells the other processes of the queue.
    pub(super) async fn say(&self, text: String) {
        drop(self.client.publish(self.names.news(), text.into()).await);
    }

    /// What the broker has given out of a lane. `None`: there is no such consumer.
    pub(super) async fn lane(
        &self,
        lane: Lane,
        partition: usize,
    ) -> Result<Option<Info>, QueueError> {
        use async_nats::jetstream::response::Response;

        let (stream, consumer) = (self.names.stream(lane), Names::consumer(lane, partition));
        let subject = format!("CONSUMER.INFO.{stream}.{consumer}");
        let nothing = serde_json::json!({});
        let asked = self.context.request(subject, &nothing);
        let answered = tokio::time::timeout(PATIENCE, asked).await.map_err(unavailable)?;
        match answered.map_err(unavailable)? {
            Response::Ok(info) => Ok(Some(info)),
            Response::Err { error } => match error.error_code() {
                ErrorCode::CONSUMER_NOT_FOUND | ErrorCode::STREAM_NOT_FOUND => Ok(None),
                _ => Err(unavailable(error)),
            },
        }
    }

    pub(super) async fn state(&self, stream: &str) -> Result<stream::State, QueueError> {
        let stream = self.context.get_stream(stream).await.map_err(unavailable)?;
        Ok(stream.cached_info().state.clone())
    }

    /// The metadata of a message, as its leader has it. `None`: there is no such message.
    pub(super) async fn find(
        &self,
        stream: &str,
        sequence: u64,
    ) -> Result<Option<Meta>, QueueError> {
        let stream = self.context.get_stream_no_info(stream).await.map_err(unavailable)?;
        match stream.get_raw_message(sequence).await {
            Ok(found) => Ok(Some(Meta::read(Some(&found.headers)).unwrap_or_default())),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Deletes a message. Whether it was there.
    pub(super) async fn delete(&self, stream: &str, sequence: u64) -> Result<bool, QueueError> {
        use async_nats::jetstream::stream::DeleteMessageErrorKind;

        let found = self.context.get_stream_no_info(stream).await.map_err(unavailable)?;
        match found.delete_message(sequence).await {
            Ok(gone) => Ok(gone),
            // Somebody was faster.
            Err(error) if matches!(error.kind(), DeleteMessageErrorKind::JetStream(_)) => Ok(false),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// The messages of a stream from this sequence number on, some at a time; none if there are no
    /// more. Any of the servers answers, so the newest may be missing.
    pub(super) async fn read(&self, stream: &str, from: u64) -> Result<Vec<Found>, QueueError> {
        let inbox = self.client.new_inbox();
        let mut messages = self.client.subscribe(inbox.clone()).await.map_err(unavailable)?;
        let ask = format!("{{\"seq\":{},\"batch\":{READ}}}", from.max(1));
        let ask = Request::new().inbox(inbox).payload(ask.into());
        let asked = self.context.send_request(format!("DIRECT.GET.{stream}"), ask).await;
        asked.map_err(unavailable)?;
        let mut found = Vec::new();
        loop {
            let next = tokio::time::timeout(PATIENCE, messages.next()).await;
            let Ok(Some(message)) = next else {
                let error = StorageError::new("no answer in time");
                return Err(QueueError::Unavailable(error));
            };
            match message.status {
                None => found.extend(read(&message)),
                // The end of what was asked for, or nothing is there.
                Some(StatusCode::NOT_FOUND) => return Ok(found),
                Some(status) if status.as_u16() == 204 => return Ok(found),
                Some(status) => {
                    let error = StorageError::new(format!("{stream} cannot be read: {status}"));
                    return Err(QueueError::Unavailable(error));
                }
            }
        }
    }
}

fn read(message: &Message) -> Option<Found> {
    let headers = message.headers.as_ref()?;
    let sequence = headers.get("Nats-Sequence")?.as_str().parse().ok()?;
    Some(Found { sequence, meta: Meta::read(Some(headers)), payload: message.payload.clone() })
}

pub(super) fn unavailable(error: impl Error + Send + Sync + 'static) -> QueueError {
    QueueError::Unavailable(StorageError::new(error))
}

fn not_stored(error: async_nats::jetstream::Error) -> NotStored {
    let full = match error.error_code() {
        ErrorCode::STORAGE_RESOURCES_EXCEEDED | ErrorCode::INSUFFICIENT_RESOURCES => true,
        // The code also stands for a disk that fails.
        ErrorCode::STREAM_STORE_FAILED => error.to_string().contains("maximum"),
        _ => false,
    };
    // The second one is that of a cluster which is still deciding about another message.
    let mismatch = matches!(error.error_code().0, 10071 | 10164);
    match (full, mismatch) {
        (true, _) => NotStored::Surely(QueueError::Full),
        (_, true) => NotStored::Mismatch,
        _ => NotStored::Perhaps(unavailable(error)),
    }
}

/// Whether there is no such stream.
pub(super) fn is_not_found(error: &GetStreamError) -> bool {
    match error.kind() {
        GetStreamErrorKind::JetStream(said) => said.error_code() == ErrorCode::STREAM_NOT_FOUND,
        _ => false,
    }
}
