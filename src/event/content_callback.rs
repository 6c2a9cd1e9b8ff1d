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
use serde_with::skip_serializing_none;

use crate::json::{wire_int, wire_text};
use crate::types::{Flag, GroupId, Id, SdkAppId, UserId};

/// Result of a cloud content moderation of a message, profile or group text.
///
/// Source: <https://trtc.io/document/78240>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ResultNotify {
    /// What was moderated.
    pub scene: Option<Scene>,
    /// Application id inside the body.
    pub sdk_app_id: Option<SdkAppId>,
    /// User whose content was moderated.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// Receiver, when a message was moderated.
    pub contact_item: Option<ContactItem>,
    /// Kind of content.
    pub content_type: Option<ContentType>,
    /// Moderated text (array of strings) when `ContentType` is Text; more than one entry only for custom text messages.
    pub text_content: Option<Vec<String>>,
    /// Address of the moderated file when `ContentType` is Image, Audio or Video.
    #[serde(rename = "FileURL")]
    pub file_url: Option<String>,
    /// `MsgKey` for one-to-one, `MsgSeq` for groups; missing for a group message that was never delivered.
    #[serde(rename = "MsgID")]
    pub msg_id: Option<Id>,
    /// What IM did: 1 = blocked, 0 = let through.
    pub ctxcb_result: Option<Flag>,
    /// Id of the moderation request.
    pub ctxcb_request_id: Option<Id>,
    /// Matched keywords of a text (array of strings).
    pub ctxcb_keywords: Option<Vec<String>>,
    /// Advice of the moderation service.
    pub ctxcb_suggestion: Option<Suggestion>,
    /// Violation class.
    pub ctxcb_label: Option<Label>,
    /// Finer class.
    pub ctxcb_sub_label: Option<String>,
    /// Text for the finer class.
    pub ctxcb_sub_label_desc: Option<String>,
    /// Name of the matched word library.
    pub ctxcb_lib_name: Option<String>,
    /// Custom data of the moderated message, unchanged; empty in other scenes.
    pub cloud_custom_data: Option<String>,
}

/// Receiver of a moderated message.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ContactItem {
    /// 1 = one-to-one, 2 = group.
    pub contact_type: Option<ContactType>,
    /// Receiver when `ContactType` is 1.
    #[serde(rename = "To_Account")]
    pub to_account: Option<UserId>,
    /// Group id when `ContactType` is 2.
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
