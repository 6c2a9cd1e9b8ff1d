//! What this process has requested from the broker, and what it holds.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use async_nats::Subject;
use bytes::Bytes;
use tokio::time::Instant;

use super::options::{JetStream, Lane};
use super::wire::{Failed, Meta};
use crate::delivery::{Delivery, DeliveryId};
use crate::options::{Clock, from_millis};
use crate::store::{Claim, Claimed, Stats};

/// How long the broker keeps a request for messages. A change of leader loses the request, so a
/// lane may stand still for this long.
pub(super) const ASK: Duration = Duration::from_secs(2);

/// How long a claim that does not wait gives the broker to answer.
pub(super) const LOOK: Duration = Duration::from_millis(50);

/// How late the broker's answer may be before the request is given up.
const LATE: Duration = Duration::from_millis(500);

/// How long a message may wait here for a free permit before other processes get it.
pub(super) const KEEP: Duration = Duration::from_millis(500);

/// How long a lane is not asked after its request was refused.
const PAUSE: Duration = Duration::from_millis(500);

/// The maximum number of messages that wait here, rather than at the broker, until they are due.
const PARKED: usize = 10_000;

/// A message that the broker has delivered to this process.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) lane: Lane,
    pub(super) sequence: u64,
    /// The subject to acknowledge it on.
    pub(super) reply: Subject,
    /// Includes the attempts, from its note.
    pub(super) meta: Meta,
    pub(super) payload: Bytes,
    /// Whether its metadata can be read.
    pub(super) readable: bool,
    /// Whether it was delivered after later ones of its partition.
    pub(super) late: bool,
    /// After this time the broker may deliver it to others.
    pub(super) until: Instant,
    /// When it began to wait for a permit.
    pub(super) since: Instant,
}

impl Held {
    pub(super) fn id(&self) -> u64 {
        self.meta.id.unwrap_or(self.sequence)
    }

    /// Whether it blocks others of its lane.
    pub(super) fn blocks(&self) -> bool {
        self.lane.is_ordered() && !self.meta.out_of_order
    }

    /// When something must be done with it. `None` means now.
    fn wake(&self) -> Option<i64> {
        let failed = &self.meta.failed;
        let due = failed.due?;
        Some(if self.blocks() { failed.aside.map_or(due, |aside| aside.min(due)) } else { due })
    }
}

/// What to tell the broker about a message that this process holds.
pub(super) enum Step {
    /// It is not due for a long time: any process may handle it then.
    Later(Held, Duration),
    /// It has blocked others for long enough.
    Aside(Held),
    /// It is due, and goes to the end of its partition.
    Back(Held),
}

struct Ask {
    lane: usize,
    rest: usize,
    until: Instant,
    /// The acknowledgement that was sent with this request. An answer to the request confirms it.
    with: Option<Subject>,
}

/// The state behind the lock.
pub(super) struct Claims {
    store: u64,
    pub(super) clock: Clock,
    pub(super) counts: Stats,
    pub(super) closed: bool,
    /// The number of messages whose notes are being read, and of steps in progress.
    pub(super) busy: usize,
    /// The number of waiting claims.
    pub(super) waiting: usize,
    partitions: usize,
    lease: Duration,
    next: u64,
    asks: HashMap<u64, Ask>,
    unheard: Vec<Subject>,
    /// In the order of [`Lane::all`].
    ready: Vec<VecDeque<Held>>,
    paused: Vec<Option<Instant>>,
    /// How long this process has the message of a lane that delivers one at a time.
    out: Vec<Option<Instant>>,
    parked: Vec<Held>,
    held: HashMap<u64, Held>,
    turn: usize,
}

impl Claims {
    pub(super) fn new(store: u64, settings: &JetStream) -> Self {
        let lanes = settings.partitions + 2;
        Claims {
            store,
            clock: Clock::new(&settings.options),
            counts: Stats::default(),
            closed: false,
            busy: 0,
            waiting: 0,
            partitions: settings.partitions,
            lease: settings.ack_wait,
            next: 1,
            asks: HashMap::new(),
            unheard: Vec::new(),
            ready: (0..lanes).map(|_| VecDeque::new()).collect(),
            paused: vec![None; lanes],
            out: vec![None; settings.partitions],
            parked: Vec::new(),
            held: HashMap::new(),
            turn: 0,
        }
    }

    fn index(&self, lane: Lane) -> usize {
        lane.index(self.partitions)
    }

    /// The requests to send so that up to `max` messages come: lane, number of messages, and number
    /// of the request.
    pub(super) fn asks(
        &mut self,
        max: usize,
        expires: Duration,
        once: Option<&[(usize, u64)]>,
    ) -> Vec<(usize, usize, u64)> {
        let now = Instant::now();
        let over = self.asks.extract_if(|_, ask| ask.until <= now);
        self.unheard.extend(over.filter_map(|(_, ask)| ask.with));
        let mut out = vec![0; self.ready.len()];
        for ask in self.asks.values() {
            out[ask.lane] += ask.rest;
        }
        let mut asks = Vec::new();
        for (lane, out) in out.into_iter().enumerate() {
            if self.paused[lane].is_some_and(|until| until > now) {
                continue;
            }
            let ours = self.out.get(lane).copied().flatten().is_some_and(|until| until > now);
            let asked = once.is_some_and(|asked| asked.iter().any(|(one, _)| *one == lane));
            if ours || asked {
                continue;
            }
            let most = if lane < self.partitions { 1 } else { max };
            // Earlier requests get messages first, so a new one would learn too late that there are
            // none.
            let here = self.ready[lane].len() + if once.is_some() { 0 } else { out };
            let batch = most.saturating_sub(here);
            // Not for every permit that becomes free: a request costs the broker as much as a
            // message.
            if batch > 0 && batch * 2 >= most {
                let number = self.next;
                self.next += 1;
                self.asks.insert(
                    number,
                    Ask { lane, rest: batch, until: now + expires + LATE, with: None },
                );
                asks.push((lane, batch, number));
            }
        }
        asks
    }

    /// Acknowledgements that the broker may not have received. Their lanes stand still until it
    /// has.
    pub(super) fn unheard(&mut self) -> Vec<Subject> {
        std::mem::take(&mut self.unheard)
    }

    /// Whether these requests have all their messages.
    pub(super) fn are_answered(&self, asked: &[(usize, u64)]) -> bool {
        let now = Instant::now();
        let open =
            |(_, number): &(usize, u64)| self.asks.get(number).is_some_and(|ask| ask.until > now);
        self.busy == 0 && !asked.iter().any(open)
    }

    /// A message has arrived. It does not say for which request, so it counts for the oldest of its
    /// lane.
    pub(super) fn came(&mut self, lane: Lane, until: Instant) {
        let lane = self.index(lane);
        if let Some(out) = self.out.get_mut(lane) {
            *out = Some(until);
        }
        let asks = self.asks.iter_mut().filter(|(_, ask)| ask.lane == lane);
        let Some((&number, ask)) = asks.min_by_key(|(number, _)| **number) else {
            return;
        };
        ask.rest = ask.rest.saturating_sub(1);
        if ask.rest == 0 {
            self.asks.remove(&number);
        }
    }

    /// This process no longer has the message, so the lane may be asked again.
    pub(super) fn free(&mut self, lane: Lane) {
        let lane = self.index(lane);
        if let Some(out) = self.out.get_mut(lane) {
            *out = None;
        }
    }

    /// A request for the next message of this lane, if a claim waits and the lane delivers one at a
    /// time.
    pub(super) fn next(&mut self, held: &Held) -> Option<u64> {
        if !held.lane.is_ordered() || self.waiting == 0 || self.closed {
            return None;
        }
        let number = self.next;
        self.next += 1;
        let until = Instant::now() + ASK + LATE;
        let lane = self.index(held.lane);
        let with = Some(held.reply.clone());
        let ask = Ask { lane, rest: 1, until, with };
        self.asks.insert(number, ask);
        Some(number)
    }

    /// The request is over.
    pub(super) fn ended(&mut self, number: u64, refused: bool) {
        let ask = self.asks.remove(&number).filter(|_| refused);
        if let Some(ask) = ask {
            self.paused[ask.lane] = Some(Instant::now() + PAUSE);
        }
    }

    /// Puts a message where it belongs, or returns what to tell the broker first.
    pub(super) fn place(&mut self, mut held: Held) -> Option<Step> {
        let now = self.clock.now();
        let lane = self.index(held.lane);
        if let Some(out) = self.out.get_mut(lane) {
            *out = Some(held.until);
        }
        if held.blocks() && held.meta.failed.aside.is_some_and(|at| at <= now) {
            return Some(Step::Aside(held));
        }
        if let Some(wake) = held.wake().filter(|wake| *wake > now) {
            let wait = Duration::from_millis(wake.saturating_sub(now).unsigned_abs());
            // If it had less than half of its time left, the claim could expire before the worker
            // extends it.
            let lasts = Instant::now()
                .checked_add(wait)
                .is_some_and(|at| at + self.lease / 2 <= held.until);
            if !lasts || self.parked.len() >= PARKED {
                return Some(Step::Later(held, wait));
            }
            self.parked.push(held);
            return None;
        }
        if held.lane == Lane::Retry && held.meta.order.is_some() {
            return Some(Step::Back(held));
        }
        held.since = Instant::now();
        self.ready[lane].push_back(held);
        None
    }

    /// Moves messages that are due.
    pub(super) fn wake(&mut self) -> Vec<Step> {
        let now = self.clock.now();
        let due = |held: &mut Held| held.wake().is_none_or(|wake| wake <= now);
        let due: Vec<Held> = self.parked.extract_if(.., due).collect();
        due.into_iter().filter_map(|held| self.place(held)).collect()
    }

    /// Takes up to `max` messages that are ready, from all lanes in turn.
    pub(super) fn take(&mut self, max: usize) -> Vec<Claimed> {
        let mut claimed = Vec::new();
        let lanes = self.ready.len();
        let fresh = Instant::now() + self.lease / 2;
        let mut empty = 0;
        while claimed.len() < max && empty < lanes {
            self.turn = (self.turn + 1) % lanes;
            let Some(held) = self.ready[self.turn].pop_front() else {
                empty += 1;
                continue;
            };
            if held.until < fresh {
                // The broker delivers it again.
                continue;
            }
            empty = 0;
            let token = self.next;
            self.next += 1;
            let id = DeliveryId::new(self.store, held.id());
            let mut delivery = Delivery::new(id, from_millis(held.meta.at));
            delivery.attempt = held.meta.failed.attempts.saturating_add(1);
            delivery.order_key = held.meta.order_key();
            delivery.out_of_order = held.meta.out_of_order;
            delivery.trace_context.clone_from(&held.meta.trace_context);
            let text = std::str::from_utf8(&held.payload).ok().filter(|_| held.readable);
            claimed.push(Claimed::new(Claim::new(id, token), delivery, text.map(str::to_owned)));
            self.held.insert(token, held);
        }
        claimed.sort_by_key(|claimed| claimed.delivery.id);
        claimed
    }

    /// The message of a claim that holds.
    pub(super) fn of(&self, claim: Claim) -> Option<Held> {
        let held = self.held.get(&claim.token())?;
        let ours = claim.id() == DeliveryId::new(self.store, held.id());
        (ours && held.until > Instant::now()).then(|| held.clone())
    }

    /// Ends a claim that was settled or given back. `None` if it had ended already.
    pub(super) fn settle(&mut self, claim: Claim) -> Option<Held> {
        let held = self.of(claim);
        if let Some(held) = self.held.remove(&claim.token()) {
            self.free(held.lane);
        }
        held
    }

    /// The broker has extended the claim.
    pub(super) fn extended(&mut self, claim: Claim, until: Instant) {
        if let Some(held) = self.held.get_mut(&claim.token()) {
            held.until = held.until.max(until);
            let (lane, until) = (held.lane, held.until);
            let lane = self.index(lane);
            if let Some(out) = self.out.get_mut(lane) {
                *out = Some(until);
            }
        }
    }

    /// A worker has given it back. The next claim here, or another process, gets it.
    pub(super) fn release(&mut self, mut held: Held) {
        held.since = Instant::now();
        let lane = self.index(held.lane);
        if let Some(out) = self.out.get_mut(lane) {
            *out = Some(held.until);
        }
        self.ready[lane].push_front(held);
    }

    /// Messages that have waited here for too long; another process may have a permit for them.
    pub(super) fn surplus(&mut self, all: bool) -> Vec<Subject> {
        let now = Instant::now();
        // The broker has given these to others by now.
        self.held.retain(|_, held| held.until > now);
        let mut surplus = Vec::new();
        for lane in &mut self.ready {
            while let Some(held) = lane.front() {
                if !all && now.duration_since(held.since) < KEEP {
                    break;
                }
                surplus.extend(lane.pop_front());
            }
        }
        if all {
            surplus.append(&mut self.parked);
        }
        for held in &surplus {
            self.free(held.lane);
        }
        surplus.into_iter().map(|held| held.reply).collect()
    }

    /// The messages that are here and not being handled.
    pub(super) fn idle(&self) -> impl Iterator<Item = &Held> {
        self.ready.iter().flatten().chain(&self.parked)
    }

    /// Takes out the messages that are here, not being handled, and pass the filter.
    pub(super) fn take_idle(&mut self, passes: impl Fn(&Held) -> bool) -> Vec<Held> {
        let mut taken = Vec::new();
        for lane in &mut self.ready {
            taken.extend(lane.iter().filter(|held| passes(held)).cloned());
            lane.retain(|held| !passes(held));
        }
        taken.extend(self.parked.extract_if(.., |held| passes(held)));
        taken
    }

    pub(super) fn is_running(&self, lane: Lane, sequence: u64) -> bool {
        self.held.values().any(|held| held.lane == lane && held.sequence == sequence)
    }

    /// The number of messages here that wait for a retry in their lanes.
    pub(super) fn blocking(&self) -> usize {
        self.parked.iter().filter(|held| held.blocks()).count()
    }

    /// The attempts after a failure.
    pub(super) fn failed(
        held: &Held,
        error: String,
        now: i64,
        delay: i64,
        max_block: i64,
    ) -> Failed {
        let before = &held.meta.failed;
        Failed {
            attempts: before.attempts.saturating_add(1),
            error: Some(error),
            due: Some(now.saturating_add(delay)),
            aside: before.aside.or_else(|| held.blocks().then(|| now.saturating_add(max_block))),
        }
    }
}
