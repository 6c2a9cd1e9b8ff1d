//! The same writes without a queue: one thread, one connection (WAL, `synchronous=FULL`), one table with the same columns and indexes,
//! and the same sharing of one commit among all who wait. No duplicates are told, nothing is counted, nothing can be claimed.

use std::path::Path;

use rusqlite::{Connection, params};
use tokio::sync::{mpsc, oneshot};

const TABLE: &str = "
CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    accepted_at INTEGER NOT NULL,
    dedup_key BLOB,
    order_key BLOB,
    blocks INTEGER,
    out_of_order INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    failed_at INTEGER,
    due_at INTEGER,
    aside_at INTEGER,
    error TEXT,
    checksum INTEGER NOT NULL,
    callback TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX entry_dedup ON entry (dedup_key);
CREATE INDEX entry_blocks ON entry (blocks) WHERE blocks IS NOT NULL;
CREATE INDEX entry_due ON entry (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX entry_aside ON entry (aside_at) WHERE aside_at IS NOT NULL;
";

pub struct Row {
    pub dedup_key: [u8; 32],
    pub order_key: [u8; 32],
    pub text: String,
}

type Op = (Row, oneshot::Sender<()>);

#[derive(Clone)]
pub struct BareWriter {
    ops: mpsc::Sender<Op>,
}

impl BareWriter {
    pub fn open(path: &Path) -> Self {
        let conn = Connection::open(path).unwrap();
        for pragma in [
            "locking_mode = exclusive",
            "journal_mode = wal",
            "synchronous = full",
            "wal_autocheckpoint = 4096",
            "cache_size = -16384",
        ] {
            conn.execute_batch(&format!("PRAGMA {pragma}")).unwrap();
        }
        conn.execute_batch(TABLE).unwrap();
        let (ops, inbox) = mpsc::channel(8192);
        std::thread::spawn(move || run(&conn, inbox));
        BareWriter { ops }
    }

    pub async fn write(&self, row: Row) {
        let (tell, told) = oneshot::channel();
        self.ops.send((row, tell)).await.unwrap();
        told.await.unwrap();
    }
}

fn run(conn: &Connection, mut inbox: mpsc::Receiver<Op>) {
    let mut insert = conn
        .prepare(
            "INSERT INTO entry (id, accepted_at, dedup_key, order_key, blocks, checksum, callback)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .unwrap();
    let (mut begin, mut commit) = (
        conn.prepare("BEGIN IMMEDIATE").unwrap(),
        conn.prepare("COMMIT").unwrap(),
    );
    let mut ops = Vec::new();
    let mut id = 0_i64;
    while inbox.blocking_recv_many(&mut ops, 8192) > 0 {
        begin.execute(()).unwrap();
        for (row, _) in &ops {
            id += 1;
            let blocks = i64::from_be_bytes(row.order_key[..8].try_into().unwrap());
            let values = params![id, 0_i64, row.dedup_key, row.order_key, blocks, 0_i64, row.text];
            insert.execute(values).unwrap();
        }
        commit.execute(()).unwrap();
        for (_, tell) in ops.drain(..) {
            let _ = tell.send(());
        }
    }
}
