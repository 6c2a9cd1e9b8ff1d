use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::buffer::{Buffer, TooLarge};
use super::config::Config;
use crate::event::{Callback, Misfit};
use crate::protocol::{Params, Rejection, RejectionKind};
use crate::reply::{Handling, Reply};
use crate::response::{self, Cause, Failure, OnError, Outcome, OutcomeKind, ResponseBody};

pin_project! {
    /// Future of [`CallbackService`](crate::CallbackService).
    pub struct ResponseFuture<S, B>
    where
        S: Service<Callback>,
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
        Reading { #[pin] body: B, buffer: Buffer, head: Option<(Parts, S)> },
        Waiting { inner: S, callback: Option<Callback> },
        Calling { #[pin] reply: F },
        Done,
    }
}

/// What is known about a request while it is on its way.
struct Exchange {
    config: Arc<Config>,
    started: Instant,
    params: Option<Params>,
    misfit: Option<Misfit>,
    /// Between the call of the inner service and its reply.
    calling: bool,
}

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Callback>,
{
    pub(super) fn new(config: Arc<Config>) -> Self {
        ResponseFuture {
            state: State::Done,
            exchange: Exchange {
                config,
                started: Instant::now(),
                params: None,
                misfit: None,
                calling: false,
            },
        }
    }

    pub(super) fn rejected(mut self, rejection: Rejection, params: Option<Params>) -> Self {
        self.exchange.params = params;
        self.state = State::Rejected {
            rejection: Some(rejection),
        };
        self
    }

    pub(super) fn reading(mut self, request: Request<B>, params: Params, inner: S) -> Self {
        let (parts, body) = request.into_parts();
        self.exchange.params = Some(params);
        self.state = State::Reading {
            body,
            buffer: Buffer::new(self.exchange.config.body_limit),
            head: Some((parts, inner)),
        };
        self
    }
}

impl<S, B> Future for ResponseFuture<S, B>
where
    S: Service<Callback>,
    S::Response: Into<Reply>,
    S::Error: fmt::Display,
    B: Body,
    B::Error: fmt::Display,
{
    type Output = Result<Response<ResponseBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let exchange = this.exchange;
        let response = loop {
            match this.state.as_mut().project() {
                StateProjection::Rejected { rejection } => match rejection.take() {
                    Some(rejection) => break exchange.reject(rejection),
                    None => unreachable_done(),
                },
                StateProjection::Reading { body, buffer, head } => {
                    let collected = ready!(collect(body, buffer, cx));
                    let Some((parts, inner)) = head.take() else {
                        unreachable_done()
                    };
                    let parsed = collected
                        .and_then(|()| exchange.parse(|params| Callback::from_parts(params, buffer.finish(), parts)));
                    let callback = match parsed {
                        Ok(callback) => callback,
                        Err(rejection) => break exchange.reject(rejection),
                    };
                    if let Some(response) = exchange.stop_misfit() {
                        break response;
                    }
                    this.state.set(State::Waiting {
                        inner,
                        callback: Some(callback),
                    });
                }
                StateProjection::Waiting { inner, callback } => {
                    if let Err(error) = ready!(inner.poll_ready(cx)) {
                        break exchange.fail(Cause::NotReady, &error);
                    }
                    let Some(callback) = callback.take() else {
                        unreachable_done()
                    };
                    exchange.calling = true;
                    let reply = inner.call(callback);
                    this.state.set(State::Calling { reply });
                }
                StateProjection::Calling { reply } => {
                    let reply = ready!(reply.poll(cx));
                    exchange.calling = false;
                    break match reply {
                        Ok(reply) => exchange.accept(reply.into()),
                        Err(error) => exchange.fail(Cause::Failed, &error),
                    };
                }
                StateProjection::Done => unreachable_done(),
            }
        };
        // Gives back the inner service, the body and the inner future before the answer is written.
        this.state.set(State::Done);
        Poll::Ready(Ok(response))
    }
}

/// Polling a future after it has ended is the caller's mistake, as with every future.
fn unreachable_done() -> ! {
    panic!("ResponseFuture polled after it was ready")
}

/// Reads a body to its end, which is `None` and nothing else: `is_end_stream` may stay false, and trailers may follow the data.
fn collect<B>(mut body: Pin<&mut B>, buffer: &mut Buffer, cx: &mut Context<'_>) -> Poll<Result<(), Rejection>>
where
    B: Body,
    B::Error: fmt::Display,
{
    loop {
        let result = match ready!(body.as_mut().poll_frame(cx)) {
            None => return Poll::Ready(Ok(())),
            Some(Err(error)) => return Poll::Ready(Err(Rejection::incomplete(&error))),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => buffer.push(data),
                Err(_trailers) => Ok(()),
            },
        };
        if let Err(TooLarge) = result {
            return Poll::Ready(Err(RejectionKind::BodyTooLarge.into()));
        }
    }
}

impl Exchange {
    /// Parses with the parameters, and keeps a copy of what it makes of them for the [`Outcome`].
    fn parse(&mut self, parse: impl FnOnce(Params) -> Result<Callback, Rejection>) -> Result<Callback, Rejection> {
        let Some(params) = self.params.clone() else {
            unreachable_done()
        };
        let callback = parse(params)?;
        if let Some(params) = &mut self.params {
            params.command.clone_from(&callback.params.command);
        }
        self.misfit = callback.event.misfit().cloned();
        Ok(callback)
    }

    /// A *before* callback that does not fit its type is not for the service, whose last arm may well be `_ => Reply::ok()`.
    fn stop_misfit(&mut self) -> Option<Response<ResponseBody>> {
        let misfit = self.misfit.as_ref()?;
        let phase = self.params.as_ref()?.command.phase();
        if self.config.forward_misfits || !phase.may_decide() {
            return None;
        }
        let misfit = misfit.clone();
        Some(self.fail(Cause::Misfit, &misfit))
    }

    fn accept(&mut self, reply: Reply) -> Response<ResponseBody> {
        let kind = match reply.handling() {
            Handling::Inline => OutcomeKind::Accepted,
            Handling::Detached => OutcomeKind::Detached,
            Handling::Duplicate => OutcomeKind::Duplicate,
        };
        let outcome = Outcome::new(kind, self.params.take());
        self.finish(response::replied(reply), outcome, None, None)
    }

    fn reject(&mut self, rejection: Rejection) -> Response<ResponseBody> {
        let response = response::rejection(rejection.kind());
        let outcome = Outcome::of_rejection(rejection, self.params.take());
        self.finish(response, outcome, None, None)
    }

    fn fail(&mut self, cause: Cause, error: &dyn fmt::Display) -> Response<ResponseBody> {
        let answer = match &self.params {
            Some(params) => self.config.on_error(&Failure {
                params,
                cause,
                message: error,
            }),
            None => OnError::ServerError,
        };
        let response = match answer {
            OnError::ServerError => response::server_error(),
            OnError::Reply(reply) => response::replied(reply),
        };
        let outcome = Outcome::new(OutcomeKind::Failed, self.params.take());
        self.finish(response, outcome, Some(cause), Some(error.to_string().into()))
    }

    fn finish(
        &mut self,
        mut response: Response<ResponseBody>,
        mut outcome: Outcome,
        cause: Option<Cause>,
        error: Option<Box<str>>,
    ) -> Response<ResponseBody> {
        outcome.trouble(cause, error, self.misfit.take());
        outcome.handling_time = self.started.elapsed();
        response::report(&outcome, Some(response.status()));
        response.extensions_mut().insert(outcome);
        response
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let (true, Some(params)) = (self.calling, &self.params) {
            response::cancelled(params, self.started.elapsed());
        }
    }
}

impl<S, B> fmt::Debug for ResponseFuture<S, B>
where
    S: Service<Callback>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Rejected { .. } => "Rejected",
            State::Reading { .. } => "Reading",
            State::Waiting { .. } => "Waiting",
            State::Calling { .. } => "Calling",
            State::Done => "Done",
        };
        f.debug_struct("ResponseFuture")
            .field("state", &state)
            .field("params", &self.exchange.params)
            .finish_non_exhaustive()
    }
}
