use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::body::VerifyBody;
use super::future::VerifyFuture;
use crate::auth::Verifier;

/// Service of HTTP requests around another one. Made by [`VerifyLayer`](crate::VerifyLayer); see the [module](crate::verify).
#[derive(Clone, Debug)]
pub struct VerifyService<S> {
    inner: S,
    verifier: Arc<Verifier>,
}

impl<S> VerifyService<S> {
    pub(super) fn new(inner: S, verifier: Arc<Verifier>) -> Self {
        VerifyService { inner, verifier }
    }

    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service, to change it.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Gives the inner service back.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B, R> Service<Request<B>> for VerifyService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
{
    type Response = Response<VerifyBody<R>>;
    type Error = S::Error;
    type Future = VerifyFuture<S, B>;

    /// Always ready: the inner service is asked once a request is verified.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match self.verifier.verify(request.method(), request.uri()) {
            Ok(params) => {
                request.extensions_mut().insert(params.clone());
                VerifyFuture::verified(request, params, self.inner.clone())
            }
            Err(rejection) => VerifyFuture::rejected(rejection),
        }
    }
}
