//! Several layers at once, as servers have them.

use crate::common::{Inner, layer, signed};
use crate::{Gate, HOUR, SECOND, answer, ask, dripping, forged, good, takes_one_and_refuses_one};
use axum::Router;
use axum::error_handling::HandleErrorLayer;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use std::future::pending;
use std::time::Duration;
use tencent_im_callback::{Callback, Cause, Command, Outcome, OutcomeKind, redacted};
use tokio::time::{Instant, pause};
use tokio_test::{assert_pending, task};
use tower::timeout::error::Elapsed;
use tower::{BoxError, ServiceBuilder, ServiceExt};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::RequestBodyDeadlineLayer;
use tower_http::trace::TraceLayer;

#[tokio::test]
async fn layers_that_fail_stand_outside_under_a_handle_error_layer() {
    pause();
    let handle_error = HandleErrorLayer::new(async |error: BoxError| {
        let status = if error.is::<Elapsed>() { 504 } else { 503 };
        (StatusCode::from_u16(status).unwrap(), error.to_string())
    });
    let stack = ServiceBuilder::new()
        .layer(handle_error)
        .timeout(SECOND)
        .load_shed()
        .buffer(8)
        .rate_limit(2, HOUR)
        .layer(layer())
        .service(Inner::default());
    let router = Router::new().route_service("/", stack);
    ask(&router, good().map(axum::body::Body::new)).await.is_accepted();
    ask(&router, forged().map(axum::body::Body::new)).await.is_refused();
    let late = ask(&router, good().map(axum::body::Body::new)).await;
    assert_eq!((late.status, late.kind(), &*late.body), (504, None, "request timed out"));
}

#[tokio::test]
async fn all_of_them_at_once() {
    pause();
    let gate = Gate::new();
    let span = |request: &Request<axum::body::Body>| {
        let uri = redacted(request.uri());
        tracing::info_span!("http", %uri)
    };
    let service = ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(CatchPanicLayer::new())
        .layer(RequestBodyLimitLayer::new(1 << 20))
        .layer(RequestBodyDeadlineLayer::new(SECOND))
        .layer(RequestDecompressionLayer::new())
        .layer(layer())
        .timeout(SECOND)
        .load_shed()
        .concurrency_limit(1)
        .service(gate.handler());
    let router = Router::new().route_service("/", service);
    let request = |request: Request<Full<Bytes>>| request.map(axum::body::Body::new);
    ask(&router, request(forged())).await.is_refused();
    gate.let_go(1);
    ask(&router, request(good())).await.is_accepted();
    // One hangs until its deadline, one is shed, one is refused.
    let hanging = tokio::spawn(router.clone().oneshot(request(good())));
    tokio::task::yield_now().await;
    let shed = ask(&router, request(good())).await;
    assert_eq!(
        (shed.kind(), shed.error()),
        (Some(OutcomeKind::Failed), Some("service overloaded"))
    );
    ask(&router, request(forged())).await.is_refused();
    let late = answer(hanging.await.unwrap().unwrap()).await;
    assert_eq!((late.kind(), late.error()), (Some(OutcomeKind::Failed), Some("request timed out")));
}

/// The documented stack, whole: deadline and shedding over a router, whose error is not an `Error`
/// and still fits.
#[tokio::test]
async fn the_documented_stack_goes_over_a_router() {
    use tencent_im_callback::EventRouter;
    use tencent_im_callback::event::state::StateChange;
    use tower::Layer;

    pause();
    let router = EventRouter::new().on(|_: Callback<StateChange>| pending::<()>());
    let service = layer().layer(
        ServiceBuilder::new()
            .timeout(Duration::from_millis(1500))
            .load_shed()
            .concurrency_limit(8)
            .layer(tencent_im_callback::DetachLayer::new(1))
            .service(router),
    );
    let request = || signed(Command::StateChange).build::<Full<Bytes>>();
    let _ = service.clone().oneshot(request()).await.unwrap();
    let started = Instant::now();
    let response = service.oneshot(request()).await.unwrap();
    let what = response.extensions().get::<Outcome>().unwrap();
    assert_eq!((what.kind(), what.cause()), (OutcomeKind::Failed, Some(Cause::Overloaded)));
    assert!(started.elapsed() <= Duration::from_millis(1600));
}

#[tokio::test]
async fn a_client_that_goes_away_gives_everything_back_before_and_after_the_inner_call() {
    let gate = Gate::new();
    let service = ServiceBuilder::new().layer(layer()).concurrency_limit(1).service(gate.handler());

    // While its body is on the way: the handler hears nothing of it.
    let (drip, slow) = dripping();
    let mut slow = task::spawn(service.clone().oneshot(slow));
    assert_pending!(slow.poll());
    drop(slow);
    assert_eq!(gate.calls(), 0);
    drop(drip);

    // While the handler is at work: it is dropped where it stands.
    let mut first = task::spawn(service.clone().oneshot(good()));
    assert_pending!(first.poll());
    // While it waits for the only permit.
    let mut second = task::spawn(service.clone().oneshot(good()));
    assert_pending!(second.poll());
    drop(second);
    assert_eq!((gate.calls(), gate.dropped()), (1, 0));
    drop(first);
    assert_eq!((gate.calls(), gate.dropped()), (1, 1));

    // The permit is free again.
    gate.let_go(1);
    takes_one_and_refuses_one(&service).await;
    assert_eq!((gate.calls(), gate.dropped()), (2, 1));
}
