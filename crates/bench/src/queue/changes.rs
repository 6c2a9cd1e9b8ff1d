//! Workers that join, are restarted and are killed while callbacks come in: each is a process.

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tencent_im_callback::Callback;
use tencent_im_callback_queue::Queue;
use tencent_im_callback_queue::jetstream::JetStream;
use tokio::runtime::Runtime;
use tower::service_fn;

use super::broker::{Broker, Sync, connect};
use super::{Folder, NUMBER_AT, enqueue};
use crate::table::{Spread, Table};

/// Between two callbacks.
const PAUSE: Duration = Duration::from_millis(5);

const PARTITIONS: u64 = 16;

/// Longer than anything takes here.
const LONGEST: Duration = Duration::from_secs(120);

fn settings(lease: Duration) -> JetStream {
    JetStream::new("shared").lease(lease)
}

/// Works until its standard input ends. Prints what it handles, and how many partitions it owns.
pub fn work(url: &str, lease: &str) {
    let lease = Duration::from_millis(lease.parse().expect("a number of milliseconds"));
    Runtime::new().unwrap().block_on(async {
        let queue = Queue::jetstream(connect(url).await, settings(lease)).await.unwrap();
        let handler = service_fn(|callback: Callback| {
            let digits = &callback.body[NUMBER_AT..NUMBER_AT + 20];
            println!("handled {}", String::from_utf8_lossy(digits));
            std::future::ready(Ok::<_, Infallible>(()))
        });
        let watched = queue.clone();
        let watcher = tokio::spawn(async move {
            let mut last = 0;
            loop {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let partitions = watched.stats().await.map_or(last, |stats| stats.partitions);
                if partitions != last {
                    println!("owns {partitions}");
                }
                last = partitions;
            }
        });
        let worker = queue.worker(handler);
        let ended = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0]));
        worker.run(async { drop(ended.await) }).await.unwrap();
        watcher.abort();
        queue.close().await.unwrap();
    });
}

/// A process that works.
struct Worker {
    child: Child,
    /// The numbers of partitions that it has owned.
    owns: Receiver<u64>,
}

impl Worker {
    fn start(broker: &Broker, lease: Duration, ledger: &Arc<Ledger>) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["work", &broker.url(), &lease.as_millis().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (tell, owns) = channel();
        let (lines, ledger) =
            (BufReader::new(child.stdout.take().unwrap()).lines(), ledger.clone());
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let (verb, number) = line.split_once(' ').expect("two words");
                let number: u64 = number.parse().expect("a number");
                if verb == "handled" {
                    ledger.handled(number);
                } else {
                    let _ = tell.send(number);
                }
            }
        });
        Worker { child, owns }
    }

    fn wait_for(&self, partitions: u64) {
        while self.owns.recv_timeout(LONGEST).expect("it owns too few") != partitions {}
    }

    /// What it has owned until now.
    fn forget(&self) {
        while self.owns.try_recv().is_ok() {}
    }

    /// It hands over what it has.
    fn stop(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// When each callback was accepted, and how long it waited for a worker.
#[derive(Default)]
struct Ledger(Mutex<Vec<(Instant, Option<Duration>)>>);

impl Ledger {
    fn accepted(&self) {
        self.0.lock().unwrap().push((Instant::now(), None));
    }

    fn handled(&self, number: u64) {
        if let Some((at, waited)) = self.0.lock().unwrap().get_mut(number as usize) {
            waited.get_or_insert(at.elapsed());
        }
    }

    /// Of all that were accepted since then, when all of them are handled.
    fn longest_wait(&self, since: Instant) -> f64 {
        let (start, count) = (Instant::now(), self.0.lock().unwrap().len());
        loop {
            let all = self.0.lock().unwrap()[..count].to_vec();
            let waits = all.iter().filter(|(at, _)| *at >= since).map(|(_, waited)| *waited);
            if let Some(waits) = waits.collect::<Option<Vec<_>>>() {
                return waits.into_iter().max().unwrap_or_default().as_secs_f64();
            }
            assert!(start.elapsed() < LONGEST, "something is not handled");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Seconds: until the other one has its share, and the longest wait of a callback meanwhile.
type Change = (f64, f64);

pub(super) fn print(folder: &Folder, template: &Callback, quick: bool) {
    let (rounds, lease) = if quick { (1, 1) } else { (5, 10) };
    let lease = Duration::from_secs(lease);
    let rounds: Vec<[Change; 3]> = (0..rounds).map(|_| round(folder, template, lease)).collect();
    let title = format!("Two workers, 16 partitions, a lease of {lease:?}, 200 callbacks a second");
    let head = ["", "has its share after, s", "longest wait of a callback, s", "goal"];
    let mut table = Table::new(&title, &head);
    let whats = [
        ("a worker joins", "share <= 10"),
        ("a worker is restarted", "wait <= 1"),
        ("a worker is killed", "wait <= 15"),
    ];
    for (number, (what, goal)) in whats.into_iter().enumerate() {
        let spread = |figure: fn(&Change) -> f64| {
            Spread::of(rounds.iter().map(|changes| figure(&changes[number])).collect()).to_string()
        };
        let (share, wait) = (spread(|change| change.0), spread(|change| change.1));
        table.row(&[what.to_owned(), share, wait, goal.to_owned()]);
    }
    table.print();
}

fn round(folder: &Folder, template: &Callback, lease: Duration) -> [Change; 3] {
    let broker = Broker::start(folder, Sync::Usual).expect("it started just now");
    let runtime = Runtime::new().unwrap();
    let ledger = Arc::new(Ledger::default());
    let queue = runtime
        .block_on(async { Queue::jetstream(broker.context().await, settings(lease)).await })
        .unwrap();
    let first = Worker::start(&broker, lease, &ledger);
    first.wait_for(PARTITIONS);
    let (call, counted) = (enqueue(&queue, template), ledger.clone());
    runtime.spawn(async move {
        let mut ticks = tokio::time::interval(PAUSE);
        for number in 0.. {
            ticks.tick().await;
            counted.accepted();
            call(number).await;
        }
    });
    let start = || Worker::start(&broker, lease, &ledger);
    let (second, joined) = during(&ledger, || {
        let second = start();
        second.wait_for(PARTITIONS / 2);
        second
    });
    let (third, restarted) = during(&ledger, || {
        second.stop();
        let third = start();
        third.wait_for(PARTITIONS / 2);
        third
    });
    first.forget();
    let ((), killed) = during(&ledger, || {
        third.kill();
        first.wait_for(PARTITIONS);
    });
    runtime.shutdown_background();
    first.kill();
    [joined, restarted, killed]
}

fn during<T>(ledger: &Ledger, change: impl FnOnce() -> T) -> (T, Change) {
    let start = Instant::now();
    let changed = change();
    let took = start.elapsed().as_secs_f64();
    // What is accepted just after it counts as well.
    std::thread::sleep(Duration::from_secs(1));
    (changed, (took, ledger.longest_wait(start)))
}
