//! Attacks by peers that stall, drip, or close half of a connection.

use std::time::Duration;

use tencent_im_callback::RejectionKind as Kind;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::{TcpListener, TcpStream};

use crate::attack::AFTER;
use crate::common::TOKEN;

use super::*;

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
