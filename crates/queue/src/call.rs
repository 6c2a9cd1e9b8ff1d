//! Calling a service.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tencent_im_callback::{Callback, HandlerError};
use tower_service::Service;

pin_project! {
    /// Waits for a clone of a service to be ready, calls it once, and makes its error one of ours.
    #[project = CallProjection]
    pub(crate) enum Call<S: Service<Callback>> {
        Waiting { service: S, callback: Option<Box<Callback>> },
        Calling { #[pin] future: S::Future },
    }
}

impl<S: Service<Callback>> Call<S> {
    pub(crate) fn new(service: S, callback: Callback) -> Self {
        Call::Waiting {
            service,
            callback: Some(Box::new(callback)),
        }
    }
}

impl<S: Service<Callback> + 'static> Future for Call<S>
where
    S::Error: fmt::Display + Send + Sync,
{
    type Output = Result<S::Response, HandlerError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let future = match self.as_mut().project() {
                CallProjection::Waiting { service, callback } => {
                    ready!(service.poll_ready(cx)).map_err(HandlerError::of)?;
                    let Some(callback) = callback.take() else {
                        return Poll::Ready(Err(HandlerError::new("polled after completion")));
                    };
                    service.call(*callback)
                }
                CallProjection::Calling { future } => return future.poll(cx).map_err(HandlerError::of),
            };
            self.set(Call::Calling { future });
        }
    }
}
