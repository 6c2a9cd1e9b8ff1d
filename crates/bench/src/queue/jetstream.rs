//! The queue on NATS JetStream beside raw async-nats, which publishes the same payloads with the
//! same ids and awaits each PubAck.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use tencent_im_callback::{Callback, DedupKey};
use tencent_im_callback_queue::Queue;
use tencent_im_callback_queue::jetstream::JetStream;
use tencent_im_callback_queue::jetstream::async_nats::jetstream::message::PublishMessage;
use tencent_im_callback_queue::jetstream::async_nats::jetstream::stream::{Config, DiscardPolicy};
use tencent_im_callback_queue::jetstream::async_nats::{self, jetstream::Context};
use tencent_im_callback_queue::store::Entry;
use tokio::runtime::Runtime;

use super::{Folder, Measured, Pairs, Until, callers, end_to_end, enqueue, template};
use crate::table::Table;

/// One node with file storage, new for each measurement.
pub(super) struct Broker {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl Broker {
    pub(super) fn start(folder: &Folder) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
        let named = std::env::var_os("NATS_SERVER");
        let program = named.map_or_else(|| "nats-server".into(), PathBuf::from);
        let folder = folder.0.join("nats");
        drop(std::fs::remove_dir_all(&folder));
        let child = Command::new(program)
            .args(["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd"])
            .arg(&folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        Some(Broker { child, port, folder })
    }

    pub(super) async fn context(&self) -> Context {
        let options = async_nats::ConnectOptions::new().retry_on_initial_connect();
        let client = options.connect(format!("nats://127.0.0.1:{}", self.port)).await.unwrap();
        let context = async_nats::jetstream::new(client);
        let mut tries = 0;
        while context.create_stream("ready").await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            tries += 1;
            assert!(tries < 500, "no answer");
        }
        context
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// Of this process, in ms. Counted in ticks of 10 ms.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks: f64 = [11, 12].iter().map(|at| fields[*at].parse::<f64>().unwrap()).sum();
    ticks * 10.0
}

struct Round {
    measured: Measured,
    /// Per accepted callback, in µs.
    cpu: f64,
}

async fn raw(folder: &Folder, template: &Callback, count: usize, lasts: Duration) -> Round {
    let broker = Broker::start(folder).unwrap();
    let context = broker.context().await;
    let config = Config {
        name: "raw".to_owned(),
        discard: DiscardPolicy::New,
        duplicate_window: Duration::from_secs(600),
        max_messages: 10_000_000,
        ..Config::default()
    };
    context.create_stream(config).await.unwrap();
    let payload = Bytes::from(Entry::of(template).unwrap().payload);
    let template = template.clone();
    let before = cpu();
    let measured = callers(count, Until::Over(lasts), move |number| {
        let callback = super::numbered(&template, number);
        let (context, payload) = (context.clone(), payload.clone());
        async move {
            let id = DedupKey::new(number.to_be_bytes()).to_string();
            let start = std::time::Instant::now();
            let message = PublishMessage::build().payload(payload).message_id(id);
            let ack = context.send_publish("raw", message).await.unwrap().await.unwrap();
            assert!(!ack.duplicate);
            drop(callback);
            start.elapsed()
        }
    })
    .await;
    Round { cpu: (cpu() - before) * 1000.0 / measured.count as f64, measured }
}

async fn ours(folder: &Folder, template: &Callback, count: usize, lasts: Duration) -> Round {
    let broker = Broker::start(folder).unwrap();
    let queue = Queue::jetstream(broker.context().await, JetStream::new("ours")).await.unwrap();
    let before = cpu();
    let measured = callers(count, Until::Over(lasts), enqueue(&queue, template)).await;
    Round { cpu: (cpu() - before) * 1000.0 / measured.count as f64, measured }
}

/// Nothing but a line if there is no server.
pub fn print(quick: bool) {
    println!("\n## Queue on JetStream\n");
    let folder = Folder::new();
    if Broker::start(&folder).is_none() {
        println!(
            "Not measured: there is no nats-server. `NATS_SERVER=$(.ci/nats) cargo run --release -p benchmarks -- jetstream`"
        );
        return;
    }
    let template = template();
    println!("Bodies of {} bytes.", template.body.len());
    Runtime::new().unwrap().block_on(async {
        print_accepted(&folder, &template, quick).await;
        print_end_to_end(&folder, &template, quick).await;
        super::workers::print(&folder, &template, quick).await;
    });
}

async fn print_accepted(folder: &Folder, template: &Callback, quick: bool) {
    let (rounds, lasts) = if quick { (1, 300) } else { (7, 3000) };
    let lasts = Duration::from_millis(lasts);
    let head = ["callers", "", "raw", "ours", "ours / raw", "goal"];
    let mut table = Table::new("One call of `Enqueue`, one node, file storage", &head);
    for count in [1, 64, 1000] {
        let pairs = Pairs::measure(
            rounds,
            async || raw(folder, template, count, lasts).await,
            async || ours(folder, template, count, lasts).await,
        )
        .await;
        let mut row =
            |what, goal, digits, figure| table.row(&pairs.row(count, what, goal, digits, figure));
        let at_64 = |goal: &'static str| if count == 64 { goal } else { "" };
        row("per second", at_64(">= 0.85"), 0, |round| round.measured.per_second);
        row("p50, ms", "", 3, |round| round.measured.p50);
        row("p99, ms", at_64("<= 1.3"), 3, |round| round.measured.p99);
        row("CPU of the endpoint, µs", at_64("<= 1.3"), 0, |round| round.cpu);
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
            let broker = Broker::start(folder).unwrap();
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
