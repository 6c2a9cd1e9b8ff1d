//! What an open connection holds, idle and with half a body sent; and what a declared length makes
//! a server reserve.

use std::thread::sleep;
use std::time::Duration;

use crate::cases::{Case, all};
use crate::load::Connection;
use crate::servers::{FLOOR, OURS, Server};
use crate::table::Table;

/// Long enough for a server to have read everything.
const SETTLE: Duration = Duration::from_millis(500);

/// Bytes per connection: idle after one request, and with half a body sent.
fn measure(contender: &str, connections: usize) -> [f64; 2] {
    let server = Server::start(contender);
    let case: Case = all().swap_remove(1);
    let request = case.wire();
    let mut first = Connection::open(&server);
    first.send(&request);
    first.receive();
    sleep(SETTLE);
    let empty = server.memory();

    let mut open: Vec<_> = (0..connections).map(|_| Connection::open(&server)).collect();
    for connection in &mut open {
        connection.send(&request);
        connection.receive();
    }
    sleep(SETTLE);
    let idle = server.memory();

    // A body of a mebibyte is declared; half a kibibyte arrives.
    let text = String::from_utf8(request).expect("text");
    let (head, _) = text.split_once("\r\n\r\n").expect("a head");
    let declared = format!("content-length: {}", case.body().len());
    let head = head.replace(&declared, "content-length: 1048576");
    let half = format!("{head}\r\n\r\n{{{}", " ".repeat(511));
    for connection in &mut open {
        connection.send(half.as_bytes());
    }
    sleep(SETTLE);
    let half = server.memory();
    [idle, half].map(|memory| (memory - empty) as f64 / connections as f64)
}

pub fn print(quick: bool) {
    let connections = if quick { 50 } else { 900 };
    let mut table = Table::new(
        &format!("Memory per connection, bytes ({connections} connections)"),
        &["connection", "floor", "ours", "ours - floor", "goal"],
    );
    let (floor, ours) = (measure(FLOOR, connections), measure(OURS, connections));
    for (name, at) in [("idle after a request", 0), ("half a body sent, 1 MiB declared", 1)] {
        table.row(&[
            name.to_owned(),
            format!("{:.0}", floor[at]),
            format!("{:.0}", ours[at]),
            format!("{:.0}", ours[at] - floor[at]),
            "<= 1024".to_owned(),
        ]);
    }
    table.print();
}
