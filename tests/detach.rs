//! Answering at once and working in the background.
#![allow(clippy::pedantic)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use common::{layer, outcome, signed};
use http_body_util::Full;
use tencent_im_callback::{Callback, Command, HandlerError, OutcomeKind, Reply};
use tencent_im_callback::{DetachFailure, DetachId, DetachLayer, Disposition, StoredCallback};
use tokio::sync::Semaphore;
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, Service, ServiceExt, service_fn};

fn callback(command: Command) -> Callback {
    let (parts, body) = signed(command).build::<Bytes>().into_parts();
    Callback::parse(common::params_of(&common::verifier(), &parts.method, &parts.uri), body)
        .unwrap()
}

fn after() -> Callback {
    callback(Command::SnsFriendDelete)
}

/// A service that waits for a permit of `gate`, and counts what it has begun and ended.
#[derive(Clone)]
struct Gated {
    gate: Arc<Semaphore>,
    begun: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

impl Gated {
    fn new() -> Self {
        Gated { gate: Arc::new(Semaphore::new(0)), begun: Arc::default(), ended: Arc::default() }
    }

    fn service(
        &self,
    ) -> impl Service<Callback, Response = Reply, Error = HandlerError, Future: Send>
    + Clone
    + Send
    + 'static {
        let this = self.clone();
        service_fn(move |_: Callback| {
            let this = this.clone();
            async move {
                this.begun.fetch_add(1, Ordering::SeqCst);
                this.gate.acquire().await?.forget();
                this.ended.fetch_add(1, Ordering::SeqCst);
                Ok(Reply::fail("of the service"))
            }
        })
    }

    fn counts(&self) -> (usize, usize) {
        (self.begun.load(Ordering::SeqCst), self.ended.load(Ordering::SeqCst))
    }
}

#[tokio::test(start_paused = true)]
async fn what_needs_no_verdict_is_answered_at_once() {
    let gated = Gated::new();
    let detach = DetachLayer::new(10);
    let service = detach.layer(gated.service());
    for command in Command::ALL {
        let mut call = task::spawn(service.clone().oneshot(callback(command.clone())));
        if command.is_answered() {
            assert_pending!(call.poll(), "{command} was detached");
            gated.gate.add_permits(1);
            assert_eq!(call.await.unwrap(), Reply::fail("of the service"), "{command}");
        } else {
            assert_eq!(assert_ready!(call.poll()).unwrap(), Reply::ok(), "{command}");
            gated.gate.add_permits(1);
            tokio::task::yield_now().await;
        }
    }
    // A phase that nobody knows may be one of a verdict.
    assert_pending!(task::spawn(service.clone().oneshot(callback("New.Word".into()))).poll());
    let all = Command::ALL.len();
    assert_eq!(gated.counts(), (all + 1, all));
    let stats = detach.stats();
    let answered = Command::ALL.iter().filter(|command| command.is_answered()).count();
    let detached = (all - answered) as u64;
    assert_eq!((stats.detached, stats.succeeded, stats.running), (detached, detached, 0));
}

#[tokio::test(start_paused = true)]
async fn the_outcome_says_so() {
    let gated = Gated::new();
    let service = layer().layer(DetachLayer::new(1).layer(gated.service()));
    let response =
        service.oneshot(signed(Command::SnsFriendDelete).build::<Full<Bytes>>()).await.unwrap();
    assert_eq!(outcome(&response).kind(), OutcomeKind::Accepted);
    assert_eq!(outcome(&response).disposition(), Some(Disposition::Detached));
}

#[tokio::test(start_paused = true)]
async fn without_room_a_callback_waits_and_then_fails() {
    let gated = Gated::new();
    let detach = DetachLayer::new(1).max_wait(Duration::from_millis(1500));
    let service = detach.layer(gated.service());
    let _ = service.clone().oneshot(after()).await.unwrap();
    // No verdict waits for room.
    assert_pending!(
        task::spawn(service.clone().oneshot(callback(Command::C2cBeforeSendMsg))).poll()
    );

    let started = tokio::time::Instant::now();
    let error = service.clone().oneshot(after()).await.unwrap_err();
    assert!(error.to_string().starts_with("overloaded"), "{error}");
    assert_eq!(started.elapsed().as_millis() / 100, 15);
    assert_eq!((detach.stats().overloaded, detach.stats().abandoned), (1, 0));

    // One that hangs up while it waits is not begun, and is counted.
    let mut waiting = task::spawn(service.clone().oneshot(after()));
    assert_pending!(waiting.poll());
    drop(waiting);
    assert_eq!((detach.stats().overloaded, detach.stats().abandoned), (1, 1));

    // Room in time.
    let mut waiting = task::spawn(service.clone().oneshot(after()));
    assert_pending!(waiting.poll());
    gated.gate.add_permits(2);
    assert_eq!(waiting.await.unwrap(), Reply::ok());
    let drained = detach.drain(Duration::from_secs(1)).await;
    assert!(drained.unfinished.is_empty());
    let stats = detach.stats();
    assert_eq!((stats.detached, stats.succeeded, stats.running, stats.abandoned), (2, 2, 0, 1));
}

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
    let ids: Vec<_> = drained.unfinished.iter().map(|(id, _)| id.0).collect();
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
    assert_eq!(service.clone().oneshot(after()).await.unwrap(), Reply::fail("of the service"));
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

#[tokio::test]
async fn errors_and_panics_reach_the_hook() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let tell = seen.clone();
    let detach = DetachLayer::new(10).on_failure(move |params, failure| {
        let panic = matches!(failure, DetachFailure::Panic);
        tell.lock().unwrap().push((params.command.clone(), panic, failure.to_string()));
    });
    let service = detach.layer(service_fn(|callback: Callback| async move {
        match callback.command() {
            Command::StateChange => panic!("on purpose"),
            Command::SnsFriendAdd => Err("no database"),
            _ => Ok(()),
        }
    }));
    for command in [Command::StateChange, Command::SnsFriendAdd, Command::SnsFriendDelete] {
        assert_eq!(service.clone().oneshot(callback(command)).await.unwrap(), Reply::ok());
    }
    assert_eq!(detach.drain(Duration::from_secs(10)).await.finished, 3);
    let mut seen = seen.lock().unwrap().clone();
    seen.sort();
    assert_eq!(
        seen,
        [
            (Command::StateChange, true, "the service panicked".to_owned()),
            (Command::SnsFriendAdd, false, "no database".to_owned()),
        ]
    );
    let stats = detach.stats();
    assert_eq!((stats.detached, stats.succeeded, stats.failed, stats.running), (3, 1, 2, 0));
}

#[tokio::test]
async fn the_span_of_the_request_goes_along() {
    use tracing::Instrument;

    let subscriber = tracing_subscriber::fmt().with_writer(std::io::sink).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let (tell, told) = tokio::sync::oneshot::channel();
    let tell = Arc::new(std::sync::Mutex::new(Some(tell)));
    let service = DetachLayer::new(1).layer(service_fn(move |_: Callback| {
        let tell = tell.clone();
        async move {
            let name = tracing::Span::current().metadata().map(|metadata| metadata.name());
            tell.lock().unwrap().take().unwrap().send(name).unwrap();
            Ok::<_, HandlerError>(())
        }
    }));
    let span = tracing::info_span!("request");
    let _ = service.oneshot(after()).instrument(span).await.unwrap();
    assert_eq!(told.await.unwrap(), Some("request"));
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

    let detach = DetachLayer::new(10);
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
    // What is dropped with its runtime has not failed: nobody waited for it.
    let stats = detach.stats();
    assert_eq!((stats.detached, stats.running, stats.succeeded, stats.failed), (1, 0, 0, 0));
}

/// Bytes are bounded as callbacks are: ten thousand bodies of a megabyte would be the machine.
#[tokio::test(start_paused = true)]
async fn the_bytes_in_the_background_are_bounded() {
    let gated = Gated::new();
    let detach = DetachLayer::new(100).max_bytes(10 * 1024);
    let service = detach.layer(gated.service());
    let large = |kibibytes: usize| {
        let text = "x".repeat(kibibytes * 1024 - 400);
        let body = format!(r#"{{"PairList":[{{"From_Account":"a","To_Account":"{text}"}}]}}"#);
        let (parts, body) =
            signed(Command::SnsFriendDelete).body(body).build::<Bytes>().into_parts();
        Callback::parse(common::params_of(&common::verifier(), &parts.method, &parts.uri), body)
            .unwrap()
    };
    for _ in 0..2 {
        assert_eq!(service.clone().oneshot(large(4)).await.unwrap(), Reply::ok());
    }
    assert_eq!(detach.stats().running_bytes, 8 * 1024);
    let error = service.clone().oneshot(large(4)).await.unwrap_err();
    assert!(error.is_overloaded(), "{error}");
    // A small one fits beside them; one that is larger than all there may be runs alone.
    assert_eq!(service.clone().oneshot(after()).await.unwrap(), Reply::ok());
    let mut alone = task::spawn(service.clone().oneshot(large(64)));
    assert_pending!(alone.poll());
    gated.gate.add_permits(4);
    assert_eq!(alone.await.unwrap(), Reply::ok());
    let drained = detach.drain(Duration::from_secs(1)).await;
    assert!(drained.unfinished.is_empty());
    let stats = detach.stats();
    assert_eq!((stats.running_bytes, stats.succeeded, stats.overloaded), (0, 4, 1));
}

/// Anybody can make a URL of eight kilobytes around a body of a hundred bytes.
#[tokio::test(start_paused = true)]
async fn the_url_counts_as_the_body_does() {
    let detach = DetachLayer::new(100);
    let service = detach.layer(Gated::new().service());
    for (length, kibibytes) in [(0, 1), (1, 1), (3 * 1024, 4), (8 * 1024, 9)] {
        let request = signed(Command::SnsFriendDelete).parameter("x", &"y".repeat(length));
        let (parts, body) = request.build::<Bytes>().into_parts();
        let params = common::params_of(&common::verifier(), &parts.method, &parts.uri);
        let before = detach.stats().running_bytes;
        let callback = Callback::parse(params, body).unwrap();
        assert_eq!(service.clone().oneshot(callback).await.unwrap(), Reply::ok());
        assert_eq!(detach.stats().running_bytes - before, kibibytes * 1024, "{length}");
    }
}

#[test]
#[should_panic(expected = "before it is cloned")]
fn a_bound_of_a_layer_in_use_is_not_changed() {
    let detach = DetachLayer::new(1);
    let _in_use = detach.clone();
    let _ = detach.max_bytes(5);
}

/// Before a drain a panic of the handler did not reach the caller, after it it did.
#[tokio::test]
async fn a_panic_is_an_error_after_a_drain_as_well() {
    let failures = Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = failures.clone();
    let detach = DetachLayer::new(1)
        .on_failure(move |_, failure| told.lock().unwrap().push(failure.to_string()));
    let service = detach.layer(service_fn(|callback: Callback| async move {
        assert!(callback.command() != &Command::SnsFriendDelete, "on purpose");
        Err::<(), _>(HandlerError::permanent("no database"))
    }));
    drop(detach.drain(Duration::from_secs(1)).await);
    let error = service.clone().oneshot(after()).await.unwrap_err();
    assert_eq!(error.to_string(), "the service panicked");
    let error = service.clone().oneshot(callback(Command::StateChange)).await.unwrap_err();
    assert_eq!(error.retry(), tencent_im_callback::Retry::Never);
    assert_eq!(*failures.lock().unwrap(), ["the service panicked", "no database"]);
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
    assert_eq!(id.to_string(), id.0.to_string());
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

/// A hook that panics ends neither the work nor the process.
#[tokio::test]
async fn a_hook_that_panics_is_no_end() {
    let detach = DetachLayer::new(10).on_failure(|_, failure| panic!("the hook: {failure}"));
    let service = detach.layer(service_fn(|callback: Callback| async move {
        assert!(callback.command() != &Command::StateChange, "on purpose");
        Err::<(), _>("no database")
    }));
    for command in [Command::StateChange, Command::SnsFriendAdd] {
        assert_eq!(service.clone().oneshot(callback(command)).await.unwrap(), Reply::ok());
    }
    assert_eq!(detach.drain(Duration::from_secs(10)).await.finished, 2);
    assert_eq!(detach.stats().failed, 2);
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
    let reply = Reply::fail("of the service");
    assert_eq!((before.await.unwrap(), later.await.unwrap()), (reply.clone(), reply));
    assert_eq!(drain.await.finished, 1);
    let stats = detach.stats();
    assert_eq!((stats.detached, stats.overloaded, stats.abandoned), (1, 0, 0));
}
