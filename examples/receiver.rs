//! Receives callbacks and prints each as one line of JSON.
//!
//! ```sh
//! cargo run --example receiver
//! ```
//!
//! | environment | default | meaning |
//! | --- | --- | --- |
//! | `ADDR` | `127.0.0.1:3000` | where to listen; port 0 picks a free one |
//! | `SDK_APP_ID` | `1400000000` | the app |
//! | `CALLBACK_TOKEN` | `xxxxyyyy` | its token |
//! | `CALLBACK_AUTH` | `signed` | `unsigned` turns the signature check off |
//!
//! Standard output: one JSON object a line for every callback that was verified. Standard error: the address, then the log.

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::io::{IsTerminal as _, Write as _};

use axum::Router;
use serde::Serialize;
use tencent_im_callback::{
    App, Callback, CallbackLayer, Command, Event, OptPlatform, Reply, SdkAppId, TimestampSecs, Token, Verifier,
};
use tokio::net::TcpListener;
use tower::{Layer, service_fn};

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

async fn print(callback: Callback) -> Result<Reply, Infallible> {
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
    let written = serde_json::to_vec(&line).map(|mut line| {
        // An unknown event is written as it came, perhaps with line breaks; in valid JSON those are never part of a text.
        for byte in &mut line {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        line.push(b'\n');
        std::io::stdout().lock().write_all(&line)
    });
    Ok(match written {
        Ok(Ok(())) => Reply::ok(),
        Ok(Err(error)) => Reply::fail(error.to_string()),
        Err(error) => Reply::fail(error.to_string()),
    })
}

fn setting(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}

fn app() -> Result<App, Box<dyn Error>> {
    let id: SdkAppId = setting("SDK_APP_ID", "1400000000")
        .parse()
        .map_err(|error| format!("SDK_APP_ID: {error}"))?;
    match setting("CALLBACK_AUTH", "signed").as_str() {
        "signed" => {
            let token = Token::new(setting("CALLBACK_TOKEN", "xxxxyyyy"));
            let token = token.map_err(|error| format!("CALLBACK_TOKEN: {error}"))?;
            Ok(App::signed(id, token))
        }
        "unsigned" => Ok(App::unsigned(id)),
        other => Err(format!("CALLBACK_AUTH is \"signed\" or \"unsigned\", not {other:?}").into()),
    }
}

async fn stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = tokio::signal::ctrl_c() => {}
                    _ = terminate.recv() => {}
                }
            }
            Err(_) => drop(tokio::signal::ctrl_c().await),
        }
    }
    #[cfg(not(unix))]
    drop(tokio::signal::ctrl_c().await);
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app()?;
    let listener = TcpListener::bind(setting("ADDR", "127.0.0.1:3000")).await?;
    eprintln!("listening on http://{}/callback", listener.local_addr()?);
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_max_level(tracing::Level::DEBUG)
        .init();

    if !app.is_signed() {
        tracing::warn!("CALLBACK_AUTH=unsigned: anybody who finds this address can send callbacks");
    }

    // `path_parameters` for the oldest form of the URL: /callback/SdkAppid=…&CallbackCommand=…
    let verifier = Verifier::new(app).path_parameters();
    let service = CallbackLayer::new(verifier).layer(service_fn(print));
    let router = Router::new()
        .route_service("/callback", service.clone())
        .nest_service("/callback/", service);

    axum::serve(listener, router).with_graceful_shutdown(stop()).await?;
    Ok(())
}
