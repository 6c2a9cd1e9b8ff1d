//! Partitions that come and go, and what is read of them.

use super::*;

#[test]
fn what_an_earlier_time_still_says_does_nothing() {
    let (mut state, _) = state();
    let (old, _) = owned(&mut state, 0);
    let (new, _) = owned(&mut state, 0);
    assert_ne!(old, new);
    state.disown(0, old);
    state.arrive(0, old, job(Lane::New, 1, None));
    assert_eq!(state.parts().count(), 1);
    assert_eq!(taken(&mut state, 2), [0; 0]);
    state.arrive(0, new, job(Lane::New, 1, None));
    assert_eq!(taken(&mut state, 2), [1]);
    state.disown(0, new);
    assert_eq!(state.parts().count(), 0);
}

#[test]
fn what_was_read_before_all_is_known_starts_as_soon_as_it_is() {
    let (mut state, _) = state();
    let epoch = state.own(0, lease());
    state.arrive(0, epoch, job(Lane::New, 1, None));
    state.arrive(0, epoch, retry(2, 0, None));
    assert_eq!(taken(&mut state, 2), [0; 0]);
    state.settled(0, epoch, Settled::Retries);
    assert_eq!(taken(&mut state, 2), [1002]);
    state.settled(0, epoch, Settled::All);
    assert_eq!(taken(&mut state, 2), [1]);
}

/// What was offered before may not start until all retries are known again.
#[test]
fn nothing_starts_while_the_lanes_are_read_anew() {
    let (mut state, _) = state();
    let (epoch, _) = owned(&mut state, 0);
    state.arrive(0, epoch, job(Lane::New, 1, None));
    state.arrive(0, epoch, retry(2, 0, None));
    state.read_anew(0, epoch);
    assert_eq!(taken(&mut state, 2), [0; 0]);
    state.settled(0, epoch, Settled::All);
    assert_eq!(taken(&mut state, 2), [1, 1002]);
}

#[test]
fn nothing_starts_while_a_partition_is_handed_over() {
    let (mut state, _) = state();
    let (epoch, lease) = owned(&mut state, 0);
    state.arrive(0, epoch, job(Lane::New, 1, None));
    lease.drain();
    assert_eq!(taken(&mut state, 2), [0; 0]);
}

#[test]
fn what_could_not_start_since_the_lease_was_over_starts_when_it_is_renewed() {
    let (mut state, _) = state();
    let (epoch, lease) = owned(&mut state, 0);
    state.arrive(0, epoch, job(Lane::New, 1, None));
    lease.extend(Instant::now());
    assert_eq!(taken(&mut state, 2), [0; 0]);
    lease.extend(Instant::now() + Duration::from_secs(60));
    assert_eq!(taken(&mut state, 2), [1]);
}

#[test]
fn a_purge_takes_those_that_it_names_and_not_what_runs() {
    let (mut state, _) = state();
    let (epoch, _) = owned(&mut state, 1);
    state.arrive(1, epoch, retry(1, 1000, Some("key")));
    for sequence in [1, 2, 3] {
        state.arrive(1, epoch, job(Lane::New, sequence, Some("key")));
    }
    let waiting = |state: &State| state.parts().map(|(_, part)| part.jobs().count()).sum::<usize>();
    state.purged(Lane::New, &HashSet::from([2]));
    assert_eq!(waiting(&state), 3);
    assert_eq!(taken(&mut state, 2), [0; 0]);
    // What it has blocked starts.
    state.purged(Lane::Retry, &HashSet::from([1]));
    assert_eq!(waiting(&state), 2);
    assert_eq!(taken(&mut state, 2), [1]);
    state.purged(Lane::New, &HashSet::from([1]));
    assert!(state.is_running(Lane::New, 1));
    assert_eq!(waiting(&state), 2);
}

#[test]
fn what_an_expected_retry_that_was_deleted_has_blocked_starts() {
    let (mut state, _) = state();
    let (epoch, _) = owned(&mut state, 0);
    for sequence in [1, 2] {
        state.arrive(0, epoch, job(Lane::New, sequence, Some("key")));
    }
    let claim = take_one(&mut state);
    let expected = super::super::super::part::Expected { due: 0, aside: 5000, out_of_order: false };
    let first = state.held(claim).unwrap().job;
    state.part_of(claim).unwrap().expect(&first, 1, expected);
    state.end(claim);
    assert_eq!(taken(&mut state, 2), [0; 0]);
    state.expect_no_longer_than(0, epoch + 1, Duration::ZERO);
    assert_eq!(taken(&mut state, 2), [0; 0]);
    state.expect_no_longer_than(0, epoch, Duration::ZERO);
    assert_eq!(taken(&mut state, 2), [2]);
}
