//! Notifications whose bodies cannot be read: what is kept of them, and what the log shows.

mod common;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::{Folder, MINUTE, SECOND, app, callback_of, callback_with, logged};
use tencent_im_callback::event::sns;
use tencent_im_callback::testing::{SignedRequest, sample};
use tencent_im_callback::{Callback, EventRouter, HandlerError, Reply};
use tencent_im_callback_queue::store::{Entry, Store};
use tencent_im_callback_queue::{
    DeadReason, MemoryStore, Page, Queue, RetryPolicy, SqliteStore, Stopped, StoreOptions,
};
use tower::service_fn;

const WORD: &str = "Sns.CallbackFriendDelete";
const DEAD: &str = "callback is a dead letter";
const AGAIN: &str = "callback failed and is tried again";
const DROPPED: &str = "callback is dropped";

/// Without keys, so that each is another one, and waits for no other.
fn entry(callback: &Callback) -> Entry {
    let mut entry = Entry::of(callback).unwrap();
    (entry.dedup_key, entry.order_key) = (None, None);
    entry
}

fn unsigned(body: impl Into<axum::body::Bytes>) -> Entry {
    entry(&callback_with(WORD, body))
}

fn signed(body: impl Into<axum::body::Bytes>) -> Entry {
    entry(&callback_of(app(), &SignedRequest::new(WORD), body))
}

async fn add(store: &dyn Store, times: usize, one: &Entry) {
    for _ in 0..times {
        common::add(store, one.clone()).await;
    }
}

fn honest() -> &'static str {
    sample(&WORD.into()).unwrap()
}

/// A router with a handler, which counts.
fn router(handled: &Arc<AtomicU64>) -> EventRouter {
    let handled = handled.clone();
    EventRouter::new().on(move |_: Callback<sns::FriendDelete>| {
        handled.fetch_add(1, Ordering::SeqCst);
        async {}
    })
}

fn in_memory(options: StoreOptions) -> (Queue, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::with_options(options));
    (Queue::new(store.clone()), store)
}

/// Done when nothing waits any more.
async fn empty(store: Arc<impl Store>) {
    while store.stats().await.unwrap().waiting > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A worker whose handler fails for good.
async fn fails(queue: &Queue, store: &Arc<MemoryStore>) -> Stopped {
    let fails = service_fn(|_: Callback| async { Err::<Reply, _>(HandlerError::permanent("no")) });
    queue.worker(fails).run(empty(store.clone())).await.unwrap()
}

/// The lines of this level with this text.
fn lines(log: &str, level: &str, text: &str) -> usize {
    let line = |line: &&str| line.contains(text) && line.split_whitespace().nth(1) == Some(level);
    log.lines().filter(line).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_megabytes_of_junk_leave_no_more_than_the_bound() {
    const BOUND: u64 = 64 << 20;

    let folder = Folder::fast();
    let store = Arc::new(SqliteStore::open(folder.file()).await.unwrap());
    let queue = Queue::new(store.clone());
    let (junk, honest) = (unsigned("x".repeat(1 << 20)), unsigned(honest()));
    let (handled, told) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let tell = told.clone();
    let worker = queue.worker(router(&handled)).on_dead(move |record| {
        assert_eq!(record.death.unwrap().reason, DeadReason::BodyUnreadable);
        tell.fetch_add(1, Ordering::SeqCst);
    });
    let sent = async {
        for _ in 0..50 {
            add(&*store, 4, &junk).await;
            add(&*store, 1, &honest).await;
        }
        empty(store.clone()).await;
    };
    let stopped = worker.run(sent).await.unwrap();
    let stats = queue.stats().await.unwrap();
    assert_eq!(handled.load(Ordering::SeqCst), 50);
    let size = junk.payload.len() as u64;
    let kept = BOUND / size;
    assert!(kept > 60, "{kept}");
    assert_eq!((stats.unreadable, stats.unreadable_bytes), (kept, kept * size));
    assert_eq!((stats.dead, stats.bytes), (kept, kept * size));
    assert_eq!((stats.buried, stats.dropped, stats.completed), (kept, 200 - kept, 50));
    assert_eq!((stopped.buried, stopped.dropped, stopped.completed), (kept, 200 - kept, 50));
    assert_eq!(told.load(Ordering::SeqCst), kept);

    // A purge makes room.
    queue.purge(tencent_im_callback_queue::Filter::dead()).await.unwrap();
    add(&*store, 1, &junk).await;
    queue.worker(router(&handled)).run(empty(store.clone())).await.unwrap();
    assert_eq!(queue.stats().await.unwrap().unreadable, 1);
}

#[tokio::test(start_paused = true)]
async fn a_signed_app_loses_none() {
    let (queue, store) = in_memory(StoreOptions::new().max_unreadable_bytes(0));
    add(&*store, 20, &signed("junk")).await;
    let handled = Arc::default();
    let worker = queue.worker(router(&handled));
    let stopped = worker.run(empty(store.clone())).await.unwrap();
    assert_eq!((stopped.buried, stopped.dropped), (20, 0));
    let stats = queue.stats().await.unwrap();
    assert_eq!((stats.dead, stats.unreadable, stats.dropped), (20, 20, 0));
}

/// Only what cannot be read is bounded: an unknown command, or one that its handler refuses, is
/// kept.
#[tokio::test(start_paused = true)]
async fn what_can_be_read_is_kept_though_the_app_is_unsigned() {
    let (queue, store) = in_memory(StoreOptions::new().max_unreadable_bytes(0));
    let unknown = callback_with("New.Word", r#"{"CallbackCommand":"New.Word"}"#);
    add(&*store, 1, &entry(&unknown)).await;
    add(&*store, 1, &unsigned(honest())).await;
    let stopped = fails(&queue, &store).await;
    assert_eq!((stopped.buried, stopped.dropped), (2, 0));
    let letters = queue.dead_letters(Page::of(10)).await.unwrap();
    assert!(letters.iter().all(|letter| letter.death.unwrap().reason == DeadReason::Permanent));
    assert_eq!(queue.stats().await.unwrap().unreadable, 0);
}

/// Each way in which a body cannot be read; also after the last of several attempts.
#[tokio::test(start_paused = true)]
async fn every_body_that_cannot_be_read_has_that_reason() {
    let bodies = [
        "",
        "junk",
        "[]",
        r#"{"CallbackCommand":7}"#,
        r#"{"CallbackCommand":"State.StateChange"}"#,
        r#"{"CallbackCommand":"Sns.CallbackFriendDelete","PairList":7}"#,
    ];
    for permanent in [true, false] {
        let (queue, store) = in_memory(StoreOptions::new());
        for body in bodies {
            add(&*store, 1, &unsigned(body)).await;
        }
        let fails = service_fn(move |_: Callback| async move {
            let error = if permanent { HandlerError::permanent } else { HandlerError::new };
            Err::<Reply, _>(error("no"))
        });
        let worker = queue.worker(fails).retry(RetryPolicy::new().attempts(3));
        let stopped = worker.run(empty(store.clone())).await.unwrap();
        assert_eq!(stopped.retried, if permanent { 0 } else { 12 });
        let letters = queue.dead_letters(Page::of(10)).await.unwrap();
        assert_eq!(letters.len(), bodies.len());
        for letter in letters {
            let reason = letter.death.unwrap().reason;
            assert_eq!(reason, DeadReason::BodyUnreadable, "{}", letter.payload());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_an_unsigned_app_the_log_shows_one_of_each_kind_in_a_minute() {
    let (log, _guard) = logged();
    let size = unsigned("junk").payload.len() as u64;
    let (queue, store) = in_memory(StoreOptions::new().max_unreadable_bytes(20 * size));
    add(&*store, 100, &unsigned("junk")).await;
    add(&*store, 30, &unsigned(honest())).await;
    let stopped = fails(&queue, &store).await;
    assert_eq!((stopped.buried, stopped.dropped), (50, 80));
    let first = log.text();
    // Unreadable, and permanent.
    assert_eq!(lines(&first, "ERROR", DEAD), 2, "{first}");
    assert_eq!(lines(&first, "DEBUG", DEAD), 48);
    assert_eq!(lines(&first, "WARN", DROPPED), 1);
    assert_eq!(lines(&first, "DEBUG", DROPPED), 79);
    assert_eq!(first.matches("times=1").count(), 3);

    tokio::time::advance(MINUTE).await;
    add(&*store, 10, &unsigned("junk")).await;
    fails(&queue, &store).await;
    let log = log.text();
    assert_eq!(lines(&log, "WARN", DROPPED), 2);
    assert_eq!(log.matches("times=80").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn retries_of_an_unsigned_app_are_sampled_too() {
    let (log, _guard) = logged();
    let (queue, store) = in_memory(StoreOptions::new());
    add(&*store, 40, &unsigned(honest())).await;
    let later = service_fn(|_: Callback| async {
        Err::<Reply, _>(HandlerError::retry_after("no", 2 * MINUTE))
    });
    let stopped = queue.worker(later).run(tokio::time::sleep(SECOND)).await.unwrap();
    assert_eq!(stopped.retried, 40);
    let log = log.text();
    assert_eq!((lines(&log, "WARN", AGAIN), lines(&log, "DEBUG", AGAIN)), (1, 39));
}

/// Only Tencent can cause them, and each of them matters.
#[tokio::test(start_paused = true)]
async fn of_a_signed_app_the_log_shows_each() {
    let (log, _guard) = logged();
    let (queue, store) = in_memory(StoreOptions::new());
    add(&*store, 10, &signed("junk")).await;
    add(&*store, 10, &signed(honest())).await;
    fails(&queue, &store).await;
    // Damage is nobody's doing but the disk's.
    add(&*store, 5, &Entry::new("damaged")).await;
    queue
        .worker(service_fn(|_| async { Ok::<_, Infallible>(()) }))
        .run(empty(store.clone()))
        .await
        .unwrap();
    add(&*store, 10, &signed(honest())).await;
    let later = service_fn(|_: Callback| async {
        Err::<Reply, _>(HandlerError::retry_after("no", 2 * MINUTE))
    });
    let stopped = queue.worker(later).run(tokio::time::sleep(SECOND)).await.unwrap();
    assert_eq!(stopped.retried, 10);
    let log = log.text();
    assert_eq!((lines(&log, "ERROR", DEAD), lines(&log, "DEBUG", DEAD)), (25, 0));
    assert_eq!((lines(&log, "WARN", AGAIN), lines(&log, "DEBUG", AGAIN)), (10, 0));
    assert!(!log.contains("times="), "{log}");
}
