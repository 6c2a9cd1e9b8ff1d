//! What an administrator asks for.

use rusqlite::{OptionalExtension, params};

use super::super::inbox::{Op, Purge};
use super::super::open::failed;
use super::super::read::key;
use super::super::read::{accepted_before, list, oldest, order_key};
use super::Writer;
use super::numbers::{order_number, sql};
use super::transaction::{Effect, Outcome, Scratch};
use crate::delivery::DeliveryId;
use crate::error::QueueError;
use crate::store::Stats;

/// A row to purge.
struct Found {
    row: i64,
    dedup_key: Option<[u8; 32]>,
    key: Option<i64>,
    retrying: bool,
    size: u64,
    unreadable: bool,
}

impl Writer<'_> {
    pub(super) fn requeue(
        &mut self,
        id: DeliveryId,
        now: i64,
        scratch: &mut Scratch,
    ) -> rusqlite::Result<Outcome> {
        let Some(row) = self.claims.row(id) else {
            return Ok(Outcome::Failed(QueueError::NotFound));
        };
        if self.s.requeue.execute([row, now])? == 0 {
            return Ok(Outcome::Failed(QueueError::NotFound));
        }
        let unreadable = self.s.unreadable.query_row([row], |columns| columns.get::<_, i64>(0));
        if let Some(size) = unreadable.optional()? {
            scratch.numbers.remove_unreadable(size.unsigned_abs());
        }
        self.s.delete_dead.execute([row])?;
        scratch.numbers.stats.dead = scratch.numbers.stats.dead.saturating_sub(1);
        scratch.numbers.stats.waiting += 1;
        scratch.numbers.stats.retrying += 1;
        scratch.effects.push(Effect::Due(now));
        Ok(Outcome::Done)
    }

    pub(super) fn purge(
        &mut self,
        purge: &Purge,
        now: i64,
        scratch: &mut Scratch,
    ) -> rusqlite::Result<Outcome> {
        let filter = &purge.filter;
        let rows = self.rows_to_purge(purge, now)?;
        let mut count = 0;
        for found in &rows {
            if filter.dead {
                self.s.delete_dead.execute([found.row])?;
                scratch.numbers.stats.dead = scratch.numbers.stats.dead.saturating_sub(1);
                scratch.numbers.stats.bytes =
                    scratch.numbers.stats.bytes.saturating_sub(found.size);
                if found.unreadable {
                    scratch.numbers.remove_unreadable(found.size);
                }
            } else {
                if self.claims.is_running(found.row) || scratch.settled.contains(&found.row) {
                    continue;
                }
                self.s.delete.execute([found.row])?;
                scratch.numbers.remove(found.retrying, found.size);
                if let Some(key) = found.key {
                    self.s.leave_line.execute([key, found.row])?;
                    scratch.effects.push(Effect::Unblock(key));
                }
            }
            count += 1;
            if let Some(key) = found.dedup_key {
                self.s.done.execute(params![now, key])?;
                scratch.numbers.oldest_done.get_or_insert(now);
            }
        }
        Ok(Outcome::Purged { last: rows.last().map(|found| found.row), count })
    }

    fn rows_to_purge(&mut self, purge: &Purge, now: i64) -> rusqlite::Result<Vec<Found>> {
        let filter = &purge.filter;
        let statement =
            if filter.dead { &mut self.s.purge_dead } else { &mut self.s.purge_waiting };
        let rows = statement.query_map(
            params![purge.after, accepted_before(filter, now), order_key(filter), sql(self.chunk)],
            |columns| {
                Ok(Found {
                    row: columns.get(0)?,
                    dedup_key: key(columns, 1)?,
                    key: order_number(columns, 2)?,
                    retrying: columns.get::<_, Option<i64>>(3)?.is_some(),
                    size: columns.get::<_, i64>(4)?.unsigned_abs(),
                    unreadable: columns.get(5)?,
                })
            },
        )?;
        rows.collect()
    }

    pub(super) fn read(&mut self, op: Op) {
        match op {
            Op::Stats(answer) => {
                let stats = self.stats();
                drop(answer.send(self.noticed(stats)));
            }
            Op::List(filter, after, limit, answer) => {
                let (store, now) = (self.claims.store(), self.clock.now());
                let list = match self.broken {
                    Some(_) => Err(QueueError::Poisoned),
                    None => list(&mut self.s, store, &filter, after, limit, now).map_err(failed),
                };
                drop(answer.send(self.noticed(list)));
            }
            _ => {}
        }
    }

    /// A failed read is treated like a failed write.
    fn noticed<T>(&mut self, result: Result<T, QueueError>) -> Result<T, QueueError> {
        if let (Err(error), None) = (&result, &self.broken) {
            self.give_up(error, Vec::new());
        }
        result
    }

    fn stats(&mut self) -> Result<Stats, QueueError> {
        let oldest = oldest(&mut self.s).map_err(failed)?;
        Ok(Stats { running: self.claims.running, oldest, ..self.numbers.stats })
    }
}
