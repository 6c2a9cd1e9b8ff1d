//! Live rooms: created, changed, recorded and dissolved.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::event::recording::{EventGroup, RecordingEvent, RecordingInfo};
use crate::event::room::TakeSeatMode;
use crate::event::rules::event;
use crate::json::wire_text;
use crate::types::{GroupId, TimestampMillis, TimestampSecs, UserId};

/// A live room was created.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterCreateRoom {
    /// User id of who made the request to create the room.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Data of the new room: name, host, seats and so on.
    pub room_info: Box<RoomInfo>,
    /// When the event was triggered (**milliseconds**). The vendor's pages differ: it is here, in
    /// `room_info` or nowhere.
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterCreateRoom, "https://trtc.io/document/64422",
    time |e| (e.event_time, e.room_info.event_time, e.room_info.create_time),
    order room |e| [e.room_info.room_id]
}

/// Warns the app server that the number of live rooms reached 70 % of the limit.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterCreateRoomReachingThreshold {
    /// User id of who created the room that triggered the warning.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Number of rooms that your app has now.
    pub cur_room_count: Option<i64>,
    /// Greatest number of rooms that your app may have.
    pub max_room_count: Option<i64>,
}

event! {
    AfterCreateRoomReachingThreshold, "https://trtc.io/document/70485",
    time |e| e.event_time
}

/// The data of a live room was changed.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterUpdateRoomInfo {
    /// User id of who changed the room.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Data of the room after the change. Whether unchanged fields are left out is not documented,
    /// so an absent field does not say that it was cleared.
    pub room_info: Box<RoomInfo>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterUpdateRoomInfo, "https://trtc.io/document/67938",
    time |e| e.event_time,
    order room |e| [e.room_info.room_id]
}

/// Metadata entries of a live room were set.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterSetMetadata {
    /// User id of who set the entries.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Id of the room whose metadata changed.
    pub room_id: GroupId,
    /// Entries that were set, with their new values.
    pub metadata: Vec<Metadata>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterSetMetadata, "https://trtc.io/document/68222",
    time |e| e.event_time,
    order room |e| [e.room_id]
}

/// Metadata entries of a live room were deleted.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterDelMetadata {
    /// User id of who deleted the entries.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Id of the room whose metadata changed.
    pub room_id: GroupId,
    /// Keys of the deleted entries.
    pub keys: Vec<String>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterDelMetadata, "https://trtc.io/document/68223",
    time |e| e.event_time,
    order room |e| [e.room_id]
}

/// The state of a live room's cloud recording changed.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterCloudRecordingChanged {
    /// Group of events: 3 is the recording of a room, 8 that of a web page.
    pub event_group_id: Option<EventGroup>,
    /// What happened to the recording, by the numbers of TRTC's cloud recording.
    pub event_type: Option<RecordingEvent>,
    /// When Tencent sent the callback (**milliseconds**). There is no `EventTime`.
    pub callback_ts: Option<TimestampMillis>,
    /// What was recorded, where and when, and details of the event.
    pub event_info: RecordingInfo,
}

event! {
    AfterCloudRecordingChanged, "https://cloud.tencent.com/document/product/269/129603",
    time |e| e.callback_ts
}

/// A live room was dissolved, by a user or by the system.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterDestroyRoom {
    /// User id of who dissolved the room. If the system did, it can be `@TIM#SYSTEM`.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Id of the room that was dissolved.
    pub room_id: GroupId,
    /// Whether a user dissolved the room, or the system once it was empty.
    pub event_type: Option<DestroyType>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Data of the room at its end. Bodies that were documented in 2024 lack it.
    pub room_info: Option<Box<RoomInfo>>,
    /// Totals of the broadcast: viewers, gifts, likes. Older bodies lack it.
    pub statistic: Option<Statistic>,
}

event! {
    AfterDestroyRoom, "https://trtc.io/document/64423",
    time |e| e.event_time,
    order room |e| [e.room_id]
}

/// Data of a room; each command sends a part of it.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct RoomInfo {
    /// Id of the room. In `Live.CallbackAfterDestroyRoom` it may be at the top of the body only.
    pub room_id: Option<GroupId>,
    /// Name of the room. An update may leave it out.
    pub room_name: Option<String>,
    /// Type of the room: `Live`. Some of the vendor's tables say `Meeting` by mistake.
    pub room_type: Option<String>,
    /// User id of the host. It may arrive as a string or as a number of 64 bits and is read as
    /// text.
    #[serde(rename = "Owner_Account")]
    pub owner_account: Option<UserId>,
    /// Greatest number of members.
    pub max_member_count: Option<i64>,
    /// Whether text messages are forbidden for all members.
    pub is_message_disabled: Option<bool>,
    /// Custom data that your app stored with the room.
    pub custom_info: Option<String>,
    /// Whether the room has seats.
    pub is_seat_enabled: Option<bool>,
    /// How members take a seat: freely, on application, or not at all.
    pub take_seat_mode: Option<TakeSeatMode>,
    /// Greatest number of seats.
    pub max_seat_count: Option<i64>,
    /// Creation time of the room (**seconds**).
    pub create_time: Option<TimestampSecs>,
    /// Whether the room is public.
    pub is_public_visible: Option<bool>,
    /// Address of the cover picture.
    #[serde(rename = "CoverURL")]
    pub cover_url: Option<String>,
    /// Category tags of the room, as numbers.
    pub category: Option<Vec<i64>>,
    /// When the event was triggered (**milliseconds**). Only one of the vendor's pages has it here;
    /// others have it beside `RoomInfo`.
    pub event_time: Option<TimestampMillis>,
    /// App-defined activity status.
    pub activity_status: Option<i64>,
    /// How often users entered the room.
    pub view_count: Option<i64>,
    /// Address of the background picture.
    #[serde(rename = "BackgroundURL")]
    pub background_url: Option<String>,
    /// Whether the room mixes streams for very large audiences.
    pub is_unlimited_room_enabled: Option<bool>,
}

/// Totals of a broadcast.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Statistic {
    /// Number of entries; repeated entries of one user all count.
    pub total_viewers: Option<i64>,
    /// Number of gifts that were sent.
    pub total_gifts_sent: Option<i64>,
    /// Total value of the gifts.
    pub total_gift_coins: Option<i64>,
    /// Number of different senders of gifts.
    pub total_unique_gift_senders: Option<i64>,
    /// Number of likes that the broadcast got.
    pub total_likes_received: Option<i64>,
}

/// An entry of metadata.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Metadata {
    /// Key of the entry of the metadata.
    pub key: String,
    /// Value of the entry after the change.
    pub value: Option<String>,
}

wire_text! {
    /// Who dissolved a room.
    DestroyType {
        /// A user.
        DestroyByUser = "DestroyByUser";
        /// The system, once the room was empty.
        DestroyBySystem = "DestroyBySystem";
    }
}
