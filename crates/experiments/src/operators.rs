//! What operators do to the streams, and whether new callbacks are handled afterwards.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::api::Api;
use crate::ledger::Ledger;
use crate::nats::{Cluster, Folder, copy};
use crate::owner::Workers;
use crate::{Options, lease};

const NEW: u64 = 60;

struct Queue {
    api: Api,
    log: PathBuf,
    next: u64,
}

impl Queue {
    /// Accepts 60 callbacks of 7 keys. How many of them are handled, and after how many seconds.
    async fn handles(&mut self, what: &str) {
        let first = self.next;
        self.next += NEW;
        for number in first..self.next {
            loop {
                let mut headers = HeaderMap::new();
                headers.insert("Nats-Msg-Id", number.to_string());
                let key = number % 7;
                let subject = format!("q.{}", key % 4);
                let body = format!("k{key} {number} ");
                if let Some(Ok((_, false))) = self.api.publish(&subject, headers, body).await {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        let start = Instant::now();
        let mut handled = 0;
        while handled < NEW && start.elapsed() < Duration::from_secs(30) {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let ledger = Ledger::read(&self.log);
            let new = |(key, number): &&(String, u64)| key.starts_with('k') && *number >= first;
            handled = ledger.done.iter().filter(new).count() as u64;
        }
        let seconds = start.elapsed().as_secs_f64();
        println!("{what}: {handled} of {NEW} new callbacks handled, within {seconds:.1} s");
        if handled < NEW {
            println!("{}", std::fs::read_to_string(&self.log).unwrap_or_default());
        }
        assert_eq!(handled, NEW);
    }

    async fn wait_for_streams(&self) {
        for stream in ["q", "q-owners"] {
            while self.api.call(&format!("STREAM.INFO.{stream}"), &json!({})).await.is_err() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// As `nats stream backup` does it.
async fn backup(api: &Api, stream: &str) -> (Value, Vec<Bytes>) {
    let inbox = api.client.new_inbox();
    let mut parts = api.client.subscribe(inbox.clone()).await.unwrap();
    let body = json!({"deliver_subject": inbox});
    let info = api.call(&format!("STREAM.SNAPSHOT.{stream}"), &body).await.unwrap();
    let mut chunks = Vec::new();
    while let Some(part) = parts.next().await {
        if let Some(reply) = part.reply.clone() {
            api.client.publish(reply, "".into()).await.unwrap();
        }
        if part.payload.is_empty() {
            break;
        }
        chunks.push(part.payload);
    }
    (info, chunks)
}

async fn restore(api: &Api, stream: &str, (info, chunks): &(Value, Vec<Bytes>)) {
    let body = json!({"config": info["config"], "state": info["state"]});
    let place = api.call(&format!("STREAM.RESTORE.{stream}"), &body).await.unwrap();
    let place = place["deliver_subject"].as_str().unwrap().to_owned();
    for chunk in chunks {
        api.client.request(place.clone(), chunk.clone()).await.unwrap();
    }
    let done = api.client.request(place, "".into()).await.unwrap();
    let done: Value = serde_json::from_slice(&done.payload).unwrap_or_default();
    assert!(done["error"].is_null(), "{done}");
}

async fn delete(api: &Api, streams: &[&str]) {
    for stream in streams {
        api.call(&format!("STREAM.DELETE.{stream}"), &json!({})).await.unwrap();
    }
}

/// Streams and consumers are deleted and purged while workers run.
async fn delete_and_purge(queue: &mut Queue) {
    let api = queue.api.clone();
    delete(&api, &["q"]).await;
    queue.wait_for_streams().await;
    queue.handles("the stream deleted, and made anew by the worker").await;
    delete(&api, &["q-owners"]).await;
    queue.wait_for_streams().await;
    queue.handles("the stream of owners deleted").await;
    delete(&api, &["q", "q-owners"]).await;
    queue.wait_for_streams().await;
    queue.handles("both deleted").await;

    for partition in 0..4 {
        drop(api.call(&format!("CONSUMER.DELETE.q.p{partition}"), &json!({})).await);
    }
    queue.handles("all consumers deleted").await;
    for number in 0..1000 {
        let body = format!("old {number} ");
        api.client.publish(format!("q.{}", number % 4), body.into()).await.unwrap();
    }
    api.call("STREAM.PURGE.q", &json!({})).await.unwrap();
    queue.handles("purged while callbacks waited").await;
    api.call("STREAM.PURGE.q-owners", &json!({})).await.unwrap();
    queue.handles("the stream of owners purged").await;
}

/// Both streams are saved, deleted and restored while no worker runs.
async fn back_up_and_restore(queue: &mut Queue, workers: &mut Workers) {
    let api = queue.api.clone();
    drop(std::mem::take(&mut workers.processes));
    let mut saved = Vec::new();
    for stream in ["q", "q-owners"] {
        saved.push(backup(&api, stream).await);
    }
    workers.start(2);
    queue.handles("backed up").await;
    drop(std::mem::take(&mut workers.processes));
    delete(&api, &["q", "q-owners"]).await;
    restore(&api, "q", &saved[0]).await;
    restore(&api, "q-owners", &saved[1]).await;
    workers.start(2);
    queue.handles("restored, workers stopped meanwhile").await;
}

/// The directory of a server is what it was some time ago.
async fn set_back(queue: &mut Queue, cluster: &mut Cluster, place: &Path) {
    cluster.nodes[0].kill();
    copy(&cluster.nodes[0].data(), place);
    cluster.nodes[0].start();
    queue.handles("killed").await;
    cluster.nodes[0].kill();
    std::fs::remove_dir_all(cluster.nodes[0].data()).unwrap();
    copy(place, &cluster.nodes[0].data());
    cluster.nodes[0].start();
    queue.handles("the directory of a server set back, workers running").await;
    queue.handles("and once more").await;
}

async fn wrong_clocks(queue: &mut Queue, workers: &mut Workers) {
    drop(std::mem::take(&mut workers.processes));
    let library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
    if !Path::new(library).exists() {
        println!("clocks: SKIPPED, since there is no libfaketime: apt-get install faketime");
        return;
    }
    for offset in ["+3600s", "-3600s"] {
        workers.environment = vec![
            ("LD_PRELOAD".to_owned(), library.to_owned()),
            ("FAKETIME".to_owned(), offset.to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC".to_owned(), "1".to_owned()),
        ];
        workers.start(1);
    }
    queue.handles("two workers, their clocks an hour ahead and an hour behind").await;
}

pub async fn run(options: &Options) {
    let nodes = options.number("nodes", 1);
    let mut cluster = Cluster::start(nodes, options.text("sync")).await;
    let api = cluster.api().await;
    lease::streams(&api, nodes).await;
    let folder = Folder::new();
    let log = folder.0.join("log");
    let arguments = [
        ("urls", cluster.urls()),
        ("design", "lease".to_owned()),
        ("nodes", nodes.to_string()),
        ("handler-ms", "10".to_owned()),
    ];
    let mut workers = Workers::new(&arguments, Some(&log));
    workers.start(2);
    let mut queue = Queue { api, log, next: 1 };
    queue.handles("nothing").await;
    delete_and_purge(&mut queue).await;
    back_up_and_restore(&mut queue, &mut workers).await;
    set_back(&mut queue, &mut cluster, &folder.0.join("copies")).await;
    wrong_clocks(&mut queue, &mut workers).await;
}
