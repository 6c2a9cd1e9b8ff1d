//! Seats of live and conference rooms (`Mic.…`).
//!
//! ```
//! use tencent_im_callback::{Command, event::mic::AfterSeatInfoChanged, testing};
//!
//! let sample = testing::sample(&Command::MicAfterSeatInfoChanged).unwrap_or_default();
//! let callback = testing::callback::<AfterSeatInfoChanged>(sample);
//! println!("{:?}", callback.event);
//! ```

use serde::{Deserialize, Serialize};

use crate::protocol::{GroupId, TimestampMillis, UserId};
use crate::wire::{self, Item};

/// Seats of a live or conference room changed (taken, left, locked, muted).
///
/// Source: <https://www.tencentcloud.com/ko/document/product/1071/78192>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterSeatInfoChanged {
    /// Whoever made the change; only in the conference (Room) version.
    #[serde(rename = "Operator_Account", skip_serializing_if = "Option::is_none")]
    pub operator_account: Option<UserId>,
    /// Room id.
    #[serde(rename = "RoomId")]
    pub room_id: GroupId,
    /// Seats.
    #[serde(rename = "SeatList", default, deserialize_with = "wire::list")]
    pub seat_list: Vec<Seat>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// A seat.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Seat {
    /// Number of the seat.
    #[serde(rename = "Index", deserialize_with = "wire::demanded_int")]
    pub index: i64,
    /// User id on the seat; left out when the seat is empty. The table says string, the newest samples show a 64-bit integer,
    /// a 2024-09 sample shows a string.
    #[serde(rename = "Member_Account", skip_serializing_if = "Option::is_none")]
    pub member_account: Option<UserId>,
    /// Seat is locked.
    #[serde(
        rename = "IsTakenDisabled",
        default,
        deserialize_with = "wire::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub is_taken_disabled: Option<bool>,
    /// Video from the seat is forbidden.
    #[serde(
        rename = "IsVideoDisabled",
        default,
        deserialize_with = "wire::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub is_video_disabled: Option<bool>,
    /// Audio from the seat is forbidden.
    #[serde(
        rename = "IsAudioDisabled",
        default,
        deserialize_with = "wire::boolean",
        skip_serializing_if = "Option::is_none"
    )]
    pub is_audio_disabled: Option<bool>,
}

impl Item for Seat {}
