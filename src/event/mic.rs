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

use crate::event::rules::event;
use crate::types::{GroupId, TimestampMillis, UserId};

/// Seats of a live or conference room changed (taken, left, locked, muted).
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterSeatInfoChanged {
    /// User id of who made the change. Only conference rooms send it.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Id of the room the seats are in.
    pub room_id: GroupId,
    /// Seats of the room. Empty ones can be among them.
    pub seat_list: Vec<Seat>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterSeatInfoChanged, "https://trtc.io/document/64425",
    time |e| e.event_time,
    order room |e| [e.room_id]
}

/// A seat.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Seat {
    /// Number of the seat in its room.
    pub index: i64,
    /// User id of who sits there; absent or empty if the seat is empty. It may arrive as a string
    /// or as a number of 64 bits and is read as text.
    #[serde(rename = "Member_Account")]
    pub member_account: Option<UserId>,
    /// Whether the seat is locked, so that nobody can take it.
    pub is_taken_disabled: Option<bool>,
    /// Whether video from this seat is forbidden.
    pub is_video_disabled: Option<bool>,
    /// Whether audio from this seat is forbidden.
    pub is_audio_disabled: Option<bool>,
}
