//! When a new owner of a partition may start: once all is here that others had and did not
//! acknowledge. The broker hands it over at once if it is told that nobody works on it.

use std::time::Duration;

use async_nats::jetstream::AckKind;
use async_nats::jetstream::consumer::Info;
use tokio::time::Instant;

use super::broker::unavailable;
use super::names::Lane;
use super::pull::{EXPIRES, Pulled};
use super::serve::{BATCH, Owner};
use super::streams::OUT;
use crate::error::{QueueError, StorageError};

/// How long to wait for the next message of a pull that does not wait for new ones.
const END: Duration = Duration::from_millis(500);

/// The rounds until all is here.
pub(super) struct Takeover {
    began: Instant,
    ack_wait: Duration,
    /// Whether a pull of each lane has ended.
    pulled: [bool; 2],
}

impl Takeover {
    pub(super) fn new(ack_wait: Duration) -> Self {
        Takeover { began: Instant::now(), ack_wait, pulled: [false; 2] }
    }

    /// Whether a round that began at this time has seen all that the last owner could get.
    fn is_late_enough(&self, round: Instant, heard: bool) -> bool {
        let passed = round.duration_since(self.began);
        heard && passed > EXPIRES + EXPIRES / 5 || passed > self.ack_wait + EXPIRES
    }
}

impl Owner {
    /// Compares what the broker waits for with what is here, and takes what is missing. Whether
    /// nothing is missing.
    ///
    /// Purged messages are counted by the broker for a long time. So what is still counted after a
    /// whole round that brought nothing is no message, if the round began after the last pull of
    /// the owner before had expired.
    pub(super) async fn round(
        &mut self,
        lane: usize,
        takeover: &mut Takeover,
    ) -> Result<bool, QueueError> {
        let round = Instant::now();
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
        let delivery = info.delivered.consumer_sequence;
        if takeover.pulled[lane] && read && quiet && info.num_ack_pending == held.len() {
            self.arrived(lane, delivery);
            return Ok(true);
        }
        let heard = self.ask_back(name, &info).await?;
        takeover.pulled[lane] = true;
        let came = self.fetch(lane, info.delivered.stream_sequence).await;
        let over = read && quiet && !came && takeover.is_late_enough(round, heard);
        if over {
            self.arrived(lane, delivery);
        }
        Ok(over)
    }

    /// Tells the broker that nobody works on what is not here. It ignores that for what was
    /// acknowledged. Whether it has heard.
    async fn ask_back(&mut self, lane: Lane, info: &Info) -> Result<bool, QueueError> {
        let held = self.held(lane);
        let from = info.ack_floor.stream_sequence + 1;
        let missing = (from..=info.delivered.stream_sequence).filter(|at| !held.contains(at));
        let broker = &self.shared.broker;
        let subject = |sequence| {
            let delivery = info.delivered.consumer_sequence;
            broker.names.acknowledgement(lane, self.partition, sequence, delivery)
        };
        let mut last = None;
        for sequence in missing {
            if let Some(before) = last.replace(sequence) {
                let told = broker.client.publish(subject(before), "-NAK".into()).await;
                told.map_err(unavailable)?;
            }
            // Another worker may own it by now.
            if !self.lease.may_start() {
                return Ok(false);
            }
        }
        let Some(last) = last else { return Ok(true) };
        Ok(broker.confirm(subject(last).into(), AckKind::Nak(None)).await.is_ok())
    }

    /// Pulls what the broker hands over, which comes before new ones. Whether anything came that was
    /// not here.
    async fn fetch(&mut self, lane: usize, last: u64) -> bool {
        let mut came = false;
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
                    came |= arrived.is_new;
                    passed |= arrived.sequence > last;
                }
            }
            let all = self.reader(lane).lane == Lane::Retry;
            if count < BATCH || (passed && !all) || !self.lease.may_start() {
                return came;
            }
        }
    }
}
