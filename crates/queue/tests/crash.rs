//! Killed with SIGKILL at random points, under load: what was answered OK is handled in the end.
//!
//! `CRASH_ROUNDS=300 cargo test --release -p tencent-im-callback-queue --test crash -- --nocapture`
//! is the long run.
#![cfg(all(unix, feature = "sqlite"))]

mod common;

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::{Folder, SECOND, callback};
use tencent_im_callback::{Callback, DedupKey, OrderKey};
use tencent_im_callback_queue::store::{Appended, Entry, Store};
use tencent_im_callback_queue::{Delivery, Queue, RetryPolicy, SqliteStore};
use tower::service_fn;

const KEYS: u64 = 50;

/// A line, whole or not at all.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{text}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Takes in and handles until it is killed. Says what it has answered, and what it has handled.
async fn live(file: &Path) {
    // Ends the line that the test harness has begun.
    say("");
    let store = Arc::new(SqliteStore::open(file).await.unwrap());
    let queue = Queue::new(store.clone());
    let random = RandomState::new();
    let sample = Entry::of(&callback("State.StateChange")).unwrap();
    let next = Arc::new(AtomicU64::new(0));
    for _ in 0..64 {
        let (store, next, sample, random) =
            (store.clone(), next.clone(), sample.clone(), random.clone());
        tokio::spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let mut entry = sample.clone();
                // Every eighth comes a second time.
                let name = random.hash_one(number - number % 8 / 7);
                entry.dedup_key = Some(DedupKey::new(name.to_be_bytes()));
                entry.order_key =
                    (name % 5 != 0).then(|| OrderKey::new((name % KEYS).to_be_bytes()));
                let (Appended::Stored(id) | Appended::Duplicate(id)) =
                    store.append(entry, 30 * SECOND).await.unwrap();
                say(&format!("accepted {}", id.sequence()));
            }
        });
    }
    let fails = random.clone();
    let service = service_fn(move |callback: Callback| {
        let delivery: Delivery = callback.extensions.get().cloned().unwrap();
        let fails = delivery.attempt < 3
            && fails.hash_one((delivery.id.sequence(), delivery.attempt)).is_multiple_of(10);
        async move {
            tokio::task::yield_now().await;
            if fails {
                return Err("a failure");
            }
            let key = delivery.order_key.map_or("none".to_owned(), |key| key.to_string());
            say(&format!("handled {} {key}", delivery.id.sequence()));
            Ok(())
        }
    });
    let quick = RetryPolicy::new().first_delay(Duration::from_millis(2));
    queue.worker(service).retry(quick).run(std::future::pending()).await.unwrap();
}

#[test]
fn lives_if_told() {
    let Some(file) = std::env::var_os("CRASH_FILE") else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(live(Path::new(&file)));
}

#[derive(Default)]
struct Ledger {
    accepted: HashSet<u64>,
    /// Rounds in which it was handled.
    handled: HashMap<u64, Vec<u32>>,
    last: HashMap<String, u64>,
}

impl Ledger {
    fn read(&mut self, round: u32, line: &str) {
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("accepted"), Some(id), None) => {
                self.accepted.insert(id.parse().unwrap());
            }
            (Some("handled"), Some(id), Some(key)) => {
                let id = id.parse().unwrap();
                let rounds = self.handled.entry(id).or_default();
                assert!(!rounds.contains(&round), "{id} was handled twice in one life");
                rounds.push(round);
                if key != "none" {
                    let last = self.last.entry(key.to_owned()).or_default();
                    assert!(*last <= id, "{id} came after {last}");
                    *last = id;
                }
            }
            // What the test harness says.
            _ => {}
        }
    }
}

/// One life of the child, killed this long after its first line.
fn live_and_die(folder: &Folder, life: Duration, mut read: impl FnMut(&str)) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "lives_if_told", "--nocapture", "--test-threads=1"])
        .env("CRASH_FILE", folder.file())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut end = None;
    let mut text = String::new();
    while said.read_line(&mut text).unwrap() > 0 {
        // A line that was cut off was not said.
        if let Some(line) = text.strip_suffix('\n') {
            read(line);
        }
        text.clear();
        if *end.get_or_insert_with(|| Instant::now() + life) <= Instant::now() {
            child.kill().unwrap();
        }
    }
    assert!(!child.wait().unwrap().success());
}

/// Handles what the last life has left. Returns how many these were, and how many of them had been
/// handled before.
async fn handle_the_rest(folder: &Folder, ledger: &mut Ledger, round: u32) -> (u32, u32) {
    let store = Arc::new(SqliteStore::open(folder.file()).await.unwrap());
    let (mut left, mut again) = (0, 0);
    loop {
        let claimed = store.claim(1000, SECOND).await.unwrap();
        if claimed.is_empty() {
            break;
        }
        let mut completing = tokio::task::JoinSet::new();
        for claimed in claimed {
            let id = claimed.delivery.id.sequence();
            left += 1;
            again += u32::from(ledger.handled.contains_key(&id));
            let key = claimed.delivery.order_key.map_or("none".to_owned(), |key| key.to_string());
            ledger.read(round, &format!("handled {id} {key}"));
            let store = store.clone();
            completing.spawn(async move { store.complete(claimed.claim).await.unwrap() });
        }
        completing.join_all().await;
    }
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.waiting, stats.dead), (0, 0));
    (left, again)
}

#[test]
fn nothing_that_was_accepted_is_lost_when_the_process_is_killed() {
    let rounds = std::env::var("CRASH_ROUNDS").map_or(15, |text| text.parse().unwrap());
    let folder = Folder::new();
    let mut ledger = Ledger::default();
    let random = RandomState::new();
    for round in 0..rounds {
        let life = Duration::from_micros(random.hash_one(round) % 400_000);
        live_and_die(&folder, life, |line| ledger.read(round, line));
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (left, again) = runtime.block_on(handle_the_rest(&folder, &mut ledger, rounds));
    let lost: Vec<_> =
        ledger.accepted.iter().filter(|id| !ledger.handled.contains_key(id)).collect();
    assert!(lost.is_empty(), "{} lost: {lost:?}", lost.len());
    let twice = ledger.handled.values().filter(|rounds| rounds.len() > 1).count();
    eprintln!(
        "killed {rounds} times: {} accepted, 0 lost, {left} left at the end, \
        {again} of them and {twice} in all handled again",
        ledger.accepted.len()
    );
    // At each kill, the attempts that were open may have been handled: 64 at a time, and those on
    // their way to the disk.
    assert!(twice <= rounds as usize * (64 + 1024), "{twice}");
    assert!(ledger.accepted.len() > 100);
}
