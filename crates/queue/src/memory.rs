//! A queue in memory, for tests (feature `testing`).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tencent_im_callback::{DedupKey, OrderKey};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::delivery::{Delivery, DeliveryId};
use crate::error::QueueError;
use crate::options::{Clock, StoreOptions, from_millis, millis};
use crate::store::{
    Appended, Claim, Claimed, DeadReason, Death, Entry, Filter, Record, Stats, Store, StoreFuture,
    bounded,
};

/// How often it is looked at whether something is due.
const TICK: Duration = Duration::from_millis(20);

/// A store in memory, for tests. It has the rules of the other stores. It uses tokio's timers, so
/// that a paused clock works.
///
/// Every claim looks at all waiting callbacks: use it for thousands of callbacks, not for more.
pub struct MemoryStore {
    state: Mutex<Contents>,
    changed: Notify,
    options: StoreOptions,
}

struct Contents {
    store: u64,
    clock: Clock,
    next_id: u64,
    next_token: u64,
    rows: BTreeMap<u64, Row>,
    dead: BTreeMap<u64, (Row, Death)>,
    seen: HashMap<DedupKey, Seen>,
    counts: Stats,
    closed: bool,
}

struct Row {
    payload: String,
    dedup_key: Option<DedupKey>,
    order_key: Option<OrderKey>,
    accepted_at: i64,
    attempts: u32,
    error: Option<String>,
    due_at: Option<i64>,
    aside_at: Option<i64>,
    out_of_order: bool,
    trace_context: Option<String>,
    token: Option<u64>,
}

struct Seen {
    id: u64,
    /// Set once it is done with.
    until: Option<i64>,
}

impl MemoryStore {
    /// With the options of a real store. Its clock is tokio's, from now on.
    pub fn new() -> Self {
        let (start, now) = (std::time::SystemTime::now(), Instant::now());
        MemoryStore::with_options(StoreOptions::new().clock(move || start + now.elapsed()))
    }

    /// With other options.
    pub fn with_options(options: StoreOptions) -> Self {
        let state = Contents {
            store: RandomState::new().hash_one(0),
            clock: Clock::new(&options),
            next_id: 1,
            next_token: 1,
            rows: BTreeMap::new(),
            dead: BTreeMap::new(),
            seen: HashMap::new(),
            counts: Stats::default(),
            closed: false,
        };
        MemoryStore { state: Mutex::new(state), changed: Notify::new(), options }
    }

    /// What it guards is consistent at all times, so a panic elsewhere is no reason to stop.
    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_append(&self, entry: &Entry) -> Result<Option<Appended>, QueueError> {
        let mut state = self.lock();
        if state.closed {
            return Err(QueueError::Closed);
        }
        let now = state.clock.now();
        let appended = state.append(entry, now, &self.options);
        drop(state);
        if appended.is_some() {
            self.changed.notify_waiters();
        }
        Ok(appended)
    }

    /// Does something at once, and wakes those who wait.
    fn now<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Contents, i64, &StoreOptions) -> Result<T, QueueError>,
    ) -> StoreFuture<'_, T> {
        let mut state = self.lock();
        let result = if state.closed {
            Err(QueueError::Closed)
        } else {
            let now = state.clock.now();
            state.step_aside(now);
            work(&mut state, now, &self.options)
        };
        drop(state);
        self.changed.notify_waiters();
        Box::pin(std::future::ready(result))
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        MemoryStore::new()
    }
}

impl Contents {
    fn id(&self, row: u64) -> DeliveryId {
        DeliveryId::new(self.store, row)
    }

    fn is_full(&self, size: usize, options: &StoreOptions) -> bool {
        let bytes: usize = self.all().map(|row| row.payload.len()).sum();
        (self.rows.len() + self.dead.len()) as u64 >= options.max_rows
            || (bytes + size) as u64 > options.bytes()
    }

    fn all(&self) -> impl Iterator<Item = &Row> {
        self.rows.values().chain(self.dead.values().map(|(row, _)| row))
    }

    fn append(&mut self, entry: &Entry, now: i64, options: &StoreOptions) -> Option<Appended> {
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

    fn step_aside(&mut self, now: i64) {
        for row in self.rows.values_mut() {
            if row.aside_at.is_some_and(|at| at <= now) {
                row.aside_at = None;
                row.out_of_order = true;
            }
        }
    }

    fn claim(&mut self, max: usize, now: i64) -> Vec<Claimed> {
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

    fn claimed(&mut self, claim: Claim) -> Result<(u64, &mut Row), QueueError> {
        let id = claim.id().sequence();
        let ours = claim.id().store() == self.store;
        match self.rows.get_mut(&id) {
            Some(row) if ours && row.token == Some(claim.token()) => Ok((id, row)),
            _ => Err(QueueError::ClaimLost),
        }
    }

    fn bury(
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
    fn unreadable(&self) -> impl Iterator<Item = u64> {
        let dead = self.dead.values();
        let unreadable = dead.filter(|(_, death)| death.reason == DeadReason::BodyUnreadable);
        unreadable.map(|(row, _)| row.payload.len() as u64)
    }

    fn done(&mut self, row: &Row, now: i64, options: &StoreOptions) {
        let until = now.saturating_add(millis(options.dedup_window));
        self.seen.retain(|_, seen| seen.until.is_none_or(|until| until > now));
        if let Some(seen) = row.dedup_key.and_then(|key| self.seen.get_mut(&key)) {
            seen.until = Some(until);
        }
    }
}

fn passes(filter: &Filter, row: &Row, now: i64) -> bool {
    let old =
        filter.older_than.is_none_or(|age| row.accepted_at <= now.saturating_sub(millis(age)));
    old && (filter.order_key.is_none() || filter.order_key == row.order_key)
}

impl Store for MemoryStore {
    fn append(&self, entry: Entry, max_wait: Duration) -> StoreFuture<'_, Appended> {
        let (size, max) = (entry.body_size, self.options.max_body);
        if size > max {
            return Box::pin(std::future::ready(Err(QueueError::TooLarge { size, max })));
        }
        Box::pin(async move {
            let taken = async {
                loop {
                    let changed = self.changed.notified();
                    if let Some(appended) = self.try_append(&entry)? {
                        return Ok(appended);
                    }
                    tokio::select! {
                        () = changed => {}
                        () = tokio::time::sleep(TICK) => {}
                    }
                }
            };
            tokio::time::timeout(max_wait, taken).await.unwrap_or(Err(QueueError::Full))
        })
    }

    fn claim(&self, max: usize, wait: Duration) -> StoreFuture<'_, Vec<Claimed>> {
        Box::pin(async move {
            let end = Instant::now() + wait;
            loop {
                let changed = self.changed.notified();
                let claimed = {
                    let mut state = self.lock();
                    if state.closed {
                        return Err(QueueError::Closed);
                    }
                    let now = state.clock.now();
                    state.step_aside(now);
                    state.claim(max, now)
                };
                let now = Instant::now();
                if !claimed.is_empty() || now >= end {
                    return Ok(claimed);
                }
                tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep(TICK.min(end - now)) => {}
                }
            }
        })
    }

    fn complete(&self, claim: Claim) -> StoreFuture<'_, ()> {
        self.now(|state, now, options| {
            let (id, _) = state.claimed(claim)?;
            if let Some(row) = state.rows.remove(&id) {
                state.done(&row, now, options);
            }
            state.counts.completed += 1;
            Ok(())
        })
    }

    fn retry(&self, claim: Claim, error: String, delay: Duration) -> StoreFuture<'_, ()> {
        self.now(|state, now, options| {
            let (_, row) = state.claimed(claim)?;
            row.token = None;
            row.attempts = row.attempts.saturating_add(1);
            row.error = Some(bounded(error));
            row.due_at = Some(now.saturating_add(millis(delay)));
            if row.order_key.is_some() && !row.out_of_order {
                let at = row.aside_at.unwrap_or(now.saturating_add(millis(options.max_block)));
                row.aside_at = Some(at);
            }
            state.counts.retried += 1;
            state.step_aside(now);
            Ok(())
        })
    }

    fn bury(&self, claim: Claim, error: String, reason: DeadReason) -> StoreFuture<'_, ()> {
        self.now(|state, now, _| state.bury(claim, error, reason, now))
    }

    fn bury_unsigned(&self, claim: Claim, error: String) -> StoreFuture<'_, bool> {
        self.now(|state, now, options| {
            let (id, row) = state.claimed(claim)?;
            let size = row.payload.len() as u64;
            if options.keeps_unreadable(state.unreadable().sum(), size) {
                state.bury(claim, error, DeadReason::BodyUnreadable, now)?;
                return Ok(true);
            }
            if let Some(row) = state.rows.remove(&id) {
                state.done(&row, now, options);
            }
            state.counts.dropped += 1;
            Ok(false)
        })
    }

    fn release(&self, claim: Claim) {
        if let Ok((_, row)) = self.lock().claimed(claim) {
            row.token = None;
        }
        self.changed.notify_waiters();
    }

    fn extend(&self, claim: Claim) -> StoreFuture<'_, ()> {
        self.now(|state, _, _| state.claimed(claim).map(drop))
    }

    fn stats(&self) -> StoreFuture<'_, Stats> {
        self.now(|state, _, _| {
            let rows = state.rows.values();
            Ok(Stats {
                waiting: state.rows.len() as u64,
                running: rows.clone().filter(|row| row.token.is_some()).count() as u64,
                retrying: rows.clone().filter(|row| row.due_at.is_some()).count() as u64,
                dead: state.dead.len() as u64,
                unreadable: state.unreadable().count() as u64,
                unreadable_bytes: state.unreadable().sum(),
                bytes: state.all().map(|row| row.payload.len() as u64).sum(),
                oldest: state.rows.values().next().map(|row| from_millis(row.accepted_at)),
                ..state.counts
            })
        })
    }

    fn list(
        &self,
        filter: Filter,
        after: Option<DeliveryId>,
        limit: usize,
    ) -> StoreFuture<'_, Vec<Record>> {
        self.now(|state, now, _| {
            let record = |id: u64, row: &Row, death: Option<Death>| {
                let mut record =
                    Record::new(state.id(id), from_millis(row.accepted_at), row.payload.clone());
                record.attempts = row.attempts;
                record.error.clone_from(&row.error);
                record.trace_context.clone_from(&row.trace_context);
                record.order_key = row.order_key;
                record.death = death;
                record
            };
            let from = after.map_or(0, |id| id.sequence().saturating_add(1));
            let records = if filter.dead {
                let rows =
                    state.dead.range(from..).filter(|(_, (row, _))| passes(&filter, row, now));
                rows.take(limit).map(|(&id, (row, death))| record(id, row, Some(*death))).collect()
            } else {
                let rows = state.rows.range(from..).filter(|(_, row)| passes(&filter, row, now));
                rows.take(limit).map(|(&id, row)| record(id, row, None)).collect()
            };
            Ok(records)
        })
    }

    fn requeue(&self, id: DeliveryId) -> StoreFuture<'_, ()> {
        self.now(|state, now, _| {
            if id.store() != state.store {
                return Err(QueueError::NotFound);
            }
            let (mut row, _) = state.dead.remove(&id.sequence()).ok_or(QueueError::NotFound)?;
            row.token = None;
            row.attempts = 0;
            row.due_at = Some(now);
            row.aside_at = None;
            row.out_of_order = true;
            state.rows.insert(id.sequence(), row);
            Ok(())
        })
    }

    fn purge(&self, filter: Filter) -> StoreFuture<'_, u64> {
        self.now(|state, now, options| {
            let gone: Vec<Row> = if filter.dead {
                let (gone, rest) = std::mem::take(&mut state.dead)
                    .into_iter()
                    .partition::<BTreeMap<_, _>, _>(|(_, (row, _))| passes(&filter, row, now));
                state.dead = rest;
                gone.into_values().map(|(row, _)| row).collect()
            } else {
                let (gone, rest) =
                    std::mem::take(&mut state.rows).into_iter().partition::<BTreeMap<_, _>, _>(
                        |(_, row)| row.token.is_none() && passes(&filter, row, now),
                    );
                state.rows = rest;
                gone.into_values().collect()
            };
            for row in &gone {
                state.done(row, now, options);
            }
            Ok(gone.len() as u64)
        })
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        self.now(|state, _, _| {
            state.closed = true;
            Ok(())
        })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("options", &self.options).finish_non_exhaustive()
    }
}
