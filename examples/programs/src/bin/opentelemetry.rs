//! axum with OpenTelemetry and the queue: one trace from the request to the handler behind the
//! queue, however much later and after however many restarts it runs.
//!
//! ```sh
//! cargo run --bin opentelemetry
//! cargo run -p tencent-im-callback-cli -- send http://127.0.0.1:3000/callback Sns.CallbackFriendDelete
//! ```
//!
//! Spans go to standard output. For a collector, take `opentelemetry-otlp` in the place of
//! `opentelemetry-stdout`; nothing else changes.

use std::error::Error;

use opentelemetry_sdk::trace::SdkTracerProvider;
use programs::{app, setting, traced};
use tencent_im_callback_queue::Queue;
use tokio::net::TcpListener;
use tokio::sync::watch;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let queue = Queue::open(setting("QUEUE", "callbacks.queue")?).await?;
    let listener = TcpListener::bind(setting("ADDR", "127.0.0.1:3000")?).await?;
    println!("listening on {}", listener.local_addr()?);
    let exporter = opentelemetry_stdout::SpanExporter::default();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
    tracing::subscriber::set_global_default(traced::subscriber(&provider))?;

    let (stop, mut stopping) = watch::channel(());
    let stopped = async move { drop(stopping.changed().await) };
    let worker = tokio::spawn(traced::worker(&queue).run(stopped));
    let server = axum::serve(listener, traced::endpoint(app()?, &queue));
    server
        .with_graceful_shutdown(async move {
            drop(tokio::signal::ctrl_c().await);
            drop(stop);
        })
        .await?;
    worker.await??;
    queue.close().await?;
    // Exports what is still in memory.
    Ok(provider.shutdown()?)
}
