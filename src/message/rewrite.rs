use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::element::{MsgElement, TextElem};
use crate::json::{self, replace_unpaired};
use crate::types::RawJson;

/// A message to be sent in the place of another one.
///
/// Made from a callback ([`Callback::rewrite_message`](crate::Callback::rewrite_message)), it holds the original elements as they
/// came, so that an image keeps the members this crate does not type; only what you change is written anew.
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

/// The callback carries no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMessageError;

impl fmt::Display for NoMessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the callback carries no message")
    }
}

impl std::error::Error for NoMessageError {}

impl MsgBodyBuilder {
    /// A message without elements yet.
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

        let came = std::str::from_utf8(body).map_err(|_| NoMessageError)?;
        let text = replace_unpaired(came);
        let body: Body<'_> = serde_json::from_str(&text).map_err(|_| NoMessageError)?;
        let keep = |element: &RawValue| {
            // What was replaced has the same length, so the element lies at the same place in the body as it came.
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

    /// Adds an element at the end.
    pub fn push(mut self, element: impl Into<MsgElement>) -> Self {
        self.elements.push(Slot::New(Box::new(element.into())));
        self
    }

    /// Puts an element in the place of another one; nothing happens if there is none at this index.
    pub fn replace(mut self, index: usize, element: impl Into<MsgElement>) -> Self {
        if let Some(slot) = self.elements.get_mut(index) {
            *slot = Slot::New(Box::new(element.into()));
        }
        self
    }

    /// Takes an element out; nothing happens if there is none at this index.
    pub fn remove(mut self, index: usize) -> Self {
        if index < self.elements.len() {
            self.elements.remove(index);
        }
        self
    }

    /// Shows each text element to `change` and takes what it gives instead. Texts inside of bundles are not shown, since a bundle
    /// can only be replaced as a whole.
    pub fn map_texts(mut self, mut change: impl FnMut(&str) -> Option<String>) -> Self {
        for slot in &mut self.elements {
            let changed = match slot {
                Slot::New(element) => match &**element {
                    MsgElement::Text(text) => change(text.text.as_deref().unwrap_or_default()),
                    _ => None,
                },
                Slot::Kept(json) => text_of(json).and_then(|text| change(&text)),
            };
            if let Some(text) = changed {
                *slot = Slot::New(Box::new(TextElem::new(text).into()));
            }
        }
        self
    }
}

/// The text of an element as it came, if it is a text element.
fn text_of(json: &RawJson) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Element {
        #[serde(rename = "MsgType")]
        msg_type: String,
        #[serde(rename = "MsgContent")]
        content: TextElem,
    }

    let element: Element = json::from_str(&replace_unpaired(json.get())).ok()?;
    (element.msg_type == "TIMTextElem").then(|| element.content.text.unwrap_or_default())
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
