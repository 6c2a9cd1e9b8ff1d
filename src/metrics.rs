//! Counts and latencies for Prometheus and others, with the [`metrics`](https://docs.rs/metrics)
//! facade (feature `metrics`).
//!
//! Put [`MetricsLayer`] outside [`CallbackLayer`](crate::CallbackLayer), and outside
//! [`VerifyLayer`](crate::VerifyLayer), too: it records each request. `Detach`, `Dedup` and
//! `RateLimit` record their own counts without a layer. Your program decides where the
//! figures go: install a recorder, such as that of `metrics-exporter-prometheus`, **before** you
//! make the layers. Without a recorder nothing is recorded.
//!
//! | name | kind | labels | what |
//! | --- | --- | --- | --- |
//! | `im_callbacks_total` | counter | `outcome`, `reason`, `command` | requests, by how they were answered |
//! | `im_callback_duration_seconds` | histogram | `outcome`, `command` | from the request's head to the answer, in **seconds**; the body is read within |
//! | `im_callbacks_detached_total` | counter | `result` | work in the background that ended: `succeeded`, `duplicate`, `failed`, `unfinished` (aborted by `drain`); or that was refused: `overloaded`, `abandoned` |
//! | `im_callbacks_detached_running` | gauge | | callbacks in the background now |
//! | `im_callbacks_dedup_total` | counter | `result` | `handled`, `duplicate`, `failed`, `without_key` |
//! | `im_callbacks_limited_total` | counter | `quota` | callbacks over a [rate limit](crate::limit): `own`, or `shared` by keys for which there was no room |
//!
//! `outcome` is [`OutcomeKind::as_str`](crate::OutcomeKind::as_str), or `cancelled` if the future
//! was dropped before there was an answer: the peer closed the connection, or an outer time-out
//! expired; `reason` and `command` are then empty. `reason` is [`Outcome::reason`], `command` is
//! [`Command::label`](crate::Command::label). All of them have few values, so a peer cannot create
//! any number of series.
//!
//! ```
//! use tencent_im_callback::{App, CallbackLayer, EventRouter, MetricsLayer, Token};
//! use tower::ServiceBuilder;
//!
//! let app = App::signed(1400000000, Token::new("xxxxyyyy")?);
//! let service = ServiceBuilder::new()
//!     .layer(MetricsLayer::new())
//!     .layer(CallbackLayer::new(app))
//!     .service(EventRouter::new());
//! # drop::<tencent_im_callback::MetricsService<tencent_im_callback::CallbackService<_>>>(service);
//! # Ok::<(), tencent_im_callback::InvalidTokenError>(())
//! ```

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use ::metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, histogram};
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::response::Outcome;

const CALLBACKS: &str = "im_callbacks_total";
const DURATION: &str = "im_callback_duration_seconds";

/// Counts each request by how it was answered, and records how long that took; see the
/// [module](crate::metrics).
///
/// Put it around [`CallbackLayer`](crate::CallbackLayer), and outside
/// [`VerifyLayer`](crate::VerifyLayer), too, which answers what it refuses; inside all other layers
/// that answer themselves.
/// A response without an [`Outcome`] is not from this crate, and is not recorded.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct MetricsLayer(());

impl MetricsLayer {
    /// Describes the metrics to the installed recorder.
    pub fn new() -> Self {
        describe_counter!(CALLBACKS, "Requests to the callback URL, by how they were answered");
        describe_histogram!(DURATION, Unit::Seconds, "Time from the request's head to the answer");
        describe_counter!(
            crate::count::DETACHED,
            "Callbacks in the background that ended or were refused"
        );
        describe_gauge!(crate::count::RUNNING, "Callbacks in the background now");
        describe_counter!(crate::count::DEDUP, "Deliveries, by whether they came before");
        describe_counter!(crate::count::LIMITED, "Callbacks over a rate limit");
        MetricsLayer(())
    }
}

impl Default for MetricsLayer {
    fn default() -> Self {
        MetricsLayer::new()
    }
}

impl<S> Layer<S> for MetricsLayer {
    type Service = MetricsService<S>;

    fn layer(&self, inner: S) -> MetricsService<S> {
        MetricsService { inner }
    }
}

/// The service of [`MetricsLayer`].
#[derive(Clone, Debug)]
pub struct MetricsService<S> {
    inner: S,
}

impl<S> MetricsService<S> {
    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service, mutable.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B, R> Service<Request<B>> for MetricsService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = MetricsFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> MetricsFuture<S::Future> {
        // Taken before the call, so it includes the verification.
        let running = Running { started: Instant::now(), ended: false };
        MetricsFuture { inner: self.inner.call(request), running }
    }
}

pin_project! {
    /// The future of [`MetricsService`].
    #[derive(Debug)]
    #[must_use]
    pub struct MetricsFuture<F> {
        #[pin]
        inner: F,
        running: Running,
    }
}

/// A request that is being handled. If this is dropped before `end` was called, the request counts
/// as cancelled.
#[derive(Debug)]
struct Running {
    started: Instant,
    ended: bool,
}

impl<F, R, E> Future for MetricsFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(cx));
        let outcome = result.as_ref().ok().and_then(|response| response.extensions().get());
        this.running.end(outcome);
        Poll::Ready(result)
    }
}

impl Running {
    fn end(&mut self, outcome: Option<&Outcome>) {
        self.ended = true;
        if let Some(outcome) = outcome {
            let command = outcome.params().map_or("", |params| params.command.label());
            self.record(outcome.kind().as_str(), outcome.reason(), command);
        }
    }

    fn record(&self, outcome: &'static str, reason: &'static str, command: &'static str) {
        counter!(CALLBACKS, "outcome" => outcome, "reason" => reason, "command" => command)
            .increment(1);
        histogram!(DURATION, "outcome" => outcome, "command" => command)
            .record(self.started.elapsed());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            self.record("cancelled", "", "");
        }
    }
}
