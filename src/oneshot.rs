use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_service::Service;

use crate::callback::Callback;
use crate::error::HandlerError;

pin_project! {
    /// Waits until a service is ready, calls it once, and converts its error into a
    /// [`HandlerError`].
    ///
    /// It is for layers of your own between ours: hand it a clone of the inner service. That clone
    /// was never polled, so it takes no permit before there is a callback for it.
    ///
    /// ```
    /// use std::fmt::Display;
    /// use std::task::{Context, Poll};
    ///
    /// use tencent_im_callback::{Callback, HandlerError, Oneshot};
    /// use tower::Service;
    ///
    /// /// Prints the command of each callback.
    /// #[derive(Clone)]
    /// struct Audit<S>(S);
    ///
    /// impl<S> Service<Callback> for Audit<S>
    /// where
    ///     S: Service<Callback> + Clone + 'static,
    ///     S::Error: Display + Send + Sync,
    /// {
    ///     type Response = S::Response;
    ///     type Error = HandlerError;
    ///     type Future = Oneshot<S>;
    ///
    ///     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), HandlerError>> {
    ///         Poll::Ready(Ok(()))
    ///     }
    ///
    ///     fn call(&mut self, callback: Callback) -> Oneshot<S> {
    ///         println!("{:?}", callback.command());
    ///         Oneshot::new(self.0.clone(), callback)
    ///     }
    /// }
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct Oneshot<S: Service<R>, R = Callback> {
        #[pin]
        state: State<S, R, S::Future>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, R, F> {
        Waiting { service: S, request: Option<R> },
        Calling { #[pin] future: F },
    }
}

impl<S: Service<R>, R> Oneshot<S, R> {
    /// Calls `service` with `request`.
    pub fn new(service: S, request: R) -> Self {
        let request = Some(request);
        Oneshot { state: State::Waiting { service, request } }
    }
}

// `HandlerError::of` needs a `'static` error. The bound is on the service and not on its error:
// with `S::Error: 'static`, accept loops in an `async` block would not compile.
impl<S: Service<R> + 'static, R: 'static> Future for Oneshot<S, R>
where
    S::Error: fmt::Display + Send + Sync,
{
    type Output = Result<S::Response, HandlerError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let future = match state.as_mut().project() {
                StateProjection::Waiting { service, request } => {
                    ready!(service.poll_ready(cx)).map_err(HandlerError::of)?;
                    let Some(request) = request.take() else {
                        panic!("Oneshot polled after completion")
                    };
                    service.call(request)
                }
                StateProjection::Calling { future } => {
                    return future.poll(cx).map_err(HandlerError::of);
                }
            };
            state.set(State::Calling { future });
        }
    }
}

impl<S: Service<R>, R> fmt::Debug for Oneshot<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oneshot").finish_non_exhaustive()
    }
}
