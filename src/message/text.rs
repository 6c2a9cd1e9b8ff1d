//! Elements that consist of text, or of what the app makes of it.

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_with::skip_serializing_none;

use crate::types::Id;

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
