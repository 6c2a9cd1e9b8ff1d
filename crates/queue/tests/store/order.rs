//! Callbacks of one order key, one after another.

use tencent_im_callback_queue::Filter;
use tencent_im_callback_queue::store::DeadReason;

use crate::Make;
use crate::common::{Clock, MINUTE, SECOND, add, claim, claim_one, entry, texts};

pub(crate) async fn a_retry_is_not_overtaken_by_its_successor(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    for (text, conversation) in [("a1", "a"), ("b1", "b"), ("a2", "a"), ("b2", "b"), ("a3", "a")] {
        add(&*store, entry(text, Some(conversation))).await;
    }
    let claimed = claim(&*store, 10).await;
    assert_eq!(texts(&claimed), ["a1", "b1"]);
    store.retry(claimed[0].claim, "no".to_owned(), 60 * SECOND).await.unwrap();
    store.complete(claimed[1].claim).await.unwrap();
    let claimed = claim(&*store, 10).await;
    assert_eq!(texts(&claimed), ["b2"]);
    clock.forward(59 * SECOND);
    assert!(claim(&*store, 10).await.is_empty());
    clock.forward(SECOND);
    for expected in ["a1", "a2", "a3"] {
        let claimed = claim(&*store, 10).await;
        assert_eq!(texts(&claimed), [expected]);
        assert!(!claimed[0].delivery.out_of_order);
        store.complete(claimed[0].claim).await.unwrap();
    }
}

pub(crate) async fn one_of_a_key_at_a_time_in_batches_too(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    for number in 0..30 {
        let conversation = (number % 3).to_string();
        add(&*store, entry(&number.to_string(), Some(&conversation))).await;
    }
    for round in 0..10 {
        let claimed = claim(&*store, 100).await;
        let expected: Vec<_> = (0..3).map(|key| (round * 3 + key).to_string()).collect();
        assert_eq!(texts(&claimed), expected);
        for claimed in claimed {
            assert!(claimed.delivery.order_key.is_some());
            store.complete(claimed.claim).await.unwrap();
        }
    }
}

pub(crate) async fn after_max_block_the_head_steps_aside(make: &Make, clock: Clock) {
    let store = make(clock.options().max_block(5 * MINUTE)).await;
    add(&*store, entry("a1", Some("a"))).await;
    add(&*store, entry("a2", Some("a"))).await;
    for _ in 0..4 {
        let claimed = claim(&*store, 10).await;
        assert_eq!(texts(&claimed), ["a1"]);
        store.retry(claimed[0].claim, "no".to_owned(), MINUTE).await.unwrap();
        clock.forward(MINUTE);
    }
    let claimed = claim(&*store, 10).await;
    assert_eq!(texts(&claimed), ["a1"]);
    store.retry(claimed[0].claim, "no".to_owned(), 10 * MINUTE).await.unwrap();
    clock.forward(59 * SECOND);
    assert!(claim(&*store, 10).await.is_empty());
    clock.forward(SECOND);
    // Five minutes since the first failure: the wait for the retry is not over, and holds up
    // nobody.
    let claimed = claim(&*store, 10).await;
    assert_eq!(texts(&claimed), ["a2"]);
    assert!(!claimed[0].delivery.out_of_order);
    clock.forward(10 * MINUTE);
    // Due, but never two of a key at a time.
    assert!(claim(&*store, 10).await.is_empty());
    store.complete(claimed[0].claim).await.unwrap();
    let claimed = claim(&*store, 10).await;
    assert_eq!(texts(&claimed), ["a1"]);
    assert!(claimed[0].delivery.out_of_order);
    assert_eq!(claimed[0].delivery.attempt, 6);
}

pub(crate) async fn a_head_that_is_running_steps_aside_when_it_fails(make: &Make, clock: Clock) {
    let store = make(clock.options().max_block(MINUTE)).await;
    add(&*store, entry("a1", Some("a"))).await;
    add(&*store, entry("a2", Some("a"))).await;
    let claimed = claim_one(&*store).await;
    store.retry(claimed.claim, "no".to_owned(), SECOND).await.unwrap();
    clock.forward(SECOND);
    let claimed = claim_one(&*store).await;
    clock.forward(2 * MINUTE);
    assert!(claim(&*store, 10).await.is_empty());
    store.retry(claimed.claim, "no".to_owned(), SECOND).await.unwrap();
    assert_eq!(texts(&claim(&*store, 10).await), ["a2"]);
}

pub(crate) async fn a_requeued_dead_letter_waits_for_its_key(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    let id = add(&*store, entry("a1", Some("a"))).await;
    let claimed = claim_one(&*store).await;
    store.bury(claimed.claim, "no".to_owned(), DeadReason::Attempts).await.unwrap();
    add(&*store, entry("a2", Some("a"))).await;
    add(&*store, entry("a3", Some("a"))).await;
    let running = claim_one(&*store).await;
    store.requeue(id).await.unwrap();
    assert!(claim(&*store, 10).await.is_empty());
    store.complete(running.claim).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let claimed = claim(&*store, 10).await;
        assert_eq!(claimed.len(), 1);
        seen.push(claimed[0].payload.clone().unwrap());
        store.complete(claimed[0].claim).await.unwrap();
    }
    seen.sort();
    assert_eq!(seen, ["a1", "a3"]);
}

pub(crate) async fn many_requeued_of_one_key_all_come(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    for number in 0..20 {
        add(&*store, entry(&number.to_string(), Some("k"))).await;
    }
    for _ in 0..10 {
        let claimed = claim_one(&*store).await;
        store.bury(claimed.claim, String::new(), DeadReason::Attempts).await.unwrap();
    }
    for record in store.list(Filter::dead(), None, 100).await.unwrap() {
        store.requeue(record.id).await.unwrap();
    }
    let mut seen = Vec::new();
    loop {
        let mut claimed = claim(&*store, 10).await;
        assert!(claimed.len() <= 1);
        let Some(claimed) = claimed.pop() else { break };
        seen.push(claimed.payload.unwrap().parse::<u32>().unwrap());
        store.complete(claimed.claim).await.unwrap();
    }
    let in_order: Vec<_> = seen.iter().copied().filter(|number| *number >= 10).collect();
    assert_eq!(in_order, (10..20).collect::<Vec<_>>());
    seen.sort_unstable();
    assert_eq!(seen, (0..20).collect::<Vec<_>>());
}

pub(crate) async fn purging_a_blocking_head_frees_its_key(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    add(&*store, entry("old", Some("a"))).await;
    clock.forward(60 * MINUTE);
    add(&*store, entry("new", Some("a"))).await;
    let claimed = claim(&*store, 10).await;
    store.retry(claimed[0].claim, "no".to_owned(), 2 * MINUTE).await.unwrap();
    assert!(claim(&*store, 10).await.is_empty());
    assert_eq!(store.purge(Filter::waiting().older_than(30 * MINUTE)).await.unwrap(), 1);
    assert_eq!(texts(&claim(&*store, 10).await), ["new"]);
}
