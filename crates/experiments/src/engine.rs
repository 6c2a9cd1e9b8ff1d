//! What a worker holds of one partition: one callback of a key runs at a time, as many keys as
//! there are permits, in the order of the stream.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use async_nats::{HeaderMap, Message};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use crate::api::{Api, Place, acknowledge};
use crate::pull::Puller;

/// Several processes append whole lines to one file.
pub struct Log(Option<File>);

impl Log {
    pub fn open(path: Option<&str>) -> Self {
        Log(path.map(|path| File::options().append(true).create(true).open(path).unwrap()))
    }

    pub fn say(&self, words: &str) {
        if let Some(mut file) = self.0.as_ref() {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
            file.write_all(format!("{} {words}\n", now.as_millis()).as_bytes()).unwrap();
        }
    }
}

/// One process.
pub struct Worker {
    pub api: Api,
    pub id: String,
    pub log: Log,
    pub permits: Arc<Semaphore>,
    pub handler: Duration,
    pub ttl: Duration,
    pub partitions: u32,
    /// Callbacks of a partition that are held at a time.
    pub window: usize,
    /// Added to the time of day, which nothing may depend on.
    pub replicas: usize,
}

/// A message, by more than its sequence number: those repeat when a stream is made anew.
pub type Id = (u64, u64);

struct Job {
    id: Id,
    message: Message,
}

#[derive(Default)]
struct Key {
    busy: bool,
    waiting: VecDeque<Job>,
}

enum State {
    Waiting,
    /// With the newest delivery, if it was delivered again meanwhile.
    Running(Option<Message>),
    /// Handled, and the acknowledgement was not confirmed.
    Unconfirmed,
}

/// Whether what is held may still be acknowledged.
pub type Holds = Arc<dyn Fn() -> bool + Send + Sync>;

/// What a run ended with.
pub struct Ended {
    key: String,
    id: Id,
    confirmed: bool,
}

pub struct Engine {
    worker: Arc<Worker>,
    partition: u32,
    keys: HashMap<String, Key>,
    known: HashMap<Id, State>,
    ready: VecDeque<String>,
    /// The last ones whose end was confirmed: a redelivery of one may be under way.
    ended: VecDeque<Id>,
    last_delivery: u64,
    holds: Holds,
    /// Acknowledgements that were begun, and those that have ended.
    acks: Arc<(AtomicU64, AtomicU64)>,
    pub running: JoinSet<Ended>,
}

/// `KEY NUMBER …`: a key that starts with `f` always fails.
fn text(message: &Message) -> (String, String) {
    let text = String::from_utf8_lossy(&message.payload);
    let mut words = text.split(' ');
    (words.next().unwrap_or("").to_owned(), words.next().unwrap_or("0").to_owned())
}

impl Engine {
    pub fn new(worker: Arc<Worker>, partition: u32, holds: Holds) -> Self {
        Engine {
            worker,
            partition,
            keys: HashMap::new(),
            known: HashMap::new(),
            ready: VecDeque::new(),
            ended: VecDeque::new(),
            last_delivery: 0,
            holds,
            acks: Arc::default(),
            running: JoinSet::new(),
        }
    }

    pub fn held(&self) -> usize {
        self.known.len()
    }

    pub fn sequences(&self) -> HashSet<u64> {
        self.known.keys().map(|(sequence, _)| *sequence).collect()
    }

    /// How many acknowledgements were begun, if none is under way.
    pub fn quiet(&self) -> Option<u64> {
        let begun = self.acks.0.load(Ordering::SeqCst);
        (begun == self.acks.1.load(Ordering::SeqCst)).then_some(begun)
    }

    /// Whether all deliveries before this one have arrived.
    pub fn arrive(&mut self, message: Message) -> bool {
        let Some(place) = Place::of(&message) else { return false };
        let expected = place.delivery == self.last_delivery + 1;
        self.last_delivery = place.delivery;
        self.take(message, place);
        expected
    }

    pub fn take(&mut self, message: Message, place: Place) {
        let id = (place.sequence, place.stored);
        if place.delivered > 1 && self.ended.contains(&id) {
            // Usually on its way while the acknowledgement was confirmed. But a server whose
            // directory was set back does not know of it any more.
            let (client, reply) = (self.worker.api.client.clone(), message.reply);
            tokio::spawn(async move {
                if let Some(reply) = reply {
                    drop(client.publish(reply, "+ACK".into()).await);
                }
            });
            return;
        }
        match self.known.get_mut(&id) {
            None => {}
            Some(State::Waiting) => return,
            Some(State::Running(newest)) => {
                *newest = Some(message);
                return;
            }
            Some(State::Unconfirmed) => {
                self.known.insert(id, State::Running(None));
                self.confirm(message, id);
                return;
            }
        }
        let (key, _) = text(&message);
        self.known.insert(id, State::Waiting);
        let entry = self.keys.entry(key.clone()).or_default();
        // Those that are redelivered come late, and belong before.
        let at = entry.waiting.partition_point(|job| job.id < id);
        entry.waiting.insert(at, Job { id, message });
        if !entry.busy && entry.waiting.len() == 1 {
            self.ready.push_back(key);
        }
    }

    /// What is still on its way to an inbox that is given up.
    pub async fn take_rest(&mut self, puller: &mut Puller) {
        for message in puller.stop(&self.worker.api).await {
            self.arrive(message);
        }
    }

    /// Tells the broker that what has not started is for the next owner.
    pub async fn give_back(&mut self, puller: &mut Puller) {
        self.take_rest(puller).await;
        for job in self.keys.values().flat_map(|key| &key.waiting) {
            let Some(reply) = job.message.reply.clone() else { continue };
            drop(self.worker.api.client.publish(reply, "-NAK".into()).await);
        }
        drop(self.worker.api.client.flush().await);
        self.forget_waiting();
    }

    /// What has not started will be delivered again.
    fn forget_waiting(&mut self) {
        self.ready.clear();
        self.known.retain(|_, state| !matches!(state, State::Waiting));
        self.keys.retain(|_, key| {
            key.waiting.clear();
            key.busy
        });
    }

    /// The partition belongs to another worker.
    pub fn forget(&mut self) {
        self.forget_waiting();
        self.known.retain(|_, state| matches!(state, State::Running(_)));
        let running: HashSet<Id> = self.known.keys().copied().collect();
        self.keys.retain(|_, key| key.busy && !running.is_empty());
    }

    pub fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    pub fn start(&mut self, permit: OwnedSemaphorePermit) {
        let Some(name) = self.ready.pop_front() else { return };
        let key = self.keys.get_mut(&name).unwrap();
        let Some(job) = key.waiting.pop_front() else { return };
        key.busy = true;
        self.known.insert(job.id, State::Running(None));
        let (worker, partition) = (self.worker.clone(), self.partition);
        let (holds, acks) = (self.holds.clone(), self.acks.clone());
        let (_, number) = text(&job.message);
        worker.log.say(&format!("start {name} {number} {} {partition}", worker.id));
        self.running.spawn(async move {
            let mut permit = Some(permit);
            let mut attempt = 1_u32;
            loop {
                tokio::time::sleep(worker.handler).await;
                drop(permit.take());
                if !name.starts_with('f') {
                    break;
                }
                let mut headers = HeaderMap::new();
                headers.insert("Nats-Msg-Id", format!("{:?} {attempt}", job.id));
                let retry = format!("q-retry.{partition}");
                drop(worker.api.publish(&retry, headers, job.message.payload.clone()).await);
                tokio::time::sleep(Duration::from_secs(1 << attempt.min(4))).await;
                attempt += 1;
                permit = worker.permits.clone().acquire_owned().await.ok();
            }
            worker.log.say(&format!("done {name} {number} {} {partition}", worker.id));
            let confirmed = settle(&worker, &holds, &acks, &job.message).await;
            if confirmed {
                worker.log.say(&format!("acked {name} {number}"));
            }
            Ended { key: name, id: job.id, confirmed }
        });
    }

    fn confirm(&mut self, message: Message, id: Id) {
        let worker = self.worker.clone();
        let (holds, acks) = (self.holds.clone(), self.acks.clone());
        self.running.spawn(async move {
            let confirmed = settle(&worker, &holds, &acks, &message).await;
            Ended { key: text(&message).0, id, confirmed }
        });
    }

    pub fn end(&mut self, ended: Ended) {
        let Ended { key, id, confirmed } = ended;
        if !confirmed {
            match self.known.insert(id, State::Unconfirmed) {
                Some(State::Running(Some(newest))) => {
                    self.known.insert(id, State::Running(None));
                    self.confirm(newest, id);
                }
                // The partition has changed hands meanwhile.
                None => drop(self.known.remove(&id)),
                Some(_) => {}
            }
            return;
        }
        self.known.remove(&id);
        self.ended.push_back(id);
        if self.ended.len() > 2 * self.worker.window {
            self.ended.pop_front();
        }
        let Some(entry) = self.keys.get_mut(&key) else { return };
        entry.busy = false;
        if entry.waiting.is_empty() {
            self.keys.remove(&key);
        } else {
            self.ready.push_back(key);
        }
    }
}

/// Whether the broker has confirmed the end. Asks again for as long as it may.
async fn settle(
    worker: &Worker,
    holds: &Holds,
    acks: &(AtomicU64, AtomicU64),
    message: &Message,
) -> bool {
    acks.0.fetch_add(1, Ordering::SeqCst);
    let mut confirmed = acknowledge(&worker.api.client, message).await;
    while !confirmed && holds() {
        tokio::time::sleep(Duration::from_millis(100)).await;
        confirmed = acknowledge(&worker.api.client, message).await;
    }
    acks.1.fetch_add(1, Ordering::SeqCst);
    if !confirmed {
        worker.log.say("unconfirmed");
    }
    confirmed
}
