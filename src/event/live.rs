//! Live rooms (`Live.…`).
//!
//! ```
//! use tencent_im_callback::{Command, event::live::AfterChangeOwner, testing};
//!
//! let sample = testing::sample(&Command::LiveAfterChangeOwner).unwrap_or_default();
//! let callback = testing::callback::<AfterChangeOwner>(sample);
//! println!("{:?}", callback.event);
//! ```

use serde::{Deserialize, Serialize};

pub use super::recording::{EventGroup, RecordingInfo, RecordingPayload};
use super::room::TakeSeatMode;
use crate::protocol::{GroupId, Id, TimestampMillis, TimestampSecs, UserId};
use crate::wire::{self, Item, wire_int, wire_text};

/// The owner of a live room was changed.
///
/// Source: <https://www-sg.tencentcloud.com/ind/document/product/647/72553>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterChangeOwner {
    /// Room id.
    #[serde(rename = "RoomId")]
    pub room_id: GroupId,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
    /// Whoever made the change.
    #[serde(rename = "Operator_Account", skip_serializing_if = "Option::is_none")]
    pub operator_account: Option<UserId>,
    /// New owner.
    #[serde(rename = "CurrentOwner_Account", skip_serializing_if = "Option::is_none")]
    pub current_owner_account: Option<UserId>,
    /// Former owner.
    #[serde(rename = "OriginalOwner_Account", skip_serializing_if = "Option::is_none")]
    pub original_owner_account: Option<UserId>,
}

/// The state of a live room's cloud recording changed.
///
/// Source: <https://cloud.tencent.com/document/product/269/129603>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterCloudRecordingChanged {
    /// Event group: 3 cloud recording, 8 web-page recording.
    #[serde(
        rename = "EventGroupId",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_group_id: Option<EventGroup>,
    /// Recording event number as in the TRTC cloud-recording callback.
    #[serde(
        rename = "EventType",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_type: Option<i64>,
    /// When the callback was sent (**milliseconds**).
    #[serde(
        rename = "CallbackTs",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub callback_ts: Option<TimestampMillis>,
    /// Recording event, passed on from the TRTC cloud-recording callback.
    #[serde(rename = "EventInfo")]
    pub event_info: RecordingInfo,
}

/// A battle (PK) between live rooms was created.
///
/// Source: <https://trtc.io/zh/document/68259?product=live>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterCreateBattle {
    /// Whoever created the battle.
    #[serde(rename = "Operator_Account", skip_serializing_if = "Option::is_none")]
    pub operator_account: Option<UserId>,
    /// Id of the battle (base64-looking).
    #[serde(rename = "BattleId")]
    pub battle_id: Id,
    /// Room id of the inviting side.
    #[serde(rename = "FromRoomId", skip_serializing_if = "Option::is_none")]
    pub from_room_id: Option<GroupId>,
    /// Room ids of the invited side.
    #[serde(rename = "ToRoomIdList", default, deserialize_with = "wire::list")]
    pub to_room_id_list: Vec<GroupId>,
    /// How long the invited side may take to answer when `NeedResponse` is true (**milliseconds**).
    #[serde(rename = "Timeout", default, deserialize_with = "wire::int", skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
    /// Length of the battle (**milliseconds**).
    #[serde(
        rename = "Duration",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub duration: Option<i64>,
    /// False starts at once, true waits for the invited side to accept.
    #[serde(
        rename = "NeedResponse",
        default,
        deserialize_with = "wire::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub need_response: Option<bool>,
    /// Custom data of the battle.
    #[serde(rename = "ExtensionInfo", skip_serializing_if = "Option::is_none")]
    pub extension_info: Option<Box<str>>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// A live room was created.
///
/// Source: <https://cloud.tencent.com/document/product/647/110679>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterCreateRoom {
    /// Creator of the request.
    #[serde(rename = "Operator_Account", skip_serializing_if = "Option::is_none")]
    pub operator_account: Option<UserId>,
    /// Data of the room.
    #[serde(rename = "RoomInfo")]
    pub room_info: Box<RoomInfo>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// Warns the app server that the number of live rooms reached 70 % of the limit.
///
/// Source: <https://www.tencentcloud.com/jp/document/product/1071/78188>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterCreateRoomReachingThreshold {
    /// Whoever created the room that triggered the warning.
    #[serde(rename = "Operator_Account", skip_serializing_if = "Option::is_none")]
    pub operator_account: Option<UserId>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
    /// Present number of rooms.
    #[serde(
        rename = "CurRoomCount",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub cur_room_count: Option<i64>,
    /// Greatest number of rooms.
    #[serde(
        rename = "MaxRoomCount",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_room_count: Option<i64>,
}

/// Metadata entries of a live room were deleted.
///
/// Source: <https://www.tencentcloud.com/document/product/647/68223>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterDelMetadata {
    /// Whoever triggered the event.
    #[serde(rename = "Operator_Account", skip_serializing_if = "Option::is_none")]
    pub operator_account: Option<UserId>,
    /// Room id.
    #[serde(rename = "RoomId")]
    pub room_id: GroupId,
    /// Keys of the deleted entries.
    #[serde(rename = "Keys", default, deserialize_with = "wire::list")]
    pub keys: Vec<String>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// A live room was dissolved, by a user or by the system.
///
/// Source: <https://cloud.tencent.com/document/product/647/110680>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterDestroyRoom {
    /// Whoever dissolved the room.
    #[serde(rename = "Operator_Account", skip_serializing_if = "Option::is_none")]
    pub operator_account: Option<UserId>,
    /// Room id.
    #[serde(rename = "RoomId")]
    pub room_id: GroupId,
    /// Dissolved by a user, or by the system once the room is empty.
    #[serde(rename = "EventType", skip_serializing_if = "Option::is_none")]
    pub event_type: Option<DestroyType>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
    /// Data of the room.
    #[serde(rename = "RoomInfo", skip_serializing_if = "Option::is_none")]
    pub room_info: Option<Box<RoomInfo>>,
    /// Totals of the broadcast.
    #[serde(rename = "Statistic", skip_serializing_if = "Option::is_none")]
    pub statistic: Option<Statistic>,
}

/// A battle (PK) between live rooms ended, with the scores.
///
/// Source: <https://cloud.tencent.com/document/product/269/117555>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterEndBattle {
    /// Id of the battle.
    #[serde(rename = "BattleId")]
    pub battle_id: Id,
    /// Length of the battle (**milliseconds**).
    #[serde(
        rename = "Duration",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub duration: Option<i64>,
    /// When it was created (**seconds**).
    #[serde(
        rename = "CreateTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub create_time: Option<TimestampSecs>,
    /// When it started (**seconds**).
    #[serde(
        rename = "StartTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub start_time: Option<TimestampSecs>,
    /// When it ended (**seconds**).
    #[serde(
        rename = "EndTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub end_time: Option<TimestampSecs>,
    /// Why it ended: 0 time is up, 1 all room owners left, 2 never started because nobody joined.
    #[serde(
        rename = "OpType",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub op_type: Option<BattleEnd>,
    /// Inviting room.
    #[serde(rename = "FromRoomInfo")]
    pub from_room_info: BattleRoom,
    /// Invited rooms.
    #[serde(rename = "ToRoomList", default, deserialize_with = "wire::list")]
    pub to_room_list: Vec<BattleRoom>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// Members of a live room came online or went offline.
///
/// Source: <https://cloud.tencent.com/document/product/269/117549>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterMemberStateChanged {
    /// Room id.
    #[serde(rename = "RoomId")]
    pub room_id: GroupId,
    /// Direction of the change.
    #[serde(rename = "EventType", skip_serializing_if = "Option::is_none")]
    pub event_type: Option<EventType>,
    /// Why the state changed.
    #[serde(rename = "EventCause", skip_serializing_if = "Option::is_none")]
    pub event_cause: Option<EventCause>,
    /// Members concerned.
    #[serde(rename = "MemberList", default, deserialize_with = "wire::list")]
    pub member_list: Vec<Member>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// Administrators of a live room were added or removed.
///
/// Source: <https://www.tencentcloud.com/document/product/647/72554>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterModifyAdmin {
    /// Room id.
    #[serde(rename = "RoomId")]
    pub room_id: GroupId,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
    /// Whoever made the change.
    #[serde(rename = "Operator_Account", skip_serializing_if = "Option::is_none")]
    pub operator_account: Option<UserId>,
    /// User ids of the administrators concerned.
    #[serde(rename = "Admin_Account", default, deserialize_with = "wire::list")]
    pub admin_account: Vec<UserId>,
    /// Whether they were added or removed.
    #[serde(rename = "opType", skip_serializing_if = "Option::is_none")]
    pub op_type: Option<AdminChange>,
}

/// Metadata entries of a live room were set.
///
/// Source: <https://www.tencentcloud.com/document/product/647/68222>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterSetMetadata {
    /// Whoever triggered the event.
    #[serde(rename = "Operator_Account", skip_serializing_if = "Option::is_none")]
    pub operator_account: Option<UserId>,
    /// Room id.
    #[serde(rename = "RoomId")]
    pub room_id: GroupId,
    /// Entries that were set.
    #[serde(rename = "Metadata", default, deserialize_with = "wire::list")]
    pub metadata: Vec<Metadata>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// A battle (PK) between live rooms started.
///
/// Source: <https://www.tencentcloud.com/jp/document/product/647/68260>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterStartBattle {
    /// Id of the battle.
    #[serde(rename = "BattleId")]
    pub battle_id: Id,
    /// Length of the battle (**milliseconds**).
    #[serde(
        rename = "Duration",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub duration: Option<i64>,
    /// When it was created (**seconds**).
    #[serde(
        rename = "CreateTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub create_time: Option<TimestampSecs>,
    /// When it started (**seconds**).
    #[serde(
        rename = "StartTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub start_time: Option<TimestampSecs>,
    /// Inviting room.
    #[serde(rename = "FromRoomInfo")]
    pub from_room_info: BattleRoom,
    /// Invited rooms.
    #[serde(rename = "ToRoomList", default, deserialize_with = "wire::list")]
    pub to_room_list: Vec<BattleRoom>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// The data of a live room was changed.
///
/// Source: <https://cloud.tencent.com/document/product/269/117545>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterUpdateRoomInfo {
    /// Whoever changed the room.
    #[serde(rename = "Operator_Account", skip_serializing_if = "Option::is_none")]
    pub operator_account: Option<UserId>,
    /// Data of the room.
    #[serde(rename = "RoomInfo")]
    pub room_info: Box<RoomInfo>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// Asks whether a gift may be sent in a live room.
///
/// Source: <https://cloud.tencent.com/document/product/647/121916>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BeforeSendGift {
    /// Whoever sends the request.
    #[serde(rename = "Operator_Account", skip_serializing_if = "Option::is_none")]
    pub operator_account: Option<UserId>,
    /// Room id.
    #[serde(rename = "RoomId")]
    pub room_id: GroupId,
    /// Gift transaction.
    #[serde(rename = "GiftWater")]
    pub gift_water: GiftWater,
}

/// Data of a room; each command sends a part of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RoomInfo {
    /// Room id.
    #[serde(rename = "RoomId", skip_serializing_if = "Option::is_none")]
    pub room_id: Option<GroupId>,
    /// Room name.
    #[serde(rename = "RoomName", skip_serializing_if = "Option::is_none")]
    pub room_name: Option<Box<str>>,
    /// Room type; "Live" in the samples and newest table (older tables say "Meeting" by mistake).
    #[serde(rename = "RoomType", skip_serializing_if = "Option::is_none")]
    pub room_type: Option<Box<str>>,
    /// Host; a string here, but other commands of the family show the same field as a 64-bit integer.
    #[serde(rename = "Owner_Account", skip_serializing_if = "Option::is_none")]
    pub owner_account: Option<UserId>,
    /// Greatest number of members.
    #[serde(
        rename = "MaxMemberCount",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_member_count: Option<i64>,
    /// Text messages forbidden for all members.
    #[serde(
        rename = "IsMessageDisabled",
        default,
        deserialize_with = "wire::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub is_message_disabled: Option<bool>,
    /// Custom data of the room.
    #[serde(rename = "CustomInfo", skip_serializing_if = "Option::is_none")]
    pub custom_info: Option<Box<str>>,
    /// Whether the room has seats.
    #[serde(
        rename = "IsSeatEnabled",
        default,
        deserialize_with = "wire::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub is_seat_enabled: Option<bool>,
    /// How seats are taken.
    #[serde(rename = "TakeSeatMode", skip_serializing_if = "Option::is_none")]
    pub take_seat_mode: Option<TakeSeatMode>,
    /// Greatest number of seats.
    #[serde(
        rename = "MaxSeatCount",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_seat_count: Option<i64>,
    /// Creation time of the room (**seconds**).
    #[serde(
        rename = "CreateTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub create_time: Option<TimestampSecs>,
    /// Whether the room is public.
    #[serde(
        rename = "IsPublicVisible",
        default,
        deserialize_with = "wire::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub is_public_visible: Option<bool>,
    /// Address of the cover picture.
    #[serde(rename = "CoverURL", skip_serializing_if = "Option::is_none")]
    pub cover_url: Option<Box<str>>,
    /// Category tags.
    #[serde(
        rename = "Category",
        default,
        deserialize_with = "wire::some_ints",
        skip_serializing_if = "Option::is_none"
    )]
    pub category: Option<Vec<i64>>,
    /// When the event was triggered; one stored Chinese page (647/110679) shows it inside `RoomInfo` (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
    /// App-defined activity status.
    #[serde(
        rename = "ActivityStatus",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub activity_status: Option<i64>,
    /// How often users entered the room.
    #[serde(
        rename = "ViewCount",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub view_count: Option<i64>,
    /// Address of the background picture.
    #[serde(rename = "BackgroundURL", skip_serializing_if = "Option::is_none")]
    pub background_url: Option<Box<str>>,
    /// Whether the room mixes streams for very large audiences.
    #[serde(
        rename = "IsUnlimitedRoomEnabled",
        default,
        deserialize_with = "wire::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub is_unlimited_room_enabled: Option<bool>,
}

/// Totals of a broadcast.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Statistic {
    /// Number of entries; repeated entries of one user all count.
    #[serde(
        rename = "TotalViewers",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub total_viewers: Option<i64>,
    /// Number of gifts.
    #[serde(
        rename = "TotalGiftsSent",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub total_gifts_sent: Option<i64>,
    /// Total value of the gifts.
    #[serde(
        rename = "TotalGiftCoins",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub total_gift_coins: Option<i64>,
    /// Number of different senders of gifts.
    #[serde(
        rename = "TotalUniqueGiftSenders",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub total_unique_gift_senders: Option<i64>,
    /// Number of likes.
    #[serde(
        rename = "TotalLikesReceived",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub total_likes_received: Option<i64>,
}

/// A room of a battle.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BattleRoom {
    /// Room id.
    #[serde(rename = "RoomId")]
    pub room_id: GroupId,
    /// Score of the room.
    #[serde(rename = "Score", default, deserialize_with = "wire::int", skip_serializing_if = "Option::is_none")]
    pub score: Option<i64>,
    /// Room owner; the table says string, the sample shows a 64-bit integer.
    #[serde(rename = "Owner_Account", skip_serializing_if = "Option::is_none")]
    pub owner_account: Option<UserId>,
}

impl Item for BattleRoom {}

/// A member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Member {
    /// Member.
    #[serde(rename = "Member_Account")]
    pub member_account: UserId,
}

impl Item for Member {}

/// An entry of metadata.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Metadata {
    /// Key.
    #[serde(rename = "Key")]
    pub key: Box<str>,
    /// Value.
    #[serde(rename = "Value", skip_serializing_if = "Option::is_none")]
    pub value: Option<Box<str>>,
}

impl Item for Metadata {}

/// A gift.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GiftWater {
    /// Giver.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// User ids of the receivers.
    #[serde(rename = "To_Account", default, deserialize_with = "wire::list")]
    pub to_account: Vec<UserId>,
    /// Time of the gift; the sample is in seconds (**seconds**).
    #[serde(rename = "Time", default, deserialize_with = "wire::number", skip_serializing_if = "Option::is_none")]
    pub time: Option<TimestampSecs>,
    /// Id of the gift.
    #[serde(rename = "GiftId", skip_serializing_if = "Option::is_none")]
    pub gift_id: Option<Id>,
    /// Number of gifts.
    #[serde(rename = "Count", default, deserialize_with = "wire::int", skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// Value of one gift (the Chinese table says single-gift value).
    #[serde(rename = "Coins", default, deserialize_with = "wire::int", skip_serializing_if = "Option::is_none")]
    pub coins: Option<i64>,
}

wire_text! {
    /// Who dissolved a room.
    DestroyType {
        /// A user.
        DestroyByUser = "DestroyByUser";
        /// The system, once the room was empty.
        DestroyBySystem = "DestroyBySystem";
    }

    /// Direction of a change of state.
    EventType {
        /// Came online.
        Online = "Online";
        /// Went offline.
        Offline = "Offline";
    }

    /// Cause of a change of state.
    EventCause {
        /// Entered.
        Enter = "Enter";
        /// Left.
        Leave = "Leave";
        /// The heartbeat was lost.
        HeartbeatInterrupt = "HeartbeatInterrupt";
        /// The heartbeat came back.
        HeartbeatRecover = "HeartbeatRecover";
        /// Removed by someone.
        Kicked = "Kicked";
    }

    /// What happened to administrators.
    AdminChange {
        /// They were added.
        Add = "add";
        /// They were removed.
        Delete = "delete";
    }
}

wire_int! {
    /// Why a battle ended.
    BattleEnd {
        /// Time was up.
        TimeUp = 0;
        /// All room owners left.
        OwnersLeft = 1;
        /// Nobody joined.
        NeverStarted = 2;
    }
}
