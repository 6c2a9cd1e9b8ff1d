//! Customer service (`Desk.…`).
//!
//! ```
//! use tencent_im_callback::{Command, event::desk::SessionEventNotify, testing};
//!
//! let sample = testing::sample(&Command::DeskSessionEventNotify).unwrap_or_default();
//! let callback = testing::callback::<SessionEventNotify>(sample);
//! println!("{:?}", callback.event);
//! ```

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::event::rules::event;
use crate::json::wire_text;
use crate::message::MsgBody;
use crate::types::{Id, TimestampMillis, UserId};

/// Something happened in a service session: a message, or a change of the session. Which fields are
/// there depends on the event.
///
/// The URL of this callback is set in the panel of Desk. Whether the token of Chat signs it is not
/// documented.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct SessionEventNotify {
    /// Id of the service session; a UUID in the vendor's sample.
    pub session_id: Id,
    /// What happened; it decides which of the fields below are there.
    pub event: Option<SessionEvent>,
    /// When it happened (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// How the user is connected: an app or a web page.
    pub channel_type: Option<ChannelType>,
    /// User id of the user who is served.
    pub client_user_id: Option<UserId>,
    /// User id of the customer-service account; it begins with `@` in the vendor's sample.
    pub customer_service_id: Option<UserId>,
    /// Id of the human agent; an e-mail address in the vendor's sample. May be absent.
    pub agent_id: Option<Id>,
    /// Unique key of the message; only if the event is a message.
    pub msg_key: Option<Id>,
    /// Elements of the message; only if the event is a message.
    pub msg_body: Option<MsgBody>,
    /// Custom data of the message; only if the event is a message.
    pub cloud_custom_data: Option<String>,
    /// Whether the agent contacted the user first.
    pub is_contact_user: Option<bool>,
    /// Stars that the user gave, 1 to 5. May be absent.
    pub satisfaction_selected: Option<i64>,
    /// By its name, the agent who handed the session over; the vendor does not explain it. Empty in
    /// the vendor's sample.
    pub forward_from_agent_id: Option<Id>,
}

event! {
    SessionEventNotify, "https://cloud.tencent.com/document/product/269/111212",
    time |e| e.event_time,
    order session |e| [e.session_id]
}

wire_text! {
    /// What happened in a session. The vendor documents more words: transfers, the end of a
    /// session, a user who does not answer.
    SessionEvent {
        /// The session began.
        SessionBegin = "SessionBegin";
        /// The user wrote to the bot.
        UserSendMsg = "ChatBot.UserSendMsg";
        /// The bot wrote.
        RobotSendMsg = "ChatBot.RobotSendMsg";
    }

    /// How a user is connected.
    ChannelType {
        /// An app.
        Sdk = "SDK";
        /// A web page. The vendor writes `Web(H5)`; `Web` is accepted as well.
        Web = "Web(H5)" | "Web";
    }
}
