//! An endpoint that loses nothing it has answered OK: moderation inline, everything else through a
//! queue on disk to a handler that writes to a database of its own.
//!
//! ```sh
//! cargo run -p tencent-im-callback-queue --example durable
//! cargo run -p tencent-im-callback-cli -- send http://127.0.0.1:3000/callback State.StateChange
//! ```
//!
//! Kill it with `kill -9` as often as you like: what was answered OK is in the table `handled` in
//! the end, once.
//!
//! The log is JSON, and each line of the handler has the span of its attempt: the app, the command,
//! and the id in the queue. `grep` for that id shows the request, all attempts and their errors.
//!
//! Several instances share a queue on NATS JetStream. With `nats-server -js` running, start it
//! twice:
//!
//! ```sh
//! QUEUE=nats://127.0.0.1:4222 \
//!     cargo run -p tencent-im-callback-queue --features jetstream --example durable
//! QUEUE=nats://127.0.0.1:4222 ADDR=127.0.0.1:3001 \
//!     cargo run -p tencent-im-callback-queue --features jetstream --example durable
//! ```
//!
//! | environment | default | meaning |
//! | --- | --- | --- |
//! | `ADDR` | `127.0.0.1:3000` | where to listen; port 0 picks a free one |
//! | `QUEUE` | `callbacks.queue` | the queue's file, or the addresses of NATS servers: `nats://HOST:PORT`, separated by commas |
//! | `REPLICAS` | `1` | on how many NATS servers each callback is kept |
//! | `DATABASE` | `handled.sqlite` | the database of the handler |
//! | `SDK_APP_ID` | `1400000000` | the app |
//! | `CALLBACK_TOKEN` | `xxxxyyyy` | its token |

use std::env;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use rusqlite::{Connection, params};
use tencent_im_callback::moderation::{Finding, ModerateLayer, Text};
use tencent_im_callback::reply::c2c::RejectCode;
use tencent_im_callback::{
    App, Callback, CallbackLayer, EventRouter, HandlerError, OnError, Reply, SdkAppId, Split, Token,
};
use tencent_im_callback_queue::{Delivery, Queue, RetryPolicy};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::{ServiceBuilder, service_fn};

/// How long open connections may take to finish at the end.
const PATIENCE: Duration = Duration::from_secs(10);

const SPAM: RejectCode = RejectCode::of::<120_001>();

/// Somebody waits for this verdict: it is given inline.
fn judge(text: &Text<'_>) -> Finding {
    if text.contains("spam") { Finding::Reject } else { Finding::Allow }
}

/// The database of the handler.
#[derive(Clone)]
struct Database(Arc<Mutex<Connection>>);

impl Database {
    fn open(path: &str) -> Result<Self, rusqlite::Error> {
        let conn = Connection::open(path)?;
        conn.execute_batch(
            "PRAGMA journal_mode = wal;
            PRAGMA synchronous = full;
            CREATE TABLE IF NOT EXISTS handled (
                id TEXT PRIMARY KEY, command TEXT NOT NULL, body TEXT NOT NULL
            )",
        )?;
        Ok(Database(Arc::new(Mutex::new(conn))))
    }

    /// A callback may come twice if the process was killed while it was being handled. The id
    /// beside the work, in one transaction, makes the second time do nothing.
    fn record(&self, id: &str, command: &str, body: &[u8]) -> Result<(), rusqlite::Error> {
        let conn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        conn.execute(
            "INSERT OR IGNORE INTO handled (id, command, body) VALUES (?1, ?2, ?3)",
            params![id, command, String::from_utf8_lossy(body)],
        )?;
        Ok(())
    }
}

async fn handle(database: Database, callback: Callback) -> Result<Reply, HandlerError> {
    let delivery: &Delivery =
        callback.extensions.get().ok_or_else(|| HandlerError::permanent("not from the queue"))?;
    let id = delivery.id.to_string();
    let command = callback.command().clone();
    let written =
        tokio::task::spawn_blocking(move || database.record(&id, command.as_str(), &callback.body));
    written.await??;
    tracing::info!("written down");
    Ok(Reply::ok())
}

/// A setting that cannot be read is an error: falling back to the published token would let anybody
/// in.
fn setting(name: &str, default: &str) -> Result<String, String> {
    match env::var(name) {
        Ok(value) => Ok(value),
        Err(env::VarError::NotPresent) => Ok(default.to_owned()),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

fn app() -> Result<App, Box<dyn Error>> {
    let id: SdkAppId = setting("SDK_APP_ID", "1400000000")?
        .parse()
        .map_err(|error| format!("SDK_APP_ID: {error}"))?;
    let token = Token::new(setting("CALLBACK_TOKEN", "xxxxyyyy")?)
        .map_err(|error| format!("CALLBACK_TOKEN: {error}"))?;
    Ok(App::signed(id, token))
}

/// The only line that differs between one disk and several machines.
async fn open(place: &str) -> Result<Queue, Box<dyn Error>> {
    if !place.contains("://") {
        return Ok(Queue::open(place).await?);
    }
    #[cfg(not(feature = "jetstream"))]
    return Err("QUEUE: for NATS, build the example with `--features jetstream`".into());
    #[cfg(feature = "jetstream")]
    {
        use tencent_im_callback_queue::jetstream::{JetStream, async_nats};

        let servers: Vec<&str> = place.split(',').collect();
        let client = async_nats::connect(servers).await?;
        let replicas =
            setting("REPLICAS", "1")?.parse().map_err(|error| format!("REPLICAS: {error}"))?;
        let settings = JetStream::new("callbacks").replicas(replicas);
        Ok(Queue::jetstream(async_nats::jetstream::new(client), settings).await?)
    }
}

fn endpoint(app: App, queue: &Queue) -> Router {
    let verdicts = ServiceBuilder::new()
        .timeout(Duration::from_millis(1500))
        .load_shed()
        .concurrency_limit(256)
        .service(EventRouter::new().moderate_with(
            ModerateLayer::new(judge).reject_c2c_with(SPAM, "no advertising, please"),
        ));
    // Never called: `Split` sends verdicts to the other service.
    let notifications = ServiceBuilder::new().layer(queue.layer()).service(EventRouter::new());
    // If the queue is full or broken, answer a status that monitoring sees: Tencent does not send
    // the event again. What could not be judged in time is rejected: Tencent delivers a message
    // whose callback failed.
    let layer = CallbackLayer::new(app)
        .on_after_error(OnError::ServerError)
        .on_before_error(OnError::reject("try again later"));
    let callbacks = ServiceBuilder::new().layer(layer).service(Split::new(verdicts, notifications));
    Router::new().route_service("/callback", callbacks)
}

#[cfg(unix)]
async fn asked_to_stop() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn asked_to_stop() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app()?;
    let database = Database::open(&setting("DATABASE", "handled.sqlite")?)?;
    let queue = open(&setting("QUEUE", "callbacks.queue")?).await?;
    let listener = TcpListener::bind(setting("ADDR", "127.0.0.1:3000")?).await?;
    eprintln!("listening on http://{}/callback", listener.local_addr()?);
    tracing_subscriber::fmt()
        .json()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::INFO)
        .init();

    let (stop, mut stopping) = watch::channel(());
    let told = {
        let mut stopping = stopping.clone();
        async move { drop(stopping.changed().await) }
    };
    let worker = queue
        .worker(service_fn(move |callback| handle(database.clone(), callback)))
        .concurrency(32)
        .timeout(Duration::from_secs(30))
        .retry(RetryPolicy::new())
        .run(told);
    let worker = tokio::spawn(worker);

    let server = axum::serve(listener, endpoint(app, &queue)).with_graceful_shutdown(async move {
        if let Err(error) = asked_to_stop().await {
            tracing::error!(%error, "no signals: stopping");
        }
        drop(stop);
    });
    let patience = async {
        drop(stopping.changed().await);
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        ended = server.into_future() => ended?,
        () = patience => tracing::warn!("some connections were still open"),
    }
    let stopped = worker.await??;
    let stats = queue.stats().await?;
    queue.close().await?;
    tracing::info!(?stopped, waiting = stats.waiting, dead = stats.dead, "stopped");
    Ok(())
}
