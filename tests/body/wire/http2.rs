//! Attacks by HTTP/2, frame by frame.

use tencent_im_callback::RejectionKind as Kind;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use crate::attack::AFTER;
use crate::common::TOKEN;

use super::*;

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
