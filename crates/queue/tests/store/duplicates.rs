//! Repeats of a callback.

use tencent_im_callback_queue::Filter;
use tencent_im_callback_queue::store::{Appended, DeadReason};

use crate::Make;
use crate::common::{Clock, MINUTE, SECOND, add, claim, claim_one, keyed, texts};

pub(crate) async fn repeats_are_duplicates_until_the_window_after_completion_is_over(
    make: &Make,
    clock: Clock,
) {
    let store = make(clock.options().dedup_window(10 * MINUTE)).await;
    let id = add(&*store, keyed("a", "k")).await;
    let again = async || store.append(keyed("b", "k"), SECOND).await.unwrap();
    clock.forward(60 * MINUTE);
    assert_eq!(again().await, Appended::Duplicate(id));
    let claimed = claim_one(&*store).await;
    assert_eq!(again().await, Appended::Duplicate(id));
    store.complete(claimed.claim).await.unwrap();
    clock.forward(9 * MINUTE);
    assert_eq!(again().await, Appended::Duplicate(id));
    clock.forward(MINUTE);
    let Appended::Stored(second) = again().await else { panic!("still a duplicate") };
    assert_ne!(second, id);
    assert_eq!(texts(&claim(&*store, 10).await), ["b"]);
    assert_eq!(again().await, Appended::Duplicate(second));
    add(&*store, keyed("c", "other")).await;
    assert_eq!(store.stats().await.unwrap().duplicates, 4);
}

pub(crate) async fn repeats_of_dead_letters_are_duplicates(make: &Make, clock: Clock) {
    let store = make(clock.options().dedup_window(MINUTE)).await;
    let id = add(&*store, keyed("a", "k")).await;
    let claimed = claim_one(&*store).await;
    store.bury(claimed.claim, "no".to_owned(), DeadReason::Permanent).await.unwrap();
    clock.forward(60 * MINUTE);
    let again = async || store.append(keyed("b", "k"), SECOND).await.unwrap();
    assert_eq!(again().await, Appended::Duplicate(id));
    assert_eq!(store.purge(Filter::dead()).await.unwrap(), 1);
    assert_eq!(again().await, Appended::Duplicate(id));
    clock.forward(MINUTE);
    assert!(matches!(again().await, Appended::Stored(_)));
}

pub(crate) async fn two_of_a_key_at_once_are_one(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    let append = || store.append(keyed("a", "k"), SECOND);
    let (one, two, three) = tokio::join!(append(), append(), append());
    let mut stored = 0;
    let mut ids = Vec::new();
    for appended in [one, two, three] {
        match appended.unwrap() {
            Appended::Stored(id) => {
                stored += 1;
                ids.push(id);
            }
            Appended::Duplicate(id) => ids.push(id),
        }
    }
    ids.dedup();
    assert_eq!((stored, ids.len()), (1, 1));
    assert_eq!(claim(&*store, 10).await.len(), 1);
}

pub(crate) async fn repeats_are_duplicates_before_and_after_completion(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    let id = add(&*store, keyed("a", "k")).await;
    let again = async || store.append(keyed("b", "k"), SECOND).await.unwrap();
    assert_eq!(again().await, Appended::Duplicate(id));
    let claimed = claim_one(&*store).await;
    assert_eq!(again().await, Appended::Duplicate(id));
    store.complete(claimed.claim).await.unwrap();
    assert_eq!(again().await, Appended::Duplicate(id));
    assert!(claim(&*store, 10).await.is_empty());
    add(&*store, keyed("c", "other")).await;
    assert_eq!(store.stats().await.unwrap().duplicates, 3);
}
