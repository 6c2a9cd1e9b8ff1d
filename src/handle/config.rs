use std::fmt;
use std::sync::Arc;

use crate::auth::Verifier;
use crate::caught::caught;
use crate::reply::Reply;
use crate::response::{Failure, NOT_HANDLED, OnError, Sampler};

/// Longest body read, unless [`CallbackLayer::body_limit`](crate::CallbackLayer::body_limit) says
/// otherwise.
const BODY_LIMIT: usize = 1024 * 1024;

/// What all clones of a service share.
#[derive(Clone)]
pub(super) struct Config {
    pub(super) verifier: Verifier,
    pub(super) sampler: Arc<Sampler>,
    pub(super) body_limit: usize,
    pub(super) forward_misfits: bool,
    pub(super) before: OnError,
    pub(super) after: OnError,
    #[allow(clippy::type_complexity)]
    pub(super) choose: Option<Arc<dyn Fn(&Failure<'_>) -> OnError + Send + Sync>>,
}

impl Config {
    pub(super) fn new(verifier: Verifier) -> Self {
        Config {
            verifier,
            sampler: Arc::default(),
            body_limit: BODY_LIMIT,
            forward_misfits: false,
            before: OnError::ServerError,
            after: OnError::Reply(Reply::fail(NOT_HANDLED)),
            choose: None,
        }
    }

    /// Whether an answer may be [`OnError::Reject`].
    pub(super) fn may_reject(&self) -> bool {
        self.choose.is_some() || matches!(self.before, OnError::Reject(_))
    }

    pub(super) fn on_error(&self, failure: &Failure<'_>) -> OnError {
        // If the user's function panics, the two fixed settings decide.
        let chosen = self.choose.as_ref().and_then(|choose| caught(|| choose(failure)).ok());
        chosen.unwrap_or_else(|| {
            let phase = failure.phase();
            if phase.may_decide() { &self.before } else { &self.after }.clone()
        })
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("verifier", &self.verifier)
            .field("body_limit", &self.body_limit)
            .field("forward_misfits", &self.forward_misfits)
            .field("before", &self.before)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}
