//! What the program `opentelemetry` exports, read in memory.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use programs::traced;
use tempfile::TempDir;
use tencent_im_callback::testing::SignedRequest;
use tencent_im_callback::{App, Command, Token};
use tencent_im_callback_queue::{DeliveryId, Page, Queue, RetryPolicy};
use tower::ServiceExt;

fn attributes(span: &SpanData) -> BTreeMap<String, String> {
    let pairs = span.attributes.iter();
    pairs.map(|pair| (pair.key.to_string(), pair.value.to_string())).collect()
}

async fn send(queue: &Queue, body: &str) {
    let app = App::signed(1_400_000_000, Token::new("xxxxyyyy").unwrap());
    let request = SignedRequest::new(Command::SnsFriendDelete)
        .url("/callback")
        .parameter("RequestId", body)
        .body(format!(r#"{{"CallbackCommand":"Sns.CallbackFriendDelete","PairList":{body}}}"#));
    let response = traced::endpoint(app, queue).oneshot(request.build::<Body>()).await.unwrap();
    assert_eq!(response.status(), 200);
}

/// Handles all there is.
async fn work(queue: &Queue) {
    let done = async {
        while queue.stats().await.unwrap().waiting > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let retry = RetryPolicy::new().first_delay(Duration::from_millis(5)).attempts(3);
    traced::worker(queue).retry(retry).run(done).await.unwrap();
}

/// Two callbacks, of which the second fails, handled by a program that was started again. Gives the
/// queue with the dead letter, in its folder, and all spans.
async fn two_callbacks() -> (TempDir, Queue, Vec<SpanData>) {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    tracing::subscriber::set_global_default(traced::subscriber(&provider)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("callbacks.queue");

    let queue = Queue::open(&file).await.unwrap();
    send(&queue, r#"[{"From_Account":"a","To_Account":"b"}]"#).await;
    send(&queue, "[]").await;
    // The program ends before its worker has begun, and starts again.
    queue.close().await.unwrap();
    drop(queue);
    let queue = Queue::open(&file).await.unwrap();
    work(&queue).await;
    (folder, queue, exporter.get_finished_spans().unwrap())
}

fn named<'a>(spans: &'a [SpanData], name: &str) -> Vec<&'a SpanData> {
    spans.iter().filter(|span| span.name == name).collect()
}

/// The spans of one callback: of its request, of the callback, and of its attempt in the queue.
fn is_one_trace([request, callback, attempt]: [&SpanData; 3]) {
    assert_eq!(request.parent_span_id, SpanId::INVALID);
    assert_eq!(request.span_kind, SpanKind::Server);
    assert_eq!(callback.parent_span_id, request.span_context.span_id());
    assert_eq!(attempt.parent_span_id, callback.span_context.span_id());
    assert!(attempt.parent_span_is_remote);
    assert_eq!(attempt.span_kind, SpanKind::Consumer);
    let (on_callback, on_attempt) = (attributes(callback), attributes(attempt));
    let id: DeliveryId = on_attempt["messaging.message.id"].parse().unwrap();
    assert_eq!(on_callback["messaging.message.id"], id.to_string());
    assert_eq!(on_callback["disposition"], "enqueued");
    for known in [&on_callback, &on_attempt] {
        assert_eq!(known["sdk_app_id"], "1400000000");
        assert_eq!(known["command"], "Sns.CallbackFriendDelete");
    }
}

#[tokio::test]
async fn one_trace_from_the_request_to_the_handler_behind_the_queue() {
    let (_folder, queue, spans) = two_callbacks().await;
    let requests = named(&spans, "POST /callback");
    let callbacks = named(&spans, "Sns.CallbackFriendDelete");
    let attempts = named(&spans, "process Sns.CallbackFriendDelete");
    let writes = named(&spans, "write_down");
    assert_eq!(
        [requests.len(), callbacks.len(), attempts.len(), writes.len(), spans.len()],
        [2, 2, 2, 1, 7],
        "{spans:#?}"
    );
    let traces = [0, 1].map(|at| requests[at].span_context.trace_id());
    assert_ne!(traces[0], traces[1]);
    let [good, bad] = traces
        .map(|trace| *attempts.iter().find(|span| span.span_context.trace_id() == trace).unwrap());
    is_one_trace([requests[0], callbacks[0], good]);
    is_one_trace([requests[1], callbacks[1], bad]);
    // The first went well, and its write is a child of its attempt. The second has failed.
    assert_eq!(writes[0].parent_span_id, good.span_context.span_id());
    assert_eq!(writes[0].span_context.trace_id(), traces[0]);
    assert_eq!(attributes(good)["outcome"], "completed");
    assert_eq!(attributes(bad)["outcome"], "buried");
    assert!(
        matches!(bad.status, Status::Error { .. }) && !matches!(good.status, Status::Error { .. })
    );
    // The dead letter is an event of its span, and the letter itself has the trace.
    let events = |span: &SpanData| -> Vec<String> {
        span.events.iter().map(|event| event.name.to_string()).collect()
    };
    assert_eq!(events(good), ["friendship ended"]);
    assert_eq!(events(bad), ["callback is a dead letter"]);
    let letter = &queue.dead_letters(Page::of(1)).await.unwrap()[0];
    let context = letter.trace_context.as_deref().unwrap();
    assert!(context.contains(&traces[1].to_string()), "{context}");

    for span in &spans {
        let text = format!("{span:?}");
        for secret in ["xxxxyyyy", "PairList"] {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
        assert!(!text.contains("Sign=") || text.contains("Sign=<redacted>"), "{text}");
    }
}
