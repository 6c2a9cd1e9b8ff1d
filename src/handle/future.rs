use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Extensions, HeaderMap, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::buffer::{Buffer, TooLarge};
use super::exchange::Exchange;
use super::span::CallbackSpan;
use crate::callback::Callback;
use crate::caught::caught;
use crate::error::Cause;
use crate::rejection::{Rejection, RejectionKind};
use crate::reply::Reply;
use crate::response::ResponseBody;

pin_project! {
    /// The future of [`CallbackService`](crate::CallbackService).
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, B>
    where
        S: Service<Callback>,
    {
        #[pin]
        kind: Kind<S, B, S::Future>,
    }

    impl<S, B> PinnedDrop for ResponseFuture<S, B>
    where
        S: Service<Callback>,
    {
        fn drop(this: Pin<&mut Self>) {
            this.dropped();
        }
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<S, B, F> {
        Answered { response: Option<Response<ResponseBody>> },
        Verified { exchange: Exchange, span: CallbackSpan, #[pin] state: State<S, B, F> },
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, F> {
        Reading { #[pin] body: B, buffer: Buffer, head: Option<Head<S>> },
        // The callback is boxed, since the future is as large as its largest state. The service is
        // usually ready, so this state and its box are rare.
        Waiting { inner: S, callback: Option<Box<Callback>> },
        Calling { #[pin] reply: F },
        Done,
    }
}

/// What is kept while the body is read, and needed after that.
struct Head<S> {
    headers: HeaderMap,
    extensions: Extensions,
    /// Or the text of the panic with which it was cloned.
    inner: Result<S, String>,
}

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Callback>,
{
    /// For a request whose response is known before its body is read.
    #[inline]
    pub(super) fn answered(response: Response<ResponseBody>) -> Self {
        let response = Some(response);
        ResponseFuture { kind: Kind::Answered { response } }
    }

    /// For a verified request. It is a callback, or the console's check of the URL, which the body
    /// shows.
    #[inline]
    pub(super) fn reading(
        exchange: Exchange,
        limit: usize,
        request: Request<B>,
        inner: Result<S, String>,
    ) -> Self {
        let (parts, body) = request.into_parts();
        let state = State::Reading {
            body,
            buffer: Buffer::new(limit),
            head: Some(Head { headers: parts.headers, extensions: parts.extensions, inner }),
        };
        ResponseFuture { kind: Kind::Verified { exchange, span: CallbackSpan::none(), state } }
    }

    /// What the inner future logs while it is dropped has its span, too.
    fn dropped(self: Pin<&mut Self>) {
        if let KindProjection::Verified { exchange, span, mut state } =
            self.project().kind.project()
        {
            let _entered = span.enter();
            let was_called = match *state {
                State::Waiting { .. } => Some(false),
                State::Calling { .. } => Some(true),
                State::Reading { .. } | State::Done => None,
            };
            if let Some(was_called) = was_called {
                exchange.dropped(was_called);
                span.cancelled();
            }
            state.set(State::Done);
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

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (exchange, span, mut state) = match self.project().kind.project() {
            KindProjection::Answered { response } => {
                let Some(response) = response.take() else { polled_too_often() };
                return Poll::Ready(Ok(response));
            }
            KindProjection::Verified { exchange, span, state } => (exchange, span, state),
        };
        if let State::Done = *state {
            polled_too_often()
        }
        // `caught` asserts unwind safety. That holds, since the service and its future are dropped
        // after a panic and not used again.
        let response = match caught(|| advance(state.as_mut(), exchange, span, cx)) {
            Ok(polled) => ready!(polled),
            Err(panic) => {
                let _entered = span.enter();
                exchange.fail(Cause::Panicked, panic)
            }
        };
        // Drops the inner service, its future and the body before the answer is written, so that a
        // permit of the inner service is free again. Dropping calls the host's code; if that
        // panics, the answer stays.
        drop(caught(|| {
            let _entered = span.enter();
            state.set(State::Done);
        }));
        span.conclude(&response);
        Poll::Ready(Ok(response))
    }
}

/// Goes from state to state, as far as it can without waiting, until there is a response.
#[inline]
fn advance<S, B>(
    mut state: Pin<&mut State<S, B, S::Future>>,
    exchange: &mut Exchange,
    span: &mut CallbackSpan,
    cx: &mut Context<'_>,
) -> Poll<Response<ResponseBody>>
where
    S: Service<Callback>,
    S::Response: Into<Reply>,
    S::Error: fmt::Display,
    B: Body,
    B::Error: fmt::Display,
{
    let StateProjection::Reading { body, buffer, head } = state.as_mut().project() else {
        let _entered = span.enter();
        return call(state, exchange, cx);
    };
    let collected = ready!(collect(body, buffer, cx));
    let Some(head) = head.take() else { polled_too_often() };
    if let Err(rejection) = collected {
        return Poll::Ready(exchange.refuse_body(rejection));
    }
    let body = buffer.finish();
    let (event, params, checked) = match exchange.read(&body) {
        Ok(read) => read,
        Err(response) => return Poll::Ready(response),
    };
    let mut inner = match head.inner {
        Ok(inner) => inner,
        Err(panic) => return Poll::Ready(exchange.fail(Cause::Panicked, panic)),
    };
    *span = CallbackSpan::of(&params);
    let callback = Callback::new(event, params, body, checked, head.headers, head.extensions);
    let _entered = span.enter();
    match inner.poll_ready(cx) {
        Poll::Ready(Ok(())) => {
            let reply = inner.call(callback);
            state.set(State::Calling { reply });
        }
        Poll::Ready(Err(error)) => {
            return Poll::Ready(exchange.fail_by(Cause::NotReady, &error));
        }
        Poll::Pending => {
            let callback = Some(Box::new(callback));
            state.set(State::Waiting { inner, callback });
            return Poll::Pending;
        }
    }
    call(state, exchange, cx)
}

/// Waits for the service, and for its reply.
#[inline]
fn call<S, B>(
    mut state: Pin<&mut State<S, B, S::Future>>,
    exchange: &mut Exchange,
    cx: &mut Context<'_>,
) -> Poll<Response<ResponseBody>>
where
    S: Service<Callback>,
    S::Response: Into<Reply>,
    S::Error: fmt::Display,
{
    loop {
        match state.as_mut().project() {
            StateProjection::Waiting { inner, callback } => {
                if let Err(error) = ready!(inner.poll_ready(cx)) {
                    return Poll::Ready(exchange.fail_by(Cause::NotReady, &error));
                }
                let Some(callback) = callback.take() else { polled_too_often() };
                let reply = inner.call(*callback);
                state.set(State::Calling { reply });
            }
            StateProjection::Calling { reply } => {
                return Poll::Ready(match ready!(reply.poll(cx)) {
                    Ok(reply) => exchange.accept(reply.into()),
                    Err(error) => exchange.fail_by(Cause::Failed, &error),
                });
            }
            StateProjection::Reading { .. } | StateProjection::Done => polled_too_often(),
        }
    }
}

/// Polling a future after it has ended is the caller's mistake, as with every future.
fn polled_too_often() -> ! {
    panic!("ResponseFuture polled after completion")
}

/// Reads a body to its end, which is `None` and nothing else: `is_end_stream` may stay false, and
/// trailers may follow the data.
fn collect<B>(
    mut body: Pin<&mut B>,
    buffer: &mut Buffer,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Rejection>>
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

impl<S, B> fmt::Debug for ResponseFuture<S, B>
where
    S: Service<Callback>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (state, params) = match &self.kind {
            Kind::Answered { .. } => ("Answered", None),
            Kind::Verified { exchange, state, .. } => {
                let state = match state {
                    State::Reading { .. } => "Reading",
                    State::Waiting { .. } => "Waiting",
                    State::Calling { .. } => "Calling",
                    State::Done => "Done",
                };
                (state, exchange.params.as_ref())
            }
        };
        f.debug_struct("ResponseFuture")
            .field("state", &state)
            .field("params", &params)
            .finish_non_exhaustive()
    }
}
