//! What this process owns, holds and has claimed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::job::{Job, Key, Place};
use super::lease::Lease;
use super::names::Lane;
use super::options::JetStream;
use super::part::{Offer, Part, Settled};
use crate::delivery::Delivery;
use crate::options::{Clock, from_millis, millis};
use crate::store::{Claim, Claimed, Stats};

/// A claim that has not ended.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) partition: usize,
    /// Whether the lease holds. If not, it may be renewed.
    pub(super) holds: bool,
    /// Whether the message was met in this reading of the stream. If not, the stream may have been
    /// set back since, and its sequence number may be that of another one.
    pub(super) is_current: bool,
    pub(super) job: Job,
}

/// The state behind the lock.
pub(super) struct State {
    pub(super) clock: Clock,
    pub(super) counts: Stats,
    pub(super) closed: bool,
    /// The number of waiting claims.
    pub(super) waiting: usize,
    /// Whether it was tried once to take what nobody owns.
    pub(super) looked: bool,
    pub(super) max_block: i64,
    parts: Vec<Option<Part>>,
    claims: HashMap<u64, (usize, u64, Place)>,
    new: BTreeSet<(Place, usize)>,
    retries: BTreeSet<(i64, Place, usize)>,
    /// Whether retries are next.
    turn: bool,
    wakes: BTreeMap<(i64, u64), (usize, u64, Key)>,
    next: u64,
}

impl State {
    pub(super) fn new(settings: &JetStream) -> Self {
        State {
            clock: Clock::new(&settings.options),
            counts: Stats::default(),
            closed: false,
            waiting: 0,
            looked: false,
            max_block: millis(settings.options.max_block),
            parts: (0..settings.partitions).map(|_| None).collect(),
            claims: HashMap::new(),
            new: BTreeSet::new(),
            retries: BTreeSet::new(),
            turn: false,
            wakes: BTreeMap::new(),
            next: 1,
        }
    }

    /// A number that no other claim or partition has had.
    fn draw(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    // ----- partitions

    /// This process owns the partition from now on. Returns the number of this time.
    pub(super) fn own(&mut self, partition: usize, lease: Arc<Lease>) -> u64 {
        let epoch = self.draw();
        if let Some(part) = self.parts.get_mut(partition) {
            *part = Some(Part::new(epoch, lease));
        }
        epoch
    }

    /// It is over. What runs is not settled by this process.
    pub(super) fn disown(&mut self, partition: usize, epoch: u64) {
        if let Some(part) = self.parts.get_mut(partition) {
            part.take_if(|part| part.epoch == epoch);
        }
    }

    pub(super) fn part(&mut self, partition: usize, epoch: u64) -> Option<&mut Part> {
        self.parts.get_mut(partition)?.as_mut().filter(|part| part.epoch == epoch)
    }

    pub(super) fn parts(&self) -> impl Iterator<Item = (usize, &Part)> {
        let parts = self.parts.iter().enumerate();
        parts.filter_map(|(partition, part)| Some((partition, part.as_ref()?)))
    }

    /// What is known of the partition suffices to start this much.
    pub(super) fn settled(&mut self, partition: usize, epoch: u64, settled: Settled) {
        let Some(part) = self.part(partition, epoch).filter(|it| it.settled != settled) else {
            return;
        };
        part.settled = settled;
        for key in part.keys() {
            self.offer(partition, key);
        }
    }

    /// The lanes of the partition are read from their first messages on.
    pub(super) fn read_anew(&mut self, partition: usize, epoch: u64) {
        let reading = self.draw();
        if let Some(part) = self.part(partition, epoch) {
            part.read_anew(reading);
        }
    }

    /// Takes a message in. Returns what is to be deleted.
    pub(super) fn arrive(&mut self, partition: usize, epoch: u64, job: Job) -> Vec<Job> {
        let (now, max_block, key) = (self.clock.now(), self.max_block, job.key());
        let Some(part) = self.part(partition, epoch) else { return Vec::new() };
        let over = part.arrive(job, now, max_block);
        self.offer(partition, key);
        over
    }

    /// All retries of the partition have been read: see [`Part::expect_no_longer_than`].
    pub(super) fn expect_no_longer_than(&mut self, partition: usize, epoch: u64, time: Duration) {
        let Some(part) = self.part(partition, epoch) else { return };
        for key in part.expect_no_longer_than(time) {
            self.offer(partition, key);
        }
    }

    /// Messages that somebody has deleted from the stream.
    pub(super) fn purged(&mut self, lane: Lane, sequences: &HashSet<u64>) {
        for partition in 0..self.parts.len() {
            let Some(Some(part)) = self.parts.get_mut(partition) else { continue };
            let places: Vec<(Place, Key)> = (part.jobs())
                .filter(|job| job.place.lane == lane && sequences.contains(&job.place.at.sequence))
                .map(|job| (job.place, job.key()))
                .collect();
            for (place, key) in places {
                if let Some(Some(part)) = self.parts.get_mut(partition) {
                    part.purge(place);
                }
                self.offer(partition, key);
            }
        }
    }

    pub(super) fn is_running(&self, lane: Lane, sequence: u64) -> bool {
        let mut places = self.claims.values().map(|(_, _, place)| place);
        places.any(|place| place.lane == lane && place.at.sequence == sequence)
    }

    /// Whether anything runs that was claimed of this partition.
    pub(super) fn runs(&self, partition: usize, epoch: u64) -> bool {
        self.claims.values().any(|(of, at, _)| (*of, *at) == (partition, epoch))
    }

    /// Whether nobody claims anything or has claimed anything.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting == 0 && self.claims.is_empty()
    }

    /// The number of claims that have not ended.
    pub(super) fn running(&self) -> usize {
        self.claims.len()
    }

    // ----- what may start

    fn offer(&mut self, partition: usize, key: Key) {
        let now = self.clock.now();
        let Some(Some(part)) = self.parts.get_mut(partition) else { return };
        if part.settled == Settled::Nothing {
            return;
        }
        let epoch = part.epoch;
        let Offer { new, retry, wake } = part.offer(key, now);
        self.new.extend(new.map(|place| (place, partition)));
        self.retries.extend(retry.map(|(due, place)| (due, place, partition)));
        if let Some(wake) = wake {
            let number = self.draw();
            self.wakes.insert((wake, number), (partition, epoch, key));
        }
    }

    /// Looks at the keys whose time has come.
    fn wake(&mut self) {
        let now = self.clock.now();
        while let Some(entry) = self.wakes.first_entry().filter(|entry| entry.key().0 <= now) {
            let (partition, epoch, key) = entry.remove();
            if self.part(partition, epoch).is_some() {
                self.offer(partition, key);
            }
        }
    }

    /// How long until another one may start, in ms; at least 1.
    pub(super) fn next_wake(&mut self) -> Option<u64> {
        let now = self.clock.now();
        let ((at, _), _) = self.wakes.first_key_value()?;
        Some(at.saturating_sub(now).max(1).unsigned_abs())
    }

    /// The next one that may start: new ones and retries take turns.
    fn pop(&mut self) -> Option<(usize, Place)> {
        self.turn = !self.turn;
        let retry = if self.turn { self.retries.pop_first() } else { None };
        if let Some((_, place, partition)) = retry {
            return Some((partition, place));
        }
        let new = self.new.pop_first().map(|(place, partition)| (partition, place));
        new.or_else(|| self.retries.pop_first().map(|(_, place, partition)| (partition, place)))
    }

    /// Takes up to `max` that may start now.
    pub(super) fn take(&mut self, max: usize) -> Vec<Claimed> {
        self.wake();
        let now = self.clock.now();
        let (mut claimed, mut later) = (Vec::new(), Vec::new());
        while claimed.len() < max {
            let Some((partition, place)) = self.pop() else { break };
            let token = self.draw();
            let Some(Some(part)) = self.parts.get_mut(partition) else { continue };
            // The fence. What is passed over here is offered again when the partition is settled.
            if part.settled == Settled::Nothing || part.lease.is_draining() {
                continue;
            }
            if !part.lease.may_start() {
                // The lease may be renewed.
                later.extend(part.job(place).map(Job::key).map(|key| (partition, key)));
                continue;
            }
            let Some(key) = part.job(place).map(Job::key) else { continue };
            let Offer { new, retry, .. } = part.offer(key, now);
            if new != Some(place) && retry.map(|(_, place)| place) != Some(place) {
                continue;
            }
            let epoch = part.epoch;
            let Some(job) = part.start(place, token) else { continue };
            claimed.push(claimed_of(job, token));
            self.claims.insert(token, (partition, epoch, place));
        }
        for (partition, key) in later {
            self.offer(partition, key);
        }
        claimed.sort_by_key(|claimed| claimed.delivery.id);
        claimed
    }

    /// What was claimed, unless the claim has ended.
    pub(super) fn held(&self, claim: Claim) -> Option<Held> {
        let (partition, epoch, place) = *self.claims.get(&claim.token())?;
        let part = self.parts.get(partition)?.as_ref().filter(|part| part.epoch == epoch)?;
        let job = part.job(place)?;
        (claim.id() == job.id() && !part.lease.is_lost() && !job.purged).then(|| Held {
            partition,
            holds: part.lease.holds(),
            is_current: job.reading == part.reading,
            job: job.clone(),
        })
    }

    pub(super) fn part_of(&mut self, claim: Claim) -> Option<&mut Part> {
        let (partition, epoch, _) = *self.claims.get(&claim.token())?;
        self.part(partition, epoch)
    }

    /// The broker has confirmed how it went.
    pub(super) fn end(&mut self, claim: Claim) {
        self.leave(claim, Part::end);
    }

    /// A worker has given it back.
    pub(super) fn release(&mut self, claim: Claim) {
        self.leave(claim, Part::release);
    }

    fn leave(&mut self, claim: Claim, how: impl Fn(&mut Part, Place) -> Option<Key>) {
        let Some((partition, epoch, place)) = self.claims.remove(&claim.token()) else { return };
        if let Some(key) = self.part(partition, epoch).and_then(|part| how(part, place)) {
            self.offer(partition, key);
        }
    }

    /// Gives back everything that runs.
    pub(super) fn release_all(&mut self) {
        let claims: Vec<(usize, u64, Place)> = self.claims.drain().map(|(_, of)| of).collect();
        for (partition, epoch, place) in claims {
            self.part(partition, epoch).and_then(|part| part.release(place));
        }
    }
}

fn claimed_of(job: &Job, token: u64) -> Claimed {
    let id = job.id();
    let mut delivery = Delivery::new(id, from_millis(job.meta.at));
    delivery.attempt = job.meta.attempts.saturating_add(1);
    delivery.order_key = job.meta.order_key();
    delivery.out_of_order = job.meta.out_of_order;
    delivery.trace_context.clone_from(&job.meta.trace_context);
    let text = std::str::from_utf8(&job.payload).ok().filter(|_| job.readable);
    Claimed::new(Claim::new(id, token), delivery, text.map(str::to_owned))
}

#[cfg(test)]
mod tests;
