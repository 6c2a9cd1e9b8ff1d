//! The futures of handlers. These are structs, since an `async` block that awaits a future takes
//! twice its memory: it keeps the future as captured and as awaited.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::error::HandlerError;
use crate::output::HandlerOutput;
use crate::reply::{Disposition, MessageVerdict, Reply};

pub(super) type BoxFuture = Pin<Box<dyn Future<Output = Result<Reply, HandlerError>> + Send>>;

/// The future of [`EventRouter`](super::EventRouter).
#[must_use]
pub struct RouterFuture {
    /// `None` if there is no handler, so that the answer is `OK`.
    pub(super) future: Option<BoxFuture>,
    /// The disposition of that `OK`.
    pub(super) disposition: Disposition,
}

impl Future for RouterFuture {
    type Output = Result<Reply, HandlerError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.future {
            Some(future) => future.as_mut().poll(cx),
            None => Poll::Ready(Ok(Reply::ok().with_disposition(self.disposition))),
        }
    }
}

impl fmt::Debug for RouterFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouterFuture").finish_non_exhaustive()
    }
}

pub(super) fn answered<R, F>(future: F) -> BoxFuture
where
    R: Into<Reply> + 'static,
    F: Future + Send + 'static,
    F::Output: HandlerOutput<R>,
{
    boxed(Answered { future, reply: PhantomData })
}

pub(super) fn boxed<R: Into<Reply>>(
    future: impl Future<Output = Result<R, HandlerError>> + Send + 'static,
) -> BoxFuture {
    Box::pin(Replied { future })
}

pin_project! {
    /// Future of a handler.
    struct Answered<F, R> {
        #[pin]
        future: F,
        reply: PhantomData<fn() -> R>,
    }
}

impl<R, F> Future for Answered<F, R>
where
    F: Future,
    F::Output: HandlerOutput<R>,
{
    type Output = Result<R, HandlerError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().future.poll(cx).map(HandlerOutput::into_result)
    }
}

pin_project! {
    /// Future of a handler whose verdict becomes the reply of the command that asked.
    pub(super) struct Judged<F, R> {
        #[pin]
        pub(super) future: F,
        pub(super) reply: PhantomData<fn() -> R>,
    }
}

impl<R, F> Future for Judged<F, R>
where
    R: From<MessageVerdict>,
    F: Future,
    F::Output: HandlerOutput<MessageVerdict>,
{
    type Output = Result<R, HandlerError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let verdict = self.project().future.poll(cx).map(HandlerOutput::into_result);
        verdict.map_ok(Into::into)
    }
}

pin_project! {
    /// Turns an answer into a [`Reply`].
    struct Replied<F> {
        #[pin]
        future: F,
    }
}

impl<R: Into<Reply>, F: Future<Output = Result<R, HandlerError>>> Future for Replied<F> {
    type Output = Result<Reply, HandlerError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().future.poll(cx).map_ok(Into::into)
    }
}
