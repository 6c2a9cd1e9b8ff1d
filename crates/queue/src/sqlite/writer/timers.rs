//! What is done when its time has come.

use std::time::Duration;

use super::super::read::key;
use super::super::seen::Digest;
use super::numbers::{order_number, sql};
use super::transaction::{Effect, Scratch};
use super::{CHUNK, Writer};
use crate::options::millis;

/// The longest sleep. A clock that jumped is noticed after this time at the latest.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

impl Writer<'_> {
    /// How long there is nothing to do; `None` means until the next request.
    pub(super) fn sleep(&mut self) -> Option<Duration> {
        if self.broken.is_some() {
            return None;
        }
        let claimable = self.look || self.claims.has_ready();
        let parked = self.room && !self.parked.is_empty();
        let passed = !self.claims.passed.is_empty();
        if (claimable && !self.waiting.is_empty()) || parked || passed || !self.purges.is_empty() {
            return Some(Duration::ZERO);
        }
        let mut next: Option<i64> = None;
        let mut at = |time: i64| next = Some(next.map_or(time, |next| next.min(time)));
        if !self.waiting.is_empty() && self.numbers.stats.retrying > 0 {
            match self.claims.next_due(&mut self.s) {
                Ok(due) => due.into_iter().for_each(&mut at),
                // The error will occur again when a claim reads the row, and is reported there.
                Err(_) => return Some(Duration::ZERO),
            }
        }
        self.numbers.next_aside.into_iter().for_each(&mut at);
        if let Some(done) = self.numbers.oldest_done {
            at(done.saturating_add(millis(self.options.dedup_window)));
        }
        let wait = next?.saturating_sub(self.clock.now());
        // At least a moment, so that rounding does not cause a busy loop.
        let wait = Duration::from_millis(u64::try_from(wait).unwrap_or(0).max(1));
        Some(wait.min(LONGEST_SLEEP))
    }

    /// Rows that have blocked their key for too long leave their order.
    pub(super) fn step_aside(&mut self, now: i64, scratch: &mut Scratch) -> rusqlite::Result<()> {
        let rows = self.s.to_step_aside.query_map([now, sql(self.chunk)], |columns| {
            Ok((columns.get(0)?, order_number(columns, 1)?))
        })?;
        let rows: Vec<(i64, Option<i64>)> = rows.collect::<Result<_, _>>()?;
        for (row, key) in rows {
            self.s.step_aside.execute([row])?;
            if let Some(key) = key {
                self.s.leave_line.execute([key, row])?;
                scratch.effects.push(Effect::Unblock(key));
            }
        }
        scratch.numbers.next_aside = self.s.next_aside.query_row((), |columns| columns.get(0))?;
        Ok(())
    }

    /// Forgets dedup keys whose time is over.
    pub(super) fn forget(
        &mut self,
        now: i64,
        limit: usize,
        scratch: &mut Scratch,
    ) -> rusqlite::Result<()> {
        let window = millis(self.options.dedup_window);
        let over = |done_at: i64| done_at.saturating_add(window) <= now;
        if !scratch.numbers.oldest_done.is_some_and(over) {
            return Ok(());
        }
        let mut left = limit;
        loop {
            // One more than needed, to know when the next key is to be forgotten.
            let chunk = left.min(CHUNK);
            let rows = self.s.oldest_done.query_map([sql(chunk + 1)], |columns| {
                Ok((columns.get(0)?, columns.get(1)?, key(columns, 2)?))
            })?;
            let rows: Vec<(i64, i64, Option<Digest>)> = rows.collect::<Result<_, _>>()?;
            let due = rows.iter().take_while(|(_, done_at, _)| over(*done_at)).count();
            let due = due.min(chunk);
            for (_, _, key) in &rows[..due] {
                if let Some(key) = key {
                    self.seen.forget(&mut self.s, key)?;
                }
            }
            if let Some((last, ..)) = rows[..due].last() {
                self.s.forget_done.execute([last])?;
            }
            left -= chunk;
            scratch.numbers.oldest_done = rows.get(due).map(|(_, done_at, _)| *done_at);
            if left == 0 || !scratch.numbers.oldest_done.is_some_and(over) {
                return Ok(());
            }
        }
    }
}
