//! An HTTP-to-gRPC gateway: one port takes callbacks over HTTP/1.1 and gRPC over HTTP/2. Callbacks
//! are handed to a gRPC service as typed calls, and its verdicts come back as replies.
//!
//! ```sh
//! cargo run -p tonic-gateway
//! ```
//!
//! | environment | default | meaning |
//! | --- | --- | --- |
//! | `ADDR` | `127.0.0.1:3000` | where to listen; port 0 picks a free one |
//! | `SDK_APP_ID` | `1400000000` | the app |
//! | `CALLBACK_TOKEN` | `xxxxyyyy` | its token |
//! | `EVENTS_URL` | the gateway itself | `http://host:port` of the service in `proto/events.proto` |
//!
//! Standard output: what the built-in service is told, a line each. Standard error: the address,
//! then the log.

mod demo;
mod gateway;

/// What is generated from `proto/events.proto`.
mod pb {
    #![allow(clippy::pedantic)]
    tonic::include_proto!("tencent.im.callback.v1");
}

use std::env;
use std::error::Error;
use std::io::IsTerminal as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use http::StatusCode;
use tencent_im_callback::{App, CallbackLayer, OnError, SdkAppId, Token};
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Endpoint, Server};
use tower::ServiceBuilder;

use self::gateway::DEADLINE;
use self::pb::events_client::EventsClient;
use self::pb::events_server::EventsServer;

/// How long open connections may take to finish at the end.
const PATIENCE: Duration = Duration::from_secs(10);

/// A setting that cannot be read is an error: falling back to the published token would let anybody
/// in.
fn setting(name: &str) -> Result<Option<String>, String> {
    match env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

fn setting_or(name: &str, default: &str) -> Result<String, String> {
    setting(name).map(|value| value.unwrap_or_else(|| default.to_owned()))
}

fn app() -> Result<App, String> {
    let id: SdkAppId = setting_or("SDK_APP_ID", "1400000000")?
        .parse()
        .map_err(|error| format!("SDK_APP_ID: {error}"))?;
    let token = Token::new(setting_or("CALLBACK_TOKEN", "xxxxyyyy")?)
        .map_err(|error| format!("CALLBACK_TOKEN: {error}"))?;
    Ok(App::signed(id, token))
}

/// Checks what tonic would find out, or pass over, only once there is a callback to forward.
fn endpoint(url: String) -> Result<Endpoint, String> {
    let endpoint = Endpoint::from_shared(url).map_err(|error| format!("EVENTS_URL: {error}"))?;
    let uri = endpoint.uri();
    // https needs one of tonic's `tls-…` features. A path in the address would be ignored.
    if uri.scheme_str() != Some("http") || uri.path_and_query().is_some_and(|path| path != "/") {
        return Err(format!("EVENTS_URL is http://host:port, not {uri}"));
    }
    Ok(endpoint)
}

/// Where the gateway finds itself.
fn own_url(mut listening: SocketAddr) -> String {
    // An unspecified address such as 0.0.0.0 can be listened on, but not called.
    match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => listening.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => listening.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("http://{listening}")
}

/// Listens for SIGINT and SIGTERM from now on, and resolves when one comes.
#[cfg(unix)]
fn stop() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Resolves on Ctrl-C.
#[cfg(not(unix))]
fn stop() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}

/// What both protocols are answered by.
fn routes(app: App, events: Endpoint) -> Routes {
    // The connection is made lazily: the gateway cannot answer its own calls yet, and it must start
    // even if the backend is down.
    let channel = events.connect_timeout(Duration::from_secs(1)).connect_lazy();
    let callbacks = ServiceBuilder::new()
        // If the backend fails or is late, nobody has judged the message: it is rejected.
        .layer(CallbackLayer::new(app).on_before_error(OnError::reject("try again later")))
        // This time-out is around the router, not on the channel: the channel's time-out starts
        // only once there is a connection.
        .timeout(DEADLINE)
        .load_shed()
        .concurrency_limit(256)
        .service(gateway::router(EventsClient::new(channel)));
    let router = Routes::new(EventsServer::new(demo::Demo))
        .into_axum_router()
        .route_service("/callback", callbacks)
        // tonic's own fallback answers status 200 with a `grpc-status`, so nobody would notice a
        // mistyped callback URL. gRPC clients take a 404 for "unimplemented".
        .fallback(async || StatusCode::NOT_FOUND);
    Routes::from(router)
}

/// Serves until `stop`, and then as long as connections are open, at most `PATIENCE`.
async fn serve(
    listener: TcpListener,
    routes: Routes,
    stop: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let (tell, told) = tokio::sync::oneshot::channel();
    // tonic's server instead of `axum::serve`: it closes a connection whose HTTP/1 head takes more
    // than 30 s, and stops a call when its `grpc-timeout` is over. It accepts HTTP/2 only unless
    // told otherwise, and callbacks come over HTTP/1.1. Do not set its `timeout`: a late answer
    // would be status 200 with a `grpc-status`, which is not an answer to a callback.
    let server =
        Server::builder().accept_http1(true).add_routes(routes).serve_with_incoming_shutdown(
            TcpIncoming::from(listener).with_nodelay(Some(true)),
            async move {
                stop.await;
                let _ = tell.send(());
            },
        );
    // A connection with an incomplete request must not hold up the shutdown for ever.
    let patience = async {
        drop(told.await);
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        ended = server => return ended,
        () = patience => tracing::warn!("some connections were still open"),
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app()?;
    let events = setting("EVENTS_URL")?.map(endpoint).transpose()?;
    let listener = TcpListener::bind(setting_or("ADDR", "127.0.0.1:3000")?).await?;
    let address = listener.local_addr()?;
    let events = match events {
        Some(endpoint) => endpoint,
        None => endpoint(own_url(address))?,
    };
    let stop = stop()?;
    eprintln!("listening on http://{address}/callback");
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_max_level(tracing::Level::INFO)
        .init();
    serve(listener, routes(app, events), stop).await?;
    Ok(())
}
