//! Who follows whom (`Follow.…`).
//!
//! ```
//! use tencent_im_callback::{Command, event::follow::AfterCloudRecordingChanged, testing};
//!
//! let sample = testing::sample(&Command::FollowAfterCloudRecordingChanged).unwrap_or_default();
//! let callback = testing::callback::<AfterCloudRecordingChanged>(sample);
//! println!("{:?}", callback.event);
//! ```

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

pub use super::recording::{
    EventGroup, RecordedFile, RecordedMedia, RecordingEvent, RecordingInfo, RecordingPayload,
    TrackType, VodFile,
};
use crate::event::rules::event;
use crate::types::{TimestampMillis, UserId};

/// The state of a live room's cloud recording changed; the international site's name for this
/// event.
///
/// The mainland site documents the same body as `Live.CallbackAfterCloudRecordingChanged`. Which of
/// the two commands Tencent sends is not known, so handle both. It has nothing to do with following
/// users.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterCloudRecordingChanged {
    /// Group of events: 3 is the recording of a room, 8 that of a web page.
    pub event_group_id: Option<EventGroup>,
    /// What happened to the recording.
    pub event_type: Option<RecordingEvent>,
    /// When Tencent sent the callback (**milliseconds**). There is no `EventTime`.
    pub callback_ts: Option<TimestampMillis>,
    /// What was recorded, where and when, and details of the event.
    pub event_info: RecordingInfo,
}

event! {
    AfterCloudRecordingChanged, "https://intl.cloud.tencent.com/document/product/647/78428",
    time |e| e.callback_ts
}

/// A user started following other users.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterFollowAdd {
    /// User id of the user who follows.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// Users whom `from_account` follows now.
    pub follow_list: Vec<Follow>,
    /// When it happened (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterFollowAdd, "https://trtc.io/document/70355",
    time |e| e.event_time,
    order account |e| [e.from_account]
}

/// A user stopped following other users.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterFollowDelete {
    /// User id of the user who stopped following.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// User ids of those no longer followed: a list, although other commands have a single user
    /// under this name.
    #[serde(rename = "To_Account")]
    pub to_account: Vec<UserId>,
    /// When it happened (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterFollowDelete, "https://trtc.io/document/74357",
    time |e| e.event_time,
    order account |e| [e.from_account]
}

/// A user now followed.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Follow {
    /// User id of the user who is followed now.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
}
