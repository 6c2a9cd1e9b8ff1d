//! The queue of SQLite with a worker beside the callers, empty at first and behind a backlog; and
//! what a backlog takes.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tencent_im_callback::Callback;
use tencent_im_callback_queue::store::{Entry, Store};
use tencent_im_callback_queue::{Queue, SqliteStore};
use tokio::task::JoinSet;
use tower::service_fn;

use super::measure::median;
use super::size::{mib, resident_of, size};
use super::{EndToEnd, Folder, end_to_end, numbered};
use crate::table::Table;

/// How much is measured.
struct Plan {
    rounds: u64,
    lasts: Duration,
    backlog: u64,
}

/// What a backlog takes: times, and bytes.
struct Backlog {
    filling: Duration,
    opening: Duration,
    drained: u64,
    draining: Duration,
    memory: u64,
    full: u64,
    empty: u64,
    refilled: u64,
}

pub(super) async fn print(folder: &Folder, template: &Callback, quick: bool, bare_at_1000: f64) {
    let (rounds, lasts, backlog) = if quick { (1, 500, 20_000) } else { (5, 3000, 1_000_000) };
    let plan = Plan { rounds, lasts: Duration::from_millis(lasts), backlog };
    let mut without = Vec::new();
    for _ in 0..plan.rounds {
        let queue = Queue::open(folder.file("ours")).await.unwrap();
        without.push(end_to_end(&queue, template, 1000, 0, plan.lasts, true).await);
        queue.close().await.unwrap();
    }
    let (with, took) = measure(folder, template, &plan).await;
    print_rates(&plan, &without, &with, bare_at_1000);
    print_backlog(&plan, &took);
}

async fn open(file: &Path) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(file).await.unwrap())
}

async fn measure(folder: &Folder, template: &Callback, plan: &Plan) -> (Vec<EndToEnd>, Backlog) {
    let file = folder.file("backlog");
    let without = resident_of(&folder.file("empty"));
    let store = open(&file).await;
    let start = Instant::now();
    fill(&store, template, plan.backlog, 1 << 40).await;
    let filling = start.elapsed();
    store.close().await.unwrap();
    drop(store);
    let full = size(&file);
    let memory = resident_of(&file).saturating_sub(without);
    let start = Instant::now();
    let store = open(&file).await;
    let opening = start.elapsed();
    let queue = Queue::new(store.clone());
    let mut with = Vec::new();
    for round in 0..plan.rounds {
        with.push(end_to_end(&queue, template, 1000, round << 32, plan.lasts, false).await);
    }
    let drained = queue.stats().await.unwrap().waiting;
    let draining = drain(&queue).await;
    queue.close().await.unwrap();
    drop((queue, store));
    let empty = size(&file);
    let store = open(&file).await;
    fill(&store, template, plan.backlog, 1 << 50).await;
    store.close().await.unwrap();
    let refilled = size(&file);
    (with, Backlog { filling, opening, drained, draining, memory, full, empty, refilled })
}

async fn fill(store: &Arc<SqliteStore>, template: &Callback, count: u64, first: u64) {
    let mut tasks = JoinSet::new();
    for part in 0..4000 {
        let (store, template) = (store.clone(), template.clone());
        tasks.spawn(async move {
            for number in (first + part..first + count).step_by(4000) {
                let entry = Entry::of(&numbered(&template, number)).unwrap();
                store.append(entry, Duration::from_secs(600)).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
}

async fn drain(queue: &Queue) -> Duration {
    let start = Instant::now();
    let handler = service_fn(|_: Callback| std::future::ready(Ok::<_, Infallible>(())));
    let empty = async {
        while queue.stats().await.unwrap().waiting > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    queue.worker(handler).concurrency(1024).run(empty).await.unwrap();
    start.elapsed()
}

fn print_rates(plan: &Plan, without: &[EndToEnd], with: &[EndToEnd], bare_at_1000: f64) {
    let (completed, done) =
        (median(without, |figures| figures.completed), median(without, |figures| figures.done));
    let completed_with = median(with, |figures| figures.completed);
    let mut table = Table::new(
        "End to end: 1,000 callers, one worker of 1,024, a trivial handler",
        &["", "accepted / s", "completed / s", "until all is done / s", "ratio", "goal"],
    );
    table.row(&[
        "empty at first".to_owned(),
        format!("{:.0}", median(without, |figures| figures.accepted)),
        format!("{completed:.0}"),
        format!("{done:.0}"),
        format!("{:.2} × the bare writer's {bare_at_1000:.0} accepted", done / bare_at_1000),
        ">= 0.4".to_owned(),
    ]);
    table.row(&[
        format!("behind {}", plan.backlog),
        format!("{:.0}", median(with, |figures| figures.accepted)),
        format!("{completed_with:.0}"),
        String::new(),
        format!("{:.2} × completed without a backlog", completed_with / completed),
        ">= 0.8".to_owned(),
    ]);
    table.print();
}

fn print_backlog(plan: &Plan, took: &Backlog) {
    let mut table = Table::new("A backlog", &["", "measured", "goal"]);
    let mut row = |what: &str, measured: String, goal: &str| {
        table.row(&[what.to_owned(), measured, goal.to_owned()]);
    };
    let rate = |count: u64, took: Duration| format!("{:.0}", count as f64 / took.as_secs_f64());
    row("callbacks", plan.backlog.to_string(), "");
    row("filled, per second", rate(plan.backlog, took.filling), "");
    row("drained, per second", rate(took.drained, took.draining), "");
    row("opened, s", format!("{:.2}", took.opening.as_secs_f64()), "");
    row("memory above an empty queue, MiB", mib(took.memory), "<= 64");
    row("file, MiB", mib(took.full), "");
    row("file after draining, MiB", mib(took.empty), "");
    row("file filled again, MiB", mib(took.refilled), "");
    table.print();
}
