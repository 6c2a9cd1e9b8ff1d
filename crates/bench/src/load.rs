//! CPU time per request of whole servers over loopback, with connections that are kept alive.
//!
//! Servers run on one core, this load generator on the other. All of them are up all the time; each
//! round loads them in turn, and a ratio is taken within a round. CPU time and not throughput,
//! since others use these cores as well.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::cases::{Case, all};
use crate::servers::{CONSTANT, FLOOR, HAND_AXUM, OURS, OURS_AXUM, Server, pin_this};
use crate::table::{Spread, Table};

/// A connection that is kept alive.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub fn open(server: &Server) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", server.port)).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        Connection { stream, buffer: vec![0; 4096] }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("a request sent");
    }

    /// Reads one answer and checks that it is one.
    pub fn receive(&mut self) {
        let mut length = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[length..]).expect("an answer");
            assert_ne!(read, 0, "the connection was closed");
            length += read;
            let answer = &self.buffer[..length];
            // The head has a fixed length, and the body ends like this.
            if answer.ends_with(b"}") {
                assert!(
                    answer.starts_with(b"HTTP/1.1 200 OK\r\n"),
                    "{}",
                    String::from_utf8_lossy(answer)
                );
                return;
            }
        }
    }
}

/// Loads a server over all connections, with one request on each at a time; nanoseconds of its CPU
/// time per request.
fn measure(server: &Server, connections: &mut [Connection], request: &[u8], turns: usize) -> f64 {
    let before = server.cpu_time();
    for _ in 0..turns {
        for connection in &mut *connections {
            connection.send(request);
        }
        for connection in &mut *connections {
            connection.receive();
        }
    }
    (server.cpu_time() - before) as f64 / (turns * connections.len()) as f64
}

const CONTENDERS: [&str; 5] = [FLOOR, OURS, CONSTANT, HAND_AXUM, OURS_AXUM];

pub fn print(quick: bool) {
    pin_this("1");
    let (rounds, turns) = if quick { (2, 20) } else { (31, 600) };
    let case: Case = all().swap_remove(1);
    let request = case.wire();
    let mut contenders: Vec<_> = CONTENDERS
        .iter()
        .map(|name| {
            let server = Server::start(name);
            let mut connections: Vec<_> = (0..16).map(|_| Connection::open(&server)).collect();
            measure(&server, &mut connections, &request, turns);
            (server, connections, Vec::new())
        })
        .collect();
    for _ in 0..rounds {
        for (server, connections, times) in &mut contenders {
            times.push(measure(server, connections, &request, turns));
        }
    }
    let times = |name| {
        let place =
            CONTENDERS.iter().position(|contender| *contender == name).expect("a contender");
        &contenders[place].2
    };
    let mut table = Table::new(
        &format!("End to end over loopback, server's CPU time per request ({})", case.name),
        &["server", "microseconds"],
    );
    for name in CONTENDERS {
        let spread = Spread::of(times(name).iter().map(|time| time / 1000.0).collect());
        table.row(&[name.to_owned(), spread.to_string()]);
    }
    table.print();
    let mut table = Table::new("End to end, ratios", &["ratio", "measured", "goal"]);
    for (a, b, goal) in [
        (OURS, FLOOR, "<= 1.05"),
        (OURS, CONSTANT, ""),
        (FLOOR, CONSTANT, ""),
        (OURS, HAND_AXUM, "<= 0.80"),
        (OURS_AXUM, HAND_AXUM, "<= 1.0"),
    ] {
        let ratios = times(a).iter().zip(times(b)).map(|(a, b)| a / b).collect();
        table.row(&[format!("{a} / {b}"), Spread::of(ratios).to_string(), goal.to_owned()]);
    }
    table.print();
}
