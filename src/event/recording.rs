//! Cloud recording of calls and live rooms, as the TRTC product tells it.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::json::{wire_int, wire_text};
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

/// Details of a cloud-recording event. Which fields are there depends on the event.
///
/// Source: <https://trtc.io/document/54914>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct RecordingPayload {
    /// How it went. For a room 0 is success; for a web page 1 is, and other numbers say what changed.
    pub status: Option<i64>,
    /// Why the recording or the upload ended; 0 if all went well.
    pub leave_code: Option<i64>,
    /// Where the finished recording is in VOD.
    pub tencent_vod: Option<VodFile>,
    /// Why it could not be stored in VOD.
    pub errmsg: Option<String>,
    /// Names of files; a single string is read as a list of one.
    pub file_list: Option<Vec<String>>,
    /// Finished files.
    pub file_message: Option<Vec<RecordedFile>>,
    /// Name of a part of the recording.
    pub file_name: Option<String>,
    /// User who is in that part.
    pub user_id: Option<UserId>,
    /// What is in that part.
    pub track_type: Option<TrackType>,
    /// When that part begins (**milliseconds**).
    pub begin_time_stamp: Option<TimestampMillis>,
    /// Image that could not be fetched.
    pub url: Option<String>,
    /// What happened to the recording of a web page, in words.
    pub event_message: Option<String>,
}

/// A recording in VOD. If it could not be stored there, it says only whose it is, and the file.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct VodFile {
    /// User who was recorded; empty if streams are mixed.
    pub user_id: Option<UserId>,
    /// What is in it.
    pub track_type: Option<TrackType>,
    /// Which stream.
    pub media_id: Option<RecordedMedia>,
    /// Id of the file in VOD.
    pub file_id: Option<Id>,
    /// Where it can be played.
    pub video_url: Option<String>,
    /// Name of the file that was uploaded.
    pub cache_file: Option<String>,
    /// When it begins (**milliseconds**).
    pub start_time_stamp: Option<TimestampMillis>,
    /// When it ends (**milliseconds**).
    pub end_time_stamp: Option<TimestampMillis>,
}

/// A finished file of a recording.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct RecordedFile {
    /// Name of the file.
    pub file_name: Option<String>,
    /// User who was recorded; empty if streams are mixed.
    pub user_id: Option<UserId>,
    /// What is in it.
    pub track_type: Option<TrackType>,
    /// Which stream.
    pub media_id: Option<RecordedMedia>,
    /// When it begins (**milliseconds**).
    pub start_time_stamp: Option<TimestampMillis>,
    /// When it ends (**milliseconds**).
    pub end_time_stamp: Option<TimestampMillis>,
}

wire_int! {
    /// Group of recording events.
    EventGroup {
        /// Cloud recording.
        CloudRecording = 3;
        /// Recording of a web page.
        WebPageRecording = 8;
    }
    /// What happened to a recording.
    RecordingEvent {
        /// The recorder was started.
        RecorderStart = 301;
        /// The recorder stopped.
        RecorderStop = 302;
        /// The upload began.
        UploadStart = 303;
        /// The first playlist was written.
        FileInfo = 304;
        /// The upload ended.
        UploadStop = 305;
        /// The recording moved to another server.
        Failover = 306;
        /// A part was written.
        FileSlice = 307;
        /// The upload failed; older pages only.
        UploadError = 308;
        /// An image could not be fetched.
        DownloadImageError = 309;
        /// The MP4 files are finished.
        Mp4Stop = 310;
        /// The recording is in VOD.
        VodCommit = 311;
        /// The upload to VOD ended.
        VodStop = 312;
        /// Of a web page: the recorder was started.
        WebRecorderStart = 801;
        /// Of a web page: the recorder stopped.
        WebRecorderStop = 802;
        /// Of a web page: it was loaded again, paused or resumed.
        WebStatusUpdate = 803;
        /// Of a web page: a limit was reached.
        WebResourceLimit = 804;
    }
}

wire_text! {
    /// What is in a recording.
    TrackType {
        /// Sound.
        Audio = "audio";
        /// Pictures.
        Video = "video";
        /// Both.
        AudioVideo = "audio_video";
    }

    /// Which stream was recorded.
    RecordedMedia {
        /// The camera.
        Main = "main";
        /// The screen.
        Aux = "aux";
        /// All streams, mixed.
        Mix = "mix";
    }
}
