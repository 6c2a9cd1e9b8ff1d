//! What of a key may start, and when.

use super::*;

/// What is offered: new, retry, wake.
fn offered(part: &mut Part, now: i64) -> (Option<u64>, Option<u64>, Option<i64>) {
    let offer = part.offer(retry().key(), now);
    let retry = offer.retry.map(|(_, place)| place.at.sequence);
    (offer.new.map(|place| place.at.sequence), retry, offer.wake)
}

/// The first callback has failed, is due and steps aside at these times, and a second one waits.
fn with_retry(due: i64, aside: i64) -> Part {
    let (mut part, first) = with_one_that_runs();
    part.expect(&first, 1, Expected { due, aside, out_of_order: false });
    part.end(first.place).unwrap();
    part.arrive(retry(), 0, LATER);
    part
}

fn is_out_of_order(part: &Part) -> bool {
    part.job(retry().place).unwrap().meta.out_of_order
}

#[test]
fn a_retry_blocks_its_key_until_it_is_due() {
    let mut part = with_retry(10, 100);
    assert_eq!(offered(&mut part, 9), (None, None, Some(10)));
    assert_eq!(offered(&mut part, 10), (None, Some(1), None));
    // It has waited for longer than it may block, but only for a place.
    assert_eq!(offered(&mut part, 1000), (None, Some(1), None));
    assert!(!is_out_of_order(&part));
    let mut part = with_retry(10, 10);
    assert_eq!(offered(&mut part, 10), (None, Some(1), None));
    assert!(!is_out_of_order(&part));
}

#[test]
fn a_retry_steps_aside_before_it_is_due() {
    let mut part = with_retry(100, 50);
    assert_eq!(offered(&mut part, 49), (None, None, Some(50)));
    assert!(!is_out_of_order(&part));
    assert_eq!(offered(&mut part, 50), (Some(2), None, Some(100)));
    assert!(is_out_of_order(&part));
    assert_eq!(offered(&mut part, 99), (Some(2), None, Some(100)));
    // From now on both may start.
    assert_eq!(offered(&mut part, 100), (Some(2), Some(1), None));
}

/// Nobody has looked in time.
#[test]
fn a_retry_that_steps_aside_late_lets_another_one_pass_at_once() {
    let mut part = with_retry(100, 50);
    assert_eq!(offered(&mut part, 200), (Some(2), None, Some(201)));
    assert_eq!(offered(&mut part, 201), (Some(2), Some(1), None));
    // If there is none it starts.
    let mut part = with_retry(100, 50);
    part.forget(place(Lane::New, 2)).unwrap();
    assert_eq!(offered(&mut part, 200), (None, Some(1), None));
}

#[test]
fn a_retry_that_is_on_its_way_steps_aside() {
    let (mut part, first) = with_one_that_runs();
    part.expect(&first, 1, Expected { due: 100, aside: 50, out_of_order: false });
    part.end(first.place).unwrap();
    assert_eq!(offered(&mut part, 49), (None, None, Some(50)));
    assert_eq!(offered(&mut part, 50), (Some(2), None, None));
    part.arrive(retry(), 60, LATER);
    assert!(is_out_of_order(&part));
    assert_eq!(offered(&mut part, 60), (Some(2), None, Some(100)));
}

#[test]
fn a_retry_that_is_out_of_order_blocks_nobody() {
    let (mut part, first) = with_one_that_runs();
    part.expect(&first, 1, Expected { due: 100, aside: LATER, out_of_order: true });
    part.end(first.place).unwrap();
    assert_eq!(offered(&mut part, 0), (Some(2), None, None));
    part.arrive(retry(), 0, LATER);
    assert!(is_out_of_order(&part));
    assert_eq!(offered(&mut part, 0), (Some(2), None, Some(100)));
}

#[test]
fn nothing_of_a_key_without_callbacks_is_kept() {
    let mut part = part();
    let mut own = job(Lane::New, 1, Meta::default());
    own.meta.order = None;
    part.arrive(own.clone(), 0, LATER);
    part.start(own.place, 7).unwrap();
    part.expect(&own, 1, expected());
    part.end(own.place).unwrap();
    assert_eq!(part.keys(), []);
}

#[test]
fn what_could_not_be_stored_is_offered_as_before() {
    let (mut part, first) = with_one_that_runs();
    part.expect(&first, 1, expected());
    part.expect_no_more(&first, 1);
    part.release(first.place).unwrap();
    assert_eq!(offered(&mut part, 0), (Some(1), None, None));
    assert!(part.expected.is_empty());

    let mut part = with_retry(10, 50);
    part.start(retry().place, 7).unwrap();
    let running = part.job(retry().place).unwrap().clone();
    part.expect(&running, 2, expected());
    part.expect_no_more(&running, 2);
    part.release(retry().place).unwrap();
    assert_eq!(offered(&mut part, 10), (None, Some(1), None));
    // It blocks its key for as long as before.
    assert_eq!(part.keys().len(), 1);
    assert_eq!(part.keys.values().next().unwrap().head.as_ref().unwrap().aside, 50);
}

#[test]
fn a_retry_that_was_read_blocks_its_key_however_long_it_waits() {
    let mut part = with_retry(10, 50);
    assert_eq!(part.expect_no_longer_than(Duration::ZERO), []);
    assert_eq!(offered(&mut part, 0), (None, None, Some(10)));
}
