//! Deleting what is handled, once the dedup window is over.
//!
//! A message is deleted only if it is noted as done, never because the broker says that it is
//! acknowledged or missing. Messages are numbered without gaps, so all messages before the first
//! one without a note are done. A note is deleted once the broker has confirmed that its message is
//! gone. A message that the broker counts as acknowledged, and that has no note, is published
//! again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Weak;
use std::time::Duration;

use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use tokio::time::Instant;

use super::Shared;
use super::broker::{Broker, PATIENCE, unavailable};
use super::options::Lane;
use super::wire::{Meta, Noted, State};
use crate::error::QueueError;

/// How many notes are read at a time.
const CHUNK: u64 = 50_000;

/// How many messages without a note are checked in one sweep.
const LOOKED_AT: usize = 5000;

/// How many deletions are in flight at a time.
const DELETIONS: usize = 16;

/// After this number of windows a missing message is passed over: somebody has deleted it.
const MISSING: u32 = 10;

/// Every process sweeps, at its own times.
pub(super) async fn run(shared: Weak<Shared>) {
    let Some(window) = shared.upgrade().map(|shared| shared.settings.window()) else {
        return;
    };
    let pause = (window / 10).clamp(Duration::from_millis(500), Duration::from_secs(60));
    let mut sweep = Sweep::default();
    loop {
        tokio::time::sleep(pause).await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        if shared.lock().closed {
            return;
        }
        if let Err(error) = sweep.once(&shared, window).await {
            tracing::debug!(target: "tencent_im_callback_queue", %error, "handled callbacks could not be deleted");
        }
    }
}

#[derive(Default)]
struct Sweep {
    started: bool,
    /// All messages up to this one are done.
    mark: u64,
    /// Messages after `mark` that are done.
    done: BTreeSet<u64>,
    /// The sequence number up to which notes have been read.
    read: u64,
    /// Notes that were read and not deleted yet: the number of the note, and of its message if that
    /// is in the main stream.
    notes: VecDeque<(u64, Option<u64>)>,
    /// Earlier values of `mark` and of the last sequence number, with their times.
    history: VecDeque<(Instant, u64, u64)>,
    /// Messages up to this one are past the dedup window.
    over: u64,
    /// Messages of the main stream that are noted as done, until the broker has confirmed that they
    /// are gone. No others are deleted: a mark may lie behind a message that is not done.
    deletable: BTreeSet<u64>,
    /// Messages that are there although they lie before the mark: a process died while it deleted,
    /// or they were taken for missing.
    left: BTreeSet<u64>,
    /// Messages that cannot be found, and since when.
    missing: BTreeMap<u64, Instant>,
    /// The last mark: the number of its note, and its value.
    marked: Option<(u64, u64)>,
}

impl Sweep {
    async fn once(&mut self, shared: &Shared, window: Duration) -> Result<(), QueueError> {
        let broker = &shared.broker;
        if !self.started {
            self.mark = broker.mark().await?;
            self.over = self.mark;
            let first = broker.scan(&broker.main, None, 1, LOOKED_AT as u64, true).await?;
            let first = first.into_iter().map(|message| message.sequence);
            self.left = first.take_while(|sequence| *sequence <= self.mark).collect();
            self.started = true;
        }
        let last = broker.stream_state(&broker.main).await?.last_sequence;
        self.read_notes(shared).await?;
        self.advance();
        let now = Instant::now();
        self.history.push_back((now, self.mark, last));
        let mut old = None;
        while let Some((at, mark, last)) = self.history.front().copied() {
            if now.duration_since(at) < window {
                break;
            }
            old = Some((mark, last));
            self.history.pop_front();
        }
        let Some((mark, last)) = old else {
            return Ok(());
        };
        self.rescue(shared, last, window).await?;
        // First the mark, which never goes back: a new process does not find the notes of what is
        // deleted.
        let (note, marked) = self.marked.unwrap_or_default();
        let mut is_marked = true;
        if mark > marked.max(self.over) {
            match broker.put_mark(mark, note).await {
                // What is deleted makes space for it. Until then the notes stay.
                Err(QueueError::Full) => is_marked = false,
                put => put?,
            }
        }
        self.over = self.over.max(mark);
        for gone in delete(broker, &broker.main, self.deletable.range(..=self.over).copied()).await
        {
            self.deletable.remove(&gone);
        }
        if !is_marked {
            return Ok(());
        }
        let mut over = Vec::new();
        while let Some((note, of)) = self.notes.front().copied() {
            // A note about a retry is needed only as long as the retry is there.
            if of.is_some_and(|sequence| sequence > self.over || self.deletable.contains(&sequence))
            {
                break;
            }
            over.push(note);
            self.notes.pop_front();
        }
        let first = broker.stream_state(&broker.state).await?.first_sequence;
        let over: BTreeSet<u64> = over.into_iter().filter(|note| *note >= first).collect();
        let gone = delete(broker, &broker.state, over.iter().copied()).await;
        let gone = BTreeSet::from_iter(gone);
        for note in over.iter().rev().filter(|note| !gone.contains(note)) {
            self.notes.push_front((*note, None));
        }
        Ok(())
    }

    fn is_done(&mut self, sequence: u64) {
        self.deletable.insert(sequence);
        if sequence > self.mark {
            self.done.insert(sequence);
        }
    }

    fn advance(&mut self) {
        while self.done.remove(&self.mark.saturating_add(1)) {
            self.mark += 1;
        }
    }

    async fn read_notes(&mut self, shared: &Shared) -> Result<(), QueueError> {
        let broker = &shared.broker;
        loop {
            let found = broker.scan(&broker.state, None, self.read + 1, CHUNK, false).await?;
            let Some(last) = found.last().map(|note| note.sequence) else {
                return Ok(());
            };
            for note in found {
                let Some(Noted { sequence, state }) = Noted::read(&note.payload) else {
                    continue;
                };
                if broker.names.is_mark(&note.subject) {
                    // The mark before it is no longer needed.
                    let before = self.marked.replace((note.sequence, sequence));
                    self.notes.extend(before.map(|(before, _)| (before, None)));
                    // Another process has deleted up to there.
                    if sequence > self.mark {
                        self.done.retain(|done| *done > sequence);
                        self.mark = sequence;
                    }
                    continue;
                }
                let retry = broker.names.is_about_a_retry(&note.subject);
                self.notes.push_back((note.sequence, (!retry).then_some(sequence)));
                if retry && state == State::Done {
                    // In case the worker could not delete it.
                    drop(broker.retry.delete_message(sequence).await);
                } else if state == State::Done {
                    self.is_done(sequence);
                }
            }
            self.read = last;
        }
    }

    /// Looks for messages, up to this one, that the broker has lost track of.
    async fn rescue(
        &mut self,
        shared: &Shared,
        last: u64,
        window: Duration,
    ) -> Result<(), QueueError> {
        let broker = &shared.broker;
        if self.mark >= last {
            self.missing.clear();
        }
        self.missing = self.missing.split_off(&self.mark);
        if self.mark < last || !self.left.is_empty() {
            let lanes = Lane::main(shared.settings.partitions).map(async |lane| {
                let info = broker.lane_info(lane).await?;
                Ok::<_, QueueError>((broker.names.subject(lane), info.ack_floor.stream_sequence))
            });
            let floors: Vec<(String, u64)> = try_join_all(lanes).await?;
            let highest = floors.iter().map(|(_, floor)| *floor).max().unwrap_or(0).min(last);
            let open = (self.mark + 1..=highest).filter(|sequence| !self.done.contains(sequence));
            let open: Vec<u64> = open.take(LOOKED_AT).collect();
            for sequence in open {
                let found = look_at(shared, &floors, sequence).await?;
                if found == Looked::Missing {
                    self.miss(sequence, window);
                    continue;
                }
                self.missing.remove(&sequence);
                if found == Looked::Done {
                    self.is_done(sequence);
                }
            }
            for sequence in self.left.clone() {
                match look_at(shared, &floors, sequence).await? {
                    Looked::Waits => continue,
                    Looked::Done => self.is_done(sequence),
                    Looked::Missing => {}
                }
                self.left.remove(&sequence);
            }
        }
        // A retry that was handled is deleted at once, so those that are here have not been
        // handled.
        let floor = broker.lane_info(Lane::Retry).await?.ack_floor.stream_sequence;
        let found = broker.scan(&broker.retry, None, 1, u64::MAX, true).await?;
        for found in found.into_iter().filter(|found| found.sequence <= floor) {
            let (state, _) = broker.state_of(Lane::Retry, found.sequence).await?;
            if state.is_none()
                && let Ok(message) = broker.retry.get_raw_message(found.sequence).await
            {
                again(shared, message, Lane::Retry).await?;
            }
        }
        Ok(())
    }

    /// A message that cannot be found may still be there, so this waits, but not for ever.
    fn miss(&mut self, sequence: u64, window: Duration) {
        let since = *self.missing.entry(sequence).or_insert_with(Instant::now);
        if since.elapsed() > window.saturating_mul(MISSING) {
            tracing::warn!(target: "tencent_im_callback_queue", sequence, "a message is missing at the broker");
            self.done.insert(sequence);
            self.missing.remove(&sequence);
        }
    }
}

#[derive(PartialEq)]
enum Looked {
    Missing,
    /// It is noted as done.
    Done,
    /// The broker will deliver it, or has delivered it and waits for the acknowledgement.
    Waits,
}

/// Checks one message of the main stream. If the broker counts it as acknowledged and there is no
/// note, publishes it again.
async fn look_at(
    shared: &Shared,
    floors: &[(String, u64)],
    sequence: u64,
) -> Result<Looked, QueueError> {
    let broker = &shared.broker;
    let message = match broker.main.get_raw_message(sequence).await {
        Ok(message) => message,
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
            return Ok(Looked::Missing);
        }
        Err(error) => return Err(unavailable(error)),
    };
    let acknowledged =
        floors.iter().any(|(subject, floor)| *subject == *message.subject && *floor >= sequence);
    let Some(lane) = broker.names.lane(&message.subject).filter(|_| acknowledged) else {
        return Ok(Looked::Waits);
    };
    let (state, _) = broker.state_of(lane, sequence).await?;
    if state != Some(State::Done) {
        again(shared, message, Lane::Any).await?;
    }
    Ok(Looked::Done)
}

/// Deletes messages one by one, and returns those that are certainly gone. A purge up to a sequence
/// number would be one request, but is not safe: three servers of version 2.9.10, killed one after
/// the other, deleted everything.
async fn delete(
    broker: &Broker,
    stream: &Stream,
    sequences: impl IntoIterator<Item = u64>,
) -> Vec<u64> {
    let deletions = sequences.into_iter().map(async |sequence| {
        let gone = broker.delete(stream, sequence).await;
        gone.is_ok().then_some(sequence)
    });
    futures_util::stream::iter(deletions)
        .buffer_unordered(DELETIONS)
        .filter_map(std::future::ready)
        .collect()
        .await
}

/// Publishes a message again that nobody has handled.
async fn again(
    shared: &Shared,
    message: async_nats::jetstream::message::StreamMessage,
    of: Lane,
) -> Result<(), QueueError> {
    let broker = &shared.broker;
    let mut meta = Meta::read(Some(&message.headers)).unwrap_or_default();
    let id = *meta.id.get_or_insert(message.sequence);
    meta.out_of_order = true;
    let once = format!("{:x}-again-{}-{}", shared.store, of.name(), message.sequence);
    let headers = meta.headers(Some(&once));
    broker.publish(message.subject, headers, message.payload, PATIENCE).await?;
    // If this fails, the message is published again, and the broker recognises the duplicate by its
    // id.
    broker
        .note(broker.names.state_subject(of, message.sequence, true), message.sequence, State::Done)
        .await?;
    let id = shared.id(id);
    tracing::warn!(
        target: "tencent_im_callback_queue",
        %id,
        "the broker counted a callback as acknowledged that was not handled; it is handled now"
    );
    Ok(())
}
