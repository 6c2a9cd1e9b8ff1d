use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::element::MsgElement;
use super::read::Element;
use super::texts::{decoded, join, of_json};
use super::walk::{Kind, walk};
use crate::json::{readable, replace_unpaired};
use crate::types::RawJson;

/// A message to be sent instead of another one.
///
/// Made from a callback ([`Callback::rewrite_message`](crate::Callback::rewrite_message)), it holds
/// the original elements as received, so an image keeps the fields that this crate does not know.
/// Only what you change is written anew.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct MsgBodyBuilder {
    elements: Vec<Slot>,
    unchanged: Vec<String>,
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
        Ok(MsgBodyBuilder { elements, unchanged: Vec::new() })
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

    /// Calls `change` with each text that [`MsgBody::texts`](super::MsgBody::texts) returns, and
    /// replaces the text with its result. Custom data is not passed to it. What is not changed
    /// stays as received.
    ///
    /// The kind and the keys of an element of unknown kind cannot be changed. If `change` would
    /// change one, [`unchanged`](Self::unchanged) lists it.
    pub fn map_texts(self, change: impl FnMut(&str) -> Option<String>) -> Self {
        self.map(false, change)
    }

    /// [`map_texts`](Self::map_texts), with custom data: see
    /// [`MsgBody::texts_and_custom`](super::MsgBody::texts_and_custom).
    ///
    /// `change` is also called with the decoded strings of custom data. They cannot be changed: if
    /// `change` would change one, [`unchanged`](Self::unchanged) lists it.
    pub fn map_texts_and_custom(self, change: impl FnMut(&str) -> Option<String>) -> Self {
        self.map(true, change)
    }

    fn map(mut self, custom: bool, mut change: impl FnMut(&str) -> Option<String>) -> Self {
        for slot in &mut self.elements {
            let written;
            let json = match slot {
                Slot::Kept(json) => json.get(),
                Slot::New(element) => match serde_json::to_string(element) {
                    Ok(json) => {
                        written = json;
                        &written
                    }
                    Err(_) => continue,
                },
            };
            let (mut out, mut done) = (String::new(), 0);
            walk(json, &mut |piece| {
                if piece.kind == Kind::Custom && !custom {
                    return;
                }
                let text = change(&piece.text).filter(|text| *text != piece.text);
                if piece.kind == Kind::Custom {
                    for decoded in decoded(text.as_deref().unwrap_or(&piece.text)) {
                        if change(&decoded).is_some_and(|text| text != decoded) {
                            self.unchanged.push(decoded);
                        }
                    }
                }
                let Some(text) = text else { return };
                if piece.kind == Kind::Name {
                    self.unchanged.push(piece.text.into_owned());
                    return;
                }
                out.push_str(json.get(done..piece.at.start).unwrap_or_default());
                out.push_str(&serde_json::Value::from(text).to_string());
                done = piece.at.end;
            });
            if done > 0 {
                out.push_str(json.get(done..).unwrap_or_default());
                *slot = Slot::Kept(RawJson::from_text(out));
            }
        }
        self
    }

    /// The texts that [`map_texts`](Self::map_texts) should have changed and could not. Reject a
    /// message that has some.
    pub fn unchanged(&self) -> &[String] {
        &self.unchanged
    }

    /// The texts that a user can see in it now, as in [`MsgBody::texts`](super::MsgBody::texts).
    pub fn texts(&self) -> Vec<String> {
        self.collect(false)
    }

    /// [`texts`](Self::texts), with custom data, as in
    /// [`MsgBody::texts_and_custom`](super::MsgBody::texts_and_custom).
    pub fn texts_and_custom(&self) -> Vec<String> {
        self.collect(true)
    }

    /// The text of each run of consecutive text elements, as in
    /// [`MsgBody::joined_texts`](super::MsgBody::joined_texts).
    pub fn joined_texts(&self) -> Vec<String> {
        let text = |element: &MsgElement| match element {
            MsgElement::Text(text) => Some(text.text.clone().unwrap_or_default()),
            _ => None,
        };
        join(self.elements.iter().map(|slot| match slot {
            Slot::Kept(json) => text(&read(json.get()).ok()?),
            Slot::New(element) => text(element),
        }))
    }

    fn collect(&self, custom: bool) -> Vec<String> {
        let mut found = Vec::new();
        for slot in &self.elements {
            let mut add =
                |json: &str| of_json(json, custom, &mut |text| found.push(text.into_owned()));
            match slot {
                Slot::Kept(json) => add(json.get()),
                Slot::New(element) => {
                    if let Ok(json) = serde_json::to_string(element) {
                        add(&json);
                    }
                }
            }
        }
        found
    }
}

fn read(json: &str) -> serde_json::Result<MsgElement> {
    Ok(serde_json::from_str::<Element<'_>>(&replace_unpaired(json))?.read(0)?.element)
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
