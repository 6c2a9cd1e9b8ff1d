use std::fmt;
use std::ops::Index;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::element::MsgElement;
use super::read::Element;
use crate::json::{Token, Tokens};
use crate::types::RawJson;

/// The elements of a message (`MsgBody`), in order.
///
/// It can be read from JSON text and byte slices, not from readers: the kind of an element may come
/// after its content, so the element is read where it is in memory.
#[derive(Clone, Debug, Default)]
pub struct MsgBody {
    elements: Vec<MsgElement>,
    /// The JSON of those elements that have members which this version does not know, with their
    /// index. Such a member may hold a text that users see, so `texts` searches this JSON.
    more: Vec<(usize, RawJson)>,
}

impl MsgBody {
    pub(super) fn read(elements: Vec<Element<'_>>, bundles: usize) -> serde_json::Result<Self> {
        let mut body = MsgBody { elements: Vec::with_capacity(elements.len()), more: Vec::new() };
        for element in elements {
            body.add(element, bundles)?;
        }
        Ok(body)
    }

    fn add(&mut self, element: Element<'_>, bundles: usize) -> serde_json::Result<()> {
        let read = element.read(bundles)?;
        self.more.extend(read.more.map(|json| (self.elements.len(), json)));
        self.elements.push(read.element);
        Ok(())
    }

    /// Whether an element has members that this version does not know.
    pub(super) fn has_more(&self) -> bool {
        !self.more.is_empty()
    }

    /// The JSON of an element that has members which this version does not know.
    pub(super) fn more_of(&self, index: usize) -> Option<&RawJson> {
        let at = self.more.binary_search_by_key(&index, |(index, _)| *index).ok()?;
        self.more.get(at).map(|(_, json)| json)
    }

    /// Whether the whole message is here: see
    /// [`RelayElem::is_complete`](super::RelayElem::is_complete). You cannot check what is missing.
    pub fn is_complete(&self) -> bool {
        self.iter().all(|element| match element {
            MsgElement::Relay(bundle) => bundle.is_complete(),
            // A bundle too deep inside others has no type here either, so its JSON is searched.
            MsgElement::Unknown(element) => !has_key_of_bundle(element.content.get()),
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

/// Whether a bundle without its messages is anywhere in this JSON.
fn has_key_of_bundle(json: &str) -> bool {
    let mut tokens = Tokens::new(json);
    while let Some(token) = tokens.next() {
        if matches!(token, Token::Key(key) if key == "JsonMsgKey") && !tokens.next_is_nothing() {
            return true;
        }
    }
    false
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

/// Compares the elements. Members that this version does not know are not compared.
impl PartialEq for MsgBody {
    fn eq(&self, other: &Self) -> bool {
        self.elements == other.elements
    }
}

impl Serialize for MsgBody {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.elements.serialize(serializer)
    }
}

impl FromIterator<MsgElement> for MsgBody {
    fn from_iter<I: IntoIterator<Item = MsgElement>>(elements: I) -> Self {
        MsgBody { elements: elements.into_iter().collect(), more: Vec::new() }
    }
}

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
                    body.add(element, 0).map_err(|_| {
                        serde::de::Error::custom("an element that does not fit its kind")
                    })?;
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
