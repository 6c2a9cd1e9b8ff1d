//! Attacks by the bytes on the wire, through hyper: what the crate leaves to a server, and what it
//! makes of it.

mod http2;
mod slow;

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
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::timeout::RequestBodyDeadlineLayer;

use crate::attack::{AFTER, BEFORE, log, silent};
use crate::common::{APP, NOW, TOKEN, layer};

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
