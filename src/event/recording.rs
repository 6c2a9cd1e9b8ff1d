//! Cloud recording of calls and live rooms, as the TRTC product tells it.

use serde::{Deserialize, Serialize};

use crate::protocol::{GroupId, Id, TimestampMillis, TimestampSecs, UserId};
use crate::wire::{self, wire_int};

/// A cloud-recording event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordingInfo {
    /// Room.
    #[serde(rename = "RoomId", skip_serializing_if = "Option::is_none")]
    pub room_id: Option<GroupId>,
    /// When it happened (**seconds**).
    #[serde(
        rename = "EventTs",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_ts: Option<TimestampSecs>,
    /// When it happened (**milliseconds**).
    #[serde(
        rename = "EventMsTs",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_ms_ts: Option<TimestampMillis>,
    /// Recording robot.
    #[serde(rename = "UserId", skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Id of the recording task.
    #[serde(rename = "TaskId", skip_serializing_if = "Option::is_none")]
    pub task_id: Option<Id>,
    /// Details, which depend on the kind of event.
    #[serde(rename = "Payload", skip_serializing_if = "Option::is_none")]
    pub payload: Option<RecordingPayload>,
}

/// Details of a cloud-recording event. What else it has depends on the kind of event; see the raw body.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordingPayload {
    /// Status of the event, 0 in the sample.
    #[serde(rename = "Status", default, deserialize_with = "wire::int", skip_serializing_if = "Option::is_none")]
    pub status: Option<i64>,
}

wire_int! {
    /// Group of recording events.
    EventGroup {
        /// Cloud recording.
        CloudRecording = 3;
        /// Recording of a web page.
        WebPageRecording = 8;
    }
}
