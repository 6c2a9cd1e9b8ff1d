//! What a worker holds of one partition that it owns: one callback of a key runs at a time, in the
//! order of the stream.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::job::{Job, Key, Life, Place};
use super::lease::Lease;
use super::names::Lane;

/// Callbacks of each lane of a partition that are held at a time.
pub(super) const WINDOW: usize = 20_000;

/// The size of what is held of a lane, in bytes, at which no more are asked for.
const BYTES: usize = 64 << 20;

/// The last ones whose deletion was confirmed. A server that was set back has them again.
const REMEMBERED: usize = 2 * WINDOW;

/// A retry that this worker publishes.
#[derive(Clone, Copy)]
pub(super) struct Expected {
    pub(super) due: i64,
    pub(super) aside: i64,
    pub(super) out_of_order: bool,
}

/// The retry that blocks a key.
struct Head {
    life: Life,
    attempts: u32,
    due: i64,
    aside: i64,
    /// Once it has been read.
    place: Option<Place>,
    since: Instant,
}

#[derive(Default)]
struct Waiting {
    busy: bool,
    head: Option<Head>,
    /// Retries that block nobody, by when they are due.
    late: BTreeSet<(i64, Place)>,
    new: BTreeSet<Place>,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        !self.busy && self.head.is_none() && self.late.is_empty() && self.new.is_empty()
    }
}

/// What of a key may start, and when to look again.
#[derive(Default)]
pub(super) struct Offer {
    pub(super) new: Option<Place>,
    pub(super) retry: Option<(i64, Place)>,
    pub(super) wake: Option<i64>,
}

/// What is held of a lane.
#[derive(Clone, Copy, Default)]
pub(super) struct Load {
    pub(super) held: usize,
    bytes: usize,
    /// How many were taken in altogether.
    pub(super) taken: u64,
    /// The sequence number up to which the lane was read.
    pub(super) read: u64,
}

/// What may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    Nothing,
    /// There are more retries than are held. Those that are not known may block new ones.
    Retries,
    All,
}

pub(super) struct Part {
    pub(super) epoch: u64,
    pub(super) lease: Arc<Lease>,
    pub(super) settled: Settled,
    /// Which reading of the lanes this is. Each begins with the first message.
    pub(super) reading: u64,
    loads: [Load; 2],
    jobs: HashMap<Place, Job>,
    keys: HashMap<Key, Waiting>,
    /// The retries that are here: number of failed attempts, and place.
    retries: HashMap<Life, (u32, Place)>,
    expected: HashMap<(Life, u32), Expected>,
    ended: (VecDeque<Place>, HashSet<Place>),
}

impl Part {
    pub(super) fn new(epoch: u64, lease: Arc<Lease>) -> Self {
        Part {
            epoch,
            lease,
            settled: Settled::Nothing,
            reading: 0,
            loads: [Load::default(); 2],
            jobs: HashMap::new(),
            keys: HashMap::new(),
            retries: HashMap::new(),
            expected: HashMap::new(),
            ended: (VecDeque::new(), HashSet::new()),
        }
    }

    pub(super) fn load(&self, lane: Lane) -> &Load {
        &self.loads[lane as usize]
    }

    fn load_mut(&mut self, lane: Lane) -> &mut Load {
        &mut self.loads[lane as usize]
    }

    /// How many more may be asked for.
    pub(super) fn room(&self, lane: Lane) -> usize {
        let load = self.load(lane);
        if load.bytes > BYTES { 0 } else { WINDOW.saturating_sub(load.held) }
    }

    /// The lanes are read from their first messages on. Nothing starts until that has come far
    /// enough.
    pub(super) fn read_anew(&mut self, reading: u64) {
        self.settled = Settled::Nothing;
        self.reading = reading;
        for load in &mut self.loads {
            load.read = 0;
        }
    }

    pub(super) fn job(&self, place: Place) -> Option<&Job> {
        self.jobs.get(&place)
    }

    pub(super) fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values()
    }

    pub(super) fn keys(&self) -> Vec<Key> {
        self.keys.keys().copied().collect()
    }

    /// Takes a message in. Returns those that are to be deleted, since they are done or stored
    /// elsewhere.
    pub(super) fn arrive(&mut self, mut job: Job, now: i64, max_block: i64) -> Vec<Job> {
        self.load_mut(job.place.lane).read = job.place.at.sequence;
        job.reading = self.reading;
        if self.ended.1.contains(&job.place) {
            return vec![job];
        }
        if let Some(known) = self.jobs.get_mut(&job.place) {
            known.reading = self.reading;
            return Vec::new();
        }
        match job.place.lane {
            Lane::New => self.arrive_new(job),
            Lane::Retry => self.arrive_retry(job, now, max_block),
        }
    }

    fn arrive_new(&mut self, job: Job) -> Vec<Job> {
        // Its retry was published, and it was not deleted.
        if self.retries.contains_key(&job.life()) {
            return vec![job];
        }
        self.keys.entry(job.key()).or_default().new.insert(job.place);
        self.keep(job);
        Vec::new()
    }

    fn arrive_retry(&mut self, mut job: Job, now: i64, max_block: i64) -> Vec<Job> {
        let (life, attempts) = (job.life(), job.meta.attempts);
        let mut over = Vec::new();
        match self.retries.get(&life).copied() {
            Some((newer, _)) if newer >= attempts => return vec![job],
            Some((_, older)) => over.extend(self.forget(older)),
            None => {}
        }
        // The attempt that failed: it was not deleted.
        let new = self.keys.get(&job.key()).map(|waiting| waiting.new.clone()).unwrap_or_default();
        let of_it = |place: &Place| self.jobs.get(place).is_some_and(|one| one.life() == life);
        let failed: Vec<Place> = new.into_iter().filter(of_it).collect();
        over.extend(failed.into_iter().filter_map(|place| self.forget(place)));
        let expected = self.expected.remove(&(life, attempts)).unwrap_or_else(|| {
            let rest = max_block.saturating_sub(job.meta.blocked);
            Expected {
                due: now.saturating_add(job.meta.delay),
                aside: now.saturating_add(rest),
                // The owner before may have let later ones pass.
                out_of_order: job.meta.delay >= rest,
            }
        });
        job.due = expected.due;
        job.aside = Some(expected.aside);
        let key = self.keys.entry(job.key()).or_default();
        let other = key.head.as_ref().is_some_and(|head| head.life != life);
        if job.blocks() && (other || expected.out_of_order) {
            job.meta.out_of_order = true;
        }
        if job.blocks() {
            let Expected { due, aside, .. } = expected;
            let (place, since) = (Some(job.place), Instant::now());
            key.head = Some(Head { life, attempts, due, aside, place, since });
        } else {
            key.late.insert((job.due, job.place));
        }
        self.retries.insert(life, (attempts, job.place));
        self.keep(job);
        over
    }

    fn keep(&mut self, job: Job) {
        let load = self.load_mut(job.place.lane);
        load.held += 1;
        load.taken += 1;
        load.bytes += job.payload.len();
        self.jobs.insert(job.place, job);
    }

    /// A retry of this callback is going to be published.
    pub(super) fn expect(&mut self, job: &Job, attempts: u32, expected: Expected) {
        if self.retries.get(&job.life()).is_some_and(|(known, _)| *known >= attempts) {
            // It was stored, and the answer was lost.
            return;
        }
        self.expected.insert((job.life(), attempts), expected);
        if job.blocks() && !expected.out_of_order {
            let Expected { due, aside, .. } = expected;
            let key = self.keys.entry(job.key()).or_default();
            let (life, since) = (job.life(), Instant::now());
            key.head = Some(Head { life, attempts, due, aside, place: None, since });
        }
    }

    /// It was not published.
    pub(super) fn expect_no_more(&mut self, job: &Job, attempts: u32) {
        if self.expected.remove(&(job.life(), attempts)).is_none() {
            return;
        }
        let Some(key) = self.keys.get_mut(&job.key()) else { return };
        if key.head.take_if(|head| head.place.is_none() && head.life == job.life()).is_some()
            && job.place.lane == Lane::Retry
        {
            let (due, aside) = (job.due, job.aside.unwrap_or(job.due));
            let (life, attempts) = (job.life(), job.meta.attempts);
            let (place, since) = (Some(job.place), Instant::now());
            key.head = Some(Head { life, attempts, due, aside, place, since });
        }
    }

    /// All retries of the stream have been read. Those that are expected for that long and are not
    /// there were deleted, and block their keys no longer.
    pub(super) fn expect_no_longer_than(&mut self, time: Duration) -> Vec<Key> {
        let lost = |head: &mut Head| head.place.is_none() && head.since.elapsed() > time;
        let keys = self.keys.iter_mut();
        let lost = keys.filter_map(|(key, waiting)| {
            let head = waiting.head.take_if(lost)?;
            self.expected.remove(&(head.life, head.attempts));
            Some(*key)
        });
        lost.collect()
    }

    pub(super) fn offer(&mut self, key: Key, now: i64) -> Offer {
        let mut offer = Offer::default();
        let Some(waiting) = self.keys.get_mut(&key) else { return offer };
        if waiting.busy {
            return offer;
        }
        if let Some(head) =
            waiting.head.take_if(|head| head.aside <= now.min(head.due.saturating_sub(1)))
        {
            if let Some(job) = head.place.and_then(|place| self.jobs.get_mut(&place)) {
                job.meta.out_of_order = true;
                if !waiting.new.is_empty() {
                    // It has had its time; now it is theirs.
                    job.due = job.due.max(now.saturating_add(1));
                }
                waiting.late.insert((job.due, job.place));
            } else if let Some(expected) = self.expected.get_mut(&(head.life, head.attempts)) {
                expected.out_of_order = true;
            }
        }
        match &waiting.head {
            Some(head) if head.due <= now => offer.retry = head.place.map(|at| (head.due, at)),
            Some(head) => offer.wake = Some(head.due.min(head.aside)),
            None => {
                match waiting.late.first() {
                    Some((due, place)) if *due <= now => offer.retry = Some((*due, *place)),
                    Some((due, _)) => offer.wake = Some(*due),
                    None => {}
                }
                if self.settled == Settled::All {
                    offer.new = waiting.new.first().copied();
                }
            }
        }
        offer
    }

    /// Starts one that was offered.
    pub(super) fn start(&mut self, place: Place, token: u64) -> Option<&Job> {
        let job = self.jobs.get_mut(&place)?;
        let waiting = self.keys.get_mut(&job.key())?;
        waiting.busy = true;
        job.running = Some(token);
        Some(job)
    }

    /// A worker has given it back.
    pub(super) fn release(&mut self, place: Place) -> Option<Key> {
        let job = self.jobs.get_mut(&place)?;
        job.running = None;
        let (key, purged) = (job.key(), job.purged);
        if let Some(waiting) = self.keys.get_mut(&key) {
            waiting.busy = false;
        }
        if purged {
            self.remove(place);
        }
        Some(key)
    }

    /// The broker has confirmed its deletion.
    pub(super) fn end(&mut self, place: Place) -> Option<Key> {
        let key = self.jobs.get(&place).map(Job::key)?;
        self.remember(place);
        self.release(place);
        self.remove(place);
        Some(key)
    }

    fn remember(&mut self, place: Place) {
        let (order, ended) = &mut self.ended;
        order.push_back(place);
        ended.insert(place);
        if order.len() > REMEMBERED
            && let Some(over) = order.pop_front()
        {
            ended.remove(&over);
        }
    }

    /// Somebody has deleted it.
    pub(super) fn purge(&mut self, place: Place) {
        if let Some(job) = self.jobs.get_mut(&place) {
            job.purged = true;
        }
        self.forget(place);
    }

    /// Takes out a message that has not started.
    pub(super) fn forget(&mut self, place: Place) -> Option<Job> {
        self.jobs.get(&place).filter(|job| job.running.is_none())?;
        self.remove(place)
    }

    fn remove(&mut self, place: Place) -> Option<Job> {
        let job = self.jobs.remove(&place)?;
        let load = self.load_mut(place.lane);
        load.held -= 1;
        load.bytes -= job.payload.len();
        let key = job.key();
        if let Some(waiting) = self.keys.get_mut(&key) {
            waiting.new.remove(&place);
            waiting.late.remove(&(job.due, place));
            waiting.head.take_if(|head| head.place == Some(place));
            if waiting.is_empty() {
                self.keys.remove(&key);
            }
        }
        if self.retries.get(&job.life()).is_some_and(|(_, at)| *at == place) {
            self.retries.remove(&job.life());
        }
        Some(job)
    }
}

#[cfg(test)]
mod tests;
