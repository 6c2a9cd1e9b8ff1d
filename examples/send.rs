//! Signs a callback as Tencent does and posts it.
//!
//! ```sh
//! cargo run --example send -- http://127.0.0.1:3000/callback Sns.CallbackFriendDelete
//! cargo run --example send -- --help
//! ```

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Uri, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tencent_im_callback::testing::{Fault, SignedRequest, sample};
use tencent_im_callback::{Command, redacted};
use tokio::net::TcpStream;

/// How long Tencent waits for an answer.
const PATIENCE: Duration = Duration::from_secs(2);

const HELP: &str = "\
usage: send [options] URL COMMAND

  URL               http://host:port/path of the endpoint
  COMMAND           such as Sns.CallbackFriendDelete

options:
  --app ID          the app (1400000000)
  --token TOKEN     its token (xxxxyyyy)
  --unsigned        without a signature, as with authentication off
  --time SECONDS    signed at this Unix time (now)
  --body FILE       with this body (the documented one)
  --param NAME=VALUE  with one more URL parameter; may be repeated
  --path            parameters in the path, as on the oldest vendor pages
  --fault FAULT     wrong in one way, one of:
";

struct Arguments {
    url: String,
    request: SignedRequest,
}

fn arguments() -> Result<Option<Arguments>, Box<dyn Error>> {
    let mut words = Vec::new();
    let mut changes: Vec<Box<dyn FnOnce(SignedRequest) -> SignedRequest>> = Vec::new();
    let mut with_body = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} wants a value"));
        match argument.as_str() {
            "--help" | "-h" => return Ok(None),
            "--app" => {
                let app: u64 = value()?.parse()?;
                changes.push(Box::new(move |request| request.app(app)));
            }
            "--token" => {
                let token = value()?;
                changes.push(Box::new(|request| request.token(token)));
            }
            "--unsigned" => changes.push(Box::new(SignedRequest::unsigned)),
            "--time" => {
                let time = value()?.parse()?;
                changes.push(Box::new(move |request| request.time(time)));
            }
            "--body" => {
                let file = value()?;
                let body = std::fs::read(&file).map_err(|error| format!("{file}: {error}"))?;
                with_body = true;
                changes.push(Box::new(|request| request.body(body)));
            }
            "--param" => {
                let pair = value()?;
                let (name, value) = pair.split_once('=').ok_or("--param wants NAME=VALUE")?;
                let (name, value) = (name.to_owned(), value.to_owned());
                changes.push(Box::new(move |request| request.parameter(&name, &value)));
            }
            "--path" => changes.push(Box::new(SignedRequest::path_parameters)),
            "--fault" => {
                let name = value()?;
                let fault = Fault::ALL
                    .iter()
                    .copied()
                    .find(|fault| format!("{fault:?}").eq_ignore_ascii_case(&name))
                    .ok_or_else(|| format!("no fault is called {name}; see --help"))?;
                changes.push(Box::new(move |request| request.fault(fault)));
            }
            option if option.starts_with("--") => {
                return Err(format!("no option {option}; see --help").into());
            }
            _ => words.push(argument),
        }
    }
    let [url, command] = <[String; 2]>::try_from(words).map_err(|_| "wants a URL and a command; see --help")?;
    let command = Command::from(command.as_str());
    if !with_body && sample(&command).is_none() {
        return Err(format!("no sample of {:?} here; give one with --body", command.as_str()).into());
    }
    let request = SignedRequest::new(command).url(&url);
    let request = changes.into_iter().fold(request, |request, change| change(request));
    Ok(Some(Arguments { url, request }))
}

/// Sends it, and tells whether it was taken.
async fn post(url: &str, request: &SignedRequest) -> Result<bool, Box<dyn Error>> {
    let url: Uri = url.parse()?;
    let host = url.host().ok_or("the URL has no host")?;
    if url.scheme_str() != Some("http") {
        return Err("only http:// is spoken here".into());
    }
    let mut request = request.build::<Full<Bytes>>();
    let authority = url.authority().map_or("", |authority| authority.as_str());
    request.headers_mut().insert(header::HOST, authority.parse()?);
    // A server wants the path alone.
    let path = request.uri().path_and_query().ok_or("the URL has no path")?.clone();
    *request.uri_mut() = Uri::from(path);
    println!("POST http://{authority}{}", redacted(request.uri()));

    let stream = TcpStream::connect((host.trim_matches(['[', ']']), url.port_u16().unwrap_or(80))).await?;
    let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let started = Instant::now();
    let response = client.send_request(request).await?;
    let (head, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    let latency = started.elapsed();
    drop(client);
    connection.await??;

    println!("{}", head.status);
    println!("{}", String::from_utf8_lossy(&body));
    let verdict = if latency < PATIENCE { "in time" } else { "too late" };
    println!("{:.1} ms, {verdict}: Tencent waits 2 s", latency.as_secs_f64() * 1000.0);
    Ok(head.status == 200)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let result = match arguments() {
        Ok(Some(Arguments { url, request })) => post(&url, &request).await,
        Ok(None) => {
            print!("{HELP}");
            for fault in Fault::ALL {
                println!("    {fault:?}");
            }
            Ok(true)
        }
        Err(error) => Err(error),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("send: {error}");
            ExitCode::FAILURE
        }
    }
}
