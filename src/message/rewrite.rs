use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::body::MsgElement;
use crate::json::{readable, replace_unpaired};
use crate::types::RawJson;

/// A message to be sent instead of another one.
///
/// Made from a callback ([`Callback::rewrite_message`](crate::Callback::rewrite_message)), it holds
/// the original elements as received, so an image keeps the fields that this crate does not know.
/// Only what you change is written anew. To replace words, use moderation instead
/// (`Finding::Replace` of feature `moderation`), which judges again what it has made.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct MsgBodyBuilder {
    elements: Vec<Slot>,
}

#[derive(Clone, Debug, PartialEq)]
enum Slot {
    Kept(RawJson),
    New(Box<MsgElement>),
}

/// The callback has no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMessageError;

impl fmt::Display for NoMessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the callback has no message")
    }
}

impl std::error::Error for NoMessageError {}

impl MsgBodyBuilder {
    /// A message without elements.
    pub fn new() -> Self {
        MsgBodyBuilder::default()
    }

    /// The elements of the message in a callback's raw body.
    pub(crate) fn from_body(body: &[u8]) -> Result<Self, NoMessageError> {
        #[derive(serde::Deserialize)]
        struct Body<'a> {
            #[serde(rename = "MsgBody", borrow)]
            elements: Vec<&'a RawValue>,
        }

        let came = readable(body);
        let text = replace_unpaired(&came);
        let body: Body<'_> = serde_json::from_str(&text).map_err(|_| NoMessageError)?;
        let keep = |element: &RawValue| {
            // Mending keeps the length of what it replaces, so the element is at the same place in
            // the body as received.
            let start = element.get().as_ptr().addr() - text.as_ptr().addr();
            let element = came.get(start..start + element.get().len()).ok_or(NoMessageError)?;
            let element = serde_json::from_str(element).map_err(|_| NoMessageError)?;
            Ok(Slot::Kept(RawJson::new(element)))
        };
        let elements = body.elements.into_iter().map(keep).collect::<Result<_, _>>()?;
        Ok(MsgBodyBuilder { elements })
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// Appends an element.
    pub fn push(mut self, element: impl Into<MsgElement>) -> Self {
        self.elements.push(Slot::New(Box::new(element.into())));
        self
    }

    /// Replaces an element. Does nothing if there is none at this index.
    pub fn replace(mut self, index: usize, element: impl Into<MsgElement>) -> Self {
        if let Some(slot) = self.elements.get_mut(index) {
            *slot = Slot::New(Box::new(element.into()));
        }
        self
    }

    /// Removes an element. Does nothing if there is none at this index.
    pub fn remove(mut self, index: usize) -> Self {
        if index < self.elements.len() {
            self.elements.remove(index);
        }
        self
    }
}

impl FromIterator<MsgElement> for MsgBodyBuilder {
    fn from_iter<I: IntoIterator<Item = MsgElement>>(elements: I) -> Self {
        elements.into_iter().fold(MsgBodyBuilder::new(), MsgBodyBuilder::push)
    }
}

impl Serialize for MsgBodyBuilder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.elements)
    }
}

impl Serialize for Slot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Slot::Kept(json) => json.serialize(serializer),
            Slot::New(element) => element.serialize(serializer),
        }
    }
}
