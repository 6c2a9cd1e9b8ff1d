//! Who is in a live room, and what they may do.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::event::rules::event;
use crate::json::wire_text;
use crate::types::{GroupId, TimestampMillis, UserId};

/// The owner of a live room was changed.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterChangeOwner {
    /// Id of the room whose owner changed.
    pub room_id: GroupId,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// User id of who made the change.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// User id of the new owner.
    #[serde(rename = "CurrentOwner_Account")]
    pub current_owner_account: Option<UserId>,
    /// User id of the former owner.
    #[serde(rename = "OriginalOwner_Account")]
    pub original_owner_account: Option<UserId>,
}

event! {
    AfterChangeOwner, "https://trtc.io/document/72553",
    time |e| e.event_time,
    order room |e| [e.room_id]
}

/// Administrators of a live room were added or removed.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterModifyAdmin {
    /// Id of the room whose administrators changed.
    pub room_id: GroupId,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// User id of who made the change.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// User ids of those who became administrators or are no longer.
    #[serde(rename = "Admin_Account")]
    pub admin_account: Vec<UserId>,
    /// Whether they were added or removed.
    #[serde(rename = "opType")]
    pub op_type: Option<AdminChange>,
}

event! {
    AfterModifyAdmin, "https://trtc.io/document/72554",
    time |e| e.event_time,
    order room |e| [e.room_id]
}

/// Members of a live room came online or went offline.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterMemberStateChanged {
    /// Id of the room the members are in.
    pub room_id: GroupId,
    /// Whether the members came online or went offline.
    pub event_type: Option<EventType>,
    /// Why their state changed: entered, left, removed, heartbeat lost or back. A lost heartbeat is
    /// noticed after 90 to 110 seconds.
    pub event_cause: Option<EventCause>,
    /// Members whose state changed, all in the same way.
    pub member_list: Vec<Member>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterMemberStateChanged, "https://trtc.io/document/64424",
    time |e| e.event_time,
    order room |e| [e.room_id]
}

/// A member.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Member {
    /// User id of a member whose state changed.
    #[serde(rename = "Member_Account")]
    pub member_account: UserId,
}

wire_text! {
    /// Direction of a change of state.
    EventType {
        /// Came online.
        Online = "Online";
        /// Went offline.
        Offline = "Offline";
    }

    /// Cause of a change of state.
    EventCause {
        /// Entered.
        Enter = "Enter";
        /// Left.
        Leave = "Leave";
        /// The heartbeat was lost.
        HeartbeatInterrupt = "HeartbeatInterrupt";
        /// The heartbeat came back.
        HeartbeatRecover = "HeartbeatRecover";
        /// Removed by someone.
        Kicked = "Kicked";
    }

    /// What happened to administrators.
    AdminChange {
        /// They were added.
        Add = "add";
        /// They were removed.
        Delete = "delete";
    }
}
