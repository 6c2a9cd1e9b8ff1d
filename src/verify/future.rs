use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::body::VerifyBody;
use crate::auth::Params;
use crate::caught::text_of;
use crate::error::Cause;
use crate::response::{self, Outcome, OutcomeKind, ResponseBody, Sampler};

pin_project! {
    /// The future of [`VerifyService`](crate::VerifyService).
    #[must_use = "futures do nothing unless polled"]
    pub struct VerifyFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        kind: Kind<S, B, S::Future>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<S, B, F> {
        Answered { response: Option<Response<ResponseBody>> },
        Verified { exchange: Exchange, #[pin] state: State<S, B, F> },
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, F> {
        Waiting { inner: S, request: Option<Request<B>> },
        Calling { #[pin] response: F },
    }
}

/// What is known about a verified request while it is on its way.
struct Exchange {
    /// `None` once the request was reported.
    params: Option<Params>,
    sampler: Arc<Sampler>,
    was_called: bool,
}

impl Exchange {
    fn outcome(
        &mut self,
        kind: OutcomeKind,
        cause: Option<Cause>,
        error: Option<String>,
    ) -> Outcome {
        let mut outcome = Outcome::new(kind, self.params.take());
        outcome.trouble(cause, error.map(Into::into), None);
        outcome
    }

    /// Writes a failure of the inner service to the log. Its error or its panic goes on to the
    /// caller unchanged, so there is no response to hold an outcome.
    fn failed(&mut self, cause: Cause, error: Option<String>) {
        let outcome = self.outcome(OutcomeKind::Failed, Some(cause), error);
        response::report(&outcome, None, &self.sampler);
    }

    /// Tencent takes every status but 200 for a failed callback.
    fn responded<R>(&mut self, mut response: Response<R>) -> Response<R> {
        if response.extensions().get::<Outcome>().is_some() {
            // A `CallbackLayer` further inside has reported it already, and knows more.
            self.params = None;
            return response;
        }
        let outcome = if response.status() == StatusCode::OK {
            self.outcome(OutcomeKind::Accepted, None, None)
        } else {
            self.outcome(OutcomeKind::Failed, Some(Cause::Failed), None)
        };
        response::conclude(&mut response, outcome, &self.sampler);
        response
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(params) = &self.params {
            response::cancelled(params, self.was_called, &self.sampler);
        }
    }
}

impl<S, B> VerifyFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(super) fn answered(response: Response<ResponseBody>) -> Self {
        let response = Some(response);
        VerifyFuture { kind: Kind::Answered { response } }
    }

    pub(super) fn verified(
        request: Request<B>,
        params: Params,
        inner: S,
        sampler: Arc<Sampler>,
    ) -> Self {
        let exchange = Exchange { params: Some(params), sampler, was_called: false };
        let request = Some(request);
        let state = State::Waiting { inner, request };
        VerifyFuture { kind: Kind::Verified { exchange, state } }
    }
}

impl<S, B, R> Future for VerifyFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Output = Result<Response<VerifyBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (exchange, state) = match self.project().kind.project() {
            KindProjection::Answered { response } => {
                let Some(response) = response.take() else { polled_too_often() };
                return Poll::Ready(Ok(response.map(VerifyBody::answer)));
            }
            KindProjection::Verified { exchange, state } => (exchange, state),
        };
        // `AssertUnwindSafe` holds, since the panic goes on.
        match catch_unwind(AssertUnwindSafe(|| advance(state, exchange, cx))) {
            Ok(polled) => polled,
            Err(panic) => {
                // If it was reported already, the caller has polled too often.
                if exchange.params.is_some() {
                    exchange.failed(Cause::Panicked, Some(text_of(&*panic)));
                }
                resume_unwind(panic)
            }
        }
    }
}

/// Waits for the service, and for its response.
fn advance<S, B, R>(
    mut state: Pin<&mut State<S, B, S::Future>>,
    exchange: &mut Exchange,
    cx: &mut Context<'_>,
) -> Poll<Result<Response<VerifyBody<R>>, S::Error>>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    loop {
        match state.as_mut().project() {
            StateProjection::Waiting { inner, request } => {
                if let Err(error) = ready!(inner.poll_ready(cx)) {
                    exchange.failed(Cause::NotReady, None);
                    return Poll::Ready(Err(error));
                }
                let Some(request) = request.take() else { polled_too_often() };
                exchange.was_called = true;
                let response = inner.call(request);
                state.set(State::Calling { response });
            }
            StateProjection::Calling { response } => {
                return Poll::Ready(match ready!(response.poll(cx)) {
                    Ok(response) => Ok(exchange.responded(response).map(VerifyBody::inner)),
                    Err(error) => {
                        exchange.failed(Cause::Failed, None);
                        Err(error)
                    }
                });
            }
        }
    }
}

/// Polling a future after it has ended is the caller's mistake, as with every future.
fn polled_too_often() -> ! {
    panic!("VerifyFuture polled after completion")
}

impl<S, B> fmt::Debug for VerifyFuture<S, B>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (state, params) = match &self.kind {
            Kind::Answered { .. } => ("Answered", None),
            Kind::Verified { exchange, state } => {
                let state = match state {
                    State::Waiting { .. } => "Waiting",
                    State::Calling { .. } => "Calling",
                };
                (state, exchange.params.as_ref())
            }
        };
        f.debug_struct("VerifyFuture")
            .field("state", &state)
            .field("params", &params)
            .finish_non_exhaustive()
    }
}
