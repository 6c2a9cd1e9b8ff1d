//! Messages to bots (`Bot.…`).
//!
//! ```
//! use tencent_im_callback::{Command, event::bot::OnC2cMessage, testing};
//!
//! let sample = testing::sample(&Command::BotOnC2cMessage).unwrap_or_default();
//! let callback = testing::callback::<OnC2cMessage>(sample);
//! println!("{:?}", callback.event);
//! ```

use serde::{Deserialize, Serialize};

use super::group::GroupType;
use crate::message::MsgBody;
use crate::protocol::{GroupId, Id, TimestampMillis, TimestampSecs, UserId};
use crate::wire::{self, Flag};

/// A one-to-one message was sent to a bot account.
///
/// Source: <https://trtc.io/document/68952>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OnC2cMessage {
    /// Sender.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// Bot.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Sequence number of the message (documented as an unsigned 32-bit number).
    #[serde(rename = "MsgSeq", default, deserialize_with = "wire::int", skip_serializing_if = "Option::is_none")]
    pub msg_seq: Option<i64>,
    /// Random number of the message (documented as an unsigned 32-bit number).
    #[serde(
        rename = "MsgRandom",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub msg_random: Option<i64>,
    /// Send time; messages sort by `MsgTime`, then `MsgSeq` (**seconds**).
    #[serde(
        rename = "MsgTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub msg_time: Option<TimestampSecs>,
    /// Unique key of the message.
    #[serde(rename = "MsgKey", skip_serializing_if = "Option::is_none")]
    pub msg_key: Option<Id>,
    /// Client-side id of the message; mainland page only.
    #[serde(rename = "MsgId", skip_serializing_if = "Option::is_none")]
    pub msg_id: Option<Id>,
    /// 1 if only sent to online users, else 0.
    #[serde(
        rename = "OnlineOnlyFlag",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub online_only_flag: Option<Flag>,
    /// Delivery result, 0 = delivered, otherwise an error code.
    #[serde(
        rename = "SendMsgResult",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub send_msg_result: Option<i64>,
    /// Error text of the delivery, "send msg succeed" on success.
    #[serde(rename = "ErrorInfo", skip_serializing_if = "Option::is_none")]
    pub error_info: Option<Box<str>>,
    /// Total unread one-to-one messages of `To_Account`; only in the Java SDK of 2023, not in the pages seen.
    #[serde(
        rename = "UnreadMsgNum",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub unread_msg_num: Option<i64>,
    /// Message elements.
    #[serde(rename = "MsgBody", default)]
    pub msg_body: MsgBody,
    /// Custom data of the message.
    #[serde(
        rename = "CloudCustomData",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub cloud_custom_data: Option<Box<str>>,
    /// When it happened; in the pages of 2025, not in the Java SDK of 2023 (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// A user mentioned a bot in a group.
///
/// Source: <https://trtc.io/document/68953>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OnGroupMessage {
    /// Group id.
    #[serde(rename = "GroupId")]
    pub group_id: GroupId,
    /// Group type, such as Public.
    #[serde(rename = "Type", skip_serializing_if = "Option::is_none")]
    pub r#type: Option<GroupType>,
    /// Sender.
    #[serde(rename = "From_Account", skip_serializing_if = "Option::is_none")]
    pub from_account: Option<UserId>,
    /// Who issued the send request; tells admin requests apart.
    #[serde(rename = "Operator_Account", skip_serializing_if = "Option::is_none")]
    pub operator_account: Option<UserId>,
    /// 32-bit random number of the send request.
    #[serde(rename = "Random", default, deserialize_with = "wire::int", skip_serializing_if = "Option::is_none")]
    pub random: Option<i64>,
    /// Sequence number, unique in the group; group messages sort by it.
    #[serde(rename = "MsgSeq", default, deserialize_with = "wire::int", skip_serializing_if = "Option::is_none")]
    pub msg_seq: Option<i64>,
    /// Server send time (**seconds**).
    #[serde(
        rename = "MsgTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub msg_time: Option<TimestampSecs>,
    /// 1 for an online-only message, else 0; always 0 in live groups.
    #[serde(
        rename = "OnlineOnlyFlag",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub online_only_flag: Option<Flag>,
    /// Message elements.
    #[serde(rename = "MsgBody", default)]
    pub msg_body: MsgBody,
    /// Bot `UserIDs` that were mentioned (array of strings).
    #[serde(rename = "AtRobots_Account", default, deserialize_with = "wire::list")]
    pub at_robots_account: Vec<UserId>,
    /// Custom data of the message.
    #[serde(
        rename = "CloudCustomData",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub cloud_custom_data: Option<Box<str>>,
    /// Topic id when the message was sent in a topic of a community group.
    #[serde(rename = "TopicId", skip_serializing_if = "Option::is_none")]
    pub topic_id: Option<GroupId>,
    /// When it happened (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}
