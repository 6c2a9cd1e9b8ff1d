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

use crate::event::rules::event;
use crate::json::{wire_int, wire_text};
use crate::types::{Flag, GroupId, Id, SdkAppId, UserId};

/// Result of a cloud content moderation of a message, profile or group text.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ResultNotify {
    /// What was moderated: a message, a profile or a text of a group.
    pub scene: Option<Scene>,
    /// App id in the body. This crate refuses the callback if it is not the app in the URL.
    pub sdk_app_id: Option<SdkAppId>,
    /// User whose content was moderated.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// Receiver of the message. Absent if something else was moderated.
    pub contact_item: Option<ContactItem>,
    /// Kind of the content; it says whether `text_content` or `file_url` is there.
    pub content_type: Option<ContentType>,
    /// Moderated texts, if the content is a text. Only custom messages have more than one.
    pub text_content: Option<Vec<String>>,
    /// Address of the moderated file, if the content is an image, sound or a video.
    #[serde(rename = "FileURL")]
    pub file_url: Option<String>,
    /// `MsgKey` of a one-to-one message, `MsgSeq` of a group message. Absent for a group message
    /// that was never delivered.
    #[serde(rename = "MsgID")]
    pub msg_id: Option<Id>,
    /// What Tencent did with the content: 1 blocked it, 0 let it through.
    pub ctxcb_result: Option<Flag>,
    /// Id of the request to the moderation service.
    pub ctxcb_request_id: Option<Id>,
    /// Keywords that a text contained.
    pub ctxcb_keywords: Option<Vec<String>>,
    /// What the moderation service advises: block, have a person look, or let through.
    pub ctxcb_suggestion: Option<Suggestion>,
    /// Class of the violation, such as abuse or advertising.
    pub ctxcb_label: Option<Label>,
    /// Class within that class. Only the vendor's sample has it.
    pub ctxcb_sub_label: Option<String>,
    /// Text for that finer class. Only the vendor's sample has it.
    pub ctxcb_sub_label_desc: Option<String>,
    /// Name of the word library that matched. Only the vendor's sample has it.
    pub ctxcb_lib_name: Option<String>,
    /// Custom data of the moderated message, unchanged; empty in other scenes.
    pub cloud_custom_data: Option<String>,
}

event! {
    ResultNotify, "https://trtc.io/document/78240",
    id |e| e.ctxcb_request_id
}

/// Receiver of a moderated message.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ContactItem {
    /// Whether a user (1) or a group (2) receives the message.
    pub contact_type: Option<ContactType>,
    /// User id of the receiver; only for a one-to-one message.
    #[serde(rename = "To_Account")]
    pub to_account: Option<UserId>,
    /// Id of the group; only for a group message.
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
