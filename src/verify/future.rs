use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use http::{Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::body::VerifyBody;
use crate::protocol::{Params, Rejection};
use crate::response::{self, Cause, Outcome, OutcomeKind};

pin_project! {
    /// Future of [`VerifyService`](crate::VerifyService).
    pub struct VerifyFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B, S::Future>,
        exchange: Exchange,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, F> {
        Rejected { rejection: Option<Rejection> },
        Waiting { inner: S, request: Option<Request<B>> },
        Calling { #[pin] response: F },
    }
}

/// What is known about a request while it is on its way.
struct Exchange {
    started: Instant,
    params: Option<Params>,
    /// Between the call of the inner service and its response.
    calling: bool,
}

impl Exchange {
    fn new(params: Option<Params>) -> Self {
        Exchange {
            started: Instant::now(),
            params,
            calling: false,
        }
    }

    fn finish(&self, mut outcome: Outcome, status: Option<StatusCode>) -> Outcome {
        outcome.handling_time = self.started.elapsed();
        response::report(&outcome, status);
        outcome
    }

    /// The inner service's error goes on as it is; only the log hears of it here.
    fn failed(&mut self, cause: Cause) {
        self.calling = false;
        let mut outcome = Outcome::new(OutcomeKind::Failed, self.params.take());
        outcome.trouble(Some(cause), None, None);
        self.finish(outcome, None);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let (true, Some(params)) = (self.calling, &self.params) {
            response::cancelled(params, self.started.elapsed());
        }
    }
}

impl<S, B> VerifyFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(super) fn rejected(rejection: Rejection) -> Self {
        VerifyFuture {
            state: State::Rejected {
                rejection: Some(rejection),
            },
            exchange: Exchange::new(None),
        }
    }

    pub(super) fn verified(request: Request<B>, params: Params, inner: S) -> Self {
        VerifyFuture {
            state: State::Waiting {
                inner,
                request: Some(request),
            },
            exchange: Exchange::new(Some(params)),
        }
    }
}

impl<S, B, R> Future for VerifyFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Output = Result<Response<VerifyBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let exchange = this.exchange;
        let (mut response, outcome) = loop {
            match this.state.as_mut().project() {
                StateProjection::Rejected { rejection } => {
                    let Some(rejection) = rejection.take() else {
                        polled_too_often()
                    };
                    let response = response::rejection(rejection.kind());
                    break (response.map(VerifyBody::answer), Outcome::of_rejection(rejection, None));
                }
                StateProjection::Waiting { inner, request } => {
                    if let Err(error) = ready!(inner.poll_ready(cx)) {
                        exchange.failed(Cause::NotReady);
                        return Poll::Ready(Err(error));
                    }
                    let Some(request) = request.take() else {
                        polled_too_often()
                    };
                    exchange.calling = true;
                    let response = inner.call(request);
                    this.state.set(State::Calling { response });
                }
                StateProjection::Calling { response } => {
                    let response = match ready!(response.poll(cx)) {
                        Ok(response) => response,
                        Err(error) => {
                            exchange.failed(Cause::Failed);
                            return Poll::Ready(Err(error));
                        }
                    };
                    exchange.calling = false;
                    if response.extensions().get::<Outcome>().is_some() {
                        // A service of ours further in knows better, and has reported it.
                        return Poll::Ready(Ok(response.map(VerifyBody::inner)));
                    }
                    let outcome = Outcome::new(OutcomeKind::Accepted, exchange.params.take());
                    break (response.map(VerifyBody::inner), outcome);
                }
            }
        };
        let outcome = exchange.finish(outcome, Some(response.status()));
        response.extensions_mut().insert(outcome);
        Poll::Ready(Ok(response))
    }
}

/// Polling a future after it has ended is the caller's mistake, as with every future.
fn polled_too_often() -> ! {
    panic!("VerifyFuture polled after it was ready")
}

impl<S, B> fmt::Debug for VerifyFuture<S, B>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Rejected { .. } => "Rejected",
            State::Waiting { .. } => "Waiting",
            State::Calling { .. } => "Calling",
        };
        f.debug_struct("VerifyFuture")
            .field("state", &state)
            .field("params", &self.exchange.params)
            .finish_non_exhaustive()
    }
}
