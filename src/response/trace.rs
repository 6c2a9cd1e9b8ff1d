//! One log event per request, with stable field names (feature `tracing`; without it, none).
//!
//! The level is `warn` for what failed after the signature was verified. What anybody can cause,
//! refusals, everything about an unsigned app, and what is over a rate limit, is sampled: of each
//! kind only the first within a minute is a `warn`, with the number since the last one; the others
//! are `debug`, like accepted requests. The token, the signature, the query string and the body are
//! never logged.

#[cfg(feature = "tracing")]
use std::num::NonZeroU32;

use super::outcome::Outcome;
use super::sampler::Sampler;
#[cfg(feature = "tracing")]
use super::sampler::{Occasion, TARGET};
use crate::auth::Params;
#[cfg(feature = "tracing")]
use crate::error::Cause;
#[cfg(feature = "tracing")]
use crate::types::Escaped;

/// The outcome of a callback whose answer nobody waited for.
#[cfg(feature = "tracing")]
pub(crate) const CANCELLED: &str = "cancelled";

#[cfg(feature = "tracing")]
pub(crate) fn report(outcome: &Outcome, status: Option<http::StatusCode>, sampler: &Sampler) {
    use super::outcome::OutcomeKind;
    use crate::event::UnknownReason;

    // Any user of a signed app can send too much.
    let is_limited = outcome.cause() == Some(Cause::RateLimited);
    let (warn, times) = match outcome.occasion() {
        None => (false, None),
        Some(occasion) => shown(outcome.token_index().is_some() && !is_limited, occasion, sampler),
    };

    macro_rules! event {
        ($level:ident, $message:literal) => {
            tracing::event!(
                target: TARGET,
                tracing::Level::$level,
                outcome = outcome.kind().as_str(),
                disposition = outcome.disposition().map(|disposition| disposition.as_str()),
                status = status.map(|status| status.as_u16()),
                sdk_app_id = outcome
                    .params()
                    .map(|params| params.sdk_app_id)
                    .or_else(|| outcome.rejection()?.sdk_app_id())
                    .map(|id| id.0),
                command = outcome
                    .params()
                    .map(|params| tracing::field::display(Escaped(params.command.as_str()))),
                phase = outcome.params().map(|params| params.command.phase().as_str()),
                rejection = outcome.rejection().map(|rejection| rejection.kind().as_str()),
                reason = outcome.rejection().map(tracing::field::display),
                cause = outcome.cause().map(|cause| cause.as_str()),
                times = times.map(NonZeroU32::get),
                error = outcome.trouble.as_ref().and_then(|trouble| trouble.error.as_deref()),
                unknown = outcome.unknown_reason().map(UnknownReason::as_str),
                misfit_path = outcome.misfit().map(|misfit| misfit.path()),
                misfit_line = outcome.misfit().map(|misfit| misfit.line()),
                misfit_column = outcome.misfit().map(|misfit| misfit.column()),
                token_index = outcome.token_index(),
                $message
            )
        };
    }

    match outcome.kind() {
        _ if !warn => event!(DEBUG, "callback"),
        OutcomeKind::Rejected => event!(WARN, "request refused"),
        OutcomeKind::Failed => event!(WARN, "callback failed"),
        OutcomeKind::Accepted | OutcomeKind::Probe => {
            event!(WARN, "body cannot be read as its command");
        }
    }
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn report(_: &Outcome, _: Option<http::StatusCode>, _: &Sampler) {}

/// Whether a warning is shown, and how many there were if it is a sample. The signature of an
/// unsigned app is never verified, so anybody who finds the URL could fill the log.
#[cfg(feature = "tracing")]
pub(crate) fn shown(
    verified: bool,
    occasion: Occasion,
    sampler: &Sampler,
) -> (bool, Option<NonZeroU32>) {
    if verified {
        return (true, None);
    }
    let times = sampler.count(occasion);
    (times.is_some(), times)
}

/// The future was dropped while it waited for the service or after the service was called: the peer
/// closed the connection, or an outer time-out expired.
#[cfg(feature = "tracing")]
pub(crate) fn cancelled(params: &Params, was_called: bool, sampler: &Sampler) {
    let (warn, times) = shown(params.token_index().is_some(), Occasion::Cancelled, sampler);
    let message = if was_called {
        "callback dropped before the service had answered"
    } else {
        "callback dropped before the service was ready, and so not handled"
    };

    macro_rules! event {
        ($level:ident) => {
            tracing::event!(
                target: TARGET,
                tracing::Level::$level,
                outcome = CANCELLED,
                sdk_app_id = params.sdk_app_id.0,
                command = %Escaped(params.command.as_str()),
                phase = params.command.phase().as_str(),
                times = times.map(NonZeroU32::get),
                "{message}"
            )
        };
    }

    if warn { event!(WARN) } else { event!(DEBUG) }
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn cancelled(_: &Params, _: bool, _: &Sampler) {}
