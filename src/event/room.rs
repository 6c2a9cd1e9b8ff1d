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
use serde_with::skip_serializing_none;

use crate::json::wire_text;
use crate::types::{GroupId, TimestampMillis, TimestampSecs, UserId};

/// A conference room was created or scheduled.
///
/// Source: <https://trtc.io/document/60733>
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
    /// User ids invited to a scheduled room.
    #[serde(rename = "ScheduleInviteeList_Account")]
    pub schedule_invitee_list_account: Option<Vec<UserId>>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A conference room was dissolved.
///
/// Source: <https://trtc.io/document/60732>
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
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// Users entered a conference room.
///
/// Source: <https://trtc.io/document/60735>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterMemberEnter {
    /// Who sent the request.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Room id.
    pub room_id: GroupId,
    /// Number of people in the room.
    pub member_count: Option<i64>,
    /// How they entered.
    pub r#type: Option<EnterType>,
    /// User ids of those who entered.
    #[serde(rename = "MemberList_Account")]
    pub member_list_account: Vec<UserId>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// Users left a conference room, were removed, or timed out.
///
/// Source: <https://trtc.io/document/60734>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterMemberLeave {
    /// Who sent the request.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Room id.
    pub room_id: GroupId,
    /// Number of people in the room.
    pub member_count: Option<i64>,
    /// How they left: by themselves, removed, heartbeat timed out.
    pub r#type: Option<LeaveType>,
    /// User ids of those who left.
    #[serde(rename = "MemberList_Account")]
    pub member_list_account: Vec<UserId>,
    /// Free-text reason for leaving.
    pub reason: Option<String>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// The data of a conference room was changed.
///
/// Source: <https://trtc.io/document/60731>
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
    /// Room type.
    pub room_type: Option<String>,
    /// Host.
    #[serde(rename = "Owner_Account")]
    pub owner_account: Option<UserId>,
    /// Greatest number of members.
    pub max_member_count: Option<i64>,
    /// Greatest number of seats.
    pub max_seat_count: Option<i64>,
    /// Video forbidden for all.
    pub is_video_disabled: Option<bool>,
    /// Audio forbidden for all.
    pub is_audio_disabled: Option<bool>,
    /// Text messages forbidden for all.
    pub is_message_disabled: Option<bool>,
    /// Screen sharing forbidden.
    pub is_screen_sharing_disabled: Option<bool>,
    /// Cloud recording forbidden; a boolean here, but the sample of Room.CallbackAfterUpdateRoomInfo quotes it.
    pub is_cloud_recording_disabled: Option<bool>,
    /// Custom data of the room.
    pub custom_info: Option<String>,
    /// Planned start (**seconds**).
    pub schedule_start_time: Option<TimestampSecs>,
    /// Planned end (**seconds**).
    pub schedule_end_time: Option<TimestampSecs>,
    /// State of the room.
    pub room_status: Option<RoomStatus>,
    /// Whether the room has seats.
    pub is_seat_enabled: Option<bool>,
    /// How seats are taken.
    pub take_seat_mode: Option<TakeSeatMode>,
    /// Creation time of the room (**seconds**).
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
