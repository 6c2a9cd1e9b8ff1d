//! Reading a message: the kind of an element may stand behind its content, and beside both there
//! may be more.

use std::fmt;

use serde::de::{self, DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::body::{MsgBody, MsgElement, RelayElem, RelayMessage, UnknownElem, kinds};
use super::media::{FileElem, ImageElem, SoundElem, VideoFileElem};
use super::text::{CustomElem, FaceElem, LocationElem, StreamElem, TextElem};
use crate::json::{self, Room};
use crate::types::{GroupId, Id, RawJson, TimestampSecs, UserId};

/// Reads the message of a *before* callback and refuses `null`: there would be nothing to check,
/// and `OK` would let Tencent send the real message.
pub(crate) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<MsgBody, D::Error> {
    let body: Option<MsgBody> = Deserialize::deserialize(deserializer)?;
    body.ok_or_else(|| serde::de::Error::custom("a message, and not null"))
}

impl<'de> Deserialize<'de> for MsgBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;

        impl<'de> Visitor<'de> for Elements {
            type Value = MsgBody;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the elements of a message")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<MsgBody, A::Error> {
                let mut body = MsgBody::default();
                while let Some(element) = items.next_element::<Element<'de>>()? {
                    // The error's own text is dropped, since its line and column are those within
                    // the element.
                    let element = element.read(0).map_err(|_| {
                        serde::de::Error::custom("an element that does not fit its kind")
                    })?;
                    body.elements.push(element);
                }
                Ok(body)
            }

            fn visit_unit<E>(self) -> Result<MsgBody, E> {
                Ok(MsgBody::default())
            }
        }

        deserializer.deserialize_any(Elements)
    }
}

impl MsgBody {
    /// Reads the elements of a message in a bundle.
    fn read(elements: Vec<Element<'_>>, bundles: usize) -> serde_json::Result<Self> {
        // Not collected: that would take room for four elements even for one.
        let mut read = Vec::with_capacity(elements.len());
        for element in elements {
            read.push(element.read(bundles)?);
        }
        Ok(MsgBody { elements: read })
    }
}

/// An element whose content is still raw. The kind may stand behind the content, so the content can
/// be read only when the whole element has been seen.
pub(super) struct Element<'a> {
    msg_type: String,
    content: &'a RawValue,
}

impl Element<'_> {
    pub(super) fn read(self, bundles: usize) -> serde_json::Result<MsgElement> {
        let read = MsgElement::read(&self.msg_type, self.content.get(), bundles)?;
        Ok(read.unwrap_or_else(|| {
            let content = RawJson::new(self.content);
            MsgElement::Unknown(UnknownElem { content, msg_type: self.msg_type })
        }))
    }

    /// The kind and the raw content.
    pub(super) fn parts(&self) -> (&str, &str) {
        (&self.msg_type, self.content.get())
    }
}

macro_rules! reading {
    ($( $(#[$doc:meta])* $word:literal $variant:ident($content:ident), )*) => {
        impl MsgElement {
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
    };
}

kinds!(reading);

impl MsgElement {
    fn read(msg_type: &str, content: &str, bundles: usize) -> serde_json::Result<Option<Self>> {
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

/// Depth of bundles in bundles that is typed. Deeper ones stay raw: each level is parsed on its
/// own, which resets the depth limit of the JSON parser, and without a limit of ours a message of
/// 20 kB could overflow the stack.
const BUNDLES: usize = 6;

impl MsgElement {
    /// Depth of bundles in bundles that is typed.
    pub(crate) const BUNDLES: usize = BUNDLES;
}

impl RelayElem {
    fn read_content(content: &str, bundles: usize) -> serde_json::Result<Self> {
        json::from_str_within::<Bundle<'_>>(content, Room::CONTENT)?.read(bundles + 1)
    }

    fn misfit(content: &str) -> Option<serde_json::Error> {
        json::misfit::<Bundle<'_>>(content, Room::CONTENT)
    }
}

/// A bundle before its messages are read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Bundle<'a> {
    title: Option<String>,
    msg_num: Option<i64>,
    compatible_text: Option<String>,
    abstract_list: Option<Vec<String>>,
    #[serde(borrow)]
    msg_list: Option<Vec<BundledMessage<'a>>>,
    json_msg_key: Option<String>,
}

/// A message of a bundle before its elements are read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BundledMessage<'a> {
    #[serde(rename = "From_Account")]
    from_account: Option<UserId>,
    #[serde(rename = "To_Account")]
    to_account: Option<UserId>,
    group_id: Option<GroupId>,
    msg_seq: Option<i64>,
    msg_random: Option<i64>,
    msg_time_stamp: Option<TimestampSecs>,
    #[serde(borrow)]
    msg_body: Option<Vec<Element<'a>>>,
    cloud_custom_data: Option<String>,
    msg_id: Option<Id>,
}

impl Bundle<'_> {
    fn read(self, bundles: usize) -> serde_json::Result<RelayElem> {
        // A loop, since this function calls itself for bundles in bundles, and iterators would add
        // stack frames to each level.
        let mut msg_list = self.msg_list.as_ref().map(|list| Vec::with_capacity(list.len()));
        for message in self.msg_list.into_iter().flatten() {
            let message = message.read(bundles)?;
            if let Some(list) = &mut msg_list {
                list.push(message);
            }
        }
        Ok(RelayElem {
            title: self.title,
            msg_num: self.msg_num,
            compatible_text: self.compatible_text,
            abstract_list: self.abstract_list,
            msg_list,
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

/// A key of an element.
enum Key {
    MsgType,
    MsgContent,
    Other,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl Visitor<'_> for Name {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_str<E>(self, key: &str) -> Result<Key, E> {
                Ok(match key {
                    "MsgType" => Key::MsgType,
                    "MsgContent" => Key::MsgContent,
                    _ => Key::Other,
                })
            }
        }

        deserializer.deserialize_identifier(Name)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Element<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Element<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an element of a message")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut members: A,
            ) -> Result<Element<'de>, A::Error> {
                let (mut msg_type, mut content) = (None, None);
                while let Some(key) = members.next_key()? {
                    match key {
                        Key::MsgType if msg_type.is_some() => {
                            return Err(de::Error::duplicate_field("MsgType"));
                        }
                        Key::MsgContent if content.is_some() => {
                            return Err(de::Error::duplicate_field("MsgContent"));
                        }
                        Key::MsgType => msg_type = Some(members.next_value()?),
                        Key::MsgContent => content = Some(members.next_value()?),
                        Key::Other => {
                            members.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Element {
                    msg_type: msg_type.ok_or_else(|| de::Error::missing_field("MsgType"))?,
                    content: content.ok_or_else(|| de::Error::missing_field("MsgContent"))?,
                })
            }
        }

        deserializer.deserialize_map(Members)
    }
}
