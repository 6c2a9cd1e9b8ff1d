use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use super::media::{FileElem, ImageElem, SoundElem, VideoFileElem};
use super::relay::RelayElem;
use super::text::{CustomElem, FaceElem, LocationElem, StreamElem, TextElem};
use crate::json::{self, Room};
use crate::types::RawJson;

macro_rules! elements {
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

            /// Whether this version types elements of that kind inside that many bundles.
            pub(crate) fn knows(msg_type: &str, bundles: usize) -> bool {
                matches!(msg_type, $( $word )|*) && (msg_type != RELAY || bundles < BUNDLES)
            }

            /// Reads the content of a kind; `None` if the kind is not known.
            fn read_kind(
                msg_type: &str,
                content: &str,
                bundles: usize,
            ) -> serde_json::Result<Option<Self>> {
                Ok(Some(match msg_type {
                    $( $word => {
                        MsgElement::$variant($content::read_content(content, bundles)?)
                    } )*
                    _ => return Ok(None),
                }))
            }

            /// Where a content does not fit its kind.
            pub(super) fn misfit(msg_type: &str, content: &str) -> Option<serde_json::Error> {
                match msg_type {
                    $( $word => $content::misfit(content), )*
                    _ => None,
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

elements! {
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

impl MsgElement {
    pub(super) fn read(
        msg_type: &str,
        content: &str,
        bundles: usize,
    ) -> serde_json::Result<Option<Self>> {
        if msg_type != RELAY {
            return MsgElement::read_kind(msg_type, content, bundles);
        }
        if bundles >= BUNDLES {
            return Ok(None);
        }
        // This function calls itself for bundles in bundles. Only bundles are read here, so that
        // its stack frame does not hold all kinds of elements.
        Ok(Some(MsgElement::Relay(RelayElem::read_content(content, bundles)?)))
    }
}

/// The kind of a bundle. Its messages have elements of their own, which are read one by one.
const RELAY: &str = "TIMRelayElem";

/// How the content of an element is read. Every kind but a bundle is read by its derive.
trait Content: Sized {
    fn read_content(json: &str, bundles: usize) -> serde_json::Result<Self>;

    /// The error, if the content does not fit.
    fn misfit(json: &str) -> Option<serde_json::Error>;
}

impl<T: DeserializeOwned> Content for T {
    fn read_content(content: &str, _: usize) -> serde_json::Result<Self> {
        json::from_str_within(content, Room::CONTENT)
    }

    fn misfit(content: &str) -> Option<serde_json::Error> {
        json::misfit::<T>(content, Room::CONTENT)
    }
}

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

/// Depth of bundles in bundles that is typed. Deeper ones stay raw: each level is parsed on its
/// own, which resets the depth limit of the JSON parser, and without a limit of ours a message of
/// 20 kB could overflow the stack.
pub(super) const BUNDLES: usize = 6;

impl MsgElement {
    /// Depth of bundles in bundles that is typed.
    pub(crate) const BUNDLES: usize = BUNDLES;
}
