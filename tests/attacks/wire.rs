//! Attacks by the bytes on the wire, through hyper: what the crate leaves to a server, and what it
//! makes of it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tencent_im_callback::testing::sign;
use tencent_im_callback::{
    Callback, CallbackLayer, Command, Outcome, OutcomeKind, RejectionKind as Kind, Reply,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::timeout::RequestBodyDeadlineLayer;

use crate::common::{APP, NOW, TOKEN, layer};
use crate::{AFTER, BEFORE, log, silent};

/// What the layer made of one request.
#[derive(Debug, PartialEq)]
enum End {
    Answered(OutcomeKind, Option<Kind>),
    /// The server let go of it before there was an answer.
    Dropped,
}

const ACCEPTED: End = End::Answered(OutcomeKind::Accepted, None);

fn refused(kind: Kind) -> End {
    End::Answered(OutcomeKind::Rejected, Some(kind))
}

/// Says so, if it is dropped before it was told how it ended.
struct Watch(UnboundedSender<End>, bool);

impl Watch {
    fn tell(mut self, end: End) {
        self.1 = self.0.send(end).is_ok();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.1 {
            let _ = self.0.send(End::Dropped);
        }
    }
}

/// The bodies of the callbacks that arrived.
type Bodies = Arc<Mutex<Vec<Bytes>>>;

/// A server on one connection.
struct Server {
    /// Told of each request that reaches the layer.
    started: Arc<Notify>,
    ends: UnboundedReceiver<End>,
    bodies: Bodies,
}

impl Server {
    fn start<S>(stream: S, http2: bool) -> Server
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        log::clear();
        let (told, ends) = unbounded_channel();
        let bodies = Bodies::default();
        let seen = bodies.clone();
        let started = Arc::new(Notify::new());
        let tell = started.clone();
        let service = CallbackLayer::layer(
            &layer(),
            service_fn(move |callback: Callback| {
                seen.lock().unwrap().push(callback.body);
                std::future::ready(Ok::<_, Infallible>(Reply::ok()))
            }),
        );
        // A deadline for the body, as the documentation asks for.
        let service = RequestBodyDeadlineLayer::new(Duration::from_secs(5)).layer(service);
        let service = service_fn(move |request: Request<Incoming>| {
            tell.notify_one();
            let call = service.clone().oneshot(request);
            let watch = Watch(told.clone(), false);
            async move {
                let response = call.await?;
                let what = response.extensions().get::<Outcome>().unwrap();
                let kind = what.rejection().map(|rejection| rejection.kind());
                watch.tell(End::Answered(what.kind(), kind));
                Ok::<_, Infallible>(response)
            }
        });
        let (stream, service) = (TokioIo::new(stream), TowerToHyperService::new(service));
        tokio::spawn(async move {
            if http2 {
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                server.serve_connection(stream, service).await
            } else {
                let server = hyper::server::conn::http1::Builder::new();
                server.serve_connection(stream, service).await
            }
        });
        Server { started, ends, bodies }
    }

    /// What became of all requests, once the connection has ended.
    async fn ends(mut self) -> (Vec<End>, Vec<Bytes>) {
        let mut ends = Vec::new();
        while let Some(end) = self.ends.recv().await {
            ends.push(end);
        }
        silent(&log::take(), ends.iter().filter(|end| **end != End::Dropped).count());
        let bodies = std::mem::take(&mut *self.bodies.lock().unwrap());
        (ends, bodies)
    }
}

fn target(command: &Command, token: &str) -> String {
    let sign = sign(token, NOW);
    format!("/callback?SdkAppid={APP}&CallbackCommand={command}&Sign={sign}&RequestTime={NOW}")
}

fn head(command: &Command, token: &str, headers: &str) -> String {
    format!("POST {} HTTP/1.1\r\nHost: h\r\n{headers}\r\n", target(command, token))
}

const BODY: &str = r#"{"PairList":[{"From_Account":"a","To_Account":"b"}]}"#;

fn whole(token: &str, headers: &str, body: &str) -> String {
    let headers = format!("Content-Length: {}\r\n{headers}", body.len());
    head(&AFTER, token, &headers) + body
}

const CLOSE: &str = "Connection: close\r\n";

/// Sends these bytes over a pipe that takes so many at once, and reads until the server ends it.
async fn exchange(bytes: impl AsRef<[u8]>, room: usize) -> (String, Vec<End>, Vec<Bytes>) {
    let (client, server) = duplex(room);
    let server = Server::start(server, false);
    let (mut from, mut to) = tokio::io::split(client);
    let mut answers = Vec::new();
    let bytes = bytes.as_ref();
    let write = async {
        // The server may have had enough before it has read all.
        let _ = to.write_all(bytes).await;
        // Keeps the pipe open: its end would be news to the server.
        to
    };
    let (_to, read) = tokio::join!(write, from.read_to_end(&mut answers));
    read.unwrap();
    let (ends, bodies) = server.ends().await;
    (String::from_utf8(answers).unwrap(), ends, bodies)
}

fn statuses(answers: &str) -> Vec<&str> {
    answers.match_indices("HTTP/1.1 ").map(|(at, _)| &answers[at + 9..at + 12]).collect()
}

#[tokio::test]
async fn a_request_behind_a_body_is_another_request() {
    let other = BODY.replace('b', "c");
    for room in [1, 7, 100_000] {
        let both = whole(TOKEN, "", BODY) + &whole(TOKEN, CLOSE, &other);
        let (answers, ends, bodies) = exchange(both, room).await;
        assert_eq!(statuses(&answers), ["200", "200"]);
        assert_eq!(
            (ends, bodies),
            (vec![ACCEPTED, ACCEPTED], vec![BODY.into(), other.clone().into()])
        );
    }
    // The second is checked like the first, whatever came before it.
    let both = whole(TOKEN, "", BODY) + &whole("guess", CLOSE, BODY);
    let (answers, ends, bodies) = exchange(both, 100_000).await;
    assert_eq!(statuses(&answers), ["200", "401"]);
    assert_eq!((ends, bodies.len()), (vec![ACCEPTED, refused(Kind::SignatureMismatch)], 1));
}

/// The body of a request that is refused is not read. It is not taken for a request either.
#[tokio::test]
async fn the_body_of_a_refused_request_is_no_request() {
    let inside = whole(TOKEN, CLOSE, BODY);
    let too_long = format!("Content-Length: {}\r\n{CLOSE}", 2 * 1024 * 1024);
    for (outside, kind) in [
        (whole("guess", CLOSE, &inside), Kind::SignatureMismatch),
        (whole("guess", "", &inside), Kind::SignatureMismatch),
        (whole(TOKEN, "", &inside).replacen("POST", "PUT", 1), Kind::MethodNotAllowed),
        (head(&AFTER, TOKEN, &too_long) + &inside, Kind::BodyTooLarge),
    ] {
        let last = whole("guess", CLOSE, "");
        let (answers, ends, bodies) = exchange(outside + &last, 100_000).await;
        assert_eq!(bodies, [""; 0], "{answers}");
        assert_eq!(ends[0], refused(kind), "{answers}");
        assert!(ends.len() <= 2 && !answers.contains("200 OK"), "{answers}");
    }
    // The body of a callback is a body, whatever it looks like: one callback, and no JSON.
    let (_, ends, bodies) = exchange(whole(TOKEN, CLOSE, &inside), 100_000).await;
    assert_eq!((ends, bodies), (vec![ACCEPTED], vec![inside.into()]));
}

#[tokio::test]
async fn a_length_that_lies() {
    // Too short: the JSON is cut, and the rest is no request.
    let short = head(&AFTER, TOKEN, "Content-Length: 10\r\n") + BODY;
    let (answers, ends, bodies) = exchange(short, 100_000).await;
    assert_eq!((ends, bodies), (vec![ACCEPTED], vec![BODY[..10].into()]));
    assert_eq!(statuses(&answers), ["200", "400"], "{answers}");
    // Two of them, or one beside chunks, or none that is a number: the server's business, and
    // nobody gets through by it.
    for lengths in [
        "Content-Length: 10\r\nContent-Length: 52\r\n",
        "Content-Length: +52\r\n",
        "Content-Length: 52, 10\r\n",
        "Content-Length: -1\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
    ] {
        let (answers, ends, bodies) = exchange(head(&AFTER, TOKEN, lengths) + BODY, 100_000).await;
        assert_eq!(
            (statuses(&answers), ends.len(), bodies.len()),
            (vec!["400"], 0, 0),
            "{lengths}"
        );
    }
    // Chunks win over a length, as the standard says; the connection ends with the answer, so
    // nothing hides behind it.
    let both = head(&AFTER, TOKEN, "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n");
    let chunked =
        format!("{both}{:x}\r\n{BODY}\r\n0\r\n\r\n{}", BODY.len(), whole(TOKEN, CLOSE, BODY));
    let (answers, ends, bodies) = exchange(chunked, 100_000).await;
    assert_eq!(ends.first(), Some(&ACCEPTED), "{answers}");
    assert!(bodies.iter().all(|body| body == BODY), "{bodies:?}");
}

#[tokio::test]
async fn chunks_of_every_shape() {
    let chunked = |chunks: &str| {
        head(&AFTER, TOKEN, &format!("Transfer-Encoding: chunked\r\n{CLOSE}")) + chunks
    };
    let bytewise: String = BODY.chars().map(|one| format!("1;x=y\r\n{one}\r\n")).collect();
    let once = format!("{:x}\r\n{BODY}\r\n", BODY.len());
    for good in [
        format!("{once}0\r\n\r\n"),
        format!("{bytewise}0\r\n\r\n"),
        format!("{once}0\r\nX-Trailer: {BODY}\r\n\r\n"),
    ] {
        let (answers, ends, bodies) = exchange(chunked(&good), 100_000).await;
        assert_eq!(
            (statuses(&answers), ends, bodies),
            (vec!["200"], vec![ACCEPTED], vec![BODY.into()])
        );
    }
    for bad in [
        format!("{once}x\r\n\r\n"),
        format!("{once}FFFFFFFFFFFFFFFFF\r\n"),
        format!("-1\r\n{once}0\r\n\r\n"),
        format!("5\r\n{BODY}\r\n0\r\n\r\n"),
    ] {
        let (answers, ends, bodies) = exchange(chunked(&bad), 100_000).await;
        assert_eq!((ends, bodies.len()), (vec![refused(Kind::BodyIncomplete)], 0), "{answers}");
        assert!(answers.contains("body incomplete"), "{answers}");
    }
    // A chunk that says it is endless ends at the limit.
    let endless = chunked("FFFFFFFFFFFF\r\n") + &" ".repeat(1024 * 1024 + 1);
    let (answers, ends, bodies) = exchange(endless, 100_000).await;
    assert_eq!((ends, bodies.len()), (vec![refused(Kind::BodyTooLarge)], 0), "{answers}");
}

/// A peer that asks before it sends its body is told no at once, and never "continue".
#[tokio::test]
async fn nobody_is_asked_for_a_body_that_is_not_wanted() {
    let headers = format!("Content-Length: {}\r\nExpect: 100-continue\r\n{CLOSE}", BODY.len());
    let (answers, ends, _) = exchange(head(&AFTER, "guess", &headers), 100_000).await;
    assert_eq!((statuses(&answers), ends), (vec!["401"], vec![refused(Kind::SignatureMismatch)]));

    let (mut client, server) = duplex(100_000);
    let server = Server::start(server, false);
    client.write_all(head(&AFTER, TOKEN, &headers).as_bytes()).await.unwrap();
    let mut answer = [0; 25];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(BODY.as_bytes()).await.unwrap();
    client.read_to_end(&mut Vec::new()).await.unwrap();
    assert_eq!(server.ends().await, (vec![ACCEPTED], vec![BODY.into()]));
}

#[tokio::test]
async fn a_before_callback_that_a_proxy_has_emptied_is_a_failure() {
    let head = |headers: &str| head(&BEFORE, TOKEN, &format!("{headers}{CLOSE}"));
    for request in [
        head("Content-Length: 0\r\n"),
        head(""),
        head("").replace("HTTP/1.1", "HTTP/1.0"),
        head("Transfer-Encoding: chunked\r\n") + "0\r\n\r\n",
        head("Content-Length: 2\r\n") + "{}",
        head("Content-Length: 4\r\n") + "\r\n\r\n",
    ] {
        let (answers, ends, bodies) = exchange(&request, 100_000).await;
        let failed = End::Answered(OutcomeKind::Failed, None);
        assert_eq!((ends, bodies.len()), (vec![failed], 0), "{request}");
        assert!(answers.contains(" 500 "), "{answers}");
    }
}

#[tokio::test]
async fn what_is_no_url_comes_no_further_than_the_server() {
    let good = whole(TOKEN, CLOSE, BODY);
    let at = |old: &str, new: &[u8]| {
        let (start, end) = good.split_once(old).unwrap();
        [start.as_bytes(), new, end.as_bytes()].concat()
    };
    for request in [
        at("&Sign", b"\0&Sign"),
        at("&Sign", b" &Sign"),
        at("&Sign", b"\t&Sign"),
        at("&Sign", b"\xff&Sign"),
    ] {
        let (answers, ends, bodies) = exchange(request, 100_000).await;
        assert_eq!(
            (statuses(&answers), ends.len(), bodies.len()),
            (vec!["400"], 0, 0),
            "{answers}"
        );
    }
    // A fragment is cut off by the server, and with it what was meant to be seen by somebody else.
    let (_, ends, _) = exchange(at("&Sign", b"#&Sign"), 100_000).await;
    assert_eq!(ends, [refused(Kind::SignatureMissing)]);
    let (_, ends, _) = exchange(at(" HTTP/1.1", b"#&Sign=0 HTTP/1.1"), 100_000).await;
    assert_eq!(ends, [ACCEPTED]);
    // With scheme and host it is the same URL.
    let (_, ends, _) = exchange(at("POST ", b"POST http://elsewhere"), 100_000).await;
    assert_eq!(ends, [ACCEPTED]);
}

/// Half of a request, and then nothing more: the deadline for the body ends it, and nobody was
/// called.
#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_ends_at_the_deadline_outside() {
    for half in ["", "{", &BODY[..BODY.len() - 1]] {
        let (mut client, server) = duplex(100_000);
        let server = Server::start(server, false);
        let headers = format!("Content-Length: {}\r\n{CLOSE}", BODY.len());
        let start = head(&AFTER, TOKEN, &headers) + half;
        client.write_all(start.as_bytes()).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 400") && answer.contains("body incomplete"),
            "{answer}"
        );
        assert_eq!(server.ends().await, (vec![refused(Kind::BodyIncomplete)], vec![]));
    }
}

/// A drip that never stalls is ended by the same deadline: it counts from the start, not from the
/// last byte.
#[tokio::test(start_paused = true)]
async fn a_body_that_drips_ends_at_the_deadline_outside() {
    let (client, server) = duplex(100_000);
    let server = Server::start(server, false);
    let (mut from, mut to) = tokio::io::split(client);
    let headers = format!("Content-Length: 100000\r\n{CLOSE}");
    to.write_all(head(&AFTER, TOKEN, &headers).as_bytes()).await.unwrap();
    let mut answer = String::new();
    let mut dripped = 0;
    let drip = async {
        while to.write_all(b" ").await.is_ok() {
            dripped += 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        () = drip => {}
        read = from.read_to_string(&mut answer) => drop(read.unwrap()),
    }
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!((40..60).contains(&dripped), "{dripped} bytes in five seconds");
    drop((from, to));
    assert_eq!(server.ends().await, (vec![refused(Kind::BodyIncomplete)], vec![]));
}

async fn tcp() -> (TcpStream, Server) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    (client, Server::start(stream, false))
}

/// A peer that has said half of it and will say no more, over a real socket.
#[tokio::test]
async fn half_a_body_before_a_half_close_calls_nobody() {
    for (half, abort) in [("", false), ("{", false), (&BODY[..20], false), (&BODY[..20], true)] {
        let (mut client, server) = tcp().await;
        let headers = format!("Content-Length: {}\r\n", BODY.len());
        let start = head(&AFTER, TOKEN, &headers) + half;
        client.write_all(start.as_bytes()).await.unwrap();
        if abort {
            drop(client);
        } else {
            client.shutdown().await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            assert!(!answer.contains("200 OK"), "{answer}");
        }
        let (ends, bodies) = server.ends().await;
        assert_eq!(bodies, [""; 0]);
        assert!(ends == [End::Dropped] || ends == [refused(Kind::BodyIncomplete)], "{ends:?}");
    }
    // Said in full, it is a callback, though the peer will say nothing more.
    let (mut client, server) = tcp().await;
    client.write_all(whole(TOKEN, "", BODY).as_bytes()).await.unwrap();
    client.shutdown().await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert_eq!(statuses(&answer), ["200"]);
    assert_eq!(server.ends().await, (vec![ACCEPTED], vec![BODY.into()]));
}

// --- HTTP/2, frame by frame
// --------------------------------------------------------------------------------------------------------

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const GO_AWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A literal with a name of the static table, neither indexed nor compressed.
fn literal(name: u8, value: &str) -> Vec<u8> {
    let mut bytes = vec![name];
    let mut length = value.len();
    if length < 127 {
        bytes.push(u8::try_from(length).unwrap());
    } else {
        bytes.push(127);
        length -= 127;
        while length >= 128 {
            bytes.push(u8::try_from(length % 128).unwrap() | 128);
            length /= 128;
        }
        bytes.push(u8::try_from(length).unwrap());
    }
    bytes.extend(value.as_bytes());
    bytes
}

fn head_of_http2(token: &str) -> Vec<u8> {
    // POST, http, the path, the host.
    let block = [vec![0x83, 0x86], literal(4, &target(&AFTER, token)), literal(1, "h")].concat();
    let hello = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(SETTINGS, 0, 0, &[])].concat();
    [hello, frame(HEADERS, END_HEADERS, 1, &block)].concat()
}

/// Reads the server's frames up to the one that answers the request: for an answer its status in
/// the static table, for an end of the connection its error.
async fn answer_of_http2(from: &mut (impl AsyncRead + Unpin)) -> Option<(u8, u8)> {
    loop {
        let mut head = [0; 9];
        from.read_exact(&mut head).await.ok()?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        from.read_exact(&mut payload).await.ok()?;
        match head[3] {
            HEADERS => return Some((HEADERS, payload[0])),
            GO_AWAY => return Some((GO_AWAY, payload[7])),
            _ => {}
        }
    }
}

const STATUS_200: u8 = 0x88;

async fn over_http2(bytes: Vec<u8>) -> (Option<(u8, u8)>, Server, DuplexStream) {
    let (client, server) = duplex(64 * 1024);
    let server = Server::start(server, true);
    let (mut from, mut to) = tokio::io::split(client);
    let write = async {
        let _ = to.write_all(&bytes).await;
    };
    let (answer, ()) = tokio::join!(answer_of_http2(&mut from), write);
    (answer, server, from.unsplit(to))
}

/// An error of the connection: the peer does too much of what is allowed.
const ENHANCE_YOUR_CALM: u8 = 11;

/// Frames without data cost no flow-control window. A few are nothing …
#[tokio::test]
async fn empty_frames_of_http2_are_nothing() {
    let empty = frame(DATA, 0, 1, b"").repeat(30);
    let (first, second) = BODY.as_bytes().split_at(20);
    let bytes = [
        head_of_http2(TOKEN),
        empty.clone(),
        frame(DATA, 0, 1, first),
        empty.clone(),
        frame(DATA, 0, 1, second),
        empty.clone(),
        frame(DATA, END_STREAM, 1, b""),
    ];
    let (answer, server, client) = over_http2(bytes.concat()).await;
    assert_eq!(answer, Some((HEADERS, STATUS_200)));
    drop(client);
    assert_eq!(server.ends().await, (vec![ACCEPTED], vec![BODY.into()]));
}

/// … and a flood of them ends the connection, before anybody is called. (The `h2` crate sees to
/// that; what this crate does with such frames, should they come through, is in `frames.rs`.)
#[tokio::test]
async fn a_flood_of_empty_frames_of_http2_calls_nobody() {
    let flood = frame(DATA, 0, 1, b"").repeat(20_000);
    for (token, ends) in [("guess", refused(Kind::SignatureMismatch)), (TOKEN, End::Dropped)] {
        let bytes =
            [head_of_http2(token), flood.clone(), frame(DATA, END_STREAM, 1, BODY.as_bytes())];
        let (client, server) = duplex(64 * 1024);
        let server = Server::start(server, true);
        let (mut from, mut to) = tokio::io::split(client);
        let bytes = bytes.concat();
        let write = async {
            let _ = to.write_all(&bytes).await;
        };
        let read = async {
            let mut last = None;
            while let Some(answer) = answer_of_http2(&mut from).await {
                last = Some(answer);
            }
            last
        };
        let (last, ()) = tokio::join!(read, write);
        assert_eq!(last, Some((GO_AWAY, ENHANCE_YOUR_CALM)));
        drop((from, to));
        let (got, bodies) = server.ends().await;
        assert_eq!(bodies, [""; 0]);
        assert!(
            got.iter().all(|end| *end == ends || *end == refused(Kind::BodyIncomplete)),
            "{got:?}"
        );
    }
}

/// Well signed, and taken back in the middle.
#[tokio::test]
async fn a_stream_of_http2_that_is_reset_calls_nobody() {
    let (client, server) = duplex(64 * 1024);
    let server = Server::start(server, true);
    let (mut from, mut to) = tokio::io::split(client);
    let drain = tokio::spawn(async move { from.read_to_end(&mut Vec::new()).await });
    let reset = frame(RESET, 0, 1, &8_u32.to_be_bytes());
    to.write_all(&[head_of_http2(TOKEN), frame(DATA, 0, 1, b"{")].concat()).await.unwrap();
    server.started.notified().await;
    to.write_all(&reset).await.unwrap();
    to.shutdown().await.unwrap();
    drop(to);
    drain.await.unwrap().unwrap();
    let (ends, bodies) = server.ends().await;
    assert_eq!(bodies, [""; 0]);
    assert!(ends == [End::Dropped] || ends == [refused(Kind::BodyIncomplete)], "{ends:?}");
}
