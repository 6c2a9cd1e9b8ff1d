//! Receives callbacks and prints each as one line of JSON.
//!
//! ```sh
//! cargo run --example receiver
//! ```
//!
//! `cargo run -p receiver` runs the same program, without building first what the tests need.
//!
//! | environment | default | meaning |
//! | --- | --- | --- |
//! | `ADDR` | `127.0.0.1:3000` | where to listen; port 0 picks a free one |
//! | `SDK_APP_ID` | `1400000000` | the app |
//! | `CALLBACK_TOKEN` | `xxxxyyyy` | its token |
//! | `CALLBACK_AUTH` | `signed` | `unsigned` turns the signature check off |
//!
//! Standard output: one JSON object a line for every callback that was verified. Standard error:
//! the address, then the log.

use std::env;
use std::error::Error;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use axum::Router;
use serde::Serialize;
use tencent_im_callback::{
    App, Callback, CallbackLayer, Command, Event, OptPlatform, Reply, SdkAppId, TimestampSecs,
    Token, Verifier,
};
use tokio::net::TcpListener;
use tower::{Layer, service_fn};

/// How long open connections may take to finish at the end.
const PATIENCE: Duration = Duration::from_secs(10);

/// One line of the output.
#[derive(Serialize)]
struct Line<'a> {
    sdk_app_id: SdkAppId,
    command: &'a Command,
    client_ip: Option<&'a str>,
    opt_platform: Option<&'a OptPlatform>,
    request_time: Option<TimestampSecs>,
    known: bool,
    event: &'a Event,
}

async fn print(callback: Callback) -> Result<Reply, io::Error> {
    let params = &callback.params;
    let client_ip = params.client_ip();
    let line = Line {
        sdk_app_id: params.sdk_app_id,
        command: &params.command,
        client_ip: client_ip.as_deref(),
        opt_platform: params.opt_platform.as_ref(),
        request_time: params.request_time,
        known: !matches!(callback.event, Event::Unknown(_)),
        event: &callback.event,
    };
    let mut line = serde_json::to_vec(&line)?;
    // An unknown event is printed as received and may contain line breaks; in valid JSON they are
    // only white space.
    for byte in &mut line {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    line.push(b'\n');
    io::stdout().lock().write_all(&line)?;
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
    match setting("CALLBACK_AUTH", "signed")?.as_str() {
        "signed" => Ok(App::signed(id, token)),
        "unsigned" => Ok(App::unsigned(id)),
        other => Err(format!("CALLBACK_AUTH is \"signed\" or \"unsigned\", not {other:?}").into()),
    }
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

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app()?;
    let listener = TcpListener::bind(setting("ADDR", "127.0.0.1:3000")?).await?;
    let stop = stop()?;
    eprintln!("listening on http://{}/callback", listener.local_addr()?);
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_max_level(tracing::Level::DEBUG)
        .init();
    if !app.is_signed() {
        tracing::warn!("CALLBACK_AUTH=unsigned: anybody who finds this address can send callbacks");
    }

    // `path_parameters` is for the oldest form of the URL: /callback/SdkAppid=…&CallbackCommand=…
    let verifier = Verifier::new(app).path_parameters();
    let service = CallbackLayer::new(verifier).layer(service_fn(print));
    let router = Router::new()
        .route_service("/callback", service.clone())
        .nest_service("/callback/", service);

    let (tell, told) = tokio::sync::oneshot::channel();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        stop.await;
        let _ = tell.send(());
    });
    // A connection with an incomplete request must not hold up the shutdown for ever.
    let patience = async {
        drop(told.await);
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        ended = server.into_future() => ended?,
        () = patience => tracing::warn!("some connections were still open"),
    }
    Ok(())
}
