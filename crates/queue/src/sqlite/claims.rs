//! Decides which rows may be claimed. This state is in memory and bounded by the number of
//! callbacks being handled. The file holds what is stored; after a restart every row can be claimed
//! again.
//!
//! Rows that have not failed are handed out in the order of their ids, up to `frontier`. Behind the
//! frontier there are only rows that are claimed, rows that wait for a retry, and rows that were
//! skipped because an earlier row of their key was not finished. The last two kinds are in the
//! table `line`; when a key becomes free, its next row is looked up there. Rows that wait for a
//! retry are found by `due_at`.

mod known;

use std::collections::hash_map::Entry as Slot;
use std::collections::{HashMap, VecDeque};

use rusqlite::{OptionalExtension, Statement};
use tencent_im_callback::OrderKey;

use self::known::Known;
use super::read::{self, key};
use super::schema::Statements;
use crate::delivery::{Delivery, DeliveryId};
use crate::options::from_millis;
use crate::store::{Claim, Claimed};

/// The number of rows that one claim reads before other requests get their turn.
const LOOKS: usize = 2048;

/// The number of skipped rows that are not in the file yet. At this number claims read no further:
/// the disk may be full.
const PASSED: usize = 4 * LOOKS;

/// A row that other claims must not take.
#[derive(Clone, Copy)]
pub(super) struct Held {
    /// The claim's number; 0 for a row that is in `ready`.
    pub(super) token: u64,
    /// The key that this row blocks.
    pub(super) key: Option<i64>,
    pub(super) dedup_key: Option<[u8; 32]>,
    pub(super) out_of_order: bool,
    /// The number of this attempt, from 1.
    pub(super) attempt: u32,
    pub(super) aside_at: Option<i64>,
    pub(super) retrying: bool,
    pub(super) size: u64,
}

/// A key of which a row is claimed.
#[derive(Default)]
struct Busy {
    /// Whether there may be rows of this key behind the frontier.
    passed_over: bool,
    /// Due rows that have left their order and wait for this key.
    parked: VecDeque<i64>,
}

pub(super) struct Claims {
    store: u64,
    pub(super) held: HashMap<i64, Held>,
    busy: HashMap<i64, Busy>,
    /// Rows that later claims take first. Their keys are in use by them already.
    ready: VecDeque<i64>,
    /// Skipped rows, as key and row, that are not in the table `line` yet.
    pub(super) passed: Vec<(i64, i64)>,
    /// Rows that have not failed were read up to this id.
    frontier: i64,
    /// Due rows were read up to this time and id.
    due: (i64, i64),
    due_first: bool,
    next_token: u64,
    pub(super) running: u64,
}

/// The result of a search for rows to claim.
pub(super) struct Found {
    pub(super) claimed: Vec<Claimed>,
    /// Whether there is more to read.
    pub(super) more: bool,
}

/// The order key as a number. Rows with the same number block each other.
pub(super) fn key_number(key: &OrderKey) -> i64 {
    let mut number = [0; 8];
    for (to, from) in number.iter_mut().zip(key.as_bytes()) {
        *to = *from;
    }
    i64::from_be_bytes(number)
}

impl Claims {
    pub(super) fn new(store: u64) -> Self {
        Claims {
            store,
            held: HashMap::new(),
            busy: HashMap::new(),
            ready: VecDeque::new(),
            passed: Vec::new(),
            frontier: 0,
            due: (i64::MIN, 0),
            due_first: true,
            next_token: 1,
            running: 0,
        }
    }

    pub(super) fn id(&self, row: i64) -> DeliveryId {
        DeliveryId::new(self.store, row.unsigned_abs())
    }

    pub(super) fn store(&self) -> u64 {
        self.store
    }

    /// The row with this id, if the id is of this store.
    pub(super) fn row(&self, id: DeliveryId) -> Option<i64> {
        read::row(self.store, id)
    }

    /// The row that the claim holds, if it still holds it.
    pub(super) fn get(&self, claim: Claim) -> Option<(i64, &Held)> {
        let row = self.row(claim.id())?;
        let held = self.held.get(&row)?;
        (held.token == claim.token()).then_some((row, held))
    }

    /// Finds up to `max` rows. `failed` says whether any row waits for a retry.
    pub(super) fn take(
        &mut self,
        s: &mut Statements<'_>,
        max: usize,
        now: i64,
        failed: bool,
    ) -> rusqlite::Result<Found> {
        let mut found = Found { claimed: Vec::new(), more: false };
        while found.claimed.len() < max {
            let Some(row) = self.ready.pop_front() else {
                break;
            };
            let known = s.one.query_row([row], |columns| Ok(Known::read(columns))).optional()?;
            match known {
                Some(known) => self.hand_out(known?, &mut found),
                // Purged in the meantime.
                None => self.free(s, row, failed)?,
            }
        }
        let mut looks = LOOKS;
        // Alternates, so that neither many retries nor many new callbacks starve the other kind.
        self.due_first = !self.due_first;
        if self.due_first {
            self.take_due(s, max, now, failed, &mut looks, &mut found)?;
            self.take_fresh(s, max, failed, &mut looks, &mut found)?;
        } else {
            let half = max - (max - found.claimed.len()) / 2;
            self.take_fresh(s, half, failed, &mut looks, &mut found)?;
            self.take_due(s, max, now, failed, &mut looks, &mut found)?;
            self.take_fresh(s, max, failed, &mut looks, &mut found)?;
        }
        found.more = looks == 0;
        Ok(found)
    }

    fn take_fresh(
        &mut self,
        s: &mut Statements<'_>,
        max: usize,
        failed: bool,
        looks: &mut usize,
        found: &mut Found,
    ) -> rusqlite::Result<()> {
        if found.claimed.len() >= max {
            return Ok(());
        }
        let s_line = &mut s.first_in_line;
        let mut rows = s.fresh.query([self.frontier])?;
        while found.claimed.len() < max && *looks > 0 && self.passed.len() < PASSED {
            let Some(columns) = rows.next()? else { break };
            *looks -= 1;
            let row: i64 = columns.get(0)?;
            self.frontier = row;
            let due: Option<i64> = columns.get(7)?;
            if due.is_some() || self.held.contains_key(&row) {
                continue;
            }
            if let Some(key) = key(columns, 3)?.map(|key| key_number(&OrderKey::from_bytes(key))) {
                if let Some(busy) = self.busy.get_mut(&key) {
                    busy.passed_over = true;
                    self.passed.push((key, row));
                    continue;
                }
                // If nothing has failed, a key without a claimed row has no row before this one.
                if failed && self.first_in_line(s_line, key, 0)?.is_some_and(|first| first < row) {
                    self.passed.push((key, row));
                    continue;
                }
                self.busy.insert(key, Busy::default());
            }
            self.hand_out(Known::read(columns)?, found);
        }
        Ok(())
    }

    fn take_due(
        &mut self,
        s: &mut Statements<'_>,
        max: usize,
        now: i64,
        failed: bool,
        looks: &mut usize,
        found: &mut Found,
    ) -> rusqlite::Result<()> {
        if !failed || found.claimed.len() >= max {
            return Ok(());
        }
        let mut rows = s.due.query([self.due.0, self.due.1, now])?;
        while found.claimed.len() < max && *looks > 0 {
            let Some(columns) = rows.next()? else { break };
            *looks -= 1;
            let known = Known::read(columns)?;
            self.due = (known.due_at.unwrap_or(now), known.row);
            if self.held.contains_key(&known.row) {
                continue;
            }
            if let Some(key) = known.key {
                match self.busy.entry(key) {
                    Slot::Occupied(mut busy) => {
                        busy.get_mut().parked.push_back(known.row);
                        self.held.insert(known.row, known.held());
                        continue;
                    }
                    Slot::Vacant(slot) => {
                        slot.insert(Busy { passed_over: true, parked: VecDeque::new() });
                    }
                }
            }
            self.hand_out(known, found);
        }
        Ok(())
    }

    fn hand_out(&mut self, known: Known, found: &mut Found) {
        let token = self.next_token;
        self.next_token += 1;
        self.running += 1;
        let mut held = known.held();
        held.token = token;
        let id = self.id(known.row);
        let mut delivery = Delivery::new(id, from_millis(known.accepted_at));
        delivery.attempt = held.attempt;
        delivery.order_key = known.order_key.map(OrderKey::from_bytes);
        delivery.out_of_order = held.out_of_order;
        delivery.trace_context = known.trace_context;
        self.held.insert(known.row, held);
        found.claimed.push(Claimed::new(Claim::new(id, token), delivery, known.payload));
    }

    /// The claim was released.
    pub(super) fn release(&mut self, claim: Claim) {
        let Some((row, _)) = self.get(claim) else {
            return;
        };
        if let Some(held) = self.held.get_mut(&row) {
            held.token = 0;
            self.running -= 1;
            self.ready.push_front(row);
        }
    }

    /// The row is settled or deleted: others of its key may follow.
    pub(super) fn free(
        &mut self,
        s: &mut Statements<'_>,
        row: i64,
        failed: bool,
    ) -> rusqlite::Result<()> {
        let Some(held) = self.held.remove(&row) else {
            return Ok(());
        };
        if held.token != 0 {
            self.running -= 1;
        }
        let Some(key) = held.key else { return Ok(()) };
        let Some(busy) = self.busy.get_mut(&key) else {
            return Ok(());
        };
        if let Some(parked) = busy.parked.pop_front() {
            busy.passed_over = true;
            self.ready.push_back(parked);
            return Ok(());
        }
        let look = busy.passed_over || failed;
        self.busy.remove(&key);
        if look { self.unblock(s, key) } else { Ok(()) }
    }

    /// A row of this key that was not claimed no longer blocks the key.
    pub(super) fn unblock(&mut self, s: &mut Statements<'_>, key: i64) -> rusqlite::Result<()> {
        if self.busy.contains_key(&key) {
            return Ok(());
        }
        let mut after = 0;
        while let Some(row) = self.first_in_line(&mut s.first_in_line, key, after)? {
            // A claim will read it anyway.
            if row > self.frontier {
                break;
            }
            let known = s.one.query_row([row], |columns| Ok(Known::read(columns))).optional()?;
            let Some(known) = known.transpose()? else {
                after = row;
                continue;
            };
            // A failed row is found when it is due.
            if known.due_at.is_none() {
                self.held.insert(row, known.held());
                self.ready.push_back(row);
                self.busy.insert(key, Busy { passed_over: true, parked: VecDeque::new() });
            }
            break;
        }
        Ok(())
    }

    /// The first row of this key that was skipped or has failed.
    fn first_in_line(
        &self,
        first: &mut Statement<'_>,
        key: i64,
        after: i64,
    ) -> rusqlite::Result<Option<i64>> {
        let told: Option<i64> =
            first.query_row([key, after], |columns| columns.get(0)).optional()?;
        let passed = self.passed.iter().filter(|(of, row)| *of == key && *row > after);
        Ok(passed.map(|(_, row)| *row).chain(told).min())
    }

    /// A row became due at this time. If the search has passed that time, it goes back.
    pub(super) fn due_at(&mut self, at: i64) {
        if at <= self.due.0 {
            self.due = (at.saturating_sub(1), i64::MAX);
        }
    }

    /// When the next row becomes due that was not read yet.
    pub(super) fn next_due(&self, s: &mut Statements<'_>) -> rusqlite::Result<Option<i64>> {
        s.next_due.query_row([self.due.0, self.due.1], |columns| columns.get(0)).optional()
    }

    /// Whether there is a row to hand out without reading the file.
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether a claim holds this row.
    pub(super) fn is_running(&self, row: i64) -> bool {
        self.held.get(&row).is_some_and(|held| held.token != 0)
    }
}
