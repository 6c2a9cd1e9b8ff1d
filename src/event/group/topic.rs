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
    /// Id of the new topic.
    pub topic_id: GroupId,
    /// User that sent the create request.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Community owner.
    #[serde(rename = "Owner_Account")]
    pub owner_account: Option<UserId>,
    /// Type of the group the topic belongs to.
    pub r#type: Option<GroupType>,
    /// Topic name.
    pub name: Option<String>,
    /// Custom topic fields given at creation; only when enabled in the console and used.
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
    /// Type of the group the topics belonged to.
    pub r#type: Option<GroupType>,
    /// IDs of the deleted topics; array of plain strings.
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
    /// Type of the group the topic belongs to.
    pub r#type: Option<GroupType>,
    /// User that made the change.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// New topic name.
    pub name: Option<String>,
    /// New introduction.
    pub introduction: Option<String>,
    /// New notice.
    pub notification: Option<String>,
    /// New avatar URL.
    pub face_url: Option<String>,
    /// Topic concerned; by analogy with the sibling commands.
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
    /// User that sent the create request.
    #[serde(rename = "Operator_Account")]
    pub operator_account: UserId,
    /// Type of the group the topic belongs to.
    pub r#type: Option<GroupType>,
    /// Requested topic name.
    pub name: Option<String>,
}
