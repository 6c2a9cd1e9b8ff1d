//! Reading an element: its kind may stand behind its content, and beside both there may be more.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::element::{MsgElement, UnknownElem};
use crate::types::RawJson;

/// An element whose content is still raw. The kind may stand behind the content, so the content can
/// be read only when the whole element has been seen.
pub(super) struct Element<'a> {
    msg_type: String,
    content: &'a RawValue,
    /// Members that no element has.
    beside: Vec<(String, &'a RawValue)>,
}

/// An element, and its JSON if it has members for which the type has no field.
pub(super) struct Read {
    pub(super) element: MsgElement,
    pub(super) more: Option<RawJson>,
}

impl Element<'_> {
    pub(super) fn read(self, bundles: usize) -> serde_json::Result<Read> {
        let content = self.content.get();
        match MsgElement::read(&self.msg_type, content, bundles)? {
            Some((element, more)) => {
                Ok(Read { element, more: (more || !self.beside.is_empty()).then(|| self.json()) })
            }
            None => Ok(Read {
                more: (!self.beside.is_empty()).then(|| self.json()),
                element: MsgElement::Unknown(UnknownElem {
                    content: RawJson::new(self.content),
                    msg_type: self.msg_type,
                }),
            }),
        }
    }

    /// The kind and the raw content.
    pub(super) fn parts(&self) -> (&str, &str) {
        (&self.msg_type, self.content.get())
    }

    /// The element as JSON, with all its members.
    fn json(&self) -> RawJson {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let mut json = format!(
            "{{\"MsgType\":{},\"MsgContent\":{}",
            quoted(&self.msg_type),
            self.content.get()
        );
        for (key, value) in &self.beside {
            json.push(',');
            json.push_str(&quoted(key));
            json.push(':');
            json.push_str(value.get());
        }
        json.push('}');
        RawJson::from_text(json)
    }
}

/// A key of an element.
enum Key {
    MsgType,
    MsgContent,
    Other(String),
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
                    other => Key::Other(other.to_owned()),
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
                let mut beside = Vec::new();
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
                        Key::Other(key) => beside.push((key, members.next_value()?)),
                    }
                }
                Ok(Element {
                    msg_type: msg_type.ok_or_else(|| de::Error::missing_field("MsgType"))?,
                    content: content.ok_or_else(|| de::Error::missing_field("MsgContent"))?,
                    beside,
                })
            }
        }

        deserializer.deserialize_map(Members)
    }
}
