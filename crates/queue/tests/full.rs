//! A full disk, of its own: what was accepted is completed, each callback once.
//!
//! In brief with `cargo test`. `FULL_DISK=all` is every combination, `FULL_DISK_SIZES=4,8` of these
//! sizes only, in MB. `FULL_DISK_FS=ext4` takes ext4 on a loop device in place of tmpfs.
//! `FULL_DISK_ROUNDS=1000`: how often another program fills the disk. Skipped where nobody may
//! mount a file system.
#![cfg(all(unix, feature = "sqlite"))]

mod common;

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Folder, MINUTE, callback_with};
use futures_util::future::join_all;
use tencent_im_callback::{Callback, DedupKey, OrderKey};
use tencent_im_callback_queue::store::{Appended, Entry, Store};
use tencent_im_callback_queue::{Delivery, Queue, QueueError, SqliteStore};
use tower::{Service, service_fn};

const WORD: &str = "State.StateChange";

/// A file system of its own, gone when dropped.
struct Disk(PathBuf);

impl Disk {
    /// None where nobody may mount one.
    fn mount(folder: &Path, megabytes: u64) -> Option<Self> {
        let path = folder.join("disk");
        fs::create_dir(&path).unwrap();
        let run =
            |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
        let mounted = if std::env::var("FULL_DISK_FS").is_ok_and(|name| name == "ext4") {
            let image = folder.join("image");
            fs::File::create(&image).unwrap().set_len(megabytes << 20).unwrap();
            run(Command::new("mkfs.ext4").args(["-q", "-m", "0"]).arg(&image))
                && run(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(&path))
        } else {
            let size = format!("size={megabytes}m");
            run(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&path))
        };
        mounted.then_some(Disk(path))
    }

    fn file(&self) -> PathBuf {
        self.0.join("callbacks.queue")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

#[derive(Clone, Copy)]
struct Case {
    megabytes: u64,
    concurrency: usize,
    order_keys: u64,
    dedup: bool,
    body: usize,
    kill: bool,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case { megabytes, concurrency, order_keys, dedup, body, kill } = self;
        write!(
            f,
            "{megabytes} MB, concurrency {concurrency}, {order_keys} order keys, dedup {dedup}, \
            bodies of {body}, kill {kill}"
        )
    }
}

fn cases() -> Vec<Case> {
    let sizes = |all: &[u64]| match std::env::var("FULL_DISK_SIZES") {
        Ok(text) => text.split(',').map(|size| size.parse().unwrap()).collect(),
        Err(_) => all.to_vec(),
    };
    let case = |megabytes, concurrency, order_keys, dedup, body, kill| Case {
        megabytes,
        concurrency,
        order_keys,
        dedup,
        body,
        kill,
    };
    if std::env::var_os("FULL_DISK").is_none() {
        return vec![
            case(4, 20, 7, true, 200, true),
            case(8, 20, 7, true, 700, false),
            case(4, 1, 1, false, 20_000, true),
            case(8, 64, u64::MAX, true, 20_000, true),
        ];
    }
    let mut cases = Vec::new();
    for megabytes in sizes(&[4, 8, 12, 40, 100]) {
        for concurrency in [1, 4, 20, 64] {
            for order_keys in [1, 7, u64::MAX] {
                for dedup in [false, true] {
                    for body in [200, 2_000, 20_000] {
                        for kill in [false, true] {
                            cases.push(case(megabytes, concurrency, order_keys, dedup, body, kill));
                        }
                    }
                }
            }
        }
    }
    cases
}

/// A callback with a body of about this size.
fn sample(size: usize) -> Entry {
    let sample = tencent_im_callback::testing::sample(&WORD.into()).unwrap();
    let text = "x".repeat(size.saturating_sub(sample.len()));
    let body = sample.replacen('{', &format!("{{\"Padding\":\"{text}\","), 1);
    Entry::of(&callback_with(WORD, body)).unwrap()
}

/// Fills the disk. Returns how many were accepted.
async fn fill(store: &SqliteStore, case: Case) -> u64 {
    let sample = sample(case.body);
    let (mut next, mut accepted, mut refused) = (0_u64, 0, 0);
    // Some would fit after others did not.
    while refused < 3 {
        let appends = (0..64).map(|_| {
            next += 1;
            let mut entry = sample.clone();
            entry.order_key = Some(OrderKey::new((next % case.order_keys).to_be_bytes()));
            entry.dedup_key = case.dedup.then(|| DedupKey::new(next.to_be_bytes()));
            store.append(entry, MINUTE)
        });
        let results = join_all(appends).await;
        let count = results.iter().filter(|result| result.is_ok()).count();
        for error in results.into_iter().filter_map(Result::err) {
            assert!(matches!(error, QueueError::DiskFull), "{error:?}");
        }
        accepted += count as u64;
        refused = if count == 0 { refused + 1 } else { 0 };
    }
    accepted
}

/// The child: fills the disk, then closes the store or waits to be killed.
#[tokio::test]
async fn fills_if_told() {
    let Some(file) = std::env::var_os("FULL_DISK_FILE") else {
        return;
    };
    let number = |name: &str| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let case = Case {
        megabytes: 0,
        concurrency: 0,
        order_keys: number("ORDER_KEYS"),
        dedup: number("DEDUP") == 1,
        body: usize::try_from(number("BODY")).unwrap(),
        kill: number("KILL") == 1,
    };
    let store = SqliteStore::open(file).await.unwrap();
    println!("accepted {} ", fill(&store, case).await);
    if case.kill {
        drop(Command::new("kill").args(["-9", &std::process::id().to_string()]).status());
    }
    store.close().await.unwrap();
}

fn fill_in_a_child(file: &Path, case: Case) -> u64 {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "fills_if_told", "--nocapture"])
        .env("FULL_DISK_FILE", file)
        .env("ORDER_KEYS", case.order_keys.to_string())
        .env("DEDUP", u8::from(case.dedup).to_string())
        .env("BODY", case.body.to_string())
        .env("KILL", u8::from(case.kill).to_string())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert_eq!(output.status.success(), !case.kill);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let count = said.split("accepted ").nth(1).and_then(|rest| rest.split(' ').next());
    count.unwrap_or_else(|| panic!("{said}")).parse().unwrap()
}

type Handled = Arc<Mutex<HashMap<u64, u32>>>;

/// A service that counts how often each callback comes.
fn counting(
    handled: &Handled,
) -> impl Service<Callback, Response = (), Error = &'static str, Future: Send>
+ Clone
+ Send
+ 'static
+ use<> {
    let handled = handled.clone();
    service_fn(move |callback: Callback| {
        let id = callback.extensions.get::<Delivery>().unwrap().id.sequence();
        *handled.lock().unwrap().entry(id).or_default() += 1;
        async { Ok::<_, &str>(()) }
    })
}

/// Waits until no more than `left` wait. Fails if nothing is completed for a long time.
async fn completed(queue: &Queue, left: u64) {
    let (mut before, mut idle) = (u64::MAX, 0);
    loop {
        let waiting = queue.stats().await.unwrap().waiting;
        if waiting <= left {
            return;
        }
        idle = if waiting == before { idle + 1 } else { 0 };
        assert!(idle < 400, "{waiting} wait, and nothing is completed");
        before = waiting;
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// Works until no more than `left` wait.
async fn work(file: &Path, concurrency: usize, left: u64, handled: &Handled) {
    let queue = Queue::open(file).await.unwrap();
    let watched = queue.clone();
    let worker = queue.worker(counting(handled)).concurrency(concurrency);
    worker.run(async move { completed(&watched, left).await }).await.unwrap();
    queue.close().await.unwrap();
}

async fn run(case: Case) -> bool {
    let folder = Folder::new();
    let Some(disk) = Disk::mount(folder.path(), case.megabytes) else {
        eprintln!("skipped: a file system cannot be mounted here");
        return false;
    };
    let accepted = fill_in_a_child(&disk.file(), case);
    assert!(accepted > 0, "{case}");
    if case.kill {
        // What is allocated stays so, and another program gets none of it.
        let mut other = fs::File::create(disk.0.join("other")).unwrap();
        while other.write(&[1; 4096]).is_ok() {}
    }
    let handled = Handled::default();
    // Once stopped half way: what was handled must have been completed by then.
    work(&disk.file(), case.concurrency, accepted / 2, &handled).await;
    work(&disk.file(), case.concurrency, 0, &handled).await;
    let handled = std::mem::take(&mut *handled.lock().unwrap());
    let twice = handled.values().filter(|times| **times > 1).count();
    eprintln!("{case}: {accepted} accepted, {} completed, {twice} handled twice", handled.len());
    assert_eq!((handled.len() as u64, twice), (accepted, 0), "{case}");
    // There is space again.
    drop(fs::remove_file(disk.0.join("other")));
    let store = SqliteStore::open(disk.file()).await.unwrap();
    let again = fill(&store, case).await;
    assert!(again > 0, "{case}");
    store.close().await.unwrap();
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_was_accepted_is_completed() {
    for case in cases() {
        if !run(case).await {
            return;
        }
    }
}

/// Appends until told to stop, and waits whenever the disk is full. Returns what was accepted.
async fn append_until(stop: Arc<AtomicBool>, store: Arc<SqliteStore>, part: u64) -> Vec<u64> {
    let sample = sample(700);
    let mut accepted = Vec::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let mut entry = sample.clone();
        entry.order_key = Some(OrderKey::new((number % 7).to_string()));
        entry.dedup_key = Some(DedupKey::new(format!("{part} {number}")));
        match store.append(entry, MINUTE).await {
            Ok(Appended::Stored(id) | Appended::Duplicate(id)) => accepted.push(id.sequence()),
            Err(QueueError::DiskFull) => tokio::time::sleep(Duration::from_millis(5)).await,
            Err(error) => panic!("{error:?}"),
        }
    }
    accepted
}

/// Fills the disk and makes space again, at random.
async fn fill_and_free(disk: &Disk, rounds: i64) {
    let random = RandomState::new();
    for round in 0..rounds {
        let other = disk.0.join("other");
        let mut file = fs::File::create(&other).unwrap();
        // Until it is full, and then once more, should anything have become free.
        for _ in 0..2 {
            while file.write(&[1; 4096]).is_ok() {}
            tokio::time::sleep(Duration::from_millis(random.hash_one(round) % 100)).await;
        }
        drop(file);
        fs::remove_file(other).unwrap();
        tokio::time::sleep(Duration::from_millis(random.hash_one(-round) % 200)).await;
    }
}

/// Another program fills the disk while callbacks come in and are handled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_program_on_the_disk_loses_nothing() {
    let folder = Folder::new();
    let Some(disk) = Disk::mount(folder.path(), 12) else {
        eprintln!("skipped: a file system cannot be mounted here");
        return;
    };
    let rounds = std::env::var("FULL_DISK_ROUNDS").map_or(20, |text| text.parse().unwrap());
    let store = Arc::new(SqliteStore::open(disk.file()).await.unwrap());
    let queue = Queue::new(store.clone());
    let stop = Arc::new(AtomicBool::new(false));
    let appending: Vec<_> =
        (0..32).map(|part| tokio::spawn(append_until(stop.clone(), store.clone(), part))).collect();
    let handled = Handled::default();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let worker = queue.worker(counting(&handled)).concurrency(20);
    let worker = tokio::spawn(worker.run(async { drop(ended.await) }));

    fill_and_free(&disk, rounds).await;
    stop.store(true, Ordering::Relaxed);
    let mut accepted = Vec::new();
    for part in appending {
        accepted.append(&mut part.await.unwrap());
    }
    completed(&queue, 0).await;
    drop(end);
    worker.await.unwrap().unwrap();
    let handled = std::mem::take(&mut *handled.lock().unwrap());
    let lost = accepted.iter().filter(|id| !handled.contains_key(id)).count();
    let twice = handled.values().filter(|times| **times > 1).count();
    eprintln!(
        "filled {rounds} times: {} accepted, {lost} lost, {twice} handled twice",
        accepted.len()
    );
    assert!(accepted.len() > 100);
    assert_eq!((lost, twice), (0, 0));
    queue.close().await.unwrap();
}
