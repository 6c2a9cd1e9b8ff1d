//! Two endpoints and two workers, on a cluster of three, while its nodes are killed, stopped and
//! started again, and workers are killed in mid-handler; and on one server that is away for longer
//! than the lease: what was answered OK is handled, once but for the attempts that were open, and
//! in order but for what is marked.
//!
//! `CHAOS_CALLBACKS=100000 CHAOS_SECONDS=600 cargo test -p tencent-im-callback-queue --features
//! jetstream --test chaos -- --nocapture nodes_and_workers` is the long run.
#![cfg(all(unix, feature = "jetstream"))]
#![allow(unreachable_pub)]

#[path = "../common/mod.rs"]
mod common;
mod harm;
mod ledger;

use std::convert::Infallible;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use common::nats::{Nats, connect, is_installed};
use common::{Folder, SECOND, callback_with};
use harm::Harm;
use ledger::Ledger;
use tencent_im_callback::{Callback, Disposition};
use tencent_im_callback_queue::jetstream::JetStream;
use tencent_im_callback_queue::{Delivery, Queue, QueueError, RetryPolicy, Stats, StoreOptions};
use tower::{Layer, Service, service_fn};

/// Callbacks that an endpoint takes in at a time, each of a conversation of its own.
const POSTERS: u64 = 16;

/// Callbacks that a worker handles at a time.
const CONCURRENCY: usize = 32;

/// Shorter than most workers live: each has to watch for as long before it takes over.
const LEASE: Duration = Duration::from_secs(2);

async fn queue(urls: &str) -> Queue {
    let urls: Vec<String> = urls.split(',').map(str::to_owned).collect();
    let replicas = urls.len();
    // Handled callbacks are deleted meanwhile, so that one which is deleted too early would be
    // missed.
    let options = StoreOptions::new().dedup_window(20 * SECOND);
    let settings =
        || JetStream::new("chaos").replicas(replicas).lease(LEASE).options(options.clone());
    let context = connect(urls).await;
    loop {
        match Queue::jetstream(context.clone(), settings()).await {
            Ok(queue) => return queue,
            Err(error) => assert!(error.is_temporary(), "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Appends whole lines: several processes write to the same file.
struct Log(File);

impl Log {
    fn open(path: &Path) -> Self {
        Log(File::options().append(true).create(true).open(path).unwrap())
    }

    fn say(&self, line: &str) {
        (&self.0).write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

/// Takes in its share, each one until it is answered OK.
async fn endpoint(urls: &str, log: &Path, first: u64, count: u64, pause: Duration) {
    let queue = queue(urls).await;
    let mut posters = tokio::task::JoinSet::new();
    for poster in 0..POSTERS {
        let inline = service_fn(|_: Callback| -> std::future::Ready<Result<(), Infallible>> {
            panic!("inline")
        });
        let mut service = queue.layer().max_wait(1500 * SECOND / 1000).layer(inline);
        let log = Log::open(log);
        posters.spawn(async move {
            for number in (first + poster..first + count).step_by(usize::try_from(POSTERS).unwrap()) {
                let body = format!(
                    "{{\"CallbackCommand\":\"C2C.CallbackAfterSendMsg\",\"From_Account\":\"{first}-{poster}\",\"To_Account\":\"x\",\
                    \"MsgSeq\":1,\"MsgRandom\":1,\"MsgTime\":1557481126,\"MsgKey\":\"key-{number}-\",\"SendMsgResult\":0,\
                    \"ErrorInfo\":\"\",\"MsgBody\":[]}}"
                );
                let callback = callback_with("C2C.CallbackAfterSendMsg", body);
                loop {
                    match service.call(callback.clone()).await {
                        Ok(reply) => {
                            let first = reply.disposition() == Disposition::Enqueued;
                            assert!(first || reply.disposition() == Disposition::Duplicate);
                            log.say(&format!("accepted {number}"));
                            tokio::time::sleep(pause).await;
                            break;
                        }
                        Err(error) => {
                            let cause: Option<&QueueError> = error.downcast_ref();
                            assert!(cause.is_some_and(QueueError::is_temporary), "{error:#}");
                            log.say(&format!("refused {number}"));
                        }
                    }
                }
            }
        });
    }
    while let Some(poster) = posters.join_next().await {
        poster.unwrap();
    }
}

async fn worker(urls: &str, log: &Path, name: &str, unit: Duration) {
    let queue = queue(urls).await;
    let log = std::sync::Arc::new(Log::open(log));
    let name = name.to_owned();
    let handler = service_fn(move |callback: Callback| {
        let delivery: Delivery = callback.extensions.get().cloned().unwrap();
        let body = std::str::from_utf8(&callback.body).unwrap();
        let number: u64 =
            body.split("key-").nth(1).unwrap().split('-').next().unwrap().parse().unwrap();
        let (log, name) = (log.clone(), name.clone());
        async move {
            let order = if delivery.out_of_order { "late" } else { "in-order" };
            log.say(&format!("start {number} {name} {order}"));
            tokio::time::sleep(unit * u32::try_from(number % 7).unwrap()).await;
            if number.is_multiple_of(50) && delivery.attempt == 1 {
                return Err("the first attempt of every fiftieth fails");
            }
            log.say(&format!("done {number} {name}"));
            Ok(())
        }
    });
    let retry = RetryPolicy::new().first_delay(Duration::from_millis(20));
    let worker = queue.worker(handler).concurrency(CONCURRENCY).retry(retry);
    worker.run(std::future::pending()).await.unwrap();
}

#[test]
fn lives_if_told() {
    let Some(role) = std::env::var_os("CHAOS_ROLE") else {
        return;
    };
    let get = |name: &str| std::env::var(name).unwrap();
    let number = |name| get(name).parse::<u64>().unwrap();
    let log = PathBuf::from(get("CHAOS_LOG"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        if role == "worker" {
            let unit = Duration::from_millis(number("CHAOS_UNIT"));
            worker(&get("CHAOS_URLS"), &log, &get("CHAOS_NAME"), unit).await;
        } else {
            let pause = Duration::from_millis(number("CHAOS_PAUSE"));
            endpoint(&get("CHAOS_URLS"), &log, number("CHAOS_FIRST"), number("CHAOS_COUNT"), pause)
                .await;
        }
    });
}

fn child(role: &str, urls: &str, log: &Path, more: &[(&str, String)]) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "lives_if_told", "--nocapture", "--test-threads=1"])
        .env("CHAOS_ROLE", role)
        .env("CHAOS_URLS", urls)
        .env("CHAOS_LOG", log)
        .envs(more.iter().map(|(name, value)| (name, value)))
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

/// Killed when the test ends, however it ends.
struct Worker {
    child: Child,
    name: String,
    unit: u64,
}

impl Worker {
    /// A handler takes up to six of these units, in ms.
    fn start(number: usize, life: u32, unit: u64, urls: &str, log: &Path) -> Self {
        let name = format!("w{number}.{life}");
        let more = [("CHAOS_NAME", name.clone()), ("CHAOS_UNIT", unit.to_string())];
        let child = child("worker", urls, log, &more);
        Worker { child, name, unit }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// How much is accepted, and in what time.
struct Plan {
    /// Of each endpoint.
    share: u64,
    /// Between two callbacks of a poster, in ms.
    pause: u64,
}

impl Plan {
    fn from_env() -> Self {
        let setting =
            |name, usual| std::env::var(name).map_or(usual, |text| text.parse::<u64>().unwrap());
        let (count, seconds) = (setting("CHAOS_CALLBACKS", 4000), setting("CHAOS_SECONDS", 30));
        let share = count / 2 / POSTERS * POSTERS;
        Plan { share, pause: seconds * 1000 * POSTERS / share }
    }

    fn endpoint(&self, number: u64, urls: &str, log: &Path) -> Child {
        let more = [
            ("CHAOS_FIRST", number * self.share),
            ("CHAOS_COUNT", self.share),
            ("CHAOS_PAUSE", self.pause),
        ];
        child("endpoint", urls, log, &more.map(|(name, value)| (name, value.to_string())))
    }
}

/// Waits until all that was accepted is handled.
fn wait_for_all(log: &Path, share: u64, stats: impl Fn() -> Result<Stats, QueueError>) {
    // What the broker has lost sight of is found once the window is over.
    let end = Instant::now() + 240 * SECOND;
    loop {
        let stats = stats();
        let ledger = Ledger::read(log, share);
        let done = |number: &&u64| !ledger.done.contains_key(number);
        let rest: Vec<u64> = ledger.accepted.iter().filter(done).copied().collect();
        if let Ok(stats) = &stats
            && stats.waiting == 0
            && rest.is_empty()
        {
            assert_eq!(stats.dead, 0);
            return;
        }
        assert!(Instant::now() < end, "{stats:?}: {} are not handled: {rest:?}", rest.len());
        std::thread::sleep(Duration::from_secs(2));
    }
}

/// All that was accepted while this was going on is handled.
fn nothing_is_lost_during(
    mut nats: Nats,
    unit: u64,
    harm: impl FnOnce(&mut Nats, &mut [Worker], &str, &Path, &mut dyn FnMut() -> bool) -> Harm,
) {
    let plan = Plan::from_env();
    let urls = nats.urls();
    let folder = Folder::new();
    let log = folder.path().join("log");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let watched = runtime.block_on(queue(&urls));

    let mut endpoints = [plan.endpoint(0, &urls, &log), plan.endpoint(1, &urls, &log)];
    let mut workers = [0, 1].map(|number| Worker::start(number, 0, unit, &urls, &log));
    let harm = harm(&mut nats, &mut workers, &urls, &log, &mut || {
        endpoints.iter_mut().any(|endpoint| endpoint.try_wait().unwrap().is_none())
    });
    for mut endpoint in endpoints {
        assert!(endpoint.wait().unwrap().success());
    }
    wait_for_all(&log, plan.share, || runtime.block_on(watched.stats()));
    drop(workers);

    if let Some(place) = std::env::var_os("CHAOS_KEEP") {
        std::fs::copy(&log, place).unwrap();
    }
    let ledger = Ledger::read(&log, plan.share);
    assert_eq!(ledger.accepted.len() as u64, 2 * plan.share);
    assert!(ledger.disorder.is_empty(), "begun after later ones: {:?}", ledger.disorder);
    let twice: usize = ledger.done.values().map(|by| by.len() - 1).sum();
    // Those whose end was not confirmed: when their worker was killed, or when the cluster had no
    // leader for as long as a claim holds.
    let harmed = harm.workers.len() + 2 * (harm.killed + harm.stopped) as usize;
    assert!(twice <= CONCURRENCY * harmed, "{twice}");
    eprintln!(
        "{} accepted, {} refused; {} nodes killed, {} stopped, {} workers killed: 0 lost, {twice} handled again, {} out of order",
        ledger.accepted.len(),
        ledger.refused,
        harm.killed,
        harm.stopped,
        harm.workers.len(),
        ledger.late.len(),
    );
}

#[test]
fn nothing_that_was_accepted_is_lost_while_nodes_and_workers_die() {
    if is_installed() {
        nothing_is_lost_during(Nats::three(), 1, Harm::do_while);
    }
}

#[test]
fn nothing_that_was_accepted_is_lost_while_the_only_server_comes_and_goes() {
    if is_installed() {
        nothing_is_lost_during(Nats::one(), 50, |nats, _, _, _, going| {
            Harm::outages_while(nats, going)
        });
    }
}
