//! Panics, errors, and services that are not ready.

use crate::common::{layer, signed};
use crate::{
    AFTER, BEFORE, HOUR, answer, ask, forged, good, layer_over, panics_before,
    takes_one_and_refuses_one,
};
use bytes::Bytes;
use http_body_util::Full;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tencent_im_callback::{
    Callback, CallbackLayer, Cause, Command, HandlerError, OnError, OutcomeKind, Reply,
};
use tower::{BoxError, Layer, Service, ServiceBuilder, service_fn};
use tower_http::catch_panic::CatchPanicLayer;

#[tokio::test]
async fn a_panic_of_the_handler_is_a_failure_like_any_other() {
    let failures = Failures::default();
    let service = ServiceBuilder::new()
        .layer(recording(&failures))
        .concurrency_limit(1)
        .service_fn(panics_before);
    takes_one_and_refuses_one(&service).await;
    let panicked = ask(&service, signed(BEFORE).build::<Full<Bytes>>()).await;
    assert_eq!((panicked.status, panicked.cause()), (500, Some(Cause::Panicked)));
    assert_eq!(panicked.error(), Some("the service panicked: the handler panics"));
    assert!(!panicked.body.contains("panics"));
    // The permit inside came back.
    takes_one_and_refuses_one(&service).await;
    let told = (Cause::Panicked, "the service panicked: the handler panics".to_owned());
    assert_eq!(*failures.lock().unwrap(), [told]);

    // What nobody judged is blocked, if the host says so.
    let service = layer()
        .on_before_error(OnError::reject("try again later"))
        .layer(service_fn(panics_before));
    let blocked = ask(&service, signed(BEFORE).build::<Full<Bytes>>()).await;
    assert_eq!((blocked.status, blocked.kind()), (200, Some(OutcomeKind::Failed)));
    assert!(blocked.body.contains("try again later"), "{}", blocked.body);
}

/// Panics where it is told to.
#[derive(PartialEq)]
enum PanicsIn {
    Clone,
    PollReady,
    Call,
    Drop,
}

impl Clone for PanicsIn {
    fn clone(&self) -> Self {
        match self {
            PanicsIn::Clone => panic!("cloned"),
            PanicsIn::PollReady => PanicsIn::PollReady,
            PanicsIn::Call => PanicsIn::Call,
            PanicsIn::Drop => PanicsIn::Drop,
        }
    }
}

struct PanicsWhenDropped(bool);

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        assert!(!self.0, "dropped");
    }
}

impl Service<Callback> for PanicsIn {
    type Response = Reply;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Reply, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        assert!(*self != PanicsIn::PollReady, "not ready");
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Callback) -> Self::Future {
        assert!(*self != PanicsIn::Call, "called");
        let guard = PanicsWhenDropped(*self == PanicsIn::Drop);
        Box::pin(std::future::poll_fn(move |_| {
            let _ = &guard;
            Poll::Ready(Ok(Reply::ok()))
        }))
    }
}

#[tokio::test]
async fn a_panic_is_caught_wherever_the_service_panics() {
    for (place, error) in [
        (PanicsIn::PollReady, "the service panicked: not ready"),
        (PanicsIn::Call, "the service panicked: called"),
    ] {
        let panicked = ask(&layer_over(place), good()).await;
        assert_eq!((panicked.cause(), panicked.error()), (Some(Cause::Panicked), Some(error)));
    }
    // `ask` would clone the service itself.
    let mut cloned_in_call =
        layer().on_before_error(OnError::reject("later")).layer(PanicsIn::Clone);
    let request = signed(Command::SnsPrevFriendAdd).build::<Full<Bytes>>();
    let panicked = answer(cloned_in_call.call(request).await.unwrap()).await;
    let error = Some("the service panicked: cloned");
    assert_eq!((panicked.cause(), panicked.error()), (Some(Cause::Panicked), error));
    // A friend request is rejected by the names in its body.
    assert!(
        panicked.body.contains(r#""To_Account":"id1","ResultCode":38000"#),
        "{}",
        panicked.body
    );
    // It has answered, and the answer stays.
    ask(&layer_over(PanicsIn::Drop), good()).await.is_accepted();

    let on_error = layer().on_error(|_| panic!("no answer"));
    let service = on_error.layer(service_fn(panics_before));
    let panicked = ask(&service, signed(BEFORE).build::<Full<Bytes>>()).await;
    assert_eq!((panicked.status, panicked.cause()), (500, Some(Cause::Panicked)));
}

#[tokio::test]
async fn an_error_of_the_handler_stays_with_the_host_through_every_layer() {
    let service = ServiceBuilder::new()
        .layer(CatchPanicLayer::new())
        .layer(layer())
        .timeout(HOUR)
        .load_shed()
        .concurrency_limit(1)
        .service_fn(async |_: Callback| Err::<(), BoxError>("the database is down".into()));
    for (command, status) in [(AFTER, 200), (BEFORE, 500)] {
        let failed = ask(&service, signed(command).build::<Full<Bytes>>()).await;
        assert_eq!((failed.status, failed.cause()), (status, Some(Cause::Failed)));
        assert_eq!(failed.error(), Some("the database is down"));
        assert!(!failed.body.contains("database"), "{}", failed.body);
    }
}

/// Fails to become ready.
#[derive(Clone)]
struct Broken;

impl Service<Callback> for Broken {
    type Response = Reply;
    type Error = HandlerError;
    type Future = std::future::Ready<Result<Reply, HandlerError>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), HandlerError>> {
        std::task::Poll::Ready(Err(HandlerError::new("no pool")))
    }

    fn call(&mut self, _: Callback) -> Self::Future {
        unreachable!("called without having been ready")
    }
}

#[tokio::test]
async fn a_buffer_whose_worker_has_died_is_a_failure_of_every_callback_and_of_no_forged_request() {
    // Dead because the service inside could not become ready …
    let failures = Failures::default();
    let service = ServiceBuilder::new()
        .layer(recording(&failures))
        .buffer(4)
        .map_err(|error: HandlerError| error.to_string())
        .service(Broken);
    for _ in 0..2 {
        let failed = ask(&service, good()).await;
        assert_eq!((failed.status, failed.kind()), (500, Some(OutcomeKind::Failed)));
    }
    ask(&service, forged()).await.is_refused();
    let why = "buffered service failed: no pool".to_owned();
    assert_eq!(*failures.lock().unwrap(), [(Cause::Failed, why.clone()), (Cause::NotReady, why)]);

    // … or because it panicked when it was called.
    let failures = Failures::default();
    let service = ServiceBuilder::new().layer(recording(&failures)).buffer(4).service(service_fn(
        |callback: Callback| {
            assert!(callback.command() != &BEFORE, "the handler panics");
            std::future::ready(Ok::<_, Infallible>(()))
        },
    ));
    takes_one_and_refuses_one(&service).await;
    let failed = ask(&service, signed(BEFORE).build::<Full<Bytes>>()).await;
    assert_eq!((failed.status, failed.kind()), (500, Some(OutcomeKind::Failed)));
    let failed = ask(&service, good()).await;
    assert_eq!((failed.status, failed.kind()), (500, Some(OutcomeKind::Failed)));
    ask(&service, forged()).await.is_refused();
    let why = "buffer's worker closed unexpectedly".to_owned();
    assert_eq!(*failures.lock().unwrap(), [(Cause::Failed, why.clone()), (Cause::NotReady, why)]);
}

/// The cause and the error, as `on_error` hears of them.
type Failures = Arc<Mutex<Vec<(Cause, String)>>>;

fn recording(failures: &Failures) -> CallbackLayer {
    let failures = failures.clone();
    layer().on_error(move |failure| {
        let what = (failure.cause(), failure.message().to_owned());
        failures.lock().unwrap().push(what);
        OnError::ServerError
    })
}
