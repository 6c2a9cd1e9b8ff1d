use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_service::Service;

use crate::error::HandlerError;

pin_project! {
    /// Waits until a clone of a service is ready, calls it once, and converts its error.
    #[project = OneshotProjection]
    pub(crate) enum Oneshot<S: Service<R>, R> {
        Waiting { service: S, request: Option<R> },
        Calling { #[pin] future: S::Future },
    }
}

impl<S: Service<R>, R> Oneshot<S, R> {
    pub(crate) fn new(service: S, request: R) -> Self {
        Oneshot::Waiting {
            service,
            request: Some(request),
        }
    }
}

// `HandlerError::of` needs a `'static` error. The bound is on the service and not on its error:
// with `S::Error: 'static`, accept loops in an `async` block would not compile.
impl<S: Service<R> + 'static, R: 'static> Future for Oneshot<S, R>
where
    S::Error: fmt::Display + Send + Sync,
{
    type Output = Result<S::Response, HandlerError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let future = match self.as_mut().project() {
                OneshotProjection::Waiting { service, request } => {
                    ready!(service.poll_ready(cx)).map_err(HandlerError::of)?;
                    let Some(request) = request.take() else {
                        return Poll::Ready(Err(HandlerError::new("polled after completion")));
                    };
                    service.call(request)
                }
                OneshotProjection::Calling { future } => return future.poll(cx).map_err(HandlerError::of),
            };
            self.set(Oneshot::Calling { future });
        }
    }
}
