//! Conference rooms (`Room.…`).
//!
//! ```
//! use tencent_im_callback::{Command, event::room::AfterCreateRoom, testing};
//!
//! let sample = testing::sample(&Command::RoomAfterCreateRoom).unwrap_or_default();
//! let callback = testing::callback::<AfterCreateRoom>(sample);
//! println!("{:?}", callback.event);
//! ```

use serde::{Deserialize, Serialize};

use crate::protocol::{GroupId, TimestampMillis, TimestampSecs, UserId};
use crate::wire::{self, wire_text};

/// A conference room was created or scheduled.
///
/// Source: <https://www.tencentcloud.com/zh/document/product/647/60733>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterCreateRoom {
    /// Creator of the request.
    #[serde(rename = "Operator_Account", skip_serializing_if = "Option::is_none")]
    pub operator_account: Option<UserId>,
    /// Data of the room.
    #[serde(rename = "RoomInfo")]
    pub room_info: Box<RoomInfo>,
    /// User ids invited to a scheduled room; only in the sample, not in the table.
    #[serde(
        rename = "ScheduleInviteeList_Account",
        default,
        deserialize_with = "wire::some_list",
        skip_serializing_if = "Option::is_none"
    )]
    pub schedule_invitee_list_account: Option<Vec<UserId>>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// A conference room was dissolved.
///
/// Source: <https://cloud.tencent.com/document/product/1690/102903>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterDestroyRoom {
    /// Whoever dissolved the room.
    #[serde(rename = "Operator_Account", skip_serializing_if = "Option::is_none")]
    pub operator_account: Option<UserId>,
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
}

/// Users entered a conference room.
///
/// Source: <https://cloud.tencent.com/document/product/647/104477>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterMemberEnter {
    /// Whoever sent the request.
    #[serde(rename = "Operator_Account", skip_serializing_if = "Option::is_none")]
    pub operator_account: Option<UserId>,
    /// Room id.
    #[serde(rename = "RoomId")]
    pub room_id: GroupId,
    /// Number of people in the room.
    #[serde(
        rename = "MemberCount",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub member_count: Option<i64>,
    /// How they entered.
    #[serde(rename = "Type", skip_serializing_if = "Option::is_none")]
    pub r#type: Option<EnterType>,
    /// User ids of those who entered.
    #[serde(rename = "MemberList_Account", default, deserialize_with = "wire::list")]
    pub member_list_account: Vec<UserId>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// Users left a conference room, were removed, or timed out.
///
/// Source: <https://cloud.tencent.com/document/product/269/105413>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterMemberLeave {
    /// Whoever sent the request.
    #[serde(rename = "Operator_Account", skip_serializing_if = "Option::is_none")]
    pub operator_account: Option<UserId>,
    /// Room id.
    #[serde(rename = "RoomId")]
    pub room_id: GroupId,
    /// Number of people in the room.
    #[serde(
        rename = "MemberCount",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub member_count: Option<i64>,
    /// How they left: by themselves, removed, heartbeat timed out.
    #[serde(rename = "Type", skip_serializing_if = "Option::is_none")]
    pub r#type: Option<LeaveType>,
    /// User ids of those who left.
    #[serde(rename = "MemberList_Account", default, deserialize_with = "wire::list")]
    pub member_list_account: Vec<UserId>,
    /// Free-text reason for leaving.
    #[serde(rename = "Reason", skip_serializing_if = "Option::is_none")]
    pub reason: Option<Box<str>>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// The data of a conference room was changed.
///
/// Source: <https://www.tencentcloud.com/zh/document/product/647/60731>
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
    /// Room type.
    #[serde(rename = "RoomType", skip_serializing_if = "Option::is_none")]
    pub room_type: Option<Box<str>>,
    /// Host.
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
    /// Greatest number of seats.
    #[serde(
        rename = "MaxSeatCount",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_seat_count: Option<i64>,
    /// Video forbidden for all.
    #[serde(
        rename = "IsVideoDisabled",
        default,
        deserialize_with = "wire::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub is_video_disabled: Option<bool>,
    /// Audio forbidden for all.
    #[serde(
        rename = "IsAudioDisabled",
        default,
        deserialize_with = "wire::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub is_audio_disabled: Option<bool>,
    /// Text messages forbidden for all.
    #[serde(
        rename = "IsMessageDisabled",
        default,
        deserialize_with = "wire::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub is_message_disabled: Option<bool>,
    /// Screen sharing forbidden.
    #[serde(
        rename = "IsScreenSharingDisabled",
        default,
        deserialize_with = "wire::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub is_screen_sharing_disabled: Option<bool>,
    /// Cloud recording forbidden; a boolean here, but the sample of Room.CallbackAfterUpdateRoomInfo quotes it.
    #[serde(
        rename = "IsCloudRecordingDisabled",
        default,
        deserialize_with = "wire::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub is_cloud_recording_disabled: Option<bool>,
    /// Custom data of the room.
    #[serde(rename = "CustomInfo", skip_serializing_if = "Option::is_none")]
    pub custom_info: Option<Box<str>>,
    /// Planned start (**seconds**).
    #[serde(
        rename = "ScheduleStartTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub schedule_start_time: Option<TimestampSecs>,
    /// Planned end (**seconds**).
    #[serde(
        rename = "ScheduleEndTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub schedule_end_time: Option<TimestampSecs>,
    /// State of the room.
    #[serde(rename = "RoomStatus", skip_serializing_if = "Option::is_none")]
    pub room_status: Option<RoomStatus>,
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
    /// Creation time of the room (**seconds**).
    #[serde(
        rename = "CreateTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub create_time: Option<TimestampSecs>,
}

wire_text! {
    /// How seats are taken.
    TakeSeatMode {
        /// There are none.
        None = "None";
        /// Freely.
        FreeToTake = "FreeToTake";
        /// On application.
        ApplyToTake = "ApplyToTake";
    }

    /// State of a room.
    RoomStatus {
        /// None.
        None = "None";
        /// Scheduled.
        NotStarted = "NotStarted";
        /// In use.
        Running = "Running";
    }

    /// How somebody entered.
    EnterType {
        /// By themselves.
        Enter = "Enter";
    }

    /// How somebody left.
    LeaveType {
        /// By themselves.
        Leave = "Leave";
        /// Removed by someone.
        Kicked = "Kicked";
        /// The heartbeat timed out.
        Expired = "Expired";
    }
}
