//! Groups: made, changed, full, disbanded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::group_type::GroupType;
use super::member::Member;
use crate::json;
use crate::json::wire_text;
use crate::types::{GroupId, TimestampMillis, UserId};

/// A group has a new owner.
///
/// Source: <https://trtc.io/document/60396>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterChangeGroupOwner {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Group type.
    pub r#type: Option<GroupType>,
    /// User that transferred the group.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Former owner.
    #[serde(rename = "OldOwner_Account")]
    pub old_owner_account: Option<UserId>,
    /// New owner.
    #[serde(rename = "NewOwner_Account")]
    pub new_owner_account: Option<UserId>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A group has been created.
///
/// Source: <https://trtc.io/document/34369>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterCreateGroup {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// User that sent the create request.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Group owner.
    #[serde(rename = "Owner_Account")]
    pub owner_account: Option<UserId>,
    /// Group type.
    pub r#type: Option<GroupType>,
    /// Group name.
    pub name: Option<String>,
    /// Initial members.
    pub member_list: Option<Vec<Member>>,
    /// Custom group fields given at creation; only when custom fields are enabled in the console and used.
    pub user_defined_data_list: Option<Vec<UserDefinedData>>,
    /// Number of groups that the user created; no page of the vendor documents it here.
    pub create_group_num: Option<i64>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Who may invite; not on the vendor's page.
    pub invite_option: Option<InviteOption>,
}

/// Custom attributes of a group were set, changed, cleared or deleted.
///
/// Source: <https://trtc.io/document/60394>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterGroupAttrChanged {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Group type.
    pub r#type: Option<GroupType>,
    /// User that made the change.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// What was done: replace all, change some, clear all, delete some.
    pub option_type: Option<OptionType>,
    /// Attributes concerned.
    pub group_attr: Option<Vec<GroupAttr>>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A group has been disbanded.
///
/// Source: <https://trtc.io/document/34377>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterGroupDestroyed {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Group type.
    pub r#type: Option<GroupType>,
    /// User that disbanded the group.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Owner.
    #[serde(rename = "Owner_Account")]
    pub owner_account: Option<UserId>,
    /// Group name.
    pub name: Option<String>,
    /// Members at the time; never sent for Community groups.
    pub member_list: Option<Vec<Member>>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A group reached its member limit, or a join failed because it was already full.
///
/// Source: <https://trtc.io/document/34376>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterGroupFull {
    /// Id of the full group.
    pub group_id: GroupId,
    /// Full topic; only for private topics of a community.
    pub topic_id: Option<GroupId>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// The name, introduction, notice or avatar of a group has changed.
///
/// Source: <https://trtc.io/document/34378>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterGroupInfoChanged {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Group type.
    pub r#type: Option<GroupType>,
    /// User that made the change.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// New group name.
    pub name: Option<String>,
    /// New introduction.
    pub introduction: Option<String>,
    /// New notice.
    pub notification: Option<String>,
    /// New avatar URL.
    pub face_url: Option<String>,
    /// Changed custom group fields; documented in 2019 to 2020-06 only, removed from the page since.
    pub user_defined_data_list: Option<Vec<UserDefinedData>>,
    /// `On` if nobody may write, `Off` if all may; read by others from recordings, not documented here.
    pub shut_up_all_member: Option<String>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A user or admin asks to create a group; the reply allows or refuses it.
///
/// Source: <https://trtc.io/document/34368>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BeforeCreateGroup {
    /// User that sent the create request.
    #[serde(rename = "Operator_Account")]
    pub operator_account: UserId,
    /// User that will own the group.
    #[serde(rename = "Owner_Account")]
    pub owner_account: Option<UserId>,
    /// Group type.
    pub r#type: Option<GroupType>,
    /// Requested group name.
    pub name: Option<String>,
    /// How many groups of this type the user already created; see [`created_groups`](Self::created_groups).
    pub create_group_num: Option<i64>,
    /// The same under an older name.
    pub created_group_num: Option<CreatedGroupNum>,
    /// The same under the oldest name.
    pub created_num: Option<i64>,
    /// Invite option of the new group; not on the vendor's page.
    pub invite_option: Option<InviteOption>,
    /// Initial members requested.
    pub member_list: Option<Vec<Member>>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// The day's net number of new groups passed 70% of the app's limit.
///
/// Source: <https://trtc.io/document/57455>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct OnDailyGroupQuotaAlarm {
    /// Groups created minus groups disbanded today.
    pub quota_used: Option<i64>,
    /// Daily limit of that net increase.
    pub quota: Option<i64>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

/// A custom field.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct UserDefinedData {
    /// Custom field name.
    pub key: String,
    /// Custom field value.
    pub value: Option<String>,
}

/// A custom attribute of a group.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct GroupAttr {
    /// Attribute name; lower-case member name.
    #[serde(rename = "key")]
    pub key: String,
    /// Attribute value; lower-case member name.
    #[serde(rename = "value")]
    pub value: Option<String>,
}

wire_text! {
    /// Who may invite.
    InviteOption {
        /// Nobody.
        DisableInvite = "DisableInvite";
        /// With permission.
        NeedPermission = "NeedPermission";
    }

    /// What was done with the attributes.
    OptionType {
        /// All were replaced.
        Set = "set";
        /// Some were changed.
        Modify = "modify";
        /// All were cleared.
        Clear = "clear";
        /// Some were deleted.
        Delete = "delete";
    }
}

/// How many groups a user has made already: a number, or one for each type of group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CreatedGroupNum {
    /// Of the type in question.
    Number(i64),
    /// Of each type.
    PerType(BTreeMap<String, i64>),
}

impl CreatedGroupNum {
    /// The number for this type of group.
    pub fn of(&self, group_type: &GroupType) -> Option<i64> {
        match self {
            CreatedGroupNum::Number(number) => Some(*number),
            CreatedGroupNum::PerType(numbers) => numbers.get(group_type.as_str()).copied(),
        }
    }
}

impl Serialize for CreatedGroupNum {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            CreatedGroupNum::Number(number) => serializer.serialize_i64(*number),
            CreatedGroupNum::PerType(numbers) => numbers.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for CreatedGroupNum {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Count;

        impl<'de> serde::de::Visitor<'de> for Count {
            type Value = CreatedGroupNum;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number, or one for each type of group")
            }

            fn visit_i64<E>(self, number: i64) -> Result<CreatedGroupNum, E> {
                Ok(CreatedGroupNum::Number(number))
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<CreatedGroupNum, E> {
                let number = i64::try_from(number).map_err(|_| E::custom("integer of more than 63 bits"))?;
                Ok(CreatedGroupNum::Number(number))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<CreatedGroupNum, E> {
                let number = text.parse().map_err(|_| E::custom("text that is no integer"))?;
                Ok(CreatedGroupNum::Number(number))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, members: A) -> Result<CreatedGroupNum, A::Error> {
                json::entries(members).map(CreatedGroupNum::PerType)
            }
        }

        deserializer.deserialize_any(Count)
    }
}

impl BeforeCreateGroup {
    /// How many groups of this type the user has made already, by whichever of its three names the vendor sent it.
    pub fn created_groups(&self) -> Option<i64> {
        let by_type = || self.created_group_num.as_ref()?.of(self.r#type.as_ref()?);
        let number = || match &self.created_group_num {
            Some(CreatedGroupNum::Number(number)) => Some(*number),
            _ => by_type(),
        };
        self.create_group_num.or_else(number).or(self.created_num)
    }
}
