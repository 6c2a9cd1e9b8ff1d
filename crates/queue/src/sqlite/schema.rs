//! Tables and SQL statements.

use rusqlite::{Connection, Statement};

/// Format 1. Times are in milliseconds since 1970, sizes in bytes.
///
/// - `meta`: one row. Its counts are valid if `closed` is 1; writing them with every callback would
///   cost one more page each time. After a crash the rows are counted again. Ids below `next_id`
///   may have been used. `log` tells the log of this file from others, see
///   [`Own`](super::own::Own).
/// - `entry`: callbacks that are accepted and not yet handled. Rows without `due_at` have not
///   failed.
/// - `line`: rows that block others of their order key, or are blocked, as far as claims have read:
///   those that failed, and those that were skipped. Most rows never get into this table. `key` is
///   the beginning of the order key as a number; two order keys with the same number wait for each
///   other, which is harmless.
/// - `seen`: the dedup keys of every row of `entry` and `dead`, and of recently handled callbacks,
///   in runs; see [`Seen`](super::seen::Seen).
/// - `done`: the dedup keys of handled callbacks, ordered by time, so that the oldest can be
///   forgotten first.
pub(super) const CREATE: &str = "
CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    store INTEGER NOT NULL,
    next_id INTEGER NOT NULL,
    closed INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    retrying INTEGER NOT NULL,
    dead INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    unreadable INTEGER NOT NULL,
    unreadable_bytes INTEGER NOT NULL,
    log INTEGER
) STRICT;
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
    trace_context TEXT,
    checksum INTEGER NOT NULL,
    callback TEXT NOT NULL
) STRICT;
CREATE INDEX entry_due ON entry (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX entry_aside ON entry (aside_at) WHERE aside_at IS NOT NULL;
CREATE TABLE line (
    key INTEGER NOT NULL,
    id INTEGER NOT NULL,
    PRIMARY KEY (key, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE dead (
    id INTEGER PRIMARY KEY,
    accepted_at INTEGER NOT NULL,
    dedup_key BLOB,
    order_key BLOB,
    attempts INTEGER NOT NULL,
    dead_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    error TEXT,
    trace_context TEXT,
    checksum INTEGER NOT NULL,
    callback TEXT NOT NULL
) STRICT;
CREATE TABLE seen (
    run INTEGER NOT NULL,
    key BLOB NOT NULL,
    id INTEGER NOT NULL,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE done (
    number INTEGER PRIMARY KEY,
    done_at INTEGER NOT NULL,
    key BLOB NOT NULL
) STRICT;
INSERT INTO meta VALUES (1, random(), 1, 1, 0, 0, 0, 0, 0, 0, NULL);
";

macro_rules! statements {
    ($($name:ident $sql:literal;)*) => {
        pub(super) struct Statements<'c> {
            $( pub(super) $name: Statement<'c>, )*
        }

        impl<'c> Statements<'c> {
            pub(super) fn prepare(conn: &'c Connection) -> rusqlite::Result<Self> {
                Ok(Statements { $( $name: conn.prepare($sql)?, )* })
            }
        }
    };
}

statements! {
    begin "BEGIN IMMEDIATE";
    commit "COMMIT";
    rollback "ROLLBACK";
    frames "PRAGMA wal_checkpoint(noop)";
    page_count "PRAGMA page_count";
    freelist_count "PRAGMA freelist_count";
    checkpoint "PRAGMA wal_checkpoint(passive)";

    meta "SELECT store, next_id, closed, log, waiting, retrying, dead, bytes, unreadable,
        unreadable_bytes FROM meta";
    opened "UPDATE meta SET next_id = ?1, closed = 0 WHERE one = 1";
    log "UPDATE meta SET log = ?1 WHERE one = 1";
    closed "UPDATE meta SET next_id = ?1, closed = 1, waiting = ?2, retrying = ?3, dead = ?4,
        bytes = ?5, unreadable = ?6, unreadable_bytes = ?7 WHERE one = 1";
    count_waiting "SELECT count(*), count(due_at), ifnull(sum(octet_length(callback)), 0)
        FROM entry";
    count_dead "SELECT count(*), ifnull(sum(octet_length(callback)), 0) FROM dead";
    count_unreadable "SELECT count(*), ifnull(sum(octet_length(callback)), 0) FROM dead
        WHERE reason = 'body_unreadable'";

    see "INSERT INTO seen (run, key, id) VALUES (?1, ?2, ?3)";
    seen "SELECT id FROM seen WHERE run = ?1 AND key = ?2";
    forget "DELETE FROM seen WHERE run = ?1 AND key = ?2";
    all_seen "SELECT run, key FROM seen";
    group "SELECT run, key FROM seen WHERE run BETWEEN ?1 AND ?2";
    count_group "SELECT count(*) FROM seen WHERE run BETWEEN ?1 AND ?2";
    done "INSERT INTO done (done_at, key) VALUES (?1, ?2)";
    oldest_done "SELECT number, done_at, key FROM done ORDER BY number LIMIT ?1";
    newest_done "SELECT done_at FROM done ORDER BY number DESC LIMIT 1";
    done_back "UPDATE done SET done_at = ?1 WHERE done_at > ?1";
    forget_done "DELETE FROM done WHERE number <= ?1";

    append "INSERT INTO entry (id, accepted_at, dedup_key, order_key, trace_context, checksum,
        callback) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    delete "DELETE FROM entry WHERE id = ?1";
    retry "UPDATE entry SET attempts = ?2, failed_at = ?3, due_at = ?4, aside_at = ?5,
        out_of_order = ?6, error = ?7 WHERE id = ?1";
    due_back "UPDATE entry SET due_at = ?1 + (due_at - failed_at),
        aside_at = ?1 + (aside_at - failed_at), failed_at = ?1
        WHERE due_at IS NOT NULL AND failed_at > ?1";
    to_step_aside "SELECT id, order_key FROM entry WHERE aside_at <= ?1 ORDER BY aside_at LIMIT ?2";
    step_aside "UPDATE entry SET aside_at = NULL, out_of_order = 1 WHERE id = ?1";
    next_aside "SELECT min(aside_at) FROM entry WHERE aside_at IS NOT NULL";
    oldest "SELECT accepted_at FROM entry ORDER BY id LIMIT 1";

    fresh "SELECT id, accepted_at, dedup_key, order_key, out_of_order, attempts, aside_at, due_at,
        checksum, callback, trace_context FROM entry WHERE id > ?1 ORDER BY id";
    due "SELECT id, accepted_at, dedup_key, order_key, out_of_order, attempts, aside_at, due_at,
        checksum, callback, trace_context FROM entry
        WHERE due_at >= ?1 AND due_at <= ?3 AND (due_at > ?1 OR id > ?2) ORDER BY due_at, id";
    one "SELECT id, accepted_at, dedup_key, order_key, out_of_order, attempts, aside_at, due_at,
        checksum, callback, trace_context FROM entry WHERE id = ?1";
    next_due "SELECT due_at FROM entry WHERE due_at >= ?1 AND (due_at > ?1 OR id > ?2)
        ORDER BY due_at, id LIMIT 1";
    line_up "INSERT OR IGNORE INTO line (key, id) VALUES (?1, ?2)";
    leave_line "DELETE FROM line WHERE key = ?1 AND id = ?2";
    first_in_line "SELECT id FROM line WHERE key = ?1 AND id > ?2 ORDER BY id LIMIT 1";

    bury "INSERT INTO dead (id, accepted_at, dedup_key, order_key, attempts, dead_at, reason, error,
        trace_context, checksum, callback)
        SELECT id, accepted_at, dedup_key, order_key, ?2, ?3, ?4, ?5, trace_context, checksum,
        callback FROM entry WHERE id = ?1";
    requeue "INSERT INTO entry (id, accepted_at, dedup_key, order_key, out_of_order, attempts,
        failed_at, due_at, error, trace_context, checksum, callback)
        SELECT id, accepted_at, dedup_key, order_key, 1, 0, ?2, ?2, error, trace_context, checksum,
        callback FROM dead WHERE id = ?1";
    unreadable "SELECT octet_length(callback) FROM dead
        WHERE id = ?1 AND reason = 'body_unreadable'";
    delete_dead "DELETE FROM dead WHERE id = ?1";
    list_dead "SELECT id, accepted_at, order_key, attempts, error, callback, dead_at, reason,
        trace_context FROM dead
        WHERE id > ?1 AND accepted_at <= ?2 AND (?3 IS NULL OR order_key = ?3)
        ORDER BY id LIMIT ?4";
    list_waiting "SELECT id, accepted_at, order_key, attempts, error, callback, NULL, NULL,
        trace_context FROM entry
        WHERE id > ?1 AND accepted_at <= ?2 AND (?3 IS NULL OR order_key = ?3)
        ORDER BY id LIMIT ?4";
    purge_dead "SELECT id, dedup_key, order_key, NULL, octet_length(callback),
        reason = 'body_unreadable' FROM dead
        WHERE id > ?1 AND accepted_at <= ?2 AND (?3 IS NULL OR order_key = ?3)
        ORDER BY id LIMIT ?4";
    purge_waiting "SELECT id, dedup_key, order_key, due_at, octet_length(callback), 0 FROM entry
        WHERE id > ?1 AND accepted_at <= ?2 AND (?3 IS NULL OR order_key = ?3)
        ORDER BY id LIMIT ?4";
}
