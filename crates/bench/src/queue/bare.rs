//! The same writes without a queue: one thread, one connection (WAL, `synchronous=FULL`), one table
//! with the same columns and indexes, and the same sharing of one commit among all who wait. No
//! duplicates are told, nothing is counted, nothing can be claimed.
//!
//! With or without a unique index on the digests of keys, where each callback lands on a page of
//! its own: the queue has none.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use rusqlite::{Connection, params};
use tokio::sync::oneshot;

const TABLE: &str = "
CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    accepted_at INTEGER NOT NULL,
    dedup_key BLOB,
    order_key BLOB,
    out_of_order INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    failed_at INTEGER,
    due_at INTEGER,
    aside_at INTEGER,
    error TEXT,
    checksum INTEGER NOT NULL,
    callback TEXT NOT NULL
) STRICT;
CREATE INDEX entry_due ON entry (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX entry_aside ON entry (aside_at) WHERE aside_at IS NOT NULL;
";

const UNIQUE: &str = "CREATE UNIQUE INDEX entry_dedup ON entry (dedup_key)";

pub struct Row {
    pub dedup_key: [u8; 32],
    pub order_key: [u8; 32],
    pub text: String,
}

/// As the queue's own: a vector that is taken whole.
#[derive(Default)]
struct Inbox {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    ops: Vec<Op>,
    closed: bool,
    asleep: bool,
}

impl Inbox {
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap();
        change(&mut state);
        let asleep = std::mem::take(&mut state.asleep);
        drop(state);
        if asleep {
            self.wake.notify_one();
        }
    }

    fn take(&self) -> Vec<Op> {
        let mut state = self.state.lock().unwrap();
        while state.ops.is_empty() && !state.closed {
            state.asleep = true;
            state = self.wake.wait(state).unwrap();
        }
        std::mem::take(&mut state.ops)
    }
}

type Op = (Row, oneshot::Sender<()>);

pub struct BareWriter {
    inbox: Arc<Inbox>,
    commits: Arc<AtomicU64>,
}

impl BareWriter {
    pub fn open(path: &Path, unique: bool) -> Self {
        let conn = Connection::open(path).unwrap();
        for pragma in [
            "locking_mode = exclusive",
            "journal_mode = wal",
            "synchronous = full",
            "wal_autocheckpoint = 0",
            "cache_size = -32768",
        ] {
            conn.execute_batch(&format!("PRAGMA {pragma}")).unwrap();
        }
        conn.execute_batch(TABLE).unwrap();
        if unique {
            conn.execute_batch(UNIQUE).unwrap();
        }
        let (inbox, commits) = (Arc::<Inbox>::default(), Arc::<AtomicU64>::default());
        let (taken, counted) = (inbox.clone(), commits.clone());
        std::thread::spawn(move || run(&conn, &taken, &counted));
        BareWriter { inbox, commits }
    }

    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    pub async fn write(&self, row: Row) {
        let (tell, told) = oneshot::channel();
        self.inbox.change(|state| state.ops.push((row, tell)));
        told.await.unwrap();
    }
}

impl Drop for BareWriter {
    fn drop(&mut self) {
        self.inbox.change(|state| state.closed = true);
    }
}

fn run(conn: &Connection, inbox: &Inbox, commits: &AtomicU64) {
    let prepare = |sql| conn.prepare(sql).unwrap();
    let mut insert = prepare(
        "INSERT INTO entry (id, accepted_at, dedup_key, order_key, checksum, callback)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    );
    let (mut begin, mut commit) = (prepare("BEGIN IMMEDIATE"), prepare("COMMIT"));
    let (mut frames, mut checkpoint) =
        (prepare("PRAGMA wal_checkpoint(noop)"), prepare("PRAGMA wal_checkpoint(passive)"));
    let mut id = 0_i64;
    loop {
        let ops = inbox.take();
        if ops.is_empty() {
            return;
        }
        begin.execute(()).unwrap();
        for (row, _) in &ops {
            id += 1;
            let values = params![id, 0_i64, row.dedup_key, row.order_key, 0_i64, row.text];
            insert.execute(values).unwrap();
        }
        commit.execute(()).unwrap();
        commits.fetch_add(1, Ordering::Relaxed);
        for (_, tell) in ops {
            let _ = tell.send(());
        }
        // As the queue does: after the answers, and at the same size of the log.
        let left =
            |columns: &rusqlite::Row<'_>| Ok(columns.get::<_, i64>(1)? - columns.get::<_, i64>(2)?);
        if frames.query_row((), left).unwrap() >= 4096 {
            checkpoint.query_row((), |_| Ok(())).unwrap();
        }
    }
}
