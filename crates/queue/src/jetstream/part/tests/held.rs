//! What is held, what is known of it, and how much more is asked for.

use super::*;

#[test]
fn no_more_messages_are_asked_for_than_may_be_held() {
    let mut part = part();
    for sequence in 1..=WINDOW as u64 {
        part.arrive(job(Lane::New, sequence, Meta::default()), 0, LATER);
    }
    assert_eq!((part.room(Lane::New), part.room(Lane::Retry)), (0, WINDOW));
    part.forget(place(Lane::New, 1)).unwrap();
    assert_eq!(part.room(Lane::New), 1);
}

#[test]
fn no_more_is_asked_for_while_many_bytes_are_held() {
    let mut part = part();
    let payload = Bytes::from(vec![0; 1 << 20]);
    for sequence in 1..=65 {
        assert!(part.room(Lane::New) > 0, "{sequence}");
        let payload = payload.clone();
        part.arrive(Job { payload, ..job(Lane::New, sequence, Meta::default()) }, 0, LATER);
    }
    assert_eq!(part.room(Lane::New), 0);
    part.forget(place(Lane::New, 65)).unwrap();
    assert!(part.room(Lane::New) > 0);
}

#[test]
fn when_the_lanes_are_read_anew_nothing_counts_as_read() {
    let mut part = part();
    let one = place(Lane::New, 1);
    let other = place(Lane::New, 2);
    part.reading = 5;
    for place in [one, other] {
        part.arrive(job(place.lane, place.at.sequence, Meta::default()), 0, LATER);
    }
    assert_eq!((part.load(Lane::New).read, part.load(Lane::New).taken), (2, 2));
    part.read_anew(6);
    assert!(part.settled == Settled::Nothing);
    assert_eq!(part.load(Lane::New).read, 0);
    assert_eq!(part.job(one).unwrap().reading, 5);
    // It is there still. Of the other one that is not known.
    assert!(part.arrive(job(Lane::New, 1, Meta::default()), 0, LATER).is_empty());
    assert_eq!((part.job(one).unwrap().reading, part.job(other).unwrap().reading), (6, 5));
    assert_eq!(part.load(Lane::New).read, 1);
}

#[test]
fn what_is_read_again_while_it_runs_still_runs() {
    let (mut part, first) = with_one_that_runs();
    assert!(part.arrive(first.clone(), 0, LATER).is_empty());
    assert_eq!(part.job(first.place).unwrap().running, Some(7));
    assert_eq!((part.load(Lane::New).held, part.load(Lane::New).taken), (2, 2));
    assert!(part.offer(first.key(), 0).new.is_none());
    assert!(part.forget(first.place).is_none());
}

#[test]
fn what_was_given_back_is_offered_again() {
    let (mut part, first) = with_one_that_runs();
    assert_eq!(part.release(first.place), Some(first.key()));
    assert_eq!(part.job(first.place).unwrap().running, None);
    assert_eq!(part.offer(first.key(), 0).new, Some(first.place));
    assert!(part.forget(first.place).is_some());
}

#[test]
fn what_has_ended_and_is_read_again_is_deleted_again() {
    let (mut part, first) = with_one_that_runs();
    assert_eq!(part.end(first.place), Some(first.key()));
    assert_eq!(part.end(first.place), None);
    assert_eq!(part.offer(first.key(), 0).new, Some(place(Lane::New, 2)));
    assert_eq!(places(&part.arrive(first.clone(), 0, LATER)), [first.place]);
    part.forget(place(Lane::New, 2)).unwrap();
    assert_eq!(part.keys(), []);
}

#[test]
fn of_what_has_ended_the_last_ones_are_remembered() {
    let mut part = part();
    let all = REMEMBERED as u64 + 1;
    for sequence in 1..=all {
        part.remember(place(Lane::New, sequence));
    }
    for (sequence, is_known) in [(1, false), (2, true), (all, true)] {
        let over = part.arrive(job(Lane::New, sequence, Meta::default()), 0, LATER);
        assert_eq!(over.len() == 1, is_known, "{sequence}");
    }
    assert_eq!((part.ended.0.len(), part.ended.1.len()), (REMEMBERED, REMEMBERED));
}

/// A newer retry of the one that runs was stored and purged.
#[test]
fn while_one_of_a_key_runs_no_other_starts_even_if_nothing_else_of_it_is_held() {
    let mut part = part();
    part.arrive(retry(), 0, LATER);
    part.start(retry().place, 7).unwrap();
    part.expect(&retry(), 2, expected());
    let newer = again(2, 2);
    part.arrive(newer.clone(), 0, LATER);
    part.forget(newer.place).unwrap();
    part.arrive(job(Lane::New, 3, Meta::default()), 0, LATER);
    assert!(part.offer(retry().key(), 0).new.is_none());
}
