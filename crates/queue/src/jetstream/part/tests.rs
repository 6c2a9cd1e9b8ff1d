use bytes::Bytes;
use tencent_im_callback::OrderKey;
use tokio::time::Instant as Moment;

use super::super::wire::{Meta, Position};
use super::*;

mod held;
mod offers;
mod retries;

const LATER: i64 = 1_000_000;

fn part() -> Part {
    let mut part = Part::new(1, Lease::new(Moment::now() + Duration::from_secs(60)));
    part.settled = Settled::All;
    part
}

fn job(lane: Lane, sequence: u64, meta: Meta) -> Job {
    let meta = Meta { order: Some(OrderKey::new("key").to_string()), ..meta };
    Job::new(place(lane, sequence), meta, Bytes::from_static(b"{}"))
}

/// The retry of the callback that was stored first, as it is read.
fn retry() -> Job {
    let first = Some(Position { sequence: 1, stored: 1 });
    job(Lane::Retry, 1, Meta { first, attempts: 1, ..Meta::default() })
}

/// A retry of the same callback after so many attempts.
fn again(sequence: u64, attempts: u32) -> Job {
    let meta = Meta { attempts, ..retry().meta };
    job(Lane::Retry, sequence, meta)
}

fn place(lane: Lane, sequence: u64) -> Place {
    Place { at: Position { sequence, stored: sequence }, lane }
}

fn places(jobs: &[Job]) -> Vec<Place> {
    jobs.iter().map(|job| job.place).collect()
}

/// The retry of the key that may start.
fn retry_at(part: &mut Part, now: i64) -> Option<Place> {
    part.offer(retry().key(), now).retry.map(|(_, place)| place)
}

fn expected() -> Expected {
    Expected { due: 10, aside: LATER, out_of_order: false }
}

/// A part in which the first callback of a key runs and the second one waits.
fn with_one_that_runs() -> (Part, Job) {
    let mut part = part();
    let first = job(Lane::New, 1, Meta::default());
    for job in [first.clone(), job(Lane::New, 2, Meta::default())] {
        assert!(part.arrive(job, 0, LATER).is_empty());
    }
    part.start(first.place, 7).unwrap();
    (part, first)
}

/// The retry is stored and read, but the answer is lost, so that it is published again.
#[test]
fn a_retry_that_is_read_before_it_is_published_again_is_offered() {
    let (mut part, first) = with_one_that_runs();
    part.expect(&first, 1, expected());
    let over = part.arrive(retry(), 0, LATER);
    assert!(over.is_empty(), "it runs");
    part.expect_no_more(&first, 1);
    part.expect(&first, 1, expected());
    let key = part.end(first.place).unwrap();
    let offer = part.offer(key, 20);
    assert_eq!((offer.new, offer.retry.map(|(_, place)| place)), (None, Some(retry().place)));
}

#[test]
fn a_retry_that_was_deleted_before_it_was_read_blocks_its_key_no_longer() {
    let (mut part, first) = with_one_that_runs();
    part.expect(&first, 1, expected());
    let key = part.end(first.place).unwrap();
    assert!(part.offer(key, 20).new.is_none());
    assert_eq!(part.expect_no_longer_than(Duration::from_secs(60)), []);
    assert_eq!(part.expect_no_longer_than(Duration::ZERO), [key]);
    assert!(part.expected.is_empty());
    assert_eq!(part.offer(key, 20).new.map(|place| place.at.sequence), Some(2));
}

/// New ones may be behind retries that are not known.
#[test]
fn while_retries_are_unknown_only_retries_start() {
    let mut part = part();
    part.settled = Settled::Retries;
    let other = Job { meta: Meta { order: None, ..Meta::default() }, ..retry() };
    for job in [other, job(Lane::New, 2, Meta::default())] {
        part.arrive(job, 0, LATER);
    }
    let offers: Vec<_> = part.keys().into_iter().map(|key| part.offer(key, LATER)).collect();
    assert!(offers.iter().all(|offer| offer.new.is_none()));
    assert_eq!(offers.iter().filter(|offer| offer.retry.is_some()).count(), 1);
}
