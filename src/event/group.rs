//! Groups, their messages and topics (`Group.…`).
//!
//! ```
//! use tencent_im_callback::{Command, event::group::AfterChangeGroupOwner, testing};
//!
//! let sample = testing::sample(&Command::GroupAfterChangeGroupOwner).unwrap_or_default();
//! let callback = testing::callback::<AfterChangeGroupOwner>(sample);
//! println!("{:?}", callback.event);
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

pub use super::extension::{Extension, OperateType};
use crate::json::wire_text;
use crate::message::MsgBody;
use crate::protocol::{Flag, GroupId, Id, TimestampMillis, TimestampSecs, UserId};

/// A group has a new owner.
///
/// Source: <https://trtc.io/document/60396>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterChangeGroupOwner {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Group type (open set; see notes).
    pub r#type: Option<GroupType>,
    /// User that transferred the group.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Former owner.
    #[serde(rename = "OldOwner_Account")]
    pub old_owner_account: Option<UserId>,
    /// New owner.
    #[serde(rename = "NewOwner_Account")]
    pub new_owner_account: Option<UserId>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A group has been created.
///
/// Source: <https://intl.cloud.tencent.com/document/product/1047/34369>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterCreateGroup {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// User that sent the create request.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Group owner.
    #[serde(rename = "Owner_Account")]
    pub owner_account: Option<UserId>,
    /// Group type (open set; see notes).
    pub r#type: Option<GroupType>,
    /// Group name.
    pub name: Option<String>,
    /// Initial members.
    pub member_list: Option<Vec<Member>>,
    /// Custom group fields given at creation; only when custom fields are enabled in the console and used.
    pub user_defined_data_list: Option<Vec<UserDefinedData>>,
    /// UNCONFIRMED: only in one SDK struct; official pages have no counter here.
    pub create_group_num: Option<i64>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Who may invite; seen in a third-party log.
    pub invite_option: Option<InviteOption>,
}

/// A topic has been created in a community.
///
/// Source: <https://trtc.io/document/49464>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterCreateTopic {
    /// Id of the community the topic belongs to.
    pub group_id: GroupId,
    /// Id of the new topic.
    pub topic_id: GroupId,
    /// User that sent the create request.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Community owner.
    #[serde(rename = "Owner_Account")]
    pub owner_account: Option<UserId>,
    /// Type of the group the topic belongs to.
    pub r#type: Option<GroupType>,
    /// Topic name.
    pub name: Option<String>,
    /// Custom topic fields given at creation; only when enabled in the console and used.
    pub user_defined_data_list: Option<Vec<UserDefinedData>>,
}

/// Custom attributes of a group were set, changed, cleared or deleted.
///
/// Source: <https://trtc.io/document/60394>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterGroupAttrChanged {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Group type (open set; see notes).
    pub r#type: Option<GroupType>,
    /// User that made the change.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// What was done: replace all, change some, clear all, delete some (in the sample, not in the field table).
    pub option_type: Option<OptionType>,
    /// Attributes concerned.
    pub group_attr: Option<Vec<GroupAttr>>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A group has been disbanded.
///
/// Source: <https://intl.cloud.tencent.com/document/product/1047/34377>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterGroupDestroyed {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Group type (open set; see notes).
    pub r#type: Option<GroupType>,
    /// User that disbanded the group (mainland page since 2024-02-04; not on international pages).
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Owner.
    #[serde(rename = "Owner_Account")]
    pub owner_account: Option<UserId>,
    /// Group name (in every sample, but missing from the field table).
    pub name: Option<String>,
    /// Members at the time; never sent for Community groups.
    pub member_list: Option<Vec<Member>>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A group reached its member limit, or a join failed because it was already full.
///
/// Source: <https://intl.cloud.tencent.com/document/product/1047/34376>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterGroupFull {
    /// Id of the full group.
    pub group_id: GroupId,
    /// Full topic; only for private topics of a community (mainland page).
    pub topic_id: Option<GroupId>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// The name, introduction, notice or avatar of a group has changed.
///
/// Source: <https://intl.cloud.tencent.com/document/product/1047/34378>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterGroupInfoChanged {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Group type (open set; see notes).
    pub r#type: Option<GroupType>,
    /// User that made the change.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// New group name.
    pub name: Option<String>,
    /// New introduction.
    pub introduction: Option<String>,
    /// New notice.
    pub notification: Option<String>,
    /// New avatar URL.
    pub face_url: Option<String>,
    /// Changed custom group fields; documented in 2019 to 2020-06 only, removed from the page since.
    pub user_defined_data_list: Option<Vec<UserDefinedData>>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// Key-value extensions of a group message were set, deleted or cleared.
///
/// Source: <https://trtc.io/zh/document/76007>
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

/// Users have left a group or were removed from it.
///
/// Source: <https://intl.cloud.tencent.com/document/product/1047/34373>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterMemberExit {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Group type (open set; see notes).
    pub r#type: Option<GroupType>,
    /// Removed by someone, or left on their own.
    pub exit_type: Option<ExitType>,
    /// User that acted: the remover for Kicked, the leaver for Quit.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Users that left.
    pub exit_member_list: Vec<Member>,
    /// Topic concerned; only for private topics (mainland page of 2025-02-08; the row was seen cut after its first letters,
    /// so treat as likely rather than certain).
    pub topic_id: Option<GroupId>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// The role or name card of a group member has changed.
///
/// Source: <https://trtc.io/document/60393>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterMemberFieldChanged {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Group type (open set; see notes).
    pub r#type: Option<GroupType>,
    /// User that made the change.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Changed member (name used by the international pages, 2024-05 to 2025-03).
    #[serde(rename = "Member_Account")]
    pub member_account: Option<UserId>,
    /// Changed member (name used by the mainland page and by one SDK).
    #[serde(rename = "Modified_Account")]
    pub modified_account: Option<UserId>,
    /// New role: made admin, or back to plain member.
    pub role: Option<Role>,
    /// New name card.
    pub name_card: Option<String>,
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
    /// Custom data of the message after the edit; editable through the REST API, in no sample.
    pub cloud_custom_data: Option<String>,
}

/// Users have joined a group.
///
/// Source: <https://trtc.io/document/34354>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterNewMemberJoin {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Group type (open set; see notes).
    pub r#type: Option<GroupType>,
    /// How they joined: on their own application, or pulled in.
    pub join_type: Option<JoinType>,
    /// User behind the join request.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Users that joined.
    pub new_member_list: Vec<Member>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Topic concerned; by analogy with the sibling commands.
    pub topic_id: Option<GroupId>,
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
/// Source: <https://intl.cloud.tencent.com/document/product/1047/46979>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterRecallMsg {
    /// User that recalled the messages.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Group type (open set; see notes).
    pub r#type: Option<GroupType>,
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Recalled messages.
    pub msg_seq_list: Vec<MsgSeqItem>,
    /// Topic the messages were in; only in communities with topics (pages since 2022-08).
    pub topic_id: Option<GroupId>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A group message has been delivered.
///
/// Source: <https://cloud.tencent.com/document/product/454/125496>
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
    /// Sender nickname; seen in a third-party log of an audio-video group.
    pub nick_name: Option<String>,
    /// Priority of the message; not on every page.
    pub msg_priority: Option<MsgPriority>,
}

/// Topics of a community have been deleted.
///
/// Source: <https://trtc.io/document/49465>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterTopicDestroyed {
    /// Id of the community the topics belonged to.
    pub group_id: GroupId,
    /// Type of the group the topics belonged to.
    pub r#type: Option<GroupType>,
    /// IDs of the deleted topics; array of plain strings.
    pub topic_id_list: Vec<GroupId>,
}

/// The name, introduction, notice or avatar of a topic has changed.
///
/// Source: <https://trtc.io/document/49466>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterTopicInfoChanged {
    /// Id of the community the topic belongs to.
    pub group_id: GroupId,
    /// Type of the group the topic belongs to.
    pub r#type: Option<GroupType>,
    /// User that made the change.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// New topic name.
    pub name: Option<String>,
    /// New introduction.
    pub introduction: Option<String>,
    /// New notice.
    pub notification: Option<String>,
    /// New avatar URL.
    pub face_url: Option<String>,
    /// Topic concerned; by analogy with the sibling commands.
    pub topic_id: Option<GroupId>,
}

/// A user applies to join a group; the reply lets the application go on or refuses it.
///
/// Source: <https://intl.cloud.tencent.com/document/product/1047/34370>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BeforeApplyJoinGroup {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Group type (open set; see notes).
    pub r#type: Option<GroupType>,
    /// Applicant.
    #[serde(rename = "Requestor_Account")]
    pub requestor_account: UserId,
    /// Text of the application (mainland page since 2025-02-28).
    pub apply_msg: Option<String>,
    /// Topic being joined; only for private topics of a community (mainland page, 2025).
    pub topic_id: Option<GroupId>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A user or admin asks to create a group; the reply allows or refuses it.
///
/// Source: <https://intl.cloud.tencent.com/document/product/1047/34368>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BeforeCreateGroup {
    /// User that sent the create request.
    #[serde(rename = "Operator_Account")]
    pub operator_account: UserId,
    /// User that will own the group.
    #[serde(rename = "Owner_Account")]
    pub owner_account: Option<UserId>,
    /// Group type (open set; see notes).
    pub r#type: Option<GroupType>,
    /// Requested group name.
    pub name: Option<String>,
    /// How many groups of this type the user already created (documented 2022 to 2025, dropped from the mainland page of
    /// 2025-12-04).
    pub create_group_num: Option<i64>,
    /// Same meaning under an older name (samples of 2020-06 to 2022-06); one SDK reads it as an object instead, see notes.
    pub created_group_num: Option<CreatedGroupNum>,
    /// Same meaning under the oldest name (samples of 2019 to 2020-06).
    pub created_num: Option<i64>,
    /// Invite option of the new group; UNCONFIRMED by any official page, only in one SDK.
    pub invite_option: Option<InviteOption>,
    /// Initial members requested.
    pub member_list: Option<Vec<Member>>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A user or admin asks to create a topic in a community; the reply allows or refuses it.
///
/// Source: <https://trtc.io/document/49463>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BeforeCreateTopic {
    /// User that sent the create request.
    #[serde(rename = "Operator_Account")]
    pub operator_account: UserId,
    /// Type of the group the topic belongs to.
    pub r#type: Option<GroupType>,
    /// Requested topic name.
    pub name: Option<String>,
}

/// A member or admin is about to pull users into a group; the reply may refuse some or all.
///
/// Source: <https://intl.cloud.tencent.com/document/product/1047/34371>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BeforeInviteJoinGroup {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Group type (open set; see notes).
    pub r#type: Option<GroupType>,
    /// User doing the inviting.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Users about to be added.
    pub destination_members: Vec<Member>,
    /// Topic concerned; only for private topics of a community (mainland page of 2025-02-08).
    pub topic_id: Option<GroupId>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A group message is about to be delivered; the reply may allow, refuse, drop or rewrite it.
///
/// Source: <https://trtc.io/document/74347>
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
    /// Client-side unique id of the message, three numbers joined by hyphens (pages since 2025-02).
    pub msg_id: Option<Id>,
    /// 1 for an online-only message, else 0; always 0 for `AVChatRoom`; absent in live-room and pre-2021 bodies.
    pub online_only_flag: Option<Flag>,
    /// Message elements in order.
    #[serde(deserialize_with = "crate::message::present")]
    pub msg_body: MsgBody,
    /// Custom data stored with the message (pages since 2022).
    pub cloud_custom_data: Option<String>,
    /// Topic the message goes to; only in communities with topics.
    pub topic_id: Option<GroupId>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Priority of the message; not on every page.
    pub msg_priority: Option<MsgPriority>,
}

/// The day's net number of new groups passed 70% of the app's limit.
///
/// Source: <https://trtc.io/document/57455>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct OnDailyGroupQuotaAlarm {
    /// Groups created minus groups disbanded today.
    pub quota_used: Option<i64>,
    /// Daily limit of that net increase.
    pub quota: Option<i64>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// Members of an `AVChatRoom` went online or offline in that group.
///
/// Source: <https://trtc.io/document/48734>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct OnMemberStateChange {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Went offline or (back) online.
    pub event_type: Option<EventType>,
    /// Why: heartbeat lost, heartbeat back, first device joined, last device left (pages since 2024-06 at the latest).
    pub event_cause: Option<EventCause>,
    /// Members concerned.
    pub member_list: Vec<Member>,
    /// Group type, said to be fixed to `AVChatRoom`; UNCONFIRMED, only in one SDK.
    pub r#type: Option<GroupType>,
    /// When the event fired, Unix time; in the newest English sample but not in its field table (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
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
    /// Group type (open set; see notes).
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

/// A member.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Member {
    /// An initial member.
    #[serde(rename = "Member_Account")]
    pub member_account: UserId,
}

/// A custom field.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct UserDefinedData {
    /// Custom field name.
    pub key: String,
    /// Custom field value.
    pub value: Option<String>,
}

/// A custom attribute of a group.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct GroupAttr {
    /// Attribute name; lower-case member name.
    #[serde(rename = "key")]
    pub key: String,
    /// Attribute value; lower-case member name.
    #[serde(rename = "value")]
    pub value: Option<String>,
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
    /// Client-side unique id of that message (pages since 2025-02).
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
    /// Type of a group. An open set.
    GroupType {
        /// Public.
        Public = "Public";
        /// Private, today `Work`.
        Private = "Private";
        /// For work.
        Work = "Work";
        /// Chat room, today `Meeting`.
        ChatRoom = "ChatRoom";
        /// Meeting.
        Meeting = "Meeting";
        /// Live group.
        AvChatRoom = "AVChatRoom";
        /// Community.
        Community = "Community";
        /// Live room.
        Live = "Live";
    }

    /// Who may invite.
    InviteOption {
        /// Nobody.
        DisableInvite = "DisableInvite";
        /// With permission.
        NeedPermission = "NeedPermission";
    }

    /// What was done with the attributes.
    OptionType {
        /// All were replaced.
        Set = "set";
        /// Some were changed.
        Modify = "modify";
        /// All were cleared.
        Clear = "clear";
        /// Some were deleted.
        Delete = "delete";
    }

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

    /// How somebody left.
    ExitType {
        /// Removed by someone.
        Kicked = "Kicked";
        /// Left on their own.
        Quit = "Quit";
    }

    /// Role of a member.
    Role {
        /// Admin.
        Admin = "Admin";
        /// Plain member.
        Member = "Member";
    }

    /// How somebody joined.
    JoinType {
        /// On their own application.
        Apply = "Apply";
        /// Pulled in.
        Invited = "Invited";
    }

    /// Direction of a change of state.
    EventType {
        /// Went offline.
        Offline = "Offline";
        /// Came online.
        Online = "Online";
    }

    /// Cause of a change of state.
    EventCause {
        /// The heartbeat was lost.
        HeartbeatInterrupt = "HeartbeatInterrupt";
        /// The heartbeat came back.
        HeartbeatRecover = "HeartbeatRecover";
        /// The first device joined.
        Join = "Join";
        /// The last device left.
        Quit = "Quit";
    }
}

/// How many groups a user has made already: a number, or one for each type of group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CreatedGroupNum {
    /// Of the type in question.
    Number(i64),
    /// Of each type.
    PerType(BTreeMap<String, i64>),
}

impl CreatedGroupNum {
    /// The number for this type of group.
    pub fn of(&self, group_type: &GroupType) -> Option<i64> {
        match self {
            CreatedGroupNum::Number(number) => Some(*number),
            CreatedGroupNum::PerType(numbers) => numbers.get(group_type.as_str()).copied(),
        }
    }
}

impl Serialize for CreatedGroupNum {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            CreatedGroupNum::Number(number) => serializer.serialize_i64(*number),
            CreatedGroupNum::PerType(numbers) => numbers.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for CreatedGroupNum {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Count;

        impl<'de> serde::de::Visitor<'de> for Count {
            type Value = CreatedGroupNum;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number, or one for each type of group")
            }

            fn visit_i64<E>(self, number: i64) -> Result<CreatedGroupNum, E> {
                Ok(CreatedGroupNum::Number(number))
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<CreatedGroupNum, E> {
                let number = i64::try_from(number).map_err(|_| E::custom("integer of more than 63 bits"))?;
                Ok(CreatedGroupNum::Number(number))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<CreatedGroupNum, E> {
                let number = text.parse().map_err(|_| E::custom("text that is no integer"))?;
                Ok(CreatedGroupNum::Number(number))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut members: A) -> Result<CreatedGroupNum, A::Error> {
                let mut numbers = BTreeMap::new();
                while let Some(key) = members.next_key()? {
                    let number = members.next_value()?;
                    if numbers.insert(key, number).is_some() {
                        return Err(serde::de::Error::custom("a type of group twice"));
                    }
                }
                Ok(CreatedGroupNum::PerType(numbers))
            }
        }

        deserializer.deserialize_any(Count)
    }
}

impl AfterMemberFieldChanged {
    /// The member whose field changed, by whichever of its two names the vendor sent it.
    pub fn member(&self) -> Option<&UserId> {
        self.member_account.as_ref().or(self.modified_account.as_ref())
    }
}

impl BeforeCreateGroup {
    /// How many groups of this type the user has made already, by whichever of its three names the vendor sent it.
    pub fn created_groups(&self) -> Option<i64> {
        let by_type = || self.created_group_num.as_ref()?.of(self.r#type.as_ref()?);
        let number = || match &self.created_group_num {
            Some(CreatedGroupNum::Number(number)) => Some(*number),
            _ => by_type(),
        };
        self.create_group_num.or_else(number).or(self.created_num)
    }
}
