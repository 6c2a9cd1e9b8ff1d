//! How a request was answered, for your metrics and logs.

use crate::auth::Params;
use crate::event::{Misfit, UnknownReason};
use crate::rejection::{Rejection, RejectionKind};
use crate::reply::Disposition;

#[cfg(feature = "tracing")]
use super::sampler::Occasion;
use crate::error::Cause;

/// How a request was answered. Every response of this crate's services has it in its extensions,
/// for metrics, alerts and access logs.
///
/// Alert on [`OutcomeKind::Failed`]: a failed *after* callback is answered with status 200, and
/// Tencent does not send it again.
///
/// ```
/// # use tencent_im_callback::{Outcome, OutcomeKind, ResponseBody};
/// fn needs_attention(response: &http::Response<ResponseBody>) -> bool {
///     let outcome = response.extensions().get::<Outcome>();
///     outcome.is_some_and(|outcome| outcome.kind() == OutcomeKind::Failed)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Outcome {
    pub(crate) kind: OutcomeKind,
    pub(crate) params: Option<Params>,
    pub(crate) rejection: Option<Rejection>,
    pub(crate) trouble: Option<Box<Trouble>>,
    disposition: Option<Disposition>,
}

/// Why a verified callback was not handled.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    pub(crate) cause: Option<Cause>,
    pub(crate) error: Option<Box<str>>,
    pub(crate) unknown: Option<UnknownReason>,
}

/// How a request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum OutcomeKind {
    /// The service replied. [`Outcome::disposition`] says how it handled the callback.
    Accepted,
    /// A check of the callback URL from the console, answered `OK`.
    Probe,
    /// Refused, before or after verification. [`Outcome::rejection`] says why.
    #[doc(alias = "refused")]
    Rejected,
    /// Verified, but the service failed, or the body of a *before* callback could not be read.
    /// [`Outcome::error`] says more.
    Failed,
}

impl OutcomeKind {
    /// The name in `snake_case`, for logs and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            OutcomeKind::Accepted => "accepted",
            OutcomeKind::Probe => "probe",
            OutcomeKind::Rejected => "rejected",
            OutcomeKind::Failed => "failed",
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
        Outcome { kind, params, rejection: None, trouble: None, disposition: None }
    }

    /// The outcome of a callback to which the service replied.
    #[inline]
    pub(crate) fn accepted(disposition: Disposition, params: Option<Params>) -> Self {
        Outcome {
            kind: OutcomeKind::Accepted,
            params,
            rejection: None,
            trouble: None,
            disposition: Some(disposition),
        }
    }

    /// The outcome of a request that was refused, or that was the console's check of the URL.
    pub(crate) fn of_rejection(rejection: Rejection, params: Option<Params>) -> Self {
        let kind = match rejection.kind() {
            RejectionKind::Probe => OutcomeKind::Probe,
            _ => OutcomeKind::Rejected,
        };
        Outcome {
            rejection: Some(rejection).filter(|_| kind == OutcomeKind::Rejected),
            ..Outcome::new(kind, params)
        }
    }

    /// Notes why the request failed, and why its body could not be read, if so. `error` is kept
    /// only with a cause or a reason.
    pub(crate) fn trouble(
        &mut self,
        cause: Option<Cause>,
        error: Option<Box<str>>,
        unknown: Option<UnknownReason>,
    ) {
        if cause.is_some() || unknown.is_some() {
            self.trouble = Some(Box::new(Trouble { cause, error, unknown }));
        }
    }

    /// What the log has to warn of, if anything.
    #[cfg(feature = "tracing")]
    pub(super) fn occasion(&self) -> Option<Occasion> {
        match self.kind {
            OutcomeKind::Rejected => Some(Occasion::Rejection(self.rejection.as_ref()?.kind())),
            OutcomeKind::Failed => Some(Occasion::Failure(self.cause()?)),
            OutcomeKind::Accepted | OutcomeKind::Probe => {
                let reason = self.unknown_reason().filter(|reason| reason.is_unreadable())?;
                Some(Occasion::Unread(Cause::of_unknown(reason)))
            }
        }
    }

    /// How the request was answered.
    pub fn kind(&self) -> OutcomeKind {
        self.kind
    }

    /// How the service handled the callback. `None` if it was not accepted.
    pub fn disposition(&self) -> Option<Disposition> {
        self.disposition
    }

    /// The parameters of the URL, once they were verified.
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

    /// One word that says more than [`kind`](Self::kind), for a metric label: the kind of the
    /// rejection, the cause of the failure, why an accepted callback could not be read, or how the
    /// service dealt with it. Empty for a check of the URL.
    pub fn reason(&self) -> &'static str {
        let unreadable = self.unknown_reason().filter(|reason| reason.is_unreadable());
        match (&self.rejection, self.cause(), unreadable, self.disposition) {
            (Some(rejection), ..) => rejection.kind().as_str(),
            (None, Some(cause), ..) => cause.as_str(),
            (None, None, Some(reason), _) => reason.as_str(),
            (None, None, None, Some(disposition)) => disposition.as_str(),
            (None, None, None, None) => "",
        }
    }

    /// The error of the service or of the body, in one line of limited length. Control characters
    /// are escaped: an error may quote what a peer sent.
    ///
    /// A [`HandlerError`](crate::HandlerError) is written with its sources, and so is what `Split`,
    /// `EventRouter`, `Detach` and `Dedup` return. Of any other error type, boxed errors included,
    /// it is what `{:#}` writes.
    pub fn error(&self) -> Option<&str> {
        match (&self.trouble, &self.rejection) {
            (Some(trouble), _) => trouble.error.as_deref(),
            (None, Some(rejection)) => rejection.error(),
            (None, None) => None,
        }
    }

    /// Where the body does not fit the type of its command. An *after* callback is passed to the
    /// service all the same, as [`Event::Unknown`](crate::Event::Unknown). This tells you that the
    /// vendor has changed something.
    pub fn misfit(&self) -> Option<&Misfit> {
        match self.unknown_reason()? {
            UnknownReason::Misfit(misfit) => Some(misfit),
            _ => None,
        }
    }

    /// Why the event is [`Event::Unknown`](crate::Event::Unknown), if it is. A notification is
    /// passed to the service all the same.
    pub fn unknown_reason(&self) -> Option<&UnknownReason> {
        self.trouble.as_ref()?.unknown.as_ref()
    }

    /// Which of the app's tokens made the signature; see [`Params::token_index`].
    pub fn token_index(&self) -> Option<usize> {
        self.params.as_ref()?.token_index()
    }
}
