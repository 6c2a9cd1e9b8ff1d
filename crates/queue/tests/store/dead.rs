//! Dead letters, and what a filter finds.

use tencent_im_callback::OrderKey;
use tencent_im_callback_queue::store::DeadReason;
use tencent_im_callback_queue::{Filter, QueueError};

use crate::Make;
use crate::common::{Clock, MINUTE, SECOND, add, claim, claim_one, entry, texts};

pub(crate) async fn dead_letters_are_listed_requeued_and_purged(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(add(&*store, entry(&number.to_string(), Some("k"))).await);
        let claimed = claim_one(&*store).await;
        store.retry(claimed.claim, "no".to_owned(), SECOND).await.unwrap();
        clock.forward(SECOND);
        let claimed = claim_one(&*store).await;
        let reason = if number == 0 { DeadReason::Permanent } else { DeadReason::Attempts };
        store.bury(claimed.claim, format!("dead {number}"), reason).await.unwrap();
        assert!(claim(&*store, 1).await.is_empty());
    }
    let page = store.list(Filter::dead(), None, 2).await.unwrap();
    assert_eq!(page.iter().map(|record| record.id).collect::<Vec<_>>(), ids[..2]);
    let death = page[0].death.unwrap();
    assert_eq!((death.reason, page[0].attempts), (DeadReason::Permanent, 2));
    assert_eq!(page[0].error.as_deref(), Some("dead 0"));
    assert_eq!(page[0].payload(), "0");
    let page = store.list(Filter::dead(), Some(ids[1]), 10).await.unwrap();
    assert_eq!(page.iter().map(|record| record.id).collect::<Vec<_>>(), ids[2..]);
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.waiting, stats.dead, stats.retrying, stats.buried), (0, 5, 0, 5));

    store.requeue(ids[2]).await.unwrap();
    assert!(matches!(store.requeue(ids[2]).await, Err(QueueError::NotFound)));
    let claimed = claim_one(&*store).await;
    assert_eq!(claimed.delivery.id, ids[2]);
    assert_eq!((claimed.delivery.attempt, claimed.delivery.out_of_order), (1, true));
    store.complete(claimed.claim).await.unwrap();
    assert_eq!(store.purge(Filter::dead()).await.unwrap(), 4);
    assert_eq!(store.purge(Filter::dead()).await.unwrap(), 0);
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.waiting, stats.dead, stats.retrying), (0, 0, 0));
}

pub(crate) async fn filters(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    add(&*store, entry("old a", Some("a"))).await;
    add(&*store, entry("old b", Some("b"))).await;
    clock.forward(60 * MINUTE);
    add(&*store, entry("new a", Some("a"))).await;
    add(&*store, entry("new", None)).await;
    let list = async |filter| {
        let records = store.list(filter, None, 10).await.unwrap();
        records.iter().map(|record| record.payload().to_owned()).collect::<Vec<_>>()
    };
    let a = OrderKey::new("a");
    assert_eq!(list(Filter::waiting()).await.len(), 4);
    assert_eq!(list(Filter::waiting().older_than(30 * MINUTE)).await, ["old a", "old b"]);
    assert_eq!(list(Filter::waiting().order_key(a)).await, ["old a", "new a"]);
    assert_eq!(list(Filter::waiting().older_than(30 * MINUTE).order_key(a)).await, ["old a"]);
    assert_eq!(list(Filter::waiting().older_than(600 * MINUTE)).await, [""; 0]);
    assert_eq!(list(Filter::dead()).await, [""; 0]);
    assert_eq!(store.purge(Filter::waiting().order_key(a)).await.unwrap(), 2);
    assert_eq!(list(Filter::waiting()).await, ["old b", "new"]);
    assert_eq!(texts(&claim(&*store, 10).await), ["old b", "new"]);
}

pub(crate) async fn running_callbacks_are_not_purged(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    for text in ["a", "b", "c"] {
        add(&*store, entry(text, Some("k"))).await;
    }
    let claimed = claim_one(&*store).await;
    assert_eq!(store.purge(Filter::waiting()).await.unwrap(), 2);
    store.complete(claimed.claim).await.unwrap();
    assert!(claim(&*store, 10).await.is_empty());
    assert_eq!(store.stats().await.unwrap().waiting, 0);
    add(&*store, entry("d", Some("k"))).await;
    assert_eq!(texts(&claim(&*store, 10).await), ["d"]);
}
