//! The queue beside a bare writer that does the same writes, in the same run.

mod bare;
pub mod jetstream;
mod measure;
mod size;
mod workers;

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tencent_im_callback::testing::{self, SignedRequest};
use tencent_im_callback::{
    App, Callback, DedupKey, Disposition, Event, OrderKey, Verified, Verifier,
};
use tencent_im_callback_queue::store::{Entry, Store};
use tencent_im_callback_queue::{Queue, SqliteStore, StoreOptions};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tower::{Layer, Service, service_fn};

use self::bare::{BareWriter, Row};
use self::measure::{Measured, Pairs, Until, callers, median};
pub use self::size::resident;
use self::size::{mib, resident_of, size};
use crate::table::Table;

const WORD: &str = "C2C.CallbackAfterSendMsg";

/// Where the padding of a body starts.
const NUMBER_AT: usize = "{\"Padding\":\"".len();

/// Of one conversation in so many each.
const CONVERSATIONS: u64 = 10_000;

/// A folder that is gone afterwards. `BENCH_DIR` says on which disk.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let parent = std::env::var_os("BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let path = parent.join(format!("callback-queue-bench-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&path));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    /// A file that is not there yet.
    fn file(&self, name: &str) -> PathBuf {
        for suffix in ["", "-wal", "-journal", "-lock"] {
            drop(std::fs::remove_file(self.0.join(format!("{name}{suffix}"))));
        }
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A callback whose body has about 700 bytes.
fn template() -> Callback {
    let sample = testing::sample(&WORD.into()).unwrap();
    let text = "x".repeat(700_usize.saturating_sub(sample.len()).max(20));
    let body = sample.replacen('{', &format!("{{\"Padding\":\"{text}\","), 1);
    let request: http::Request<Vec<u8>> = SignedRequest::new(WORD).unsigned().build();
    let verifier = Verifier::new(App::unsigned(1_400_000_000));
    let Ok(Verified::Callback(params)) = verifier.verify(request.method(), request.uri()) else {
        panic!("no callback")
    };
    let callback = Callback::parse(params, body.into()).unwrap();
    // Without keys the queue would have less to do than the bare writer.
    assert!(callback.dedup_key().is_some() && callback.order_key().is_some());
    callback
}

/// One of its own: with a key and of a conversation.
fn numbered(template: &Callback, number: u64) -> Callback {
    let mut callback = template.clone();
    // The key of the command is a digest of the body.
    let mut body = template.body.to_vec();
    let digits = format!("{number:020}");
    body[NUMBER_AT..NUMBER_AT + digits.len()].copy_from_slice(digits.as_bytes());
    callback.body = body.into();
    if let Event::C2cAfterSendMsg(event) = &mut callback.event {
        event.from_account = (number % CONVERSATIONS).to_string().into();
    }
    callback
}

async fn bare(
    folder: &Folder,
    template: &Callback,
    count: usize,
    until: Until,
    unique: bool,
) -> Measured {
    let writer = Arc::new(BareWriter::open(&folder.file("bare"), unique));
    let counted = writer.clone();
    let text = Entry::of(template).unwrap().payload;
    let template = template.clone();
    callers(count, until, move |number| {
        let callback = numbered(&template, number);
        let (writer, text) = (writer.clone(), text.clone());
        async move {
            let row = Row {
                dedup_key: *DedupKey::new(number.to_be_bytes()).as_bytes(),
                order_key: *OrderKey::new((number % CONVERSATIONS).to_be_bytes()).as_bytes(),
                text,
            };
            let start = Instant::now();
            writer.write(row).await;
            drop(callback);
            start.elapsed()
        }
    })
    .await
    .with_commits(counted.commits())
}

/// A call of `Enqueue`, from the callback to the reply.
fn enqueue(
    queue: &Queue,
    template: &Callback,
) -> impl Fn(u64) -> Enqueuing + Clone + Send + 'static {
    let inner = service_fn(|_: Callback| -> std::future::Ready<Result<(), Infallible>> {
        panic!("inline")
    });
    let service = queue.layer().max_wait(Duration::from_secs(60)).layer(inner);
    let template = template.clone();
    move |number| {
        let callback = numbered(&template, number);
        let mut service = service.clone();
        Box::pin(async move {
            let start = Instant::now();
            let reply = service.call(callback).await.unwrap();
            let wait = start.elapsed();
            assert_eq!(reply.disposition(), Disposition::Enqueued);
            wait
        })
    }
}

type Enqueuing = std::pin::Pin<Box<dyn Future<Output = Duration> + Send>>;

async fn ours(folder: &Folder, template: &Callback, count: usize, until: Until) -> Measured {
    let store = Arc::new(SqliteStore::open(folder.file("ours")).await.unwrap());
    let queue = Queue::new(store.clone());
    let measured = callers(count, until, enqueue(&queue, template)).await;
    queue.close().await.unwrap();
    measured.with_commits(store.commits())
}

/// Callers and a worker at once, for so long.
struct EndToEnd {
    accepted: f64,
    completed: f64,
    /// Accepted, by the time until all of them were completed.
    done: f64,
}

async fn end_to_end(
    queue: &Queue,
    template: &Callback,
    count: usize,
    first: u64,
    lasts: Duration,
    to_the_end: bool,
) -> EndToEnd {
    let before = queue.stats().await.unwrap();
    let start = Instant::now();
    let (tell, told) = tokio::sync::oneshot::channel::<()>();
    let handler = service_fn(|_: Callback| std::future::ready(Ok::<_, Infallible>(())));
    let worker = queue.worker(handler).concurrency(1024);
    let worker = tokio::spawn(async move {
        worker
            .run(async {
                drop(told.await);
            })
            .await
    });
    let call = enqueue(queue, template);
    callers(count, Until::Over(lasts), move |number| call(first + number)).await;
    let after = queue.stats().await.unwrap();
    let took = start.elapsed().as_secs_f64();
    while to_the_end && queue.stats().await.unwrap().waiting > 0 {
        // A broker has twenty questions to answer for it.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let to_the_end = start.elapsed().as_secs_f64();
    drop(tell);
    worker.await.unwrap().unwrap();
    let accepted = (after.accepted - before.accepted) as f64;
    EndToEnd {
        accepted: accepted / took,
        completed: (after.completed - before.completed) as f64 / took,
        done: accepted / to_the_end,
    }
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

/// A fixed number of calls, to be run under a profiler: `bare`, `index` (the bare writer with a
/// unique index on keys) or `ours`.
pub fn calls(contender: &str, callers: &str, calls: &str) {
    let (folder, template) = (Folder::new(), template());
    let count = callers.parse().expect("a number of callers");
    let until = Until::Calls(calls.parse().expect("a number of calls"));
    let measured = Runtime::new().unwrap().block_on(async {
        match contender {
            "ours" => ours(&folder, &template, count, until).await,
            _ => bare(&folder, &template, count, until, contender == "index").await,
        }
    });
    println!(
        "{contender}, {count} callers: {:.0} per second, CPU {:.2} µs a call, {:.0} bytes written a call, {:.1} calls a sync",
        measured.per_second, measured.cpu, measured.written, measured.per_sync
    );
}

pub fn print(quick: bool) {
    let folder = Folder::new();
    let runtime = Runtime::new().unwrap();
    let template = template();
    println!("\n## Queue\n\nBodies of {} bytes.", template.body.len());
    runtime.block_on(async {
        let bare_at_1000 = print_accepted(&folder, &template, quick).await;
        print_end_to_end(&folder, &template, quick, bare_at_1000).await;
    });
}

async fn print_accepted(folder: &Folder, template: &Callback, quick: bool) -> f64 {
    let (rounds, lasts) = if quick { (1, 300) } else { (7, 2000) };
    let until = Until::Over(Duration::from_millis(lasts));
    let mut at_1000 = 0.0;
    let head = ["callers", "", "bare", "ours", "ours / bare", "goal"];
    for unique in [true, false] {
        let title = if unique { "with a unique index on keys" } else { "without an index on keys" };
        let mut table =
            Table::new(&format!("One call of `Enqueue`, SQLite; the bare writer {title}"), &head);
        for count in [1, 64, 1000] {
            let pairs = Pairs::measure(
                rounds,
                async || bare(folder, template, count, until, unique).await,
                async || ours(folder, template, count, until).await,
            )
            .await;
            let mut row = |what, goal, digits, figure| {
                table.row(&pairs.row(count, what, goal, digits, figure));
            };
            row("per second", ">= 0.8", 0, |measured| measured.per_second);
            row("p50, ms", "<= 1.3", 3, |measured| measured.p50);
            row("p99, ms", "<= 1.3", 3, |measured| measured.p99);
            row("CPU, µs a call", "", 1, |measured| measured.cpu);
            row("bytes written a call", "", 0, |measured| measured.written);
            row("calls a sync", "", 1, |measured| measured.per_sync);
            if unique {
                at_1000 = median(&pairs.others, |measured| measured.per_second);
            }
        }
        table.print();
    }
    at_1000
}

async fn print_end_to_end(folder: &Folder, template: &Callback, quick: bool, bare_at_1000: f64) {
    let (rounds, lasts, backlog) = if quick { (1, 500, 20_000) } else { (5, 3000, 1_000_000) };
    let lasts = Duration::from_millis(lasts);
    let file = folder.file("backlog");
    let empty = resident_of(&folder.file("empty"));
    let mut without = Vec::new();
    for _ in 0..rounds {
        let queue = Queue::open(folder.file("ours")).await.unwrap();
        without.push(end_to_end(&queue, template, 1000, 0, lasts, true).await);
        queue.close().await.unwrap();
    }
    let options = StoreOptions::new;
    let store = Arc::new(SqliteStore::open_with(&file, options()).await.unwrap());
    let start = Instant::now();
    fill(&store, template, backlog, 1 << 40).await;
    let filling = start.elapsed();
    store.close().await.unwrap();
    drop(store);
    let full_size = size(&file);
    let resident = resident_of(&file);
    let start = Instant::now();
    let store = Arc::new(SqliteStore::open_with(&file, options()).await.unwrap());
    let opening = start.elapsed();
    let queue = Queue::new(store.clone());
    let mut with = Vec::new();
    for round in 0..rounds {
        with.push(end_to_end(&queue, template, 1000, round << 32, lasts, false).await);
    }
    let left = queue.stats().await.unwrap().waiting;
    let draining = drain(&queue).await;
    queue.close().await.unwrap();
    drop((queue, store));
    let drained_size = size(&file);
    let store = Arc::new(SqliteStore::open_with(&file, options()).await.unwrap());
    fill(&store, template, backlog, 1 << 50).await;
    store.close().await.unwrap();
    let refilled_size = size(&file);

    let (completed, done) =
        (median(&without, |figures| figures.completed), median(&without, |figures| figures.done));
    let completed_with = median(&with, |figures| figures.completed);
    let mut table = Table::new(
        "End to end: 1,000 callers, one worker of 1,024, a trivial handler",
        &["", "accepted / s", "completed / s", "until all is done / s", "ratio", "goal"],
    );
    table.row(&[
        "empty at first".to_owned(),
        format!("{:.0}", median(&without, |figures| figures.accepted)),
        format!("{completed:.0}"),
        format!("{done:.0}"),
        format!("{:.2} × the bare writer's {bare_at_1000:.0} accepted", done / bare_at_1000),
        ">= 0.4".to_owned(),
    ]);
    table.row(&[
        format!("behind {backlog}"),
        format!("{:.0}", median(&with, |figures| figures.accepted)),
        format!("{completed_with:.0}"),
        String::new(),
        format!("{:.2} × completed without a backlog", completed_with / completed),
        ">= 0.8".to_owned(),
    ]);
    table.print();

    let mut table = Table::new("A backlog", &["", "measured", "goal"]);
    let mut row = |what: &str, measured: String, goal: &str| {
        table.row(&[what.to_owned(), measured, goal.to_owned()]);
    };
    row("callbacks", backlog.to_string(), "");
    row("filled, per second", format!("{:.0}", backlog as f64 / filling.as_secs_f64()), "");
    row("drained, per second", format!("{:.0}", left as f64 / draining.as_secs_f64()), "");
    row("opened, s", format!("{:.2}", opening.as_secs_f64()), "");
    row("memory above an empty queue, MiB", mib(resident.saturating_sub(empty)), "<= 64");
    row("file, MiB", mib(full_size), "");
    row("file after draining, MiB", mib(drained_size), "");
    row("file filled again, MiB", mib(refilled_size), "");
    table.print();
}
