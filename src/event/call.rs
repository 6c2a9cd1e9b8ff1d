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
    EventGroup, RecordedFile, RecordedMedia, RecordingEvent, RecordingInfo, RecordingPayload,
    TrackType, VodFile,
};
use crate::event::rules::event;
use crate::json::{wire_int, wire_text};
use crate::types::{GroupId, Id, TimestampMillis, TimestampSecs, UserId};

/// A `TUICallKit` call ended, with the whole call record.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterEndCall {
    /// Record of the call: who, when, how long and how it ended. The event comes once the call has
    /// one member or none left.
    pub call_record: CallRecord,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterEndCall, "https://trtc.io/document/68940",
    time |e| e.event_time,
    order call |e| [e.call_record.call_id]
}

/// Members of a `TUICallKit` call answered, refused, joined, hung up and so on.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterMemberChanged {
    /// Id of the call whose members changed.
    pub call_id: Id,
    /// Members of the call and whether they are in it yet.
    #[serde(default)]
    pub user_list: Vec<User>,
    /// Members whose state changed.
    #[serde(default)]
    pub changed_user_list: Vec<ChangedUser>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterMemberChanged, "https://trtc.io/document/69215",
    time |e| e.event_time,
    order call |e| [e.call_id]
}

/// The state of a call's cloud recording changed.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterRecordChanged {
    /// Id of the call that is recorded.
    pub call_id: Id,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Event of the cloud recording. `Live.CallbackAfterCloudRecordingChanged` has the same fields
    /// at the top of its body.
    pub callback: RecordCallback,
}

event! {
    AfterRecordChanged, "https://trtc.io/document/80345",
    time |e| (e.callback.callback_ts, e.event_time),
    order call |e| [e.call_id]
}

/// A `TUICallKit` call was started.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterStartCall {
    /// What kind of call it is, and in which room.
    pub call_info: CallInfo,
    /// Members of the call and whether they are in it yet.
    #[serde(default)]
    pub user_list: Vec<User>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterStartCall, "https://trtc.io/document/68941",
    time |e| e.event_time,
    order call |e| [e.call_info.call_id]
}

/// Record of a call.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct CallRecord {
    /// Id of the call that ended.
    pub call_id: Id,
    /// User id of who made the call.
    #[serde(rename = "Caller_Account")]
    pub caller_account: Option<UserId>,
    /// Whether it was an audio or a video call.
    pub media_type: Option<MediaType>,
    /// One-to-one or group call.
    pub call_type: Option<CallType>,
    /// When the call was started (**seconds**).
    pub start_time: Option<TimestampSecs>,
    /// When the call ended (**seconds**).
    pub end_time: Option<TimestampSecs>,
    /// When the call was accepted (**seconds**); 0 in the vendor's sample of a call that nobody
    /// answered.
    pub accept_time: Option<TimestampSecs>,
    /// How the call ended, such as cancelled, refused or hung up.
    pub call_result: Option<CallResult>,
    /// User ids of the members of the call. In the vendor's sample the caller is one of them.
    #[serde(rename = "CalleeList_Account", default)]
    pub callee_list_account: Vec<UserId>,
    /// Id of the TRTC room of the call; `room_id_type` says of which kind.
    pub room_id: Option<GroupId>,
    /// Kind of that room id: 1 a number, 2 a string.
    pub room_id_type: Option<RoomIdType>,
}

/// A member of a call.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct User {
    /// User id. It may arrive as a string or as a number of 64 bits and is read as text; the
    /// numbers in the vendor's sample of `Call.CallbackAfterStartCall` look like internal account
    /// numbers.
    #[serde(rename = "User_Account")]
    pub user_account: UserId,
    /// Whether the member is in the call or still waiting.
    pub status: Option<MemberStatus>,
}

/// A member of a call whose state changed.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ChangedUser {
    /// User id of the member, in the forms of [`User::user_account`].
    #[serde(rename = "User_Account")]
    pub user_account: UserId,
    /// What the member did, or what was done to them: answered, hung up, was invited.
    pub action_type: Option<ActionType>,
}

/// A cloud-recording event, nested (Live puts the same fields at the top level).
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct RecordCallback {
    /// Group of events: 3 is cloud recording.
    pub event_group_id: Option<EventGroup>,
    /// What happened to the recording.
    pub event_type: Option<RecordingEvent>,
    /// When the callback was made (**milliseconds**).
    pub callback_ts: Option<TimestampMillis>,
    /// What was recorded, where and when, and details of the event.
    pub event_info: RecordingInfo,
    /// Undocumented; 2 in the vendor's sample of a call.
    pub kit_type: Option<i64>,
}

/// Data of a call.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct CallInfo {
    /// Id of the call that was started.
    pub call_id: Id,
    /// Whether it is an audio or a video call; [`media`](Self::media) takes either name.
    pub call_media_type: Option<MediaType>,
    /// The same under the name in the vendor's table; [`media`](Self::media) takes either name.
    pub media_type: Option<MediaType>,
    /// Id of the Chat group of a group call; empty for other calls.
    pub chat_group_id: Option<GroupId>,
    /// Id of the TRTC room of the call; `room_id_type` says of which kind.
    pub room_id: Option<GroupId>,
    /// Kind of that room id: 1 a number, 2 a string.
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

    /// What changed for a member. The vendor spells some values in several ways; all are read.
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
