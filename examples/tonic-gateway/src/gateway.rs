//! From callbacks to gRPC, and back.

use std::time::Duration;

use tencent_im_callback::event::{AsEvent, c2c, group};
use tencent_im_callback::{Callback, EventRouter, HandlerError, Reply, reply};
use tonic::Request;
use tonic::transport::Channel;
use tower::service_fn;

use crate::pb::events_client::EventsClient;
use crate::pb::verdict::Verdict;
use crate::pb::{Event, Message};

/// How long the backend may take. Tencent waits 2 s, and the answer has a way to go.
pub(crate) const DEADLINE: Duration = Duration::from_millis(1500);

type Events = EventsClient<Channel>;

/// Asks for a verdict on messages, and tells of everything else.
pub(crate) fn router(events: Events) -> EventRouter {
    EventRouter::new()
        .on_with(events.clone(), moderate_c2c)
        .on_with(events.clone(), moderate_group)
        .fallback(service_fn(move |callback| notify(events.clone(), callback)))
}

async fn moderate_c2c(
    events: Events,
    callback: Callback<c2c::BeforeSendMsg>,
) -> Result<reply::c2c::BeforeSendMsgReply, HandlerError> {
    use reply::c2c::{BeforeSendMsgReply, RejectCode};

    let event = &callback.event;
    let message = Message {
        sender: event.from_account.to_string(),
        receiver: event.to_account.to_string(),
        ..message(&callback)
    };
    Ok(match moderate(events, message).await? {
        Verdict::Allow(_) => BeforeSendMsgReply::allow(),
        Verdict::Reject(reject) if reject.code == 0 => BeforeSendMsgReply::reject(),
        Verdict::Reject(reject) => {
            BeforeSendMsgReply::reject_with(RejectCode::new(reject.code)?, reject.info)
        }
        Verdict::Discard(_) => BeforeSendMsgReply::discard(),
    })
}

async fn moderate_group(
    events: Events,
    callback: Callback<group::BeforeSendMsg>,
) -> Result<reply::group::BeforeSendMsgReply, HandlerError> {
    use reply::group::{BeforeSendMsgReply, RejectCode};

    let event = &callback.event;
    let message = Message {
        sender: event.from_account.as_ref().map(ToString::to_string).unwrap_or_default(),
        group_id: event.group_id.to_string(),
        ..message(&callback)
    };
    Ok(match moderate(events, message).await? {
        Verdict::Allow(_) => BeforeSendMsgReply::allow(),
        Verdict::Reject(reject) if reject.code == 0 => BeforeSendMsgReply::reject(),
        Verdict::Reject(reject) => {
            BeforeSendMsgReply::reject_with(RejectCode::new(reject.code)?, reject.info)
        }
        Verdict::Discard(_) => BeforeSendMsgReply::discard(),
    })
}

/// What both kinds of message have.
fn message<E: AsEvent>(callback: &Callback<E>) -> Message {
    let shown = callback.shown();
    Message {
        sdk_app_id: callback.params.sdk_app_id.0,
        texts: shown
            .texts()
            .flat_map(|text| text.forms().map(str::to_owned).collect::<Vec<_>>())
            .collect(),
        ..Message::default()
    }
}

async fn moderate(mut events: Events, message: Message) -> Result<Verdict, HandlerError> {
    let verdict = events.moderate(in_time(message)).await?.into_inner();
    // Not treated as "allow": it may be a verdict that this version does not know.
    verdict.verdict.ok_or_else(|| HandlerError::new("the backend gave no verdict"))
}

/// A *before* callback that comes here is allowed, once the backend has been told.
async fn notify(mut events: Events, callback: Callback) -> Result<Reply, HandlerError> {
    let event = Event {
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
