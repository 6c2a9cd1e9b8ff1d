#![doc = include_str!("docs/metrics.md")]

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
