//! When a new owner of a partition may start: once all is here that others had and did not
//! acknowledge. The broker hands it over at once if it is told that nobody works on it.

use std::collections::HashSet;
use std::time::Duration;

use async_nats::jetstream::AckKind;
use async_nats::jetstream::consumer::Info;

use super::broker::unavailable;
use super::names::Lane;
use super::pull::Pulled;
use super::serve::{BATCH, Owner};
use super::streams::OUT;
use crate::error::{QueueError, StorageError};

/// How long to wait for the next message of a pull that does not wait for new ones.
const END: Duration = Duration::from_millis(500);

/// The most that is asked for in one round. The rest comes once `ack_wait` is over.
const ASKED: usize = 100_000;

impl Owner {
    /// Compares what the broker waits for with what is here, and takes what is missing. Whether
    /// nothing is missing, and a pull has ended before (`pulled`).
    pub(super) async fn round(
        &mut self,
        lane: usize,
        pulled: &mut bool,
    ) -> Result<bool, QueueError> {
        let name = self.reader(lane).lane;
        let begun = self.lease.quiet();
        let Some(info) = self.shared.broker.lane(name, self.partition).await? else {
            let error = StorageError::new("the consumer is gone");
            return Err(QueueError::Unavailable(error));
        };
        let held = self.held(name);
        let full = i64::try_from(info.num_ack_pending).is_ok_and(|count| count >= OUT);
        // Retries block their keys, so all of them must be known.
        let read = name == Lane::New || info.num_pending == 0 || full;
        let quiet = begun.is_some() && begun == self.lease.quiet();
        if *pulled && read && quiet && info.num_ack_pending == held.len() {
            self.arrived(lane, info.delivered.consumer_sequence);
            return Ok(true);
        }
        self.ask_back(name, &info, &held).await?;
        *pulled = true;
        self.fetch(lane, info.delivered.stream_sequence).await;
        Ok(false)
    }

    /// Tells the broker that nobody works on what is not here. It ignores that for what was
    /// acknowledged, and forgets what is no longer in the stream.
    async fn ask_back(
        &mut self,
        lane: Lane,
        info: &Info,
        held: &HashSet<u64>,
    ) -> Result<(), QueueError> {
        let from = info.ack_floor.stream_sequence + 1;
        let missing = (from..=info.delivered.stream_sequence).filter(|at| !held.contains(at));
        let broker = &self.shared.broker;
        let subject = |sequence| {
            let delivery = info.delivered.consumer_sequence;
            broker.names.acknowledgement(lane, self.partition, sequence, delivery)
        };
        let mut last = None;
        for sequence in missing.take(ASKED) {
            if let Some(before) = last.replace(sequence) {
                let told = broker.client.publish(subject(before), "-NAK".into()).await;
                told.map_err(unavailable)?;
            }
            // Another worker may own it by now.
            if !self.lease.may_start() {
                return Ok(());
            }
        }
        // Its answer says that the others were read.
        if let Some(last) = last {
            broker.confirm(subject(last).into(), AckKind::Nak(None)).await?;
        }
        Ok(())
    }

    /// Pulls what the broker hands over, which comes before new ones.
    async fn fetch(&mut self, lane: usize, last: u64) {
        loop {
            self.reader(lane).puller.pull(BATCH, false).await;
            let mut count = 0;
            let mut passed = false;
            while self.reader(lane).puller.is_open() {
                let next = tokio::time::timeout(END, self.reader(lane).puller.next()).await;
                let Ok(Pulled::Message(message)) = next else {
                    self.reader(lane).puller.give_up();
                    break;
                };
                count += 1;
                if let Some(arrived) = self.arrive(lane, message).await {
                    passed |= arrived.sequence > last;
                }
            }
            let all = self.reader(lane).lane == Lane::Retry;
            if count < BATCH || (passed && !all) || !self.lease.may_start() {
                return;
            }
        }
    }
}
