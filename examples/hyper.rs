//! The same service on a bare hyper server: HTTP/1.1 and HTTP/2, graceful shutdown.
//!
//! ```sh
//! cargo run --example hyper
//! ```
//!
//! Takes `ADDR` (`127.0.0.1:3000`), `SDK_APP_ID` (`1400000000`) and `CALLBACK_TOKEN` (`xxxxyyyy`)
//! from the environment.

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::pin::pin;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tencent_im_callback::event::sns::FriendDelete;
use tencent_im_callback::moderation::{Finding, Text};
use tencent_im_callback::{
    App, Callback, CallbackLayer, EventRouter, OnError, ResponseBody, SdkAppId, Token,
};
use tokio::net::TcpListener;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

/// Judges what people write, before it is sent.
fn judge(text: &Text<'_>) -> Finding {
    if text.contains("spam") { Finding::Reject } else { Finding::Allow }
}

async fn unfriended(callback: Callback<FriendDelete>) {
    for pair in callback.event.pair_list {
        println!("{} lost the friend {}", pair.from_account, pair.to_account);
    }
}

/// Serves `/callback`. Accepts connections until `stop` is ready, then lets those that are open
/// finish, for ten seconds at most.
///
/// The service is a type parameter. Written out in one `async` block with the stack of layers in
/// it, the compiler would have to prove the spawned future `Send` for every lifetime of the layers'
/// error types, and gives up on some ("implementation of `From` is not general enough").
async fn serve<S>(
    listener: TcpListener,
    callbacks: S,
    stop: impl Future<Output = ()>,
) -> std::io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<ResponseBody>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    let routed = service_fn(move |request: Request<Incoming>| {
        let callbacks = callbacks.clone();
        async move {
            if request.uri().path() == "/callback" {
                return callbacks.oneshot(request).await;
            }
            let mut response = Response::new(ResponseBody::default());
            *response.status_mut() = StatusCode::NOT_FOUND;
            Ok(response)
        }
    });
    let mut server = auto::Builder::new(TokioExecutor::new());
    // Without it, a peer that sends half a request holds its connection for ever.
    server.http1().timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10));
    let mut stop = pin!(stop);
    let graceful = GracefulShutdown::new();
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // The usual cause is too many open files. Wait for some to close instead of
                    // spinning.
                    eprintln!("accept: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let service = TowerToHyperService::new(routed.clone());
        let connection = server.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                eprintln!("{peer}: {error}");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(Duration::from_secs(10), graceful.shutdown()).await.is_err() {
        eprintln!("some connections were still open");
    }
    Ok(())
}

fn setting(name: &str, default: &str) -> Result<String, String> {
    match env::var(name) {
        Ok(value) => Ok(value),
        Err(env::VarError::NotPresent) => Ok(default.to_owned()),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let id: SdkAppId = setting("SDK_APP_ID", "1400000000")?.parse()?;
    let token = Token::new(setting("CALLBACK_TOKEN", "xxxxyyyy")?)?;
    let listener = TcpListener::bind(setting("ADDR", "127.0.0.1:3000")?).await?;
    eprintln!("listening on http://{}/callback", listener.local_addr()?);

    let layer = CallbackLayer::new(App::signed(id, token));
    let callbacks = ServiceBuilder::new()
        // A message that could not be judged is rejected.
        .layer(layer.on_before_error(OnError::reject("try again later")))
        // Tencent waits 2 s. Limits inside the layer count verified callbacks only.
        .timeout(Duration::from_millis(1500))
        .load_shed()
        .concurrency_limit(256)
        .service(EventRouter::new().moderate(judge).on(unfriended));

    serve(listener, callbacks, async {
        // If the handler for Ctrl-C cannot be installed, the default one ends the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
    .await?;
    Ok(())
}
