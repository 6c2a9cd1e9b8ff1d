//! Verdicts and notifications, each with layers of its own.
#![allow(clippy::pedantic)]

mod common;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use common::{layer, outcome, signed};
use http_body_util::Full;
use tencent_im_callback::{
    Callback, Cause, Command, DedupLayer, DetachLayer, Disposition, EventRouter, HandlerError,
    Outcome, OutcomeKind, Reply, Split,
};
use tokio::sync::Semaphore;
use tokio_test::{assert_pending, task};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

fn request(command: Command) -> http::Request<Full<Bytes>> {
    signed(command).build()
}

#[tokio::test]
async fn each_goes_to_its_own_service() {
    let split = Split::new(
        service_fn(|_: Callback| async { Ok::<_, Infallible>(Reply::fail("verdict")) }),
        service_fn(|_: Callback| async { Ok::<_, HandlerError>(Reply::fail("notification")) }),
    );
    for command in Command::ALL.iter().cloned().chain([Command::from("New.Word")]) {
        let request = signed(command.clone()).body(r#"{"PairList":[],"x":1}"#).build::<Bytes>();
        let (parts, body) = request.into_parts();
        let params = common::params_of(&common::verifier(), &parts.method, &parts.uri);
        let callback = Callback::parse_untyped(params, body).unwrap();
        let expected = if command.is_answered() { "verdict" } else { "notification" };
        let reply = split.clone().oneshot(callback).await.unwrap();
        assert_eq!(reply, Reply::fail(expected), "{command}");
    }
}

/// With one stack for both, the friend deletion was answered "service overloaded", and was gone.
#[tokio::test(start_paused = true)]
async fn a_slow_verdict_costs_no_notification() {
    let gate = Arc::new(Semaphore::new(0));
    let handled = Arc::new(AtomicUsize::new(0));
    let (wait, count) = (gate.clone(), handled.clone());
    let verdicts = ServiceBuilder::new()
        .timeout(Duration::from_millis(1500))
        .load_shed()
        .concurrency_limit(1)
        .service(service_fn(move |_: Callback| {
            let wait = wait.clone();
            async move {
                wait.acquire().await?.forget();
                Ok::<_, HandlerError>(Reply::ok())
            }
        }));
    let detach = DetachLayer::new(10);
    let dedup = DedupLayer::new(Duration::from_secs(60)).layer(service_fn(move |_: Callback| {
        let count = count.clone();
        async move {
            count.fetch_add(1, Ordering::SeqCst);
            Ok::<_, HandlerError>(())
        }
    }));
    let notifications = detach.layer(dedup.clone());
    let service = layer().layer(Split::new(verdicts, notifications));

    let mut slow = task::spawn(service.clone().oneshot(request(Command::C2cBeforeSendMsg)));
    assert_pending!(slow.poll());
    let shed = service.clone().oneshot(request(Command::C2cBeforeSendMsg)).await.unwrap();
    assert_eq!((shed.status().as_u16(), outcome(&shed).cause()), (500, Some(Cause::Overloaded)));
    // The second one is the same delivery.
    for command in [Command::SnsFriendDelete, Command::StateChange, Command::StateChange] {
        let response = service.clone().oneshot(request(command)).await.unwrap();
        let what: &Outcome = outcome(&response);
        assert_eq!(
            (what.kind(), what.disposition()),
            (OutcomeKind::Accepted, Some(Disposition::Detached))
        );
    }
    gate.add_permits(1);
    assert_eq!(slow.await.unwrap().status(), 200);
    assert!(detach.drain(Duration::from_secs(1)).await.unfinished.is_empty());
    assert_eq!(handled.load(Ordering::SeqCst), 2);
    // Duplicates are counted where they are found, and where they were detached.
    let stats = detach.stats();
    assert_eq!((stats.detached, stats.succeeded, stats.duplicates), (3, 3, 1));
    let stats = dedup.stats();
    assert_eq!((stats.handled, stats.duplicates, stats.without_key), (1, 1, 1));
    assert_eq!(format!("{:?}", dedup).matches("duplicates: 1").count(), 1);
}

/// The excess over a rate is answered at once if `load_shed` stands between the buffer and the
/// limit. The other way round it waits for the deadline.
#[tokio::test(start_paused = true)]
async fn what_is_over_the_rate_is_answered_at_once() {
    let verdicts = ServiceBuilder::new()
        .timeout(Duration::from_millis(1500))
        .buffer(1024)
        .load_shed()
        .rate_limit(2, Duration::from_secs(3600))
        .service(EventRouter::new().allow_unhandled());
    let service = layer().layer(Split::new(verdicts, EventRouter::new()));
    let started = tokio::time::Instant::now();
    let mut causes = Vec::new();
    for _ in 0..4 {
        let response = service.clone().oneshot(request(Command::C2cBeforeSendMsg)).await.unwrap();
        causes.push(outcome(&response).cause());
    }
    let shed = Some(Cause::Overloaded);
    assert_eq!(causes, [None, None, shed, shed]);
    assert!(started.elapsed() < Duration::from_millis(100));
}

#[tokio::test]
async fn it_is_ready_when_neither_is() {
    #[derive(Clone)]
    struct Never;

    impl Service<Callback> for Never {
        type Response = Reply;
        type Error = HandlerError;
        type Future = std::future::Ready<Result<Reply, HandlerError>>;

        fn poll_ready(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), HandlerError>> {
            std::task::Poll::Pending
        }

        fn call(&mut self, _: Callback) -> Self::Future {
            unreachable!("never ready")
        }
    }

    let mut split = Split::new(Never, Never);
    assert!(split.ready().await.is_ok());
}
