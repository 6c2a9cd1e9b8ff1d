//! The numbers that a transaction changes.

use rusqlite::{OptionalExtension, Row, params};
use tencent_im_callback::OrderKey;

use super::super::claims::key_number;
use super::super::read::key;
use super::super::schema::Statements;
use crate::store::Stats;

/// The number of ids that are reserved at a time. After a crash, the reserved ids that were not
/// used are skipped.
const RESERVE: i64 = 10_000;

/// A transaction works on a copy. Its commit assigns the copy.
#[derive(Clone, Copy)]
pub(in super::super) struct Numbers {
    pub(super) next_id: i64,
    /// Ids up to this one may be used without writing to the file.
    pub(super) reserved: i64,
    /// The file says that its counts are not valid.
    pub(super) opened: bool,
    /// When the oldest remembered key was handled, if any key is remembered.
    pub(super) oldest_done: Option<i64>,
    /// When the next row stops blocking its key.
    pub(super) next_aside: Option<i64>,
    /// Without what is running, and the time of the oldest callback.
    pub(in super::super) stats: Stats,
}

/// What the file says of itself when it is opened.
pub(in super::super) struct Head {
    /// The id of the store.
    pub(in super::super) store: u64,
    pub(super) was_closed: bool,
    /// The number of its log.
    pub(super) log: Option<i64>,
    pub(in super::super) numbers: Numbers,
}

impl Head {
    pub(super) fn read(s: &mut Statements<'_>, now: i64) -> rusqlite::Result<Self> {
        let mut head = Head::counted(s)?;
        // If the clock went back since then, timers keep their remaining time.
        s.due_back.execute([now])?;
        let newest_done: Option<i64> =
            s.newest_done.query_row((), |columns| columns.get(0)).optional()?;
        if newest_done.is_some_and(|at| at > now) {
            s.done_back.execute([now])?;
        }
        let numbers = &mut head.numbers;
        numbers.oldest_done = s.oldest_done.query_row([1], |columns| columns.get(1)).optional()?;
        numbers.next_aside = s.next_aside.query_row((), |columns| columns.get(0))?;
        Ok(head)
    }

    /// Without the times. Writes nothing.
    pub(in super::super) fn counted(s: &mut Statements<'_>) -> rusqlite::Result<Self> {
        let mut head = s.meta.query_row((), |columns| {
            let stats = Stats {
                waiting: count(columns, 4)?,
                retrying: count(columns, 5)?,
                dead: count(columns, 6)?,
                bytes: count(columns, 7)?,
                unreadable: count(columns, 8)?,
                unreadable_bytes: count(columns, 9)?,
                ..Stats::default()
            };
            let next_id = columns.get(1)?;
            Ok(Head {
                store: columns.get::<_, i64>(0)?.cast_unsigned(),
                was_closed: columns.get::<_, i64>(2)? == 1,
                log: columns.get(3)?,
                numbers: Numbers {
                    next_id,
                    reserved: next_id,
                    opened: false,
                    oldest_done: None,
                    next_aside: None,
                    stats,
                },
            })
        })?;
        if !head.was_closed {
            head.numbers.count_rows(s)?;
        }
        Ok(head)
    }
}

impl Numbers {
    /// After a crash, the counts in the file are not valid.
    fn count_rows(&mut self, s: &mut Statements<'_>) -> rusqlite::Result<()> {
        let stats = &mut self.stats;
        s.count_waiting.query_row((), |columns| {
            stats.waiting = count(columns, 0)?;
            stats.retrying = count(columns, 1)?;
            stats.bytes = count(columns, 2)?;
            Ok(())
        })?;
        s.count_dead.query_row((), |columns| {
            stats.dead = count(columns, 0)?;
            stats.bytes += count(columns, 1)?;
            Ok(())
        })?;
        s.count_unreadable.query_row((), |columns| {
            stats.unreadable = count(columns, 0)?;
            stats.unreadable_bytes = count(columns, 1)?;
            Ok(())
        })
    }

    /// Says in the file that its counts are not valid, and that more ids may be used.
    pub(super) fn reserve(&mut self, s: &mut Statements<'_>) -> rusqlite::Result<()> {
        let reserved = self.next_id.saturating_add(RESERVE);
        s.opened.execute([reserved])?;
        (self.reserved, self.opened) = (reserved, true);
        Ok(())
    }

    /// Says in the file that its counts are valid.
    pub(super) fn close(&self, s: &mut Statements<'_>) -> rusqlite::Result<()> {
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        s.closed.execute(params![
            self.next_id,
            count(self.stats.waiting),
            count(self.stats.retrying),
            count(self.stats.dead),
            count(self.stats.bytes),
            count(self.stats.unreadable),
            count(self.stats.unreadable_bytes)
        ])?;
        Ok(())
    }

    pub(super) fn rows(&self) -> u64 {
        self.stats.waiting.saturating_add(self.stats.dead)
    }

    pub(super) fn remove(&mut self, retrying: bool, bytes: u64) {
        let stats = &mut self.stats;
        stats.waiting = stats.waiting.saturating_sub(1);
        stats.retrying = stats.retrying.saturating_sub(u64::from(retrying));
        stats.bytes = stats.bytes.saturating_sub(bytes);
    }

    /// A dead letter that cannot be read is gone.
    pub(super) fn remove_unreadable(&mut self, bytes: u64) {
        let stats = &mut self.stats;
        stats.unreadable = stats.unreadable.saturating_sub(1);
        stats.unreadable_bytes = stats.unreadable_bytes.saturating_sub(bytes);
    }
}

fn count(columns: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    Ok(columns.get::<_, i64>(at)?.unsigned_abs())
}

/// The order key of a row as a number.
pub(super) fn order_number(columns: &Row<'_>, at: usize) -> rusqlite::Result<Option<i64>> {
    Ok(key(columns, at)?.map(|key| key_number(&OrderKey::from_bytes(key))))
}

/// A number for SQL.
pub(super) fn sql(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
