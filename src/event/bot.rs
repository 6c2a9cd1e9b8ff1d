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
use crate::event::rules::event;
use crate::message::MsgBody;
use crate::types::{Flag, GroupId, Id, TimestampMillis, TimestampSecs, UserId};

/// A one-to-one message was sent to a bot account.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct OnC2cMessage {
    /// User id of the sender, who wrote to the bot.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// User id of the bot. Ids of bots begin with `@RBT#`.
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
    /// Unique id of the message on the client's side. Only the vendor's mainland page has it.
    pub msg_id: Option<Id>,
    /// 1 if only sent to online users, else 0.
    pub online_only_flag: Option<Flag>,
    /// Result of the delivery: 0 is success, any other number an error code.
    pub send_msg_result: Option<i64>,
    /// Text for that result; `send msg succeed` on success.
    pub error_info: Option<String>,
    /// Number of unread one-to-one messages of the bot, over all its conversations. Undocumented
    /// for this command; one public SDK has it.
    pub unread_msg_num: Option<i64>,
    /// Elements of the message in order. If your reply before the delivery rewrote the message,
    /// these are the rewritten ones.
    #[serde(default)]
    pub msg_body: MsgBody,
    /// Whether the sender's other devices get the message: 1 yes, 2 no. Undocumented; seen in
    /// recorded callbacks of messages that were sent over REST.
    pub sync_other_machine: Option<i64>,
    /// Whether key-value extensions can be set on the message. Undocumented; seen in recorded
    /// callbacks of messages that were sent over REST.
    pub support_message_extension: Option<Flag>,
    /// Custom data that the sender stored with the message, if any.
    pub cloud_custom_data: Option<String>,
    /// When it happened (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    OnC2cMessage, "https://trtc.io/document/68952",
    time |e| e.event_time,
    id |e| e.msg_key,
    order pair |e| [e.from_account, e.to_account]
}

/// A user mentioned a bot in a group.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct OnGroupMessage {
    /// Id of the group in which the bot was mentioned.
    pub group_id: GroupId,
    /// Group type, such as Public.
    pub r#type: Option<GroupType>,
    /// User id of the sender, who mentioned the bot.
    #[serde(rename = "From_Account")]
    pub from_account: Option<UserId>,
    /// User id of who made the send request. It differs from the sender if an admin sends for
    /// somebody else.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Random number of the message, 32 bits. One-to-one messages call it `MsgRandom`.
    pub random: Option<i64>,
    /// Sequence number, unique in the group; group messages sort by it.
    pub msg_seq: Option<i64>,
    /// When the server took the message (**seconds**).
    pub msg_time: Option<TimestampSecs>,
    /// 1 for an online-only message, else 0; always 0 in live groups.
    pub online_only_flag: Option<Flag>,
    /// Elements of the message in order.
    #[serde(default)]
    pub msg_body: MsgBody,
    /// User ids of the bots that were mentioned. A mention of everybody does not trigger the
    /// callback.
    #[serde(rename = "AtRobots_Account", default)]
    pub at_robots_account: Vec<UserId>,
    /// Custom data that the sender stored with the message, if any.
    pub cloud_custom_data: Option<String>,
    /// Id of the topic, if the message was sent in a topic of a community.
    pub topic_id: Option<GroupId>,
    /// When it happened (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    OnGroupMessage, "https://trtc.io/document/68953",
    time |e| e.event_time,
    id |e| e.msg_seq,
    order group |e| [e.group_id]
}
