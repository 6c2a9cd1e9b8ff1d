use super::{c2c, group, official_account};
use crate::message::MsgBody;
use crate::types::UserId;

/// A message that is about to be sent, for all three commands that ask for a verdict. A handler of
/// `Callback<BeforeMessage>` answers with a [`MessageVerdict`](crate::reply::MessageVerdict).
///
/// [`EventRouter::on_message`](crate::EventRouter::on_message) takes such a handler.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum BeforeMessage {
    /// A one-to-one message.
    C2c(c2c::BeforeSendMsg),
    /// A message to a group or topic.
    Group(group::BeforeSendMsg),
    /// A message of an official account to its subscribers.
    OfficialAccount(official_account::BeforeSendMsg),
}

impl BeforeMessage {
    /// The elements of the message.
    pub fn msg_body(&self) -> &MsgBody {
        match self {
            BeforeMessage::C2c(event) => &event.msg_body,
            BeforeMessage::Group(event) => &event.msg_body,
            BeforeMessage::OfficialAccount(event) => &event.msg_body,
        }
    }

    /// The sender: a user, or the official account. `None` if a group message has no sender.
    pub fn sender(&self) -> Option<&UserId> {
        match self {
            BeforeMessage::C2c(event) => Some(&event.from_account),
            BeforeMessage::Group(event) => event.from_account.as_ref(),
            BeforeMessage::OfficialAccount(event) => Some(&event.official_account),
        }
    }

    /// The custom data of the message.
    pub fn cloud_custom_data(&self) -> Option<&str> {
        let data = match self {
            BeforeMessage::C2c(event) => &event.cloud_custom_data,
            BeforeMessage::Group(event) => &event.cloud_custom_data,
            BeforeMessage::OfficialAccount(event) => &event.cloud_custom_data,
        };
        data.as_deref()
    }
}

impl From<c2c::BeforeSendMsg> for BeforeMessage {
    fn from(event: c2c::BeforeSendMsg) -> Self {
        BeforeMessage::C2c(event)
    }
}

impl From<group::BeforeSendMsg> for BeforeMessage {
    fn from(event: group::BeforeSendMsg) -> Self {
        BeforeMessage::Group(event)
    }
}

impl From<official_account::BeforeSendMsg> for BeforeMessage {
    fn from(event: official_account::BeforeSendMsg) -> Self {
        BeforeMessage::OfficialAccount(event)
    }
}
