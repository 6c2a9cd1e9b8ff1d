//! What a detached event holds, by the resident memory of the process: on real sockets, however the
//! requests arrive. Alone in its file, since other tests take memory as well.
#![cfg(target_os = "linux")]
#![allow(clippy::pedantic)]

mod common;

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use common::{layer, signed};
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tencent_im_callback::{Callback, Command, DetachLayer, Reply};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{ServiceBuilder, service_fn};

/// Events that each pattern leaves in the background.
const EVENTS: usize = 100;
/// What one of them may take.
const EACH: usize = 16 * 1024;

async fn server(detach: DetachLayer) -> SocketAddr {
    let service = ServiceBuilder::new().layer(layer()).layer(detach).service(service_fn(
        |callback: Callback| async move {
            if callback.command() == &Command::SnsFriendDelete {
                // As a slow database would.
                std::future::pending::<()>().await;
            }
            Ok::<_, Infallible>(Reply::ok())
        },
    ));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                drop(server.serve_connection(TokioIo::new(stream), service).await);
            });
        }
    });
    address
}

fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// A request as bytes, with headers that are not small.
fn request(command: Command, body: &[u8], chunked: bool) -> Vec<u8> {
    let url = signed(command).build::<Bytes>().uri().to_string();
    let mut bytes = format!("POST {url} HTTP/1.1\r\nHost: x\r\n").into_bytes();
    for index in 0..8 {
        bytes.extend(format!("X-Filler-{index}: {}\r\n", "f".repeat(4000)).bytes());
    }
    if chunked {
        bytes.extend(b"Transfer-Encoding: chunked\r\n\r\n");
        for chunk in body.chunks(50) {
            bytes.extend(format!("{:x}\r\n", chunk.len()).bytes().chain(chunk.iter().copied()));
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n\r\n");
    } else {
        bytes.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes());
        bytes.extend(body);
    }
    bytes
}

fn small() -> &'static [u8] {
    br#"{"CallbackCommand":"Sns.CallbackFriendDelete",
        "PairList":[{"From_Account":"a","To_Account":"b"}]}"#
}

fn large() -> Vec<u8> {
    let text = "x".repeat(100_000);
    format!(
        r#"{{"From_Account":"a","To_Account":"b","MsgBody":[{{"MsgType":"TIMTextElem",
        "MsgContent":{{"Text":"{text}"}}}}]}}"#
    )
    .into_bytes()
}

/// Writes requests, and reads as many answers.
async fn exchange(stream: &mut TcpStream, requests: &[u8], answers: usize) {
    let (mut from, mut to) = stream.split();
    let read = async {
        let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
        while seen.windows(15).filter(|window| window == b"HTTP/1.1 200 OK").count() < answers {
            let length = from.read(&mut buffer).await.unwrap();
            assert!(length > 0, "{}", String::from_utf8_lossy(&seen));
            seen.extend(&buffer[..length]);
        }
    };
    let (written, ()) = tokio::join!(to.write_all(requests), read);
    written.unwrap();
}

async fn http1(address: SocketAddr, pipelined: bool, chunked: bool) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let large = request(Command::C2cBeforeSendMsg, &large(), false);
    let small = request(Command::SnsFriendDelete, small(), chunked);
    for _ in 0..EVENTS {
        if pipelined {
            exchange(&mut stream, &[&large[..], &small].concat(), 2).await;
        } else {
            exchange(&mut stream, &large, 1).await;
            exchange(&mut stream, &small, 1).await;
        }
    }
}

async fn http2(address: SocketAddr) {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let io = TokioIo::new(stream);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    let connection = tokio::spawn(connection);
    let filler = "f".repeat(4000);
    for _ in 0..EVENTS {
        for (command, body) in
            [(Command::C2cBeforeSendMsg, large()), (Command::SnsFriendDelete, small().to_vec())]
        {
            let mut request = signed(command).body(body).build::<Full<Bytes>>();
            let url = format!("http://x{}", request.uri());
            *request.uri_mut() = url.parse().unwrap();
            for name in ["x-filler-a", "x-filler-b"] {
                request.headers_mut().insert(name, filler.parse().unwrap());
            }
            let response = sender.send_request(request).await.unwrap();
            assert_eq!(response.status(), 200);
        }
    }
    connection.abort();
}

#[tokio::test]
async fn a_detached_event_keeps_no_buffer_of_the_server() {
    // Whatever the patterns need once is there before anything is measured.
    let warm = server(DetachLayer::new(10 * EVENTS)).await;
    http1(warm, true, true).await;
    http2(warm).await;
    for pattern in ["keep-alive", "pipelined", "chunked", "pipelined and chunked", "HTTP/2"] {
        let detach = DetachLayer::new(EVENTS);
        let address = server(detach.clone()).await;
        let before = resident();
        match pattern {
            "HTTP/2" => http2(address).await,
            _ => http1(address, pattern.contains("pipelined"), pattern.contains("chunked")).await,
        }
        let stats = detach.stats();
        assert_eq!((stats.running, stats.running_bytes), (EVENTS, EVENTS * 1024), "{pattern}");
        let each = resident().saturating_sub(before) / EVENTS;
        assert!(each <= EACH, "{pattern}: {each} bytes for each event");
    }
}
