//! Two programs that share a queue on NATS JetStream: an endpoint that only accepts, and workers
//! that only handle. Start as many of each as you like, on any machine.
//!
//! ```sh
//! nats-server -js -sd /tmp/nats
//! cargo run -p tencent-im-callback-queue --features jetstream --example apart endpoint
//! cargo run -p tencent-im-callback-queue --features jetstream --example apart worker
//! cargo run -p tencent-im-callback-cli -- send http://127.0.0.1:3000/callback State.StateChange
//! ```
//!
//! Stop a worker with Ctrl+C or `kill`: it hands its partitions over at once, but for those of
//! which handlers run. If you kill it with `kill -9`, another one takes over after
//! `JetStream::lease`.
//!
//! | environment | default | meaning |
//! | --- | --- | --- |
//! | `NATS` | `nats://127.0.0.1:4222` | the addresses of the servers, separated by commas |
//! | `REPLICAS` | `1` | how many servers of a cluster keep each callback |
//! | `ADDR` | `127.0.0.1:3000` | where the endpoint listens; port 0 picks a free one |

use std::env;
use std::error::Error;

use axum::Router;
use tencent_im_callback::{
    App, Callback, CallbackLayer, EventRouter, HandlerError, OnError, Reply, Token,
};
use tencent_im_callback_queue::jetstream::{JetStream, async_nats};
use tencent_im_callback_queue::{Delivery, Queue};
use tokio::net::TcpListener;
use tower::{ServiceBuilder, service_fn};

/// The same in both programs.
async fn open() -> Result<Queue, Box<dyn Error>> {
    let servers = env::var("NATS").unwrap_or_else(|_| "nats://127.0.0.1:4222".to_owned());
    let servers: Vec<&str> = servers.split(',').collect();
    let client = async_nats::connect(servers).await?;
    let context = async_nats::jetstream::new(client);
    let replicas = env::var("REPLICAS").unwrap_or_else(|_| "1".to_owned()).parse()?;
    Ok(Queue::jetstream(context, JetStream::new("callbacks").replicas(replicas)).await?)
}

async fn endpoint() -> Result<(), Box<dyn Error>> {
    let queue = open().await?;
    let layer = CallbackLayer::new(App::signed(1_400_000_000, Token::new("xxxxyyyy")?))
        .on_after_error(OnError::ServerError);
    // Callbacks that wait for a verdict are answered by the inner service.
    let service =
        ServiceBuilder::new().layer(layer).layer(queue.layer()).service(EventRouter::new());
    let address = env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}/callback", listener.local_addr()?);
    let router = Router::new().route_service("/callback", service);
    axum::serve(listener, router).with_graceful_shutdown(asked_to_stop()).await?;
    Ok(queue.close().await?)
}

async fn worker() -> Result<(), Box<dyn Error>> {
    let queue = open().await?;
    let handler = service_fn(async |callback: Callback| {
        let delivery: Option<&Delivery> = callback.extensions.get();
        let delivery = delivery.ok_or_else(|| HandlerError::permanent("not from the queue"))?;
        println!("handled {} {}", delivery.id, callback.command());
        Ok::<_, HandlerError>(Reply::ok())
    });
    println!("working");
    queue.worker(handler).run(asked_to_stop()).await?;
    Ok(queue.close().await?)
}

#[cfg(unix)]
async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};

    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn asked_to_stop() {
    drop(tokio::signal::ctrl_c().await);
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    match env::args().nth(1).as_deref() {
        Some("endpoint") => endpoint().await,
        Some("worker") => worker().await,
        _ => Err("say `endpoint` or `worker`".into()),
    }
}
