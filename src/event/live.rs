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
use serde_with::skip_serializing_none;

pub use super::recording::{
    EventGroup, RecordedFile, RecordedMedia, RecordingEvent, RecordingInfo, RecordingPayload, TrackType, VodFile,
};
use super::room::TakeSeatMode;
use crate::json::{wire_int, wire_text};
use crate::types::{GroupId, Id, TimestampMillis, TimestampSecs, UserId};

/// The owner of a live room was changed.
///
/// Source: <https://trtc.io/document/72553>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterChangeOwner {
    /// Room id.
    pub room_id: GroupId,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Who made the change.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// New owner.
    #[serde(rename = "CurrentOwner_Account")]
    pub current_owner_account: Option<UserId>,
    /// Former owner.
    #[serde(rename = "OriginalOwner_Account")]
    pub original_owner_account: Option<UserId>,
}

/// The state of a live room's cloud recording changed.
///
/// Source: <https://cloud.tencent.com/document/product/269/129603>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterCloudRecordingChanged {
    /// Event group: 3 cloud recording, 8 web-page recording.
    pub event_group_id: Option<EventGroup>,
    /// Recording event number as in the TRTC cloud-recording callback.
    pub event_type: Option<RecordingEvent>,
    /// When the callback was sent (**milliseconds**).
    pub callback_ts: Option<TimestampMillis>,
    /// Recording event, passed on from the TRTC cloud-recording callback.
    pub event_info: RecordingInfo,
}

/// A battle (PK) between live rooms was created.
///
/// Source: <https://trtc.io/document/68259>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterCreateBattle {
    /// Who created the battle.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Id of the battle (base64-looking).
    pub battle_id: Id,
    /// Room id of the inviting side.
    pub from_room_id: Option<GroupId>,
    /// Room ids of the invited side.
    #[serde(default)]
    pub to_room_id_list: Vec<GroupId>,
    /// How long the invited side may take to answer when `NeedResponse` is true (**milliseconds**).
    pub timeout: Option<i64>,
    /// Length of the battle (**milliseconds**).
    pub duration: Option<i64>,
    /// False starts at once, true waits for the invited side to accept.
    pub need_response: Option<bool>,
    /// Custom data of the battle.
    pub extension_info: Option<String>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A live room was created.
///
/// Source: <https://trtc.io/document/64422>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterCreateRoom {
    /// Creator of the request.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Data of the room.
    pub room_info: Box<RoomInfo>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// Warns the app server that the number of live rooms reached 70 % of the limit.
///
/// Source: <https://trtc.io/document/70485>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterCreateRoomReachingThreshold {
    /// Who created the room that triggered the warning.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Present number of rooms.
    pub cur_room_count: Option<i64>,
    /// Greatest number of rooms.
    pub max_room_count: Option<i64>,
}

/// Metadata entries of a live room were deleted.
///
/// Source: <https://trtc.io/document/68223>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterDelMetadata {
    /// Who triggered the event.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Room id.
    pub room_id: GroupId,
    /// Keys of the deleted entries.
    pub keys: Vec<String>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A live room was dissolved, by a user or by the system.
///
/// Source: <https://trtc.io/document/64423>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterDestroyRoom {
    /// Who dissolved the room.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Room id.
    pub room_id: GroupId,
    /// Dissolved by a user, or by the system once the room is empty.
    pub event_type: Option<DestroyType>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Data of the room.
    pub room_info: Option<Box<RoomInfo>>,
    /// Totals of the broadcast.
    pub statistic: Option<Statistic>,
}

/// A battle (PK) between live rooms ended, with the scores.
///
/// Source: <https://trtc.io/document/68261>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterEndBattle {
    /// Id of the battle.
    pub battle_id: Id,
    /// Length of the battle (**milliseconds**).
    pub duration: Option<i64>,
    /// When it was created (**seconds**).
    pub create_time: Option<TimestampSecs>,
    /// When it started (**seconds**).
    pub start_time: Option<TimestampSecs>,
    /// When it ended (**seconds**).
    pub end_time: Option<TimestampSecs>,
    /// Why it ended: 0 time is up, 1 all room owners left, 2 never started because nobody joined.
    pub op_type: Option<BattleEnd>,
    /// Inviting room.
    pub from_room_info: BattleRoom,
    /// Invited rooms.
    #[serde(default)]
    pub to_room_list: Vec<BattleRoom>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// Members of a live room came online or went offline.
///
/// Source: <https://trtc.io/document/64424>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterMemberStateChanged {
    /// Room id.
    pub room_id: GroupId,
    /// Direction of the change.
    pub event_type: Option<EventType>,
    /// Why the state changed.
    pub event_cause: Option<EventCause>,
    /// Members concerned.
    pub member_list: Vec<Member>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// Administrators of a live room were added or removed.
///
/// Source: <https://trtc.io/document/72554>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterModifyAdmin {
    /// Room id.
    pub room_id: GroupId,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Who made the change.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// User ids of the administrators concerned.
    #[serde(rename = "Admin_Account")]
    pub admin_account: Vec<UserId>,
    /// Whether they were added or removed.
    #[serde(rename = "opType")]
    pub op_type: Option<AdminChange>,
}

/// Metadata entries of a live room were set.
///
/// Source: <https://trtc.io/document/68222>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterSetMetadata {
    /// Who triggered the event.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Room id.
    pub room_id: GroupId,
    /// Entries that were set.
    pub metadata: Vec<Metadata>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A battle (PK) between live rooms started.
///
/// Source: <https://trtc.io/document/68260>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterStartBattle {
    /// Id of the battle.
    pub battle_id: Id,
    /// Length of the battle (**milliseconds**).
    pub duration: Option<i64>,
    /// When it was created (**seconds**).
    pub create_time: Option<TimestampSecs>,
    /// When it started (**seconds**).
    pub start_time: Option<TimestampSecs>,
    /// Inviting room.
    pub from_room_info: BattleRoom,
    /// Invited rooms.
    #[serde(default)]
    pub to_room_list: Vec<BattleRoom>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// The data of a live room was changed.
///
/// Source: <https://trtc.io/document/67938>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterUpdateRoomInfo {
    /// Who changed the room.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Data of the room.
    pub room_info: Box<RoomInfo>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// Asks whether a gift may be sent in a live room.
///
/// Source: <https://trtc.io/document/72210>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BeforeSendGift {
    /// Who sends the request.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Room id.
    pub room_id: GroupId,
    /// Gift transaction.
    pub gift_water: GiftWater,
}

/// Data of a room; each command sends a part of it.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct RoomInfo {
    /// Room id.
    pub room_id: Option<GroupId>,
    /// Room name.
    pub room_name: Option<String>,
    /// Room type; `Live`.
    pub room_type: Option<String>,
    /// Host; a string here, but other commands of the family show the same field as a 64-bit integer.
    #[serde(rename = "Owner_Account")]
    pub owner_account: Option<UserId>,
    /// Greatest number of members.
    pub max_member_count: Option<i64>,
    /// Text messages forbidden for all members.
    pub is_message_disabled: Option<bool>,
    /// Custom data of the room.
    pub custom_info: Option<String>,
    /// Whether the room has seats.
    pub is_seat_enabled: Option<bool>,
    /// How seats are taken.
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
    /// Category tags.
    pub category: Option<Vec<i64>>,
    /// When the event was triggered; one stored Chinese page (647/110679) shows it inside `RoomInfo` (**milliseconds**).
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
    /// Number of gifts.
    pub total_gifts_sent: Option<i64>,
    /// Total value of the gifts.
    pub total_gift_coins: Option<i64>,
    /// Number of different senders of gifts.
    pub total_unique_gift_senders: Option<i64>,
    /// Number of likes.
    pub total_likes_received: Option<i64>,
}

/// A room of a battle.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BattleRoom {
    /// Room id.
    pub room_id: GroupId,
    /// Score of the room.
    pub score: Option<i64>,
    /// Room owner; the table says string, the sample shows a 64-bit integer.
    #[serde(rename = "Owner_Account")]
    pub owner_account: Option<UserId>,
}

/// A member.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Member {
    /// Member.
    #[serde(rename = "Member_Account")]
    pub member_account: UserId,
}

/// An entry of metadata.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Metadata {
    /// Key.
    pub key: String,
    /// Value.
    pub value: Option<String>,
}

/// A gift.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct GiftWater {
    /// Giver.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// User ids of the receivers.
    #[serde(rename = "To_Account", default)]
    pub to_account: Vec<UserId>,
    /// Time of the gift; the sample is in seconds (**seconds**).
    pub time: Option<TimestampSecs>,
    /// Id of the gift.
    pub gift_id: Option<Id>,
    /// Number of gifts.
    pub count: Option<i64>,
    /// Value of one gift (the Chinese table says single-gift value).
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
