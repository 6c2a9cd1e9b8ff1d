//! The design that was chosen: a partition belongs to the worker whose record in the stream of
//! owners is the last one, written by compare-and-set; each partition has a consumer that outlives its owners.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use futures_util::StreamExt;
use futures_util::future::join_all;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::api::{Answer, Api};
use crate::engine::{Engine, Worker};
use crate::pull::{Pulled, Puller};

pub struct Lease {
    born: Instant,
    /// Until when it holds, in ms since `born`. 0: lost.
    until: AtomicU64,
    draining: AtomicBool,
}

impl Lease {
    fn new(until: Instant) -> Arc<Self> {
        let born = Instant::now();
        let lease = Lease { born, until: AtomicU64::new(0), draining: AtomicBool::new(false) };
        lease.extend(until);
        Arc::new(lease)
    }

    fn extend(&self, until: Instant) {
        let until = until.saturating_duration_since(self.born).as_millis();
        self.until.store(u64::try_from(until).unwrap_or(0), Ordering::SeqCst);
    }

    fn lose(&self) {
        self.until.store(0, Ordering::SeqCst);
    }

    pub fn holds(&self) -> bool {
        (self.born.elapsed().as_millis() as u64) < self.until.load(Ordering::SeqCst)
    }

    fn may_start(&self) -> bool {
        !self.draining.load(Ordering::SeqCst) && self.holds()
    }
}

struct Owned {
    lease: Arc<Lease>,
    revision: u64,
    /// Ends when the lease is lost, or when it was drained.
    task: JoinHandle<()>,
}

pub async fn streams(api: &Api, replicas: usize) {
    api.work_queue("q", "q.*", replicas).await;
    api.work_queue("q-retry", "q-retry.*", replicas).await;
    owners(api, replicas).await;
}

async fn owners(api: &Api, replicas: usize) {
    let config = json!({
        "name": "q-owners", "subjects": ["q-owners.*"], "max_msgs_per_subject": 1,
        "storage": "file", "num_replicas": replicas, "allow_direct": true,
    });
    drop(api.call("STREAM.CREATE.q-owners", &config).await);
}

enum Written {
    Revision(u64),
    Mismatch,
    Unknown,
}

/// Writes the record of a partition if the last one is that of `revision`.
async fn write(worker: &Worker, partition: u32, revision: u64, text: &str) -> Written {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Expected-Last-Subject-Sequence", revision.to_string());
    let subject = format!("q-owners.{partition}");
    match worker.api.publish(&subject, headers, text.to_owned()).await {
        Some(Ok((revision, _))) => Written::Revision(revision),
        Some(Err((10071 | 10164, _))) => Written::Mismatch,
        _ => Written::Unknown,
    }
}

/// Revision and text of the last record, both empty if there is none.
async fn read(worker: &Worker, partition: u32) -> Option<(u64, String)> {
    let subject = format!("$JS.API.DIRECT.GET.q-owners.q-owners.{partition}");
    let message = worker.api.client.request(subject, "".into()).await.ok()?;
    if message.status.is_some() {
        return (message.status?.as_u16() == 404).then(|| (0, String::new()));
    }
    let revision = message.headers.as_ref()?.get("Nats-Sequence")?.as_str().parse().ok()?;
    Some((revision, String::from_utf8_lossy(&message.payload).into_owned()))
}

struct Manager {
    worker: Arc<Worker>,
    owned: HashMap<u32, Owned>,
    /// The record of another worker, and since when it has not changed.
    seen: HashMap<u32, (u64, Instant)>,
    members: HashMap<String, Instant>,
}

impl Manager {
    fn until(&self, sent: Instant) -> Instant {
        sent + self.worker.ttl - self.worker.ttl / 10
    }

    async fn renew(&mut self) {
        let worker = self.worker.clone();
        let renewals = self.owned.iter().map(|(partition, owned)| {
            let (worker, partition, revision) = (worker.clone(), *partition, owned.revision);
            async move {
                let sent = Instant::now();
                let mut written = write(&worker, partition, revision, &worker.id).await;
                if matches!(written, Written::Mismatch) {
                    // A renewal may have been stored without an answer.
                    written = match read(&worker, partition).await {
                        Some((revision, owner)) if owner == worker.id && revision > 0 => {
                            write(&worker, partition, revision, &worker.id).await
                        }
                        Some(_) => Written::Mismatch,
                        None => Written::Unknown,
                    };
                }
                (partition, sent, written)
            }
        });
        for (partition, sent, written) in join_all(renewals).await {
            let until = self.until(sent);
            let Some(owned) = self.owned.get_mut(&partition) else { continue };
            match written {
                Written::Revision(revision) => {
                    owned.revision = revision;
                    owned.lease.extend(until);
                }
                Written::Mismatch => owned.lease.lose(),
                Written::Unknown => {}
            }
        }
    }

    fn share(&self) -> usize {
        let members = 1 + self.members.len();
        (self.worker.partitions as usize).div_ceil(members)
    }

    /// Takes what nobody has, or what its owner has not renewed for as long as a lease holds.
    async fn take(&mut self) {
        // Each begins elsewhere, so that not all ask for the same.
        let first = self.worker.id.bytes().map(u32::from).sum::<u32>() * 7;
        for number in 0..self.worker.partitions {
            let partition = (first + number) % self.worker.partitions;
            if self.owned.contains_key(&partition) {
                continue;
            }
            let Some((revision, owner)) = read(&self.worker, partition).await else { continue };
            let full = self.owned.len() >= self.share();
            if revision > 0 && owner != "free" {
                let seen = self.seen.entry(partition).or_insert((revision, Instant::now()));
                if seen.0 != revision {
                    *seen = (revision, Instant::now());
                }
                if seen.1.elapsed() < self.worker.ttl {
                    continue;
                }
            }
            if full {
                continue;
            }
            let sent = Instant::now();
            let written = write(&self.worker, partition, revision, &self.worker.id).await;
            let Written::Revision(revision) = written else { continue };
            let lease = Lease::new(self.until(sent));
            let task = serve(self.worker.clone(), partition, lease.clone());
            self.owned.insert(partition, Owned { lease, revision, task: tokio::spawn(task) });
        }
    }

    /// Hands over what is more than a share.
    fn release(&mut self, keep: usize) {
        let extra = self.owned.len().saturating_sub(keep);
        let draining = |owned: &&Owned| owned.lease.draining.load(Ordering::SeqCst);
        let already = self.owned.values().filter(draining).count();
        let rest = self.owned.values().filter(|owned| !draining(owned));
        for owned in rest.take(extra.saturating_sub(already)) {
            owned.lease.draining.store(true, Ordering::SeqCst);
        }
    }

    /// Frees the partitions whose tasks have ended.
    async fn collect(&mut self) {
        let over: Vec<u32> = self
            .owned
            .iter()
            .filter(|(_, owned)| owned.task.is_finished())
            .map(|(partition, _)| *partition)
            .collect();
        for partition in over {
            let owned = self.owned.remove(&partition).unwrap();
            self.seen.remove(&partition);
            if owned.lease.holds() {
                write(&self.worker, partition, owned.revision, "free").await;
                drop(self.worker.api.client.publish("q-news", "freed".into()).await);
            }
        }
    }
}

pub async fn run(worker: Arc<Worker>, mut stop: tokio::sync::watch::Receiver<bool>) {
    let client = worker.api.client.clone();
    let mut news = client.subscribe("q-news").await.unwrap();
    let mut manager = Manager {
        worker: worker.clone(),
        owned: HashMap::new(),
        seen: HashMap::new(),
        members: HashMap::new(),
    };
    let mut tick = tokio::time::interval(worker.ttl / 6);
    let mut fast = tokio::time::interval(Duration::from_millis(50));
    let mut ticks = 0_u32;
    let mut stopping = false;
    loop {
        tokio::select! {
            _ = tick.tick() => {
                drop(client.publish("q-news", format!("here {}", worker.id).into()).await);
                if ticks.is_multiple_of(2) {
                    manager.renew().await;
                }
                ticks += 1;
                manager.members.retain(|_, when| when.elapsed() < worker.ttl);
                if !stopping {
                    owners_if_missing(&worker).await;
                    manager.release(manager.share());
                    manager.take().await;
                }
            }
            _ = fast.tick() => {
                manager.collect().await;
                if stopping && manager.owned.is_empty() {
                    drop(client.publish("q-news", format!("bye {}", worker.id).into()).await);
                    drop(client.flush().await);
                    return;
                }
            }
            Some(message) = news.next() => {
                let text = String::from_utf8_lossy(&message.payload).into_owned();
                match text.split_once(' ') {
                    Some((_, id)) if id == worker.id => {}
                    Some(("here", id)) => {
                        let new = manager.members.insert(id.to_owned(), Instant::now()).is_none();
                        if new && !stopping {
                            drop(client.publish("q-news", format!("here {}", worker.id).into()).await);
                            manager.release(manager.share());
                        }
                    }
                    Some((_, id)) => drop(manager.members.remove(id)),
                    None if !stopping => manager.take().await,
                    None => {}
                }
            }
            _ = stop.changed(), if !stopping => {
                stopping = true;
                manager.release(0);
            }
        }
    }
}

/// An operator may have deleted it.
async fn owners_if_missing(worker: &Worker) {
    let info = worker.api.once("STREAM.INFO.q-owners", &json!({})).await;
    if matches!(info, Some(Answer::Failed(10059, _))) {
        owners(&worker.api, worker.replicas).await;
    }
    let info = worker.api.once("STREAM.INFO.q", &json!({})).await;
    if matches!(info, Some(Answer::Failed(10059, _))) {
        worker.log.say("made anew");
        worker.api.work_queue("q", "q.*", worker.replicas).await;
    }
}

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
async fn serve(worker: Arc<Worker>, partition: u32, lease: Arc<Lease>) {
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
        };
        owner.follow(&mut engine).await;
        if lease.draining.load(Ordering::SeqCst) && lease.holds() {
            engine.give_back(&mut owner.puller).await;
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
                        worker.log.say(&format!("ended {} {status}", self.partition));
                        self.unsettle();
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
                    if self.puller.is_late() {
                        self.puller.close();
                        self.unsettle();
                    }
                    if !self.settled && !self.puller.is_open() && self.settle(engine).await {
                        return;
                    }
                }
            }
        }
    }

    fn unsettle(&mut self) {
        self.settled = false;
        self.rounds = 0;
    }

    /// Compares what the broker waits for with what is here, while no pull is open. Whether the
    /// consumer is missing.
    async fn settle(&mut self, engine: &Engine) -> bool {
        let begun = engine.quiet();
        let subject = format!("CONSUMER.INFO.q.p{}", self.partition);
        let pending = match self.worker.api.once(&subject, &json!({})).await {
            Some(Answer::Done(info)) => info["num_ack_pending"].as_u64(),
            Some(Answer::Failed(10014 | 10059, _)) => return true,
            _ => None,
        };
        let exact = begun.is_some() && engine.quiet() == begun;
        if self.rounds > 0 && exact && pending == Some(engine.held() as u64) {
            self.settled = true;
            self.worker.log.say(&format!("own {} {}", self.partition, self.worker.id));
        } else {
            if self.rounds > 3 {
                let (partition, held) = (self.partition, engine.held());
                self.worker.log.say(&format!("unsettled {partition} {pending:?} {held} {exact}"));
            }
            self.rounds += 1;
            let room = self.worker.window.saturating_sub(engine.held());
            self.puller.pull(room.clamp(1, 500), &json!({"no_wait": true})).await;
        }
        false
    }
}
