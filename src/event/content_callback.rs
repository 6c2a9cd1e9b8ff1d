//! Results of content moderation (`ContentCallback.…`).
//!
//! ```
//! use tencent_im_callback::{Command, event::content_callback::ResultNotify, testing};
//!
//! let sample = testing::sample(&Command::ContentCallbackResultNotify).unwrap_or_default();
//! let callback = testing::callback::<ResultNotify>(sample);
//! println!("{:?}", callback.event);
//! ```

use serde::{Deserialize, Serialize};

use crate::protocol::{GroupId, Id, SdkAppId, UserId};
use crate::wire::{self, Flag, wire_int, wire_text};

/// Result of a cloud content moderation of a message, profile or group text.
///
/// Source: <https://trtc.io/document/78240>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[allow(clippy::box_collection)] // thin, since the largest event makes the size of all
pub struct ResultNotify {
    /// What was moderated.
    #[serde(rename = "Scene", skip_serializing_if = "Option::is_none")]
    pub scene: Option<Scene>,
    /// Application id inside the body (in the samples, not in the field tables).
    #[serde(rename = "SdkAppId", skip_serializing_if = "Option::is_none")]
    pub sdk_app_id: Option<SdkAppId>,
    /// User whose content was moderated.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// Receiver, when a message was moderated.
    #[serde(rename = "ContactItem", skip_serializing_if = "Option::is_none")]
    pub contact_item: Option<Box<ContactItem>>,
    /// Kind of content.
    #[serde(rename = "ContentType", skip_serializing_if = "Option::is_none")]
    pub content_type: Option<ContentType>,
    /// Moderated text (array of strings) when `ContentType` is Text; more than one entry only for custom text messages.
    #[serde(
        rename = "TextContent",
        default,
        deserialize_with = "wire::boxed_list",
        skip_serializing_if = "Option::is_none"
    )]
    pub text_content: Option<Box<Vec<String>>>,
    /// Address of the moderated file when `ContentType` is Image, Audio or Video.
    #[serde(rename = "FileURL", skip_serializing_if = "Option::is_none")]
    pub file_url: Option<Box<str>>,
    /// `MsgKey` for one-to-one, `MsgSeq` for groups; missing for a group message that was never delivered.
    #[serde(rename = "MsgID", skip_serializing_if = "Option::is_none")]
    pub msg_id: Option<Id>,
    /// What IM did: 1 = blocked, 0 = let through.
    #[serde(
        rename = "CtxcbResult",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub ctxcb_result: Option<Flag>,
    /// Id of the moderation request.
    #[serde(rename = "CtxcbRequestId", skip_serializing_if = "Option::is_none")]
    pub ctxcb_request_id: Option<Id>,
    /// Matched keywords of a text (array of strings).
    #[serde(
        rename = "CtxcbKeywords",
        default,
        deserialize_with = "wire::boxed_list",
        skip_serializing_if = "Option::is_none"
    )]
    pub ctxcb_keywords: Option<Box<Vec<String>>>,
    /// Advice of the moderation service (value list from the Java SDK, Review seen in the sample).
    #[serde(rename = "CtxcbSuggestion", skip_serializing_if = "Option::is_none")]
    pub ctxcb_suggestion: Option<Suggestion>,
    /// Violation class (value list from the Java SDK, Sexy seen in the sample).
    #[serde(rename = "CtxcbLabel", skip_serializing_if = "Option::is_none")]
    pub ctxcb_label: Option<Label>,
    /// Finer class; seen in the sample only.
    #[serde(rename = "CtxcbSubLabel", skip_serializing_if = "Option::is_none")]
    pub ctxcb_sub_label: Option<Box<str>>,
    /// Text for the finer class; seen in the sample only.
    #[serde(rename = "CtxcbSubLabelDesc", skip_serializing_if = "Option::is_none")]
    pub ctxcb_sub_label_desc: Option<Box<str>>,
    /// Name of the matched word library; seen in the sample only.
    #[serde(rename = "CtxcbLibName", skip_serializing_if = "Option::is_none")]
    pub ctxcb_lib_name: Option<Box<str>>,
    /// Custom data of the moderated message, unchanged; empty in other scenes.
    #[serde(
        rename = "CloudCustomData",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub cloud_custom_data: Option<Box<str>>,
}

/// Receiver of a moderated message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ContactItem {
    /// 1 = one-to-one, 2 = group.
    #[serde(
        rename = "ContactType",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub contact_type: Option<ContactType>,
    /// Receiver when `ContactType` is 1.
    #[serde(rename = "To_Account", skip_serializing_if = "Option::is_none")]
    pub to_account: Option<UserId>,
    /// Group id when `ContactType` is 2.
    #[serde(rename = "ToGroupId", skip_serializing_if = "Option::is_none")]
    pub to_group_id: Option<GroupId>,
}

wire_text! {
    /// What was moderated.
    Scene {
        /// A one-to-one message.
        C2c = "C2C";
        /// A custom one-to-one message.
        C2cCustom = "C2CCustom";
        /// A group message.
        Group = "Group";
        /// A custom group message.
        GroupCustom = "GroupCustom";
        /// The profile of a group.
        GroupInfo = "GroupInfo";
        /// The profile of a group member.
        GroupMemberInfo = "GroupMemberInfo";
        /// The relationship chain.
        RelationChain = "RelationChain";
        /// The profile of a user.
        UserInfo = "UserInfo";
    }

    /// Kind of content.
    ContentType {
        /// Text.
        Text = "Text";
        /// A picture.
        Image = "Image";
        /// Sound.
        Audio = "Audio";
        /// A video.
        Video = "Video";
    }

    /// Advice of the moderation service.
    Suggestion {
        /// Block it.
        Block = "Block";
        /// Have it looked at.
        Review = "Review";
        /// Let it through.
        Normal = "Normal";
    }

    /// Class of violation.
    Label {
        /// None.
        Normal = "Normal";
        /// Against the law.
        Illegal = "Illegal";
        /// Abuse.
        Abuse = "Abuse";
        /// Politics.
        Polity = "Polity";
        /// Advertising.
        Ad = "Ad";
        /// Pornography.
        Porn = "Porn";
        /// Suggestive.
        Sexy = "Sexy";
        /// Terror.
        Terror = "Terror";
        /// Several.
        Composite = "Composite";
    }
}

wire_int! {
    /// Kind of receiver.
    ContactType {
        /// A user.
        C2c = 1;
        /// A group.
        Group = 2;
    }
}
