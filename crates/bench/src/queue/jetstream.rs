//! The queue on NATS JetStream beside raw async-nats, which publishes the same payloads with the
//! same ids and awaits each PubAck.

use std::time::Duration;

use bytes::Bytes;
use tencent_im_callback::{Callback, DedupKey};
use tencent_im_callback_queue::Queue;
use tencent_im_callback_queue::jetstream::JetStream;
use tencent_im_callback_queue::jetstream::async_nats::jetstream::message::PublishMessage;
use tencent_im_callback_queue::jetstream::async_nats::jetstream::stream::{Config, DiscardPolicy};
use tencent_im_callback_queue::store::Entry;
use tokio::runtime::Runtime;

use super::broker::{Broker, Sync};
use super::{Folder, Measured, Pairs, Until, callers, end_to_end, enqueue, template};
use crate::table::Table;

/// Who makes the keys and the JSON of a callback, which are published in each case.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Raw {
    /// Nobody: the client is handed the JSON of one callback, and an id of each.
    Handed,
    /// The caller, as a call of `Enqueue` does.
    Made,
}

pub(super) async fn raw(
    folder: &Folder,
    template: &Callback,
    count: usize,
    until: Until,
    (sync, by): (Sync, Raw),
) -> Measured {
    let broker = Broker::start(folder, sync).unwrap();
    let context = broker.context().await;
    let config = Config {
        name: "raw".to_owned(),
        discard: DiscardPolicy::New,
        duplicate_window: Duration::from_secs(600),
        max_messages: 10_000_000,
        ..Config::default()
    };
    context.create_stream(config).await.unwrap();
    let handed = Bytes::from(Entry::of(template).unwrap().payload);
    let template = template.clone();
    let before = broker.cpu();
    let measured = callers(count, until, move |number| {
        let callback = super::numbered(&template, number);
        let (context, handed) = (context.clone(), handed.clone());
        async move {
            let start = std::time::Instant::now();
            let (payload, key) = if by == Raw::Made {
                let entry = Entry::of(&callback).unwrap();
                (entry.payload.into(), entry.dedup_key.unwrap())
            } else {
                (handed, DedupKey::new(number.to_be_bytes()))
            };
            let message = PublishMessage::build().payload(payload).message_id(key.to_string());
            let ack = context.send_publish("raw", message).await.unwrap().await.unwrap();
            assert!(!ack.duplicate);
            drop(callback);
            start.elapsed()
        }
    })
    .await;
    measured.with_server(broker.cpu() - before)
}

pub(super) async fn ours(
    folder: &Folder,
    template: &Callback,
    count: usize,
    until: Until,
    sync: Sync,
) -> Measured {
    let broker = Broker::start(folder, sync).unwrap();
    let queue = Queue::jetstream(broker.context().await, JetStream::new("ours")).await.unwrap();
    let before = broker.cpu();
    let measured = callers(count, until, enqueue(&queue, template)).await;
    measured.with_server(broker.cpu() - before)
}

/// Nothing but a line if there is no server.
pub fn print(quick: bool) {
    println!("\n## Queue on JetStream\n");
    let folder = Folder::new();
    if Broker::start(&folder, Sync::Usual).is_none() {
        println!(
            "Not measured: there is no nats-server. `NATS_SERVER=$(.ci/nats) cargo run --release -p benchmarks -- jetstream`"
        );
        return;
    }
    let template = template();
    println!("Bodies of {} bytes.", template.body.len());
    Runtime::new().unwrap().block_on(async {
        for (sync, by) in
            [(Sync::Usual, Raw::Handed), (Sync::Usual, Raw::Made), (Sync::Always, Raw::Handed)]
        {
            print_accepted(&folder, &template, quick, sync, by).await;
        }
        print_end_to_end(&folder, &template, quick).await;
        super::workers::print(&folder, &template, quick).await;
        super::beside::print(&folder, &template, quick).await;
    });
    super::changes::print(&folder, &template, quick);
}

async fn print_accepted(folder: &Folder, template: &Callback, quick: bool, sync: Sync, by: Raw) {
    let (rounds, lasts) = if quick { (1, 300) } else { (5, 3000) };
    let until = Until::Over(Duration::from_millis(lasts));
    let head = ["callers", "", "raw", "ours", "ours / raw", "goal"];
    let (title, counts) = match (sync, by) {
        (Sync::Usual, Raw::Handed) => ("One call of `Enqueue`, one node", &[1, 64, 1000][..]),
        (Sync::Usual, Raw::Made) => ("The raw client's caller makes keys and JSON", &[64][..]),
        (Sync::Always, _) => ("With `sync_interval: always`", &[64, 500][..]),
    };
    let mut table = Table::new(title, &head);
    for &count in counts {
        let pairs = Pairs::measure(
            rounds,
            async || raw(folder, template, count, until, (sync, by)).await,
            async || ours(folder, template, count, until, sync).await,
        )
        .await;
        let mut row =
            |what, goal, digits, figure| table.row(&pairs.row(count, what, goal, digits, figure));
        let usual = sync == Sync::Usual && by == Raw::Handed && count == 64;
        let at_64 = |goal: &'static str| if usual { goal } else { "" };
        let rate = if sync == Sync::Always { ">= 1.0" } else { at_64(">= 0.92") };
        row("per second", rate, 0, |measured| measured.per_second);
        row("p50, ms", "", 3, |measured| measured.p50);
        row("p99, ms", at_64("<= 1.1"), 3, |measured| measured.p99);
        row("CPU of the endpoint, µs", at_64("<= 1.3"), 1, |measured| measured.cpu);
        row("CPU of the server, µs", "", 1, |measured| measured.server);
    }
    table.print();
}

async fn print_end_to_end(folder: &Folder, template: &Callback, quick: bool) {
    // Callers are many times faster than one worker: half a second of them keeps it busy for some
    // seconds.
    let (rounds, lasts) = if quick { (1, 200) } else { (5, 500) };
    let head = ["callers", "accepted / s", "completed / s", "until all is done / s", "goal"];
    let mut table =
        Table::new("End to end: one worker of 1,024, a trivial handler, 16 partitions", &head);
    for (callers, goal) in [(64, ">= 5000"), (1000, "")] {
        let mut figures = Vec::new();
        for _ in 0..rounds {
            let broker = Broker::start(folder, Sync::Usual).unwrap();
            let queue =
                Queue::jetstream(broker.context().await, JetStream::new("ours")).await.unwrap();
            figures.push(
                end_to_end(&queue, template, callers, 0, Duration::from_millis(lasts), true).await,
            );
            queue.close().await.unwrap();
        }
        let median = |one| format!("{:.0}", super::median(&figures, one));
        table.row(&[
            callers.to_string(),
            median(|figures| figures.accepted),
            median(|figures| figures.completed),
            median(|figures| figures.done),
            goal.to_owned(),
        ]);
    }
    table.print();
}
