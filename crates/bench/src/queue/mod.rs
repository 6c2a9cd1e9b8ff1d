//! The queue beside a bare writer that does the same writes, in the same run.

mod backlog;
mod bare;
mod beside;
mod broker;
mod changes;
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
use tencent_im_callback_queue::store::Entry;
use tencent_im_callback_queue::{Queue, SqliteStore};
use tokio::runtime::Runtime;
use tower::{Layer, Service, service_fn};

use self::bare::{BareWriter, Row};
use self::broker::Sync;
pub use self::changes::work;
use self::measure::{Measured, Pairs, Until, callers, median};
pub use self::size::resident;
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
            // A broker that takes seconds gets it a second time.
            let stored = [Disposition::Enqueued, Disposition::Duplicate];
            assert!(stored.contains(&reply.disposition()));
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

/// A fixed number of calls, to be run under a profiler: `bare`, `index` (the bare writer with a
/// unique index on keys) or `ours`; with a NATS server `raw` or `jetstream`.
pub fn calls(contender: &str, callers: &str, calls: &str) {
    let (folder, template) = (Folder::new(), template());
    let count = callers.parse().expect("a number of callers");
    let until = Until::Calls(calls.parse().expect("a number of calls"));
    let measured = Runtime::new().unwrap().block_on(async {
        match contender {
            "ours" => ours(&folder, &template, count, until).await,
            "raw" => {
                let handed = (Sync::Usual, jetstream::Raw::Handed);
                jetstream::raw(&folder, &template, count, until, handed).await
            }
            "jetstream" => jetstream::ours(&folder, &template, count, until, Sync::Usual).await,
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
        backlog::print(&folder, &template, quick, bare_at_1000).await;
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
