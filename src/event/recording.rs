//! Cloud recording of calls and live rooms, as the TRTC product tells it.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::json::wire_int;
use crate::types::{GroupId, Id, TimestampMillis, TimestampSecs, UserId};

/// A cloud-recording event.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct RecordingInfo {
    /// Room.
    pub room_id: Option<GroupId>,
    /// When it happened (**seconds**).
    pub event_ts: Option<TimestampSecs>,
    /// When it happened (**milliseconds**).
    pub event_ms_ts: Option<TimestampMillis>,
    /// Recording robot.
    pub user_id: Option<UserId>,
    /// Id of the recording task.
    pub task_id: Option<Id>,
    /// Details, which depend on the kind of event.
    pub payload: Option<RecordingPayload>,
}

/// Details of a cloud-recording event. What else it has depends on the kind of event; see the raw body.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct RecordingPayload {
    /// Status of the event, 0 in the sample.
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
