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
    EventGroup, RecordedFile, RecordedMedia, RecordingEvent, RecordingInfo, RecordingPayload, TrackType, VodFile,
};
use crate::types::{TimestampMillis, UserId};

/// International-site name of the live cloud-recording state callback.
///
/// Source: <https://intl.cloud.tencent.com/document/product/647/78428>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterCloudRecordingChanged {
    /// Event group: 3 cloud recording, 8 web-page recording.
    pub event_group_id: Option<EventGroup>,
    /// What happened to the recording.
    pub event_type: Option<RecordingEvent>,
    /// When the callback was sent (**milliseconds**).
    pub callback_ts: Option<TimestampMillis>,
    /// Recording event, passed on from the TRTC cloud-recording callback.
    pub event_info: RecordingInfo,
}

/// A user started following other users.
///
/// Source: <https://trtc.io/document/70355>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterFollowAdd {
    /// User who follows.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// Users now followed, as objects.
    pub follow_list: Vec<Follow>,
    /// When it happened (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A user stopped following other users.
///
/// Source: <https://trtc.io/document/74357>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterFollowDelete {
    /// User who unfollowed.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// `UserIDs` no longer followed (array of strings, although the name is used for a single string elsewhere).
    #[serde(rename = "To_Account")]
    pub to_account: Vec<UserId>,
    /// When it happened (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A user now followed.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Follow {
    /// User now followed.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
}
