//! What each key has used of its quota, for a bounded number of keys.
//!
//! A key is held by a hash of 64 bits, however long it is. The hash is made with a random secret,
//! so nobody can choose keys that collide. Beside it is one number, by the generic cell rate
//! algorithm: the time at which the key will have its whole quota again. Each callback moves that
//! time one interval into the future, and one that would move it further than a whole burst is over
//! the limit. Once the time has passed, the key is as good as unseen, and can be forgotten.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::quota::Quota;

/// How long to wait, for each key, before stale keys are looked for again while the table is full,
/// in nanoseconds. The search takes a few nanoseconds a key, so it takes a few percent of the time
/// at most, however often unseen keys come.
const PAUSE: u64 = 100;

pub(super) struct Table {
    quota: Quota,
    capacity: usize,
    cells: Mutex<Cells>,
}

/// Times are in nanoseconds since the table was made.
#[derive(Default)]
struct Cells {
    /// By the hash of the key: when it will have its whole quota again.
    by_key: HashMap<u64, u64, BuildHasherDefault<AsItIs>>,
    /// The same for all keys for which there is no room.
    shared: u64,
    /// When stale keys are looked for again.
    search_at: u64,
}

/// Leaves a key as it is, since it is a hash already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
}

/// What the table says to a callback.
#[derive(Debug, PartialEq)]
pub(super) struct Taken {
    /// How long until the callback would pass, if it is over the limit.
    pub(super) wait: Option<Duration>,
    /// Whether it shares its quota, since there was no room for its key.
    pub(super) shared: bool,
}

impl Table {
    pub(super) fn new(quota: Quota, capacity: usize) -> Self {
        Table { quota, capacity, cells: Mutex::default() }
    }

    /// Counts a callback of this key, unless it is over the limit.
    pub(super) fn take(&self, key: u64, now: u64) -> Taken {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let Cells { by_key, shared, search_at } = &mut *cells;
        if by_key.len() >= self.capacity && now >= *search_at {
            by_key.retain(|_, whole_at| *whole_at > now);
            *search_at = now.saturating_add(PAUSE.saturating_mul(self.capacity as u64));
        }
        let has_room = by_key.len() < self.capacity;
        let (whole_at, is_shared) = match by_key.entry(key) {
            Entry::Occupied(cell) => (cell.into_mut(), false),
            Entry::Vacant(cell) if has_room => (cell.insert(now), false),
            Entry::Vacant(_) => (shared, true),
        };
        let next = (*whole_at).max(now).saturating_add(self.quota.interval);
        let wait = next.saturating_sub(now.saturating_add(self.quota.window()));
        if wait == 0 {
            *whole_at = next;
        }
        Taken { wait: (wait > 0).then(|| Duration::from_nanos(wait)), shared: is_shared }
    }

    /// How many keys are held.
    pub(super) fn len(&self) -> usize {
        self.cells.lock().unwrap_or_else(PoisonError::into_inner).by_key.len()
    }
}
