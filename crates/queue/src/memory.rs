//! A queue in memory, for tests (feature `testing`).

mod contents;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use self::contents::{Contents, Row, passes};
use crate::delivery::DeliveryId;
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
