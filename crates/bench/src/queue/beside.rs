//! The rate of 200 order keys beside others that fail, or that have much waiting, in the same
//! partition.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tencent_im_callback::Callback;
use tencent_im_callback_queue::jetstream::JetStream;
use tencent_im_callback_queue::{Delivery, Queue};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tower::service_fn;

use super::broker::{Broker, Sync};
use super::{Folder, enqueue, measure::median};
use crate::table::{Spread, Table};

/// How long the handler waits.
const HANDLER: Duration = Duration::from_millis(100);

/// The keys whose rate is measured.
const KEYS: u64 = 200;

/// Senders of callbacks that are not measured: each is a conversation.
const OTHERS: u64 = 1_000;

/// What is accepted before the callbacks that are measured.
#[derive(Clone, Copy)]
enum Beside {
    Nothing,
    /// A thousand keys with one callback each, which fails after so long.
    Failing(Duration),
    /// One key with so many.
    Waiting(u64),
}

pub(super) async fn print(folder: &Folder, template: &Callback, quick: bool) {
    let (rounds, seconds) = if quick { (1, 1) } else { (3, 10) };
    let head = ["permits", "beside", "handled / s", "/ beside nothing", "goal"];
    let mut table = Table::new("200 keys of one partition, a handler of 0.1 s", &head);
    let beside = [
        ("nothing", Beside::Nothing),
        ("1,000 keys that fail after 0.1 s", Beside::Failing(HANDLER)),
        ("1,000 keys that fail at once", Beside::Failing(Duration::ZERO)),
        ("one key with 10,000 waiting", Beside::Waiting(10_000)),
    ];
    for permits in [50, 1_000] {
        let mut figures = beside.map(|_| Vec::new());
        for _ in 0..rounds {
            for ((_, beside), figures) in beside.iter().zip(&mut figures) {
                figures.push(handled(folder, template, permits, *beside, seconds).await);
            }
        }
        let alone = median(&figures[0], |rate| *rate);
        for ((what, _), rates) in beside.iter().zip(figures) {
            let rates = Spread::of(rates);
            let ratio = format!("{:.2}", rates.median / alone);
            let row = [permits.to_string(), (*what).to_owned(), rates.to_string(), ratio];
            table.row(&[&row[..], &[">= 0.9".to_owned()]].concat());
        }
    }
    table.print();
}

/// Handled a second of the keys that are measured, from the first one on.
async fn handled(
    folder: &Folder,
    template: &Callback,
    permits: usize,
    beside: Beside,
    seconds: u64,
) -> f64 {
    let broker = Broker::start(folder, Sync::Usual).expect("it started just now");
    let settings = JetStream::new("beside").partitions(1);
    let queue = Queue::jetstream(broker.context().await, settings).await.unwrap();
    match beside {
        Beside::Nothing => {}
        Beside::Failing(_) => fill(&queue, template, (0..OTHERS).map(|key| (0, key))).await,
        Beside::Waiting(count) => fill(&queue, template, (0..count).map(|turn| (turn, 0))).await,
    }
    // As many as could be handled at best.
    let turns = (permits as u64).min(KEYS) * 10 * (seconds + 2) / KEYS;
    let measured = (0..turns * KEYS).map(|number| (number / KEYS, OTHERS + number % KEYS));
    fill(&queue, template, measured).await;
    let count = Arc::new(AtomicU64::new(0));
    let counted = count.clone();
    let handler = service_fn(move |callback: Callback| {
        let delivery: &Delivery = callback.extensions.get().expect("from a queue");
        let is_measured = delivery.id.sequence()
            > match beside {
                Beside::Nothing => 0,
                Beside::Failing(_) => OTHERS,
                Beside::Waiting(count) => count,
            };
        let counted = counted.clone();
        async move {
            match beside {
                Beside::Failing(after) if !is_measured => {
                    tokio::time::sleep(after).await;
                    return Err("it always fails");
                }
                _ => tokio::time::sleep(HANDLER).await,
            }
            counted.fetch_add(u64::from(is_measured), Ordering::Relaxed);
            Ok(())
        }
    });
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = queue.worker(handler).concurrency(permits);
    let worker = tokio::spawn(worker.run(async { drop(stopped.await) }));
    while queue.stats().await.unwrap().running == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let rate = count.load(Ordering::Relaxed) as f64 / seconds as f64;
    drop(stop);
    worker.await.unwrap().unwrap();
    queue.close().await.unwrap();
    rate
}

/// Callbacks of these turns of these keys, in this order.
async fn fill(queue: &Queue, template: &Callback, numbers: impl Iterator<Item = (u64, u64)>) {
    let call = enqueue(queue, template);
    let mut calls = JoinSet::new();
    for (turn, key) in numbers {
        while calls.len() >= 256 {
            calls.join_next().await;
        }
        calls.spawn(call(turn * super::CONVERSATIONS + key));
    }
    calls.join_all().await;
}
