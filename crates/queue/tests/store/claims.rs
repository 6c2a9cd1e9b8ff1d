//! Claims: in which order, how often, until when.

use std::time::Duration;

use tencent_im_callback_queue::QueueError;
use tencent_im_callback_queue::store::{Appended, DeadReason};

use crate::Make;
use crate::common::{Clock, SECOND, add, claim, claim_one, entry, is_lost, keyed, texts};

pub(crate) async fn callbacks_come_in_the_order_of_acceptance(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    for number in 0..10 {
        add(&*store, entry(&number.to_string(), None)).await;
    }
    assert_eq!(texts(&claim(&*store, 3).await), ["0", "1", "2"]);
    assert_eq!(texts(&claim(&*store, 100).await), ["3", "4", "5", "6", "7", "8", "9"]);
    assert!(claim(&*store, 100).await.is_empty());
    assert!(claim(&*store, 0).await.is_empty());
}

pub(crate) async fn a_callback_is_claimed_once_and_gone_when_completed(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    let id = add(&*store, entry("a", None)).await;
    let claimed = claim_one(&*store).await;
    assert_eq!((claimed.delivery.id, claimed.delivery.attempt), (id, 1));
    assert_eq!(claimed.delivery.accepted_at, clock.now());
    assert!(claim(&*store, 1).await.is_empty());
    store.extend(claimed.claim).await.unwrap();
    store.complete(claimed.claim).await.unwrap();
    assert!(claim(&*store, 1).await.is_empty());
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.waiting, stats.completed), (0, 1));
}

pub(crate) async fn claims_are_fenced(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    add(&*store, entry("a", None)).await;
    let first = claim_one(&*store).await.claim;
    store.retry(first, "no".to_owned(), Duration::ZERO).await.unwrap();
    let second = claim_one(&*store).await.claim;
    assert!(is_lost(store.complete(first).await));
    assert!(is_lost(store.retry(first, String::new(), SECOND).await));
    assert!(is_lost(store.bury(first, String::new(), DeadReason::Permanent).await));
    assert!(is_lost(store.extend(first).await));
    store.release(first);
    assert!(claim(&*store, 1).await.is_empty());
    store.release(second);
    assert!(is_lost(store.complete(second).await));
    let third = claim_one(&*store).await.claim;
    store.complete(third).await.unwrap();
    assert!(is_lost(store.complete(third).await));
    assert!(is_lost(store.bury(third, String::new(), DeadReason::Permanent).await));
}

pub(crate) async fn a_released_claim_is_no_attempt(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    add(&*store, entry("a", Some("k"))).await;
    add(&*store, entry("b", Some("k"))).await;
    for _ in 0..3 {
        let claimed = claim(&*store, 10).await;
        assert_eq!(texts(&claimed), ["a"]);
        assert_eq!(claimed[0].delivery.attempt, 1);
        store.release(claimed[0].claim);
    }
    let claimed = claim_one(&*store).await;
    store.complete(claimed.claim).await.unwrap();
    assert_eq!(texts(&claim(&*store, 10).await), ["b"]);
}

pub(crate) async fn a_waiting_claim_is_woken_by_an_append_a_completion_and_time(
    make: &Make,
    clock: Clock,
) {
    let store = make(clock.options()).await;
    let (claimed, _) =
        tokio::join!(store.claim(1, 30 * SECOND), add(&*store, entry("a", Some("k"))));
    let first = claimed.unwrap().remove(0);
    add(&*store, entry("b", Some("k"))).await;
    let (claimed, completed) =
        tokio::join!(store.claim(1, 30 * SECOND), store.complete(first.claim));
    completed.unwrap();
    let second = claimed.unwrap().remove(0);
    store.retry(second.claim, String::new(), 5 * SECOND).await.unwrap();
    let (claimed, ()) = tokio::join!(store.claim(1, 30 * SECOND), async {
        tokio::task::yield_now().await;
        clock.forward(5 * SECOND);
    });
    assert_eq!(texts(&claimed.unwrap()), ["b"]);
    assert!(store.claim(1, Duration::from_millis(1)).await.unwrap().is_empty());
}

pub(crate) async fn a_dropped_claim_gives_back(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    for round in 0..50_u32 {
        let text = round.to_string();
        // Dropped at some point: before it is sent, before it is answered, or with the answer on
        // its way.
        let waiting = async {
            for claimed in store.claim(10, 30 * SECOND).await.unwrap() {
                store.release(claimed.claim);
            }
        };
        let patience = Duration::from_micros(u64::from(round) * 20);
        let (_, id) = tokio::join!(
            tokio::time::timeout(patience, waiting),
            add(&*store, entry(&text, Some("k")))
        );
        let claimed = store.claim(1, 30 * SECOND).await.unwrap().remove(0);
        assert_eq!((claimed.delivery.id, claimed.delivery.attempt), (id, 1));
        store.complete(claimed.claim).await.unwrap();
    }
}

pub(crate) async fn the_clock_may_jump_back(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    add(&*store, keyed("a", "k")).await;
    let claimed = claim_one(&*store).await;
    store.retry(claimed.claim, String::new(), 10 * SECOND).await.unwrap();
    clock.back(3600 * SECOND);
    assert!(claim(&*store, 1).await.is_empty());
    clock.forward(9 * SECOND);
    assert!(claim(&*store, 1).await.is_empty());
    clock.forward(SECOND);
    let claimed = claim_one(&*store).await;
    store.complete(claimed.claim).await.unwrap();
    assert!(matches!(store.append(keyed("a", "k"), SECOND).await, Ok(Appended::Duplicate(_))));
}

pub(crate) async fn counts(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    assert_eq!(store.stats().await.unwrap().oldest, None);
    let start = clock.now();
    for number in 0..4 {
        add(&*store, keyed("four", &number.to_string())).await;
        clock.forward(SECOND);
    }
    store.append(keyed("four", "0"), SECOND).await.unwrap();
    let claimed = claim(&*store, 3).await;
    store.retry(claimed[0].claim, String::new(), SECOND).await.unwrap();
    store.bury(claimed[1].claim, String::new(), DeadReason::Attempts).await.unwrap();
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.waiting, stats.running, stats.retrying, stats.dead), (3, 1, 1, 1));
    assert_eq!(stats.oldest, Some(start));
    assert_eq!((stats.accepted, stats.duplicates), (4, 1));
    assert_eq!((stats.completed, stats.retried, stats.buried), (0, 1, 1));
}

pub(crate) async fn closed_is_closed(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    add(&*store, entry("a", None)).await;
    let claimed = claim_one(&*store).await;
    store.close().await.unwrap();
    assert!(matches!(store.append(entry("a", None), SECOND).await, Err(QueueError::Closed)));
    assert!(matches!(store.complete(claimed.claim).await, Err(QueueError::Closed)));
    assert!(matches!(store.claim(1, SECOND).await, Err(QueueError::Closed)));
    assert!(matches!(store.stats().await, Err(QueueError::Closed)));
    assert!(matches!(store.close().await, Err(QueueError::Closed)));
    store.release(claimed.claim);
}
