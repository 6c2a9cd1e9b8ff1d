use std::fmt;
use std::ops::Index;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::element::MsgElement;
use super::read::Element;
use super::text::TextElem;
use crate::json::{Token, Tokens};

/// The elements of a message (`MsgBody`), in order.
///
/// To find words in it, use `Callback::shown` (feature `moderation`), which also shows what this
/// version does not know.
///
/// It can be read from JSON text and byte slices, not from readers: the kind of an element may come
/// after its content, so the element is read where it is in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MsgBody {
    elements: Vec<MsgElement>,
}

impl MsgBody {
    pub(super) fn read(elements: Vec<Element<'_>>, bundles: usize) -> serde_json::Result<Self> {
        // Not collected: that would take room for four elements even for one.
        let mut read = Vec::with_capacity(elements.len());
        for element in elements {
            read.push(element.read(bundles)?);
        }
        Ok(MsgBody { elements: read })
    }

    /// Whether the whole message is here: see
    /// [`RelayElem::is_complete`](super::RelayElem::is_complete). You cannot check what is missing.
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

/// Whether no bundle without its messages is anywhere in this JSON.
fn has_whole_bundles(json: &str) -> bool {
    let mut tokens = Tokens::new(json);
    // The bundles that are open: at which depth, and how many messages are missing.
    let mut bundles: Vec<(usize, i64)> = Vec::new();
    let mut depth = 0;
    while let Some(token) = tokens.next() {
        let key = match token {
            Token::Open { .. } => {
                // The items of a list of messages are two levels inside of the bundle.
                if let Some((_, missing)) = bundles.last_mut().filter(|(at, _)| at + 1 == depth) {
                    *missing -= 1;
                }
                depth += 1;
                continue;
            }
            Token::Close => {
                depth = depth.saturating_sub(1);
                if let Some((_, missing)) = bundles.pop_if(|(at, _)| *at > depth)
                    && missing > 0
                {
                    return false;
                }
                continue;
            }
            Token::Key => tokens.key(),
            Token::Scalar => continue,
        };
        match &*key {
            "JsonMsgKey" if !tokens.next_is_nothing() => return false,
            "MsgNum" => {
                let promised = tokens.number().unwrap_or(0);
                match bundles.last_mut().filter(|(at, _)| *at == depth) {
                    Some((_, missing)) => *missing = missing.saturating_add(promised),
                    None => bundles.push((depth, promised)),
                }
            }
            "MsgList" if bundles.last().is_none_or(|(at, _)| *at != depth) => {
                bundles.push((depth, 0));
            }
            _ => {}
        }
    }
    true
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
