//! Members: joining, leaving, changing, coming online.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::group_type::GroupType;
use crate::event::rules::event;
use crate::json::wire_text;
use crate::types::{GroupId, TimestampMillis, UserId};

/// Users have left a group or were removed from it.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterMemberExit {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Type of the group, such as `Public`.
    pub r#type: Option<GroupType>,
    /// Whether somebody removed them, or they left on their own.
    pub exit_type: Option<ExitType>,
    /// User id of who acted: who removed the others, or who left.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Users who are no longer members.
    pub exit_member_list: Vec<Member>,
    /// Id of the topic that was left; only for a private topic of a community.
    pub topic_id: Option<GroupId>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterMemberExit, "https://trtc.io/document/34373",
    time |e| e.event_time,
    order group |e| [e.group_id]
}

/// The role or name card of a group member has changed.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterMemberFieldChanged {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Type of the group, such as `Public`.
    pub r#type: Option<GroupType>,
    /// User that made the change.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// User id of the changed member, by the name of the international pages;
    /// [`member`](Self::member) takes either name.
    #[serde(rename = "Member_Account")]
    pub member_account: Option<UserId>,
    /// User id of the changed member, by the name of the mainland page; [`member`](Self::member)
    /// takes either name.
    #[serde(rename = "Modified_Account")]
    pub modified_account: Option<UserId>,
    /// New role: made an admin, or a plain member again. May be absent if it did not change.
    pub role: Option<Role>,
    /// New name of the member within the group. May be absent if it did not change.
    pub name_card: Option<String>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterMemberFieldChanged, "https://trtc.io/document/60393",
    time |e| e.event_time,
    order group |e| [e.group_id]
}

/// Users have joined a group.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterNewMemberJoin {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Type of the group, such as `Public`.
    pub r#type: Option<GroupType>,
    /// Whether they applied to join, or somebody invited them.
    pub join_type: Option<JoinType>,
    /// User id of who made the join request.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Users who are members now.
    pub new_member_list: Vec<Member>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Id of the topic that was joined. Undocumented for this command; other commands have it for
    /// private topics of a community.
    pub topic_id: Option<GroupId>,
}

event! {
    AfterNewMemberJoin, "https://trtc.io/document/34372",
    time |e| e.event_time,
    order group |e| [e.group_id]
}

/// A user applies to join a group; the reply lets the application go on or refuses it.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BeforeApplyJoinGroup {
    /// Id of the group that the user wants to join.
    pub group_id: GroupId,
    /// Type of the group, such as `Public`.
    pub r#type: Option<GroupType>,
    /// User id of who wants to join.
    #[serde(rename = "Requestor_Account")]
    pub requestor_account: UserId,
    /// What the user wrote in the application. Only the vendor's mainland page of 2025 has it.
    pub apply_msg: Option<String>,
    /// Id of the topic to be joined; only for a private topic of a community.
    pub topic_id: Option<GroupId>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    BeforeApplyJoinGroup, "https://trtc.io/document/34370",
    time |e| e.event_time
}

/// A member or admin is about to pull users into a group; the reply may refuse some or all.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BeforeInviteJoinGroup {
    /// Id of the group that users are invited to.
    pub group_id: GroupId,
    /// Type of the group, such as `Public`.
    pub r#type: Option<GroupType>,
    /// User id of who invites the others.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Users who are about to be added. The reply can refuse some of them.
    pub destination_members: Vec<Member>,
    /// Id of the topic they are invited to; only for a private topic of a community.
    pub topic_id: Option<GroupId>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    BeforeInviteJoinGroup, "https://trtc.io/document/34371",
    time |e| e.event_time
}

/// Members of an `AVChatRoom` went online or offline in that group.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct OnMemberStateChange {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Whether the members came online or went offline in this group.
    pub event_type: Option<EventType>,
    /// Why: heartbeat lost, heartbeat back, first device joined, last device left. May be absent.
    pub event_cause: Option<EventCause>,
    /// Members whose state changed, all in the same way.
    pub member_list: Vec<Member>,
    /// Type of the group. Undocumented here; one public SDK has it, always as `AVChatRoom`.
    pub r#type: Option<GroupType>,
    /// When the event fired, Unix time (**milliseconds**). Only the newest of the vendor's samples
    /// has it.
    pub event_time: Option<TimestampMillis>,
}

event! {
    OnMemberStateChange, "https://trtc.io/document/48734",
    time |e| e.event_time,
    order group |e| [e.group_id]
}

/// A member.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Member {
    /// User id of the member. The field that holds the list says what became of them.
    #[serde(rename = "Member_Account")]
    pub member_account: UserId,
}

wire_text! {
    /// How somebody left.
    ExitType {
        /// Removed by someone.
        Kicked = "Kicked";
        /// Left on their own.
        Quit = "Quit";
    }

    /// Role of a member.
    Role {
        /// Admin.
        Admin = "Admin";
        /// Plain member.
        Member = "Member";
    }

    /// How somebody joined.
    JoinType {
        /// On their own application.
        Apply = "Apply";
        /// Pulled in.
        Invited = "Invited";
    }

    /// Direction of a change of state.
    EventType {
        /// Went offline.
        Offline = "Offline";
        /// Came online.
        Online = "Online";
    }

    /// Cause of a change of state.
    EventCause {
        /// The heartbeat was lost.
        HeartbeatInterrupt = "HeartbeatInterrupt";
        /// The heartbeat came back.
        HeartbeatRecover = "HeartbeatRecover";
        /// The first device joined.
        Join = "Join";
        /// The last device left.
        Quit = "Quit";
    }
}

impl AfterMemberFieldChanged {
    /// The member whose field changed, by whichever of its two names the vendor sent it.
    pub fn member(&self) -> Option<&UserId> {
        self.member_account.as_ref().or(self.modified_account.as_ref())
    }
}
