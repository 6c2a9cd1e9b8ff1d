//! Workers that share a queue on NATS JetStream, with a handler that waits: what counts is how many
//! callbacks are in flight at a time.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use tencent_im_callback::Callback;
use tencent_im_callback_queue::Queue;
use tencent_im_callback_queue::jetstream::JetStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::service_fn;

use super::broker::{Broker, Sync};
use super::{CONVERSATIONS, Folder, enqueue};
use crate::table::{Spread, Table};

/// How long the handler waits.
const HANDLER: Duration = Duration::from_millis(100);

/// Callbacks with one order key follow each other, so this many are in flight at most.
const KEYS: u64 = 1_000;

/// Enough for each worker to hear of the others and to have its share.
const SHARED: Duration = Duration::from_secs(5);

pub(super) async fn print(folder: &Folder, template: &Callback, quick: bool) {
    let (rounds, seconds) = if quick { (1, 1) } else { (3, 8) };
    let head = ["workers", "permits of each", "handled / s", "ideal"];
    let mut table = Table::new("A handler of 0.1 s, 1,000 keys", &head);
    for (workers, permits) in [(1, 1_000), (1, 50), (2, 50), (4, 50)] {
        let ideal = workers * permits * 10;
        let mut figures = Vec::new();
        for _ in 0..rounds {
            let count = (ideal * seconds) as u64;
            figures.push(handled(folder, template, workers, permits, count).await);
        }
        let handled = Spread::of(figures);
        table.row(&[
            workers.to_string(),
            permits.to_string(),
            handled.to_string(),
            ideal.to_string(),
        ]);
    }
    table.print();
}

/// Handled a second, from the first that is accepted to the last that is done. Each worker has a
/// client of its own, as a process would.
async fn handled(
    folder: &Folder,
    template: &Callback,
    workers: usize,
    permits: usize,
    count: u64,
) -> f64 {
    let broker = Broker::start(folder, Sync::Usual).expect("it started just now");
    let (stop, stopped) = watch::channel(());
    let mut running = JoinSet::new();
    let mut queues = Vec::new();
    for _ in 0..workers {
        let context = broker.context().await;
        let queue = Queue::jetstream(context, JetStream::new("shared")).await.unwrap();
        let handler = service_fn(async |_: Callback| {
            tokio::time::sleep(HANDLER).await;
            Ok::<_, Infallible>(())
        });
        let worker = queue.worker(handler).concurrency(permits);
        let mut stopped = stopped.clone();
        running.spawn(worker.run(async move {
            drop(stopped.changed().await);
        }));
        queues.push(queue);
    }
    tokio::time::sleep(SHARED).await;
    let start = Instant::now();
    let call = enqueue(&queues[0], template);
    let mut calls = JoinSet::new();
    for number in 0..count {
        while calls.len() >= 256 {
            calls.join_next().await;
        }
        calls.spawn(call(number / KEYS * CONVERSATIONS + number % KEYS));
    }
    calls.join_all().await;
    while queues[0].stats().await.unwrap().waiting > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let rate = count as f64 / start.elapsed().as_secs_f64();
    drop(stop);
    running.join_all().await;
    for queue in queues {
        queue.close().await.unwrap();
    }
    rate
}
