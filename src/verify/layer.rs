use std::sync::Arc;

use tower_layer::Layer;

use super::service::VerifyService;
use crate::auth::Verifier;
use crate::response::Sampler;

/// Passes verified requests to an HTTP service, and answers all others. See the
/// [module](crate::verify).
#[derive(Clone, Debug)]
#[must_use]
pub struct VerifyLayer {
    verifier: Arc<Verifier>,
    sampler: Arc<Sampler>,
}

impl VerifyLayer {
    /// A layer for the callbacks of one app, of several ([`Apps`](crate::Apps)), or with a
    /// [`Verifier`] of your own.
    pub fn new(verifier: impl Into<Verifier>) -> Self {
        VerifyLayer { verifier: Arc::new(verifier.into()), sampler: Arc::default() }
    }
}

impl<S> Layer<S> for VerifyLayer {
    type Service = VerifyService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        VerifyService::new(inner, self.verifier.clone(), self.sampler.clone())
    }
}
