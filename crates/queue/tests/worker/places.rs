//! How many are handled at once, and in which order.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tencent_im_callback::event::sns;
use tencent_im_callback::{Callback, EventRouter, OrderKey};
use tencent_im_callback_queue::store::{Claim, Store};
use tencent_im_callback_queue::{
    Delivery, DeliveryId, MemoryStore, Queue, RetryPolicy, SqliteStore,
};
use tower::service_fn;

use crate::common::{Folder, SECOND};
use crate::{Log, Shared, WORD, empty, entry_of, memory, put};

#[tokio::test(start_paused = true)]
async fn a_router_handles_what_is_queued() {
    let (queue, store) = memory();
    let id = put(&store, entry_of(WORD, Some("k"))).await;
    let log = Log::default();
    let kept = log.clone();
    let router = EventRouter::new().on(move |callback: Callback<sns::FriendDelete>| {
        let delivery: Delivery = callback.extensions.get().cloned().unwrap();
        kept.0.lock().unwrap().push(delivery);
        assert!(!callback.event.pair_list.is_empty());
        async {}
    });
    let stopped = queue.worker(router).run(empty(store.clone())).await.unwrap();
    assert_eq!((stopped.completed, stopped.retried, stopped.buried, stopped.aborted), (1, 0, 0, 0));
    let taken = log.taken();
    assert_eq!((taken.len(), taken[0].id, taken[0].attempt), (1, id, 1));
    assert_eq!(taken[0].order_key, Some(OrderKey::new("k")));
}

#[tokio::test(start_paused = true)]
async fn concurrency_is_a_bound_and_is_used() {
    let (queue, store) = memory();
    for _ in 0..40 {
        put(&store, entry_of(WORD, None)).await;
    }
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, max) = (running.clone(), most.clone());
    let start = tokio::time::Instant::now();
    queue
        .worker(service_fn(move |_: Callback| {
            let (now, max) = (now.clone(), max.clone());
            async move {
                max.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(SECOND).await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok::<_, Infallible>(())
            }
        }))
        .concurrency(8)
        .run(empty(store.clone()))
        .await
        .unwrap();
    assert_eq!(most.load(Ordering::SeqCst), 8);
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
}

/// With failures and many workers, each conversation is handled in order and one at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_per_key_holds_under_retries_and_many_workers() {
    let folder = Folder::fast();
    let store = Shared::new(SqliteStore::open(folder.file()).await.unwrap());
    let queue = Queue::new(store.clone());
    let mut expected: HashMap<OrderKey, Vec<DeliveryId>> = HashMap::new();
    for number in 0..1000_usize {
        let entry = entry_of(WORD, Some(&(number * number % 37).to_string()));
        let key = entry.order_key.unwrap();
        expected.entry(key).or_default().push(put(&store, entry).await);
    }
    let handled: Arc<Mutex<HashMap<OrderKey, Vec<DeliveryId>>>> = Arc::default();
    let running: Arc<Mutex<HashMap<OrderKey, u32>>> = Arc::default();
    let worker = || {
        let (handled, running) = (handled.clone(), running.clone());
        let service = service_fn(move |callback: Callback| {
            let (handled, running) = (handled.clone(), running.clone());
            async move {
                let delivery: Delivery = callback.extensions.get().cloned().unwrap();
                let key = delivery.order_key.unwrap();
                let others = std::mem::replace(running.lock().unwrap().entry(key).or_default(), 1);
                assert_eq!(others, 0, "two of a key at a time");
                tokio::task::yield_now().await;
                running.lock().unwrap().insert(key, 0);
                if (delivery.id.sequence() + u64::from(delivery.attempt)).is_multiple_of(5) {
                    return Err("a failure");
                }
                handled.lock().unwrap().entry(key).or_default().push(delivery.id);
                Ok(())
            }
        });
        let quick = RetryPolicy::new()
            .first_delay(Duration::from_millis(1))
            .max_delay(Duration::from_millis(3));
        queue.worker(service).concurrency(16).retry(quick)
    };
    let (one, two) =
        tokio::join!(worker().run(empty(store.clone())), worker().run(empty(store.clone())));
    assert_eq!(one.unwrap().completed + two.unwrap().completed, 1000);
    assert_eq!(*handled.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn claims_with_a_lease_are_kept_alive_and_given_up_when_lost() {
    let (_, mut store) = memory();
    store.lease = Some(3 * SECOND);
    let queue = Queue::new(store.clone());
    put(&store, entry_of(WORD, None)).await;
    let log = Log::default();
    let kept = log.clone();
    let stealing = store.clone();
    queue
        .worker(service_fn(move |callback: Callback| {
            let attempts = {
                kept.push(&callback);
                kept.taken().len()
            };
            let stealing = stealing.clone();
            async move {
                if attempts == 1 {
                    // Long enough for ten extensions; then somebody else gets it.
                    tokio::time::sleep(10 * SECOND).await;
                    let delivery: &Delivery = callback.extensions.get().unwrap();
                    for token in 0..10 {
                        stealing.release(Claim::new(delivery.id, token));
                    }
                    std::future::pending::<()>().await;
                }
                Ok::<_, Infallible>(())
            }
        }))
        .concurrency(2)
        .run(empty(store.clone()))
        .await
        .unwrap();
    assert!(store.extended.load(Ordering::SeqCst) >= 9);
    assert_eq!(log.attempts(), [1, 1]);
}

/// A broker that is away for a while: the claim ends, and the callback stays where it was.
#[tokio::test(start_paused = true)]
async fn what_was_lost_and_nobody_else_has_is_handled_again() {
    for hangs in [false, true] {
        let store = Shared { lease: Some(3 * SECOND), ..Shared::new(MemoryStore::new()) };
        put(&store, entry_of(WORD, Some("k"))).await;
        store.loses.store(true, Ordering::SeqCst);
        let log = Log::default();
        let (kept, lost) = (log.clone(), store.loses.clone());
        let handler = service_fn(move |callback: Callback| {
            kept.push(&callback);
            let hangs = hangs && lost.load(Ordering::SeqCst);
            async move { if hangs { std::future::pending().await } else { Ok::<_, Infallible>(()) } }
        });
        let worker = Queue::new(store.clone()).worker(handler).run(empty(store.clone()));
        let stopped = tokio::time::timeout(60 * SECOND, worker).await.unwrap().unwrap();
        assert_eq!(stopped.completed, 1);
        assert_eq!(log.attempts(), [1, 1]);
    }
}

/// The claim was extended by the task of the handler, which such a handler stops.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_blocks_its_thread_keeps_its_claim() {
    let store =
        Shared { lease: Some(Duration::from_millis(30)), ..Shared::new(MemoryStore::new()) };
    let queue = Queue::new(store.clone());
    put(&store, entry_of(WORD, None)).await;
    let extended = store.extended.clone();
    let handler = service_fn(move |_: Callback| {
        // Half a minute at most.
        let in_time = (0..30_000).any(|_| {
            std::thread::sleep(Duration::from_millis(1));
            extended.load(Ordering::SeqCst) > 0
        });
        std::future::ready(if in_time { Ok(()) } else { Err("not extended") })
    });
    let stopped = queue.worker(handler).run(empty(store.clone())).await.unwrap();
    assert_eq!((stopped.completed, stopped.retried), (1, 0));
}
