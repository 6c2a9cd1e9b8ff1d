//! Order, retries, and workers that come, go and die.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tencent_im_callback::{Callback, OrderKey};
use tencent_im_callback_queue::store::{Entry, Store};
use tencent_im_callback_queue::{Delivery, Filter, Queue, QueueError, RetryPolicy, StoreOptions};
use tokio::sync::mpsc;
use tower::service_fn;

use super::common::{SECOND, add, callback, entry, texts};
use super::{SHORT, open, server, settings, until, wait_for_one};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poisoned_callback_stops_its_conversation_no_longer_than_max_block_and_no_other() {
    let nats = server!();
    let options = StoreOptions::new().max_block(SECOND);
    // One partition: all conversations share it.
    let store = open(nats.context().await, settings().partitions(1).options(options)).await;
    let queue = Queue::new(store.clone());
    let mut entry = Entry::of(&callback("State.StateChange")).unwrap();
    entry.dedup_key = None;
    let mut put = async |conversation: &str| {
        entry.order_key = Some(OrderKey::new(conversation));
        add(&*store, entry.clone()).await
    };
    let poison = put("poisoned").await;
    let healthy = put("poisoned").await;
    let other = put("another").await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let handler = service_fn(move |callback: Callback| {
        let delivery: Delivery = callback.extensions.get().cloned().unwrap();
        let fails = delivery.id == poison && delivery.attempt < 40;
        tell.send(delivery).unwrap();
        std::future::ready(if fails { Err("poison") } else { Ok(()) })
    });
    let every =
        RetryPolicy::new().first_delay(Duration::from_millis(100)).factor(1.0).attempts(100);
    let worker = tokio::spawn(queue.worker(handler).retry(every).run(std::future::pending()));
    let mut before = 0;
    let delivery = loop {
        let delivery = told.recv().await.unwrap();
        if delivery.id == healthy {
            break delivery;
        }
        assert!(!delivery.out_of_order, "it stepped aside, and the other is not handled");
        if delivery.id == other {
            assert!(before <= 2, "the other conversation had to wait");
            continue;
        }
        before += 1;
    };
    assert!(!delivery.out_of_order);
    // Delays vary by half: in one second, some five to twenty attempts, and not all forty.
    assert!((2..40).contains(&before), "{before}");
    loop {
        let delivery = told.recv().await.unwrap();
        assert_eq!(delivery.id, poison);
        assert!(delivery.out_of_order);
        if delivery.attempt == 40 {
            break;
        }
    }
    until("done", async || store.stats().await.unwrap().waiting == 0).await;
    worker.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_longer_than_the_lease_is_not_run_twice() {
    let nats = server!();
    let settings = || settings().lease(SECOND);
    let stores = [
        open(nats.context().await, settings()).await,
        open(nats.context().await, settings()).await,
    ];
    for key in [None, Some("k")] {
        let mut entry = Entry::of(&callback("State.StateChange")).unwrap();
        entry.dedup_key = None;
        entry.order_key = key.map(OrderKey::new);
        add(&*stores[0], entry).await;
    }
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    let handler = service_fn(move |_: Callback| {
        counted.fetch_add(1, Ordering::SeqCst);
        async {
            tokio::time::sleep(4 * SECOND).await;
            Ok::<_, Infallible>(())
        }
    });
    let mut workers = tokio::task::JoinSet::new();
    for store in &stores {
        workers
            .spawn(Queue::new(store.clone()).worker(handler.clone()).run(std::future::pending()));
    }
    until("done", async || stores[0].stats().await.unwrap().waiting == 0).await;
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_a_dead_process_had_is_taken_over_with_its_attempts() {
    let nats = server!();
    let dead = open(nats.context().await, settings()).await;
    add(&*dead, entry("ordered", Some("k"))).await;
    add(&*dead, entry("free", None)).await;
    // One attempt of each fails, and the next has begun when the process dies.
    for claimed in [wait_for_one(&*dead).await, wait_for_one(&*dead).await] {
        dead.retry(claimed.claim, "no".to_owned(), Duration::from_millis(10)).await.unwrap();
    }
    let mut open_attempts = Vec::new();
    for _ in 0..2 {
        open_attempts.push(wait_for_one(&*dead).await);
    }
    assert!(open_attempts.iter().all(|claimed| claimed.delivery.attempt == 2));
    drop(dead);
    let store = open(nats.context().await, settings()).await;
    let records = store.list(Filter::waiting(), None, 10).await.unwrap();
    assert!(
        records.iter().all(|record| record.attempts == 1 && record.error.as_deref() == Some("no"))
    );
    let mut found = vec![wait_for_one(&*store).await, wait_for_one(&*store).await];
    found.sort_by_key(|claimed| claimed.delivery.id);
    assert_eq!(texts(&found), ["ordered", "free"]);
    for claimed in found {
        // The one that was cut off does not count.
        assert_eq!(claimed.delivery.attempt, 2);
        store.complete(claimed.claim).await.unwrap();
    }
    assert!(store.claim(10, SHORT).await.unwrap().is_empty());
}

#[tokio::test]
async fn long_retries_wait_at_the_broker() {
    let nats = server!();
    let one = open(nats.context().await, settings().lease(SECOND)).await;
    add(&*one, entry("ordered", Some("k"))).await;
    add(&*one, entry("free", None)).await;
    for _ in 0..2 {
        let claimed = wait_for_one(&*one).await;
        // Longer than this process may hold it.
        one.retry(claimed.claim, "no".to_owned(), 3 * SECOND).await.unwrap();
    }
    drop(one);
    let two = open(nats.context().await, settings().lease(SECOND)).await;
    assert!(two.claim(10, SHORT).await.unwrap().is_empty());
    let mut found = vec![wait_for_one(&*two).await, wait_for_one(&*two).await];
    found.sort_by_key(|claimed| claimed.delivery.id);
    assert_eq!(texts(&found), ["ordered", "free"]);
    assert!(found.iter().all(|claimed| claimed.delivery.attempt == 2));
}

/// Each of these owners stays for a part of the delay.
#[tokio::test]
async fn a_delay_goes_on_while_owners_change() {
    let nats = server!();
    let store = open(nats.context().await, settings()).await;
    add(&*store, entry("x", Some("k"))).await;
    let claimed = wait_for_one(&*store).await;
    store.retry(claimed.claim, "no".to_owned(), 4 * SECOND).await.unwrap();
    store.close().await.unwrap();
    for _ in 0..20 {
        let store = open(nats.context().await, settings()).await;
        let claimed = store.claim(1, SECOND).await.unwrap();
        if !claimed.is_empty() {
            assert_eq!(claimed[0].delivery.attempt, 2);
            return;
        }
        store.close().await.unwrap();
    }
    panic!("the delay began again with each owner");
}

#[tokio::test]
async fn what_is_purged_while_another_process_handles_it_does_not_come_again() {
    let nats = server!();
    let store = open(nats.context().await, settings()).await;
    add(&*store, entry("purged", Some("k"))).await;
    let claimed = wait_for_one(&*store).await;
    let other = open(nats.context().await, settings()).await;
    assert_eq!(other.purge(Filter::waiting()).await.unwrap(), 1);
    until("told", async || store.extend(claimed.claim).await.is_err()).await;
    let retried = store.retry(claimed.claim, "no".to_owned(), SECOND).await;
    assert!(matches!(retried, Err(QueueError::ClaimLost)), "{retried:?}");
    // Of the same key: it waits for the handler.
    add(&*store, entry("next", Some("k"))).await;
    assert!(store.claim(1, SHORT).await.unwrap().is_empty());
    store.release(claimed.claim);
    assert_eq!(texts(&[wait_for_one(&*store).await]), ["next"]);
}

#[tokio::test]
async fn a_worker_that_stops_hands_over_what_nothing_runs_of() {
    let nats = server!();
    let settings = || settings().lease(3600 * SECOND);
    let one = open(nats.context().await, settings()).await;
    let two = open(nats.context().await, settings()).await;
    add(&*one, entry("held", Some("k"))).await;
    let held = wait_for_one(&*one).await;
    until("all", async || one.stats().await.unwrap().partitions == 4).await;
    one.leave();
    let taken = async || {
        drop(two.claim(1, SHORT).await.unwrap());
        two.stats().await.unwrap().partitions == 3
    };
    until("taken", taken).await;
    one.complete(held.claim).await.unwrap();
    until("free", async || one.stats().await.unwrap().partitions == 0).await;
    // It is not over: somebody may claim again.
    add(&*one, entry("more", None)).await;
    two.close().await.unwrap();
    assert_eq!(texts(&[wait_for_one(&*one).await]), ["more"]);
}

#[tokio::test]
async fn a_worker_without_a_place_leaves_half_of_the_partitions_to_another() {
    let nats = server!();
    let settings = || settings().lease(3600 * SECOND);
    let busy = open(nats.context().await, settings()).await;
    let idle = open(nats.context().await, settings()).await;
    let held = {
        add(&*busy, entry("held", Some("k"))).await;
        wait_for_one(&*busy).await
    };
    // The other one gets a share as soon as it is there.
    let shared = async || {
        drop(idle.claim(1, SHORT).await.unwrap());
        idle.stats().await.unwrap().partitions == 2
    };
    until("shared", shared).await;
    assert_eq!(busy.stats().await.unwrap().partitions, 2);
    for number in 0..40 {
        add(&*busy, entry("other", Some(&number.to_string()))).await;
    }
    let mut handled = 0;
    while let Some(claimed) = idle.claim(1, SECOND).await.unwrap().pop() {
        assert_ne!(claimed.delivery.id, held.delivery.id);
        idle.complete(claimed.claim).await.unwrap();
        handled += 1;
    }
    assert!((5..=35).contains(&handled), "{handled}");
    busy.complete(held.claim).await.unwrap();
    while let Some(claimed) = busy.claim(1, SECOND).await.unwrap().pop() {
        busy.complete(claimed.claim).await.unwrap();
    }
    until("done", async || idle.stats().await.unwrap().waiting == 0).await;
}

#[tokio::test]
async fn a_closed_store_gives_back_at_once() {
    let nats = server!();
    let one = open(nats.context().await, settings().lease(3600 * SECOND)).await;
    add(&*one, entry("a", Some("k"))).await;
    let claimed = wait_for_one(&*one).await;
    one.retry(claimed.claim, "no".to_owned(), 1000 * SECOND).await.unwrap();
    add(&*one, entry("b", None)).await;
    let claimed = wait_for_one(&*one).await;
    one.release(claimed.claim);
    one.close().await.unwrap();
    // With the broker's time for a dead process, that would be an hour.
    let two = open(nats.context().await, settings().lease(3600 * SECOND)).await;
    assert_eq!(texts(&[wait_for_one(&*two).await]), ["b"]);
    assert!(two.claim(10, SHORT).await.unwrap().is_empty());
}
