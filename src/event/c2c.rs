//! One-to-one messages (`C2C.…`).
//!
//! ```
//! use tencent_im_callback::{Command, event::c2c::AfterC2cMsgExtension, testing};
//!
//! let sample = testing::sample(&Command::C2cAfterC2cMsgExtension).unwrap_or_default();
//! let callback = testing::callback::<AfterC2cMsgExtension>(sample);
//! println!("{:?}", callback.event);
//! ```

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

pub use super::extension::{Extension, OperateType};
use crate::event::rules::event;
use crate::message::MsgBody;
use crate::types::{Flag, GroupId, Id, TimestampMillis, TimestampSecs, UserId};

/// Key-value extensions of a one-to-one message were set, deleted or cleared.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterC2cMsgExtension {
    /// User id of the sender of the message, going by the REST call for extensions.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// User id of the receiver of the message, going by the REST call for extensions.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Unique key of the message.
    pub msg_key: Id,
    /// What was done: 1 keys were set, 2 keys were deleted, 3 all were cleared.
    pub operate_type: Option<OperateType>,
    /// Entries that were set or deleted. Expected to be empty when all were cleared.
    #[serde(default)]
    pub extension_list: Vec<Extension>,
    /// Newest version of the extensions of this message as a whole.
    pub seq: Option<i64>,
    /// When it happened (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterC2cMsgExtension, "https://trtc.io/document/76006",
    time |e| e.event_time,
    order pair |e| [e.from_account, e.to_account]
}

/// A one-to-one message was edited.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterModifyMsg {
    /// Custom data of the message after the edit.
    pub cloud_custom_data: Option<String>,
    /// Elements of the message after the edit. Whether they are there if only the custom data was
    /// edited is not documented.
    pub msg_body: Option<MsgBody>,
    /// User id of who edited the message.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// User id of the sender of the message.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// User id of the receiver of the message.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Random number of the edited message.
    pub msg_random: Option<i64>,
    /// Sequence number of the edited message.
    pub msg_seq: Option<i64>,
    /// When the edited message was sent (**seconds**).
    pub msg_time: Option<TimestampSecs>,
    /// Unique key of the edited message, `MsgSeq_MsgRandom_MsgTime`.
    pub msg_key: Id,
    /// When the edit happened (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterModifyMsg, "https://cloud.tencent.com/document/product/269/128224",
    time |e| e.event_time,
    order pair |e| [e.from_account, e.to_account]
}

/// A user marked everything as read, one-to-one and group conversations alike.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterMsgReadAll {
    /// User who cleared the unread counts.
    #[serde(rename = "Report_Account")]
    pub report_account: UserId,
    /// When it happened (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Groups whose unread counts were cleared as well. Whether it is there for a user without
    /// unread groups is not documented.
    pub group_read_info: Option<Vec<GroupReadInfo>>,
}

event! {
    AfterMsgReadAll, "https://cloud.tencent.com/document/product/269/128225",
    time |e| e.event_time,
    order account |e| [e.report_account]
}

/// Read receipts were sent for single one-to-one messages.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterMsgReadReceipt {
    /// User who sent the receipt.
    #[serde(rename = "Operator_Account")]
    pub operator_account: UserId,
    /// Other user of the conversation: the sender of the messages that were read.
    #[serde(rename = "Peer_Account")]
    pub peer_account: UserId,
    /// Messages that were read.
    #[serde(rename = "C2CMsgInfo", default)]
    pub c2c_msg_info: Vec<C2cMsgInfo>,
    /// When the receipt was sent (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterMsgReadReceipt, "https://cloud.tencent.com/document/product/269/128223",
    time |e| e.event_time,
    order pair |e| [e.operator_account, e.peer_account]
}

/// A user reported a one-to-one conversation as read.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterMsgReport {
    /// User id of who read the conversation.
    #[serde(rename = "Report_Account")]
    pub report_account: UserId,
    /// Other user of the conversation.
    #[serde(rename = "Peer_Account")]
    pub peer_account: UserId,
    /// Everything up to this time is read (**seconds**).
    pub last_read_time: Option<TimestampSecs>,
    /// When it happened (**milliseconds**). The vendor's international pages do not have it.
    pub event_time: Option<TimestampMillis>,
    /// Number of unread one-to-one messages that `report_account` still has, over all
    /// conversations. The sample of the vendor's mainland page does not have it.
    pub unread_msg_num: Option<i64>,
}

event! {
    AfterMsgReport, "https://trtc.io/document/43465",
    time |e| e.event_time,
    order pair |e| [e.report_account, e.peer_account]
}

/// A one-to-one message was recalled.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterMsgWithDraw {
    /// Sender of the recalled message.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// Receiver of the recalled message.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Unique key of the recalled message.
    pub msg_key: Id,
    /// When it happened (**milliseconds**). The vendor's international pages do not have it.
    pub event_time: Option<TimestampMillis>,
    /// Number of unread one-to-one messages of `to_account`, over all conversations. The vendor's
    /// mainland page does not have it.
    pub unread_msg_num: Option<i64>,
}

event! {
    AfterMsgWithDraw, "https://trtc.io/document/43466",
    time |e| e.event_time,
    id |e| e.msg_key,
    order pair |e| [e.from_account, e.to_account]
}

/// A one-to-one message was sent (or its delivery failed).
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterSendMsg {
    /// User id of the sender of the message.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// User id of the receiver of the message.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Sequence number of the message. Documented as 32 bits, but the vendor's own samples have
    /// larger ones.
    pub msg_seq: Option<i64>,
    /// Random number of the message. Documented as 32 bits, but the vendor's own samples have
    /// larger ones.
    pub msg_random: Option<i64>,
    /// When the message was sent (**seconds**). Messages sort by this, then by `msg_seq`.
    pub msg_time: Option<TimestampSecs>,
    /// Unique key of the message, `MsgSeq_MsgRandom_MsgTime`. The REST call that recalls a message
    /// takes it. Bodies from before February 2020 lack it.
    pub msg_key: Option<Id>,
    /// Unique id of the message on the client's side. Only the vendor's newest pages have it.
    pub msg_id: Option<Id>,
    /// 1 for a message to online users only, else 0. Bodies from before 2021 lack it.
    pub online_only_flag: Option<Flag>,
    /// Result of the delivery: 0 is success, any other number an error code, for example after a
    /// blocked word. Bodies from before July 2020 lack it.
    pub send_msg_result: Option<i64>,
    /// Text for that result; `send msg succeed` on success. Bodies from before July 2020 lack it.
    pub error_info: Option<String>,
    /// Number of unread one-to-one messages of `to_account`, over all conversations; -1 if the
    /// delivery failed. Bodies from before 2021 lack it, and newer ones may.
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
    /// Custom data of the message. Absent if the sender set none.
    pub cloud_custom_data: Option<String>,
    /// When the event happened (**milliseconds**). Undocumented for this command; other commands of
    /// the family have it.
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterSendMsg, "https://trtc.io/document/34365",
    time |e| (e.event_time, e.msg_time),
    id |e| e.msg_key,
    order pair |e| [e.from_account, e.to_account]
}

/// A one-to-one message is about to be delivered; the reply lets it pass, blocks it, drops it
/// silently or rewrites it.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BeforeSendMsg {
    /// User id of the sender of the message.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// User id of the receiver of the message.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Sequence number of the message. Documented as 32 bits, but the vendor's own samples have
    /// larger ones.
    pub msg_seq: Option<i64>,
    /// Random number of the message. Documented as 32 bits, but the vendor's own samples have
    /// larger ones.
    pub msg_random: Option<i64>,
    /// When the message was sent (**seconds**). Messages sort by this, then by `msg_seq`.
    pub msg_time: Option<TimestampSecs>,
    /// Unique key of the message, `MsgSeq_MsgRandom_MsgTime`. The REST call that recalls a message
    /// takes it. Bodies from before February 2020 lack it.
    pub msg_key: Option<Id>,
    /// Unique id of the message on the client's side. Only the vendor's newest pages have it.
    pub msg_id: Option<Id>,
    /// 1 for a message to online users only, else 0. Bodies from before 2021 lack it.
    pub online_only_flag: Option<Flag>,
    /// Elements of the message in order: what your reply judges. If they are missing or `null`, the
    /// body does not fit its type and [`OnError`](crate::OnError) decides.
    #[serde(deserialize_with = "crate::message::present")]
    pub msg_body: MsgBody,
    /// Whether the sender's other devices get the message: 1 yes, 2 no. Undocumented; callbacks
    /// after the delivery were recorded with it.
    pub sync_other_machine: Option<i64>,
    /// Whether key-value extensions can be set on the message. Undocumented; callbacks after the
    /// delivery were recorded with it.
    pub support_message_extension: Option<Flag>,
    /// Custom data of the message. Absent if the sender set none.
    pub cloud_custom_data: Option<String>,
    /// When the event happened (**milliseconds**). Undocumented for this command; other commands of
    /// the family have it.
    pub event_time: Option<TimestampMillis>,
}

event! {
    BeforeSendMsg, "https://trtc.io/document/34364",
    time |e| (e.event_time, e.msg_time)
}

/// A group whose unread count was cleared.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct GroupReadInfo {
    /// Id of a group whose unread count was cleared.
    pub group_id: GroupId,
    /// Sequence number in the group, as the client gave it in its request to clear the count.
    pub msg_seq: Option<i64>,
}

/// One message that was read.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct C2cMsgInfo {
    /// User id of the sender of the message: the `peer_account` of the event. Only the vendor's
    /// sample shows it.
    #[serde(rename = "From_Account")]
    pub from_account: Option<UserId>,
    /// User id of the receiver of the message: the `operator_account` of the event. Only the
    /// vendor's sample shows it.
    #[serde(rename = "To_Account")]
    pub to_account: Option<UserId>,
    /// Unique key of the message that was read.
    pub msg_key: Id,
    /// Unique id of the message on the client's side.
    pub msg_id: Option<Id>,
}
