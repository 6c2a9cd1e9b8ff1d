use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_with::skip_serializing_none;

use super::relay::RelayElem;
use crate::json::{self, Room, wire_int};
use crate::types::Id;
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

            /// Reads the content of a kind, and whether it has more members than this version
            /// knows; `None` if the kind is not known.
            fn read_kind(msg_type: &str, content: &str, bundles: usize) -> serde_json::Result<Option<(Self, bool)>> {
                Ok(Some(match msg_type {
                    $( $word => {
                        let (content, more) = $content::read_content(content, bundles)?;
                        (MsgElement::$variant(content), more)
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
                    $( MsgElement::$variant(content) => Wire { msg_type: $word, content }.serialize(serializer), )*
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
    ) -> serde_json::Result<Option<(Self, bool)>> {
        if msg_type != RELAY {
            return MsgElement::read_kind(msg_type, content, bundles);
        }
        if bundles >= BUNDLES {
            return Ok(None);
        }
        // This function calls itself for bundles in bundles. Only bundles are read here, so that
        // its stack frame does not hold all kinds of elements.
        let (bundle, more) = RelayElem::read_content(content, bundles)?;
        Ok(Some((MsgElement::Relay(bundle), more)))
    }
}

/// The kind of a bundle. Its messages have elements of their own, which are read one by one.
const RELAY: &str = "TIMRelayElem";

/// How the content of an element is read. Every kind but a bundle is read by its derive.
trait Content: Sized {
    /// The content, and whether it has members for which the type has no field.
    fn read_content(json: &str, bundles: usize) -> serde_json::Result<(Self, bool)>;

    /// The error, if the content does not fit.
    fn misfit(json: &str) -> Option<serde_json::Error>;
}

impl<T: DeserializeOwned> Content for T {
    fn read_content(content: &str, _: usize) -> serde_json::Result<(Self, bool)> {
        json::from_str_noting(content, Room::CONTENT)
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

/// Text.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct TextElem {
    /// The text as the sender wrote it.
    pub text: Option<String>,
}

impl TextElem {
    /// A text element.
    pub fn new(text: impl Into<String>) -> Self {
        TextElem { text: Some(text.into()) }
    }
}

/// A location.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct LocationElem {
    /// The description of the location.
    pub desc: Option<String>,
    /// Latitude, in degrees.
    pub latitude: Option<Decimal>,
    /// Longitude, in degrees.
    pub longitude: Option<Decimal>,
}

/// An emoji of the app.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct FaceElem {
    /// Which emoji it is: a number that your app chose.
    pub index: Option<i64>,
    /// Further data about the emoji, in a form of your app; may be absent.
    pub data: Option<String>,
}

/// Anything the app defines.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct CustomElem {
    /// Content of the element, in a form of your app.
    pub data: Option<String>,
    /// Description, which is the text of an offline push; may be absent.
    pub desc: Option<String>,
    /// Extension, which APNs gets as `ext`; may be absent.
    pub ext: Option<String>,
    /// Name of the sound file for the push; may be absent.
    pub sound: Option<String>,
}

impl CustomElem {
    /// A custom element with this payload and description.
    pub fn new(data: impl Into<String>, desc: impl Into<String>) -> Self {
        CustomElem { data: Some(data.into()), desc: Some(desc.into()), ..CustomElem::default() }
    }
}

/// A voice message.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct SoundElem {
    /// Address from which the recording can be downloaded. Absent from SDK 2.x and 3.x.
    pub url: Option<String>,
    /// Unique id of the recording. Some bodies from before November 2021 lack it.
    #[serde(rename = "UUID")]
    pub uuid: Option<String>,
    /// Size of the recording, in bytes.
    pub size: Option<i64>,
    /// Length of the recording, in **seconds**.
    pub second: Option<i64>,
    /// How to download it; only 2 is defined: directly from the address.
    #[serde(rename = "Download_Flag")]
    pub download_flag: Option<i64>,
}

/// A picture in up to three sizes.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ImageElem {
    /// Unique id of the picture.
    #[serde(rename = "UUID")]
    pub uuid: Option<String>,
    /// Format of the picture: 1 JPG, 2 GIF, 3 PNG, 4 BMP, 255 another one.
    pub image_format: Option<ImageFormat>,
    /// The sizes in which the picture can be downloaded, up to three.
    pub image_info_array: Option<Vec<ImageInfo>>,
}

/// One size of a picture.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ImageInfo {
    /// Which size this is: 1 the original, 2 large, 3 a thumbnail.
    pub r#type: Option<ImageType>,
    /// Size in bytes; 0 if not known, as is common for large pictures and thumbnails.
    pub size: Option<i64>,
    /// Width in pixels; 0 if not known.
    pub width: Option<i64>,
    /// Height in pixels; 0 if not known.
    pub height: Option<i64>,
    /// Address from which this size can be downloaded.
    #[serde(rename = "URL")]
    pub url: Option<String>,
}

wire_int! {
    /// Format of a picture.
    ImageFormat {
        /// JPG.
        Jpg = 1;
        /// GIF.
        Gif = 2;
        /// PNG.
        Png = 3;
        /// BMP.
        Bmp = 4;
        /// The vendor's own "other".
        OtherFormat = 255;
    }

    /// Which size of a picture.
    ImageType {
        /// Original.
        Original = 1;
        /// Large.
        Large = 2;
        /// Thumbnail.
        Thumbnail = 3;
    }
}

/// A file.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct FileElem {
    /// Address from which the file can be downloaded. Absent from SDK 2.x and 3.x.
    pub url: Option<String>,
    /// Unique id of the file. Some bodies from before November 2021 lack it.
    #[serde(rename = "UUID")]
    pub uuid: Option<String>,
    /// Size of the file, in bytes.
    pub file_size: Option<i64>,
    /// Name of the file. It may be a whole path.
    pub file_name: Option<String>,
    /// How to download it; only 2 is defined: directly from the address.
    #[serde(rename = "Download_Flag")]
    pub download_flag: Option<i64>,
}

/// A video with a preview picture.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct VideoFileElem {
    /// Address of the video; absent from SDK 2.x and 3.x.
    pub video_url: Option<String>,
    /// Unique id of the video. Some bodies from before November 2021 lack it.
    #[serde(rename = "VideoUUID")]
    pub video_uuid: Option<String>,
    /// Size of the video, in bytes.
    pub video_size: Option<i64>,
    /// Length of the video, in **seconds**; 0 from web clients.
    pub video_second: Option<i64>,
    /// Format of the video, such as `mp4`.
    pub video_format: Option<String>,
    /// How to download the video; only 2 is defined: directly from the address.
    pub video_download_flag: Option<i64>,
    /// Address of the preview; absent from SDK 2.x and 3.x.
    pub thumb_url: Option<String>,
    /// Unique id of the preview. Some bodies from before November 2021 lack it.
    #[serde(rename = "ThumbUUID")]
    pub thumb_uuid: Option<String>,
    /// Size of the preview, in bytes.
    pub thumb_size: Option<i64>,
    /// Width of the preview, in pixels.
    pub thumb_width: Option<i64>,
    /// Height of the preview, in pixels.
    pub thumb_height: Option<i64>,
    /// Format of the preview, such as `JPG`.
    pub thumb_format: Option<String>,
    /// How to download the preview; only 2 is defined: directly from the address.
    pub thumb_download_flag: Option<i64>,
}

/// Text that arrives in pieces, such as the answers of bots.
///
/// Source: <https://cloud.tencent.com/document/product/269/128596>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct StreamElem {
    /// The pieces of the text that are sent this time.
    pub chunks: Option<Vec<StreamChunk>>,
    /// Text for clients that cannot show such elements.
    pub compatible_text: Option<String>,
    /// Id of the stream. Tencent gives it in the answer to the first piece.
    #[serde(rename = "StreamMsgID")]
    pub stream_msg_id: Option<Id>,
}

/// A piece of a [`StreamElem`].
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct StreamChunk {
    /// Kind of the piece. The vendor documents only `data`.
    pub event_type: Option<String>,
    /// Number of the piece in its stream, rising from 1.
    pub index: Option<i64>,
    /// Text of the piece, in Markdown. Users see it.
    pub markdown: Option<String>,
    /// Whether this is the last piece, so that the text is complete.
    pub is_last: Option<bool>,
}

/// A number with all its digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal(String);

impl Decimal {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest `f64`.
    pub fn to_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        crate::types::write_raw(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?.get();
        let digits = json.trim_matches('"');
        if digits.parse::<f64>().is_ok_and(f64::is_finite)
            && serde_json::from_str::<&RawValue>(digits).is_ok()
        {
            Ok(Decimal(digits.into()))
        } else {
            Err(serde::de::Error::custom("a coordinate is a number"))
        }
    }
}

/// Depth of bundles in bundles that is typed. Deeper ones stay raw: each level is parsed on its
/// own, which resets the depth limit of the JSON parser, and without a limit of ours a message of
/// 20 kB could overflow the stack.
pub(super) const BUNDLES: usize = 6;

impl MsgElement {
    /// Depth of bundles in bundles that is typed.
    pub(crate) const BUNDLES: usize = BUNDLES;
}
