//! From callbacks to gRPC, and back.

use std::sync::Arc;
use std::time::Duration;

use tencent_im_callback::moderation::{Finding, Findings, ModerateLayer, Shown};
use tencent_im_callback::reply::{c2c, group};
use tencent_im_callback::{Callback, EventRouter, HandlerError, Phase, Reply};
use tonic::Request;
use tonic::transport::Channel;
use tower::service_fn;

use crate::pb;
use crate::pb::events_client::EventsClient;

/// How long the backend may take. Tencent waits 2 s, and the answer has a way to go.
pub(crate) const DEADLINE: Duration = Duration::from_millis(1500);

const SPAM: c2c::RejectCode = c2c::RejectCode::of::<120_001>();
const GROUP_SPAM: group::RejectCode = group::RejectCode::of::<10_100>();

type Events = EventsClient<Channel>;

/// Asks about what people write, and tells of everything else.
pub(crate) fn router(events: Events) -> EventRouter {
    let judge = events.clone();
    EventRouter::new()
        .moderate_with(
            ModerateLayer::new(move |shown| moderate(judge.clone(), shown))
                .reject_c2c_with(SPAM, "no spam, please")
                .reject_group_with(GROUP_SPAM, "no spam, please"),
        )
        .fallback(service_fn(move |callback| notify(events.clone(), callback)))
}

/// Asks the backend about all texts at once.
async fn moderate(mut events: Events, shown: Arc<Shown>) -> Result<Findings, HandlerError> {
    let written = pb::Written {
        sdk_app_id: shown.sdk_app_id().0,
        command: shown.command().to_string(),
        sender: shown.sender().map(|sender| sender.to_string()).unwrap_or_default(),
        group_id: shown.group().map(|group| group.to_string()).unwrap_or_default(),
        texts: shown
            .texts()
            .map(|text| pb::Text { forms: text.forms().map(str::to_owned).collect() })
            .collect(),
    };
    let answer = events.moderate(in_time(written)).await?.into_inner();
    Ok(answer.findings.into_iter().map(finding).collect())
}

fn finding(finding: pb::Finding) -> Finding {
    match finding.finding {
        Some(pb::finding::Finding::Allow(_)) => Finding::Allow,
        Some(pb::finding::Finding::Replace(text)) => Finding::Replace(text),
        // `None` may be a finding that this version does not know.
        Some(pb::finding::Finding::Reject(_)) | None => Finding::Reject,
    }
}

/// Tells the backend of what needs no verdict. A *before* callback that the backend was not asked
/// about is an error, since nobody judged it.
async fn notify(mut events: Events, callback: Callback) -> Result<Reply, HandlerError> {
    if callback.answered_as().phase() == Phase::Before {
        return if callback.is_moderated() {
            Ok(Reply::ok())
        } else {
            Err(HandlerError::new(format!("nobody judges {:?}", callback.command())))
        };
    }
    let event = pb::Event {
        sdk_app_id: callback.params.sdk_app_id.0,
        command: callback.command().to_string(),
        json: serde_json::to_string(&callback.event)?,
        time_ms: callback.time().map(|time| time.to_millis().get()),
    };
    events.notify(in_time(event)).await?;
    Ok(Reply::ok())
}

/// Tells the backend how long the answer is waited for, so that it stops as well.
fn in_time<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(DEADLINE);
    request
}
