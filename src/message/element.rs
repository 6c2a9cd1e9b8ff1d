use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::body::MsgBody;
use crate::protocol::{GroupId, Id, TimestampSecs, UserId};
use crate::wire::{self, Item, RawJson, wire_int};

macro_rules! elements {
    ($( $(#[$doc:meta])* $word:literal $variant:ident($content:ident), )*) => {
        /// One element of a message.
        ///
        /// Members of an element are all optional. An element of a kind that this version does not know is kept as raw JSON.
        ///
        /// Source: <https://trtc.io/document/33527>
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum MsgElement {
            $( $(#[$doc])* #[doc = concat!("\n\n`", $word, "`")] $variant($content), )*
            /// An element of a kind that this version does not know, or a bundle too deep inside others.
            Unknown(UnknownElem),
        }

        impl MsgElement {
            /// The kind, in the vendor's word.
            pub fn msg_type(&self) -> &str {
                match self {
                    $( MsgElement::$variant(_) => $word, )*
                    MsgElement::Unknown(element) => &element.msg_type,
                }
            }

            /// Whether this version types elements of that kind inside that many bundles.
            pub(crate) fn knows(msg_type: &str, bundles: usize) -> bool {
                matches!(msg_type, $( $word )|*) && (msg_type != "TIMRelayElem" || bundles < BUNDLES)
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
    /// A place on the map.
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
}

/// How an element is written.
#[derive(Serialize)]
struct Wire<'a, C> {
    #[serde(rename = "MsgType")]
    msg_type: &'a str,
    #[serde(rename = "MsgContent")]
    content: &'a C,
}

/// An element of a kind that this version does not know.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct UnknownElem {
    /// Kind, in the vendor's word.
    pub msg_type: String,
    /// `MsgContent` as it came.
    pub content: RawJson,
}

/// Text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TextElem {
    /// Text.
    #[serde(
        rename = "Text",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub text: Option<String>,
}

impl TextElem {
    /// A text element.
    pub fn new(text: impl Into<String>) -> Self {
        TextElem {
            text: Some(text.into()),
        }
    }
}

/// A place on the map.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LocationElem {
    /// Description of the place.
    #[serde(
        rename = "Desc",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub desc: Option<String>,
    /// Latitude, in degrees.
    #[serde(rename = "Latitude", skip_serializing_if = "Option::is_none")]
    pub latitude: Option<Decimal>,
    /// Longitude, in degrees.
    #[serde(rename = "Longitude", skip_serializing_if = "Option::is_none")]
    pub longitude: Option<Decimal>,
}

/// An emoji of the app.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FaceElem {
    /// Index, chosen by the app.
    #[serde(rename = "Index", default, deserialize_with = "wire::int", skip_serializing_if = "Option::is_none")]
    pub index: Option<i64>,
    /// Extra data.
    #[serde(
        rename = "Data",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub data: Option<String>,
}

/// Anything the app defines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CustomElem {
    /// Payload of the app.
    #[serde(
        rename = "Data",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub data: Option<String>,
    /// Description, used as the text of an offline push.
    #[serde(
        rename = "Desc",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub desc: Option<String>,
    /// Extension, handed to APNs as `ext`.
    #[serde(
        rename = "Ext",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub ext: Option<String>,
    /// File name of the push sound.
    #[serde(
        rename = "Sound",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub sound: Option<String>,
}

impl CustomElem {
    /// A custom element of this payload and description.
    pub fn new(data: impl Into<String>, desc: impl Into<String>) -> Self {
        CustomElem {
            data: Some(data.into()),
            desc: Some(desc.into()),
            ..CustomElem::default()
        }
    }
}

/// A voice message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SoundElem {
    /// Download address; absent from SDK 2.x and 3.x.
    #[serde(
        rename = "Url",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub url: Option<String>,
    /// Unique id of the recording.
    #[serde(
        rename = "UUID",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub uuid: Option<String>,
    /// Size, in bytes.
    #[serde(rename = "Size", default, deserialize_with = "wire::int", skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// Length, in **seconds**.
    #[serde(rename = "Second", default, deserialize_with = "wire::int", skip_serializing_if = "Option::is_none")]
    pub second: Option<i64>,
    /// How to fetch it; only 2 is defined: straight from the address.
    #[serde(
        rename = "Download_Flag",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub download_flag: Option<i64>,
}

/// A picture in up to three sizes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ImageElem {
    /// Unique id of the picture.
    #[serde(
        rename = "UUID",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub uuid: Option<String>,
    /// Format.
    #[serde(
        rename = "ImageFormat",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub image_format: Option<ImageFormat>,
    /// Sizes available.
    #[serde(
        rename = "ImageInfoArray",
        default,
        deserialize_with = "wire::some_list",
        skip_serializing_if = "Option::is_none"
    )]
    pub image_info_array: Option<Vec<ImageInfo>>,
}

/// One size of a picture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ImageInfo {
    /// Which size.
    #[serde(rename = "Type", default, deserialize_with = "wire::number", skip_serializing_if = "Option::is_none")]
    pub r#type: Option<ImageType>,
    /// Size, in bytes; 0 if not known.
    #[serde(rename = "Size", default, deserialize_with = "wire::int", skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// Width, in pixels; 0 if not known.
    #[serde(rename = "Width", default, deserialize_with = "wire::int", skip_serializing_if = "Option::is_none")]
    pub width: Option<i64>,
    /// Height, in pixels; 0 if not known.
    #[serde(rename = "Height", default, deserialize_with = "wire::int", skip_serializing_if = "Option::is_none")]
    pub height: Option<i64>,
    /// Download address.
    #[serde(
        rename = "URL",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub url: Option<String>,
}

impl Item for ImageInfo {}

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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FileElem {
    /// Download address; absent from SDK 2.x and 3.x.
    #[serde(
        rename = "Url",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub url: Option<String>,
    /// Unique id of the file.
    #[serde(
        rename = "UUID",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub uuid: Option<String>,
    /// Size, in bytes.
    #[serde(
        rename = "FileSize",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub file_size: Option<i64>,
    /// Name, perhaps a whole path.
    #[serde(
        rename = "FileName",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub file_name: Option<String>,
    /// How to fetch it; only 2 is defined: straight from the address.
    #[serde(
        rename = "Download_Flag",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub download_flag: Option<i64>,
}

/// A video with a preview picture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VideoFileElem {
    /// Address of the video; absent from SDK 2.x and 3.x.
    #[serde(
        rename = "VideoUrl",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub video_url: Option<String>,
    /// Unique id of the video.
    #[serde(
        rename = "VideoUUID",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub video_uuid: Option<String>,
    /// Size of the video, in bytes.
    #[serde(
        rename = "VideoSize",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub video_size: Option<i64>,
    /// Length, in **seconds**; 0 from web clients.
    #[serde(
        rename = "VideoSecond",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub video_second: Option<i64>,
    /// Format of the video, such as `mp4`.
    #[serde(
        rename = "VideoFormat",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub video_format: Option<String>,
    /// How to fetch the video; only 2 is defined: straight from the address.
    #[serde(
        rename = "VideoDownloadFlag",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub video_download_flag: Option<i64>,
    /// Address of the preview; absent from SDK 2.x and 3.x.
    #[serde(
        rename = "ThumbUrl",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub thumb_url: Option<String>,
    /// Unique id of the preview.
    #[serde(
        rename = "ThumbUUID",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub thumb_uuid: Option<String>,
    /// Size of the preview, in bytes.
    #[serde(
        rename = "ThumbSize",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub thumb_size: Option<i64>,
    /// Width of the preview, in pixels.
    #[serde(
        rename = "ThumbWidth",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub thumb_width: Option<i64>,
    /// Height of the preview, in pixels.
    #[serde(
        rename = "ThumbHeight",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub thumb_height: Option<i64>,
    /// Format of the preview, such as `JPG`.
    #[serde(
        rename = "ThumbFormat",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub thumb_format: Option<String>,
    /// How to fetch the preview; only 2 is defined: straight from the address.
    #[serde(
        rename = "ThumbDownloadFlag",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub thumb_download_flag: Option<i64>,
}

/// Several messages forwarded as one.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RelayElem {
    /// Title of the bundle.
    #[serde(rename = "Title", skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Number of forwarded messages.
    #[serde(rename = "MsgNum", skip_serializing_if = "Option::is_none")]
    pub msg_num: Option<i64>,
    /// Text for SDKs that cannot show the bundle.
    #[serde(rename = "CompatibleText", skip_serializing_if = "Option::is_none")]
    pub compatible_text: Option<String>,
    /// Preview lines.
    #[serde(rename = "AbstractList", skip_serializing_if = "Option::is_none")]
    pub abstract_list: Option<Vec<String>>,
    /// Forwarded messages, if they are not too large (12 KB in all).
    #[serde(rename = "MsgList", skip_serializing_if = "Option::is_none")]
    pub msg_list: Option<Vec<RelayMessage>>,
    /// Key under which the forwarded messages are stored, instead of the messages when they are too large.
    #[serde(rename = "JsonMsgKey", skip_serializing_if = "Option::is_none")]
    pub json_msg_key: Option<String>,
}

/// One message of a bundle.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RelayMessage {
    /// Sender.
    #[serde(rename = "From_Account", skip_serializing_if = "Option::is_none")]
    pub from_account: Option<UserId>,
    /// Receiver, of a one-to-one message.
    #[serde(rename = "To_Account", skip_serializing_if = "Option::is_none")]
    pub to_account: Option<UserId>,
    /// Group, of a group message.
    #[serde(rename = "GroupId", skip_serializing_if = "Option::is_none")]
    pub group_id: Option<GroupId>,
    /// Sequence number.
    #[serde(rename = "MsgSeq", skip_serializing_if = "Option::is_none")]
    pub msg_seq: Option<i64>,
    /// Random number.
    #[serde(rename = "MsgRandom", skip_serializing_if = "Option::is_none")]
    pub msg_random: Option<i64>,
    /// Send time, in **seconds**.
    #[serde(rename = "MsgTimeStamp", skip_serializing_if = "Option::is_none")]
    pub msg_time_stamp: Option<TimestampSecs>,
    /// Elements, again of any kind.
    #[serde(rename = "MsgBody")]
    pub msg_body: MsgBody,
    /// Custom data of the message.
    #[serde(rename = "CloudCustomData", skip_serializing_if = "Option::is_none")]
    pub cloud_custom_data: Option<String>,
    /// Client-side id of the message, seen in no documented sample.
    #[serde(rename = "MsgId", skip_serializing_if = "Option::is_none")]
    pub msg_id: Option<Id>,
}

/// A number with all the digits it came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal(Box<str>);

impl Decimal {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest double.
    pub fn to_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        wire::write_raw(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?.get();
        let digits = json.trim_matches('"');
        if digits.parse::<f64>().is_ok_and(f64::is_finite) && serde_json::from_str::<&RawValue>(digits).is_ok() {
            Ok(Decimal(digits.into()))
        } else {
            Err(serde::de::Error::custom("a coordinate is a number"))
        }
    }
}

/// Depth of bundles in bundles that is typed. Deeper ones stay raw: each level is parsed on its own, which resets the depth limit
/// of the JSON parser, and without a limit of ours a message of 20 kB could overflow the stack.
const BUNDLES: usize = 8;

/// An element before its kind is known to be of any use: the kind may stand behind the content.
#[derive(Deserialize)]
pub(super) struct Element<'a> {
    #[serde(rename = "MsgType")]
    msg_type: wire::UserText,
    #[serde(rename = "MsgContent", borrow)]
    content: &'a RawValue,
}

impl Item for Element<'_> {}

impl Element<'_> {
    pub(super) fn read(self, bundles: usize) -> serde_json::Result<MsgElement> {
        let json = self.content.get();
        Ok(match self.msg_type.0.as_str() {
            "TIMTextElem" => MsgElement::Text(serde_json::from_str(json)?),
            "TIMLocationElem" => MsgElement::Location(serde_json::from_str(json)?),
            "TIMFaceElem" => MsgElement::Face(serde_json::from_str(json)?),
            "TIMCustomElem" => MsgElement::Custom(serde_json::from_str(json)?),
            "TIMSoundElem" => MsgElement::Sound(serde_json::from_str(json)?),
            "TIMImageElem" => MsgElement::Image(serde_json::from_str(json)?),
            "TIMFileElem" => MsgElement::File(serde_json::from_str(json)?),
            "TIMVideoFileElem" => MsgElement::VideoFile(serde_json::from_str(json)?),
            "TIMRelayElem" if bundles < BUNDLES => {
                let bundle: Bundle<'_> = serde_json::from_str(json)?;
                MsgElement::Relay(bundle.read(bundles + 1)?)
            }
            _ => MsgElement::Unknown(UnknownElem {
                content: RawJson::new(self.content),
                msg_type: self.msg_type.0,
            }),
        })
    }
}

/// A bundle before its messages are read.
#[derive(Deserialize)]
struct Bundle<'a> {
    #[serde(rename = "Title", default, deserialize_with = "wire::user_text")]
    title: Option<String>,
    #[serde(rename = "MsgNum", default, deserialize_with = "wire::int")]
    msg_num: Option<i64>,
    #[serde(rename = "CompatibleText", default, deserialize_with = "wire::user_text")]
    compatible_text: Option<String>,
    #[serde(rename = "AbstractList", default, deserialize_with = "wire::user_texts")]
    abstract_list: Option<Vec<String>>,
    #[serde(rename = "MsgList", borrow)]
    msg_list: Option<Vec<BundledMessage<'a>>>,
    #[serde(rename = "JsonMsgKey", default, deserialize_with = "wire::user_text")]
    json_msg_key: Option<String>,
}

/// A message of a bundle before its elements are read.
#[derive(Deserialize)]
struct BundledMessage<'a> {
    #[serde(rename = "From_Account")]
    from_account: Option<UserId>,
    #[serde(rename = "To_Account")]
    to_account: Option<UserId>,
    #[serde(rename = "GroupId")]
    group_id: Option<GroupId>,
    #[serde(rename = "MsgSeq", default, deserialize_with = "wire::int")]
    msg_seq: Option<i64>,
    #[serde(rename = "MsgRandom", default, deserialize_with = "wire::int")]
    msg_random: Option<i64>,
    #[serde(rename = "MsgTimeStamp", default, deserialize_with = "wire::number")]
    msg_time_stamp: Option<TimestampSecs>,
    #[serde(rename = "MsgBody", borrow)]
    msg_body: Option<Vec<Element<'a>>>,
    #[serde(rename = "CloudCustomData", default, deserialize_with = "wire::user_text")]
    cloud_custom_data: Option<String>,
    #[serde(rename = "MsgId")]
    msg_id: Option<Id>,
}

impl Bundle<'_> {
    fn read(self, bundles: usize) -> serde_json::Result<RelayElem> {
        let read_all = |list: Vec<BundledMessage<'_>>| list.into_iter().map(|message| message.read(bundles)).collect();
        Ok(RelayElem {
            title: self.title,
            msg_num: self.msg_num,
            compatible_text: self.compatible_text,
            abstract_list: self.abstract_list,
            msg_list: self.msg_list.map(read_all).transpose()?,
            json_msg_key: self.json_msg_key,
        })
    }
}

impl BundledMessage<'_> {
    fn read(self, bundles: usize) -> serde_json::Result<RelayMessage> {
        Ok(RelayMessage {
            from_account: self.from_account,
            to_account: self.to_account,
            group_id: self.group_id,
            msg_seq: self.msg_seq,
            msg_random: self.msg_random,
            msg_time_stamp: self.msg_time_stamp,
            msg_body: MsgBody::read(self.msg_body.unwrap_or_default(), bundles)?,
            cloud_custom_data: self.cloud_custom_data,
            msg_id: self.msg_id,
        })
    }
}
