//! Messages in groups: sent, changed, recalled, read.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::super::extension::{Extension, OperateType};
use super::group_type::GroupType;
use super::member::Member;
use crate::json::wire_text;
use crate::message::MsgBody;
use crate::types::{Flag, GroupId, Id, TimestampMillis, TimestampSecs, UserId};

/// Key-value extensions of a group message were set, deleted or cleared.
///
/// Source: <https://trtc.io/document/76007>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterGroupMsgExtension {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Sequence number of the message.
    pub msg_seq: i64,
    /// 1 set pairs, 2 delete pairs, 3 clear all.
    pub operate_type: Option<OperateType>,
    /// Pairs concerned; empty for clear.
    #[serde(default)]
    pub extension_list: Vec<Extension>,
    /// Latest version of the whole message's extensions.
    pub seq: Option<i64>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A group message was edited.
///
/// Source: <https://cloud.tencent.com/document/product/269/129193>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterModifyMsg {
    /// Message elements after the edit.
    pub msg_body: Option<MsgBody>,
    /// User who edited.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Group of the message.
    pub group_id: GroupId,
    /// Topic of the message in a community; the sample sends an empty string outside topics.
    pub topic_id: Option<GroupId>,
    /// Sequence number of the edited message.
    pub msg_seq: i64,
    /// When the edit happened (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Custom data of the message after the edit; editable through the REST API.
    pub cloud_custom_data: Option<String>,
}

/// A message asking for read receipts was sent, or members confirmed reading such messages.
///
/// Source: <https://trtc.io/document/60395>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterReadReceipt {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Group type (open set); Community is not supported for now.
    pub r#type: Option<GroupType>,
    /// Receipt state per message.
    pub group_msg_receipt_list: Vec<GroupMsgReceipt>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// Group messages have been recalled.
///
/// Source: <https://trtc.io/document/46979>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterRecallMsg {
    /// User that recalled the messages.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Group type.
    pub r#type: Option<GroupType>,
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Recalled messages.
    pub msg_seq_list: Vec<MsgSeqItem>,
    /// Topic the messages were in; only in communities with topics.
    pub topic_id: Option<GroupId>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A group message has been delivered.
///
/// Source: <https://trtc.io/document/34375>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterSendMsg {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Group type (open set); always Live on the TRTC live-room pages.
    pub r#type: Option<GroupType>,
    /// Sender.
    #[serde(rename = "From_Account")]
    pub from_account: Option<UserId>,
    /// User that issued the request; differs from the sender when an admin sends on someone's behalf (absent before 2020).
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// 32-bit random number of the message; unsigned, values above 2^31 occur.
    pub random: Option<i64>,
    /// Client-side unique id of the message (pages by 2025).
    pub msg_id: Option<Id>,
    /// Sequence number of the message in its group; larger is later (absent only in the oldest body).
    pub msg_seq: Option<i64>,
    /// Server time of the message (**seconds**).
    pub msg_time: Option<TimestampSecs>,
    /// 1 for an online-only message, else 0; always 0 for `AVChatRoom`.
    pub online_only_flag: Option<Flag>,
    /// Message elements in order.
    #[serde(default)]
    pub msg_body: MsgBody,
    /// Custom data stored with the message.
    pub cloud_custom_data: Option<String>,
    /// Topic the message was sent in; only in communities with topics.
    pub topic_id: Option<GroupId>,
    /// Who is mentioned; at most 30 users at once.
    pub group_at_info: Option<Vec<GroupAtInfo>>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Sender nickname; not on the vendor's page.
    pub nick_name: Option<String>,
    /// Priority of the message; not on every page.
    pub msg_priority: Option<MsgPriority>,
}

/// A group message is about to be delivered; the reply may allow, refuse, drop or rewrite it.
///
/// Source: <https://cloud.tencent.com/document/product/269/1619>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BeforeSendMsg {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Group type (open set); always Live on the TRTC live-room pages.
    pub r#type: Option<GroupType>,
    /// Sender.
    #[serde(rename = "From_Account")]
    pub from_account: Option<UserId>,
    /// User that issued the request; differs from the sender when an admin sends on someone's behalf.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// 32-bit random number of the message; unsigned, values above 2^31 occur.
    pub random: Option<i64>,
    /// Client-side unique id of the message, three numbers joined by hyphens.
    pub msg_id: Option<Id>,
    /// 1 for an online-only message, else 0; always 0 for `AVChatRoom`; absent in live-room and pre-2021 bodies.
    pub online_only_flag: Option<Flag>,
    /// Message elements in order.
    #[serde(deserialize_with = "crate::message::present")]
    pub msg_body: MsgBody,
    /// Custom data stored with the message.
    pub cloud_custom_data: Option<String>,
    /// Topic the message goes to; only in communities with topics.
    pub topic_id: Option<GroupId>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Priority of the message; not on every page.
    pub msg_priority: Option<MsgPriority>,
}

/// A group message could not be delivered.
///
/// Source: <https://trtc.io/document/49462>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct SendMsgException {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Group type.
    pub r#type: Option<GroupType>,
    /// Sender.
    #[serde(rename = "From_Account")]
    pub from_account: Option<UserId>,
    /// User that issued the request.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// 32-bit random number of the message, unsigned.
    pub random: Option<i64>,
    /// 1 for an online-only message, else 0; always 0 for `AVChatRoom`.
    pub online_only_flag: Option<Flag>,
    /// Message elements in order.
    #[serde(default)]
    pub msg_body: MsgBody,
    /// Custom data stored with the message.
    pub cloud_custom_data: Option<String>,
    /// Why the delivery failed (IM error code, e.g. 10023 for a rate limit).
    pub error_code: Option<i64>,
    /// Text for that error.
    pub error_info: Option<String>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
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
    /// How many have not.
    pub unread_num: Option<i64>,
    /// Members that read it.
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
    /// Client-side unique id of that message.
    pub msg_id: Option<Id>,
}

/// A mention.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct GroupAtInfo {
    /// 1 mentions everyone, 0 one user.
    pub group_at_all_flag: Option<Flag>,
    /// User mentioned; absent when the flag is 1.
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
