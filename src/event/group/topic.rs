//! Topics of communities.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::group_type::GroupType;
use super::lifecycle::UserDefinedData;
use crate::types::{GroupId, UserId};

/// A topic has been created in a community.
///
/// Source: <https://trtc.io/document/49464>
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

/// Topics of a community have been deleted.
///
/// Source: <https://trtc.io/document/49465>
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

/// The name, introduction, notice or avatar of a topic has changed.
///
/// Source: <https://trtc.io/document/49466>
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

/// A user or admin asks to create a topic in a community; the reply allows or refuses it.
///
/// Source: <https://trtc.io/document/49463>
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
