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

pub use super::recording::{EventGroup, RecordingInfo, RecordingPayload};
use crate::protocol::{TimestampMillis, UserId};
use crate::wire::{self, Item};

/// International-site name of the live cloud-recording state callback.
///
/// Source: <https://intl.cloud.tencent.com/document/product/647/78428>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterCloudRecordingChanged {
    /// Event group: 3 cloud recording, 8 web-page recording.
    #[serde(
        rename = "EventGroupId",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_group_id: Option<EventGroup>,
    /// Recording event number as in the TRTC cloud-recording callback.
    #[serde(
        rename = "EventType",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_type: Option<i64>,
    /// When the callback was sent (**milliseconds**).
    #[serde(
        rename = "CallbackTs",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub callback_ts: Option<TimestampMillis>,
    /// Recording event, passed on from the TRTC cloud-recording callback.
    #[serde(rename = "EventInfo")]
    pub event_info: RecordingInfo,
}

/// A user started following other users.
///
/// Source: <https://trtc.io/document/70355>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterFollowAdd {
    /// User who follows.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// Users now followed, as objects.
    #[serde(rename = "FollowList", default, deserialize_with = "wire::list")]
    pub follow_list: Vec<Follow>,
    /// When it happened (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// A user stopped following other users.
///
/// Source: <https://trtc.io/document/74357>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterFollowDelete {
    /// User who unfollowed.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// `UserIDs` no longer followed (array of strings, although the name is used for a single string elsewhere).
    #[serde(rename = "To_Account", default, deserialize_with = "wire::list")]
    pub to_account: Vec<UserId>,
    /// When it happened (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// A user now followed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Follow {
    /// User now followed.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
}

impl Item for Follow {}
