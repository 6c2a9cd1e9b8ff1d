//! Retries that are read, and what else of the same callback is there.

use super::*;

/// The retry of another callback of the same key.
fn of_another(sequence: u64) -> Job {
    let first = Some(Position { sequence: 100, stored: 100 });
    job(Lane::Retry, sequence, Meta { first, attempts: 1, ..Meta::default() })
}

#[test]
fn an_attempt_that_failed_is_deleted_before_and_after_its_retry_is_read() {
    let mut part = part();
    for sequence in [1, 2] {
        part.arrive(job(Lane::New, sequence, Meta::default()), 0, LATER);
    }
    assert_eq!(places(&part.arrive(retry(), 0, LATER)), [place(Lane::New, 1)]);
    // The other one of the key stays.
    assert!(part.job(place(Lane::New, 2)).is_some());
    let first = job(Lane::New, 1, Meta::default());
    assert_eq!(places(&part.arrive(first, 0, LATER)), [place(Lane::New, 1)]);
    assert!(part.job(retry().place).is_some());
}

#[test]
fn of_two_retries_of_a_callback_the_older_one_is_deleted() {
    let mut part = part();
    part.arrive(again(2, 2), 0, LATER);
    // Stored twice, or read late.
    for older in [again(3, 2), again(4, 1)] {
        assert_eq!(places(&part.arrive(older.clone(), 0, LATER)), [older.place]);
    }
    assert_eq!(places(&part.arrive(again(5, 3), 0, LATER)), [place(Lane::Retry, 2)]);
    assert!(!part.job(place(Lane::Retry, 5)).unwrap().meta.out_of_order, "its own is no other");
    assert_eq!(retry_at(&mut part, 0), Some(place(Lane::Retry, 5)));
    assert_eq!(part.load(Lane::Retry).held, 1);
}

#[test]
fn an_attempt_that_runs_is_not_deleted_when_its_retry_is_read() {
    let mut part = part();
    part.arrive(again(1, 1), 0, LATER);
    part.start(place(Lane::Retry, 1), 7).unwrap();
    assert!(part.arrive(again(2, 2), 0, LATER).is_empty());
    // And its end leaves what is known of the newer one.
    part.end(place(Lane::Retry, 1)).unwrap();
    assert_eq!(places(&part.arrive(again(3, 2), 0, LATER)), [place(Lane::Retry, 3)]);
    assert_eq!(retry_at(&mut part, 0), Some(place(Lane::Retry, 2)));
}

#[test]
fn a_retry_that_was_purged_may_come_again() {
    let mut part = part();
    part.arrive(retry(), 0, LATER);
    part.forget(retry().place).unwrap();
    assert!(part.arrive(again(2, 1), 0, LATER).is_empty());
    assert_eq!(retry_at(&mut part, 0), Some(place(Lane::Retry, 2)));
}

#[test]
fn when_a_retry_is_due_is_what_this_worker_has_said() {
    let (mut part, first) = with_one_that_runs();
    part.expect(&first, 1, Expected { due: 10, aside: 500, out_of_order: false });
    part.arrive(retry(), 1000, LATER);
    let read = part.job(retry().place).unwrap();
    assert_eq!((read.due, read.aside, read.meta.out_of_order), (10, Some(500), false));
    assert!(part.expected.is_empty());
}

/// `blocked` and `delay` are times. When they began is not known.
#[test]
fn a_retry_of_the_owner_before_waits_and_blocks_for_the_rest_of_its_time() {
    for (delay, out_of_order) in [(69, false), (70, true), (71, true)] {
        let mut part = part();
        let mut retry = retry();
        (retry.meta.delay, retry.meta.blocked) = (delay, 30);
        part.arrive(retry.clone(), 1000, 100);
        let read = part.job(retry.place).unwrap();
        assert_eq!((read.due, read.aside), (1000 + delay, Some(1070)));
        assert_eq!(read.meta.out_of_order, out_of_order, "{delay}");
        part.arrive(job(Lane::New, 2, Meta::default()), 1000, 100);
        assert_eq!(part.offer(retry.key(), 1000).new.is_some(), out_of_order);
    }
}

#[test]
fn only_one_retry_blocks_a_key() {
    let mut part = part();
    part.arrive(retry(), 0, LATER);
    part.arrive(of_another(2), 0, LATER);
    assert!(!part.job(retry().place).unwrap().meta.out_of_order);
    assert!(part.job(place(Lane::Retry, 2)).unwrap().meta.out_of_order);
    assert_eq!(retry_at(&mut part, 0), Some(retry().place));
    part.start(retry().place, 7).unwrap();
    part.end(retry().place).unwrap();
    assert_eq!(retry_at(&mut part, 0), Some(place(Lane::Retry, 2)));
    part.forget(place(Lane::Retry, 2)).unwrap();
    assert_eq!(part.keys(), []);
}

#[test]
fn a_retry_without_an_order_key_is_known_as_the_attempt_that_failed() {
    let mut part = part();
    let mut jobs = [job(Lane::New, 5, Meta::default()), retry()];
    jobs[1].meta.first = Some(jobs[0].place.at);
    for job in &mut jobs {
        job.meta.order = None;
    }
    let [new, retry] = jobs;
    assert!(part.arrive(new.clone(), 0, LATER).is_empty());
    assert_eq!(places(&part.arrive(retry, 0, LATER)), [new.place]);
    assert_eq!(part.keys(), [new.key()]);
}

#[test]
fn a_requeued_callback_begins_anew() {
    let mut part = part();
    part.arrive(again(1, 3), 0, LATER);
    let meta = Meta { generation: 1, attempts: 0, out_of_order: true, ..retry().meta };
    let requeued = job(Lane::Retry, 2, meta);
    assert!(part.arrive(requeued, 0, LATER).is_empty());
    assert_eq!(part.load(Lane::Retry).held, 2);
}
