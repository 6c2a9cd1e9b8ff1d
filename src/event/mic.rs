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
use serde_with::skip_serializing_none;

use crate::types::{GroupId, TimestampMillis, UserId};

/// Seats of a live or conference room changed (taken, left, locked, muted).
///
/// Source: <https://trtc.io/document/64425>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterSeatInfoChanged {
    /// Who made the change; only in the conference (Room) version.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Room id.
    pub room_id: GroupId,
    /// Seats.
    pub seat_list: Vec<Seat>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A seat.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Seat {
    /// Number of the seat.
    pub index: i64,
    /// User id on the seat; left out when the seat is empty. The table says string, the newest samples show a 64-bit integer,
    /// a 2024-09 sample shows a string.
    #[serde(rename = "Member_Account")]
    pub member_account: Option<UserId>,
    /// Seat is locked.
    pub is_taken_disabled: Option<bool>,
    /// Video from the seat is forbidden.
    pub is_video_disabled: Option<bool>,
    /// Audio from the seat is forbidden.
    pub is_audio_disabled: Option<bool>,
}
