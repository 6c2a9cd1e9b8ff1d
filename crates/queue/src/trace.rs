//! The span of an attempt, and the trace that it belongs to.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::SystemTime;

use tencent_im_callback::{Callback, Cause, Disposition, Params};
use tracing::Span;
use tracing::field::Empty;

use crate::delivery::{Delivery, DeliveryId};

/// The longest trace context that is stored, in bytes. W3C's `traceparent` has 55.
const LONGEST: usize = 512;

/// The longest request id in a log line, in characters.
const REQUEST_ID: usize = 64;

/// What the user's function returns when a callback is accepted.
pub(crate) type Inject = dyn Fn(&Callback) -> Option<String> + Send + Sync;

/// What the user does with it when there is a span for an attempt.
pub(crate) type Extract = dyn Fn(&Span, &str) + Send + Sync;

/// The trace context to store. A panic of the user's function must not lose the callback.
pub(crate) fn inject(hook: Option<&Arc<Inject>>, callback: &Callback) -> Option<String> {
    let context = catch_unwind(AssertUnwindSafe(|| hook?(callback))).ok()?;
    context.filter(|context| context.len() <= LONGEST)
}

/// Notes on the endpoint's span under which id the callback is in the queue.
pub(crate) fn enqueued(id: DeliveryId) {
    Span::current().record(MESSAGE_ID, tracing::field::display(id));
}

const MESSAGE_ID: &str = "messaging.message.id";

/// The span of an attempt. It has no command if the stored callback cannot be read.
pub(crate) fn attempt(
    delivery: &Delivery,
    callback: Option<&Callback>,
    extract: Option<&Arc<Extract>>,
) -> Span {
    let params = callback.map(|callback| &callback.params);
    let command = params.map(|params| params.command.label());
    let span = tracing::info_span!(
        target: "tencent_im_callback_queue",
        "attempt",
        otel.name = %format_args!("process {}", command.unwrap_or("unreadable")),
        otel.kind = "consumer",
        otel.status_code = Empty,
        messaging.system = "tencent_im_callback_queue",
        messaging.operation.name = "process",
        messaging.operation.type = "process",
        messaging.message.id = %delivery.id,
        attempt = delivery.attempt,
        out_of_order = delivery.out_of_order,
        waited_ms = waited(delivery),
        sdk_app_id = params.map(|params| params.sdk_app_id.0),
        command,
        request_id = params
            .and_then(Params::request_id)
            .as_deref()
            .map(short)
            .map(|id| display(id.escape_debug())),
        outcome = Empty,
        disposition = Empty,
        cause = Empty,
    );
    if let (false, Some(extract), Some(context)) =
        (span.is_disabled(), extract, &delivery.trace_context)
    {
        // A panic of the user's function must not keep the callback from being handled.
        drop(catch_unwind(AssertUnwindSafe(|| extract(&span, context))));
    }
    span
}

/// Since it was accepted, in ms.
fn waited(delivery: &Delivery) -> u64 {
    let waited = SystemTime::now().duration_since(delivery.accepted_at).unwrap_or_default();
    u64::try_from(waited.as_millis()).unwrap_or(u64::MAX)
}

/// It is the peer's word.
fn short(id: &str) -> &str {
    id.char_indices().nth(REQUEST_ID).map_or(id, |(end, _)| &id[..end])
}

/// Records on the span of an attempt how it ended.
pub(crate) struct Ending {
    span: Span,
    outcome: &'static str,
}

impl Ending {
    /// If nothing else is noted, the attempt was aborted.
    pub(crate) fn of(span: &Span) -> Self {
        Ending { span: span.clone(), outcome: "aborted" }
    }

    pub(crate) fn outcome(&mut self, outcome: &'static str) {
        self.outcome = outcome;
    }

    /// The handler has replied.
    pub(crate) fn handled(&self, disposition: Disposition) {
        self.span.record("disposition", disposition.as_str());
    }

    /// The attempt has failed. Without a cause the stored callback cannot be read.
    pub(crate) fn failed(&self, cause: Option<Cause>) {
        self.span.record("cause", cause.map_or("unreadable", Cause::as_str));
        self.span.record("otel.status_code", "ERROR");
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.span.record("outcome", self.outcome);
    }
}
