//! Finds where the elements of a message do not fit. Elements are read as texts of their own, so
//! the places in their errors are not those in the body; this reads them again and converts the
//! places.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::body::MsgElement;
use super::read::Element;
use crate::json::{self, offset};

/// A member that does not fit.
pub(crate) struct Place {
    /// Its path from the list of elements on, such as `[0].MsgContent.Text`.
    pub(crate) path: String,
    /// Where it lies, in bytes from the start of the text that was asked about.
    pub(crate) offset: usize,
    /// What was expected and what was found.
    pub(crate) message: String,
}

/// Finds the first member that does not fit in the JSON of a list of elements.
pub(crate) fn misfit(elements: &str) -> Option<Place> {
    inside(elements, elements, 0)
}

/// `elements` is a slice of `whole`. Places are counted from the start of `whole`.
fn inside(whole: &str, elements: &str, bundles: usize) -> Option<Place> {
    let items: Vec<&RawValue> = serde_json::from_str(elements).ok()?;
    items.into_iter().enumerate().find_map(|(index, item)| {
        let of = |path: &str, text: &str, error: &serde_json::Error| Place {
            path: format!("[{index}]{path}"),
            offset: start(whole, text) + offset(text, error.line(), error.column()),
            message: error.to_string(),
        };
        let element = match serde_json::from_str::<Element<'_>>(item.get()) {
            Ok(element) => element,
            Err(error) => return Some(of("", item.get(), &error)),
        };
        let (kind, content) = element.parts();
        if !MsgElement::knows(kind, bundles) {
            return None;
        }
        if let Some(error) = MsgElement::misfit(kind, content) {
            let path = match json::path_at(content, error.line(), error.column()) {
                path if path == "." => ".MsgContent".to_owned(),
                path => format!(".MsgContent.{path}"),
            };
            return Some(of(&path, content, &error));
        }
        let place = in_bundle(whole, content, bundles)?;
        Some(Place { path: format!("[{index}].MsgContent.{}", place.path), ..place })
    })
}

/// Looks into the messages of a bundle, which is read with them as raw JSON.
fn in_bundle(whole: &str, content: &str, bundles: usize) -> Option<Place> {
    #[derive(Deserialize)]
    struct Bundle<'a> {
        #[serde(rename = "MsgList", borrow)]
        messages: Vec<Message<'a>>,
    }

    #[derive(Deserialize)]
    struct Message<'a> {
        #[serde(rename = "MsgBody", borrow)]
        elements: Option<&'a RawValue>,
    }

    if bundles >= MsgElement::BUNDLES {
        return None;
    }
    let bundle: Bundle<'_> = serde_json::from_str(content).ok()?;
    bundle.messages.into_iter().enumerate().find_map(|(index, message)| {
        let place = inside(whole, message.elements?.get(), bundles + 1)?;
        Some(Place { path: format!("MsgList[{index}].MsgBody{}", place.path), ..place })
    })
}

/// Where `part`, a slice of `whole`, begins.
fn start(whole: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(whole.as_ptr().addr())
}
