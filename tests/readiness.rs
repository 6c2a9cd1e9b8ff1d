//! The `Service` contract towards the inner service, driven by mocks.
#![allow(clippy::pedantic)]

mod common;

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use common::{layer, outcome, signed};
use http::Request;
use http_body::{Body, Frame};
use http_body_util::{Channel, Full};
use tencent_im_callback::testing::Fault;
use tencent_im_callback::{Callback, CallbackService, Cause, Command, Event, OutcomeKind, Reply};
use tokio_test::{assert_pending, assert_ready, task};
use tower::limit::ConcurrencyLimitLayer;
use tower::{Layer, Service, ServiceExt};
use tower_test::{assert_request_eq, mock};

/// `mock::Mock` has no `Display` for its error; this gives it one.
#[derive(Clone)]
struct Mock(mock::Mock<&'static str, Reply>);

impl Service<Callback> for Mock {
    type Response = Reply;
    type Error = tower::BoxError;
    type Future = <mock::Mock<&'static str, Reply> as Service<&'static str>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, callback: Callback) -> Self::Future {
        self.0.call(match callback.event {
            Event::SnsFriendDelete(_) => "delete",
            _ => "other",
        })
    }
}

fn mocked() -> (CallbackService<Mock>, mock::Handle<&'static str, Reply>) {
    let (mock, handle) = mock::pair();
    (layer().layer(Mock(mock)), handle)
}

fn good() -> Request<Full<Bytes>> {
    signed(Command::SnsFriendDelete).build()
}

#[tokio::test]
async fn the_service_is_ready_whatever_the_inner_one_says() {
    let (mut service, mut handle) = mocked();
    handle.allow(0);
    let mut ready = task::spawn(());
    ready.enter(|cx, _| {
        assert!(<_ as Service<Request<Full<Bytes>>>>::poll_ready(&mut service, cx).is_ready())
    });
}

#[tokio::test]
async fn a_refused_request_asks_nothing_of_the_inner_service() {
    for (command, fault) in [
        (Command::SnsFriendDelete, Fault::SignatureMismatch),
        (Command::SnsFriendDelete, Fault::TooLarge),
        (Command::C2cBeforeSendMsg, Fault::CommandMismatch),
        (Command::C2cBeforeSendMsg, Fault::NotJson),
        (Command::C2cBeforeSendMsg, Fault::TooLarge),
    ] {
        let (mut service, mut handle) = mocked();
        // The handle would panic at the end if a permit had been taken; a refused request needs
        // none.
        handle.allow(0);
        let waits = command.phase().may_decide();
        let wanted = if waits { OutcomeKind::Failed } else { OutcomeKind::Rejected };
        let request = signed(command).fault(fault).build::<Full<Bytes>>();
        let response = task::spawn(service.call(request)).poll();
        let response = assert_ready!(response).unwrap();
        assert_eq!(outcome(&response).kind(), wanted, "{fault:?}");
        assert_pending!(task::spawn(handle.next_request()).poll());
    }
}

#[tokio::test]
async fn a_dripping_body_reserves_nothing() {
    // One permit in all: whoever waits with it in hand would starve the other.
    let inner = ConcurrencyLimitLayer::new(1)
        .layer(tower::service_fn(|_| async { Ok::<_, Infallible>(()) }));
    let mut service = layer().layer(inner);
    let (mut drip, body) = Channel::<Bytes, Infallible>::new(4);
    let (parts, _) = good().into_parts();
    let mut slow = task::spawn(service.call(Request::from_parts(parts, body.boxed_unsync())));
    drip.send_data(Bytes::from("{")).await.unwrap();
    assert_pending!(slow.poll());

    let mut quick =
        task::spawn(Service::call(&mut service, good().map(http_body_util::BodyExt::boxed_unsync)));
    let response = assert_ready!(quick.poll()).unwrap();
    assert_eq!(outcome(&response).kind(), OutcomeKind::Accepted);

    // The slow one goes on where it was, is woken by its body, and is served in the end.
    drip.send_data(Bytes::from("\"x\":1}")).await.unwrap();
    assert!(slow.is_woken());
    assert_pending!(slow.poll());
    drop(drip);
    assert!(slow.is_woken());
    let response = assert_ready!(slow.poll()).unwrap();
    assert_eq!(outcome(&response).kind(), OutcomeKind::Accepted);
}

use http_body_util::BodyExt as _;

#[tokio::test]
async fn an_inner_service_that_is_not_ready_is_waited_for_woken_and_called_once() {
    let (mut service, mut handle) = mocked();
    handle.allow(0);
    let mut call = task::spawn(service.call(good()));
    assert_pending!(call.poll());
    assert_pending!(task::spawn(handle.next_request()).poll());

    handle.allow(1);
    assert!(call.is_woken());
    assert_pending!(call.poll());
    assert_request_eq!(handle, "delete").send_response(Reply::ok());
    assert!(call.is_woken());
    let response = assert_ready!(call.poll()).unwrap();
    assert_eq!(outcome(&response).kind(), OutcomeKind::Accepted);
    assert_pending!(task::spawn(handle.next_request()).poll());
}

#[tokio::test]
async fn errors_of_poll_ready_and_of_the_call_take_the_same_road() {
    let (mut service, mut handle) = mocked();
    handle.send_error("closed for today");
    let response = assert_ready!(task::spawn(service.call(good())).poll()).unwrap();
    assert_eq!(response.status(), 200);
    let what = outcome(&response);
    assert_eq!((what.kind(), what.cause()), (OutcomeKind::Failed, Some(Cause::NotReady)));
    assert_eq!(what.error(), Some("closed for today"));

    let (mut service, mut handle) = mocked();
    handle.allow(1);
    let request = signed(Command::SnsPrevFriendAdd).build::<Full<Bytes>>();
    let mut call = task::spawn(service.call(request));
    assert_pending!(call.poll());
    assert_request_eq!(handle, "other").send_error("no database");
    let response = assert_ready!(call.poll()).unwrap();
    assert_eq!(response.status(), 500);
    let what = outcome(&response);
    assert_eq!((what.kind(), what.cause()), (OutcomeKind::Failed, Some(Cause::Failed)));
    assert_eq!(what.error(), Some("no database"));
}

/// A body that never ends, and tells when it is dropped.
struct Endless(Arc<AtomicBool>);

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_dropped_future_drops_the_body_and_calls_nothing() {
    let (mut service, mut handle) = mocked();
    handle.allow(1);
    let dropped = Arc::new(AtomicBool::new(false));
    let (parts, _) = good().into_parts();
    let mut call = task::spawn(service.call(Request::from_parts(parts, Endless(dropped.clone()))));
    assert_pending!(call.poll());
    assert!(!dropped.load(Ordering::SeqCst));
    drop(call);
    assert!(dropped.load(Ordering::SeqCst));
    assert_pending!(task::spawn(handle.next_request()).poll());

    // Before the first poll as well.
    drop(service.call(good().map(|_| Endless(dropped))));
    assert_pending!(task::spawn(handle.next_request()).poll());
}

/// Panics when it is called without having been ready, as some services do; a clone is not ready
/// because its original was.
struct Strict {
    ready: bool,
    calls: Arc<AtomicUsize>,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Strict { ready: false, calls: self.calls.clone() }
    }
}

impl Service<Callback> for Strict {
    type Response = ();
    type Error = Infallible;
    type Future = std::future::Ready<Result<(), Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Callback) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without having been ready");
        self.calls.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok(()))
    }
}

#[tokio::test]
async fn no_clone_is_called_unready() {
    let calls = Arc::new(AtomicUsize::new(0));
    let strict = Strict { ready: false, calls: calls.clone() };
    let service = layer().layer(strict.clone());
    for _ in 0..3 {
        service.clone().oneshot(good()).await.unwrap();
    }
    let mut service =
        layer().layer(tower::ServiceBuilder::new().concurrency_limit(1).service(strict.clone()));
    for _ in 0..3 {
        // Several calls of one clone, and of a clone of a used one.
        ServiceExt::<Request<Full<Bytes>>>::ready(&mut service)
            .await
            .unwrap()
            .call(good())
            .await
            .unwrap();
        service.clone().oneshot(good()).await.unwrap();
    }
    let service = layer().layer(tower::ServiceBuilder::new().buffer(4).service(strict));
    let many: Vec<_> = (0..8).map(|_| tokio::spawn(service.clone().oneshot(good()))).collect();
    for one in many {
        assert_eq!(one.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 3 + 6 + 8);
}

#[tokio::test]
async fn the_documented_stack_answers_while_a_handler_hangs() {
    tokio::time::pause();
    let service = layer().layer(
        tower::ServiceBuilder::new()
            .timeout(Duration::from_millis(1500))
            .load_shed()
            .concurrency_limit(1)
            .service(tower::service_fn(|_: Callback| async {
                std::future::pending::<()>().await;
                Ok::<_, Infallible>(())
            })),
    );
    let mut first = pin!(service.clone().oneshot(good()));
    let mut second = pin!(service.oneshot(good()));
    let waker = std::task::Waker::noop();
    let mut cx = Context::from_waker(waker);
    assert!(first.as_mut().poll(&mut cx).is_pending());
    // The second is shed at once, the first is answered at its deadline.
    let Poll::Ready(Ok(shed)) = second.as_mut().poll(&mut cx) else { panic!("not shed") };
    assert_eq!(outcome(&shed).kind(), OutcomeKind::Failed);
    let started = tokio::time::Instant::now();
    let late = first.await.unwrap();
    assert_eq!(outcome(&late).kind(), OutcomeKind::Failed);
    assert_eq!(started.elapsed().as_millis() / 100, 15);
}
