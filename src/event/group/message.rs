//! Messages in groups: sent, changed, recalled, read.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::super::extension::{Extension, OperateType};
use super::group_type::GroupType;
use super::member::Member;
use crate::event::rules::event;
use crate::json::wire_text;
use crate::message::MsgBody;
use crate::types::{Flag, GroupId, Id, TimestampMillis, TimestampSecs, UserId};

/// Key-value extensions of a group message were set, deleted or cleared.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterGroupMsgExtension {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Sequence number of the message.
    pub msg_seq: i64,
    /// What was done: 1 pairs were set, 2 pairs were deleted, 3 all were cleared.
    pub operate_type: Option<OperateType>,
    /// Pairs that were set or deleted. Empty when all were cleared.
    #[serde(default)]
    pub extension_list: Vec<Extension>,
    /// Newest version of the extensions of this message as a whole.
    pub seq: Option<i64>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterGroupMsgExtension, "https://trtc.io/document/76007",
    time |e| e.event_time,
    order group |e| [e.group_id]
}

/// A group message was edited.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterModifyMsg {
    /// Message elements after the edit.
    pub msg_body: Option<MsgBody>,
    /// User id of who edited the message.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Id of the group that the message is in.
    pub group_id: GroupId,
    /// Id of the topic that the message is in; absent or empty outside of topics.
    pub topic_id: Option<GroupId>,
    /// Sequence number of the edited message.
    pub msg_seq: i64,
    /// When the edit happened (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Custom data of the message after the edit. The REST API can edit it; may be absent.
    pub cloud_custom_data: Option<String>,
}

event! {
    AfterModifyMsg, "https://cloud.tencent.com/document/product/269/129193",
    time |e| e.event_time,
    order group |e| [e.group_id]
}

/// A message asking for read receipts was sent, or members confirmed reading such messages.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterReadReceipt {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Type of the group, such as `Public`. Communities have no read receipts yet.
    pub r#type: Option<GroupType>,
    /// Receipts, one entry for each message.
    pub group_msg_receipt_list: Vec<GroupMsgReceipt>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterReadReceipt, "https://trtc.io/document/60395",
    time |e| e.event_time,
    order group |e| [e.group_id]
}

/// Group messages have been recalled.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterRecallMsg {
    /// User id of who recalled the messages.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Type of the group, such as `Public`.
    pub r#type: Option<GroupType>,
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Messages that were recalled, by their sequence numbers.
    pub msg_seq_list: Vec<MsgSeqItem>,
    /// Id of the topic that the messages were in; only in communities with topics.
    pub topic_id: Option<GroupId>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterRecallMsg, "https://trtc.io/document/46979",
    time |e| e.event_time,
    order group |e| [e.group_id]
}

/// A group message has been delivered.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterSendMsg {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Type of the group, such as `Public`; `Live` if the group is a live room.
    pub r#type: Option<GroupType>,
    /// User id of the sender. `@TLS#NOT_FOUND` if a message over REST or from the console named no
    /// sender.
    #[serde(rename = "From_Account")]
    pub from_account: Option<UserId>,
    /// User id of who made the send request. It differs from the sender if an admin sends for
    /// somebody else. Bodies from before 2020 lack it.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Random number of the message, 32 bits without a sign. One-to-one messages call it
    /// `MsgRandom`.
    pub random: Option<i64>,
    /// Unique id of the message on the client's side. Bodies from before 2025 lack it.
    pub msg_id: Option<Id>,
    /// Sequence number of the message in its group; a later message has a larger one.
    pub msg_seq: Option<i64>,
    /// Server time of the message (**seconds**).
    pub msg_time: Option<TimestampSecs>,
    /// 1 for an online-only message, else 0; always 0 for `AVChatRoom`.
    pub online_only_flag: Option<Flag>,
    /// Message elements in order.
    #[serde(default)]
    pub msg_body: MsgBody,
    /// Custom data that was stored with the message; may be absent.
    pub cloud_custom_data: Option<String>,
    /// Topic the message was sent in; only in communities with topics.
    pub topic_id: Option<GroupId>,
    /// Who is mentioned, at most 30 users; may be absent.
    pub group_at_info: Option<Vec<GroupAtInfo>>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Nickname of the sender. Undocumented; seen in a recorded callback.
    pub nick_name: Option<String>,
    /// Priority that the sender gave the message. Undocumented for callbacks; seen in recorded ones
    /// of 2022.
    pub msg_priority: Option<MsgPriority>,
}

event! {
    AfterSendMsg, "https://trtc.io/document/34375",
    time |e| e.event_time,
    id |e| e.msg_seq,
    order group |e| [e.group_id]
}

/// A group message is about to be delivered; the reply may allow, refuse, drop or rewrite it.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BeforeSendMsg {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Type of the group, such as `Public`; `Live` if the group is a live room.
    pub r#type: Option<GroupType>,
    /// User id of the sender. `@TLS#NOT_FOUND` if a message over REST or from the console named no
    /// sender.
    #[serde(rename = "From_Account")]
    pub from_account: Option<UserId>,
    /// User id of who made the send request. It differs from the sender if an admin sends for
    /// somebody else.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Random number of the message, 32 bits without a sign. One-to-one messages call it
    /// `MsgRandom`.
    pub random: Option<i64>,
    /// Unique id of the message on the client's side, three numbers joined by hyphens. Bodies from
    /// before 2025 lack it.
    pub msg_id: Option<Id>,
    /// 1 for a message to online users only, else 0. Always 0 for `AVChatRoom`. Live rooms and
    /// bodies from before 2021 lack it.
    pub online_only_flag: Option<Flag>,
    /// Elements of the message in order: what your reply judges. If they are missing or `null`, the
    /// body does not fit its type and [`OnError`](crate::OnError) decides.
    #[serde(deserialize_with = "crate::message::present")]
    pub msg_body: MsgBody,
    /// Custom data stored with the message.
    pub cloud_custom_data: Option<String>,
    /// Id of the topic that the message goes to; only in communities with topics.
    pub topic_id: Option<GroupId>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Priority that the sender gave the message. Undocumented for callbacks; seen in recorded ones
    /// of 2022.
    pub msg_priority: Option<MsgPriority>,
}

event! {
    BeforeSendMsg, "https://cloud.tencent.com/document/product/269/1619",
    time |e| e.event_time
}

/// A group message could not be delivered.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct SendMsgException {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Type of the group, such as `Public`.
    pub r#type: Option<GroupType>,
    /// User id of the sender of the message.
    #[serde(rename = "From_Account")]
    pub from_account: Option<UserId>,
    /// User id of who made the send request.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Random number of the message, 32 bits without a sign.
    pub random: Option<i64>,
    /// 1 for an online-only message, else 0; always 0 for `AVChatRoom`.
    pub online_only_flag: Option<Flag>,
    /// Message elements in order.
    #[serde(default)]
    pub msg_body: MsgBody,
    /// Custom data stored with the message.
    pub cloud_custom_data: Option<String>,
    /// Why the message was not delivered: an error code of Chat, such as 10023 for a rate limit.
    pub error_code: Option<i64>,
    /// Text for that error code. The reply has fields of the same names.
    pub error_info: Option<String>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    SendMsgException, "https://trtc.io/document/49462",
    time |e| e.event_time,
    order group |e| [e.group_id]
}

/// Receipts of one message.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct GroupMsgReceipt {
    /// Sequence number of the message.
    pub msg_seq: i64,
    /// How many members have read it.
    pub read_num: Option<i64>,
    /// How many members have not read it yet.
    pub unread_num: Option<i64>,
    /// Members who read it. Whether it is empty or absent when the message was only just sent is
    /// not documented.
    pub read_receipt_members: Option<Vec<Member>>,
}

/// A recalled message.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct MsgSeqItem {
    /// Sequence number of a recalled message.
    pub msg_seq: i64,
    /// Unique id of that message on the client's side. Bodies from before 2025 lack it.
    pub msg_id: Option<Id>,
}

/// A mention.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct GroupAtInfo {
    /// 1 if everyone is mentioned, 0 if a single user is.
    pub group_at_all_flag: Option<Flag>,
    /// User id of who is mentioned; absent if everyone is.
    #[serde(rename = "GroupAt_Account")]
    pub group_at_account: Option<UserId>,
}

wire_text! {
    /// Priority of a message.
    MsgPriority {
        /// High.
        High = "High";
        /// Normal.
        Normal = "Normal";
        /// Low.
        Low = "Low";
        /// Lowest.
        Lowest = "Lowest";
    }
}
