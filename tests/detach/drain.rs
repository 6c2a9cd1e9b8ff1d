//! Shutdown: what a drain waits for, and what it hands back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use tencent_im_callback::{
    Callback, Cause, Command, DetachId, DetachLayer, DetachStats, HandlerError, Reply,
    StoredCallback,
};
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, ServiceExt, service_fn};

use crate::common::{layer, outcome, signed};
use crate::{Gated, after, callback};

#[tokio::test(start_paused = true)]
async fn draining_hands_back_what_it_cannot_finish() {
    let gated = Gated::new();
    let detach = DetachLayer::new(10);
    let service = detach.layer(gated.service());
    for _ in 0..5 {
        let _ = service.clone().oneshot(after()).await.unwrap();
    }
    tokio::task::yield_now().await;
    assert_eq!(gated.counts(), (5, 0));
    gated.gate.add_permits(3);
    let drained = detach.drain(Duration::from_secs(1)).await;
    assert_eq!((drained.finished, drained.unfinished.len()), (3, 2));
    assert_eq!(gated.counts(), (5, 3));
    let ids: Vec<_> = drained.unfinished.iter().map(|(id, _)| *id).collect();
    assert!(ids.is_sorted(), "{ids:?}");
    for (_, stored) in drained.unfinished {
        // Enough to handle them elsewhere, or later.
        let json = serde_json::to_string(&stored).unwrap();
        let again: StoredCallback = serde_json::from_str(&json).unwrap();
        assert_eq!(again.parse().unwrap().event, after().event);
    }
    // Aborted means aborted, and what still comes runs inline.
    gated.gate.add_permits(1);
    tokio::task::yield_now().await;
    assert_eq!(gated.counts(), (5, 3));
    assert_eq!(service.clone().oneshot(after()).await.unwrap(), Reply::reject(7, "of the service"));
    assert_eq!(gated.counts(), (6, 4));
    let stats = detach.stats();
    assert_eq!((stats.detached, stats.succeeded, stats.failed, stats.running), (5, 3, 0, 0));
}

#[tokio::test]
async fn a_thousand_events_in_the_middle_of_a_shutdown_are_none_lost() {
    let handled = Arc::new(AtomicUsize::new(0));
    let count = handled.clone();
    let detach = DetachLayer::new(100);
    let service = detach.layer(service_fn(move |_: Callback| {
        let count = count.clone();
        async move {
            tokio::task::yield_now().await;
            count.fetch_add(1, Ordering::SeqCst);
            Ok::<_, HandlerError>(())
        }
    }));
    let senders: Vec<_> =
        (0..1000).map(|_| tokio::spawn(service.clone().oneshot(after()))).collect();
    let drained = detach.drain(Duration::from_secs(30)).await;
    let mut answered = 0;
    for sender in senders {
        let _ = sender.await.unwrap().unwrap();
        answered += 1;
    }
    // Every one was answered OK; each was handled, or handed back.
    let drained_later = detach.drain(Duration::from_secs(30)).await;
    let unfinished = drained.unfinished.len() + drained_later.unfinished.len();
    assert_eq!((answered, handled.load(Ordering::SeqCst) + unfinished), (1000, 1000));
    assert_eq!(unfinished, 0);
}

/// A runtime that is shutting down drops what is spawned at once, in the middle of the spawning.
#[test]
fn a_runtime_that_ends_does_not_lock_up() {
    struct OnDrop(Option<Box<dyn FnOnce() + Send>>);

    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.take().unwrap()();
        }
    }

    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let tell = told.clone();
    let detach = DetachLayer::new(10)
        .on_failure(move |_, failure| tell.lock().unwrap().push(failure.to_string()));
    let service = detach.layer(service_fn(|_: Callback| async { Ok::<_, HandlerError>(()) }));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let handle = runtime.handle().clone();
    let last = OnDrop(Some(Box::new(move || {
        let _guard = handle.enter();
        let mut call = task::spawn(service.clone().oneshot(after()));
        assert_eq!(assert_ready!(call.poll()).unwrap(), Reply::ok());
    })));
    runtime.block_on(async {
        tokio::spawn(async move {
            let _last = last;
            std::future::pending::<()>().await;
        });
        tokio::task::yield_now().await;
    });
    drop(runtime);
    // It was answered, and Tencent does not send it again.
    let stats = detach.stats();
    assert_eq!((stats.detached, stats.running, stats.succeeded, stats.failed), (1, 0, 0, 1));
    assert_eq!(*told.lock().unwrap(), ["the runtime ended before the service did"]);
}

#[test]
fn without_a_runtime_nothing_is_detached() {
    let detach = DetachLayer::new(10);
    let inner = service_fn(async |_: Callback| Ok::<_, HandlerError>(()));
    let service = layer().layer(detach.layer(inner));
    let request = signed(Command::SnsFriendDelete).build::<Full<Bytes>>();
    let response = assert_ready!(task::spawn(service.oneshot(request)).poll()).unwrap();
    assert_eq!(outcome(&response).cause(), Some(Cause::Panicked));
    assert_eq!(detach.stats(), DetachStats::default());
}

/// What comes after a drain is answered as what is not detached is, and reported as what is.
#[tokio::test]
async fn failures_after_a_drain_are_reported_and_answered() {
    let failures = Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = failures.clone();
    let detach = DetachLayer::new(1)
        .on_failure(move |_, failure| told.lock().unwrap().push(failure.to_string()));
    let inner = detach.layer(service_fn(|callback: Callback| async move {
        assert!(callback.command() != &Command::SnsFriendDelete, "on purpose");
        Err::<(), _>(HandlerError::permanent("no database"))
    }));
    drop(detach.drain(Duration::from_secs(1)).await);
    let service = layer().layer(inner.clone());
    let request = signed(Command::SnsFriendDelete).build::<Full<Bytes>>();
    let response = service.oneshot(request).await.unwrap();
    let outcome = outcome(&response);
    assert_eq!(outcome.cause(), Some(Cause::Panicked));
    assert_eq!(outcome.error(), Some("the service panicked: on purpose"));
    let error = inner.oneshot(callback(Command::StateChange)).await.unwrap_err();
    assert_eq!(error.retry(), tencent_im_callback::Retry::Never);
    assert_eq!(*failures.lock().unwrap(), ["the service panicked: on purpose", "no database"]);
    assert_eq!((detach.stats().failed, detach.stats().detached), (2, 0));
}

/// What a drain hands back may still complete, if its handler does not yield. The id tells which it
/// was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_id_tells_what_completed_after_it_was_handed_back() {
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let gate = Arc::new(std::sync::Mutex::new(gate));
    let (tell, told) = tokio::sync::oneshot::channel();
    let tell = Arc::new(std::sync::Mutex::new(Some(tell)));
    let (begin, begun) = tokio::sync::oneshot::channel();
    let begin = Arc::new(std::sync::Mutex::new(Some(begin)));
    let detach = DetachLayer::new(1);
    let service = detach.layer(service_fn(move |callback: Callback| {
        let (gate, tell, begin) = (gate.clone(), tell.clone(), begin.clone());
        async move {
            let id = *callback.extensions.get::<DetachId>().unwrap();
            begin.lock().unwrap().take().unwrap().send(()).unwrap();
            // Blocks its thread, which no abort can end.
            gate.lock().unwrap().recv().unwrap();
            tell.lock().unwrap().take().unwrap().send(id).unwrap();
            Ok::<_, HandlerError>(())
        }
    }));
    let _ = service.oneshot(after()).await.unwrap();
    begun.await.unwrap();
    let drained = detach.drain(Duration::ZERO).await;
    assert_eq!(drained.unfinished.len(), 1);
    go.send(()).unwrap();
    let id = told.await.unwrap();
    assert_eq!(id, drained.unfinished[0].0);
    assert_eq!(id.to_string(), "0");
}

/// What a drain returns is stored by its caller, who must not run beside its handler.
#[tokio::test]
async fn what_a_drain_returns_is_no_longer_handled() {
    struct AtWork(Arc<AtomicUsize>);

    impl Drop for AtWork {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    let at_work = Arc::new(AtomicUsize::new(0));
    let count = at_work.clone();
    let detach = DetachLayer::new(10);
    let service = detach.layer(service_fn(move |_: Callback| {
        count.fetch_add(1, Ordering::SeqCst);
        let guard = AtWork(count.clone());
        async move {
            let _guard = guard;
            std::future::pending::<Result<(), HandlerError>>().await
        }
    }));
    for _ in 0..3 {
        let _ = service.clone().oneshot(after()).await.unwrap();
    }
    tokio::task::yield_now().await;
    assert_eq!(at_work.load(Ordering::SeqCst), 3);
    let drained = detach.drain(Duration::from_millis(1)).await;
    assert_eq!((drained.finished, drained.unfinished.len()), (0, 3));
    assert_eq!(at_work.load(Ordering::SeqCst), 0);
    let stats = detach.stats();
    assert_eq!((stats.running, stats.running_bytes, stats.unfinished), (0, 0, 3));
}

/// To abort a handler drops it, and that can panic. Its callback was not handled all the same.
#[tokio::test]
async fn what_panics_while_it_is_aborted_is_handed_back() {
    struct Panics;

    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }

    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let tell = told.clone();
    let detach = DetachLayer::new(10)
        .on_failure(move |_, failure| tell.lock().unwrap().push(failure.to_string()));
    let service = detach.layer(service_fn(|_: Callback| async {
        let _panics = Panics;
        std::future::pending::<Result<(), HandlerError>>().await
    }));
    let _ = service.oneshot(after()).await.unwrap();
    tokio::task::yield_now().await;
    let drained = detach.drain(Duration::from_millis(1)).await;
    assert_eq!((drained.finished, drained.unfinished.len()), (0, 1));
    assert!(told.lock().unwrap().is_empty(), "{told:?}");
    let stats = detach.stats();
    assert_eq!((stats.failed, stats.unfinished, stats.running), (0, 1, 0));
}

/// A handler that blocks its thread is given a second more; one that ends within it has finished.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_while_it_is_aborted_has_finished() {
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let gate = Arc::new(std::sync::Mutex::new(gate));
    let (begin, begun) = tokio::sync::oneshot::channel();
    let begin = Arc::new(std::sync::Mutex::new(Some(begin)));
    let detach = DetachLayer::new(10);
    let service = detach.layer(service_fn(move |_: Callback| {
        let (gate, begin) = (gate.clone(), begin.clone());
        async move {
            let begin = begin.lock().unwrap().take();
            if let Some(begin) = begin {
                begin.send(()).unwrap();
                gate.lock().unwrap().recv().unwrap();
            }
            Ok::<_, HandlerError>(())
        }
    }));
    let _ = service.clone().oneshot(after()).await.unwrap();
    begun.await.unwrap();
    // This one ends before the drain, which does not count it.
    let _ = service.oneshot(after()).await.unwrap();
    while detach.stats().succeeded == 0 {
        tokio::task::yield_now().await;
    }
    let draining = detach.clone();
    let drain = tokio::spawn(async move { draining.drain(Duration::ZERO).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    go.send(()).unwrap();
    let drained = drain.await.unwrap();
    assert_eq!((drained.finished, drained.unfinished.len()), (1, 0));
    let stats = detach.stats();
    assert_eq!((stats.succeeded, stats.unfinished, stats.running), (2, 0, 0));
}

/// Work that is only aborted wakes the one who drains, too; handed back means aborted.
#[tokio::test(start_paused = true)]
async fn a_second_drain_ends_at_once_when_the_first_has_aborted_all() {
    let gated = Gated::new();
    let detach = DetachLayer::new(10);
    let service = detach.layer(gated.service());
    for _ in 0..3 {
        let _ = service.clone().oneshot(after()).await.unwrap();
    }
    let started = tokio::time::Instant::now();
    let (short, long) =
        tokio::join!(detach.drain(Duration::from_secs(1)), detach.drain(Duration::from_secs(3600)));
    assert_eq!((short.unfinished.len(), long.unfinished.len()), (3, 0));
    assert_eq!((short.finished, long.finished), (0, 0));
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    gated.gate.add_permits(3);
    tokio::task::yield_now().await;
    assert_eq!(gated.counts(), (3, 0));
}

/// They waited for permits of the work that was being drained, and failed.
#[tokio::test(start_paused = true)]
async fn while_all_permits_are_taken_a_drain_lets_callbacks_run_at_once() {
    let gated = Gated::new();
    let detach = DetachLayer::new(1);
    let service = detach.layer(gated.service());
    let _ = service.clone().oneshot(after()).await.unwrap();
    let mut before = task::spawn(service.clone().oneshot(after()));
    assert_pending!(before.poll());
    let mut drain = task::spawn(detach.drain(Duration::from_secs(60)));
    assert_pending!(drain.poll());
    assert!(before.is_woken());
    assert_pending!(before.poll());
    let mut later = task::spawn(service.clone().oneshot(after()));
    assert_pending!(later.poll());
    tokio::task::yield_now().await;
    assert_eq!(gated.counts(), (3, 0));
    gated.gate.add_permits(3);
    let reply = Reply::reject(7, "of the service");
    assert_eq!((before.await.unwrap(), later.await.unwrap()), (reply.clone(), reply));
    assert_eq!(drain.await.finished, 1);
    let stats = detach.stats();
    assert_eq!((stats.detached, stats.overloaded, stats.abandoned), (1, 0, 0));
}
