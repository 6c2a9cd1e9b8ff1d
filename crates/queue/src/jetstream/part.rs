//! What a worker holds of one partition that it owns: one callback of a key runs at a time, in the
//! order of the stream.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use async_nats::Subject;
use bytes::Bytes;
use tencent_im_callback::OrderKey;

use super::lease::Lease;
use super::names::Lane;
use super::wire::{Meta, Position};
use crate::delivery::DeliveryId;

/// New callbacks of a partition that are held at a time.
pub(super) const WINDOW: usize = 20_000;

/// The size of what is held of them, in bytes, at which no more are asked for.
const BYTES: usize = 64 << 20;

/// The last ones whose end was confirmed. A redelivery of one may be under way.
const REMEMBERED: usize = 2 * WINDOW;

/// One message of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) at: Position,
    pub(super) lane: Lane,
}

/// Callbacks with the same one run one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Order(OrderKey),
    /// It has no order key.
    Own(Position),
}

/// A message that the broker has delivered to this process.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) place: Place,
    /// The subject to acknowledge it on.
    pub(super) reply: Subject,
    pub(super) meta: Meta,
    pub(super) payload: Bytes,
    /// Whether its metadata can be read.
    pub(super) readable: bool,
    /// When it may start: only of retries.
    pub(super) due: i64,
    /// When it no longer blocks its key: only of retries.
    pub(super) aside: Option<i64>,
    /// The claim.
    pub(super) running: Option<u64>,
}

impl Job {
    /// Where it was stored first.
    pub(super) fn first(&self) -> Position {
        self.meta.first.unwrap_or(self.place.at)
    }

    pub(super) fn id(&self) -> DeliveryId {
        DeliveryId::new(self.meta.id, self.first().sequence)
    }

    pub(super) fn key(&self) -> Key {
        self.meta.order_key().map_or(Key::Own(self.first()), Key::Order)
    }

    /// Whether it blocks later ones of its key while it waits for its retry.
    pub(super) fn blocks(&self) -> bool {
        self.meta.order.is_some() && !self.meta.out_of_order
    }

    /// The callback, in this of its lives.
    pub(super) fn life(&self) -> Life {
        (self.first(), self.meta.generation)
    }
}

/// The first position, and how often it was requeued.
pub(super) type Life = (Position, u32);

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
    /// Once it has been delivered.
    place: Option<Place>,
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

pub(super) struct Part {
    pub(super) epoch: u64,
    pub(super) lease: Arc<Lease>,
    /// That of the stream it is of.
    pub(super) number: u64,
    /// All that was delivered and not acknowledged is here, so that nothing can come in between.
    pub(super) settled: bool,
    /// The number of the last delivery of each lane.
    pub(super) delivered: HashMap<Lane, u64>,
    jobs: HashMap<Place, Job>,
    keys: HashMap<Key, Waiting>,
    /// The retries that are here: number of failed attempts, and place.
    retries: HashMap<Life, (u32, Place)>,
    expected: HashMap<(Life, u32), Expected>,
    ended: (VecDeque<Place>, HashSet<Place>),
    bytes: usize,
    new: usize,
}

impl Part {
    pub(super) fn new(epoch: u64, lease: Arc<Lease>) -> Self {
        Part {
            epoch,
            lease,
            number: 0,
            settled: false,
            delivered: HashMap::new(),
            jobs: HashMap::new(),
            keys: HashMap::new(),
            retries: HashMap::new(),
            expected: HashMap::new(),
            ended: (VecDeque::new(), HashSet::new()),
            bytes: 0,
            new: 0,
        }
    }

    /// How many more may be asked for.
    pub(super) fn room(&self) -> usize {
        if self.bytes > BYTES { 0 } else { WINDOW.saturating_sub(self.new) }
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

    /// Takes a message in. Returns those that are to be acknowledged, since they are done or stored
    /// elsewhere.
    pub(super) fn arrive(&mut self, job: Job, now: i64, max_block: i64) -> Vec<Subject> {
        if self.ended.1.contains(&job.place) {
            return vec![job.reply];
        }
        if self.jobs.contains_key(&job.place) {
            return Vec::new();
        }
        match job.place.lane {
            Lane::New => self.arrive_new(job),
            Lane::Retry => self.arrive_retry(job, now, max_block),
        }
    }

    fn arrive_new(&mut self, job: Job) -> Vec<Subject> {
        // Its retry was published, and its acknowledgement got lost.
        if self.retries.contains_key(&job.life()) {
            return vec![job.reply];
        }
        self.keys.entry(job.key()).or_default().new.insert(job.place);
        self.keep(job);
        Vec::new()
    }

    fn arrive_retry(&mut self, mut job: Job, now: i64, max_block: i64) -> Vec<Subject> {
        let (life, attempts) = (job.life(), job.meta.attempts);
        let mut over = Vec::new();
        match self.retries.get(&life).copied() {
            Some((newer, _)) if newer >= attempts => return vec![job.reply],
            Some((_, older)) => over.extend(self.forget(older)),
            None => {}
        }
        // The attempt that failed: its acknowledgement got lost.
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
            key.head = Some(Head { life, attempts, due, aside, place: Some(job.place) });
        } else {
            key.late.insert((job.due, job.place));
        }
        self.retries.insert(life, (attempts, job.place));
        self.keep(job);
        over
    }

    fn keep(&mut self, job: Job) {
        if job.place.lane == Lane::New {
            self.new += 1;
            self.bytes += job.payload.len();
        }
        self.jobs.insert(job.place, job);
    }

    /// A retry of this callback is going to be published.
    pub(super) fn expect(&mut self, job: &Job, attempts: u32, expected: Expected) {
        self.expected.insert((job.life(), attempts), expected);
        if job.blocks() && !expected.out_of_order {
            let Expected { due, aside, .. } = expected;
            let key = self.keys.entry(job.key()).or_default();
            key.head = Some(Head { life: job.life(), attempts, due, aside, place: None });
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
            key.head = Some(Head { life, attempts, due, aside, place: Some(job.place) });
        }
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
                offer.new = waiting.new.first().copied();
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
        let key = job.key();
        if let Some(waiting) = self.keys.get_mut(&key) {
            waiting.busy = false;
        }
        Some(key)
    }

    /// The broker has confirmed its end.
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

    /// Takes out a message that has not started. Returns where to acknowledge it.
    pub(super) fn forget(&mut self, place: Place) -> Option<Subject> {
        self.jobs.get(&place).filter(|job| job.running.is_none())?;
        self.remove(place).map(|job| job.reply)
    }

    fn remove(&mut self, place: Place) -> Option<Job> {
        let job = self.jobs.remove(&place)?;
        if place.lane == Lane::New {
            self.new -= 1;
            self.bytes -= job.payload.len();
        }
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

    /// Takes out all that has not started.
    pub(super) fn take_waiting(&mut self) -> Vec<Subject> {
        let waiting: Vec<Place> =
            (self.jobs.values()).filter(|job| job.running.is_none()).map(|job| job.place).collect();
        waiting.into_iter().filter_map(|place| self.forget(place)).collect()
    }
}
