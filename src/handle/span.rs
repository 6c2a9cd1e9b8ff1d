//! The span around the inner service (feature `tracing`; without it, none).
//!
//! Its level is `info`, so that what a handler logs at `info` or above has it. Fields are the
//! peer's only where they are escaped and cut.

use http::Response;

use crate::auth::Params;
use crate::response::ResponseBody;

#[cfg(feature = "tracing")]
pub(super) struct CallbackSpan(tracing::Span);

#[cfg(feature = "tracing")]
impl CallbackSpan {
    /// Before there is a callback.
    pub(super) fn none() -> Self {
        CallbackSpan(tracing::Span::none())
    }

    pub(super) fn of(params: &Params) -> Self {
        use crate::types::Escaped;
        use crate::types::OptPlatform;
        use tracing::field::Empty;

        let command = params.command.label();
        CallbackSpan(tracing::info_span!(
            target: crate::response::TARGET,
            "callback",
            otel.name = command,
            otel.status_code = Empty,
            sdk_app_id = params.sdk_app_id.0,
            command,
            phase = params.command.phase().as_str(),
            platform =
                params.opt_platform.as_ref().map(OptPlatform::as_str).map(Escaped).map(display),
            request_id = params.request_id().as_deref().map(Escaped).map(display),
            messaging.message.id = Empty,
            outcome = Empty,
            disposition = Empty,
            cause = Empty,
        ))
    }

    /// In the span until the guard is dropped. A closure would move the callback once more.
    #[inline]
    pub(super) fn enter(&self) -> impl Sized + '_ {
        self.0.enter()
    }

    /// Records how the request was answered.
    #[inline]
    pub(super) fn conclude(&self, response: &Response<ResponseBody>) {
        if !self.0.is_disabled() {
            self.record(response);
        }
    }

    fn record(&self, response: &Response<ResponseBody>) {
        use crate::response::{Outcome, OutcomeKind};

        let Some(outcome) = response.extensions().get::<Outcome>() else { return };
        self.0.record("outcome", outcome.kind().as_str());
        if let Some(disposition) = outcome.disposition() {
            self.0.record("disposition", disposition.as_str());
        }
        if let Some(cause) = outcome.cause() {
            self.0.record("cause", cause.as_str());
        }
        if outcome.kind() == OutcomeKind::Failed {
            self.0.record("otel.status_code", "ERROR");
        }
    }

    /// Records that nobody waited for the answer.
    pub(super) fn cancelled(&self) {
        self.0.record("outcome", crate::response::CANCELLED);
    }
}

#[cfg(not(feature = "tracing"))]
pub(super) struct CallbackSpan;

#[cfg(not(feature = "tracing"))]
#[allow(clippy::unused_self)]
impl CallbackSpan {
    pub(super) fn none() -> Self {
        CallbackSpan
    }

    pub(super) fn of(_: &Params) -> Self {
        CallbackSpan
    }

    pub(super) fn enter(&self) -> impl Sized {}

    pub(super) fn conclude(&self, _: &Response<ResponseBody>) {}

    pub(super) fn cancelled(&self) {}
}
