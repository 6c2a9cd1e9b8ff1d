//! Handlers that fail, hang or panic.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use tencent_im_callback::{Callback, EventRouter, HandlerError, Reply};
use tencent_im_callback_queue::store::{Entry, Store};
use tencent_im_callback_queue::{DeadReason, Filter, MemoryStore, Page, Queue, RetryPolicy};
use tower::service_fn;

use crate::common::{MINUTE, SECOND};
use crate::{Log, Shared, WORD, empty, entry_of, memory, put};

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
                    2 => panic!("in the future of attempt {attempt}"),
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
            "the handler panicked: in the future of attempt 2",
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
    store.is_full.store(true, Ordering::SeqCst);
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

/// A store that is away for a while has room: what came of the attempt waits for it, and the
/// handler that runs goes on.
#[tokio::test(start_paused = true)]
async fn a_failure_waits_for_a_store_that_is_away() {
    let store = Shared { lease: Some(3 * SECOND), ..Shared::new(MemoryStore::new()) };
    store.is_away.store(true, Ordering::SeqCst);
    put(&store, entry_of(WORD, None)).await;
    let log = Log::default();
    let seen = log.clone();
    let handler = service_fn(move |callback: Callback| {
        let attempt = seen.push(&callback).attempt;
        async move {
            tokio::time::sleep(10 * SECOND).await;
            if attempt == 1 { Err("no database") } else { Ok(()) }
        }
    });
    let worker = Queue::new(store.clone()).worker(handler).run(empty(store.clone()));
    let back = async {
        tokio::time::sleep(MINUTE).await;
        assert_eq!(log.attempts(), [1]);
        store.is_away.store(false, Ordering::SeqCst);
    };
    let (stopped, ()) = tokio::join!(worker, back);
    assert_eq!(stopped.unwrap().retried, 1);
    assert_eq!(log.attempts(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_when_it_is_dropped_has_failed() {
    struct Fragile;
    impl Drop for Fragile {
        fn drop(&mut self) {
            panic!("in the drop");
        }
    }
    struct Ready {
        _fragile: Fragile,
    }
    impl Future for Ready {
        type Output = Result<(), Infallible>;
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
            Poll::Ready(Ok(()))
        }
    }
    let (queue, store) = memory();
    put(&store, entry_of(WORD, None)).await;
    let handler = service_fn(|_: Callback| Ready { _fragile: Fragile });
    let worker = queue.worker(handler).retry(RetryPolicy::new().attempts(2));
    let stopped = worker.run(empty(store.clone())).await.unwrap();
    assert_eq!((stopped.completed, stopped.retried, stopped.buried), (0, 1, 1));
    let letters = queue.dead_letters(Page::of(10)).await.unwrap();
    assert_eq!(letters[0].error.as_deref(), Some("the handler panicked: in the drop"));
}
