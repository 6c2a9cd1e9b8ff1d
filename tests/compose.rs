//! Our layer over and under other people's: each stack takes one callback, refuses one, and shows
//! what the other layer did.
#![allow(clippy::pedantic)]

mod common;

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::pending;
use std::io::Write;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::error_handling::HandleErrorLayer;
use axum::extract::{ConnectInfo, DefaultBodyLimit};
use axum::routing::post;
use bytes::Bytes;
use common::{Inner, OK, layer, outcome, signed, text, verifier};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::channel::Sender;
use http_body_util::{BodyExt, Channel, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tencent_im_callback::testing::{Fault, SignedRequest};
use tencent_im_callback::{
    Callback, CallbackLayer, Cause, Command, HandlerError, OnError, Outcome, OutcomeKind, Params,
    RejectionKind, Reply, ResponseBody, SdkAppId, UnknownReason, VerifyLayer, redacted,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, pause};
use tokio_test::{assert_pending, assert_ready, task};
use tower::load_shed::error::Overloaded;
use tower::timeout::error::Elapsed;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_governor::GovernorLayer;
use tower_governor::errors::GovernorError;
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::key_extractor::{GlobalKeyExtractor, KeyExtractor};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{
    MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};
use tower_http::timeout::{RequestBodyDeadlineLayer, TimeoutLayer};
use tower_http::trace::TraceLayer;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// An *after* callback, so a failure of it is answered 200 by default.
const AFTER: Command = Command::SnsFriendDelete;
/// A *before* callback, so a failure of it is answered 500 by default.
const BEFORE: Command = Command::SnsPrevFriendAdd;
const SMALL: &str = r#"{"CallbackCommand":"Sns.CallbackFriendDelete"}"#;

fn good() -> Request<Full<Bytes>> {
    signed(AFTER).build()
}

fn forged() -> Request<Full<Bytes>> {
    signed(AFTER).fault(Fault::SignatureMismatch).build()
}

/// A signed request whose body comes as the test sends it.
fn dripping() -> (Sender<Bytes, Infallible>, Request<Channel<Bytes, Infallible>>) {
    let (drip, body) = Channel::new(4);
    (drip, good().map(|_| body))
}

/// All that a peer and the host see of an exchange.
#[derive(Debug)]
struct Answer {
    status: u16,
    outcome: Option<Outcome>,
    body: String,
}

impl Answer {
    fn kind(&self) -> Option<OutcomeKind> {
        Some(self.outcome.as_ref()?.kind())
    }

    fn cause(&self) -> Option<Cause> {
        self.outcome.as_ref()?.cause()
    }

    fn error(&self) -> Option<&str> {
        self.outcome.as_ref()?.error()
    }

    fn rejection(&self) -> Option<RejectionKind> {
        Some(self.outcome.as_ref()?.rejection()?.kind())
    }

    #[track_caller]
    fn is_accepted(&self) {
        assert_eq!((self.status, self.kind(), &*self.body), (200, Some(OutcomeKind::Accepted), OK));
    }

    #[track_caller]
    fn is_refused(&self) {
        assert_eq!((self.status, self.rejection()), (401, Some(RejectionKind::SignatureMismatch)));
        assert!(self.body.contains("Sign does not match"), "{}", self.body);
    }
}

async fn answer<R: Body<Data = Bytes, Error: Debug>>(response: Response<R>) -> Answer {
    Answer {
        status: response.status().as_u16(),
        outcome: response.extensions().get().cloned(),
        body: text(response).await,
    }
}

async fn ask<S, B, R>(service: &S, request: Request<B>) -> Answer
where
    S: Service<Request<B>, Response = Response<R>, Error: Debug> + Clone,
    R: Body<Data = Bytes, Error: Debug>,
{
    answer(service.clone().oneshot(request).await.unwrap()).await
}

/// One accepted and one refused, through a service that counts both alike or not; that is for the
/// test to find out.
async fn takes_one_and_refuses_one<S, R>(service: &S)
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>, Error: Debug> + Clone,
    R: Body<Data = Bytes, Error: Debug>,
{
    ask(service, good()).await.is_accepted();
    ask(service, forged()).await.is_refused();
}

async fn hang(_: Callback) -> Result<(), Infallible> {
    pending().await
}

/// Keeps every callback until the test lets one go, and counts them.
#[derive(Clone)]
struct Gate {
    open: Arc<Semaphore>,
    /// One permit for each that has begun.
    started: Arc<Semaphore>,
    calls: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

impl Gate {
    fn new() -> Self {
        Gate {
            open: Arc::new(Semaphore::new(0)),
            started: Arc::new(Semaphore::new(0)),
            calls: Arc::default(),
            dropped: Arc::default(),
        }
    }

    fn let_go(&self, many: usize) {
        self.open.add_permits(many);
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// How many were dropped half way.
    fn dropped(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }

    fn handler(
        &self,
    ) -> impl Service<Callback, Response = Reply, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static {
        struct Unfinished(Arc<AtomicUsize>);
        impl Drop for Unfinished {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        let gate = self.clone();
        service_fn(move |_: Callback| {
            let gate = gate.clone();
            async move {
                gate.calls.fetch_add(1, Ordering::SeqCst);
                gate.started.add_permits(1);
                let unfinished = Unfinished(gate.dropped.clone());
                gate.open.acquire().await.unwrap().forget();
                std::mem::forget(unfinished);
                Ok(Reply::ok())
            }
        })
    }
}

// --- tower's own layers, on both sides
// -------------------------------------------------------------------------------------------

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
async fn a_concurrency_limit_outside_is_held_by_a_slow_body_and_keeps_forged_requests_waiting() {
    let service =
        ServiceBuilder::new().concurrency_limit(1).layer(layer()).service(Inner::default());
    takes_one_and_refuses_one(&service).await;

    let (_drip, slow) = dripping();
    let mut slow = task::spawn(service.clone().oneshot(slow));
    assert_pending!(slow.poll());
    let mut bad = task::spawn(service.clone().oneshot(forged()));
    assert_pending!(bad.poll());
    // The slow peer hangs up.
    drop(slow);
    assert!(bad.is_woken());
    let bad = assert_ready!(bad.poll()).unwrap();
    assert_eq!(bad.status(), 401);
}

#[tokio::test]
async fn a_concurrency_limit_inside_is_held_by_handlers_alone() {
    let gate = Gate::new();
    let service = ServiceBuilder::new().layer(layer()).concurrency_limit(1).service(gate.handler());
    let (_drip, slow) = dripping();
    let mut slow = task::spawn(service.clone().oneshot(slow));
    assert_pending!(slow.poll());
    let mut first = task::spawn(service.clone().oneshot(good()));
    assert_pending!(first.poll());
    assert_eq!(gate.calls(), 1);

    // The only permit is taken. A forged request does not want it, a second good one does.
    ask(&service, forged()).await.is_refused();
    let mut second = task::spawn(service.oneshot(good()));
    assert_pending!(second.poll());
    assert_eq!(gate.calls(), 1);

    gate.let_go(2);
    answer(assert_ready!(first.poll()).unwrap()).await.is_accepted();
    drop(first);
    assert!(second.is_woken());
    answer(assert_ready!(second.poll()).unwrap()).await.is_accepted();
}

#[tokio::test]
async fn load_shed_outside_sheds_nothing_on_its_own() {
    let gate = Gate::new();
    let service = ServiceBuilder::new()
        .load_shed()
        .layer(layer())
        .concurrency_limit(1)
        .service(gate.handler());
    let mut first = task::spawn(service.clone().oneshot(good()));
    assert_pending!(first.poll());
    // The limit is inside, and our service is always ready: the second waits.
    let mut second = task::spawn(service.clone().oneshot(good()));
    assert_pending!(second.poll());
    ask(&service, forged()).await.is_refused();
    gate.let_go(1);
    let first = assert_ready!(first.poll()).unwrap();
    answer(first).await.is_accepted();
}

#[tokio::test]
async fn load_shed_over_a_limit_outside_sheds_good_and_forged_alike_and_leaves_the_peer_without_an_answer()
 {
    let gate = Gate::new();
    let service = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(1)
        .layer(layer())
        .service(gate.handler());
    let mut first = task::spawn(service.clone().oneshot(good()));
    assert_pending!(first.poll());
    for request in [good(), forged()] {
        let error = service.clone().oneshot(request).await.unwrap_err();
        assert!(error.is::<Overloaded>(), "{error}");
    }
    gate.let_go(1);
    answer(assert_ready!(first.poll()).unwrap()).await.is_accepted();
    drop(first);
    ask(&service, forged()).await.is_refused();
}

#[tokio::test]
async fn load_shed_over_a_limit_inside_answers_what_is_too_much() {
    let gate = Gate::new();
    let reply = OnError::Reply(Reply::reject(120_001, "busy"));
    let service = ServiceBuilder::new()
        .layer(layer().on_after_error(reply))
        .load_shed()
        .concurrency_limit(1)
        .service(gate.handler());
    let mut first = task::spawn(service.clone().oneshot(good()));
    assert_pending!(first.poll());
    let shed = ask(&service, good()).await;
    assert_eq!((shed.status, shed.kind()), (200, Some(OutcomeKind::Failed)));
    assert_eq!((shed.cause(), shed.error()), (Some(Cause::Overloaded), Some("service overloaded")));
    assert!(shed.body.contains("120001"), "{}", shed.body);
    ask(&service, forged()).await.is_refused();
    gate.let_go(1);
    answer(assert_ready!(first.poll()).unwrap()).await.is_accepted();
}

#[tokio::test]
async fn a_rate_limit_outside_wants_a_buffer_and_counts_forged_requests() {
    pause();
    let inner = Inner::default();
    let service =
        ServiceBuilder::new().buffer(8).rate_limit(2, HOUR).layer(layer()).service(inner.clone());
    let started = Instant::now();
    takes_one_and_refuses_one(&service).await;
    assert_eq!(started.elapsed(), Duration::ZERO);
    // The forged one has used up the second of two.
    ask(&service, good()).await.is_accepted();
    assert!(started.elapsed() >= HOUR);
    assert_eq!(inner.calls(), 2);
}

#[tokio::test]
async fn a_rate_limit_inside_wants_a_buffer_and_counts_verified_callbacks_alone() {
    pause();
    let inner = Inner::default();
    let service = ServiceBuilder::new()
        .layer(layer())
        .timeout(SECOND)
        .buffer(8)
        .rate_limit(1, HOUR)
        .service(inner.clone());
    for _ in 0..3 {
        ask(&service, forged()).await.is_refused();
    }
    takes_one_and_refuses_one(&service).await;
    // What is over the rate waits in the buffer; only the timeout around it gives an answer, and
    // takes it out again.
    let late = ask(&service, good()).await;
    assert_eq!((late.kind(), late.error()), (Some(OutcomeKind::Failed), Some("request timed out")));
    tokio::time::sleep(2 * HOUR).await;
    assert_eq!(inner.calls(), 1);
    ask(&service, good()).await.is_accepted();
}

#[tokio::test]
async fn load_shed_between_buffer_and_rate_limit_answers_at_once() {
    pause();
    let service = ServiceBuilder::new()
        .layer(layer())
        .buffer(8)
        .load_shed()
        .rate_limit(1, HOUR)
        .service(Inner::default());
    let started = Instant::now();
    takes_one_and_refuses_one(&service).await;
    let shed = ask(&service, good()).await;
    assert_eq!(
        (shed.kind(), shed.error()),
        (Some(OutcomeKind::Failed), Some("service overloaded"))
    );
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn load_shed_over_a_buffer_sheds_only_when_the_buffer_is_full() {
    pause();
    let service = ServiceBuilder::new()
        .layer(layer())
        .load_shed()
        .buffer(2)
        .rate_limit(1, HOUR)
        .service(Inner::default());
    let started = Instant::now();
    takes_one_and_refuses_one(&service).await;
    // One is in the worker's hands, two are in the buffer, and none of them is answered now.
    let mut waiting: Vec<_> =
        (0..4).map(|_| tokio::spawn(service.clone().oneshot(good()))).collect();
    let shed = answer(waiting.pop().unwrap().await.unwrap().unwrap()).await;
    assert_eq!(
        (shed.kind(), shed.error()),
        (Some(OutcomeKind::Failed), Some("service overloaded"))
    );
    assert_eq!(started.elapsed(), Duration::ZERO);
    let mut accepted = 0;
    for one in waiting {
        accepted += usize::from(
            answer(one.await.unwrap().unwrap()).await.kind() == Some(OutcomeKind::Accepted),
        );
    }
    assert!(accepted >= 2, "{accepted}");
    assert!(started.elapsed() >= HOUR);
}

// --- tower-http's layers, which speak HTTP and so stand outside
// ------------------------------------------------------------------

#[tokio::test]
async fn trace_sees_the_outcome_of_every_request_and_takes_a_failure_answered_200_for_a_success() {
    type Seen = Arc<Mutex<Vec<(u16, OutcomeKind)>>>;
    let (seen, failures) = (Seen::default(), Arc::new(AtomicUsize::new(0)));
    let (record, count) = (seen.clone(), failures.clone());
    let trace = TraceLayer::new_for_http()
        .on_response(move |response: &Response<ResponseBody>, _: Duration, _: &tracing::Span| {
            let kind = common::outcome(response).kind();
            record.lock().unwrap().push((response.status().as_u16(), kind));
        })
        .on_failure(move |_, _: Duration, _: &tracing::Span| {
            count.fetch_add(1, Ordering::SeqCst);
        });
    let service =
        ServiceBuilder::new().layer(trace.clone()).layer(layer()).service(Inner::default());
    takes_one_and_refuses_one(&service).await;
    let service = ServiceBuilder::new()
        .layer(trace)
        .layer(layer())
        .service_fn(async |_: Callback| Err::<(), _>("no database"));
    ask(&service, good()).await;
    assert_eq!(failures.load(Ordering::SeqCst), 0);
    ask(&service, signed(BEFORE).build::<Full<Bytes>>()).await;
    assert_eq!(failures.load(Ordering::SeqCst), 1);
    assert_eq!(
        *seen.lock().unwrap(),
        [
            (200, OutcomeKind::Accepted),
            (401, OutcomeKind::Rejected),
            (200, OutcomeKind::Failed),
            (500, OutcomeKind::Failed)
        ]
    );
}

/// Everything that is logged while the test's thread runs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut self.0.lock().unwrap())).unwrap()
    }
}

#[tokio::test]
async fn the_default_span_of_trace_logs_the_signature_and_one_with_redacted_does_not() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let request = || {
        let (mut parts, body) = good().into_parts();
        // A secret that nobody else logs, so that other tests of this file cannot get in the way.
        let uri = parts.uri.to_string() + "&trace=this";
        parts.uri = uri.parse().unwrap();
        Request::from_parts(parts, body)
    };

    let service = ServiceBuilder::new()
        .layer(TraceLayer::new_for_http())
        .layer(layer())
        .service(Inner::default());
    ask(&service, request()).await.is_accepted();
    let leaky = log.take();
    assert!(
        leaky.contains("Sign=")
            && leaky.contains(&tencent_im_callback::testing::sign(common::TOKEN, common::NOW)),
        "{leaky}"
    );

    let span = |request: &Request<Full<Bytes>>| tracing::debug_span!("http", uri = %redacted(request.uri()));
    let service = ServiceBuilder::new()
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(layer())
        .service(Inner::default());
    takes_one_and_refuses_one(&service).await;
    let clean = log.take();
    assert!(clean.contains("http{uri=") && clean.contains("Sns.CallbackFriendDelete"), "{clean}");
    assert!(
        !clean.contains(&tencent_im_callback::testing::sign(common::TOKEN, common::NOW)),
        "{clean}"
    );
}

#[tokio::test]
async fn a_body_limit_outside_answers_a_declared_length_itself_and_an_undeclared_one_is_an_incomplete_body()
 {
    let inner = Inner::default();
    let service = ServiceBuilder::new()
        .layer(RequestBodyLimitLayer::new(64))
        .layer(layer())
        .service(inner.clone());
    let small = || signed(AFTER).body(SMALL);
    ask(&service, small().build::<Full<Bytes>>()).await.is_accepted();
    ask(&service, small().fault(Fault::SignatureMismatch).build::<Full<Bytes>>())
        .await
        .is_refused();

    // Declared: answered before the signature is looked at, without an envelope and without an
    // outcome.
    for mut request in [good(), forged()] {
        request.headers_mut().insert(CONTENT_LENGTH, "65".parse().unwrap());
        let large = ask(&service, request).await;
        assert_eq!(
            (large.status, large.kind(), &*large.body),
            (413, None, "length limit exceeded")
        );
    }
    // Not declared (chunked, or over HTTP/2): the body breaks off, which is our 400 and not our
    // 413.
    let large = ask(&service, good()).await;
    assert_eq!((large.status, large.rejection()), (400, Some(RejectionKind::BodyIncomplete)));
    assert_eq!(large.error(), Some("length limit exceeded"));
    assert_eq!(inner.calls(), 1);

    // Ours says 413 either way.
    let service = ServiceBuilder::new().layer(layer().body_limit(64)).service(inner.clone());
    let large = ask(&service, good()).await;
    assert_eq!((large.status, large.rejection()), (413, Some(RejectionKind::BodyTooLarge)));
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

async fn panics_before(callback: Callback) -> Result<Reply, Infallible> {
    assert!(callback.command() != &BEFORE, "the handler panics");
    Ok(Reply::ok())
}

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
#[derive(Clone, Copy, PartialEq)]
enum PanicsIn {
    PollReady,
    Call,
    Drop,
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
    // It has answered, and the answer stays.
    ask(&layer_over(PanicsIn::Drop), good()).await.is_accepted();

    let on_error = layer().on_error(|_| panic!("no answer"));
    let service = on_error.layer(service_fn(panics_before));
    let panicked = ask(&service, signed(BEFORE).build::<Full<Bytes>>()).await;
    assert_eq!((panicked.status, panicked.cause()), (500, Some(Cause::Panicked)));
}

#[tokio::test]
async fn a_request_id_from_outside_reaches_the_handler_and_the_refused_peer() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = seen.clone();
    let service = ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(layer())
        .service_fn(move |callback: Callback| {
            let id = callback.extensions.get::<RequestId>().unwrap().header_value();
            assert_eq!(Some(id), callback.headers.get("x-request-id"));
            record.lock().unwrap().push(id.clone());
            async { Ok::<_, Infallible>(()) }
        });
    let taken = service.clone().oneshot(good()).await.unwrap();
    assert_eq!(
        taken.headers()["x-request-id"],
        seen.lock().unwrap()[0],
        "the handler's and the peer's"
    );
    answer(taken).await.is_accepted();
    let refused = service.oneshot(forged()).await.unwrap();
    assert_ne!(refused.headers()["x-request-id"], seen.lock().unwrap()[0]);
    answer(refused).await.is_refused();
    assert_eq!(seen.lock().unwrap().len(), 1);
}

fn gzip(request: &SignedRequest, body: &[u8]) -> Request<Full<Bytes>> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(body).unwrap();
    let mut request = request.clone().body(packed.finish().unwrap()).build();
    request.headers_mut().insert(CONTENT_ENCODING, "gzip".parse().unwrap());
    request
}

#[tokio::test]
async fn decompression_outside_leaves_the_limit_of_unpacked_bytes_to_our_layer() {
    let service = ServiceBuilder::new()
        .layer(RequestBodyLimitLayer::new(4096))
        .layer(RequestDecompressionLayer::new())
        .layer(layer())
        .service(Inner::default());
    takes_one_and_refuses_one(&service).await;
    ask(&service, gzip(&signed(AFTER), SMALL.as_bytes())).await.is_accepted();
    ask(&service, gzip(&signed(AFTER).fault(Fault::SignatureMismatch), SMALL.as_bytes()))
        .await
        .is_refused();

    // Two mebibytes of blanks are two kilobytes on the way: under the limit of what is sent, over
    // that of what is read.
    let bomb = gzip(&signed(AFTER), &vec![b' '; 2 << 20]);
    assert!(bomb.body().size_hint().exact().unwrap() < 4096);
    let bomb = ask(&service, bomb).await;
    assert_eq!((bomb.status, bomb.rejection()), (413, Some(RejectionKind::BodyTooLarge)));

    let mut broken = good();
    broken.headers_mut().insert(CONTENT_ENCODING, "gzip".parse().unwrap());
    let broken = ask(&service, broken).await;
    assert_eq!((broken.status, broken.rejection()), (400, Some(RejectionKind::BodyIncomplete)));

    // An encoding that the layer does not know is its own answer, before any signature is looked
    // at.
    let mut strange = forged();
    strange.headers_mut().insert(CONTENT_ENCODING, "br".parse().unwrap());
    let strange = ask(&service, strange).await;
    assert_eq!((strange.status, strange.kind(), &*strange.body), (415, None, ""));

    // Without the layer nothing is unpacked.
    let service = ServiceBuilder::new().layer(layer()).service(Inner::default());
    let packed = gzip(&signed(AFTER), SMALL.as_bytes());
    let response = service.oneshot(packed).await.unwrap();
    let reason = outcome(&response).unknown_reason();
    assert_eq!(reason.map(UnknownReason::as_str), Some("body_not_json"));
}

// --- tower_governor
// --------------------------------------------------------------------------------------------------------------

fn from_peer(mut request: Request<Full<Bytes>>, peer: [u8; 4]) -> Request<axum::body::Body> {
    let peer = SocketAddr::from((peer, 1234));
    request.extensions_mut().insert(ConnectInfo(peer));
    request.map(axum::body::Body::new)
}

#[tokio::test]
async fn the_governor_outside_by_peer_lets_forged_requests_use_up_the_budget_of_all_who_share_the_peer()
 {
    let budget = GovernorConfigBuilder::default().period(HOUR).burst_size(2).finish().unwrap();
    let service = ServiceBuilder::new().layer(layer()).service(Inner::default());
    let router = Router::new().route_service("/", service).layer(GovernorLayer::new(budget));

    let (proxy, other) = ([10, 0, 0, 1], [10, 0, 0, 2]);
    ask(&router, from_peer(good(), proxy)).await.is_accepted();
    ask(&router, from_peer(forged(), proxy)).await.is_refused();
    // Tencent behind the same proxy, or from the same few addresses, pays for the forged one; and
    // gets no envelope.
    let throttled = ask(&router, from_peer(good(), proxy)).await;
    assert_eq!((throttled.status, throttled.kind()), (429, None));
    assert!(throttled.body.starts_with("Too Many Requests! Wait for"), "{}", throttled.body);
    ask(&router, from_peer(good(), other)).await.is_accepted();

    // Without `into_make_service_with_connect_info` there is no peer, and everybody is refused.
    let nobody = ask(&router, good().map(axum::body::Body::new)).await;
    assert_eq!((nobody.status, &*nobody.body), (500, "Unable To Extract Key!"));
}

#[tokio::test]
async fn the_governor_finds_the_peer_where_the_server_was_told_to_leave_it() {
    let budget = GovernorConfigBuilder::default().period(HOUR).burst_size(2).finish().unwrap();
    let router = Router::new()
        .route_service("/", layer_over(Inner::default()))
        .layer(GovernorLayer::new(budget));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move { axum::serve(listener, service).await });
    let mut client = Client::http1(address).await;
    assert_eq!(client.send(good()).await.unwrap(), (200, OK.into()));
    assert_eq!(client.send(forged()).await.unwrap().0, 401);
    assert_eq!(client.send(good()).await.unwrap().0, 429);
    server.abort();
}

fn layer_over<S>(inner: S) -> tencent_im_callback::CallbackService<S> {
    tower::Layer::layer(&layer(), inner)
}

/// The app that [`VerifyLayer`] let through.
#[derive(Clone)]
struct ByApp;

impl KeyExtractor for ByApp {
    type Key = SdkAppId;

    fn extract<T>(&self, request: &Request<T>) -> Result<SdkAppId, GovernorError> {
        let params = request.extensions().get::<Params>();
        Ok(params.ok_or(GovernorError::UnableToExtractKey)?.sdk_app_id)
    }
}

#[tokio::test]
async fn the_governor_between_verify_and_callback_counts_verified_requests_by_app() {
    let budget = GovernorConfigBuilder::default()
        .period(HOUR)
        .burst_size(1)
        .key_extractor(ByApp)
        .finish()
        .unwrap();
    let router = Router::new()
        .route_service("/", layer_over(Inner::default()))
        .layer(GovernorLayer::new(budget))
        .layer(VerifyLayer::new(verifier()));
    for _ in 0..3 {
        ask(&router, forged().map(axum::body::Body::new)).await.is_refused();
    }
    ask(&router, good().map(axum::body::Body::new)).await.is_accepted();
    let throttled = ask(&router, good().map(axum::body::Body::new)).await;
    // Tencent takes it for a failed callback, and so does `VerifyLayer`.
    assert_eq!((throttled.status, throttled.kind()), (429, Some(OutcomeKind::Failed)));
}

#[tokio::test]
async fn the_governor_without_a_router_wants_the_body_mapped() {
    let budget = GovernorConfigBuilder::default()
        .period(HOUR)
        .burst_size(2)
        .key_extractor(GlobalKeyExtractor)
        .finish()
        .unwrap();
    let service = ServiceBuilder::new()
        .layer(GovernorLayer::new(budget))
        .map_response(|response: Response<ResponseBody>| response.map(axum::body::Body::new))
        .layer(layer())
        .service(Inner::default());
    takes_one_and_refuses_one(&service).await;
    assert_eq!(ask(&service, good()).await.status, 429);
}

// --- under web servers
// -----------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn every_place_of_an_axum_router_takes_it() {
    let inner = Inner::default();
    let service = layer_over(inner.clone());
    let echo = async |params: axum::Extension<Params>| params.0.command.to_string();
    let router = Router::new()
        .route_service("/route", service.clone())
        .route("/method", axum::routing::post_service(service.clone()))
        .nest_service("/nest", service.clone())
        .merge(Router::new().route("/verify", post(echo)).layer(VerifyLayer::new(verifier())))
        .fallback_service(service);
    let request = |path: &str, fault: bool| {
        let request = signed(AFTER).url(path);
        if fault { request.fault(Fault::SignatureMismatch) } else { request }
            .build::<axum::body::Body>()
    };
    for path in ["/route", "/method", "/nest", "/nest/further/in", "/elsewhere"] {
        ask(&router, request(path, false)).await.is_accepted();
        ask(&router, request(path, true)).await.is_refused();
    }
    assert_eq!(inner.calls(), 5);
    let verified = ask(&router, request("/verify", false)).await;
    assert_eq!(
        (verified.status, verified.kind(), &*verified.body),
        (200, Some(OutcomeKind::Accepted), "Sns.CallbackFriendDelete")
    );
    ask(&router, request("/verify", true)).await.is_refused();
}

#[tokio::test]
async fn the_default_body_limit_of_axum_is_not_for_services() {
    let router = Router::new()
        .route_service("/", layer_over(Inner::default()))
        .layer(DefaultBodyLimit::max(1));
    takes_one_and_refuses_one(
        &router.map_request(|request: Request<Full<Bytes>>| request.map(axum::body::Body::new)),
    )
    .await;
}

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
    let span = |request: &Request<axum::body::Body>| tracing::info_span!("http", uri = %redacted(request.uri()));
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

/// Serves each connection in a task of its own. Generic, as an accept loop should be.
async fn serve<S, R>(listener: TcpListener, service: S)
where
    S: Service<Request<Incoming>, Response = Response<R>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
    R: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    while let Ok((stream, _)) = listener.accept().await {
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            server.serve_connection(TokioIo::new(stream), service).await.map_err(drop)
        });
    }
}

async fn start<S, R>(service: S) -> SocketAddr
where
    S: Service<Request<Incoming>, Response = Response<R>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
    R: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, service));
    address
}

/// One connection.
enum Client {
    Http1(hyper::client::conn::http1::SendRequest<Full<Bytes>>),
    Http2(hyper::client::conn::http2::SendRequest<Full<Bytes>>),
}

impl Client {
    async fn http1(address: SocketAddr) -> Client {
        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (client, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Client::Http1(client)
    }

    async fn http2(address: SocketAddr) -> Client {
        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream);
        let (client, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        Client::Http2(client)
    }

    async fn send(&mut self, mut request: Request<Full<Bytes>>) -> hyper::Result<(u16, String)> {
        let response = match self {
            Client::Http1(client) => {
                request.headers_mut().insert("host", "localhost".parse().unwrap());
                client.ready().await?;
                client.send_request(request).await?
            }
            Client::Http2(client) => {
                let uri = format!("http://localhost{}", request.uri());
                *request.uri_mut() = uri.parse().unwrap();
                client.ready().await?;
                client.send_request(request).await?
            }
        };
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, String::from_utf8(body.to_vec()).unwrap()))
    }

    async fn takes_one_and_refuses_one(&mut self) {
        let (status, body) = self.send(good()).await.unwrap();
        assert_eq!((status, &*body), (200, OK));
        let (status, body) = self.send(forged()).await.unwrap();
        assert_eq!(status, 401);
        assert!(body.contains("Sign does not match"), "{body}");
    }
}

#[tokio::test]
async fn hyper_serves_it_over_both_versions_of_http() {
    let inner = Inner::default();
    let address = start(layer_over(inner.clone())).await;
    Client::http1(address).await.takes_one_and_refuses_one().await;
    Client::http2(address).await.takes_one_and_refuses_one().await;
    assert_eq!(inner.calls(), 2);
}

// --- accept loops that must compile
// ----------------------------------------------------------------------------------------------

async fn boxed_error(callback: Callback) -> Result<Reply, BoxError> {
    panics_before(callback).await.map_err(Into::into)
}

#[tokio::test]
async fn a_timeout_over_a_boxed_error_is_served_from_a_generic_function() {
    let service = ServiceBuilder::new()
        .layer(layer())
        .timeout(HOUR)
        .load_shed()
        .concurrency_limit(4)
        // Written as a closure, it would not compile in `serve_in_a_block!`.
        .service_fn(|_: Callback| async { Ok::<_, BoxError>(Reply::ok()) });
    let address = start(service).await;
    Client::http1(address).await.takes_one_and_refuses_one().await;
}

/// An accept loop in one `async` block, with the stack of layers known to it.
macro_rules! serve_in_a_block {
    ($service:expr) => {{
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = $service;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(service.clone());
                tokio::spawn(async move {
                    let server = auto::Builder::new(TokioExecutor::new());
                    server.serve_connection(TokioIo::new(stream), service).await.map_err(drop)
                });
            }
        });
        address
    }};
}

#[tokio::test]
async fn a_concrete_error_is_served_from_a_block() {
    let address = serve_in_a_block!(
        ServiceBuilder::new()
            .layer(layer())
            .timeout(HOUR)
            .map_err(|error: HandlerError| error.to_string())
            .service_fn(async |_: Callback| Ok::<_, HandlerError>(Reply::ok()))
    );
    Client::http1(address).await.takes_one_and_refuses_one().await;
}

#[tokio::test]
async fn a_boxed_stack_is_served_from_a_block() {
    let stack = ServiceBuilder::new().layer(layer()).timeout(HOUR).service(service_fn(boxed_error));
    let stack: BoxCloneSyncService<Request<Incoming>, Response<ResponseBody>, Infallible> =
        BoxCloneSyncService::new(stack);
    let address = serve_in_a_block!(stack);
    Client::http1(address).await.takes_one_and_refuses_one().await;
}

#[tokio::test]
async fn a_boxed_handler_is_served_from_a_block_and_from_a_router() {
    let handler: BoxCloneSyncService<Callback, Reply, BoxError> = BoxCloneSyncService::new(
        ServiceBuilder::new().timeout(HOUR).service(service_fn(boxed_error)),
    );
    let router = Router::new().route_service("/", layer_over(handler.clone()));
    takes_one_and_refuses_one(
        &router.map_request(|request: Request<Full<Bytes>>| request.map(axum::body::Body::new)),
    )
    .await;
    let address = serve_in_a_block!(layer_over(handler));
    Client::http1(address).await.takes_one_and_refuses_one().await;
}

// --- faults
// ----------------------------------------------------------------------------------------------------------------------

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

#[tokio::test]
async fn a_connection_outlives_a_panic() {
    let address = start(layer_over(service_fn(panics_before))).await;
    for mut client in [Client::http1(address).await, Client::http2(address).await] {
        let (status, _) = client.send(signed(BEFORE).build::<Full<Bytes>>()).await.unwrap();
        assert_eq!(status, 500);
        client.takes_one_and_refuses_one().await;
    }
}

/// The cause and the error, as `on_error` hears of them.
type Failures = Arc<Mutex<Vec<(Cause, String)>>>;

fn recording(failures: &Failures) -> CallbackLayer {
    let failures = failures.clone();
    layer().on_error(move |failure| {
        let what = (failure.cause(), failure.message().to_string());
        failures.lock().unwrap().push(what);
        OnError::ServerError
    })
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

#[tokio::test]
async fn a_client_that_goes_away_is_noticed_over_tcp() {
    let gate = Gate::new();
    let dropped = Arc::new(Semaphore::new(0));
    let tell = dropped.clone();
    let handler = gate.handler();
    let service = ServiceBuilder::new().layer(layer()).concurrency_limit(1).service(service_fn(
        move |callback: Callback| {
            struct Tell(Arc<Semaphore>);
            impl Drop for Tell {
                fn drop(&mut self) {
                    self.0.add_permits(1);
                }
            }
            let tell = Tell(tell.clone());
            let call = handler.clone().oneshot(callback);
            async move {
                let _tell = tell;
                call.await
            }
        },
    ));
    let address = start(service).await;
    let mut client = Client::http1(address).await;
    tokio::select! {
        answer = client.send(good()) => panic!("{answer:?}"),
        started = gate.started.acquire() => started.unwrap().forget(),
    }
    drop(client);
    tokio::time::timeout(10 * SECOND, dropped.acquire()).await.unwrap().unwrap().forget();
    assert_eq!(gate.dropped(), 1);
    gate.let_go(1);
    Client::http1(address).await.takes_one_and_refuses_one().await;
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
