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

use crate::event::rules::event;
use crate::json::wire_text;
use crate::types::{GroupId, TimestampMillis, TimestampSecs, UserId};

/// A conference room was created or scheduled.
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
    /// User ids of those invited to a scheduled room. Only the vendor's sample shows it.
    #[serde(rename = "ScheduleInviteeList_Account")]
    pub schedule_invitee_list_account: Option<Vec<UserId>>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterCreateRoom, "https://trtc.io/document/60733",
    time |e| e.event_time,
    order room |e| [e.room_info.room_id]
}

/// A conference room was dissolved.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterDestroyRoom {
    /// User id of who dissolved the room. The system dissolves rooms as well, after their end.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Id of the room that was dissolved.
    pub room_id: GroupId,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterDestroyRoom, "https://trtc.io/document/60732",
    time |e| e.event_time,
    order room |e| [e.room_id]
}

/// Users entered a conference room.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterMemberEnter {
    /// User id of who sent the request.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Id of the room that was entered.
    pub room_id: GroupId,
    /// Number of people in the room.
    pub member_count: Option<i64>,
    /// How they entered. The vendor documents only `Enter`.
    pub r#type: Option<EnterType>,
    /// User ids of those who entered.
    #[serde(rename = "MemberList_Account")]
    pub member_list_account: Vec<UserId>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterMemberEnter, "https://trtc.io/document/60735",
    time |e| e.event_time,
    order room |e| [e.room_id]
}

/// Users left a conference room, were removed, or timed out.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterMemberLeave {
    /// User id of who sent the request.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Id of the room that was left.
    pub room_id: GroupId,
    /// Number of people in the room.
    pub member_count: Option<i64>,
    /// How they left: on their own, removed, or because the heartbeat stopped.
    pub r#type: Option<LeaveType>,
    /// User ids of those who left.
    #[serde(rename = "MemberList_Account")]
    pub member_list_account: Vec<UserId>,
    /// Reason for leaving, in free words; may be absent.
    pub reason: Option<String>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterMemberLeave, "https://trtc.io/document/60734",
    time |e| e.event_time,
    order room |e| [e.room_id]
}

/// The data of a conference room was changed.
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
    AfterUpdateRoomInfo, "https://trtc.io/document/60731",
    time |e| e.event_time,
    order room |e| [e.room_info.room_id]
}

/// Data of a room; each command sends a part of it.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct RoomInfo {
    /// Id of the room; every command sends it.
    pub room_id: Option<GroupId>,
    /// Name of the room. An update may leave it out.
    pub room_name: Option<String>,
    /// Type of the room. The vendor documents only `Meeting`.
    pub room_type: Option<String>,
    /// User id of the host of the room.
    #[serde(rename = "Owner_Account")]
    pub owner_account: Option<UserId>,
    /// Greatest number of members.
    pub max_member_count: Option<i64>,
    /// Greatest number of seats.
    pub max_seat_count: Option<i64>,
    /// Whether video is forbidden for all members.
    pub is_video_disabled: Option<bool>,
    /// Whether audio is forbidden for all members.
    pub is_audio_disabled: Option<bool>,
    /// Whether text messages are forbidden for all members.
    pub is_message_disabled: Option<bool>,
    /// Whether members may not share their screen.
    pub is_screen_sharing_disabled: Option<bool>,
    /// Whether cloud recording is forbidden. One command sends it in quotes, which is read as well.
    pub is_cloud_recording_disabled: Option<bool>,
    /// Custom data that your app stored with the room.
    pub custom_info: Option<String>,
    /// Planned start of a scheduled room (**seconds**).
    pub schedule_start_time: Option<TimestampSecs>,
    /// Planned end of a scheduled room (**seconds**).
    pub schedule_end_time: Option<TimestampSecs>,
    /// Whether the room is scheduled or in use.
    pub room_status: Option<RoomStatus>,
    /// Whether the room has seats.
    pub is_seat_enabled: Option<bool>,
    /// How members take a seat: freely, on application, or not at all.
    pub take_seat_mode: Option<TakeSeatMode>,
    /// Creation time of the room (**seconds**).
    pub create_time: Option<TimestampSecs>,
}

wire_text! {
    /// How seats are taken.
    TakeSeatMode {
        /// The room has no seats.
        None = "None";
        /// Anybody takes a free seat.
        FreeToTake = "FreeToTake";
        /// A user applies for a seat first.
        ApplyToTake = "ApplyToTake";
    }

    /// State of a room.
    RoomStatus {
        /// The vendor lists this value without an explanation.
        None = "None";
        /// The room is scheduled and has not started.
        NotStarted = "NotStarted";
        /// The room is in use.
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
        /// Their heartbeat timed out.
        Expired = "Expired";
    }
}
