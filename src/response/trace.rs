//! One log event per request, with stable field names (feature `tracing`; without it, none).
//!
//! The level is `warn` for what failed after the signature was verified. Anybody can cause a request that is refused earlier, so of each
//! kind only the first within a minute is a `warn`, with the number since the last one; the others are `debug`, like accepted requests.
//! The token, the signature, the query string and the body are never logged.

#[cfg(feature = "tracing")]
use std::num::NonZeroU32;

use super::outcome::Outcome;
use crate::auth::Params;
#[cfg(feature = "tracing")]
use crate::types::Escaped;

#[cfg(feature = "tracing")]
const TARGET: &str = "tencent_im_callback";

/// Whether anybody would see a warning.
#[cfg(feature = "tracing")]
pub(super) fn shows_warnings() -> bool {
    tracing::enabled!(target: TARGET, tracing::Level::WARN)
}

#[cfg(not(feature = "tracing"))]
pub(super) fn shows_warnings() -> bool {
    false
}

#[cfg(feature = "tracing")]
pub(crate) fn report(outcome: &Outcome, status: Option<http::StatusCode>) {
    use super::on_error::Cause;
    use super::outcome::OutcomeKind;
    use crate::event::UnknownReason;

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
                command = outcome.params().map(|params| tracing::field::display(Escaped(params.command.as_str()))),
                phase = outcome.params().map(|params| params.command.phase().as_str()),
                rejection = outcome.rejection().map(|rejection| rejection.kind().as_str()),
                reason = outcome.rejection().map(tracing::field::display),
                cause = outcome.cause().map(|cause| cause.as_str()),
                refused = outcome.rejection().and_then(|rejection| rejection.refused).map(NonZeroU32::get),
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

    // The signature of an unsigned app is never verified, so anybody who finds the URL could fill the log with warnings.
    let verified = outcome.token_index().is_some();
    let warn = match outcome.kind() {
        OutcomeKind::Failed => verified || !outcome.cause().is_some_and(Cause::is_body),
        OutcomeKind::Rejected => outcome.rejection().is_some_and(|rejection| {
            rejection.refused.is_some() || (verified && rejection.kind().is_after_verification())
        }),
        OutcomeKind::Accepted | OutcomeKind::Probe => {
            verified && outcome.unknown_reason().is_some_and(UnknownReason::is_unreadable)
        }
    };
    match outcome.kind() {
        _ if !warn => event!(DEBUG, "callback"),
        OutcomeKind::Rejected => event!(WARN, "request refused"),
        OutcomeKind::Failed => event!(WARN, "callback failed"),
        OutcomeKind::Accepted | OutcomeKind::Probe => event!(WARN, "body cannot be read as its command"),
    }
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn report(_: &Outcome, _: Option<http::StatusCode>) {}

/// The future was dropped after the service was called: the peer hung up, or an outer time-out struck.
#[cfg(feature = "tracing")]
pub(crate) fn cancelled(params: &Params) {
    tracing::warn!(
        target: TARGET,
        outcome = "cancelled",
        sdk_app_id = params.sdk_app_id.0,
        command = %Escaped(params.command.as_str()),
        phase = params.command.phase().as_str(),
        "callback dropped before the service had answered"
    );
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn cancelled(_: &Params) {}
