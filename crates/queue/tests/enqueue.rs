//! The layer: alone, and between the others.

mod common;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Clock, Folder, SECOND, app, callback, callback_with, claim, entry, logged};
use tencent_im_callback::testing::SignedRequest;
use tencent_im_callback::{
    Callback, CallbackLayer, Cause, Command, DedupLayer, Disposition, EventRouter, HandlerError,
    OnError, Outcome, OutcomeKind, Reply, Split,
};
use tencent_im_callback_queue::store::{Entry, Store};
use tencent_im_callback_queue::{
    Filter, MemoryStore, Queue, QueueError, SqliteStore, StoreOptions,
};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

/// With a dedup key: the sample has a time.
const NOTICE: &str = "State.StateChange";
const VERDICT: &str = "C2C.CallbackBeforeSendMsg";

fn never()
-> impl Service<Callback, Response = Reply, Error = Infallible, Future: Send> + Clone + Send {
    service_fn(|callback: Callback| -> std::future::Ready<Result<Reply, Infallible>> {
        panic!("{:?} went inline", callback.command())
    })
}

fn memory(options: StoreOptions) -> Queue {
    Queue::new(MemoryStore::with_options(options))
}

#[tokio::test]
async fn notifications_are_enqueued_and_verdicts_pass_through() {
    let queue = memory(StoreOptions::new());
    let inline = Arc::new(Mutex::new(Vec::new()));
    let seen = inline.clone();
    let service = queue.layer().layer(service_fn(move |callback: Callback| {
        seen.lock().unwrap().push(callback.command().clone());
        async { Ok::<_, Infallible>(Reply::reject(1, "no")) }
    }));
    let (mut enqueued, mut passed) = (0, 0);
    for command in Command::ALL {
        // That one's sample is of another app.
        if *command == Command::ContentCallbackResultNotify
            || tencent_im_callback::testing::sample(command).is_none()
        {
            continue;
        }
        let callback = callback(command.as_str());
        let reply = service.clone().oneshot(callback).await.unwrap();
        if command.is_answered() || command.phase().may_decide() {
            passed += 1;
            assert_eq!(reply.disposition(), Disposition::Handled, "{command}");
            assert_eq!(inline.lock().unwrap().last(), Some(command));
        } else {
            assert_ne!(reply.disposition(), Disposition::Handled, "{command}");
            assert_eq!(reply.as_bytes(), Reply::ok().as_bytes());
            enqueued += u64::from(reply.disposition() == Disposition::Enqueued);
        }
    }
    assert!(passed > 10 && enqueued > 30, "{passed} {enqueued}");
    assert_eq!(queue.stats().await.unwrap().waiting, enqueued);
    let unknown = service
        .oneshot(callback_with("New.Word", "{\"CallbackCommand\":\"New.Word\"}"))
        .await
        .unwrap();
    assert_eq!(unknown.disposition(), Disposition::Handled);
}

#[tokio::test]
async fn a_repeat_is_a_duplicate_and_handled_once() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).await.unwrap();
    let queue = Queue::new(store);
    let service = queue.layer().layer(never());
    let calls = (0..20).map(|_| service.clone().oneshot(callback(NOTICE)));
    let calls: Vec<_> = calls.map(tokio::spawn).collect();
    let mut enqueued = 0;
    for call in calls {
        match call.await.unwrap().unwrap().disposition() {
            Disposition::Enqueued => enqueued += 1,
            disposition => assert_eq!(disposition, Disposition::Duplicate),
        }
    }
    assert_eq!(enqueued, 1);
    assert_eq!(queue.stats().await.unwrap().waiting, 1);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_is_overloaded_after_max_wait_and_says_why() {
    let queue = memory(StoreOptions::new().max_rows(0));
    let start = tokio::time::Instant::now();
    let error = queue.layer().layer(never()).oneshot(callback(NOTICE)).await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_millis(1500));
    assert!(error.is_overloaded());
    assert!(matches!(error.downcast_ref(), Some(QueueError::Full)));
    assert_eq!(format!("{error:#}"), "overloaded: no room for the callback: the queue is full");
    let service = queue.layer().max_wait(Duration::from_millis(10)).layer(never());
    let start = tokio::time::Instant::now();
    service.oneshot(callback(NOTICE)).await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_millis(10));
}

#[tokio::test]
async fn too_large_and_closed_are_errors_of_their_own() {
    let queue = memory(StoreOptions::new().max_body(10));
    let error = queue.layer().layer(never()).oneshot(callback(NOTICE)).await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(QueueError::TooLarge { max: 10, .. })));
    assert!(!error.is_overloaded());
    queue.close().await.unwrap();
    let queue = memory(StoreOptions::new());
    queue.close().await.unwrap();
    let error = queue.layer().layer(never()).oneshot(callback(NOTICE)).await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(QueueError::Closed)));
}

/// The caller hangs up while its row is being written: it is written, and the late repeat finds it.
#[tokio::test]
async fn a_caller_that_hangs_up_changes_nothing() {
    let folder = Folder::new();
    let queue = Queue::open(folder.file()).await.unwrap();
    let service = queue.layer().layer(never());
    let mut call = Box::pin(service.clone().oneshot(callback(NOTICE)));
    let first = tokio::select! {
        biased;
        reply = &mut call => Some(reply.unwrap().disposition()),
        () = std::future::ready(()) => None,
    };
    drop(call);
    assert_ne!(first, Some(Disposition::Duplicate));
    let reply = service.oneshot(callback(NOTICE)).await.unwrap();
    assert_eq!(reply.disposition(), Disposition::Duplicate);
    assert_eq!(queue.stats().await.unwrap().waiting, 1);
}

async fn send<S, B>(service: S, word: &str) -> Outcome
where
    S: Service<http::Request<axum::body::Body>, Response = http::Response<B>, Error = Infallible>,
{
    send_request(service, &SignedRequest::new(word)).await
}

async fn send_request<S, B>(service: S, request: &SignedRequest) -> Outcome
where
    S: Service<http::Request<axum::body::Body>, Response = http::Response<B>, Error = Infallible>,
{
    let response = service.oneshot(request.build()).await.unwrap();
    response.extensions().get::<Outcome>().cloned().unwrap()
}

/// What a *before* body asks for must not be allowed by the queue's `OK`, whatever the URL says.
#[tokio::test]
async fn a_before_body_behind_the_url_of_a_notification_is_passed_on() {
    const BODY: &str = r#"{"CallbackCommand":"C2C.CallbackBeforeSendMsg"}"#;

    let queue = memory(StoreOptions::new());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let judged = seen.clone();
    let judge = service_fn(move |callback: Callback| {
        let commands = (callback.command().clone(), callback.answered_as().clone());
        judged.lock().unwrap().push(commands);
        async { Ok::<_, Infallible>(Reply::reject(120_001, "no")) }
    });
    let service = CallbackLayer::new(app()).forward_misfits().layer(queue.layer().layer(judge));
    let url = SignedRequest::new("Sns.CallbackFriendDelete");
    let outcome = send_request(service.clone(), &url.body(BODY)).await;
    assert_eq!(outcome.disposition(), Some(Disposition::Handled));
    let commands = (Command::SnsFriendDelete, Command::C2cBeforeSendMsg);
    assert_eq!(*seen.lock().unwrap(), [commands]);
    assert_eq!(queue.stats().await.unwrap().waiting, 0);

    // Another notification's body is one that cannot be read.
    let url = SignedRequest::new("Sns.CallbackFriendDelete");
    let body = r#"{"CallbackCommand":"State.StateChange"}"#;
    let outcome = send_request(service, &url.body(body)).await;
    assert_eq!(outcome.disposition(), Some(Disposition::Enqueued));
    assert_eq!(queue.stats().await.unwrap().waiting, 1);
}

#[tokio::test]
async fn under_the_layer_with_towers_layers_around_it() {
    let queue = memory(StoreOptions::new());
    let verdicts = ServiceBuilder::new()
        .timeout(SECOND)
        .load_shed()
        .concurrency_limit(10)
        .service(service_fn(|_: Callback| async { Ok::<_, Infallible>(Reply::ok()) }));
    let service = ServiceBuilder::new()
        .layer(CallbackLayer::new(app()))
        .timeout(2 * SECOND)
        .load_shed()
        .concurrency_limit(10)
        .layer(queue.layer())
        .service(verdicts.clone());
    let outcome = send(service.clone(), NOTICE).await;
    assert_eq!(
        (outcome.kind(), outcome.disposition()),
        (OutcomeKind::Accepted, Some(Disposition::Enqueued))
    );
    let outcome = send(service.clone(), NOTICE).await;
    assert_eq!(outcome.disposition(), Some(Disposition::Duplicate));
    let outcome = send(service, VERDICT).await;
    assert_eq!(outcome.disposition(), Some(Disposition::Handled));

    let split = Split::new(verdicts, queue.layer().layer(never()));
    let service = CallbackLayer::new(app()).layer(split);
    let outcome = send(service, "Sns.CallbackFriendDelete").await;
    assert_eq!(outcome.disposition(), Some(Disposition::Enqueued));
}

#[tokio::test]
async fn on_error_answers_when_the_queue_is_full() {
    let queue = memory(StoreOptions::new().max_rows(0));
    let service = ServiceBuilder::new()
        .layer(CallbackLayer::new(app()).on_after_error(OnError::ServerError))
        .layer(queue.layer().max_wait(Duration::from_millis(1)))
        .service(never());
    let outcome = send(service, NOTICE).await;
    assert_eq!((outcome.kind(), outcome.cause()), (OutcomeKind::Failed, Some(Cause::Overloaded)));
    let text = outcome.error().unwrap().to_string();
    assert!(text.contains("the queue is full"), "{text}");
}

/// The same handler inline, detached and queued; with `Dedup` before it.
#[tokio::test]
async fn one_handler_three_ways() {
    let count = Arc::new(Mutex::new(0));
    let counted = count.clone();
    let handler = EventRouter::new().on(
        move |_: Callback<tencent_im_callback::event::state::StateChange>| {
            *counted.lock().unwrap() += 1;
            async { Ok::<_, HandlerError>(()) }
        },
    );
    let queue = memory(StoreOptions::new());
    drop(handler.clone().oneshot(callback(NOTICE)).await.unwrap());
    let detach = tencent_im_callback::DetachLayer::new(10);
    drop(detach.layer(handler.clone()).oneshot(callback(NOTICE)).await.unwrap());
    drop(detach.drain(SECOND).await);
    let queued = queue.layer().layer(handler.clone());
    drop(queued.oneshot(callback(NOTICE)).await.unwrap());
    let deduped = DedupLayer::new(SECOND).layer(handler);
    let done = async {
        while queue.stats().await.unwrap().waiting > 0 {
            tokio::task::yield_now().await;
        }
    };
    queue.worker(deduped).run(done).await.unwrap();
    assert_eq!(*count.lock().unwrap(), 3);
}

/// Neither `Debug` nor the log shows what people wrote.
#[tokio::test]
async fn bodies_are_in_no_debug_and_no_log() {
    let (log, _guard) = logged();
    let secret = concat!(
        r#"{"CallbackCommand":"Sns.CallbackFriendDelete","PairList":["#,
        r#"{"From_Account":"mysecretname"}]}"#
    );
    let shown = Mutex::new(String::new());
    let show = |what: &dyn std::fmt::Debug| {
        use std::fmt::Write;
        writeln!(shown.lock().unwrap(), "{what:?} {what:#?}").unwrap();
    };
    let clock = Clock::new();
    let store = MemoryStore::with_options(clock.options());
    let callback = callback_with("Sns.CallbackFriendDelete", secret);
    let entry_of_it = Entry::of(&callback).unwrap();
    assert!(entry_of_it.payload.contains("mysecretname"));
    show(&entry_of_it);
    store.append(entry_of_it, SECOND).await.unwrap();
    let claimed = claim(&store, 1).await;
    show(&claimed);
    store.release(claimed[0].claim);
    show(&store.list(Filter::waiting(), None, 1).await.unwrap());
    store.append(entry("{\"mysecretname\":", None), SECOND).await.unwrap();
    show(&store);
    let queue = Queue::new(store);
    let fails = service_fn(|_: Callback| async { Err::<Reply, _>(HandlerError::permanent("no")) });
    let worker = queue.worker(fails).on_dead(|record| tracing::info!(?record, "dead"));
    show(&worker);
    let layered = queue.layer().layer(());
    show(&layered);
    let done = async {
        while queue.stats().await.unwrap().waiting > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    worker.run(done).await.unwrap();
    let log = log.text();
    assert_eq!(log.matches("callback is a dead letter").count(), 2, "{log}");
    let shown = shown.into_inner().unwrap();
    assert!(!shown.contains("mysecretname"), "{shown}");
    assert!(!log.contains("mysecretname"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn a_queue_without_a_worker_is_warned_about_once() {
    const TEXT: &str = "no worker handles them";

    let (log, _guard) = logged();
    let queue = memory(StoreOptions::new());
    let service = queue.layer().layer(never());
    for _ in 0..3 {
        drop(service.clone().oneshot(callback(NOTICE)).await.unwrap());
    }
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert_eq!(log.text().matches(TEXT).count(), 0);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    drop(service.oneshot(callback("Sns.CallbackFriendDelete")).await.unwrap());
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(log.text().matches(TEXT).count(), 1);

    // A worker that begins within a minute is none too late.
    let queue = memory(StoreOptions::new());
    drop(queue.layer().layer(never()).oneshot(callback(NOTICE)).await.unwrap());
    tokio::time::sleep(Duration::from_secs(50)).await;
    let worker = queue.worker(service_fn(|_| async { Ok::<_, Infallible>(()) }));
    worker.run(tokio::time::sleep(Duration::from_secs(3600))).await.unwrap();
    assert_eq!(log.text().matches(TEXT).count(), 1);
}

#[tokio::test]
async fn a_layer_that_enqueues_nothing_is_warned_about_once() {
    const TEXT: &str = "it belongs on the side of notifications";

    let (log, _guard) = logged();
    let allows = service_fn(|_: Callback| async { Ok::<_, Infallible>(Reply::ok()) });
    let queue = memory(StoreOptions::new());
    let wrong = Split::new(queue.layer().layer(allows), allows);
    for number in 0..300 {
        assert_eq!(log.text().matches(TEXT).count(), usize::from(number >= 100));
        drop(wrong.clone().oneshot(callback(VERDICT)).await.unwrap());
        drop(wrong.clone().oneshot(callback(NOTICE)).await.unwrap());
    }

    let queue = memory(StoreOptions::new());
    let right = queue.layer().layer(allows);
    drop(right.clone().oneshot(callback(NOTICE)).await.unwrap());
    for _ in 0..300 {
        drop(right.clone().oneshot(callback(VERDICT)).await.unwrap());
    }
    assert_eq!(log.text().matches(TEXT).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_command_that_nobody_handles_is_warned_about_once() {
    const TEXT: &str = "has no handler for them";

    let (log, _guard) = logged();
    let store = Arc::new(MemoryStore::new());
    let fill = async || {
        for word in [NOTICE, NOTICE, "Sns.CallbackFriendDelete"] {
            let mut entry = Entry::of(&callback(word)).unwrap();
            entry.dedup_key = None;
            store.append(entry, SECOND).await.unwrap();
        }
    };
    let queue = Queue::new(store.clone());
    // The last two say what they do with the rest.
    let allows = EventRouter::new().allow_unhandled();
    let falls_back =
        EventRouter::new().fallback_fn(|_: Callback| async { Ok::<_, HandlerError>(Reply::ok()) });
    for (router, expected) in [(EventRouter::new(), 2), (allows, 2), (falls_back, 2)] {
        fill().await;
        let worker = queue.worker(router);
        worker.run(tokio::time::sleep(SECOND)).await.unwrap();
        assert_eq!(queue.stats().await.unwrap().waiting, 0);
        assert_eq!(log.text().matches(TEXT).count(), expected);
    }
}
