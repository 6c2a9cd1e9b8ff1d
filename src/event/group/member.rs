//! Members: joining, leaving, changing, coming online.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::group_type::GroupType;
use crate::json::wire_text;
use crate::types::{GroupId, TimestampMillis, UserId};

/// Users have left a group or were removed from it.
///
/// Source: <https://trtc.io/document/34373>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterMemberExit {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Group type.
    pub r#type: Option<GroupType>,
    /// Removed by someone, or left on their own.
    pub exit_type: Option<ExitType>,
    /// User that acted: the remover for Kicked, the leaver for Quit.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Users that left.
    pub exit_member_list: Vec<Member>,
    /// Topic concerned; only for private topics of a community.
    pub topic_id: Option<GroupId>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// The role or name card of a group member has changed.
///
/// Source: <https://trtc.io/document/60393>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterMemberFieldChanged {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Group type.
    pub r#type: Option<GroupType>,
    /// User that made the change.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Changed member; see [`member`](Self::member).
    #[serde(rename = "Member_Account")]
    pub member_account: Option<UserId>,
    /// Changed member, under the other name that the vendor uses; see [`member`](Self::member).
    #[serde(rename = "Modified_Account")]
    pub modified_account: Option<UserId>,
    /// New role: made admin, or back to plain member.
    pub role: Option<Role>,
    /// New name card.
    pub name_card: Option<String>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// Users have joined a group.
///
/// Source: <https://trtc.io/document/34372>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterNewMemberJoin {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Group type.
    pub r#type: Option<GroupType>,
    /// How they joined: on their own application, or pulled in.
    pub join_type: Option<JoinType>,
    /// User behind the join request.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Users that joined.
    pub new_member_list: Vec<Member>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Topic concerned; by analogy with the sibling commands.
    pub topic_id: Option<GroupId>,
}

/// A user applies to join a group; the reply lets the application go on or refuses it.
///
/// Source: <https://trtc.io/document/34370>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BeforeApplyJoinGroup {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Group type.
    pub r#type: Option<GroupType>,
    /// Applicant.
    #[serde(rename = "Requestor_Account")]
    pub requestor_account: UserId,
    /// Text of the application.
    pub apply_msg: Option<String>,
    /// Topic being joined; only for private topics of a community.
    pub topic_id: Option<GroupId>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A member or admin is about to pull users into a group; the reply may refuse some or all.
///
/// Source: <https://trtc.io/document/34371>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BeforeInviteJoinGroup {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Group type.
    pub r#type: Option<GroupType>,
    /// User doing the inviting.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Users about to be added.
    pub destination_members: Vec<Member>,
    /// Topic concerned; only for private topics of a community.
    pub topic_id: Option<GroupId>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// Members of an `AVChatRoom` went online or offline in that group.
///
/// Source: <https://trtc.io/document/48734>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct OnMemberStateChange {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Went offline or (back) online.
    pub event_type: Option<EventType>,
    /// Why: heartbeat lost, heartbeat back, first device joined, last device left.
    pub event_cause: Option<EventCause>,
    /// Members concerned.
    pub member_list: Vec<Member>,
    /// Group type; not on the vendor's page.
    pub r#type: Option<GroupType>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A member.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Member {
    /// An initial member.
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
