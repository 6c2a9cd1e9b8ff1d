//! Layers that end what takes too long.

use crate::common::{Inner, layer, signed};
use crate::{
    AFTER, BEFORE, HOUR, SECOND, answer, ask, dripping, forged, good, hang,
    takes_one_and_refuses_one,
};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::{Channel, Full};
use std::convert::Infallible;
use std::time::Duration;
use tencent_im_callback::{Callback, Cause, OutcomeKind, RejectionKind};
use tokio::time::{Instant, pause};
use tower::timeout::error::Elapsed;
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tower_http::timeout::{RequestBodyDeadlineLayer, TimeoutLayer};

#[tokio::test]
async fn a_timeout_outside_bounds_body_and_handler_and_leaves_the_peer_without_an_answer() {
    pause();
    let inner = Inner::default();
    let service = ServiceBuilder::new().timeout(SECOND).layer(layer()).service(inner.clone());
    takes_one_and_refuses_one(&service).await;
    let (_drip, slow) = dripping();
    let error = service.oneshot(slow).await.unwrap_err();
    assert!(error.is::<Elapsed>(), "{error}");
    assert_eq!(inner.calls(), 1);

    let service = ServiceBuilder::new().timeout(SECOND).layer(layer()).service(service_fn(hang));
    let error = service.clone().oneshot(good()).await.unwrap_err();
    assert!(error.is::<Elapsed>(), "{error}");
    ask(&service, forged()).await.is_refused();
}

#[tokio::test]
async fn a_timeout_inside_bounds_the_handler_alone_and_is_a_failure_with_an_answer() {
    pause();
    let service = ServiceBuilder::new().layer(layer()).timeout(SECOND).service(Inner::default());
    takes_one_and_refuses_one(&service).await;
    let (_drip, slow) = dripping();
    assert!(tokio::time::timeout(HOUR, service.oneshot(slow)).await.is_err());

    let service = ServiceBuilder::new().layer(layer()).timeout(SECOND).service(service_fn(hang));
    for (command, status) in [(AFTER, 200), (BEFORE, 500)] {
        let late = ask(&service, signed(command).build::<Full<Bytes>>()).await;
        assert_eq!((late.status, late.kind()), (status, Some(OutcomeKind::Failed)));
        assert_eq!(
            (late.cause(), late.error()),
            (Some(Cause::TimedOut), Some("request timed out"))
        );
        assert!(late.body.contains("callback not handled"), "{}", late.body);
    }
    ask(&service, forged()).await.is_refused();
}

#[tokio::test]
async fn a_body_deadline_outside_ends_a_dripping_body_and_lets_a_slow_handler_be() {
    pause();
    let service = ServiceBuilder::new()
        .layer(RequestBodyDeadlineLayer::new(SECOND))
        .layer(layer())
        .service_fn(async |_: Callback| {
            tokio::time::sleep(HOUR).await;
            Ok::<_, Infallible>(())
        });
    takes_one_and_refuses_one(&service).await;

    let (mut drip, slow) = dripping();
    drip.send_data("{".into()).await.unwrap();
    let started = Instant::now();
    let slow = ask(&service, slow).await;
    assert_eq!((slow.status, slow.rejection()), (400, Some(RejectionKind::BodyIncomplete)));
    assert_eq!(slow.error(), Some("data was not received within the designated timeout"));
    assert!(started.elapsed() < 2 * SECOND);
    // Before an action it is the owner's to answer.
    let (_drip, body) = Channel::<Bytes, Infallible>::new(4);
    let late = ask(&service, signed(BEFORE).build::<Full<Bytes>>().map(|_| body)).await;
    assert_eq!((late.status, late.cause()), (500, Some(Cause::BodyTimedOut)));
}

#[tokio::test]
async fn a_time_limit_outside_answers_body_and_handler_alike_with_an_empty_status() {
    pause();
    let limit = TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, SECOND);
    let service = ServiceBuilder::new().layer(limit).layer(layer()).service(Inner::default());
    takes_one_and_refuses_one(&service).await;
    let (_drip, slow) = dripping();
    let slow = ask(&service, slow).await;

    let service = ServiceBuilder::new().layer(limit).layer(layer()).service_fn(hang);
    let late = ask(&service, good()).await;
    // No envelope, no outcome, and nobody asked `OnError`: all that is left is a log event about a
    // dropped handler.
    for answer in [slow, late] {
        assert_eq!((answer.status, answer.kind(), &*answer.body), (504, None, ""));
    }
    ask(&service, forged()).await.is_refused();
}

#[tokio::test]
async fn a_handler_that_hangs_keeps_nobody_from_an_answer() {
    pause();
    let service = ServiceBuilder::new()
        .layer(layer())
        .timeout(Duration::from_millis(1500))
        .load_shed()
        .concurrency_limit(2)
        .service(service_fn(hang));
    let started = Instant::now();
    let hanging: Vec<_> = (0..8).map(|_| tokio::spawn(service.clone().oneshot(good()))).collect();
    let mut errors = Vec::new();
    for one in hanging {
        let one = answer(one.await.unwrap().unwrap()).await;
        assert_eq!(one.kind(), Some(OutcomeKind::Failed));
        errors.push(one.error().unwrap().to_owned());
    }
    assert!(started.elapsed() < 2 * SECOND);
    errors.sort();
    assert_eq!(errors[..2], ["request timed out"; 2]);
    assert_eq!(errors[2..], ["service overloaded"; 6]);
    ask(&service, forged()).await.is_refused();
}
