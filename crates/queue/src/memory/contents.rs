//! The callbacks of a store in memory, and its rules.

use std::collections::{BTreeMap, HashMap, HashSet};

use tencent_im_callback::{DedupKey, OrderKey};

use crate::delivery::{Delivery, DeliveryId};
use crate::error::QueueError;
use crate::options::{Clock, StoreOptions, from_millis, millis};
use crate::store::{Appended, Claim, Claimed, DeadReason, Death, Entry, Filter, Stats, bounded};

pub(super) struct Contents {
    pub(super) store: u64,
    pub(super) clock: Clock,
    pub(super) next_id: u64,
    pub(super) next_token: u64,
    pub(super) rows: BTreeMap<u64, Row>,
    pub(super) dead: BTreeMap<u64, (Row, Death)>,
    pub(super) seen: HashMap<DedupKey, Seen>,
    pub(super) counts: Stats,
    pub(super) closed: bool,
}

pub(super) struct Row {
    pub(super) payload: String,
    pub(super) dedup_key: Option<DedupKey>,
    pub(super) order_key: Option<OrderKey>,
    pub(super) accepted_at: i64,
    pub(super) attempts: u32,
    pub(super) error: Option<String>,
    pub(super) due_at: Option<i64>,
    pub(super) aside_at: Option<i64>,
    pub(super) out_of_order: bool,
    pub(super) trace_context: Option<String>,
    pub(super) token: Option<u64>,
}

pub(super) struct Seen {
    pub(super) id: u64,
    /// Set once it is done with.
    pub(super) until: Option<i64>,
}

impl Contents {
    pub(super) fn id(&self, row: u64) -> DeliveryId {
        DeliveryId::new(self.store, row)
    }

    pub(super) fn is_full(&self, size: usize, options: &StoreOptions) -> bool {
        let bytes: usize = self.all().map(|row| row.payload.len()).sum();
        (self.rows.len() + self.dead.len()) as u64 >= options.max_rows
            || (bytes + size) as u64 > options.bytes()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Row> {
        self.rows.values().chain(self.dead.values().map(|(row, _)| row))
    }

    pub(super) fn append(
        &mut self,
        entry: &Entry,
        now: i64,
        options: &StoreOptions,
    ) -> Option<Appended> {
        if let Some(key) = entry.dedup_key {
            let first = self.seen.get(&key);
            if let Some(first) = first.filter(|seen| seen.until.is_none_or(|until| until > now)) {
                self.counts.duplicates += 1;
                return Some(Appended::Duplicate(self.id(first.id)));
            }
        }
        if self.is_full(entry.payload.len(), options) {
            return None;
        }
        let id = self.next_id;
        self.next_id += 1;
        if let Some(key) = entry.dedup_key {
            self.seen.insert(key, Seen { id, until: None });
        }
        self.rows.insert(
            id,
            Row {
                payload: entry.payload.clone(),
                dedup_key: entry.dedup_key,
                order_key: entry.order_key,
                accepted_at: now,
                attempts: 0,
                error: None,
                due_at: None,
                aside_at: None,
                out_of_order: false,
                trace_context: entry.trace_context.clone(),
                token: None,
            },
        );
        self.counts.accepted += 1;
        Some(Appended::Stored(self.id(id)))
    }

    pub(super) fn step_aside(&mut self, now: i64) {
        for row in self.rows.values_mut() {
            if row.aside_at.is_some_and(|at| at <= now) {
                row.aside_at = None;
                row.out_of_order = true;
            }
        }
    }

    pub(super) fn claim(&mut self, max: usize, now: i64) -> Vec<Claimed> {
        let mut blocked: HashSet<OrderKey> = HashSet::new();
        let running = self.rows.values().filter(|row| row.token.is_some());
        blocked.extend(running.filter_map(|row| row.order_key));
        let mut claimed = Vec::new();
        let store = self.store;
        for (&id, row) in &mut self.rows {
            if claimed.len() >= max {
                break;
            }
            let free = row.order_key.is_none_or(|key| !blocked.contains(&key));
            let due = row.due_at.is_none_or(|due| due <= now);
            if row.token.is_none() && due && free {
                let token = self.next_token;
                self.next_token += 1;
                row.token = Some(token);
                blocked.extend(row.order_key);
                let id = DeliveryId::new(store, id);
                let mut delivery = Delivery::new(id, from_millis(row.accepted_at));
                delivery.attempt = row.attempts.saturating_add(1);
                delivery.order_key = row.order_key;
                delivery.out_of_order = row.out_of_order;
                delivery.trace_context.clone_from(&row.trace_context);
                claimed.push(Claimed::new(
                    Claim::new(id, token),
                    delivery,
                    Some(row.payload.clone()),
                ));
            } else if !row.out_of_order {
                blocked.extend(row.order_key);
            }
        }
        claimed
    }

    pub(super) fn claimed(&mut self, claim: Claim) -> Result<(u64, &mut Row), QueueError> {
        let id = claim.id().sequence();
        let ours = claim.id().store() == self.store;
        match self.rows.get_mut(&id) {
            Some(row) if ours && row.token == Some(claim.token()) => Ok((id, row)),
            _ => Err(QueueError::ClaimLost),
        }
    }

    pub(super) fn bury(
        &mut self,
        claim: Claim,
        error: String,
        reason: DeadReason,
        now: i64,
    ) -> Result<(), QueueError> {
        let (id, _) = self.claimed(claim)?;
        if let Some(mut row) = self.rows.remove(&id) {
            row.attempts = row.attempts.saturating_add(1);
            row.error = Some(bounded(error));
            self.dead.insert(id, (row, Death::new(from_millis(now), reason)));
        }
        self.counts.buried += 1;
        Ok(())
    }

    /// The sizes of the dead letters whose bodies cannot be read.
    pub(super) fn unreadable(&self) -> impl Iterator<Item = u64> {
        let dead = self.dead.values();
        let unreadable = dead.filter(|(_, death)| death.reason == DeadReason::BodyUnreadable);
        unreadable.map(|(row, _)| row.payload.len() as u64)
    }

    pub(super) fn done(&mut self, row: &Row, now: i64, options: &StoreOptions) {
        let until = now.saturating_add(millis(options.dedup_window));
        self.seen.retain(|_, seen| seen.until.is_none_or(|until| until > now));
        if let Some(seen) = row.dedup_key.and_then(|key| self.seen.get_mut(&key)) {
            seen.until = Some(until);
        }
    }
}

pub(super) fn passes(filter: &Filter, row: &Row, now: i64) -> bool {
    let old =
        filter.older_than.is_none_or(|age| row.accepted_at <= now.saturating_sub(millis(age)));
    old && (filter.order_key.is_none() || filter.order_key == row.order_key)
}
