use std::fmt;
use std::ops::Index;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::element::{Element, MsgElement};

/// The elements of a message (`MsgBody`), in their order.
///
/// Can be read from JSON text and from byte slices, not from readers: each element is looked at where it lies, since its kind may
/// stand behind its content.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct MsgBody {
    elements: Vec<MsgElement>,
}

impl MsgBody {
    pub(super) fn read(elements: Vec<Element<'_>>, bundles: usize) -> serde_json::Result<Self> {
        let elements = elements.into_iter().map(|element| element.read(bundles));
        Ok(MsgBody {
            elements: elements.collect::<Result<_, _>>()?,
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

impl FromIterator<MsgElement> for MsgBody {
    fn from_iter<I: IntoIterator<Item = MsgElement>>(elements: I) -> Self {
        MsgBody {
            elements: elements.into_iter().collect(),
        }
    }
}

/// A message that is asked about: without one there is nothing to judge, and "OK" would mean "send it".
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
                let mut elements = Vec::new();
                while let Some(element) = items.next_element::<Element<'de>>()? {
                    elements.push(element.read(0).map_err(serde::de::Error::custom)?);
                }
                Ok(MsgBody { elements })
            }

            fn visit_unit<E>(self) -> Result<MsgBody, E> {
                Ok(MsgBody::default())
            }
        }

        deserializer.deserialize_any(Elements)
    }
}
