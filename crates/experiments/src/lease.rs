//! The design that was chosen: a partition belongs to the worker whose record in the stream of
//! owners is the last one, written by compare-and-set.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use futures_util::StreamExt;
use futures_util::future::join_all;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::api::{Answer, Api};
use crate::engine::Worker;
use crate::held::Lease;
use crate::serve::serve;

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
    let here = format!("here {}", worker.id);
    let mut stopping = false;
    loop {
        tokio::select! {
            _ = tick.tick() => {
                drop(client.publish("q-news", here.clone().into()).await);
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
                            drop(client.publish("q-news", here.clone().into()).await);
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
