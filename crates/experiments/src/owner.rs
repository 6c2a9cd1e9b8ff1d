//! Change of owner: who starts what in a partition, while its owner is stopped, killed, restarted
//! or dismissed, and while leaders change.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::api::{Answer, Api};
use crate::engine::{Log, Worker};
use crate::ledger::{Faults, Ledger};
use crate::nats::{Cluster, Folder, Process};
use crate::{Options, lease, pinned, random};

/// The process of one worker.
pub async fn worker(options: &Options) {
    let api = Api::connect(options.text("urls").unwrap()).await;
    let ms = |name, usual| Duration::from_millis(options.number(name, usual) as u64);
    let permits = options.number("permits", 100);
    let worker = Arc::new(Worker {
        api,
        id: options.text("id").unwrap().to_owned(),
        log: Log::open(options.text("log")),
        permits: Arc::new(Semaphore::new(permits)),
        handler: ms("handler-ms", 40),
        ttl: ms("ttl-ms", 3000),
        partitions: options.number("partitions", 4) as u32,
        window: options.number("window", 500),
        replicas: options.number("nodes", 3),
    });
    std::thread::spawn(|| {
        drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        std::process::exit(0);
    });
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let run = async {
        match options.text("design") {
            Some("lease") => lease::run(worker.clone(), stopped).await,
            design => {
                let mut tasks = JoinSet::new();
                for partition in 0..worker.partitions {
                    let fenced = design == Some("pinned-fenced");
                    tasks.spawn(pinned::serve(worker.clone(), partition, fenced));
                }
                while tasks.join_next().await.is_some() {}
            }
        }
    };
    let terminated = async {
        let kind = tokio::signal::unix::SignalKind::terminate();
        tokio::signal::unix::signal(kind).unwrap().recv().await;
        if options.text("design") == Some("lease") {
            stop.send(true).unwrap();
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = run => {}
        () = terminated => {}
    }
}

/// Processes of workers, each with a name that no other one has had.
pub struct Workers {
    arguments: Vec<String>,
    log: Option<PathBuf>,
    pub environment: Vec<(String, String)>,
    pub processes: Vec<(String, Process)>,
}

impl Workers {
    pub fn new(arguments: &[(&str, String)], log: Option<&Path>) -> Self {
        let words = |(name, value): &(&str, String)| [format!("--{name}"), value.clone()];
        let arguments = arguments.iter().flat_map(words).collect();
        Workers {
            arguments,
            log: log.map(Path::to_owned),
            environment: Vec::new(),
            processes: Vec::new(),
        }
    }

    pub fn spawn(&self) -> (String, Process) {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let id = format!("w{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("worker").args(["--id", &id]).args(&self.arguments);
        command.envs(self.environment.iter().cloned());
        if let Some(log) = &self.log {
            command.arg("--log").arg(log);
        }
        (id, Process::start(&mut command))
    }

    pub fn start(&mut self, count: usize) {
        for _ in 0..count {
            let process = self.spawn();
            self.processes.push(process);
        }
    }
}

pub type Accepted = Arc<Mutex<HashSet<(String, u64)>>>;

/// One caller, who sends the next one of its key once the last one was accepted.
pub async fn caller(
    api: Api,
    key: String,
    partition: usize,
    end: Instant,
    pause: Duration,
    accepted: Accepted,
) {
    for number in 1.. {
        if Instant::now() > end {
            return;
        }
        loop {
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Msg-Id", format!("{key}-{number}"));
            let body = format!("{key} {number} ");
            if let Some(Ok(_)) = api.publish(&format!("q.{partition}"), headers, body).await {
                accepted.lock().unwrap().insert((key.clone(), number));
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(pause).await;
    }
}

async fn consumers(api: &Api) -> Vec<String> {
    match api.once("CONSUMER.NAMES.q", &json!({})).await {
        Some(Answer::Done(list)) => {
            let names = list["consumers"].as_array().cloned().unwrap_or_default();
            names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}

struct Harm<'a> {
    cluster: &'a mut Cluster,
    workers: &'a mut Workers,
    api: Api,
    log: Log,
    ttl: Duration,
}

impl Harm<'_> {
    async fn do_to_all(&self, subject: &str, body: &serde_json::Value) {
        for name in consumers(&self.api).await {
            self.api.once(&format!("{subject}.q.{name}"), body).await;
        }
    }

    async fn nodes(&mut self, event: &str) {
        self.log.say(&format!("event {event}"));
        let count = self.cluster.nodes.len() as u64;
        let node = &mut self.cluster.nodes[(random() % count) as usize];
        if event == "node-killed" {
            node.kill();
            tokio::time::sleep(Duration::from_millis(300 + random() % 1700)).await;
            node.start();
        } else {
            node.signal("-STOP");
            tokio::time::sleep(self.ttl / 2 + Duration::from_millis(random() % 4000)).await;
            node.signal("-CONT");
        }
    }

    async fn workers(&mut self, event: &str) {
        let which = (random() % self.workers.processes.len() as u64) as usize;
        let id = self.workers.processes[which].0.clone();
        self.log.say(&format!("event {event} {id}"));
        match event {
            "worker-stopped" => {
                self.workers.processes[which].1.signal("-STOP");
                // What is open now may end beside the next owner's work.
                self.log.say(&format!("exit {id}"));
                tokio::time::sleep(self.ttl * 2 + Duration::from_millis(random() % 2000)).await;
                self.workers.processes[which].1.signal("-CONT");
            }
            "worker-restarted" => {
                let new = self.workers.spawn();
                let (_, mut old) = std::mem::replace(&mut self.workers.processes[which], new);
                old.signal("-TERM");
                tokio::task::spawn_blocking(move || old.wait()).await.unwrap();
                self.log.say(&format!("exit {id}"));
            }
            _ => {
                drop(self.workers.processes.remove(which));
                self.log.say(&format!("exit {id}"));
                tokio::time::sleep(self.ttl * 3).await;
                self.workers.start(1);
            }
        }
    }

    async fn once(&mut self, event: &str) {
        match event {
            "step-down" => {
                self.log.say("event step-down");
                self.do_to_all("CONSUMER.LEADER.STEPDOWN", &json!({})).await;
            }
            "unpinned" => {
                self.log.say("event unpinned");
                self.do_to_all("CONSUMER.UNPIN", &json!({"group": "g"})).await;
            }
            "consumer-deleted" => {
                self.log.say("event consumer-deleted");
                self.do_to_all("CONSUMER.DELETE", &json!({})).await;
            }
            "node-killed" | "node-stopped" => self.nodes(event).await,
            _ => self.workers(event).await,
        }
    }
}

/// Which events belong to which design and to how many nodes.
fn events(design: &str, nodes: usize) -> Vec<&'static str> {
    let mut events = vec!["worker-stopped", "worker-restarted", "worker-killed", "node-killed"];
    events.extend((nodes > 1).then_some("step-down"));
    events.push("node-stopped");
    events.push(if design == "lease" { "consumer-deleted" } else { "unpinned" });
    events
}

/// Says what the consumers still have to deliver.
async fn print_left(api: &Api) {
    for name in consumers(api).await {
        match api.once(&format!("CONSUMER.INFO.q.{name}"), &json!({})).await {
            Some(Answer::Done(info))
                if info["num_pending"] == 0 && info["num_ack_pending"] == 0 => {}
            Some(Answer::Done(info)) => println!(
                "{name}: {} waiting, {} not acknowledged",
                info["num_pending"], info["num_ack_pending"]
            ),
            Some(Answer::Failed(code, text)) => println!("{name}: {code} {text}"),
            None => println!("{name}: no answer"),
        }
    }
}

/// Reads the log until all that was accepted is in it, for a minute and a half at most.
async fn read_ledger(path: &Path, accepted: &HashSet<(String, u64)>) -> Ledger {
    let late = Instant::now() + Duration::from_secs(90);
    loop {
        let ledger = Ledger::read(path);
        if accepted.is_subset(&ledger.done) || Instant::now() >= late {
            return ledger;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

/// Whether the lease was broken, or a callback was not handled.
fn has_failed(ledger: &Ledger, accepted: &HashSet<(String, u64)>) -> bool {
    let wrong = |faults: &Faults| faults.lease_over + faults.beside + faults.disorder;
    ledger.faults.values().any(|faults| wrong(faults) > 0) || !accepted.is_subset(&ledger.done)
}

/// Starts one caller a key, who publish until this time.
fn publish(api: &Api, options: &Options, end: Instant, accepted: &Accepted) -> JoinSet<()> {
    let partitions = options.number("partitions", 4);
    let pause = Duration::from_millis(80);
    let mut callers = JoinSet::new();
    for number in 0..options.number("keys", 40) {
        let (api, accepted) = (api.clone(), accepted.clone());
        callers.spawn(caller(api, format!("k{number}"), number % partitions, end, pause, accepted));
    }
    callers
}

pub async fn run(options: &Options) {
    let nodes = options.number("nodes", 3);
    let design = options.text("design").unwrap_or("lease");
    let ttl = Duration::from_millis(options.number("ttl-ms", 3000) as u64);
    let partitions = options.number("partitions", 4);
    let mut cluster = Cluster::start(nodes, options.text("sync")).await;
    let api = cluster.api().await;
    match design {
        "lease" => lease::streams(&api, nodes).await,
        _ => pinned::streams(&api, partitions as u32, ttl, nodes).await,
    }
    let folder = Folder::new();
    let path = folder.0.join("log");
    let log = Log::open(path.to_str());
    let arguments = [
        ("urls", cluster.urls()),
        ("design", design.to_owned()),
        ("nodes", nodes.to_string()),
        ("ttl-ms", ttl.as_millis().to_string()),
        ("partitions", partitions.to_string()),
    ];
    let mut workers = Workers::new(&arguments, Some(&path));
    workers.start(2);
    let accepted = Accepted::default();
    let end = Instant::now() + options.seconds(120);
    let mut callers = publish(&cluster.api().await, options, end, &accepted);
    tokio::time::sleep(ttl * 2).await;
    let mut harm = Harm { cluster: &mut cluster, workers: &mut workers, api, log, ttl };
    let chosen = options.text("events").map(|events| events.split(',').collect());
    let events = chosen.unwrap_or_else(|| events(design, nodes));
    for event in events.iter().cycle() {
        if Instant::now() > end {
            break;
        }
        harm.once(event).await;
        tokio::time::sleep(ttl + Duration::from_millis(random() % 3000)).await;
    }
    while callers.join_next().await.is_some() {}
    let accepted = accepted.lock().unwrap().clone();
    let ledger = read_ledger(&path, &accepted).await;
    print_left(&harm.api).await;
    if let Some(place) = options.text("keep") {
        std::fs::copy(&path, place).unwrap();
    }
    println!(
        "{} accepted, {} not handled, {} of these in the stream, {} starts, \
        {} acknowledgements not confirmed, {} gaps noticed",
        accepted.len(),
        accepted.difference(&ledger.done).count(),
        harm.api.messages("q").await,
        ledger.starts,
        ledger.unconfirmed,
        ledger.gaps,
    );
    ledger.print();
    if design == "lease" && has_failed(&ledger, &accepted) {
        println!("FAILED");
        std::process::exit(1);
    }
}
