//! Who owns which partition. A partition belongs to the worker whose record is the last one of its
//! subject in the stream of owners; the broker takes a record only if it follows the one that the
//! worker has read.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Message, Subscriber};
use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};

use super::broker::{NotStored, PATIENCE};
use super::lease::Lease;
use super::names::Lane;
use super::record::{FREE, read, reserve, write};
use super::serve;
use super::{Shared, streams};
use crate::error::{QueueError, StorageError};

/// The longest time between two looks at all partitions.
const LOOK: Duration = Duration::from_secs(2);

/// How long the broker may take to remove a stream after it has said so. What is made meanwhile may
/// lose its folder.
const REMOVAL: Duration = Duration::from_secs(1);

/// How long a worker keeps its partitions without claiming anything.
const IDLE: Duration = Duration::from_secs(5);

struct Owned {
    lease: Arc<Lease>,
    epoch: u64,
    revision: u64,
    /// The task that serves it.
    task: Id,
}

struct Manager {
    shared: Arc<Shared>,
    /// This worker's, in the records.
    id: String,
    owned: HashMap<usize, Owned>,
    /// Records of others, and since when they have not changed.
    seen: HashMap<usize, (u64, Instant)>,
    /// The other workers, and when they were heard last.
    others: HashMap<String, Instant>,
    tasks: JoinSet<()>,
    renewed: Instant,
    /// How many partitions the log says that it owns.
    told: usize,
    /// Since when a stream is missing.
    missing: Option<Instant>,
}

/// Owns this process's share of the partitions until it is told to stop, or nobody claims any more.
/// Then hands all of them over.
pub(super) async fn manage(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let id = format!("{:016x}", RandomState::new().hash_one(Instant::now()));
    let mut manager = Manager {
        shared: shared.clone(),
        id,
        owned: HashMap::new(),
        seen: HashMap::new(),
        others: HashMap::new(),
        tasks: JoinSet::new(),
        renewed: Instant::now(),
        told: 0,
        missing: None,
    };
    let Ok(news) = shared.broker.client.subscribe(shared.broker.names.news()).await else { return };
    manager.run(news, &mut stop).await;
    shared.lock().looked = false;
}

impl Manager {
    fn time(&self) -> Duration {
        self.shared.settings.lease
    }

    fn until(&self, asked: Instant) -> Instant {
        asked + self.time() - self.time() / 10
    }

    async fn run(&mut self, mut news: Subscriber, stop: &mut watch::Receiver<bool>) {
        let mut tick = tokio::time::interval((self.time() / 6).min(LOOK));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let shared = self.shared.clone();
        let left = &shared.left;
        let mut idle = Instant::now();
        let mut stopping = *stop.borrow();
        while !(stopping && self.owned.is_empty()) {
            tokio::select! {
                _ = tick.tick() => {
                    if !self.shared.lock().is_idle() {
                        idle = Instant::now();
                    }
                    stopping |= idle.elapsed() > IDLE;
                    self.look(stopping).await;
                }
                Some(ended) = self.tasks.join_next_with_id(), if !self.tasks.is_empty() => {
                    // Also one that has panicked: another worker may do better.
                    self.give_up(ended.map_or_else(|panic| panic.id(), |(task, ())| task)).await;
                }
                Some(message) = news.next() => self.hear(message, stopping).await,
                () = left.notified() => self.look(stopping).await,
                changed = stop.changed(), if !stopping => {
                    stopping = true;
                    self.release(0);
                    if changed.is_err() {
                        return;
                    }
                }
            }
        }
        self.greet(true).await;
        self.tell();
        drop(tokio::time::timeout(PATIENCE, self.shared.broker.client.flush()).await);
    }

    async fn look(&mut self, stopping: bool) {
        let leaving = stopping || self.shared.is_left();
        self.greet(leaving).await;
        self.tell();
        if self.renewed.elapsed() >= self.time() / 3 {
            self.renewed = Instant::now();
            self.renew().await;
        }
        let time = self.time();
        self.others.retain(|_, heard| heard.elapsed() < time.max(3 * LOOK));
        if leaving {
            self.release(0);
            return;
        }
        // The leases have to be renewed meanwhile, whatever the broker does not answer. A partition
        // that was taken in that moment is taken again.
        let rest = async {
            self.mend().await;
            self.release(self.share());
            self.take().await;
            if self.owned.len() >= self.share() {
                reserve(&self.shared.broker).await;
            }
        };
        if tokio::time::timeout(time / 3, rest).await.is_err() {
            return;
        }
        self.shared.lock().looked = true;
        self.shared.changed.notify_waiters();
    }

    fn tell(&mut self) {
        let partitions = self.owned.len();
        if std::mem::replace(&mut self.told, partitions) != partitions {
            let (queue, workers) = (&self.shared.settings.name, 1 + self.others.len());
            tracing::info!(target: "tencent_im_callback_queue", queue, partitions, workers, "owns partitions");
        }
    }

    /// Tells the others that this worker counts, or no longer.
    async fn greet(&self, leaving: bool) {
        let word = if leaving { "bye" } else { "here" };
        self.shared.broker.say(format!("{word} {}", self.id)).await;
    }

    async fn hear(&mut self, message: Message, stopping: bool) {
        let leaving = stopping || self.shared.is_left();
        let text = String::from_utf8_lossy(&message.payload).into_owned();
        let (verb, rest) = text.split_once(' ').unwrap_or((text.as_str(), ""));
        match verb {
            "here" if rest != self.id => {
                let new = self.others.insert(rest.to_owned(), Instant::now()).is_none();
                if new && !leaving {
                    self.greet(false).await;
                    self.release(self.share());
                }
            }
            "bye" => drop(self.others.remove(rest)),
            // Within the time that `look` has for it, too.
            "freed" if !leaving => {
                drop(tokio::time::timeout(self.time() / 3, self.take()).await);
            }
            "purged" => {
                let mut words = rest.split(' ');
                let lane = if words.next() == Some("new") { Lane::New } else { Lane::Retry };
                let sequences = words.filter_map(|word| word.parse().ok()).collect();
                self.shared.lock().purged(lane, &sequences);
            }
            _ => {}
        }
    }

    fn share(&self) -> usize {
        self.shared.settings.partitions.div_ceil(1 + self.others.len())
    }

    async fn renew(&mut self) {
        let broker = &self.shared.broker;
        let id = &self.id;
        let renewals = self.owned.iter().map(|(partition, owned)| async move {
            let subject = || broker.names.owner_subject(*partition);
            let asked = Instant::now();
            let mut written = write(broker, subject(), owned.revision, id).await;
            if matches!(written, Err(NotStored::Mismatch)) {
                written = match read(broker, *partition).await {
                    // An earlier renewal was stored without an answer.
                    Some((revision, owner)) if owner == *id => {
                        match write(broker, subject(), revision, id).await {
                            Err(NotStored::Mismatch) => Err(unanswered()),
                            written => written,
                        }
                    }
                    Some(_) => written,
                    None => Err(unanswered()),
                };
            }
            (*partition, asked, written)
        });
        for (partition, asked, written) in join_all(renewals).await {
            let until = self.until(asked);
            let Some(owned) = self.owned.get_mut(&partition) else { continue };
            match written {
                Ok(revision) => {
                    owned.revision = revision;
                    owned.lease.extend(until);
                }
                Err(NotStored::Mismatch) => owned.lease.lose(),
                // It is tried again; the lease ends by itself.
                Err(_) => {}
            }
        }
    }

    /// Takes what nobody owns, or what its owner has not renewed for as long as a lease holds.
    async fn take(&mut self) {
        let partitions = self.shared.settings.partitions;
        // Each begins elsewhere, so that not all ask for the same.
        let first = usize::from_str_radix(&self.id[..4], 16).unwrap_or(0);
        let not_owned: Vec<usize> = (0..partitions)
            .map(|number| (first + number) % partitions)
            .filter(|partition| !self.owned.contains_key(partition))
            .collect();
        let broker = &self.shared.broker;
        let records = not_owned.iter().map(async |partition| read(broker, *partition).await);
        let records = join_all(records).await;
        for (partition, record) in not_owned.into_iter().zip(records) {
            let Some((revision, owner)) = record else { continue };
            // Also with a full share, so that all clocks run. What this worker could not renew in
            // time, and nobody has taken, need not be waited for.
            if owner != FREE && owner != self.id {
                let now = Instant::now();
                let seen = self.seen.entry(partition).or_insert((revision, now));
                if seen.0 != revision {
                    *seen = (revision, now);
                }
                if seen.1.elapsed() < self.time() {
                    continue;
                }
            }
            if self.owned.len() < self.share() {
                self.take_one(partition, revision).await;
            }
        }
    }

    async fn take_one(&mut self, partition: usize, revision: u64) {
        let asked = Instant::now();
        let subject = self.shared.broker.names.owner_subject(partition);
        let written = write(&self.shared.broker, subject, revision, &self.id).await;
        let Ok(revision) = written else { return };
        self.seen.remove(&partition);
        let lease = Lease::new(self.until(asked));
        let epoch = self.shared.lock().own(partition, lease.clone());
        let serve = serve::serve(self.shared.clone(), partition, epoch, lease.clone());
        let task = self.tasks.spawn(serve).id();
        self.owned.insert(partition, Owned { lease, epoch, revision, task });
    }

    /// Hands over what is more than this.
    fn release(&mut self, keep: usize) {
        let extra = self.owned.len().saturating_sub(keep);
        let draining = self.owned.values().filter(|owned| owned.lease.is_draining()).count();
        let rest = self.owned.iter().filter(|(_, owned)| !owned.lease.is_draining());
        let mut rest: Vec<(bool, &Owned)> = {
            let state = self.shared.lock();
            rest.map(|(partition, owned)| (state.runs(*partition, owned.epoch), owned)).collect()
        };
        // First those that need not wait for a handler.
        rest.sort_by_key(|(runs, _)| *runs);
        for (_, owned) in rest.into_iter().take(extra.saturating_sub(draining)) {
            owned.lease.drain();
        }
        self.shared.changed.notify_waiters();
    }

    /// The task of a partition has ended.
    async fn give_up(&mut self, task: Id) {
        let of_task = self.owned.iter().find(|(_, owned)| owned.task == task);
        let Some(partition) = of_task.map(|(partition, _)| *partition) else { return };
        let Some(owned) = self.owned.remove(&partition) else { return };
        self.shared.lock().disown(partition, owned.epoch);
        if owned.lease.holds() {
            let broker = &self.shared.broker;
            let subject = broker.names.owner_subject(partition);
            // If it is not stored, the others wait until the lease is over.
            drop(write(broker, subject, owned.revision, FREE).await);
            broker.say("freed".to_owned()).await;
        }
    }

    /// Makes streams anew that an operator has deleted.
    async fn mend(&mut self) {
        let shared = &self.shared;
        let streams = streams::missing(&shared.broker).await;
        if streams.is_empty() {
            self.missing = None;
            return;
        }
        if self.missing.get_or_insert_with(Instant::now).elapsed() < REMOVAL {
            return;
        }
        tracing::error!(
            target: "tencent_im_callback_queue",
            queue = shared.settings.name,
            streams = streams.join(" "),
            "streams of the queue are gone, and are made anew; what was in them is lost"
        );
        let made = streams::make(&shared.broker, &shared.settings);
        if let Err(error) = made.await {
            shared.told(Err(&error));
        }
    }
}

/// An earlier renewal may still be on its way to a majority of the servers.
fn unanswered() -> NotStored {
    NotStored::Perhaps(QueueError::Unavailable(StorageError::new("another renewal is under way")))
}
