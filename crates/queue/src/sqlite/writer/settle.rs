//! Storing a callback, and storing the result of an attempt.

use rusqlite::params;
use tencent_im_callback::DedupKey;

use super::super::claims::Held;
use super::super::inbox::{How, Settle};
use super::Writer;
use super::numbers::Numbers;
use super::transaction::{Effect, Outcome, Scratch};
use crate::error::QueueError;
use crate::options::{StoreOptions, millis};
use crate::store::{Appended, DeadReason, Entry};

impl Writer<'_> {
    pub(super) fn append(
        &mut self,
        entry: &Entry,
        now: i64,
        scratch: &mut Scratch,
    ) -> rusqlite::Result<Outcome> {
        let size = entry.payload.len() as u64;
        let dedup_key = entry.dedup_key.as_ref().map(DedupKey::as_bytes);
        let numbers = &scratch.numbers;
        let full = numbers.rows() >= self.options.max_rows
            || numbers.stats.bytes.saturating_add(size) > self.options.bytes();
        if full {
            // A duplicate takes no space.
            let first = match dedup_key {
                Some(key) => self.seen.find(&mut self.s, key)?,
                None => None,
            };
            return Ok(match first {
                Some(row) => self.duplicate(row, scratch),
                None => Outcome::NoRoom,
            });
        }
        let row = numbers.next_id;
        if let Some(key) = dedup_key {
            let mut first = self.seen.find(&mut self.s, key)?;
            if first.is_some() {
                // Its time may be over although it was not forgotten yet.
                self.forget(now, usize::MAX, scratch)?;
                first = self.seen.find(&mut self.s, key)?;
            }
            if let Some(first) = first {
                return Ok(self.duplicate(first, scratch));
            }
            self.seen.add(&mut self.s, key, row)?;
        }
        self.s.append.execute(params![
            row,
            now,
            dedup_key,
            entry.order_key.as_ref().map(|key| &key.as_bytes()[..]),
            entry.trace_context,
            i64::from(crc32fast::hash(entry.payload.as_bytes())),
            entry.payload,
        ])?;
        scratch.numbers.next_id += 1;
        scratch.numbers.stats.waiting += 1;
        scratch.numbers.stats.bytes += size;
        scratch.numbers.stats.accepted += 1;
        Ok(Outcome::Appended(Appended::Stored(self.claims.id(row))))
    }

    fn duplicate(&self, first: i64, scratch: &mut Scratch) -> Outcome {
        scratch.numbers.stats.duplicates += 1;
        Outcome::Appended(Appended::Duplicate(self.claims.id(first)))
    }

    pub(super) fn settle(
        &mut self,
        settle: &Settle,
        now: i64,
        scratch: &mut Scratch,
    ) -> rusqlite::Result<Outcome> {
        let Some((row, held)) = self.claims.get(settle.claim) else {
            return Ok(Outcome::Failed(QueueError::ClaimLost));
        };
        if !scratch.settled.insert(row) {
            return Ok(Outcome::Failed(QueueError::ClaimLost));
        }
        let held = *held;
        scratch.effects.push(Effect::Free(row));
        if let (Some(key), How::Complete | How::Bury { .. }) = (held.key, &settle.how) {
            self.s.leave_line.execute([key, row])?;
        }
        let dropped = settle.how.is_dropped(held.size, &scratch.numbers, &self.options);
        match &settle.how {
            How::Retry(error, delay) => {
                let due_at = now.saturating_add(millis(*delay));
                self.retry(row, &held, (now, due_at), error, scratch)?;
            }
            How::Bury { error, reason, .. } if !dropped => {
                self.s.bury.execute(params![row, held.attempt, now, reason.as_str(), error])?;
                self.s.delete.execute([row])?;
                scratch.numbers.remove(held.retrying, 0);
                let stats = &mut scratch.numbers.stats;
                stats.dead += 1;
                if *reason == DeadReason::BodyUnreadable {
                    stats.unreadable += 1;
                    stats.unreadable_bytes += held.size;
                }
                stats.buried += 1;
            }
            How::Complete | How::Bury { .. } => {
                self.s.delete.execute([row])?;
                scratch.numbers.remove(held.retrying, held.size);
                scratch.numbers.stats.completed += u64::from(!dropped);
                scratch.numbers.stats.dropped += u64::from(dropped);
                if let Some(key) = held.dedup_key {
                    self.s.done.execute(params![now, key])?;
                    scratch.numbers.oldest_done.get_or_insert(now);
                }
            }
        }
        Ok(if dropped { Outcome::Dropped } else { Outcome::Done })
    }

    fn retry(
        &mut self,
        row: i64,
        held: &Held,
        (now, due_at): (i64, i64),
        error: &str,
        scratch: &mut Scratch,
    ) -> rusqlite::Result<()> {
        // As long as the row is in its order, it blocks those behind it.
        let ahead = held.key.filter(|_| !held.out_of_order);
        let aside_at = ahead.map(|_| {
            let max_block = millis(self.options.max_block);
            held.aside_at.unwrap_or(now.saturating_add(max_block))
        });
        let aside = aside_at.is_some_and(|at| at <= now);
        let aside_at = aside_at.filter(|_| !aside);
        let numbers = &mut scratch.numbers;
        if let Some(at) = aside_at {
            numbers.next_aside = Some(numbers.next_aside.map_or(at, |next| next.min(at)));
        }
        let out_of_order = aside || held.out_of_order;
        self.s.retry.execute(params![
            row,
            held.attempt,
            now,
            due_at,
            aside_at,
            out_of_order,
            error
        ])?;
        if let Some(key) = ahead {
            let line = if aside { &mut self.s.leave_line } else { &mut self.s.line_up };
            line.execute([key, row])?;
        }
        numbers.stats.retrying += u64::from(!held.retrying);
        numbers.stats.retried += 1;
        scratch.effects.push(Effect::Due(due_at));
        Ok(())
    }
}

impl How {
    /// Whether there is no room to bury a callback of this size.
    pub(super) fn is_dropped(&self, size: u64, numbers: &Numbers, options: &StoreOptions) -> bool {
        matches!(self, How::Bury { unsigned: true, .. })
            && !options.keeps_unreadable(numbers.stats.unreadable_bytes, size)
    }
}
