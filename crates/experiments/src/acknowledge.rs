//! Does a work queue lose or repeat what it has confirmed, while nodes are killed and stopped?

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use futures_util::StreamExt;
use serde_json::json;
use tokio::task::JoinSet;

use crate::api::{Api, Place, acknowledge};
use crate::nats::Cluster;
use crate::{Options, random};

/// How long a redelivery may be on its way to the client when its acknowledgement is confirmed.
const ON_ITS_WAY: Duration = Duration::from_millis(250);

#[derive(Default)]
struct Ledger {
    accepted: HashSet<String>,
    handled: HashMap<String, u32>,
    confirmed: HashMap<String, Instant>,
    again_confirmed: Vec<(String, f64)>,
    /// Delivered again before the server had read the acknowledgement, and read here after it was
    /// confirmed: a stopped server goes on with its timers first.
    on_its_way: u32,
    again_open: u32,
    /// The most often that one was delivered.
    delivered: u64,
    /// First deliveries that came after a later one to the same worker.
    overtaken: u32,
}

type Shared = Arc<Mutex<Ledger>>;

async fn publish(urls: String, name: u32, end: Instant, ledger: Shared, pause: Duration) {
    let api = Api::connect(&urls).await;
    for number in 0.. {
        if Instant::now() > end {
            break;
        }
        let id = format!("{name}-{number}");
        for _ in 0..200 {
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Msg-Id", id.as_str());
            if let Some(Ok(_)) = api.publish("w.p", headers, id.clone()).await {
                ledger.lock().unwrap().accepted.insert(id);
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tokio::time::sleep(pause).await;
    }
}

fn note(ledger: &mut Ledger, id: &str, place: Place, last: &mut u64) {
    ledger.delivered = ledger.delivered.max(place.delivered);
    let times = ledger.handled.entry(id.to_owned()).or_default();
    *times += 1;
    if *times == 1 {
        ledger.overtaken += u32::from(place.sequence < *last);
        *last = place.sequence.max(*last);
    } else if let Some(when) = ledger.confirmed.get(id).map(Instant::elapsed) {
        if when < ON_ITS_WAY {
            ledger.on_its_way += 1;
        } else {
            ledger.again_confirmed.push((id.to_owned(), when.as_secs_f64()));
        }
    } else {
        ledger.again_open += 1;
    }
}

async fn work(urls: String, consumer: Arc<Mutex<String>>, ledger: Shared) {
    let api = Api::connect(&urls).await;
    let mut last = 0;
    loop {
        let inbox = api.client.new_inbox();
        let Ok(mut messages) = api.client.subscribe(inbox.clone()).await else { continue };
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.W.{}", consumer.lock().unwrap());
        let body = json!({"batch": 200, "expires": 1_000_000_000}).to_string();
        drop(api.client.publish_with_reply(subject, inbox, body.into()).await);
        let end = tokio::time::sleep(Duration::from_millis(1500));
        tokio::pin!(end);
        for _ in 0..200 {
            let message = tokio::select! {
                () = &mut end => break,
                message = messages.next() => message,
            };
            let Some(message) = message.filter(|message| message.status.is_none()) else { break };
            let Some(place) = Place::of(&message) else { break };
            let id = String::from_utf8(message.payload.to_vec()).unwrap();
            note(&mut ledger.lock().unwrap(), &id, place, &mut last);
            let (client, ledger) = (api.client.clone(), ledger.clone());
            tokio::spawn(async move {
                for _ in 0..3 {
                    if acknowledge(&client, &message).await {
                        let mut ledger = ledger.lock().unwrap();
                        ledger.confirmed.entry(id).or_insert_with(Instant::now);
                        return;
                    }
                }
            });
        }
    }
}

async fn make(api: &Api, name: &str, replicas: usize) {
    let config = json!({
        "durable_name": name, "ack_policy": "explicit", "ack_wait": 5_000_000_000_u64,
        "max_ack_pending": 1000, "num_replicas": replicas,
    });
    let body = json!({"stream_name": "W", "config": config});
    while api.call(&format!("CONSUMER.DURABLE.CREATE.W.{name}"), &body).await.is_err() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The consumer is deleted and made anew, as at a change of owner.
async fn remake(api: Api, consumer: Arc<Mutex<String>>, replicas: usize, end: Instant) -> u32 {
    let mut count = 0;
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(1000 + random() % 2000)).await;
        let old = consumer.lock().unwrap().clone();
        drop(api.call(&format!("CONSUMER.DELETE.W.{old}"), &json!({})).await);
        count += 1;
        let name = format!("c{count}");
        make(&api, &name, replicas).await;
        *consumer.lock().unwrap() = name;
    }
    count
}

/// Kills and stops nodes at random until `end`. How often it killed, and stopped.
pub async fn harm(cluster: &mut Cluster, end: Instant, rest: Duration) -> (u32, u32) {
    let (mut kills, mut stops) = (0, 0);
    let sleep = |ms: u64| tokio::time::sleep(Duration::from_millis(ms));
    while Instant::now() < end {
        sleep(1500 + random() % 2000).await;
        tokio::time::sleep(rest).await;
        let count = cluster.nodes.len() as u64;
        let node = &mut cluster.nodes[usize::try_from(random() % count).unwrap()];
        if random() % 100 < 65 {
            node.kill();
            sleep(300 + random() % 1700).await;
            node.start();
            kills += 1;
        } else {
            node.signal("-STOP");
            sleep(500 + random() % 3500).await;
            node.signal("-CONT");
            stops += 1;
        }
    }
    (kills, stops)
}

pub async fn run(options: &Options) {
    let replicas = options.number("nodes", 3);
    let mut cluster = Cluster::start(replicas, options.text("sync")).await;
    let api = cluster.api().await;
    api.work_queue("W", "w.>", replicas).await;
    make(&api, "c0", replicas).await;
    let consumer = Arc::new(Mutex::new("c0".to_owned()));
    let ledger = Shared::default();
    let end = Instant::now() + options.seconds(60);
    let mut publishers = JoinSet::new();
    let pause = Duration::from_millis(options.number("pause", 20) as u64);
    for name in 0..12 {
        publishers.spawn(publish(cluster.urls(), name, end, ledger.clone(), pause));
    }
    for _ in 0..2 {
        tokio::spawn(work(cluster.urls(), consumer.clone(), ledger.clone()));
    }
    let remade = options.has("remade");
    let remaker = remade.then(|| tokio::spawn(remake(api.clone(), consumer, replicas, end)));
    let (kills, stops) = harm(&mut cluster, end, Duration::ZERO).await;
    while publishers.join_next().await.is_some() {}
    let remade = if let Some(remaker) = remaker { remaker.await.unwrap() } else { 0 };
    let late = Instant::now() + Duration::from_secs(60);
    let lost = |ledger: &Ledger| {
        ledger.accepted.iter().filter(|id| !ledger.handled.contains_key(*id)).count()
    };
    while lost(&ledger.lock().unwrap()) > 0 && Instant::now() < late {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    tokio::time::sleep(Duration::from_secs(8)).await;
    let left = api.messages("W").await;
    let ledger = ledger.lock().unwrap();
    println!(
        "{kills} kills, {stops} stops, consumer remade {remade} times: {} accepted, \
        {} not handled, of which {left} are in the stream; again though confirmed {}, \
        on their way when it was confirmed {}, again unconfirmed {}; at most {} deliveries of one; \
        {} first deliveries after a later one",
        ledger.accepted.len(),
        lost(&ledger),
        ledger.again_confirmed.len(),
        ledger.on_its_way,
        ledger.again_open,
        ledger.delivered,
        ledger.overtaken,
    );
    for (id, after) in ledger.again_confirmed.iter().take(5) {
        println!("  {id} came again {after:.2} s after it was confirmed");
    }
    if !options.has("remade") && lost(&ledger) + ledger.again_confirmed.len() > 0 {
        println!("FAILED");
        std::process::exit(1);
    }
}
