//! What became of a request, for the host.

use std::time::Duration;

use crate::auth::Params;
use crate::event::Misfit;
use crate::rejection::Rejection;

use super::on_error::Cause;

/// What became of a request. In the extensions of every response of this crate's services, for metrics, alarms and access logs.
///
/// Alert on [`OutcomeKind::Failed`]: an *after* callback whose handling failed is answered with status 200, and Tencent does not
/// send it again.
///
/// ```
/// # use tencent_im_callback::{Outcome, OutcomeKind, ResponseBody};
/// fn needs_attention(response: &http::Response<ResponseBody>) -> bool {
///     response.extensions().get::<Outcome>().is_some_and(|outcome| outcome.kind() == OutcomeKind::Failed)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Outcome {
    pub(crate) kind: OutcomeKind,
    pub(crate) params: Option<Params>,
    pub(crate) rejection: Option<Rejection>,
    pub(crate) trouble: Option<Box<Trouble>>,
    pub(crate) handling_time: Duration,
}

/// What did not go well with a callback that passed verification.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    pub(crate) cause: Option<Cause>,
    pub(crate) error: Option<Box<str>>,
    pub(crate) misfit: Option<Box<Misfit>>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum OutcomeKind {
    /// The service replied.
    Accepted,
    /// A check of the callback URL from the console, answered `OK`.
    Probe,
    /// Refused; [`Outcome::rejection`] says why.
    Rejected,
    /// Verified, but the service failed, or the body of a *before* callback did not fit; [`Outcome::error`] says more.
    Failed,
    /// Answered at once, handled in the background.
    Detached,
    /// A second delivery of a callback that was handled already.
    Duplicate,
}

impl OutcomeKind {
    /// Lower-case name, for logs and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            OutcomeKind::Accepted => "accepted",
            OutcomeKind::Probe => "probe",
            OutcomeKind::Rejected => "rejected",
            OutcomeKind::Failed => "failed",
            OutcomeKind::Detached => "detached",
            OutcomeKind::Duplicate => "duplicate",
        }
    }
}

impl std::fmt::Display for OutcomeKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Outcome {
    #[inline]
    pub(crate) fn new(kind: OutcomeKind, params: Option<Params>) -> Self {
        Outcome {
            kind,
            params,
            rejection: None,
            trouble: None,
            handling_time: Duration::ZERO,
        }
    }

    /// Of a request that is not handed on, for whatever reason.
    pub(crate) fn of_rejection(rejection: Rejection, params: Option<Params>) -> Self {
        let kind = match rejection.kind() {
            crate::RejectionKind::Probe => OutcomeKind::Probe,
            _ => OutcomeKind::Rejected,
        };
        Outcome {
            rejection: Some(rejection).filter(|_| kind == OutcomeKind::Rejected),
            ..Outcome::new(kind, params)
        }
    }

    /// Notes what did not go well, if anything did not. An error has a cause.
    pub(crate) fn trouble(&mut self, cause: Option<Cause>, error: Option<Box<str>>, misfit: Option<Box<Misfit>>) {
        if cause.is_some() || misfit.is_some() {
            self.trouble = Some(Box::new(Trouble { cause, error, misfit }));
        }
    }

    /// What became of the request.
    pub fn kind(&self) -> OutcomeKind {
        self.kind
    }

    /// What the URL said, once it was verified.
    pub fn params(&self) -> Option<&Params> {
        self.params.as_ref()
    }

    /// Why it was refused.
    pub fn rejection(&self) -> Option<&Rejection> {
        self.rejection.as_ref()
    }

    /// Why a verified callback was not handled.
    pub fn cause(&self) -> Option<Cause> {
        self.trouble.as_ref()?.cause
    }

    /// The error of the service or of the body, as text.
    pub fn error(&self) -> Option<&str> {
        match (&self.trouble, &self.rejection) {
            (Some(trouble), _) => trouble.error.as_deref(),
            (None, Some(rejection)) => rejection.error(),
            (None, None) => None,
        }
    }

    /// Where the body did not fit the type of its command. An *after* callback is handed to the service all the same, as
    /// [`Event::Unknown`](crate::Event::Unknown); this tells that the vendor has changed something.
    pub fn misfit(&self) -> Option<&Misfit> {
        self.trouble.as_ref()?.misfit.as_deref()
    }

    /// Which of the app's tokens made the signature; see [`Params::token_index`].
    pub fn token_index(&self) -> Option<usize> {
        self.params.as_ref()?.token_index()
    }

    /// From the moment the request was verified to its answer, waiting for the body and the service included; zero for a request
    /// that was refused by its method and URL alone.
    pub fn handling_time(&self) -> Duration {
        self.handling_time
    }
}
