use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::body::VerifyBody;
use crate::protocol::{Params, Rejection};
use crate::response::{self, Outcome, OutcomeKind};

pin_project! {
    /// Future of [`VerifyService`](crate::VerifyService).
    pub struct VerifyFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B, S::Future>,
        started: Instant,
        params: Option<Params>,
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

impl<S, B> VerifyFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(super) fn rejected(rejection: Rejection) -> Self {
        VerifyFuture {
            state: State::Rejected {
                rejection: Some(rejection),
            },
            started: Instant::now(),
            params: None,
        }
    }

    pub(super) fn verified(request: Request<B>, params: Params, inner: S) -> Self {
        VerifyFuture {
            state: State::Waiting {
                inner,
                request: Some(request),
            },
            started: Instant::now(),
            params: Some(params),
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
        let (mut response, mut outcome) = loop {
            match this.state.as_mut().project() {
                StateProjection::Rejected { rejection } => {
                    let Some(rejection) = rejection.take() else {
                        polled_too_often()
                    };
                    let response = response::rejection(rejection.kind());
                    break (response.map(VerifyBody::answer), Outcome::of_rejection(rejection, None));
                }
                StateProjection::Waiting { inner, request } => {
                    ready!(inner.poll_ready(cx))?;
                    let Some(request) = request.take() else {
                        polled_too_often()
                    };
                    let response = inner.call(request);
                    this.state.set(State::Calling { response });
                }
                StateProjection::Calling { response } => {
                    let response = ready!(response.poll(cx))?;
                    if response.extensions().get::<Outcome>().is_some() {
                        // A service of ours further in knows better, and has reported it.
                        return Poll::Ready(Ok(response.map(VerifyBody::inner)));
                    }
                    break (
                        response.map(VerifyBody::inner),
                        Outcome::new(OutcomeKind::Accepted, this.params.take()),
                    );
                }
            }
        };
        outcome.handling_time = this.started.elapsed();
        response::report(&outcome, response.status());
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
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}
