//! The worker: what it does about handlers that fail, hang or panic, and about its own end.

mod common;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Folder, MINUTE, SECOND, callback};
use tencent_im_callback::event::sns;
use tencent_im_callback::{Callback, EventRouter, HandlerError, OrderKey, Reply};
use tencent_im_callback_queue::store::{Appended, Claim, Claimed, Entry, Store, StoreFuture};
use tencent_im_callback_queue::{
    DeadReason, Delivery, DeliveryId, Filter, MemoryStore, Page, Queue, QueueError, RetryPolicy,
    SqliteStore, Stats,
};
use tower::service_fn;

const WORD: &str = "Sns.CallbackFriendDelete";

/// What handlers were called with.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Delivery>>>);

impl Log {
    fn push(&self, callback: &Callback) -> Delivery {
        let delivery: Delivery = callback.extensions.get().cloned().expect("no delivery");
        self.0.lock().unwrap().push(delivery.clone());
        delivery
    }

    fn taken(&self) -> Vec<Delivery> {
        self.0.lock().unwrap().clone()
    }

    fn attempts(&self) -> Vec<u32> {
        self.taken().iter().map(|delivery| delivery.attempt).collect()
    }
}

fn entry_of(word: &str, key: Option<&str>) -> Entry {
    let mut entry = Entry::of(&callback(word)).unwrap();
    entry.dedup_key = None;
    entry.order_key = key.map(OrderKey::new);
    entry
}

async fn put(queue: &Shared, entry: Entry) -> DeliveryId {
    match queue.0.append(entry, SECOND).await.unwrap() {
        Appended::Stored(id) => id,
        Appended::Duplicate(id) => panic!("duplicate of {id}"),
    }
}

/// A store that a queue and a test share, and whose claims may run out.
#[derive(Clone)]
struct Shared(Arc<dyn Store>, Option<Duration>, Arc<AtomicUsize>, Arc<AtomicBool>);

impl Shared {
    fn new(store: impl Store) -> Self {
        Shared(Arc::new(store), None, Arc::default(), Arc::default())
    }
}

impl Store for Shared {
    fn append(&self, entry: Entry, max_wait: Duration) -> StoreFuture<'_, Appended> {
        self.0.append(entry, max_wait)
    }
    fn claim(&self, max: usize, wait: Duration) -> StoreFuture<'_, Vec<Claimed>> {
        self.0.claim(max, wait)
    }
    fn complete(&self, claim: Claim) -> StoreFuture<'_, ()> {
        self.0.complete(claim)
    }
    fn retry(&self, claim: Claim, error: String, delay: Duration) -> StoreFuture<'_, ()> {
        if self.3.load(Ordering::SeqCst) {
            return Box::pin(std::future::ready(Err(QueueError::DiskFull)));
        }
        self.0.retry(claim, error, delay)
    }
    fn bury(&self, claim: Claim, error: String, reason: DeadReason) -> StoreFuture<'_, ()> {
        self.0.bury(claim, error, reason)
    }
    fn release(&self, claim: Claim) {
        self.0.release(claim);
    }
    fn extend(&self, claim: Claim) -> StoreFuture<'_, ()> {
        self.2.fetch_add(1, Ordering::SeqCst);
        self.0.extend(claim)
    }
    fn lease(&self) -> Option<Duration> {
        self.1
    }
    fn stats(&self) -> StoreFuture<'_, Stats> {
        self.0.stats()
    }
    fn list(
        &self,
        filter: Filter,
        after: Option<DeliveryId>,
        limit: usize,
    ) -> StoreFuture<'_, Vec<tencent_im_callback_queue::Record>> {
        self.0.list(filter, after, limit)
    }
    fn requeue(&self, id: DeliveryId) -> StoreFuture<'_, ()> {
        self.0.requeue(id)
    }
    fn purge(&self, filter: Filter) -> StoreFuture<'_, u64> {
        self.0.purge(filter)
    }
    fn close(&self) -> StoreFuture<'_, ()> {
        self.0.close()
    }
}

fn memory() -> (Queue, Shared) {
    let store = Shared::new(MemoryStore::new());
    (Queue::new(store.clone()), store)
}

/// Done when nothing waits any more.
async fn empty(store: Shared) {
    while store.stats().await.unwrap().waiting > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

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
async fn a_failing_handler_is_tried_again_and_then_its_callback_is_dead() {
    let (queue, store) = memory();
    let id = put(&store, entry_of(WORD, None)).await;
    let (log, dead) = (Log::default(), Arc::new(Mutex::new(Vec::new())));
    let (kept, told) = (log.clone(), dead.clone());
    let start = tokio::time::Instant::now();
    let stopped = queue
        .worker(service_fn(move |callback: Callback| {
            kept.push(&callback);
            async { Err::<(), _>("the database is away") }
        }))
        .retry(RetryPolicy::new().attempts(5))
        .on_dead(move |record| told.lock().unwrap().push(record.clone()))
        .run(empty(store.clone()))
        .await
        .unwrap();
    assert_eq!((stopped.completed, stopped.retried, stopped.buried), (0, 4, 1));
    assert_eq!(log.attempts(), [1, 2, 3, 4, 5]);
    // 1 + 2 + 4 + 8 seconds, a quarter less at most.
    let took = start.elapsed();
    assert!(took >= Duration::from_secs(11) && took < Duration::from_secs(16), "{took:?}");
    let dead = dead.lock().unwrap().clone();
    assert_eq!((dead.len(), dead[0].id), (1, id));
    let letters = queue.dead_letters(Page::of(10)).await.unwrap();
    assert_eq!(letters[0].error.as_deref(), Some("the database is away"));
    assert_eq!(letters[0].death.unwrap().reason, DeadReason::Attempts);
    assert_eq!(letters[0].payload(), dead[0].payload());
    assert_eq!(letters[0].callback().unwrap().parse().unwrap().command().as_str(), WORD);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_answers_fail_has_failed() {
    let (queue, store) = memory();
    put(&store, entry_of(WORD, None)).await;
    let log = Log::default();
    let kept = log.clone();
    let stopped = queue
        .worker(service_fn(move |callback: Callback| {
            let reply = match kept.push(&callback).attempt {
                1 => Reply::fail("the \"database\" is away"),
                2 => Reply::from_json(&serde_json::json!({"ErrorCode": 1, "ActionStatus": "FAIL"}))
                    .unwrap(),
                // Somebody's code for a rejection is none of a failure.
                _ => Reply::reject(120_001, "no"),
            };
            async { Ok::<_, Infallible>(reply) }
        }))
        .run(empty(store.clone()))
        .await
        .unwrap();
    assert_eq!((stopped.completed, stopped.retried, stopped.buried), (1, 2, 0));
    put(&store, entry_of(WORD, None)).await;
    queue
        .worker(service_fn(|_| async {
            Ok::<_, Infallible>(Reply::fail("the \"database\" is away"))
        }))
        .retry(RetryPolicy::new().attempts(1))
        .run(empty(store.clone()))
        .await
        .unwrap();
    let letters = queue.dead_letters(Page::of(10)).await.unwrap();
    let error = letters[0].error.as_deref();
    assert_eq!(error, Some("the handler answered FAIL: the \"database\" is away"));
}

#[tokio::test(start_paused = true)]
async fn permanent_and_retry_after_are_obeyed() {
    let (queue, store) = memory();
    put(&store, entry_of(WORD, None)).await;
    let log = Log::default();
    let kept = log.clone();
    let start = tokio::time::Instant::now();
    queue
        .worker(service_fn(move |callback: Callback| {
            let first = kept.push(&callback).attempt == 1;
            async move {
                if first {
                    return Err::<Reply, _>(HandlerError::retry_after(
                        "busy",
                        Duration::from_secs(1000),
                    ));
                }
                // As it arrives through a layer of tower's.
                let boxed: Box<dyn std::error::Error + Send + Sync> =
                    HandlerError::permanent("no such user").into();
                Err(HandlerError::of(boxed))
            }
        }))
        .run(empty(store.clone()))
        .await
        .unwrap();
    assert_eq!(log.attempts(), [1, 2]);
    assert!(start.elapsed() >= Duration::from_secs(1000));
    let letters = queue.dead_letters(Page::of(10)).await.unwrap();
    assert_eq!(letters[0].death.unwrap().reason, DeadReason::Permanent);
    assert_eq!(letters[0].error.as_deref(), Some("no such user"));
}

#[tokio::test(start_paused = true)]
async fn panics_and_hangs_are_failures() {
    let (queue, store) = memory();
    put(&store, entry_of(WORD, None)).await;
    let log = Log::default();
    let kept = log.clone();
    let dropped = Arc::new(AtomicU32::new(0));
    let count = dropped.clone();
    let errors = Arc::new(Mutex::new(Vec::new()));
    let look = (store.clone(), errors.clone());
    queue
        .worker(service_fn(move |callback: Callback| {
            let attempt = kept.push(&callback).attempt;
            assert!(attempt != 1, "in the call");
            let (count, look) = (count.clone(), look.clone());
            async move {
                let record = look.0.list(Filter::waiting(), None, 1).await.unwrap().remove(0);
                look.1.lock().unwrap().extend(record.error);
                match attempt {
                    2 => panic!("in the {}", "future"),
                    3 => {
                        struct Counts(Arc<AtomicU32>);
                        impl Drop for Counts {
                            fn drop(&mut self) {
                                self.0.fetch_add(1, Ordering::SeqCst);
                            }
                        }
                        let _counts = Counts(count);
                        std::future::pending::<()>().await;
                    }
                    _ => {}
                }
                Ok::<_, Infallible>(())
            }
        }))
        .timeout(Duration::from_secs(7))
        .run(empty(store.clone()))
        .await
        .unwrap();
    assert_eq!(log.attempts(), [1, 2, 3, 4]);
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    assert_eq!(
        *errors.lock().unwrap(),
        [
            "the handler panicked: in the call",
            "the handler panicked: in the future",
            "the handler took longer than 7s"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_never_ready_is_a_hang() {
    #[derive(Clone)]
    struct NeverReady;

    impl tower::Service<Callback> for NeverReady {
        type Response = Reply;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Reply, Infallible>>;

        fn poll_ready(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), Infallible>> {
            std::task::Poll::Pending
        }

        fn call(&mut self, _: Callback) -> Self::Future {
            panic!("called before it was ready")
        }
    }

    let (queue, store) = memory();
    put(&store, entry_of(WORD, None)).await;
    let stopped = queue
        .worker(NeverReady)
        .retry(RetryPolicy::new().attempts(2))
        .run(empty(store.clone()))
        .await
        .unwrap();
    assert_eq!((stopped.retried, stopped.buried), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_a_dead_letter() {
    let (queue, store) = memory();
    let good = entry_of(WORD, None).payload;
    let newer = good.replacen("\"format\":1", "\"format\":2", 1);
    assert_ne!(newer, good);
    for payload in ["", "no JSON", "{}", "{\"secret\":7}", &newer] {
        put(&store, Entry::new(payload)).await;
    }
    let stopped = queue.worker(EventRouter::new()).run(empty(store.clone())).await.unwrap();
    assert_eq!((stopped.completed, stopped.buried), (0, 5));
    for record in queue.dead_letters(Page::of(10)).await.unwrap() {
        assert_eq!(record.death.unwrap().reason, DeadReason::Unreadable);
        let error = record.error.unwrap();
        assert!(
            error.starts_with("the stored callback cannot be read") && !error.contains("secret"),
            "{error}"
        );
    }
    // As does a version that can read it.
    let mut lines = Vec::new();
    assert_eq!(queue.export(Filter::dead(), &mut lines).await.unwrap(), 5);
    let lines = String::from_utf8(lines).unwrap();
    assert!(
        lines.contains("\"text\":\"no JSON\"") && lines.contains("\"callback\":{\"secret\":7}"),
        "{lines}"
    );
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
async fn shutdown_waits_and_then_aborts_which_is_no_attempt() {
    let (queue, store) = memory();
    for number in 0..3_u32 {
        put(&store, entry_of(WORD, Some(&number.to_string()))).await;
    }
    let stopped = queue
        .worker(service_fn(move |callback: Callback| async move {
            let delivery: &Delivery = callback.extensions.get().unwrap();
            tokio::time::sleep(5 * SECOND * u32::try_from(delivery.id.sequence()).unwrap()).await;
            Ok::<_, Infallible>(())
        }))
        .grace(11 * SECOND)
        .run(tokio::time::sleep(SECOND))
        .await
        .unwrap();
    assert_eq!((stopped.completed, stopped.aborted, stopped.retried), (2, 1, 0));
    let claimed = store.claim(10, SECOND).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].delivery.attempt, 1);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_dropped_gives_back_what_it_has() {
    let (queue, store) = memory();
    for _ in 0..5 {
        put(&store, entry_of(WORD, None)).await;
    }
    let hangs = service_fn(|_: Callback| std::future::pending::<Result<(), Infallible>>());
    let run = queue.worker(hangs).run(std::future::pending());
    drop(tokio::time::timeout(SECOND, run).await);
    tokio::task::yield_now().await;
    let claimed = store.claim(10, MINUTE).await.unwrap();
    assert_eq!(claimed.len(), 5);
    assert!(claimed.iter().all(|claimed| claimed.delivery.attempt == 1));
}

#[tokio::test(start_paused = true)]
async fn claims_with_a_lease_are_kept_alive_and_given_up_when_lost() {
    let (_, mut store) = memory();
    store.1 = Some(3 * SECOND);
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
    assert!(store.2.load(Ordering::SeqCst) >= 9);
    assert_eq!(log.attempts(), [1, 1]);
}

#[tokio::test]
async fn a_closed_queue_ends_the_worker() {
    let (queue, _) = memory();
    let worker = queue.worker(EventRouter::new());
    let (ended, closed) = tokio::join!(worker.run(std::future::pending()), async {
        tokio::task::yield_now().await;
        queue.close().await
    });
    closed.unwrap();
    assert!(matches!(ended, Err(QueueError::Closed)));
}

#[tokio::test(start_paused = true)]
async fn a_requeued_dead_letter_is_handled() {
    let (queue, store) = memory();
    let id = put(&store, entry_of(WORD, Some("k"))).await;
    let fails = service_fn(|_: Callback| async { Err::<(), _>(HandlerError::permanent("no")) });
    queue.worker(fails).run(empty(store.clone())).await.unwrap();
    queue.requeue(id).await.unwrap();
    let log = Log::default();
    let kept = log.clone();
    let works = service_fn(move |callback: Callback| {
        kept.push(&callback);
        async { Ok::<_, Infallible>(()) }
    });
    queue.worker(works).run(empty(store.clone())).await.unwrap();
    let taken = log.taken();
    assert_eq!((taken.len(), taken[0].id, taken[0].out_of_order), (1, id, true));
    assert!(queue.dead_letters(Page::of(10)).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_harms_nobody() {
    let (queue, store) = memory();
    for _ in 0..3 {
        put(&store, entry_of(WORD, None)).await;
    }
    let fails = service_fn(|_: Callback| async { Err::<(), _>(HandlerError::permanent("no")) });
    let stopped = queue
        .worker(fails)
        .on_dead(|_| panic!("in the hook"))
        .run(empty(store.clone()))
        .await
        .unwrap();
    assert_eq!(stopped.buried, 3);
}

/// The claim was extended by the task of the handler, which such a handler stops.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_blocks_its_thread_keeps_its_claim() {
    let store = Shared(
        Arc::new(MemoryStore::new()),
        Some(Duration::from_millis(30)),
        Arc::default(),
        Arc::default(),
    );
    let queue = Queue::new(store.clone());
    put(&store, entry_of(WORD, None)).await;
    let extended = store.2.clone();
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

#[tokio::test(start_paused = true)]
async fn a_service_that_panics_when_it_is_cloned_fails_its_callbacks() {
    struct Fragile;

    impl Clone for Fragile {
        fn clone(&self) -> Self {
            panic!("not to be cloned")
        }
    }

    impl tower::Service<Callback> for Fragile {
        type Response = ();
        type Error = Infallible;
        type Future = std::future::Ready<Result<(), Infallible>>;

        fn poll_ready(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), Infallible>> {
            std::task::Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Callback) -> Self::Future {
            std::future::ready(Ok(()))
        }
    }

    let (queue, store) = memory();
    put(&store, entry_of(WORD, None)).await;
    let worker = queue.worker(Fragile).retry(RetryPolicy::new().attempts(2));
    let stopped = worker.run(empty(store.clone())).await.unwrap();
    assert_eq!((stopped.completed, stopped.retried, stopped.buried), (0, 1, 1));
    let letters = queue.dead_letters(Page::of(10)).await.unwrap();
    let error = letters[0].error.as_deref().unwrap();
    assert!(error.contains("cloned") && error.contains("not to be cloned"), "{error}");
}

/// Failed callbacks that cannot be written down must not keep all places: those that would make
/// space could not be handled.
#[tokio::test(start_paused = true)]
async fn a_failure_for_which_there_is_no_space_is_given_back() {
    let store = Shared::new(MemoryStore::new());
    store.3.store(true, Ordering::SeqCst);
    let queue = Queue::new(store.clone());
    for _ in 0..3 {
        put(&store, entry_of(WORD, None)).await;
    }
    let (log, is_down) = (Log::default(), Arc::new(AtomicBool::new(true)));
    let (seen, down) = (log.clone(), is_down.clone());
    let handler = service_fn(move |callback: Callback| {
        let delivery = seen.push(&callback);
        let failed = down.load(Ordering::SeqCst);
        async move {
            assert_eq!(delivery.attempt, 1);
            if failed { Err("no database") } else { Ok(()) }
        }
    });
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker =
        tokio::spawn(queue.worker(handler).concurrency(1).run(async { drop(stopped.await) }));
    tokio::time::sleep(MINUTE).await;
    assert!(log.taken().len() > 3, "{}", log.taken().len());
    is_down.store(false, Ordering::SeqCst);
    tokio::time::sleep(MINUTE).await;
    assert_eq!(queue.stats().await.unwrap().waiting, 0);
    drop(stop);
    worker.await.unwrap().unwrap();
}
