//! What is answered at once, what waits, and what a failure in the background says.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use tencent_im_callback::{
    Callback, Command, DetachFailure, DetachLayer, Disposition, HandlerError, OutcomeKind, Reply,
};
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, ServiceExt, service_fn};

use crate::common::{layer, outcome, signed};
use crate::{Gated, after, callback};

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
            assert_eq!(call.await.unwrap(), Reply::reject(7, "of the service"), "{command}");
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

#[tokio::test]
async fn errors_and_panics_reach_the_hook() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let tell = seen.clone();
    let detach = DetachLayer::new(10).on_failure(move |stored, failure| {
        // Enough to handle it later.
        let callback = stored.clone().parse().unwrap();
        assert_eq!(callback.event, self::callback(callback.command().clone()).event);
        let panic = matches!(failure, DetachFailure::Panic(_));
        tell.lock().unwrap().push((callback.command().clone(), panic, failure.to_string()));
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
            (Command::StateChange, true, "the service panicked: on purpose".to_owned()),
            (Command::SnsFriendAdd, false, "no database".to_owned()),
        ]
    );
    let stats = detach.stats();
    assert_eq!((stats.detached, stats.succeeded, stats.failed, stats.running), (3, 1, 2, 0));
}

/// A handler that answers `FAIL` has not handled the callback, before or after a drain.
#[tokio::test]
async fn fail_is_a_failure() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let tell = seen.clone();
    let detach = DetachLayer::new(10)
        .on_failure(move |_, failure| tell.lock().unwrap().push(failure.to_string()));
    let service = detach.layer(service_fn(async |_: Callback| {
        Ok::<_, HandlerError>(Reply::fail("no \"database\""))
    }));
    assert_eq!(service.clone().oneshot(after()).await.unwrap(), Reply::ok());
    assert_eq!(detach.drain(Duration::from_secs(10)).await.finished, 1);
    let late = service.oneshot(after()).await.unwrap();
    assert_eq!(late, Reply::fail("no \"database\""), "the answer is that of the handler");
    assert_eq!(*seen.lock().unwrap(), ["the handler answered FAIL: no \"database\""; 2]);
    let stats = detach.stats();
    assert_eq!((stats.detached, stats.succeeded, stats.failed), (1, 0, 2));
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
