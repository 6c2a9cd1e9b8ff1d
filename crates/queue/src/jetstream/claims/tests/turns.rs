//! Which one is next, and when.

use super::*;

#[test]
fn new_ones_and_retries_take_turns() {
    let (mut state, _) = state();
    let (epoch, _) = owned(&mut state, 0);
    for sequence in [1, 2, 3, 4] {
        state.arrive(0, epoch, job(Lane::New, sequence, None));
        state.arrive(0, epoch, retry(10 + sequence, 0, None));
    }
    assert_eq!(taken(&mut state, 2), [1, 1011]);
    assert_eq!(taken(&mut state, 2), [2, 1012]);
    // In the order of acceptance, whatever is first in turn.
    assert_eq!(taken(&mut state, 9), [3, 4, 1013, 1014]);
}

#[test]
fn while_there_are_only_new_ones_or_only_retries_there_are_no_gaps() {
    let (mut state, _) = state();
    let (epoch, _) = owned(&mut state, 0);
    for sequence in [1, 2, 3] {
        state.arrive(0, epoch, job(Lane::New, sequence, None));
    }
    assert_eq!(taken(&mut state, 1), [1]);
    assert_eq!(taken(&mut state, 9), [2, 3]);
    for sequence in [1, 2, 3] {
        state.arrive(0, epoch, retry(sequence, 0, None));
    }
    assert_eq!(taken(&mut state, 1), [1001]);
    assert_eq!(taken(&mut state, 9), [1002, 1003]);
}

#[test]
fn retries_start_when_they_are_due() {
    let (mut state, time) = state();
    let (epoch, _) = owned(&mut state, 0);
    assert_eq!(state.next_wake(), None);
    // Three at the same time.
    for first in [1, 2, 3] {
        state.arrive(0, epoch, retry(first, 500, None));
    }
    assert_eq!(taken(&mut state, 9), [0; 0]);
    assert_eq!(state.next_wake(), Some(500));
    time.store(1499, Ordering::SeqCst);
    assert_eq!(taken(&mut state, 9), [0; 0]);
    assert_eq!(state.next_wake(), Some(1));
    time.store(1500, Ordering::SeqCst);
    assert_eq!(state.next_wake(), Some(1));
    assert_eq!(taken(&mut state, 9), [1001, 1002, 1003]);
    assert_eq!(state.next_wake(), None);
}

#[test]
fn two_that_were_offered_of_a_key_do_not_start_at_once() {
    let (mut state, _) = state();
    let (epoch, _) = owned(&mut state, 0);
    let mut one = retry(1, 0, Some("key"));
    one.meta.out_of_order = true;
    state.arrive(0, epoch, one);
    state.arrive(0, epoch, job(Lane::New, 2, Some("key")));
    let first = take_one(&mut state);
    assert_eq!(taken(&mut state, 2), [0; 0]);
    state.end(first);
    assert_eq!(state.take(2).len(), 1);
}

#[test]
fn no_more_are_taken_than_were_asked_for() {
    let (mut state, _) = state();
    let (epoch, _) = owned(&mut state, 0);
    for sequence in 1..=5 {
        state.arrive(0, epoch, job(Lane::New, sequence, None));
    }
    assert_eq!(state.take(2).len(), 2);
    assert_eq!(state.take(0).len(), 0);
    assert_eq!(state.take(9).len(), 3);
}
