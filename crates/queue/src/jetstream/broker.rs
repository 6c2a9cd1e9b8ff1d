//! Requests to the broker, and how its answers are read.

use std::error::Error;
use std::time::Duration;

use async_nats::connection::State as Connection;
use async_nats::header::HeaderMap;
use async_nats::jetstream::context::{GetStreamError, GetStreamErrorKind};
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use async_nats::jetstream::{Context, ErrorCode, stream};
use async_nats::{Client, Message, Request, RequestErrorKind, StatusCode, Subject};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use serde::Deserialize;

use super::names::{Lane, Names};
use super::wire::{Meta, Position};
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
        self.is_reached().map_err(NotStored::Surely)?;
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
            RequestErrorKind::NoResponders => {
                let error = StorageError::new("the stream is gone, or has no leader");
                NotStored::Surely(QueueError::Unavailable(error))
            }
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

    /// A stream to ask for something.
    pub(super) async fn stream(
        &self,
        name: impl AsRef<str>,
    ) -> Result<stream::Stream<()>, QueueError> {
        self.is_reached()?;
        self.context.get_stream_no_info(name).await.map_err(unavailable)
    }

    /// A stream, as its leader has it now.
    async fn stream_now(&self, name: &str) -> Result<stream::Stream, QueueError> {
        self.is_reached()?;
        self.context.get_stream(name).await.map_err(unavailable)
    }

    /// Without a connection, the client would keep a request and send it when there is one again,
    /// long after it was given up.
    pub(super) fn is_reached(&self) -> Result<(), QueueError> {
        if self.client.connection_state() == Connection::Connected {
            return Ok(());
        }
        Err(QueueError::Unavailable(StorageError::new("not connected")))
    }

    /// Tells the other processes of the queue.
    pub(super) async fn say(&self, text: String) {
        if self.is_reached().is_ok() {
            drop(self.client.publish(self.names.news(), text.into()).await);
        }
    }

    pub(super) async fn state(&self, stream: &str) -> Result<stream::State, QueueError> {
        Ok(self.stream_now(stream).await?.cached_info().state.clone())
    }

    /// Whether this message is in the stream, as its leader has it, and no other in its place.
    pub(super) async fn has(&self, stream: &str, at: Position) -> Result<bool, QueueError> {
        match self.stream(stream).await?.get_raw_message(at.sequence).await {
            Ok(found) => Ok(found.time.unix_timestamp_nanos() == i128::from(at.stored)),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(false),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// The sequence number of the last message of a lane's partition, as the leader has it. `None`:
    /// there is none.
    pub(super) async fn last(
        &self,
        lane: Lane,
        partition: usize,
    ) -> Result<Option<u64>, QueueError> {
        let stream = self.stream(self.names.stream(lane)).await?;
        let subject = self.names.filter(lane, partition);
        match stream.get_last_raw_message_by_subject(&subject).await {
            Ok(found) => Ok(Some(found.sequence)),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// The number of messages of a lane's partition, as the leader has them.
    pub(super) async fn count(&self, lane: Lane, partition: usize) -> Result<u64, QueueError> {
        let stream = self.stream(self.names.stream(lane)).await?;
        let counts = stream.info_with_subjects(self.names.filter(lane, partition)).await;
        let counts = counts.map_err(unavailable)?.map_ok(|(_, count)| count as u64);
        counts.try_fold(0, async |sum, count| Ok(sum + count)).await.map_err(unavailable)
    }

    /// Whether this server leads the stream.
    pub(super) async fn leads(&self, server: &str, stream: &str) -> Result<bool, QueueError> {
        let stream = self.stream_now(stream).await?;
        let cluster = stream.cached_info().cluster.as_ref();
        Ok(cluster.is_none_or(|cluster| cluster.leader.as_deref() == Some(server)))
    }

    /// Deletes a message. Whether it was there.
    ///
    /// The client's own request asks the broker to overwrite the message, for which it writes the
    /// whole block anew, 8 MB, each time.
    pub(super) async fn delete(&self, stream: &str, sequence: u64) -> Result<bool, QueueError> {
        use async_nats::jetstream::response::Response;

        #[derive(Deserialize)]
        struct Deleted {
            success: bool,
        }

        self.is_reached()?;
        let subject = format!("STREAM.MSG.DELETE.{stream}");
        let what = serde_json::json!({ "seq": sequence, "no_erase": true });
        let asked = self.context.request(subject, &what);
        let answered = tokio::time::timeout(PATIENCE, asked).await.map_err(unavailable)?;
        match answered.map_err(unavailable)? {
            Response::Ok(Deleted { success }) => Ok(success),
            Response::Err { error } if is_gone(&error) => Ok(false),
            Response::Err { error } => Err(unavailable(error)),
        }
    }

    /// The messages of a stream from this sequence number on, some at a time; none if there are no
    /// more. Any of the servers answers, so the newest may be missing.
    pub(super) async fn read(&self, stream: &str, from: u64) -> Result<Vec<Found>, QueueError> {
        self.is_reached()?;
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

/// Whether the message is not there. One code stands for all that keeps it from being deleted.
fn is_gone(error: &async_nats::jetstream::Error) -> bool {
    let text = error.to_string();
    let is_named = ["no message found", "deleted message"].iter().any(|why| text.contains(why));
    matches!(error.error_code().0, 10037 | 10043) || (error.error_code().0 == 10057 && is_named)
}

/// Whether there is no such stream.
pub(super) fn is_not_found(error: &GetStreamError) -> bool {
    match error.kind() {
        GetStreamErrorKind::JetStream(said) => said.error_code() == ErrorCode::STREAM_NOT_FOUND,
        _ => false,
    }
}
