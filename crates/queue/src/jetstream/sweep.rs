//! Deleting what is handled, once the dedup window is over.
//!
//! The broker's word that something was acknowledged is not enough: when its leader is lost, it may forget that a message is out, and count it
//! among the acknowledged. So only what is noted as done is deleted. What is not goes to the end of its lane.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Weak;
use std::time::Duration;

use async_nats::jetstream::stream::Stream;
use tokio::time::Instant;

use super::Shared;
use super::broker::unavailable;
use super::options::Lane;
use super::wire::{Meta, Noted, State};
use crate::error::QueueError;

/// How many messages are looked through at a time.
const CHUNK: u64 = 50_000;

/// Every process does it, at its own times. The first deletes, the others find nothing left.
pub(super) async fn run(shared: Weak<Shared>) {
    let Some(window) = shared.upgrade().map(|shared| shared.settings.window()) else {
        return;
    };
    let pause = (window / 10).clamp(Duration::from_millis(500), Duration::from_secs(60));
    let mut sweep = Sweep::default();
    loop {
        tokio::time::sleep(pause).await;
        let Some(shared) = shared.upgrade() else { return };
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
    /// Up to where the broker had acknowledgements, of the main stream and of the retries, and when.
    floors: VecDeque<(Instant, u64, u64)>,
    /// Up to where the notes are read.
    noted: u64,
    /// What is done, of the retries or of the main stream.
    done: BTreeSet<(bool, u64)>,
}

impl Sweep {
    async fn once(&mut self, shared: &Shared, window: Duration) -> Result<(), QueueError> {
        let main = shared.floor().await?;
        let retry = shared.broker.lane_info(Lane::Retry).await?.ack_floor.stream_sequence;
        let now = Instant::now();
        self.floors.push_back((now, main, retry));
        let mut old = None;
        while let Some((at, main, retry)) = self.floors.front().copied() {
            if now.duration_since(at) < window {
                break;
            }
            old = Some((main, retry));
            self.floors.pop_front();
        }
        let Some((main, retry)) = old else { return Ok(()) };
        self.delete(shared, false, main).await?;
        self.delete(shared, true, retry).await?;
        self.done
            .retain(|(of_retry, sequence)| *sequence > if *of_retry { retry } else { main });
        Ok(())
    }

    /// Deletes a stream's messages up to this one.
    async fn delete(&mut self, shared: &Shared, retries: bool, floor: u64) -> Result<(), QueueError> {
        let broker = &shared.broker;
        let stream = if retries { &broker.retry } else { &broker.main };
        let state = broker.stream_state(stream).await?;
        let mut from = state.first_sequence;
        if state.messages == 0 || from > floor {
            return Ok(());
        }
        self.read_notes(shared).await?;
        while from <= floor {
            let to = floor.min(from.saturating_add(CHUNK - 1));
            for found in broker.scan(stream, None, from, Some(to), true).await? {
                if !self.done.contains(&(retries, found.sequence)) {
                    rescue(shared, stream, retries, found.sequence).await?;
                }
            }
            let purge = stream.purge().sequence(to.saturating_add(1));
            purge.await.map_err(unavailable)?;
            from = to.saturating_add(1);
        }
        Ok(())
    }

    async fn read_notes(&mut self, shared: &Shared) -> Result<(), QueueError> {
        let broker = &shared.broker;
        let state = broker.stream_state(&broker.state).await?;
        self.noted = self.noted.max(state.first_sequence.saturating_sub(1));
        while self.noted < state.last_sequence {
            let to = state.last_sequence.min(self.noted.saturating_add(CHUNK));
            for note in broker
                .scan(&broker.state, None, self.noted + 1, Some(to), false)
                .await?
            {
                let retry = broker.names.is_about_a_retry(&note.subject);
                if let Some(Noted {
                    sequence,
                    state: State::Done,
                }) = Noted::read(&note.payload)
                {
                    self.done.insert((retry, sequence));
                }
            }
            self.noted = to;
        }
        Ok(())
    }
}

/// Puts a message that nobody has handled to the end of its lane.
async fn rescue(shared: &Shared, stream: &Stream, retries: bool, sequence: u64) -> Result<(), QueueError> {
    // Somebody else was faster.
    let Ok(message) = stream.get_raw_message(sequence).await else {
        return Ok(());
    };
    let mut meta = Meta::read(Some(&message.headers)).unwrap_or_default();
    let id = *meta.id.get_or_insert(sequence);
    meta.out_of_order = true;
    let of = if retries { 'r' } else { 'q' };
    let once = format!("{:x}-rescued-{of}{sequence}", shared.store);
    let published = shared
        .broker
        .publish(message.subject, meta.headers(Some(&once)), message.payload);
    published.await?;
    let id = shared.id(id);
    tracing::warn!(
        target: "tencent_im_callback_queue",
        %id,
        "the broker counted a callback as acknowledged that was not handled; it is handled now"
    );
    Ok(())
}
