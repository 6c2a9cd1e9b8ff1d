//! Calls (`Call.…`).
//!
//! ```
//! use tencent_im_callback::{Command, event::call::AfterEndCall, testing};
//!
//! let sample = testing::sample(&Command::CallAfterEndCall).unwrap_or_default();
//! let callback = testing::callback::<AfterEndCall>(sample);
//! println!("{:?}", callback.event);
//! ```

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

pub use super::recording::{
    EventGroup, RecordedFile, RecordedMedia, RecordingEvent, RecordingInfo, RecordingPayload, TrackType, VodFile,
};
use crate::json::{wire_int, wire_text};
use crate::types::{GroupId, Id, TimestampMillis, TimestampSecs, UserId};

/// A `TUICallKit` call ended, with the whole call record.
///
/// Source: <https://trtc.io/document/68940>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterEndCall {
    /// Record of the call.
    pub call_record: CallRecord,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// Members of a `TUICallKit` call answered, refused, joined, hung up and so on.
///
/// Source: <https://trtc.io/document/69215>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterMemberChanged {
    /// Id of the call.
    pub call_id: Id,
    /// Members of the call.
    #[serde(default)]
    pub user_list: Vec<User>,
    /// Members whose state changed.
    #[serde(default)]
    pub changed_user_list: Vec<ChangedUser>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// The state of a call's cloud recording changed.
///
/// Source: <https://trtc.io/document/80345>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterRecordChanged {
    /// Id of the call.
    pub call_id: Id,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// TRTC cloud-recording event, nested (Live puts the same fields at the top level).
    pub callback: RecordCallback,
}

/// A `TUICallKit` call was started.
///
/// Source: <https://trtc.io/document/68941>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterStartCall {
    /// Data of the call.
    pub call_info: CallInfo,
    /// Members of the call.
    #[serde(default)]
    pub user_list: Vec<User>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// Record of a call.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct CallRecord {
    /// Id of the call.
    pub call_id: Id,
    /// Caller.
    #[serde(rename = "Caller_Account")]
    pub caller_account: Option<UserId>,
    /// Audio or video call.
    pub media_type: Option<MediaType>,
    /// One-to-one or group call.
    pub call_type: Option<CallType>,
    /// When the call was started (**seconds**).
    pub start_time: Option<TimestampSecs>,
    /// When the call ended (**seconds**).
    pub end_time: Option<TimestampSecs>,
    /// When the call was accepted; 0 in the sample of an unanswered call (**seconds**).
    pub accept_time: Option<TimestampSecs>,
    /// Outcome.
    pub call_result: Option<CallResult>,
    /// Members of the call.
    #[serde(rename = "CalleeList_Account", default)]
    pub callee_list_account: Vec<UserId>,
    /// TRTC room id.
    pub room_id: Option<GroupId>,
    /// 1 numeric room number, 2 string room number.
    pub room_id_type: Option<RoomIdType>,
}

/// A member of a call.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct User {
    /// User id; string here, integer in the sample of `Call.CallbackAfterStartCall`.
    #[serde(rename = "User_Account")]
    pub user_account: UserId,
    /// State of the member.
    pub status: Option<MemberStatus>,
}

/// A member of a call whose state changed.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ChangedUser {
    /// User id.
    #[serde(rename = "User_Account")]
    pub user_account: UserId,
    /// What changed.
    pub action_type: Option<ActionType>,
}

/// A cloud-recording event, nested (Live puts the same fields at the top level).
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct RecordCallback {
    /// Event group, 3 for cloud recording.
    pub event_group_id: Option<EventGroup>,
    /// What happened to the recording.
    pub event_type: Option<RecordingEvent>,
    /// When the callback was made (**milliseconds**).
    pub callback_ts: Option<TimestampMillis>,
    /// Details of the event.
    pub event_info: RecordingInfo,
    /// Meaning not documented; 2 in the vendor's sample.
    pub kit_type: Option<i64>,
}

/// Data of a call.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct CallInfo {
    /// Id of the call.
    pub call_id: Id,
    /// Audio or video call.
    pub call_media_type: Option<MediaType>,
    /// Audio or video call, under the other name that the vendor uses.
    pub media_type: Option<MediaType>,
    /// Chat group id of a group call, empty otherwise.
    pub chat_group_id: Option<GroupId>,
    /// TRTC room id.
    pub room_id: Option<GroupId>,
    /// 1 numeric room number, 2 string room number.
    pub room_id_type: Option<RoomIdType>,
}

wire_text! {
    /// Audio or video.
    MediaType {
        /// A video call.
        Video = "Video";
        /// An audio call.
        Audio = "Audio";
    }

    /// One-to-one or group.
    CallType {
        /// A one-to-one call.
        SingleCall = "SingleCall";
        /// A group call.
        MultiCall = "MultiCall";
    }

    /// How a call ended.
    CallResult {
        /// The caller gave up.
        Cancel = "Cancel";
        /// Refused.
        Reject = "Reject";
        /// Not answered.
        NotAnswer = "NotAnswer";
        /// Hung up after a talk.
        NormalEnd = "NormalEnd";
        /// Busy.
        CallBusy = "CallBusy";
        /// Interrupted.
        Interrupt = "Interrupt";
        /// The other side was offline.
        Offline = "Offline";
    }

    /// State of a member.
    MemberStatus {
        /// In the call.
        Calling = "Calling";
        /// Not in the call yet.
        Waiting = "Waiting";
    }

    /// What changed for a member. Pages differ in the spelling.
    ActionType {
        /// Answered.
        Accept = "Accept" | "Answer";
        /// Refused.
        Reject = "Reject";
        /// Did not answer.
        NotAnswer = "NotAnswer";
        /// Hung up.
        Hangup = "Hangup" | "HangUp" | "Hang Up";
        /// Joined.
        Join = "Join";
        /// Went offline.
        Offline = "Offline";
        /// Was invited.
        Invite = "Invite" | "Invited";
        /// The invitation was withdrawn.
        CancelInvite = "Cancel_Invite" | "Canncel_Invite";
    }
}

wire_int! {
    /// Kind of room number.
    RoomIdType {
        /// A number.
        Number = 1;
        /// A text.
        Text = 2;
    }
}

impl CallInfo {
    /// Audio or video, by whichever of its two names the vendor sent it.
    pub fn media(&self) -> Option<&MediaType> {
        self.call_media_type.as_ref().or(self.media_type.as_ref())
    }
}
