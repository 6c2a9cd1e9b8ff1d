//! Requests to the broker, and how its answers are read.

use std::error::Error;
use std::time::Duration;

use async_nats::header::{HeaderMap, NATS_EXPECTED_LAST_SUBJECT_SEQUENCE};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use async_nats::jetstream::stream::{
    DeleteMessageErrorKind, DirectGetErrorKind, LastRawMessageErrorKind, Stream,
};
use async_nats::jetstream::{AckKind, Context, ErrorCode, consumer, stream};
use async_nats::{Client, Request, RequestErrorKind, Subject};
use bytes::Bytes;
use futures_util::StreamExt;
use serde::Deserialize;

use super::claims::Held;
use super::options::{Lane, Names};
use super::wire::{Meta, Noted, State};
use crate::error::{QueueError, StorageError};

/// How long to wait for one answer of the broker. A repeated request is repeated after this time.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// How many messages a scan reads at a time.
const SCAN: u64 = 500;

/// The streams and consumers of one queue.
pub(super) struct Broker {
    pub(super) context: Context,
    pub(super) client: Client,
    pub(super) names: Names,
    pub(super) main: Stream,
    pub(super) retry: Stream,
    pub(super) dead: Stream,
    pub(super) state: Stream,
    /// In the order of [`Lane::all`].
    pub(super) lanes: Vec<(Lane, PullConsumer)>,
    /// Whether notes may be read from any server: there is only one.
    pub(super) direct: bool,
}

/// The broker has stored a message.
pub(super) struct Stored {
    pub(super) sequence: u64,
    /// Whether it was stored before; then this is the sequence number of that time.
    pub(super) duplicate: bool,
}

/// The broker has not confirmed that it has stored a message.
pub(super) enum NotStored {
    /// It has certainly not stored it.
    Surely(QueueError),
    /// It may have stored it: a second try without an id could store it twice.
    Perhaps(QueueError),
}

impl From<NotStored> for QueueError {
    fn from(error: NotStored) -> Self {
        let (NotStored::Surely(error) | NotStored::Perhaps(error)) = error;
        error
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

/// A message of a stream, found by a scan.
pub(super) struct Found {
    pub(super) sequence: u64,
    pub(super) subject: Subject,
    pub(super) meta: Option<Meta>,
    pub(super) payload: Bytes,
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

    /// Acknowledges a delivery, and waits until the broker confirms.
    pub(super) async fn acknowledge(
        &self,
        reply: &Subject,
        kind: AckKind,
    ) -> Result<(), QueueError> {
        let request = Request::new().payload(kind.into()).timeout(Some(PATIENCE));
        let answer = self.client.send_request(reply.clone(), request).await;
        answer.map(drop).map_err(unavailable)
    }

    /// Acknowledges a delivery without waiting. If it is lost, the message comes again after
    /// `ack_wait`.
    pub(super) async fn tell(&self, reply: Subject, kind: AckKind) {
        drop(self.client.publish(reply, kind.into()).await);
    }

    /// Acknowledges, and requests the next message of the lane, in one message to the broker. Two
    /// messages would halve the speed.
    pub(super) async fn next(&self, reply: Subject, expires: Duration, inbox: String) {
        let ask = format!("+NXT {{\"batch\":1,\"expires\":{}}}", expires.as_nanos());
        drop(self.client.publish_with_reply(reply, inbox, ask.into()).await);
    }

    /// The state of a message, and whether a later one of its partition has a note.
    pub(super) async fn state_of(
        &self,
        lane: Lane,
        sequence: u64,
    ) -> Result<(Option<State>, bool), QueueError> {
        let subject = self.names.state_subject(lane, sequence, false);
        let Some((note, last)) = self.last_note(&subject).await? else {
            return Ok((None, false));
        };
        if last.sequence <= sequence {
            let state = (last.sequence == sequence).then_some(last.state);
            return Ok((state, false));
        }
        let own = self.names.state_subject(lane, sequence, true);
        if let Some((_, noted)) = self.last_note(&own).await? {
            return Ok((Some(noted.state), true));
        }
        Ok((self.note_before(&subject, note, sequence).await?, true))
    }

    /// The note about a message, if it lies before the note about a later message. A partition's
    /// notes are in the order of its messages, so a binary search finds it. It reads from the
    /// leader, since a message without a note may be handled again.
    async fn note_before(
        &self,
        subject: &str,
        later: u64,
        sequence: u64,
    ) -> Result<Option<State>, QueueError> {
        let (mut from, mut to) = (1, later.saturating_sub(1));
        let mut state = None;
        while from <= to {
            let middle = from + (to - from) / 2;
            let read = self.state.raw_message_builder().sequence(middle);
            let noted = match read.next_by_subject(subject).send().await {
                Ok(message) if message.sequence <= to => {
                    Some((message.sequence, Noted::read(&message.payload)))
                }
                Ok(_) => None,
                Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => None,
                Err(error) => return Err(unavailable(error)),
            };
            match noted {
                Some((at, Some(noted))) if noted.sequence <= sequence => {
                    // There may be a newer one.
                    if noted.sequence == sequence {
                        state = Some(noted.state);
                    }
                    from = at + 1;
                }
                Some((at, None)) => from = at + 1,
                _ => to = middle - 1,
            }
        }
        Ok(state)
    }

    /// Reads from the leader: a follower may not have the note yet.
    async fn last_note(&self, subject: &str) -> Result<Option<(u64, Noted)>, QueueError> {
        let noted = |sequence, payload: &[u8]| Noted::read(payload).map(|noted| (sequence, noted));
        if self.direct {
            return match self.state.direct_get_last_for_subject(subject).await {
                Ok(message) => Ok(noted(message.sequence, &message.payload)),
                Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(None),
                Err(error) => Err(unavailable(error)),
            };
        }
        match self.state.get_last_raw_message_by_subject(subject).await {
            Ok(message) => Ok(noted(message.sequence, &message.payload)),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    pub(super) async fn put_state(&self, held: &Held, state: State) -> Result<(), QueueError> {
        let subject = self.names.state_subject(held.lane, held.sequence, held.late);
        self.note(subject, held.sequence, state).await
    }

    pub(super) async fn note(
        &self,
        subject: String,
        sequence: u64,
        state: State,
    ) -> Result<(), QueueError> {
        self.note_with(subject, HeaderMap::new(), Noted { sequence, state }).await
    }

    async fn note_with(
        &self,
        subject: String,
        headers: HeaderMap,
        noted: Noted,
    ) -> Result<(), QueueError> {
        self.publish(subject.into(), headers, noted.to_bytes(), PATIENCE).await?;
        Ok(())
    }

    /// The sequence number up to which the main stream was deleted.
    pub(super) async fn mark(&self) -> Result<u64, QueueError> {
        let noted = self.last_note(&self.names.mark()).await?;
        Ok(noted.map_or(0, |(_, noted)| noted.sequence))
    }

    /// Fails if there is a mark other than the one whose note has this number (0 if none): it may
    /// be further on.
    pub(super) async fn put_mark(&self, sequence: u64, before: u64) -> Result<(), QueueError> {
        let mut headers = HeaderMap::new();
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, before.to_string());
        let state = State::Done;
        self.note_with(self.names.mark(), headers, Noted { sequence, state }).await
    }

    pub(super) fn stream_of(&self, lane: Lane) -> &Stream {
        if lane == Lane::Retry { &self.retry } else { &self.main }
    }

    /// Deletes a message. Returns an error also if it is not certain that the message is gone.
    pub(super) async fn delete(&self, stream: &Stream, sequence: u64) -> Result<(), QueueError> {
        match stream.delete_message(sequence).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) => match error.kind() {
                DeleteMessageErrorKind::JetStream(_) => {}
                _ => return Err(unavailable(error)),
            },
        }
        // Another process may have been faster.
        match stream.get_raw_message(sequence).await {
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(()),
            Err(error) => Err(unavailable(error)),
            Ok(_) => {
                Err(QueueError::Unavailable(StorageError::new("the message cannot be deleted")))
            }
        }
    }

    /// Requests messages of a lane. They arrive in the inbox.
    pub(super) async fn ask(
        &self,
        lane: usize,
        batch: usize,
        expires: Duration,
        inbox: String,
    ) -> Result<(), QueueError> {
        let Some((_, consumer)) = self.lanes.get(lane) else {
            return Ok(());
        };
        let request =
            pull::BatchConfig { batch, expires: Some(expires), ..pull::BatchConfig::default() };
        let sent = consumer.request_batch(request, inbox.into()).await;
        sent.map_err(unavailable)
    }

    /// The state of a lane's consumer.
    pub(super) async fn lane_info(&self, lane: Lane) -> Result<consumer::Info, QueueError> {
        let info = self.stream_of(lane).consumer_info(lane.name()).await;
        info.map_err(unavailable)
    }

    pub(super) async fn stream_state(&self, stream: &Stream) -> Result<stream::State, QueueError> {
        stream.get_info().await.map(|info| info.state).map_err(unavailable)
    }

    /// The first messages of a stream, or of one of its subjects, from this sequence number on.
    /// There may be more.
    pub(super) async fn scan(
        &self,
        stream: &Stream,
        subject: Option<String>,
        from: u64,
        most: u64,
        headers_only: bool,
    ) -> Result<Vec<Found>, QueueError> {
        let config = pull::Config {
            filter_subject: subject.unwrap_or_default(),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from.max(1) },
            // Nothing is acknowledged, but servers before 2.10 require this of pull consumers.
            ack_policy: AckPolicy::Explicit,
            ack_wait: Duration::from_secs(3600),
            max_ack_pending: -1,
            headers_only,
            inactive_threshold: Duration::from_secs(30),
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        let consumer = stream.create_consumer(config).await.map_err(unavailable)?;
        let mut rest = consumer.cached_info().num_pending;
        let mut at = from.saturating_sub(1);
        let mut found = Vec::new();
        while rest > 0 && (found.len() as u64) < most {
            let batch = rest.min(SCAN).min(most - found.len() as u64);
            let batch = usize::try_from(batch).unwrap_or(1);
            let fetch = consumer.fetch().max_messages(batch).expires(PATIENCE);
            let mut messages = fetch.messages().await.map_err(unavailable)?;
            let before = at;
            while let Some(message) = messages.next().await {
                let message =
                    message.map_err(|error| QueueError::Unavailable(StorageError::new(error)))?;
                let info = message.info();
                let info =
                    info.map_err(|error| QueueError::Unavailable(StorageError::new(error)))?;
                rest = info.pending;
                at = info.stream_sequence;
                found.push(Found {
                    sequence: info.stream_sequence,
                    meta: Meta::read(message.headers.as_ref()),
                    subject: message.subject.clone(),
                    payload: message.payload.clone(),
                });
            }
            if at == before {
                // Somebody deleted the rest.
                break;
            }
        }
        let name = &consumer.cached_info().name;
        drop(stream.delete_consumer(name).await);
        Ok(found)
    }
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
    if full { NotStored::Surely(QueueError::Full) } else { NotStored::Perhaps(unavailable(error)) }
}
