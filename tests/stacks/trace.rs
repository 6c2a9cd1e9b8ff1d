//! Traces and request ids.

use crate::common::{Inner, layer, signed};
use crate::{BEFORE, answer, ask, forged, good, takes_one_and_refuses_one};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use std::convert::Infallible;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tencent_im_callback::{Callback, OutcomeKind, ResponseBody, redacted};
use tower::{ServiceBuilder, ServiceExt};
use tower_http::request_id::{
    MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};
use tower_http::trace::TraceLayer;

#[tokio::test]
async fn trace_sees_the_outcome_of_every_request_and_takes_a_failure_answered_200_for_a_success() {
    type Seen = Arc<Mutex<Vec<(u16, OutcomeKind)>>>;
    let (seen, failures) = (Seen::default(), Arc::new(AtomicUsize::new(0)));
    let (record, count) = (seen.clone(), failures.clone());
    let trace = TraceLayer::new_for_http()
        .on_response(move |response: &Response<ResponseBody>, _: Duration, _: &tracing::Span| {
            let kind = crate::common::outcome(response).kind();
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
            && leaky.contains(&tencent_im_callback::testing::sign(
                crate::common::TOKEN,
                crate::common::NOW
            )),
        "{leaky}"
    );

    let span = |request: &Request<Full<Bytes>>| {
        let uri = redacted(request.uri());
        tracing::debug_span!("http", %uri)
    };
    let service = ServiceBuilder::new()
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(layer())
        .service(Inner::default());
    takes_one_and_refuses_one(&service).await;
    let clean = log.take();
    assert!(clean.contains("http{uri=") && clean.contains("Sns.CallbackFriendDelete"), "{clean}");
    assert!(
        !clean.contains(&tencent_im_callback::testing::sign(
            crate::common::TOKEN,
            crate::common::NOW
        )),
        "{clean}"
    );
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
