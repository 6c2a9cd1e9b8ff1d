//! Publishing: one request for each callback, and groups of what waits, by atomic batches and by
//! fast ingest.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::Options;
use crate::api::Api;
use crate::nats::Cluster;

struct Waiting {
    id: String,
    done: oneshot::Sender<()>,
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Raw,
    Atomic,
    Fast,
}

/// As large as a message of a friend with its parameters.
fn body() -> Bytes {
    Bytes::from(vec![b'x'; 700])
}

fn headers(id: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Msg-Id", id);
    headers
}

async fn singly(api: &Api, waiting: Waiting) {
    while !matches!(api.publish("w.p", headers(&waiting.id), body()).await, Some(Ok(_))) {}
    // The caller may have gone.
    let _ = waiting.done.send(());
}

/// Groups refused, and messages that were then published singly.
type Refused = Arc<(AtomicU64, AtomicU64)>;

/// Groups what waits, with some groups under way at a time.
async fn group(api: Api, way: Way, mut waiting: mpsc::Receiver<Waiting>, refused: Refused) {
    let underway = Arc::new(tokio::sync::Semaphore::new(8));
    let mut group = Vec::new();
    for number in 0_u64.. {
        let permit = underway.clone().acquire_owned().await.unwrap();
        if waiting.recv_many(&mut group, 400).await == 0 {
            return;
        }
        let (api, group, refused) = (api.clone(), std::mem::take(&mut group), refused.clone());
        tokio::spawn(async move {
            let stored = match way {
                _ if group.len() == 1 => false,
                Way::Atomic => atomic(&api, number, &group).await,
                _ => fast(&api, number, &group).await,
            };
            if stored {
                for one in group {
                    let _ = one.done.send(());
                }
            } else {
                if group.len() > 1 {
                    refused.0.fetch_add(1, Ordering::Relaxed);
                    refused.1.fetch_add(group.len() as u64, Ordering::Relaxed);
                }
                let mut tasks = JoinSet::new();
                for one in group {
                    let api = api.clone();
                    tasks.spawn(async move { singly(&api, one).await });
                }
                while tasks.join_next().await.is_some() {}
            }
            drop(permit);
        });
    }
}

async fn atomic(api: &Api, number: u64, group: &[Waiting]) -> bool {
    for (at, one) in group.iter().enumerate() {
        let mut headers = headers(&one.id);
        headers.insert("Nats-Batch-Id", format!("{}-{number}", std::process::id()));
        headers.insert("Nats-Batch-Sequence", (at + 1).to_string());
        if at + 1 == group.len() {
            headers.insert("Nats-Batch-Commit", "1");
            return matches!(api.publish("w.p", headers, body()).await, Some(Ok(_)));
        }
        api.client.publish_with_headers("w.p", headers, body()).await.unwrap();
    }
    false
}

async fn fast(api: &Api, number: u64, group: &[Waiting]) -> bool {
    let inbox = api.client.new_inbox();
    let mut answers = api.client.subscribe(format!("{inbox}.>")).await.unwrap();
    for (at, one) in group.iter().enumerate() {
        let operation = match at {
            0 => 0,
            _ if at + 1 == group.len() => 2,
            _ => 1,
        };
        let reply = format!("{inbox}.b{number}.1000.fail.{}.{operation}.$FI", at + 1);
        let sent =
            api.client.publish_with_reply_and_headers("w.p", reply, headers(&one.id), body());
        sent.await.unwrap();
    }
    let last = async {
        while let Some(answer) = answers.next().await {
            let answer: Value = serde_json::from_slice(&answer.payload).unwrap_or_default();
            if answer["error"].is_object() {
                return false;
            }
            if answer["batch"].is_string() {
                return answer["count"] == json!(group.len());
            }
        }
        false
    };
    tokio::time::timeout(Duration::from_secs(2), last).await.unwrap_or(false)
}

pub struct Round {
    pub per_second: f64,
    p99: f64,
}

struct Case {
    way: Way,
    callers: usize,
    duplicates: bool,
}

async fn round(cluster: &Cluster, case: &Case, lasts: Duration, refused: &Refused) -> Round {
    let api = cluster.api().await;
    drop(api.call("STREAM.DELETE.W", &json!({})).await);
    let config = json!({
        "name": "W", "subjects": ["w.>"], "retention": "workqueue", "storage": "file",
        "discard": "new", "num_replicas": cluster.nodes.len(), "allow_atomic": true,
        "allow_batched": true, "duplicate_window": 120_000_000_000_u64,
    });
    let made = api.call("STREAM.CREATE.W", &config).await;
    if made.is_err() {
        // Before 2.14 there is no fast ingest.
        let mut config = config;
        config.as_object_mut().unwrap().remove("allow_batched");
        api.call("STREAM.CREATE.W", &config).await.unwrap();
    }
    let (send, receive) = mpsc::channel(10_000);
    if case.way != Way::Raw {
        tokio::spawn(group(api.clone(), case.way, receive, refused.clone()));
    }
    let context = async_nats::jetstream::new(api.client.clone());
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for caller in 0..case.callers {
        let (send, context) = (send.clone(), context.clone());
        let (raw, duplicates) = (case.way == Way::Raw, case.duplicates);
        tasks.spawn(async move {
            let mut times = Vec::new();
            let mut number = 0_u64;
            while start.elapsed() < lasts {
                let begun = Instant::now();
                // One of twenty comes twice.
                if !duplicates || !times.len().is_multiple_of(20) {
                    number += 1;
                }
                let id = format!("{caller}-{number}");
                if raw {
                    let message = PublishMessage::build().payload(body()).message_id(&id);
                    context.send_publish("w.p", message).await.unwrap().await.unwrap();
                } else {
                    let (done, stored) = oneshot::channel();
                    send.send(Waiting { id, done }).await.ok().unwrap();
                    stored.await.unwrap();
                }
                times.push(begun.elapsed().as_secs_f64() * 1000.0);
            }
            times
        });
    }
    let mut times: Vec<f64> = tasks.join_all().await.into_iter().flatten().collect();
    times.sort_by(f64::total_cmp);
    let count = times.len() as f64;
    Round { per_second: count / start.elapsed().as_secs_f64(), p99: times[times.len() * 99 / 100] }
}

pub fn spread(mut figures: Vec<f64>) -> String {
    figures.sort_by(f64::total_cmp);
    let digits = if figures[figures.len() / 2] < 10.0 { 2 } else { 0 };
    format!(
        "{:.digits$} ({:.digits$} to {:.digits$})",
        figures[figures.len() / 2],
        figures[0],
        figures[figures.len() - 1]
    )
}

pub async fn run(options: &Options) {
    let cluster = Cluster::start(options.number("nodes", 1), options.text("sync")).await;
    let lasts = Duration::from_millis(options.number("round-ms", 1500) as u64);
    let ways = [
        ("raw", Way::Raw, false),
        ("atomic batches", Way::Atomic, false),
        ("atomic batches, 5 % duplicates", Way::Atomic, true),
        ("fast ingest", Way::Fast, false),
        ("fast ingest, 5 % duplicates", Way::Fast, true),
    ];
    println!(
        "callers | way | a second: median, spread | / raw | p99, ms | \
         groups refused, and published singly"
    );
    for callers in [1, 64, 500] {
        let mut rounds: HashMap<&str, Vec<Round>> = HashMap::new();
        let mut refused: HashMap<&str, Refused> = HashMap::new();
        for _ in 0..options.number("rounds", 5) {
            for (name, way, duplicates) in ways {
                let refused = refused.entry(name).or_default();
                let case = Case { way, callers, duplicates };
                let round = round(&cluster, &case, lasts, refused).await;
                rounds.entry(name).or_default().push(round);
            }
        }
        for (name, ..) in ways {
            let figure = |one: fn(&Round) -> f64| rounds[name].iter().map(one).collect::<Vec<_>>();
            let ratio = |one: fn(&Round) -> f64| {
                rounds[name].iter().zip(&rounds["raw"]).map(|(a, b)| one(a) / one(b)).collect()
            };
            println!(
                "{callers} | {name} | {} | {} | {} | {}, {}",
                spread(figure(|round| round.per_second)),
                spread(ratio(|round| round.per_second)),
                spread(figure(|round| round.p99)),
                refused[name].0.load(Ordering::Relaxed),
                refused[name].1.load(Ordering::Relaxed),
            );
        }
    }
}
