//! Cloud recording of calls and live rooms. The fields are those of TRTC's own recording callbacks.

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
    /// Id of the TRTC room that is recorded. Absent if a web page is.
    pub room_id: Option<GroupId>,
    /// When it happened (**seconds**). The vendor advises to use `event_ms_ts`. Absent for a web
    /// page.
    pub event_ts: Option<TimestampSecs>,
    /// When it happened (**milliseconds**).
    pub event_ms_ts: Option<TimestampMillis>,
    /// User id of the robot that records. Absent for a web page.
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
    /// Result of the event; the event decides what a number means. For a room (301 to 312) 0 is
    /// success, any other number a failure. For a web page: 801 has 1 started, 2 failed to start, 3
    /// stopped and is retried, 4 moved and is retried, 5 ended by an error; 802 has 1 ended; 803
    /// has 1 loaded again, 2 paused, 3 resumed; 804 has 1 longest time reached, 2 resolution too
    /// high. Absent for 302, 304, 305, 307 and 309.
    pub status: Option<i64>,
    /// Why the recording (302) or the upload (305) ended. 302 has 0 as ordered, 1 your app removed
    /// the robot, 2 your app dissolved the room, 3 the server removed the robot, 4 the server
    /// dissolved the room, 99 no other stream was left, 100 time-out, 101 a user entered twice. 305
    /// has 0 all files are in your storage, 1 some are still at Tencent's, 2 some were there and
    /// have been uploaded. Other events lack it.
    pub leave_code: Option<i64>,
    /// Where the finished recording is in VOD; only for 311.
    pub tencent_vod: Option<VodFile>,
    /// Why the recording could not be stored in VOD; only for a 311 that failed.
    pub errmsg: Option<String>,
    /// Names of files: for 304 the playlist, for 310 the MP4 files. A single string is read as a
    /// list of one.
    pub file_list: Option<Vec<String>>,
    /// Finished MP4 files, with who and when; only for 310.
    pub file_message: Option<Vec<RecordedFile>>,
    /// Name of the part that was written; only for 307.
    pub file_name: Option<String>,
    /// User who is recorded in that part; only for 307.
    pub user_id: Option<UserId>,
    /// Whether that part has sound, pictures or both; only for 307.
    pub track_type: Option<TrackType>,
    /// When that part begins (**milliseconds**); only for 307.
    pub begin_time_stamp: Option<TimestampMillis>,
    /// Address of an image that could not be fetched; only for 309.
    pub url: Option<String>,
    /// What happened to the recording of a web page, in words; only for 801 to 804.
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
    /// Whether the file has sound, pictures or both.
    pub track_type: Option<TrackType>,
    /// Which stream the file is of: camera, screen, or all of them mixed.
    pub media_id: Option<RecordedMedia>,
    /// Id of the file in VOD. Absent if it could not be stored there.
    pub file_id: Option<Id>,
    /// Address where the file can be played. Absent if it could not be stored.
    pub video_url: Option<String>,
    /// Name of the file that was uploaded.
    pub cache_file: Option<String>,
    /// When the recording in this file begins (**milliseconds**).
    pub start_time_stamp: Option<TimestampMillis>,
    /// When the recording in this file ends (**milliseconds**).
    pub end_time_stamp: Option<TimestampMillis>,
}

/// A finished file of a recording.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct RecordedFile {
    /// Name of the file, one of those in `file_list`.
    pub file_name: Option<String>,
    /// User who was recorded; empty if streams are mixed.
    pub user_id: Option<UserId>,
    /// Whether the file has sound, pictures or both.
    pub track_type: Option<TrackType>,
    /// Which stream the file is of: camera, screen, or all of them mixed.
    pub media_id: Option<RecordedMedia>,
    /// When the recording in this file begins (**milliseconds**).
    pub start_time_stamp: Option<TimestampMillis>,
    /// When the recording in this file ends (**milliseconds**).
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
        /// The upload failed. Newer pages of the vendor no longer list it.
        UploadError = 308;
        /// An image could not be fetched.
        DownloadImageError = 309;
        /// The MP4 files are finished.
        Mp4Stop = 310;
        /// The recording is in VOD.
        VodCommit = 311;
        /// The upload to VOD ended.
        VodStop = 312;
        /// The recorder of a web page was started.
        WebRecorderStart = 801;
        /// The recorder of a web page stopped.
        WebRecorderStop = 802;
        /// A recorded web page was loaded again, or its recording was paused or resumed.
        WebStatusUpdate = 803;
        /// The recording of a web page reached a limit of time or resolution.
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
