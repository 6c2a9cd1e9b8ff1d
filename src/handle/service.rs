use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::buffer;
use super::config::Config;
use super::exchange::Exchange;
use super::future::ResponseFuture;
use crate::auth::Verified;
use crate::callback::Callback;
use crate::caught::caught;
use crate::rejection::RejectionKind;
use crate::reply::Reply;
use crate::response::{self, ResponseBody};

/// An HTTP service around a service of [`Callback`]s. Made by
/// [`CallbackLayer`](crate::CallbackLayer); see the [module](crate::handle).
///
/// A clone clones the inner service and a pointer.
#[derive(Clone, Debug)]
pub struct CallbackService<S> {
    inner: S,
    config: Arc<Config>,
}

impl<S> CallbackService<S> {
    pub(super) fn new(inner: S, config: Arc<Config>) -> Self {
        CallbackService { inner, config }
    }

    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service, mutable.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B> Service<Request<B>> for CallbackService<S>
where
    S: Service<Callback> + Clone,
    S::Response: Into<Reply>,
    S::Error: fmt::Display,
    B: Body,
    B::Error: fmt::Display,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = ResponseFuture<S, B>;

    /// Always ready. The inner service is polled when there is a callback for it.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let config = &self.config;
        let params = match config.verifier.verify(request.method(), request.uri()) {
            Ok(Verified::Callback(params)) => Some(params),
            Ok(Verified::Probe) => None,
            Err(rejection) => {
                return ResponseFuture::answered(response::refuse(rejection, &config.sampler));
            }
        };
        let mut exchange = Exchange::new(config.clone(), params);
        if buffer::announced(&request) > config.body_limit as u64 {
            return ResponseFuture::answered(
                exchange.refuse_body(RejectionKind::BodyTooLarge.into()),
            );
        }
        // The future gets a clone that was never polled, waits until it is ready, and calls it.
        // tower allows a call only on the very service that was ready.
        let inner = caught(|| self.inner.clone());
        ResponseFuture::reading(exchange, config.body_limit, request, inner)
    }
}
