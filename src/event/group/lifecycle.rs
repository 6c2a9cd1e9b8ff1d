//! Groups: made, changed, full, disbanded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::group_type::GroupType;
use super::member::Member;
use crate::event::rules::event;
use crate::json;
use crate::json::wire_text;
use crate::types::{GroupId, TimestampMillis, UserId};

/// A group has a new owner.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterChangeGroupOwner {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Type of the group, such as `Public`.
    pub r#type: Option<GroupType>,
    /// User id of who transferred the group.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// User id of the former owner.
    #[serde(rename = "OldOwner_Account")]
    pub old_owner_account: Option<UserId>,
    /// User id of the new owner.
    #[serde(rename = "NewOwner_Account")]
    pub new_owner_account: Option<UserId>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterChangeGroupOwner, "https://trtc.io/document/60396",
    time |e| e.event_time,
    order group |e| [e.group_id]
}

/// A group has been created.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterCreateGroup {
    /// Id of the group that was created.
    pub group_id: GroupId,
    /// User id of who made the request to create the group.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// User id of the owner of the group.
    #[serde(rename = "Owner_Account")]
    pub owner_account: Option<UserId>,
    /// Type of the group, such as `Public`.
    pub r#type: Option<GroupType>,
    /// Name that the new group has.
    pub name: Option<String>,
    /// Members that the group was created with; may be absent.
    pub member_list: Option<Vec<Member>>,
    /// Custom fields of the group. Only if they are enabled in the console and were set.
    pub user_defined_data_list: Option<Vec<UserDefinedData>>,
    /// Number of groups that the user has created. Undocumented for this command; one public SDK
    /// has it.
    pub create_group_num: Option<i64>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Who may invite others. Undocumented; seen in a recorded callback of 2023.
    pub invite_option: Option<InviteOption>,
}

event! {
    AfterCreateGroup, "https://trtc.io/document/34369",
    time |e| e.event_time,
    order group |e| [e.group_id]
}

/// Custom attributes of a group were set, changed, cleared or deleted.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterGroupAttrChanged {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Type of the group, such as `Public`.
    pub r#type: Option<GroupType>,
    /// User that made the change.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// What was done: all attributes replaced, some changed, all cleared, or some deleted.
    pub option_type: Option<OptionType>,
    /// Attributes that were set, changed or deleted. What it holds after a clear or a delete is not
    /// documented.
    pub group_attr: Option<Vec<GroupAttr>>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterGroupAttrChanged, "https://trtc.io/document/60394",
    time |e| e.event_time,
    order group |e| [e.group_id]
}

/// A group has been disbanded.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterGroupDestroyed {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Type of the group, such as `Public`.
    pub r#type: Option<GroupType>,
    /// User id of who disbanded the group. The vendor's international pages do not have it.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// User id of the owner of the group.
    #[serde(rename = "Owner_Account")]
    pub owner_account: Option<UserId>,
    /// Name that the group had.
    pub name: Option<String>,
    /// Members the group had at its end. Never there for a community.
    pub member_list: Option<Vec<Member>>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterGroupDestroyed, "https://trtc.io/document/34377",
    time |e| e.event_time,
    order group |e| [e.group_id]
}

/// A group reached its member limit, or a join failed because it was already full.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterGroupFull {
    /// Id of the group that is full. The event may come again for each join that fails.
    pub group_id: GroupId,
    /// Id of the topic that is full; only for a private topic of a community.
    pub topic_id: Option<GroupId>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterGroupFull, "https://trtc.io/document/34376",
    time |e| e.event_time,
    order group |e| [e.group_id]
}

/// The name, introduction, notice or avatar of a group has changed.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterGroupInfoChanged {
    /// Id of the group the event belongs to.
    pub group_id: GroupId,
    /// Type of the group, such as `Public`.
    pub r#type: Option<GroupType>,
    /// User that made the change.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// New name of the group; absent if it did not change.
    pub name: Option<String>,
    /// New introduction of the group; absent if it did not change.
    pub introduction: Option<String>,
    /// New notice of the group; absent if it did not change.
    pub notification: Option<String>,
    /// Address of the new avatar; absent if it did not change.
    pub face_url: Option<String>,
    /// Custom fields that changed. The vendor documented them until June 2020; whether they still
    /// come is not known.
    pub user_defined_data_list: Option<Vec<UserDefinedData>>,
    /// `On` if nobody may write, `Off` if all may. Undocumented here; other people's handlers read
    /// it.
    pub shut_up_all_member: Option<String>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterGroupInfoChanged, "https://trtc.io/document/34378",
    time |e| e.event_time,
    order group |e| [e.group_id]
}

/// A user or admin asks to create a group; the reply allows or refuses it.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BeforeCreateGroup {
    /// User id of who asks to create the group.
    #[serde(rename = "Operator_Account")]
    pub operator_account: UserId,
    /// User id of the future owner of the group.
    #[serde(rename = "Owner_Account")]
    pub owner_account: Option<UserId>,
    /// Type of the group to be created, such as `Public`.
    pub r#type: Option<GroupType>,
    /// Name wanted for the group.
    pub name: Option<String>,
    /// How many groups of this type the user has created; see
    /// [`created_groups`](Self::created_groups), which takes any of the three names.
    pub create_group_num: Option<i64>,
    /// The same number under the name of 2020 to 2022.
    pub created_group_num: Option<CreatedGroupNum>,
    /// The same number under the name of 2019 to 2020.
    pub created_num: Option<i64>,
    /// Who may invite others into the group. Undocumented; one public SDK has it.
    pub invite_option: Option<InviteOption>,
    /// Members to be added when the group is created; may be absent.
    pub member_list: Option<Vec<Member>>,
    /// When the event fired, Unix time (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    BeforeCreateGroup, "https://trtc.io/document/34368",
    time |e| e.event_time
}

/// The day's net number of new groups passed 70% of the app's limit.
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

event! {
    OnDailyGroupQuotaAlarm, "https://trtc.io/document/57455",
    time |e| e.event_time
}

/// A custom field.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct UserDefinedData {
    /// Name of the custom field.
    pub key: String,
    /// Value of the custom field.
    pub value: Option<String>,
}

/// A custom attribute of a group.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct GroupAttr {
    /// Name of the attribute. On the wire the key is lower case: `key`.
    #[serde(rename = "key")]
    pub key: String,
    /// Value of the attribute; may be absent. On the wire the key is lower case: `value`.
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
                let number =
                    i64::try_from(number).map_err(|_| E::custom("integer of more than 63 bits"))?;
                Ok(CreatedGroupNum::Number(number))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<CreatedGroupNum, E> {
                let number = text.parse().map_err(|_| E::custom("text that is no integer"))?;
                Ok(CreatedGroupNum::Number(number))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                members: A,
            ) -> Result<CreatedGroupNum, A::Error> {
                json::entries(members).map(CreatedGroupNum::PerType)
            }
        }

        deserializer.deserialize_any(Count)
    }
}

impl BeforeCreateGroup {
    /// How many groups of this type the user has made already, by whichever of its three names the
    /// vendor sent it.
    pub fn created_groups(&self) -> Option<i64> {
        let by_type = || self.created_group_num.as_ref()?.of(self.r#type.as_ref()?);
        let number = || match &self.created_group_num {
            Some(CreatedGroupNum::Number(number)) => Some(*number),
            _ => by_type(),
        };
        self.create_group_num.or_else(number).or(self.created_num)
    }
}
