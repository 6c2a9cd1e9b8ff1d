//! Reading an element: its kind may stand behind its content, and beside both there may be more.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::element::{MsgElement, UnknownElem};
use crate::types::RawJson;

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
