//! What an administrator asks for.

use rusqlite::{OptionalExtension, params};
use tencent_im_callback::OrderKey;

use super::super::claims::{key, optional_text};
use super::super::inbox::{Op, Purge};
use super::super::open::failed;
use super::Writer;
use super::numbers::{order_number, sql};
use super::transaction::{Effect, Outcome, Scratch};
use crate::delivery::DeliveryId;
use crate::error::QueueError;
use crate::options::{from_millis, millis};
use crate::store::{DeadReason, Death, Filter, Record, Stats};

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
                let list = match self.broken {
                    Some(_) => Err(QueueError::Poisoned),
                    None => self.list(&filter, after, limit).map_err(failed),
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
        let oldest =
            self.s.oldest.query_row((), |columns| columns.get(0)).optional().map_err(failed)?;
        Ok(Stats {
            running: self.claims.running,
            oldest: oldest.map(from_millis),
            ..self.numbers.stats
        })
    }

    fn list(
        &mut self,
        filter: &Filter,
        after: Option<DeliveryId>,
        limit: usize,
    ) -> rusqlite::Result<Vec<Record>> {
        let after = after.map_or(0, |id| self.claims.row(id).unwrap_or(0));
        let before = accepted_before(filter, self.clock.now());
        let limit = sql(limit);
        let statement = if filter.dead { &mut self.s.list_dead } else { &mut self.s.list_waiting };
        let claims = &self.claims;
        let rows =
            statement.query_map(params![after, before, order_key(filter), limit], |columns| {
                let text = columns.get_ref(5)?;
                let payload =
                    String::from_utf8_lossy(text.as_bytes().unwrap_or_default()).into_owned();
                let mut record =
                    Record::new(claims.id(columns.get(0)?), from_millis(columns.get(1)?), payload);
                record.order_key = key(columns, 2)?.map(OrderKey::from_bytes);
                record.attempts = columns.get(3)?;
                record.error = columns.get(4)?;
                record.trace_context = optional_text(columns, 8)?;
                record.death = match columns.get::<_, Option<i64>>(6)? {
                    Some(at) => {
                        let reason: String = columns.get(7)?;
                        let reason = DeadReason::from_name(&reason).unwrap_or(DeadReason::Attempts);
                        Some(Death::new(from_millis(at), reason))
                    }
                    None => None,
                };
                Ok(record)
            })?;
        rows.collect()
    }
}

fn accepted_before(filter: &Filter, now: i64) -> i64 {
    filter.older_than.map_or(i64::MAX, |age| now.saturating_sub(millis(age)))
}

fn order_key(filter: &Filter) -> Option<&[u8]> {
    filter.order_key.as_ref().map(|key| &key.as_bytes()[..])
}
