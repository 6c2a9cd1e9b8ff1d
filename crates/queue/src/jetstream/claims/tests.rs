use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tencent_im_callback::OrderKey;
use tokio::time::Instant;

use super::super::wire::{Meta, Position};
use super::*;
use crate::options::StoreOptions;

mod partitions;
mod turns;

/// A state of two partitions, and the time of its clock in ms.
fn state() -> (State, Arc<AtomicU64>) {
    let time = Arc::new(AtomicU64::new(1000));
    let read = time.clone();
    let clock = move || SystemTime::UNIX_EPOCH + Duration::from_millis(read.load(Ordering::SeqCst));
    let options = StoreOptions::new().clock(clock);
    (State::new(&JetStream::new("test").partitions(2).options(options)), time)
}

fn lease() -> Arc<Lease> {
    Lease::new(Instant::now() + Duration::from_secs(60))
}

/// Owns a partition, of which everything is known.
fn owned(state: &mut State, partition: usize) -> (u64, Arc<Lease>) {
    let lease = lease();
    let epoch = state.own(partition, lease.clone());
    state.settled(partition, epoch, Settled::All);
    (epoch, lease)
}

fn job(lane: Lane, sequence: u64, key: Option<&str>) -> Job {
    let order = key.map(|key| OrderKey::new(key).to_string());
    let place = Place { at: Position { sequence, stored: sequence }, lane };
    Job::new(place, Meta { order, ..Meta::default() }, Bytes::from_static(b"{}"))
}

/// The retry of the callback that was stored first with this number.
fn retry(first: u64, delay: i64, key: Option<&str>) -> Job {
    let mut job = job(Lane::Retry, first, key);
    job.meta.first = Some(Position { sequence: 1000 + first, stored: 1000 + first });
    (job.meta.attempts, job.meta.delay) = (1, delay);
    job
}

/// The numbers of those that are taken.
fn taken(state: &mut State, max: usize) -> Vec<u64> {
    state.take(max).iter().map(|claimed| claimed.delivery.id.sequence()).collect()
}

fn take_one(state: &mut State) -> Claim {
    let mut claimed = state.take(2);
    assert_eq!(claimed.len(), 1);
    claimed.pop().unwrap().claim
}

#[test]
fn a_claim_ends_once() {
    let (mut state, _) = state();
    let (epoch, _) = owned(&mut state, 0);
    for sequence in [1, 2] {
        state.arrive(0, epoch, job(Lane::New, sequence, Some("key")));
    }
    assert!(!state.is_running(Lane::New, 1));
    let claim = take_one(&mut state);
    assert_eq!(state.running(), 1);
    assert!(state.is_running(Lane::New, 1));
    assert!(!state.is_running(Lane::Retry, 1) && !state.is_running(Lane::New, 2));
    assert!(state.runs(0, epoch));
    assert!(!state.runs(1, epoch) && !state.runs(0, epoch + 1));
    assert_eq!(taken(&mut state, 2), [0; 0]);
    state.release(claim);
    assert!(state.held(claim).is_none() && state.part_of(claim).is_none());
    // The next claim is another one, and the old one does nothing to it.
    let again = take_one(&mut state);
    state.end(claim);
    assert!(state.held(again).is_some() && state.part_of(again).is_some());
    state.end(again);
    assert!(state.held(again).is_none());
    assert_eq!((state.running(), state.runs(0, epoch)), (0, false));
    assert_eq!(taken(&mut state, 2), [2]);
}

#[test]
fn a_state_is_idle_while_nobody_claims_or_has_claimed() {
    let (mut state, _) = state();
    assert!(state.is_idle());
    state.waiting += 1;
    assert!(!state.is_idle());
    state.waiting -= 1;
    let (epoch, _) = owned(&mut state, 0);
    state.arrive(0, epoch, job(Lane::New, 1, None));
    assert!(state.is_idle());
    let claim = take_one(&mut state);
    assert!(!state.is_idle());
    state.end(claim);
    assert!(state.is_idle());
}

#[test]
fn a_claim_holds_no_longer_than_the_lease() {
    let (mut state, _) = state();
    let (epoch, lease) = owned(&mut state, 0);
    state.arrive(0, epoch, job(Lane::New, 1, None));
    let claim = take_one(&mut state);
    assert_eq!(state.held(claim).unwrap().partition, 0);
    // What runs may be settled while the partition is handed over.
    lease.drain();
    assert!(state.held(claim).is_some());
    lease.lose();
    assert!(state.held(claim).is_none());
    lease.extend(Instant::now() + Duration::from_secs(60));
    assert!(state.held(claim).is_some());
    // Somebody else had it meanwhile.
    state.disown(0, epoch);
    let (epoch, _) = owned(&mut state, 0);
    state.arrive(0, epoch, job(Lane::New, 1, None));
    assert!(state.held(claim).is_none() && state.part_of(claim).is_none());
    state.release(claim);
    assert_eq!(taken(&mut state, 2), [1]);
}

#[test]
fn a_claim_is_that_of_its_callback() {
    let (mut state, _) = state();
    let (epoch, _) = owned(&mut state, 0);
    state.arrive(0, epoch, job(Lane::New, 1, None));
    let claim = take_one(&mut state);
    let id = crate::DeliveryId::new(7, claim.id().sequence());
    assert!(state.held(Claim::new(id, claim.token())).is_none());
    assert!(state.held(claim).is_some());
}

#[test]
fn what_was_not_met_in_this_reading_is_not_current() {
    let (mut state, _) = state();
    let (epoch, _) = owned(&mut state, 0);
    state.read_anew(0, epoch);
    state.settled(0, epoch, Settled::All);
    state.arrive(0, epoch, job(Lane::New, 1, None));
    let claim = take_one(&mut state);
    assert!(state.held(claim).unwrap().is_current);
    state.read_anew(0, epoch + 1);
    assert!(state.held(claim).unwrap().is_current, "another time");
    state.read_anew(0, epoch);
    assert!(!state.held(claim).unwrap().is_current);
    state.arrive(0, epoch, job(Lane::New, 1, None));
    assert!(state.held(claim).unwrap().is_current);
}

#[test]
fn a_store_that_is_closed_gives_back_everything() {
    let (mut state, _) = state();
    let (epoch, _) = owned(&mut state, 0);
    state.arrive(0, epoch, job(Lane::New, 1, None));
    let claim = take_one(&mut state);
    state.release_all();
    assert!(state.held(claim).is_none());
    let mut jobs = state.parts().flat_map(|(_, part)| part.jobs());
    assert!(jobs.all(|job| job.running.is_none()));
}

#[test]
fn a_delivery_says_what_is_known_of_it() {
    let (mut state, _) = state();
    let (epoch, _) = owned(&mut state, 0);
    let mut known = retry(1, 0, Some("key"));
    known.meta.id = 9;
    known.meta.attempts = 4;
    known.meta.at = 5000;
    known.meta.out_of_order = true;
    known.meta.trace_context = Some("trace".to_owned());
    state.arrive(0, epoch, known);
    let unreadable = Job { readable: false, ..job(Lane::New, 2, None) };
    state.arrive(0, epoch, unreadable);
    let claimed = state.take(2);
    let [second, first] = &claimed[..] else { panic!() };
    assert_eq!((second.payload.as_deref(), first.payload.as_deref()), (None, Some("{}")));
    let delivery = &first.delivery;
    assert_eq!(delivery.id, crate::DeliveryId::new(9, 1001));
    assert_eq!(delivery.accepted_at, SystemTime::UNIX_EPOCH + Duration::from_secs(5));
    assert_eq!((delivery.attempt, delivery.out_of_order), (5, true));
    assert_eq!(delivery.order_key, Some(OrderKey::new("key")));
    assert_eq!(delivery.trace_context.as_deref(), Some("trace"));
    assert_eq!((second.delivery.attempt, second.delivery.order_key), (1, None));
}
