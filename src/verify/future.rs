use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::body::VerifyBody;
use crate::auth::Params;
use crate::response::{self, Cause, Outcome, OutcomeKind, ResponseBody, Sampler};

pin_project! {
    /// The future of [`VerifyService`](crate::VerifyService).
    pub struct VerifyFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B, S::Future>,
        // `None` for a request that this layer answers itself.
        exchange: Option<Exchange>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, F> {
        Answered { response: Option<Response<ResponseBody>> },
        Waiting { inner: S, request: Option<Request<B>> },
        Calling { #[pin] response: F },
    }
}

/// What is known about a request while the inner service handles it.
struct Exchange {
    params: Option<Params>,
    sampler: Arc<Sampler>,
    /// Whether the inner service was called and has not responded yet.
    calling: bool,
}

impl Exchange {
    fn outcome(&mut self, kind: OutcomeKind, cause: Option<Cause>) -> Outcome {
        let mut outcome = Outcome::new(kind, self.params.take());
        outcome.trouble(cause, None, None);
        outcome
    }

    /// Writes a failure of the inner service to the log. Its error goes on to the caller unchanged,
    /// so there is no response to hold an outcome.
    fn failed(&mut self, cause: Cause) {
        self.calling = false;
        response::report(
            &self.outcome(OutcomeKind::Failed, Some(cause)),
            None,
            &self.sampler.clone(),
        );
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let (true, Some(params)) = (self.calling, &self.params) {
            response::cancelled(params, &self.sampler);
        }
    }
}

impl<S, B> VerifyFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(super) fn answered(response: Response<ResponseBody>) -> Self {
        VerifyFuture {
            state: State::Answered {
                response: Some(response),
            },
            exchange: None,
        }
    }

    pub(super) fn verified(request: Request<B>, params: Params, inner: S, sampler: Arc<Sampler>) -> Self {
        VerifyFuture {
            state: State::Waiting {
                inner,
                request: Some(request),
            },
            exchange: Some(Exchange {
                params: Some(params),
                sampler,
                calling: false,
            }),
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
        loop {
            let state = this.state.as_mut().project();
            if let StateProjection::Answered { response } = state {
                let Some(response) = response.take() else {
                    polled_too_often()
                };
                return Poll::Ready(Ok(response.map(VerifyBody::answer)));
            }
            let Some(exchange) = this.exchange else {
                polled_too_often()
            };
            match state {
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
                        Ok(response) => response.map(VerifyBody::inner),
                        Err(error) => {
                            exchange.failed(Cause::Failed);
                            return Poll::Ready(Err(error));
                        }
                    };
                    exchange.calling = false;
                    if response.extensions().get::<Outcome>().is_some() {
                        // The response has an outcome, so a `CallbackLayer` further inside has
                        // reported it, with more details than are known here.
                        return Poll::Ready(Ok(response));
                    }
                    let outcome = if response.status() == StatusCode::OK {
                        exchange.outcome(OutcomeKind::Accepted, None)
                    } else {
                        exchange.outcome(OutcomeKind::Failed, Some(Cause::Failed))
                    };
                    return Poll::Ready(Ok(response::concluded(response, outcome, &exchange.sampler)));
                }
                StateProjection::Answered { .. } => polled_too_often(),
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
        let state = match self.state {
            State::Answered { .. } => "Answered",
            State::Waiting { .. } => "Waiting",
            State::Calling { .. } => "Calling",
        };
        f.debug_struct("VerifyFuture")
            .field("state", &state)
            .field(
                "params",
                &self.exchange.as_ref().and_then(|exchange| exchange.params.as_ref()),
            )
            .finish_non_exhaustive()
    }
}
