use bytes::Bytes;
use tencent_im_callback::OrderKey;

use super::super::names::Lane;
use super::super::wire::Position;
use super::*;

mod away;

fn job(lane: Lane) -> Job {
    let order = Some(OrderKey::new("key").to_string());
    let place = Place { at: Position { sequence: 7, stored: 70 }, lane };
    Job::new(place, Meta { order, id: 9, ..Meta::default() }, Bytes::from_static(b"{}"))
}

/// With a delay of 10 and blocks of 50.
fn failed_at(job: &Job, now: i64) -> (Meta, Expected) {
    failed(job, "why".to_owned(), now, 10, 50)
}

#[test]
fn a_first_failure_blocks_for_the_whole_time() {
    let job = job(Lane::New);
    let (meta, expected) = failed_at(&job, 100);
    let first = Some(job.place.at);
    let error = Some("why".to_owned());
    assert_eq!(meta, Meta { first, attempts: 1, error, delay: 10, ..job.meta.clone() });
    assert_eq!((expected.due, expected.aside, expected.out_of_order), (110, 150, false));
}

#[test]
fn a_later_failure_blocks_for_the_rest_of_the_time() {
    let mut job = job(Lane::Retry);
    let first = Some(Position { sequence: 1, stored: 10 });
    job.meta = Meta { first, attempts: 3, ..job.meta };
    job.aside = Some(150);
    for (now, blocked, is_over) in [(130, 30, false), (149, 49, false), (150, 50, true)] {
        let (meta, expected) = failed_at(&job, now);
        assert_eq!((meta.first, meta.attempts, meta.blocked), (first, 4, blocked));
        assert_eq!((expected.due, expected.aside), (now + 10, 150));
        assert_eq!((meta.out_of_order, expected.out_of_order), (is_over, is_over), "{now}");
    }
    job.meta.order = None;
    assert!(!failed_at(&job, 150).0.out_of_order, "it blocks nobody");
    job.meta.out_of_order = true;
    assert!(failed_at(&job, 130).0.out_of_order);
}

#[test]
fn only_the_same_move_of_the_same_callback_has_the_same_id() {
    let one = job(Lane::New);
    let retry = |job: &Job, more| message_id(job, "retry", more);
    let mut again = one.clone();
    // Where it is now does not matter.
    again.meta.first = Some(one.place.at);
    again.place = Place { at: Position { sequence: 8, stored: 80 }, lane: Lane::Retry };
    assert_eq!(retry(&one, ".1"), retry(&again, ".1"));
    assert_ne!(retry(&one, ".1"), retry(&one, ".2"));
    assert_ne!(message_id(&one, "dead", ""), retry(&one, ""));
    let mut requeued = again.clone();
    requeued.meta.generation = 1;
    assert_ne!(retry(&one, ".1"), retry(&requeued, ".1"));
    // Sequence numbers repeat when a stream is made anew.
    let mut later = one.clone();
    later.place.at.stored = 71;
    assert_ne!(retry(&one, ".1"), retry(&later, ".1"));
    let mut other = one.clone();
    other.meta.id = 10;
    assert_ne!(retry(&one, ".1"), retry(&other, ".1"));
}
