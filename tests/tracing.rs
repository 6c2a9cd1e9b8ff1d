//! What a handler logs says which callback it is about. A real subscriber writes JSON for the whole
//! process, and the tests read it back; each test finds its lines by its request ids.
#![allow(clippy::pedantic)]

mod common;

use std::convert::Infallible;
use std::io;
use std::sync::{Mutex, Once};
use std::task::{Context, Poll};
use std::time::Duration;

use common::{APP, NOW, TOKEN, layer, send, signed};
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use tencent_im_callback::event::sns;
use tencent_im_callback::testing::Fault;
use tencent_im_callback::testing::sign;
use tencent_im_callback::{
    Callback, Command, DedupLayer, DetachLayer, EventRouter, HandlerError, Reply, Split,
};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tracing::Instrument;
use tracing_subscriber::fmt::format::FmtSpan;

const AFTER: Command = Command::SnsFriendDelete;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn start_log() {
    static SUBSCRIBER: Once = Once::new();
    SUBSCRIBER.call_once(|| {
        tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::DEBUG)
            .with_span_events(FmtSpan::CLOSE)
            .with_writer(|| Log)
            .init();
    });
}

/// The lines of the log about this request id.
fn lines(request_id: &str) -> Vec<Value> {
    let log = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
    let about = log.lines().filter(|line| line.contains(request_id));
    about.map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// The span of the callback that a line is in.
#[track_caller]
fn span(line: &Value) -> &Value {
    let spans = line["spans"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut found = spans.iter().filter(|span| span["name"] == "callback");
    let span = found.next().unwrap_or_else(|| panic!("no span of a callback: {line}"));
    assert!(found.next().is_none(), "two spans of a callback: {line}");
    span
}

/// The span as it was when it was closed. There is one.
#[track_caller]
fn closed(request_id: &str) -> Value {
    let lines = lines(request_id);
    let mut closed = lines
        .iter()
        .filter(|line| line["fields"]["message"] == "close" && line["span"]["name"] == "callback");
    let span = closed.next().unwrap_or_else(|| panic!("not closed: {lines:?}"))["span"].clone();
    assert!(closed.next().is_none(), "closed twice: {lines:?}");
    span
}

fn request(request_id: &str) -> Request<Full<bytes::Bytes>> {
    signed(AFTER).parameter("RequestId", request_id).parameter("OptPlatform", "iOS").build()
}

/// Logs when it is asked for readiness, called, polled again, and dropped.
#[derive(Clone)]
struct Talks {
    asked: bool,
}

impl Service<Callback> for Talks {
    type Response = Reply;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Reply, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        tracing::info!("talks in poll_ready");
        if std::mem::replace(&mut self.asked, true) {
            return Poll::Ready(Ok(()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn call(&mut self, _: Callback) -> Self::Future {
        struct OnDrop;

        impl Drop for OnDrop {
            fn drop(&mut self) {
                tracing::info!("talks in drop");
            }
        }

        tracing::info!("talks in call");
        let last = OnDrop;
        Box::pin(async move {
            let _last = last;
            tracing::info!("talks in its first poll");
            tokio::task::yield_now().await;
            tracing::info!("talks in another poll");
            Ok(Reply::ok())
        })
    }
}

/// The number of lines, each in the right span.
async fn talked(
    request_id: &str,
    service: impl Service<Callback, Response: Into<Reply>, Error: std::fmt::Display> + Clone,
    wait: bool,
) -> usize {
    start_log();
    let response = send(&layer(), service, request(request_id)).await;
    assert_eq!(response.status(), 200);
    let talk = |lines: Vec<Value>| -> Vec<Value> {
        let says = |line: &Value| line["fields"]["message"].as_str().unwrap().starts_with("talks");
        lines.into_iter().filter(says).collect()
    };
    // What is detached goes on after the answer.
    while wait && talk(lines(request_id)).len() < 6 {
        tokio::task::yield_now().await;
    }
    let lines = talk(lines(request_id));
    for line in &lines {
        let span = span(line);
        assert_eq!(span["sdk_app_id"], APP, "{line}");
        assert_eq!(span["command"], "Sns.CallbackFriendDelete", "{line}");
        assert_eq!(span["otel.name"], "Sns.CallbackFriendDelete", "{line}");
        assert_eq!(span["phase"], "after", "{line}");
        assert_eq!(span["platform"], "iOS", "{line}");
        assert_eq!(span["request_id"], request_id, "{line}");
    }
    lines.len()
}

fn talks() -> Talks {
    Talks { asked: false }
}

#[tokio::test]
async fn every_line_of_a_handler_has_its_callback() {
    assert_eq!(talked("inline", talks(), false).await, 6);
    // The handler of a router is a function: it is called in the first poll.
    async fn handler(_: Callback<sns::FriendDelete>) {
        tracing::info!("talks");
        tokio::task::yield_now().await;
        tracing::info!("talks");
    }
    let router = EventRouter::new().on(handler);
    assert_eq!(talked("routed", Split::new(router.clone(), router), false).await, 2);
    // A limit, a worker of tower's, a time-out, a layer of the user's with a span of its own.
    let outer = |inner: Talks| {
        service_fn(move |callback: Callback| {
            inner.clone().oneshot(callback).instrument(tracing::info_span!("outer"))
        })
    };
    let stack = ServiceBuilder::new()
        .timeout(Duration::from_secs(10))
        .load_shed()
        .buffer(8)
        .concurrency_limit(8)
        .service(outer(talks()));
    assert_eq!(talked("layers", stack, false).await, 6);
    assert_eq!(talked("detached", DetachLayer::new(8).layer(talks()), true).await, 6);
    let dedup = DedupLayer::new(Duration::from_secs(60));
    assert_eq!(talked("deduplicated", dedup.layer(talks()), false).await, 6);
    let both = ServiceBuilder::new().layer(DetachLayer::new(8)).layer(dedup).service(talks());
    assert_eq!(talked("detached-deduplicated", both, true).await, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_callbacks_do_not_mix() {
    start_log();
    let handler = service_fn(|callback: Callback| async move {
        let request = callback.params.request_id().unwrap().into_owned();
        for _ in 0..5 {
            tracing::info!(request, "concurrent");
            tokio::task::yield_now().await;
        }
        Ok::<_, Infallible>(())
    });
    let service = layer().layer(DedupLayer::new(Duration::from_secs(60)).layer(handler));
    let calls = (0..200).map(|number| {
        tokio::spawn(service.clone().oneshot(request(&format!("concurrent-{number}"))))
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap().unwrap().status(), 200);
    }
    let lines = lines("concurrent-");
    let said: Vec<&Value> =
        lines.iter().filter(|line| line["fields"]["message"] == "concurrent").collect();
    assert_eq!(said.len(), 1000);
    for line in said {
        assert_eq!(span(line)["request_id"], line["fields"]["request"], "{line}");
    }
}

#[tokio::test]
async fn what_became_of_it_is_recorded_at_the_end() {
    start_log();
    let ok = || service_fn(|_: Callback| async { Ok::<_, HandlerError>(Reply::ok()) });
    let recorded = |request_id: &str| {
        let span = closed(request_id);
        ["outcome", "disposition", "cause", "otel.status_code"].map(|name| span[name].clone())
    };
    let accepted = |how: &str| [json!("accepted"), json!(how), Value::Null, Value::Null];
    let failed = |cause: &str| [json!("failed"), Value::Null, json!(cause), json!("ERROR")];

    send(&layer(), ok(), request("end-handled")).await;
    assert_eq!(recorded("end-handled"), accepted("handled"));
    let dedup = DedupLayer::new(Duration::from_secs(60)).layer(ok());
    // Of the documented body there is no key without the request id.
    for request_id in ["end-twice", "end-twice"] {
        send(&layer(), dedup.clone(), request(request_id)).await;
    }
    let lines = lines("end-twice");
    let ends = lines.iter().filter(|line| line["fields"]["message"] == "close");
    let ends: Vec<_> = ends.map(|line| line["span"]["disposition"].clone()).collect();
    assert_eq!(ends, ["handled", "duplicate"]);

    let error = service_fn(|_: Callback| async { Err::<(), _>(HandlerError::new("no database")) });
    send(&layer(), error, request("end-failed")).await;
    assert_eq!(recorded("end-failed"), failed("failed"));
    async fn panics(_: Callback) -> Result<(), Infallible> {
        panic!("at work")
    }
    let panic = service_fn(panics);
    send(&layer(), panic, request("end-panicked")).await;
    assert_eq!(recorded("end-panicked"), failed("panicked"));
    let slow = ServiceBuilder::new()
        .timeout(Duration::ZERO)
        .service(service_fn(|_: Callback| std::future::pending::<Result<Reply, Infallible>>()));
    send(&layer(), slow, request("end-late")).await;
    assert_eq!(recorded("end-late"), failed("timed_out"));
    let full = ServiceBuilder::new().load_shed().concurrency_limit(0).service(ok());
    send(&layer(), full, request("end-full")).await;
    assert_eq!(recorded("end-full"), failed("overloaded"));

    let mut call = tokio_test::task::spawn(layer().layer(talks()).oneshot(request("end-gone")));
    assert!(call.poll().is_pending());
    assert!(call.poll().is_pending());
    drop(call);
    assert_eq!(recorded("end-gone")[0], "cancelled");
    let said = self::lines("end-gone");
    let gone = said.iter().find(|line| line["fields"]["message"] == "talks in drop").unwrap();
    assert_eq!(span(gone)["request_id"], "end-gone");

    // The one event of the request is in the span as well.
    let lines = self::lines("end-failed");
    let event = lines.iter().find(|line| line["fields"]["message"] == "callback failed").unwrap();
    assert_eq!(event["target"], "tencent_im_callback");
    assert_eq!(span(event)["request_id"], "end-failed");
}

#[test]
fn what_waits_for_the_service_and_is_dropped_is_recorded_as_cancelled() {
    start_log();
    let full = tower::limit::ConcurrencyLimit::new(talks(), 0);
    let mut call = tokio_test::task::spawn(layer().layer(full).oneshot(request("end-waiting")));
    assert!(call.poll().is_pending());
    drop(call);
    assert_eq!(closed("end-waiting")["outcome"], "cancelled");
}

/// A request that is refused reaches no service, and has no span.
#[tokio::test]
async fn what_is_refused_has_no_span() {
    start_log();
    let refused = signed(AFTER).parameter("RequestId", "refused-1").fault(Fault::SignatureMismatch);
    let response = send(&layer(), talks(), refused.build::<Full<bytes::Bytes>>()).await;
    assert_eq!(response.status(), 401);
    assert_eq!(lines("refused-1"), [] as [Value; 0]);
}

const EVIL: &str =
    "x\r\n{\"level\":\"ERROR\"}\u{1b}[31m\u{85}\u{2028}\u{202e}\",\"command\":\"forged\"}";

#[tokio::test]
async fn hostile_values_forge_no_field_and_no_line() {
    start_log();
    let long = "9".repeat(10_000);
    for (number, evil) in [EVIL, &long].into_iter().enumerate() {
        let request = signed(format!("New.Word{evil}").as_str().into())
            .parameter("RequestId", &format!("hostile-{number}{evil}"))
            .parameter("OptPlatform", evil)
            .body(r#"{"A":1}"#)
            .build::<Full<bytes::Bytes>>();
        send(&layer(), talks(), request).await;
        let lines = lines(&format!("hostile-{number}"));
        // Six of the handler's, the event of the request, and the end of the span.
        assert_eq!(lines.len(), 8);
        for line in &lines {
            let span = span_or_closed(line);
            let names: Vec<_> = span.as_object().unwrap().keys().map(String::as_str).collect();
            let known = [
                "command",
                "disposition",
                "name",
                "otel.name",
                "outcome",
                "phase",
                "platform",
                "request_id",
                "sdk_app_id",
            ];
            assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
            assert_eq!(span["command"], "unknown");
            for name in ["platform", "request_id"] {
                let text = span[name].as_str().unwrap();
                let plain = |character: char| !character.is_control();
                assert!(text.chars().all(plain) && text.chars().count() < 400, "{text:?}");
                assert!(!text.contains(['\u{2028}', '\u{202e}']), "{text:?}");
            }
            let text = line.to_string();
            for secret in [TOKEN, &sign(TOKEN, NOW), "RequestTime", "PairList"] {
                assert!(!text.contains(secret), "{secret} is in {text}");
            }
            assert!(text.len() < 2000, "{}", text.len());
        }
    }
}

fn span_or_closed(line: &Value) -> &Value {
    if line["fields"]["message"] == "close" { &line["span"] } else { span(line) }
}

/// The level of the span is `info`: who shows warnings only pays for none.
#[test]
fn a_log_of_warnings_has_no_span() {
    start_log();
    let warnings = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(io::sink)
        .finish();
    tracing::subscriber::with_default(warnings, || {
        let service = service_fn(|_: Callback| async {
            assert!(tracing::Span::current().is_none());
            Ok::<_, Infallible>(())
        });
        let response = tokio_test::block_on(send(&layer(), service, request("warnings-only")));
        assert!(common::outcome(&response).cause().is_none());
    });
}
