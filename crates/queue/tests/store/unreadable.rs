//! Callbacks whose body cannot be read.

use tencent_im_callback::OrderKey;
use tencent_im_callback_queue::store::{Appended, DeadReason};
use tencent_im_callback_queue::{Filter, Record, Stats};

use crate::Make;
use crate::common::{Clock, MINUTE, SECOND, add, claim, claim_one, entry, is_lost, keyed, texts};

/// Number, bytes, and how many were dropped.
fn unreadable(stats: &Stats) -> (u64, u64, u64) {
    (stats.unreadable, stats.unreadable_bytes, stats.dropped)
}

pub(crate) async fn unreadable_ones_of_unsigned_apps_are_kept_up_to_a_bound(
    make: &Make,
    clock: Clock,
) {
    let store = make(clock.options().max_unreadable_bytes(10)).await;
    for text in ["four", "sixsix", "1", "longer than the bound", "", "signed"] {
        add(&*store, entry(text, None)).await;
    }
    let claimed = claim(&*store, 10).await;
    let error = || "no".to_owned();
    let mut kept = Vec::new();
    for claimed in &claimed[..5] {
        kept.push(store.bury_unsigned(claimed.claim, error()).await.unwrap());
        assert!(is_lost(store.bury_unsigned(claimed.claim, error()).await.map(drop)));
    }
    assert_eq!(kept, [true, true, false, false, true]);
    let stats = store.stats().await.unwrap();
    assert_eq!(unreadable(&stats), (3, 10, 2));
    assert_eq!((stats.dead, stats.buried, stats.completed), (3, 3, 0));
    assert_eq!((stats.waiting, stats.running), (1, 1));
    // That of a signed app is kept.
    let reason = DeadReason::BodyUnreadable;
    store.bury(claimed[5].claim, error(), reason).await.unwrap();
    let stats = store.stats().await.unwrap();
    assert_eq!(unreadable(&stats), (4, 16, 2));
    let letters = store.list(Filter::dead(), None, 10).await.unwrap();
    let payloads: Vec<_> = letters.iter().map(Record::payload).collect();
    assert_eq!(payloads, ["four", "sixsix", "", "signed"]);
    assert!(letters.iter().all(|letter| letter.death.unwrap().reason == reason));
    assert_eq!(letters[0].error.as_deref(), Some("no"));
}

pub(crate) async fn a_dropped_one_is_remembered_and_blocks_nobody(make: &Make, clock: Clock) {
    let options = clock.options().max_unreadable_bytes(0).dedup_window(MINUTE);
    let store = make(options).await;
    let mut first = keyed("a", "a");
    first.order_key = Some(OrderKey::new("k"));
    let id = add(&*store, first).await;
    add(&*store, entry("b", Some("k"))).await;
    let claimed = claim_one(&*store).await;
    store.retry(claimed.claim, String::new(), SECOND).await.unwrap();
    clock.forward(SECOND);
    let claimed = claim_one(&*store).await;
    assert!(!store.bury_unsigned(claimed.claim, String::new()).await.unwrap());
    let again = async || store.append(keyed("a", "a"), SECOND).await.unwrap();
    assert_eq!(again().await, Appended::Duplicate(id));
    assert_eq!(texts(&claim(&*store, 10).await), ["b"]);
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.waiting, stats.retrying, stats.dead, stats.bytes), (1, 0, 0, 1));
    clock.forward(MINUTE);
    assert!(matches!(again().await, Appended::Stored(_)));
}

pub(crate) async fn unreadable_dead_letters_are_counted_apart(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    let reasons = [DeadReason::BodyUnreadable, DeadReason::Permanent, DeadReason::BodyUnreadable];
    for text in ["1", "22", "333"] {
        add(&*store, entry(text, None)).await;
    }
    let claimed = claim(&*store, 10).await;
    for (claimed, reason) in claimed.iter().zip(reasons) {
        store.bury(claimed.claim, String::new(), reason).await.unwrap();
    }
    let now = async || unreadable(&store.stats().await.unwrap());
    assert_eq!(now().await, (2, 4, 0));
    store.requeue(claimed[1].claim.id()).await.unwrap();
    assert_eq!(now().await, (2, 4, 0));
    store.requeue(claimed[2].claim.id()).await.unwrap();
    assert_eq!(now().await, (1, 1, 0));
    assert_eq!(store.purge(Filter::waiting()).await.unwrap(), 2);
    assert_eq!(now().await, (1, 1, 0));
    assert_eq!(store.purge(Filter::dead()).await.unwrap(), 1);
    assert_eq!(now().await, (0, 0, 0));
    // There is room again.
    assert_eq!(store.stats().await.unwrap().dead, 0);
}
