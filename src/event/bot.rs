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
use serde_with::skip_serializing_none;

use super::group::GroupType;
use crate::message::MsgBody;
use crate::types::{Flag, GroupId, Id, TimestampMillis, TimestampSecs, UserId};

/// A one-to-one message was sent to a bot account.
///
/// Source: <https://trtc.io/document/68952>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct OnC2cMessage {
    /// Sender.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// Bot.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Sequence number of the message (documented as an unsigned 32-bit number).
    pub msg_seq: Option<i64>,
    /// Random number of the message (documented as an unsigned 32-bit number).
    pub msg_random: Option<i64>,
    /// Send time; messages sort by `MsgTime`, then `MsgSeq` (**seconds**).
    pub msg_time: Option<TimestampSecs>,
    /// Unique key of the message.
    pub msg_key: Option<Id>,
    /// Client-side id of the message.
    pub msg_id: Option<Id>,
    /// 1 if only sent to online users, else 0.
    pub online_only_flag: Option<Flag>,
    /// Delivery result, 0 = delivered, otherwise an error code.
    pub send_msg_result: Option<i64>,
    /// Error text of the delivery, "send msg succeed" on success.
    pub error_info: Option<String>,
    /// Total unread one-to-one messages of `To_Account`; not on the vendor's page.
    pub unread_msg_num: Option<i64>,
    /// Message elements.
    #[serde(default)]
    pub msg_body: MsgBody,
    /// 1 if the sender's other devices get the message, 2 if not; recorded, not documented.
    pub sync_other_machine: Option<i64>,
    /// Whether the message may be extended; recorded, not documented.
    pub support_message_extension: Option<Flag>,
    /// Custom data of the message.
    pub cloud_custom_data: Option<String>,
    /// When it happened (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A user mentioned a bot in a group.
///
/// Source: <https://trtc.io/document/68953>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct OnGroupMessage {
    /// Group id.
    pub group_id: GroupId,
    /// Group type, such as Public.
    pub r#type: Option<GroupType>,
    /// Sender.
    #[serde(rename = "From_Account")]
    pub from_account: Option<UserId>,
    /// Who issued the send request; tells admin requests apart.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// 32-bit random number of the send request.
    pub random: Option<i64>,
    /// Sequence number, unique in the group; group messages sort by it.
    pub msg_seq: Option<i64>,
    /// Server send time (**seconds**).
    pub msg_time: Option<TimestampSecs>,
    /// 1 for an online-only message, else 0; always 0 in live groups.
    pub online_only_flag: Option<Flag>,
    /// Message elements.
    #[serde(default)]
    pub msg_body: MsgBody,
    /// Bot `UserIDs` that were mentioned (array of strings).
    #[serde(rename = "AtRobots_Account", default)]
    pub at_robots_account: Vec<UserId>,
    /// Custom data of the message.
    pub cloud_custom_data: Option<String>,
    /// Topic id when the message was sent in a topic of a community group.
    pub topic_id: Option<GroupId>,
    /// When it happened (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}
