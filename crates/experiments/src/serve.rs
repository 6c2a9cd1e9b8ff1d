//! Handling the partition that a worker has a lease on. Its consumer outlives its owners.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::api::Answer;
use crate::engine::{Engine, Worker};
use crate::held::Lease;
use crate::pull::{Pulled, Puller};

/// How many sequence numbers are asked for at a time. Further ones come when `ack_wait` is over.
const MAX_ASKED: usize = 100_000;

/// The consumer of a partition outlives its owners: what it knows to be acknowledged may not have
/// left the stream yet.
async fn consumer(worker: &Worker, partition: u32, lease: &Lease) -> bool {
    let name = format!("p{partition}");
    let config = json!({
        "durable_name": name, "filter_subject": format!("q.{partition}"), "ack_policy": "explicit",
        "ack_wait": worker.ttl.as_nanos() as u64, "max_ack_pending": 50_000, "max_deliver": -1,
        "num_replicas": worker.replicas,
    });
    let body = json!({"stream_name": "q", "config": config});
    while lease.holds() {
        match worker.api.once(&format!("CONSUMER.DURABLE.CREATE.q.{name}"), &body).await {
            Some(Answer::Done(_)) => return true,
            Some(Answer::Failed(code, text)) => {
                worker.log.say(&format!("not made {name} {code} {text}"));
            }
            None => {}
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

/// Handles a partition for as long as the lease holds and nobody asks for it.
pub async fn serve(worker: Arc<Worker>, partition: u32, lease: Arc<Lease>) {
    let holds = lease.clone();
    let mut engine = Engine::new(worker.clone(), partition, Arc::new(move || holds.holds()));
    while lease.may_start() && consumer(&worker, partition, &lease).await {
        let Some(puller) = Puller::new(&worker.api, "q", &format!("p{partition}")).await else {
            continue;
        };
        let mut owner = Owner {
            worker: worker.clone(),
            partition,
            lease: lease.clone(),
            puller,
            settled: false,
            rounds: 0,
            since: Instant::now(),
        };
        owner.follow(&mut engine).await;
        if lease.draining.load(Ordering::SeqCst) && lease.holds() {
            engine.give_back(&mut owner.puller).await;
        } else {
            engine.take_rest(&mut owner.puller).await;
        }
    }
    // What runs ends by itself, and is acknowledged; nothing of it is begun anew.
    while lease.holds() && !engine.running.is_empty() {
        tokio::select! {
            Some(Ok(ended)) = engine.running.join_next() => engine.end(ended),
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
    }
    worker.log.say(&format!("left {partition} {}", worker.id));
    engine.running.detach_all();
}

struct Owner {
    worker: Arc<Worker>,
    partition: u32,
    lease: Arc<Lease>,
    puller: Puller,
    /// All that was delivered and not acknowledged is here, so that nothing can come in between.
    settled: bool,
    /// Pulls since it is not.
    rounds: u32,
    since: Instant,
}

impl Owner {
    /// Returns when the consumer has to be made anew, or the lease is over or wanted back.
    async fn follow(&mut self, engine: &mut Engine) {
        let worker = self.worker.clone();
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        while self.lease.may_start() {
            if !self.puller.is_open() && self.settled {
                let room = worker.window.saturating_sub(engine.held());
                if room > 0 {
                    self.puller.pull(room.min(500), &json!({})).await;
                }
            }
            tokio::select! {
                pulled = self.puller.next() => match pulled {
                    Pulled::Message(message) => {
                        if !engine.arrive(message) && self.settled {
                            worker.log.say(&format!("gap {}", self.partition));
                            self.unsettle();
                        }
                    }
                    // Nothing came, or it has expired.
                    Pulled::Ended(404 | 408) => {}
                    Pulled::Ended(status) => {
                        // Deleted, without a leader, or another one's: made if it is missing.
                        worker.log.say(&format!("ended {} {status}", self.partition));
                        // The server says so before it has removed the consumer's folder. One that
                        // is made meanwhile loses its folder to the removal.
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        return;
                    }
                },
                Some(Ok(ended)) = engine.running.join_next(), if !engine.running.is_empty() => {
                    engine.end(ended);
                }
                Ok(permit) = worker.permits.clone().acquire_owned(),
                    if self.settled && engine.is_ready() =>
                {
                    if self.lease.may_start() {
                        engine.start(permit);
                    }
                }
                _ = tick.tick() => {
                    if self.settled && self.puller.is_late() {
                        return;
                    }
                    if !self.settled && !self.puller.is_waited_for() && self.settle(engine).await {
                        return;
                    }
                }
            }
        }
    }

    fn unsettle(&mut self) {
        self.settled = false;
        self.rounds = 0;
        self.since = Instant::now();
    }

    /// Compares what the broker waits for with what is here, while no pull is open. If they differ,
    /// asks for all that is missing. Whether the consumer is missing.
    async fn settle(&mut self, engine: &Engine) -> bool {
        let begun = engine.quiet();
        let subject = format!("CONSUMER.INFO.q.p{}", self.partition);
        let info = match self.worker.api.once(&subject, &json!({})).await {
            Some(Answer::Done(info)) => info,
            Some(Answer::Failed(code, text)) => {
                self.worker.log.say(&format!("no information {} {code} {text}", self.partition));
                return true;
            }
            None => return false,
        };
        let exact = begun.is_some() && engine.quiet() == begun;
        let held = engine.held();
        if self.rounds > 0 && exact && info["num_ack_pending"] == json!(held) {
            self.settled = true;
            let took = self.since.elapsed().as_millis();
            self.worker.log.say(&format!("own {} {} {took}", self.partition, self.worker.id));
            return false;
        }
        if self.rounds > 3 {
            let (partition, pending) = (self.partition, &info["num_ack_pending"]);
            self.worker.log.say(&format!("unsettled {partition} {pending} {held} {exact}"));
        }
        self.rounds += 1;
        self.ask_for_missing(engine, &info).await;
        self.puller.pull(500, &json!({"no_wait": true})).await;
        false
    }

    /// Of what is not here, the broker delivers again at once what it has delivered to others. A
    /// refusal of a message that nobody has changes nothing, and that of one that was purged makes
    /// the broker forget it.
    async fn ask_for_missing(&self, engine: &Engine, info: &Value) {
        let number = |end: &str, which: &str| info[end][which].as_u64().unwrap_or(0);
        let (floor, last) = (number("ack_floor", "stream_seq"), number("delivered", "stream_seq"));
        let delivery = number("delivered", "consumer_seq");
        let here = engine.sequences();
        let client = &self.worker.api.client;
        let name = format!("$JS.ACK.q.p{}", self.partition);
        let missing = (floor + 1..=last).filter(|sequence| !here.contains(sequence));
        let mut newest = None;
        for sequence in missing.take(MAX_ASKED) {
            let subject = format!("{name}.1.{sequence}.{delivery}.0.0");
            drop(client.publish(subject.clone(), "-NAK".into()).await);
            newest = Some(subject);
        }
        // An answer to the last one says that the others have been read.
        if let Some(subject) = newest {
            drop(client.request(subject, "-NAK".into()).await);
        }
    }
}
