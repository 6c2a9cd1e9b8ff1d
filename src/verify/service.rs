use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::CONTENT_LENGTH;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::body::VerifyBody;
use super::future::VerifyFuture;
use crate::auth::{Verified, Verifier};
use crate::rejection::{Rejection, RejectionKind};
use crate::response::{self, Sampler};

/// An HTTP service around another one. Made by [`VerifyLayer`](crate::VerifyLayer); see the
/// [module](crate::verify).
#[derive(Clone, Debug)]
pub struct VerifyService<S> {
    inner: S,
    verifier: Arc<Verifier>,
    sampler: Arc<Sampler>,
}

impl<S> VerifyService<S> {
    pub(super) fn new(inner: S, verifier: Arc<Verifier>, sampler: Arc<Sampler>) -> Self {
        VerifyService { inner, verifier, sampler }
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

impl<S, B, R> Service<Request<B>> for VerifyService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    B: Body,
{
    type Response = Response<VerifyBody<R>>;
    type Error = S::Error;
    type Future = VerifyFuture<S, B>;

    /// Always ready. The inner service is polled once a request is verified.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let rejection = match self.verifier.verify(request.method(), request.uri()) {
            Ok(Verified::Callback(params)) => {
                request.extensions_mut().insert(params.clone());
                return VerifyFuture::verified(
                    request,
                    params,
                    self.inner.clone(),
                    self.sampler.clone(),
                );
            }
            Ok(Verified::Probe) if may_have_a_body(&request) => {
                Rejection::from(RejectionKind::UrlIncomplete)
            }
            Ok(Verified::Probe) => Rejection::from(RejectionKind::Probe),
            Err(rejection) => rejection,
        };
        VerifyFuture::answered(response::refuse(rejection, &self.sampler))
    }
}

/// Whether the body may be longer than the two bytes of `{}`. The console's check of the URL has at
/// most these; a longer body may be that of a callback whose URL lost its parameters. This layer
/// does not read bodies, so the length has to do.
fn may_have_a_body<B: Body>(request: &Request<B>) -> bool {
    if let Some(most) = request.body().size_hint().upper() {
        return most > 2;
    }
    // A layer outside may wrap the body so that its length is not known. The header still has it: a
    // layer that decompresses the body removes the header.
    let length = request.headers().get(CONTENT_LENGTH);
    !length.is_some_and(|length| matches!(length.as_bytes(), b"0" | b"1" | b"2"))
}
