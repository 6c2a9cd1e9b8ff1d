//! Sharing out: one, two and four workers, one that joins, one that leaves, one that is killed.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::api::Api;
use crate::engine::Log;
use crate::ledger::Ledger;
use crate::nats::{Cluster, Folder};
use crate::owner::Workers;
use crate::publish::spread;
use crate::{Options, lease};

/// Publishes without waiting for each one, then waits for the last.
pub async fn fill(api: &Api, count: u64, of: impl Fn(u64) -> (u64, String)) {
    let before = api.messages("q").await;
    for number in 0..count {
        let (partition, body) = of(number);
        api.client.publish(format!("q.{partition}"), body.into()).await.unwrap();
        // No faster than the broker stores.
        if number % 500 == 499 {
            api.messages("q").await;
        }
    }
    let late = Instant::now() + Duration::from_secs(30);
    while api.messages("q").await < before + count && Instant::now() < late {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Handled a second, by what has left the stream.
pub async fn rate(api: &Api, lasts: Duration) -> f64 {
    let (start, before) = (Instant::now(), api.messages("q").await);
    tokio::time::sleep(lasts).await;
    let after = api.messages("q").await;
    (before - after) as f64 / start.elapsed().as_secs_f64()
}

/// Of its partitions, when the newest worker had the last one, in ms since `event`.
fn joined(path: &Path) -> f64 {
    let text = std::fs::read_to_string(path).unwrap();
    let mut since = 0;
    let mut newest = "";
    let mut last = 0;
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let at: u64 = words[0].parse().unwrap();
        match words[1] {
            "event" if words[2] == "joined" && since == 0 => (since, newest) = (at, words[4]),
            "own" if words[3] == newest && at - since < 20_000 => last = at - since,
            _ => {}
        }
    }
    last as f64
}

struct Figures {
    rates: [f64; 3],
    joined: f64,
}

async fn round(options: &Options, cluster: &Cluster) -> (Figures, Ledger) {
    let api = cluster.api().await;
    for stream in ["q", "q-retry", "q-owners"] {
        drop(api.call(&format!("STREAM.DELETE.{stream}"), &serde_json::json!({})).await);
    }
    lease::streams(&api, cluster.nodes.len()).await;
    let keys = options.number("keys", 1000) as u64;
    let count = options.number("count", 80_000) as u64;
    fill(&api, count, |number| {
        let key = number % keys;
        (key % 16, format!("k{key} {} {:700}", number / keys + 1, ""))
    })
    .await;
    let folder = Folder::new();
    let path = folder.0.join("log");
    let log = Log::open(path.to_str());
    let text = |name, usual| options.number(name, usual).to_string();
    let arguments = [
        ("urls", cluster.urls()),
        ("design", "lease".to_owned()),
        ("nodes", cluster.nodes.len().to_string()),
        ("ttl-ms", text("ttl-ms", 5000)),
        ("partitions", "16".to_owned()),
        ("permits", text("permits", 100)),
        ("handler-ms", text("handler-ms", 100)),
    ];
    let settle = Duration::from_millis(options.number("ttl-ms", 5000) as u64) * 2;
    let lasts = Duration::from_secs(4);
    let mut workers = Workers::new(&arguments, Some(&path));
    let mut rates = [0.0; 3];
    for (at, more) in [1, 1, 2].into_iter().enumerate() {
        workers.start(more);
        if at > 0 {
            let newest = &workers.processes.last().unwrap().0;
            log.say(&format!("event joined none {newest}"));
        }
        tokio::time::sleep(settle).await;
        rates[at] = rate(&api, lasts).await;
    }
    let (id, mut left) = workers.processes.remove(0);
    log.say(&format!("event left {id}"));
    left.signal("-TERM");
    tokio::task::spawn_blocking(move || left.wait()).await.unwrap();
    log.say(&format!("exit {id}"));
    tokio::time::sleep(settle).await;
    let (id, killed) = workers.processes.remove(0);
    log.say(&format!("event killed {id}"));
    drop(killed);
    log.say(&format!("exit {id}"));
    tokio::time::sleep(settle * 2).await;
    (Figures { rates, joined: joined(&path) }, Ledger::read(&path))
}

pub async fn run(options: &Options) {
    let cluster = Cluster::start(options.number("nodes", 1), options.text("sync")).await;
    let mut figures = Vec::new();
    for _ in 0..options.number("rounds", 3) {
        let (round, ledger) = round(options, &cluster).await;
        ledger.print();
        figures.push(round);
    }
    let all = |one: fn(&Figures) -> f64| spread(figures.iter().map(one).collect());
    println!(
        "handled a second by one worker {}; two / one {}; four / one {}; \
         a worker that joined had its share after {} ms",
        all(|round| round.rates[0]),
        all(|round| round.rates[1] / round.rates[0]),
        all(|round| round.rates[2] / round.rates[0]),
        all(|round| round.joined),
    );
}
