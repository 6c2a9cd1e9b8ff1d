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
use crate::message::MsgBody;
use crate::types::{Flag, GroupId, Id, TimestampMillis, TimestampSecs, UserId};

/// Key-value extensions of a one-to-one message were set, deleted or cleared.
///
/// Source: <https://trtc.io/document/76006>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterC2cMsgExtension {
    /// Sender of the message (by the matching REST call; the callback table itself was not visible).
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// Receiver of the message (same remark).
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Unique key of the message.
    pub msg_key: Id,
    /// 1 = set, 2 = delete keys, 3 = clear all.
    pub operate_type: Option<OperateType>,
    /// Affected entries; expected empty for `OperateType` 3 (seen so for the group sibling).
    #[serde(default)]
    pub extension_list: Vec<Extension>,
    /// Newest version over the whole message.
    pub seq: Option<i64>,
    /// When it happened (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A one-to-one message was edited.
///
/// Source: <https://cloud.tencent.com/document/product/269/128224>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterModifyMsg {
    /// Custom data of the message after the edit.
    pub cloud_custom_data: Option<String>,
    /// Message elements after the edit.
    pub msg_body: Option<MsgBody>,
    /// User who edited.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Sender.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// Receiver.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Random number of the message (type from the sample).
    pub msg_random: Option<i64>,
    /// Sequence number of the message (type from the sample).
    pub msg_seq: Option<i64>,
    /// Send time of the message (type from the sample) (**seconds**).
    pub msg_time: Option<TimestampSecs>,
    /// Unique key, `MsgSeq_MsgRandom_MsgTime`.
    pub msg_key: Id,
    /// When the edit happened (type from the sample) (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A user marked everything as read, one-to-one and group conversations alike.
///
/// Source: <https://cloud.tencent.com/document/product/269/128225>
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
    /// Groups whose unread count was cleared.
    pub group_read_info: Option<Vec<GroupReadInfo>>,
}

/// Read receipts were sent for single one-to-one messages.
///
/// Source: <https://cloud.tencent.com/document/product/269/128223>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterMsgReadReceipt {
    /// User who sent the receipt.
    #[serde(rename = "Operator_Account")]
    pub operator_account: UserId,
    /// Other user of the conversation.
    #[serde(rename = "Peer_Account")]
    pub peer_account: UserId,
    /// Messages that were read.
    #[serde(rename = "C2CMsgInfo", default)]
    pub c2c_msg_info: Vec<C2cMsgInfo>,
    /// When the receipt was sent (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A user reported a one-to-one conversation as read.
///
/// Source: <https://trtc.io/document/43465>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterMsgReport {
    /// User who read.
    #[serde(rename = "Report_Account")]
    pub report_account: UserId,
    /// Other user of the conversation.
    #[serde(rename = "Peer_Account")]
    pub peer_account: UserId,
    /// Everything in this conversation up to this time is read (**seconds**).
    pub last_read_time: Option<TimestampSecs>,
    /// When it happened (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Total unread one-to-one messages of `Report_Account` over all conversations.
    pub unread_msg_num: Option<i64>,
}

/// A one-to-one message was recalled.
///
/// Source: <https://trtc.io/document/43466>
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
    /// When it happened (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Total unread one-to-one messages of `To_Account`; international pages only.
    pub unread_msg_num: Option<i64>,
}

/// A one-to-one message was sent (or its delivery failed).
///
/// Source: <https://trtc.io/document/34365>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterSendMsg {
    /// Sender.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// Receiver.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Sequence number of the message (documented as an unsigned 32-bit number).
    pub msg_seq: Option<i64>,
    /// Random number of the message (documented as an unsigned 32-bit number).
    pub msg_random: Option<i64>,
    /// Send time; messages sort by `MsgTime`, then `MsgSeq` (**seconds**).
    pub msg_time: Option<TimestampSecs>,
    /// Unique key of the message, `MsgSeq_MsgRandom_MsgTime`; what the recall API takes. Missing from bodies documented
    /// before Feb 2020.
    pub msg_key: Option<Id>,
    /// Unique id of the message on the client side; newest pages only.
    pub msg_id: Option<Id>,
    /// 1 for an online-only message, else 0; missing from bodies documented before 2021.
    pub online_only_flag: Option<Flag>,
    /// Delivery result, 0 = delivered, otherwise an error code; since July 2020.
    pub send_msg_result: Option<i64>,
    /// Error text of the delivery, "send msg succeed" on success; since July 2020.
    pub error_info: Option<String>,
    /// Total unread one-to-one messages of `To_Account`, -1 when delivery failed; since 2021, may be missing.
    pub unread_msg_num: Option<i64>,
    /// Message elements.
    #[serde(default)]
    pub msg_body: MsgBody,
    /// 1 if the sender's other devices get the message, 2 if not; recorded, not documented.
    pub sync_other_machine: Option<i64>,
    /// Whether the message may be extended; recorded, not documented.
    pub support_message_extension: Option<Flag>,
    /// Custom data of the message; absent when the sender set none.
    pub cloud_custom_data: Option<String>,
    /// When the event happened; in other versions of the sibling pages (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A one-to-one message is about to be delivered; the reply lets it pass, blocks it, drops it silently or rewrites it.
///
/// Source: <https://trtc.io/document/34364>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BeforeSendMsg {
    /// Sender.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// Receiver.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Sequence number of the message (documented as an unsigned 32-bit number).
    pub msg_seq: Option<i64>,
    /// Random number of the message (documented as an unsigned 32-bit number).
    pub msg_random: Option<i64>,
    /// Send time; messages sort by `MsgTime`, then `MsgSeq` (**seconds**).
    pub msg_time: Option<TimestampSecs>,
    /// Unique key of the message, `MsgSeq_MsgRandom_MsgTime`; what the recall API takes. Missing from bodies documented
    /// before Feb 2020.
    pub msg_key: Option<Id>,
    /// Unique id of the message on the client side; newest pages only.
    pub msg_id: Option<Id>,
    /// 1 for an online-only message, else 0; missing from bodies documented before 2021.
    pub online_only_flag: Option<Flag>,
    /// Message elements.
    #[serde(deserialize_with = "crate::message::present")]
    pub msg_body: MsgBody,
    /// 1 if the sender's other devices get the message, 2 if not; recorded, not documented.
    pub sync_other_machine: Option<i64>,
    /// Whether the message may be extended; recorded, not documented.
    pub support_message_extension: Option<Flag>,
    /// Custom data of the message; absent when the sender set none.
    pub cloud_custom_data: Option<String>,
    /// When the event happened; in other versions of the sibling pages (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A group whose unread count was cleared.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct GroupReadInfo {
    /// Group id.
    pub group_id: GroupId,
    /// Group message sequence number given in the clear request.
    pub msg_seq: Option<i64>,
}

/// One message that was read.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct C2cMsgInfo {
    /// Sender of the message (sample only).
    #[serde(rename = "From_Account")]
    pub from_account: Option<UserId>,
    /// Receiver of the message (sample only).
    #[serde(rename = "To_Account")]
    pub to_account: Option<UserId>,
    /// Unique key of the message.
    pub msg_key: Id,
    /// Client-side id of the message.
    pub msg_id: Option<Id>,
}
