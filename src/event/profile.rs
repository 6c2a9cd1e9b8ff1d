//! Profiles of users (`Profile.…`).
//!
//! ```
//! use tencent_im_callback::{Command, event::profile::PortraitSet, testing};
//!
//! let sample = testing::sample(&Command::ProfilePortraitSet).unwrap_or_default();
//! let callback = testing::callback::<PortraitSet>(sample);
//! println!("{:?}", callback.event);
//! ```

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::event::rules::event;
use crate::json::wire_text;
use crate::types::{TimestampMillis, UserId};

/// A user profile was changed.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct PortraitSet {
    /// User id of who made the change; an admin if it came over REST.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// User whose profile changed.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// When it happened (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Entries of the profile that were changed, with their new values.
    pub profile_item: Vec<ProfileItem>,
}

event! {
    PortraitSet, "https://trtc.io/document/48733",
    time |e| e.event_time,
    order account |e| [e.from_account]
}

/// An entry of a profile that was changed.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ProfileItem {
    /// Name of the profile entry; custom ones start with `Tag_Profile_Custom_`.
    pub tag: Tag,
    /// New value: a string, or a number for birthday, language, level and role.
    pub value: Option<ProfileValue>,
}

wire_text! {
    /// Name of a profile entry. Custom ones start with `Tag_Profile_Custom_`.
    Tag {
        /// Nickname.
        Nick = "Tag_Profile_IM_Nick";
        /// Gender.
        Gender = "Tag_Profile_IM_Gender";
        /// Birthday, an integer.
        BirthDay = "Tag_Profile_IM_BirthDay";
        /// Place.
        Location = "Tag_Profile_IM_Location";
        /// Signature.
        SelfSignature = "Tag_Profile_IM_SelfSignature";
        /// Who may add this user as a friend.
        AllowType = "Tag_Profile_IM_AllowType";
        /// Language, an integer.
        Language = "Tag_Profile_IM_Language";
        /// Address of the portrait.
        Image = "Tag_Profile_IM_Image";
        /// Whether an admin forbade friend requests.
        AdminForbidType = "Tag_Profile_IM_AdminForbidType";
        /// Level, an integer.
        Level = "Tag_Profile_IM_Level";
        /// Role, an integer.
        Role = "Tag_Profile_IM_Role";
    }
}

/// Value of a profile entry: which it is depends on the entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfileValue {
    /// A text.
    Text(String),
    /// An integer.
    Integer(i64),
}

impl Serialize for ProfileValue {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            ProfileValue::Text(text) => serializer.serialize_str(text),
            ProfileValue::Integer(number) => serializer.serialize_i64(*number),
        }
    }
}

impl<'de> Deserialize<'de> for ProfileValue {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Value;

        impl serde::de::Visitor<'_> for Value {
            type Value = ProfileValue;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text or an integer")
            }

            fn visit_str<E>(self, text: &str) -> Result<ProfileValue, E> {
                Ok(ProfileValue::Text(text.to_owned()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<ProfileValue, E> {
                Ok(ProfileValue::Integer(number))
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<ProfileValue, E> {
                let number =
                    i64::try_from(number).map_err(|_| E::custom("integer of more than 63 bits"))?;
                Ok(ProfileValue::Integer(number))
            }
        }

        deserializer.deserialize_any(Value)
    }
}

/// No name at all.
impl Default for Tag {
    fn default() -> Self {
        Tag::Other(String::new())
    }
}

impl Default for ProfileValue {
    fn default() -> Self {
        ProfileValue::Text(String::new())
    }
}
