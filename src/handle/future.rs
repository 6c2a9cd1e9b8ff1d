use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Extensions, HeaderMap, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::buffer::{Buffer, TooLarge};
use super::config::Config;
use crate::auth::Params;
use crate::callback::Callback;
use crate::error::{PanicText, describe, had_no_room, was_late};
use crate::event::{Event, Misfit};
use crate::rejection::{Rejection, RejectionKind};
use crate::reply::Reply;
use crate::response::{self, Cause, Failure, OnError, Outcome, OutcomeKind, ResponseBody};
use crate::types::UserId;

pin_project! {
    /// The future of [`CallbackService`](crate::CallbackService).
    pub struct ResponseFuture<S, B>
    where
        S: Service<Callback>,
    {
        #[pin]
        state: State<S, B, S::Future>,
        // None for a request that is refused by its head.
        exchange: Option<Exchange>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, F> {
        Rejected { rejection: Option<Rejection> },
        Reading { #[pin] body: B, buffer: Buffer, head: Option<Head<S>> },
        // Boxed, since the service is usually ready, and a future is as large as its largest state.
        Waiting { inner: S, callback: Option<Box<Callback>> },
        Calling { #[pin] reply: F },
        Done,
    }
}

/// What waits for the body.
struct Head<S> {
    headers: HeaderMap,
    extensions: Extensions,
    inner: S,
}

/// What is known about a verified request while it is on its way.
struct Exchange {
    config: Arc<Config>,
    /// None for the console's check of the URL.
    params: Option<Params>,
    misfit: Option<Box<Misfit>>,
    /// Of a friend request, for a reply that blocks it.
    persons: Option<Box<[UserId]>>,
    /// Between the call of the inner service and its reply.
    calling: bool,
}

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Callback>,
{
    /// For a request that is refused by its method and URL.
    #[inline]
    pub(super) fn rejected(rejection: Rejection) -> Self {
        ResponseFuture {
            state: State::Rejected {
                rejection: Some(rejection),
            },
            exchange: None,
        }
    }

    /// For a verified request whose body is announced to be larger than the limit.
    pub(super) fn too_large(config: Arc<Config>, params: Option<Params>) -> Self {
        ResponseFuture {
            state: State::Rejected {
                rejection: Some(RejectionKind::BodyTooLarge.into()),
            },
            exchange: Some(Exchange::new(config, params)),
        }
    }

    /// For a callback, or for a check of the URL, which has no parameters.
    #[inline]
    pub(super) fn reading(config: Arc<Config>, params: Option<Params>, request: Request<B>, inner: S) -> Self {
        let (parts, body) = request.into_parts();
        ResponseFuture {
            state: State::Reading {
                body,
                buffer: Buffer::new(config.body_limit),
                head: Some(Head {
                    headers: parts.headers,
                    extensions: parts.extensions,
                    inner,
                }),
            },
            exchange: Some(Exchange::new(config, params)),
        }
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

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let State::Done = self.state {
            unreachable_done()
        }
        let mut this = self.as_mut().project();
        if this.exchange.is_none() {
            // Refused by its head: nothing of the host is called.
            let StateProjection::Rejected { rejection } = this.state.as_mut().project() else {
                unreachable_done()
            };
            let Some(rejection) = rejection.take() else {
                unreachable_done()
            };
            this.state.set(State::Done);
            return Poll::Ready(Ok(response::refuse(rejection)));
        }
        // The service and its future are dropped after a panic, and not used again.
        let polled = catch_unwind(AssertUnwindSafe(|| self.as_mut().advance(cx)));
        let mut this = self.project();
        let response = match (polled, &mut this.exchange) {
            (Ok(polled), _) => ready!(polled),
            (Err(panic), Some(exchange)) => exchange.fail(Cause::Panicked, describe(&PanicText(&*panic))),
            (Err(panic), None) => resume_unwind(panic),
        };
        // Gives back the inner service, the body and the inner future before the answer is written. If that panics, the answer stays.
        drop(catch_unwind(AssertUnwindSafe(|| this.state.set(State::Done))));
        Poll::Ready(Ok(response))
    }
}

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Callback>,
    S::Response: Into<Reply>,
    S::Error: fmt::Display,
    B: Body,
    B::Error: fmt::Display,
{
    /// Polls what comes next, up to the response.
    #[inline]
    fn advance(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response<ResponseBody>> {
        let mut this = self.project();
        let response = loop {
            let Some(exchange) = this.exchange else {
                unreachable_done()
            };
            match this.state.as_mut().project() {
                StateProjection::Rejected { rejection } => {
                    let Some(rejection) = rejection.take() else {
                        unreachable_done()
                    };
                    break exchange.reject(rejection);
                }
                StateProjection::Reading { body, buffer, head } => {
                    let collected = ready!(collect(body, buffer, cx));
                    let Some(mut head) = head.take() else {
                        unreachable_done()
                    };
                    let (body, mut event) = (buffer.finish(), None);
                    if let Err(rejection) = collected.and_then(|()| exchange.read(&body, &mut event)) {
                        break exchange.reject(rejection);
                    }
                    if let Some(response) = exchange.stop_untyped(event.as_ref()) {
                        break response;
                    }
                    let Some(params) = exchange.params.clone() else {
                        break exchange.reject(RejectionKind::Probe.into());
                    };
                    let callback = Callback::new(event, params, body, head.headers, head.extensions);
                    let inner = &mut head.inner;
                    match inner.poll_ready(cx) {
                        Poll::Ready(Ok(())) => {
                            exchange.calling = true;
                            let reply = inner.call(callback);
                            this.state.set(State::Calling { reply });
                        }
                        Poll::Ready(Err(error)) => break exchange.fail_by(Cause::NotReady, &error),
                        Poll::Pending => {
                            let callback = Some(Box::new(callback));
                            let inner = head.inner;
                            this.state.set(State::Waiting { inner, callback });
                            return Poll::Pending;
                        }
                    }
                }
                StateProjection::Waiting { inner, callback } => {
                    if let Err(error) = ready!(inner.poll_ready(cx)) {
                        break exchange.fail_by(Cause::NotReady, &error);
                    }
                    let Some(callback) = callback.take() else {
                        unreachable_done()
                    };
                    exchange.calling = true;
                    let reply = inner.call(*callback);
                    this.state.set(State::Calling { reply });
                }
                StateProjection::Calling { reply } => {
                    let reply = ready!(reply.poll(cx));
                    exchange.calling = false;
                    break match reply {
                        Ok(reply) => exchange.accept(reply.into()),
                        Err(error) => exchange.fail_by(Cause::Failed, &error),
                    };
                }
                StateProjection::Done => unreachable_done(),
            }
        };
        Poll::Ready(response)
    }
}

/// Polling a future after it has ended is the caller's mistake, as with every future.
fn unreachable_done() -> ! {
    panic!("ResponseFuture polled after completion")
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
    #[inline]
    fn new(config: Arc<Config>, params: Option<Params>) -> Self {
        Exchange {
            config,
            params,
            misfit: None,
            persons: None,
            calling: false,
        }
    }

    /// Reads the event, and notes in the parameters what the body knows better.
    fn read(&mut self, body: &Bytes, event: &mut Option<Event>) -> Result<(), Rejection> {
        let Some(params) = &mut self.params else {
            return Callback::check_probe(body);
        };
        Callback::read(params, body, event)?;
        let misfit = event.as_ref().and_then(Event::misfit);
        self.misfit = misfit.cloned().map(Box::new);
        if self.config.may_reject() {
            self.persons = event.as_ref().and_then(response::persons);
        }
        Ok(())
    }

    /// What waits for a verdict and has no type is not for the service, whose last arm may well be `_ => Reply::ok()`.
    fn stop_untyped(&mut self, event: Option<&Event>) -> Option<Response<ResponseBody>> {
        let unjudged = event?.unjudged(&self.params.as_ref()?.command)?;
        if self.config.forward_misfits {
            return None;
        }
        Some(self.fail(Cause::Misfit, unjudged.why().to_string()))
    }

    fn accept(&mut self, reply: Reply) -> Response<ResponseBody> {
        let outcome = Outcome::accepted(reply.disposition(), self.params.take());
        self.finish(response::replied(reply), outcome, None, None)
    }

    fn reject(&mut self, mut rejection: Rejection) -> Response<ResponseBody> {
        rejection.refused = self.config.refusals.count(rejection.kind());
        let response = response::rejection(rejection.kind());
        let outcome = Outcome::of_rejection(rejection, self.params.take());
        self.finish(response, outcome, None, None)
    }

    /// The inner service gave an error.
    fn fail_by(&mut self, cause: Cause, error: &dyn fmt::Display) -> Response<ResponseBody> {
        let cause = match cause {
            _ if had_no_room(error) => Cause::Overloaded,
            Cause::Failed if was_late(error) => Cause::TimedOut,
            other => other,
        };
        self.fail(cause, describe(error))
    }

    fn fail(&mut self, cause: Cause, error: String) -> Response<ResponseBody> {
        self.calling = false;
        let answer = match &self.params {
            Some(params) => {
                let failure = Failure {
                    params,
                    cause,
                    message: &error,
                };
                // The host's function may panic as well.
                catch_unwind(AssertUnwindSafe(|| self.config.on_error(&failure))).unwrap_or(OnError::ServerError)
            }
            None => OnError::ServerError,
        };
        let reply = match (answer, &self.params) {
            (OnError::Reply(reply), _) => Some(reply),
            (OnError::Reject(info), Some(params)) => {
                response::rejecting(&params.command, self.persons.as_deref(), &info)
            }
            (OnError::Reject(_), None) | (OnError::ServerError, _) => None,
        };
        let response = reply.map_or_else(response::server_error, response::replied);
        let outcome = Outcome::new(OutcomeKind::Failed, self.params.take());
        self.finish(response, outcome, Some(cause), Some(error.into()))
    }

    #[inline]
    fn finish(
        &mut self,
        response: Response<ResponseBody>,
        mut outcome: Outcome,
        cause: Option<Cause>,
        error: Option<Box<str>>,
    ) -> Response<ResponseBody> {
        outcome.trouble(cause, error, self.misfit.take());
        response::concluded(response, outcome)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let (true, Some(params)) = (self.calling, &self.params) {
            response::cancelled(params);
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
            .field(
                "params",
                &self.exchange.as_ref().and_then(|exchange| exchange.params.as_ref()),
            )
            .finish_non_exhaustive()
    }
}
