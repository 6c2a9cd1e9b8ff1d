//! Topics of communities.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::group_type::GroupType;
use super::lifecycle::UserDefinedData;
use crate::event::rules::event;
use crate::types::{GroupId, UserId};

/// A topic has been created in a community.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterCreateTopic {
    /// Id of the community the topic belongs to.
    pub group_id: GroupId,
    /// Id of the new topic of the community.
    pub topic_id: GroupId,
    /// User id of who made the request to create the topic.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// User id of the owner of the community.
    #[serde(rename = "Owner_Account")]
    pub owner_account: Option<UserId>,
    /// Type of the group that the topic is in: `Community`.
    pub r#type: Option<GroupType>,
    /// Name that the new topic has.
    pub name: Option<String>,
    /// Custom fields of the topic. Only if they are enabled in the console and were set.
    pub user_defined_data_list: Option<Vec<UserDefinedData>>,
}

event! {
    AfterCreateTopic, "https://trtc.io/document/49464",
    order group |e| [e.group_id]
}

/// Topics of a community have been deleted.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterTopicDestroyed {
    /// Id of the community the topics belonged to.
    pub group_id: GroupId,
    /// Type of the group that the topics were in: `Community`.
    pub r#type: Option<GroupType>,
    /// Ids of the topics that were deleted.
    pub topic_id_list: Vec<GroupId>,
}

event! {
    AfterTopicDestroyed, "https://trtc.io/document/49465",
    order group |e| [e.group_id]
}

/// The name, introduction, notice or avatar of a topic has changed.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterTopicInfoChanged {
    /// Id of the community the topic belongs to.
    pub group_id: GroupId,
    /// Type of the group that the topic is in: `Community`.
    pub r#type: Option<GroupType>,
    /// User that made the change.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// New name of the topic; may be absent if it did not change.
    pub name: Option<String>,
    /// New introduction of the topic; may be absent if it did not change.
    pub introduction: Option<String>,
    /// New notice of the topic; may be absent if it did not change.
    pub notification: Option<String>,
    /// Address of the new avatar; may be absent if it did not change.
    pub face_url: Option<String>,
    /// Id of the topic. Undocumented for this command: without it the body does not say which topic
    /// changed.
    pub topic_id: Option<GroupId>,
}

event! {
    AfterTopicInfoChanged, "https://trtc.io/document/49466",
    order group |e| [e.group_id]
}

/// A user or admin asks to create a topic in a community; the reply allows or refuses it.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BeforeCreateTopic {
    /// User id of who asks to create the topic.
    #[serde(rename = "Operator_Account")]
    pub operator_account: UserId,
    /// Type of the group that the topic is for: `Community`. The body does not say which community.
    pub r#type: Option<GroupType>,
    /// Name wanted for the topic.
    pub name: Option<String>,
}

event! { BeforeCreateTopic, "https://trtc.io/document/49463" }
