//! A message, its elements and bundles: each contains the next, and a bundle contains messages.

use std::ops::Index;

use serde::{Serialize, Serializer};
use serde_with::skip_serializing_none;

use super::complete::has_whole_bundles;
use super::media::{FileElem, ImageElem, SoundElem, VideoFileElem};
use super::text::{CustomElem, FaceElem, LocationElem, StreamElem, TextElem};
use crate::types::{GroupId, Id, RawJson, TimestampSecs, UserId};

/// The elements of a message (`MsgBody`), in order.
///
/// To find words in it, use `Callback::shown` (feature `moderation`), which also shows what this
/// version does not know.
///
/// It can be read from JSON text and byte slices, not from readers: the kind of an element may come
/// after its content, so the element is read where it is in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MsgBody {
    pub(super) elements: Vec<MsgElement>,
}

impl MsgBody {
    /// Whether the whole message is here: see [`RelayElem::is_complete`]. You cannot check what is missing.
    pub fn is_complete(&self) -> bool {
        self.iter().all(|element| match element {
            MsgElement::Relay(bundle) => bundle.is_complete(),
            // A bundle too deep inside others has no type here either, so its JSON is searched.
            MsgElement::Unknown(element) => has_whole_bundles(element.content.get()),
            _ => true,
        })
    }

    /// The elements.
    pub fn iter(&self) -> std::slice::Iter<'_, MsgElement> {
        self.elements.iter()
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// The elements as a slice.
    pub fn as_slice(&self) -> &[MsgElement] {
        &self.elements
    }
}

impl<'a> IntoIterator for &'a MsgBody {
    type Item = &'a MsgElement;
    type IntoIter = std::slice::Iter<'a, MsgElement>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for MsgBody {
    type Item = MsgElement;
    type IntoIter = std::vec::IntoIter<MsgElement>;

    fn into_iter(self) -> Self::IntoIter {
        self.elements.into_iter()
    }
}

impl Index<usize> for MsgBody {
    type Output = MsgElement;

    fn index(&self, index: usize) -> &MsgElement {
        &self.elements[index]
    }
}

impl Serialize for MsgBody {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.elements.serialize(serializer)
    }
}

/// A message of this text.
impl From<&str> for MsgBody {
    fn from(text: &str) -> Self {
        MsgElement::from(TextElem::new(text)).into()
    }
}

impl From<MsgElement> for MsgBody {
    fn from(element: MsgElement) -> Self {
        std::iter::once(element).collect()
    }
}

impl FromIterator<MsgElement> for MsgBody {
    fn from_iter<I: IntoIterator<Item = MsgElement>>(elements: I) -> Self {
        MsgBody { elements: elements.into_iter().collect() }
    }
}

/// The kinds of elements: the word, the variant, the type of the content.
macro_rules! kinds {
    ($each:ident) => {
        $each! {
            /// Text.
            "TIMTextElem" Text(TextElem),
            /// A location.
            "TIMLocationElem" Location(LocationElem),
            /// An emoji of the app.
            "TIMFaceElem" Face(FaceElem),
            /// Anything the app defines.
            "TIMCustomElem" Custom(CustomElem),
            /// A voice message.
            "TIMSoundElem" Sound(SoundElem),
            /// A picture in up to three sizes.
            "TIMImageElem" Image(ImageElem),
            /// A file.
            "TIMFileElem" File(FileElem),
            /// A video with a preview picture.
            "TIMVideoFileElem" VideoFile(VideoFileElem),
            /// Several messages forwarded as one.
            "TIMRelayElem" Relay(RelayElem),
            /// Text that arrives in pieces, such as the answers of bots.
            "TIMStreamElem" Stream(StreamElem),
        }
    };
}

pub(super) use kinds;

macro_rules! element {
    ($( $(#[$doc:meta])* $word:literal $variant:ident($content:ident), )*) => {
        /// One element of a message.
        ///
        /// All fields of an element are optional. An element of a kind that this version does not
        /// know is kept as raw JSON.
        ///
        /// Source: <https://trtc.io/document/33527>
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum MsgElement {
            $( $(#[$doc])* #[doc = concat!("\n\n`", $word, "`")] $variant($content), )*
            /// An element of a kind that this version does not know, or a bundle nested too deep.
            Unknown(UnknownElem),
        }

        impl MsgElement {
            /// The kind, as Tencent writes it.
            pub fn msg_type(&self) -> &str {
                match self {
                    $( MsgElement::$variant(_) => $word, )*
                    MsgElement::Unknown(element) => &element.msg_type,
                }
            }
        }

        impl Serialize for MsgElement {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(
                        MsgElement::$variant(content) => {
                            Wire { msg_type: $word, content }.serialize(serializer)
                        }
                    )*
                    MsgElement::Unknown(UnknownElem { msg_type, content }) => {
                        Wire { msg_type, content }.serialize(serializer)
                    }
                }
            }
        }

        $(
            impl From<$content> for MsgElement {
                fn from(content: $content) -> Self {
                    MsgElement::$variant(content)
                }
            }
        )*
    };
}

kinds!(element);

/// An element as it is written to JSON.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Wire<'a, C> {
    msg_type: &'a str,
    #[serde(rename = "MsgContent")]
    content: &'a C,
}

/// An element of a kind that this version does not know.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct UnknownElem {
    /// The kind, as Tencent writes it.
    pub msg_type: String,
    /// `MsgContent` as received.
    pub content: RawJson,
}

/// Several messages forwarded as one.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct RelayElem {
    /// Title of the bundle, which users see.
    pub title: Option<String>,
    /// How many messages were forwarded.
    pub msg_num: Option<i64>,
    /// Text for SDKs that cannot show the bundle.
    pub compatible_text: Option<String>,
    /// Lines of the preview, which users see.
    pub abstract_list: Option<Vec<String>>,
    /// The forwarded messages, if they take at most 12 KB in all. Otherwise there is
    /// `json_msg_key`.
    pub msg_list: Option<Vec<RelayMessage>>,
    /// Key under which Tencent has stored the forwarded messages, if they take too much for
    /// `msg_list`.
    pub json_msg_key: Option<String>,
}

/// One message of a bundle.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct RelayMessage {
    /// User id of the sender of the message.
    #[serde(rename = "From_Account")]
    pub from_account: Option<UserId>,
    /// User id of the receiver; only for a one-to-one message.
    #[serde(rename = "To_Account")]
    pub to_account: Option<UserId>,
    /// Id of the group; only for a group message.
    pub group_id: Option<GroupId>,
    /// Sequence number of the message.
    pub msg_seq: Option<i64>,
    /// Random number of the message. It can be above 2^31.
    pub msg_random: Option<i64>,
    /// When the message was sent (**seconds**).
    pub msg_time_stamp: Option<TimestampSecs>,
    /// Elements of the message, which may be bundles again.
    pub msg_body: MsgBody,
    /// Custom data of the forwarded message; may be absent.
    pub cloud_custom_data: Option<String>,
    /// Unique id of the message on the client's side. Undocumented here.
    pub msg_id: Option<Id>,
}

impl RelayElem {
    /// Whether all forwarded messages are here. If they take more than 12 KB, Tencent leaves them
    /// out and sends [`json_msg_key`](Self::json_msg_key) instead: then this callback is not enough
    /// to check them. A list of fewer messages than [`msg_num`](Self::msg_num) is not complete
    /// either.
    ///
    /// A bundle with a key is never complete, even if it has a list: Tencent sends one or the
    /// other, so it was made by somebody else.
    pub fn is_complete(&self) -> bool {
        let messages = self.msg_list.as_ref().map_or(0, Vec::len);
        self.json_msg_key.as_deref().is_none_or(str::is_empty)
            && self
                .msg_num
                .is_none_or(|promised| i64::try_from(messages).is_ok_and(|n| n >= promised))
            && self.msg_list.iter().flatten().all(|message| message.msg_body.is_complete())
    }
}
