//! One trace from the request to the handler behind the queue: what the program `opentelemetry` is
//! made of.

use std::collections::HashMap;

use axum::Router;
use http::Request;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tencent_im_callback::event::sns::FriendDelete;
use tencent_im_callback::{
    App, Callback, CallbackLayer, EventRouter, HandlerError, OnError, Split, redacted,
};
use tencent_im_callback_queue::{Queue, Worker};
use tower::ServiceBuilder;
use tower_http::trace::TraceLayer;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

/// Spans go to OpenTelemetry, and lines of JSON to standard error.
pub fn subscriber(provider: &SdkTracerProvider) -> impl Subscriber + Send + Sync + use<> {
    tracing_subscriber::registry()
        .with(LevelFilter::INFO)
        .with(tracing_opentelemetry::layer().with_tracer(provider.tracer("callbacks")))
        .with(tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr))
}

/// W3C's `traceparent` of the callback's span. It is stored with the callback.
fn traceparent(_: &Callback) -> Option<String> {
    let mut headers = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut headers);
    headers.remove("traceparent")
}

/// The attempt of a worker goes on with that trace, also after a restart.
fn continue_trace(attempt: &Span, traceparent: &str) {
    let headers = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
    // It fails if there is no OpenTelemetry: then there is no trace to go on with.
    let _ = attempt.set_parent(TraceContextPropagator::new().extract(&headers));
}

/// Notifications go into the queue; nobody judges messages here.
pub fn endpoint(app: App, queue: &Queue) -> Router {
    let enqueue = queue.layer().trace_context(traceparent);
    let notifications = ServiceBuilder::new().layer(enqueue).service(EventRouter::new());
    let callbacks = ServiceBuilder::new()
        .layer(CallbackLayer::new(app).on_after_error(OnError::ServerError))
        .service(Split::new(EventRouter::new(), notifications));
    let span = |request: &Request<_>| {
        let (method, path) = (request.method(), request.uri().path());
        tracing::info_span!(
            "request",
            otel.name = %format_args!("{method} {path}"),
            otel.kind = "server",
            // The URL has the signature.
            url.query = %redacted(request.uri()),
        )
    };
    Router::new()
        .route_service("/callback", callbacks)
        .layer(TraceLayer::new_for_http().make_span_with(span))
}

/// Handles what is in the queue.
pub fn worker(queue: &Queue) -> Worker<EventRouter> {
    queue.worker(EventRouter::new().on(friends_gone)).trace_context(continue_trace)
}

async fn friends_gone(callback: Callback<FriendDelete>) -> Result<(), HandlerError> {
    for pair in &callback.event.pair_list {
        tracing::info!(from = %pair.from_account, to = %pair.to_account, "friendship ended");
    }
    match callback.event.pair_list.is_empty() {
        true => Err(HandlerError::permanent("no pair")),
        false => write_down().await,
    }
}

/// Stands for a database; its span is a child of the attempt.
#[tracing::instrument(err)]
async fn write_down() -> Result<(), HandlerError> {
    tokio::task::yield_now().await;
    Ok(())
}
