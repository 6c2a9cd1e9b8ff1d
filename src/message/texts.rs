//! The texts of a message that a user can see.

use std::borrow::Cow;

use super::body::MsgBody;
use super::element::MsgElement;
use super::walk::{Kind, walk};

impl MsgBody {
    /// All texts that a user can see, for moderation: texts, descriptions of locations, file names,
    /// data of faces, the pieces of a stream, everything in a bundle (title, preview, the text for
    /// old clients, the messages), every string of a field that this version does not know, and the
    /// kind, every key and every string of an element of unknown kind.
    ///
    /// A string is left out only if it is known to be an id, an address or a format. Custom
    /// elements are left out, since your app decides what of them is shown: see
    /// [`texts_and_custom`](Self::texts_and_custom). So is the message's custom data, in which the
    /// vendor's UI kit quotes other messages: see [`strings_of`].
    ///
    /// A word may be split over two text elements: see [`joined_texts`](Self::joined_texts). A
    /// message may not be complete: see [`is_complete`](Self::is_complete).
    pub fn texts(&self) -> Vec<Cow<'_, str>> {
        self.collect(false)
    }

    /// Like [`texts`](Self::texts), with the description, data and extension of custom elements,
    /// and the custom data of messages in bundles.
    ///
    /// Each of these comes as your app sent it. If it is JSON with escapes, its decoded strings
    /// follow, as in [`strings_of`]: a word may be written as `\u0073pam`. Any other encoding
    /// (base64, a URL) is known to your app only.
    pub fn texts_and_custom(&self) -> Vec<Cow<'_, str>> {
        self.collect(true)
    }

    /// The text of each run of consecutive text elements. Clients show them as one text.
    pub fn joined_texts(&self) -> Vec<String> {
        join(self.iter().map(|element| match element {
            MsgElement::Text(text) => Some(text.text.as_deref().unwrap_or_default()),
            _ => None,
        }))
    }

    fn collect(&self, custom: bool) -> Vec<Cow<'_, str>> {
        let mut found = Vec::new();
        for (index, element) in self.iter().enumerate() {
            match (self.more_of(index), element) {
                (Some(json), _) => of_json(json.get(), custom, &mut |text| found.push(text)),
                // A shortcut for the most common element. The walk would find the same.
                (None, MsgElement::Text(text)) => {
                    found.extend(text.text.as_deref().map(Cow::Borrowed));
                }
                (None, element) => {
                    if let Ok(json) = serde_json::to_string(element) {
                        of_json(&json, custom, &mut |text| {
                            found.push(Cow::Owned(text.into_owned()));
                        });
                    }
                }
            }
        }
        found
    }
}

/// Joins consecutive texts. `None` stands for an element that is not a text.
pub(super) fn join<T: AsRef<str>>(texts: impl Iterator<Item = Option<T>>) -> Vec<String> {
    let mut joined = vec![String::new()];
    for text in texts {
        match (text, joined.last_mut()) {
            (Some(text), Some(run)) => run.push_str(text.as_ref()),
            _ => joined.push(String::new()),
        }
    }
    joined.retain(|text| !text.is_empty());
    joined
}

/// The strings in an element's JSON that a user can see.
pub(super) fn of_json<'a>(json: &'a str, custom: bool, found: &mut dyn FnMut(Cow<'a, str>)) {
    walk(json, &mut |piece| match piece.kind {
        Kind::Custom if custom => {
            let decoded = decoded(&piece.text);
            found(piece.text);
            for text in decoded {
                found(Cow::Owned(text));
            }
        }
        Kind::Custom => {}
        Kind::Shown | Kind::Name => found(piece.text),
    });
}

/// The strings of custom data that is JSON with escapes.
pub(super) fn decoded(custom: &str) -> Vec<String> {
    let mut found = Vec::new();
    decode_escapes(custom, NESTED, &mut found);
    found
}

/// How deep JSON texts in strings of JSON texts are decoded. Each level reads the text once more.
const NESTED: usize = 4;

/// Adds the strings of a JSON text with escapes. Without escapes, the text itself shows them.
fn decode_escapes(text: &str, levels: usize, found: &mut Vec<String>) {
    if levels == 0 || !text.contains('\\') || !is_json(text) {
        return;
    }
    super::walk::values(text, &mut |value| {
        let value = value.into_owned();
        let mut nested = Vec::new();
        decode_escapes(&value, levels - 1, &mut nested);
        found.push(value);
        found.append(&mut nested);
    });
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// The texts in custom data such as `CloudCustomData`: the strings and numbers of its JSON without
/// the keys, or all of it if it is not JSON. Of a string that is JSON with escapes itself, the
/// decoded strings follow.
///
/// The vendor's UI kit quotes the message that is replied to in `CloudCustomData`.
///
/// ```
/// use tencent_im_callback::message::strings_of;
///
/// let quoted = r#"{"messageReply":{"messageAbstract":"red \u0070acket","version":1}}"#;
/// assert_eq!(strings_of(quoted), ["red packet", "1"]);
/// assert_eq!(strings_of("red packet"), ["red packet"]);
/// ```
pub fn strings_of(custom_data: &str) -> Vec<Cow<'_, str>> {
    if !is_json(custom_data) {
        return vec![Cow::Borrowed(custom_data)];
    }
    let mut found = Vec::new();
    super::walk::values(custom_data, &mut |value| {
        let nested = decoded(&value);
        found.push(value);
        found.extend(nested.into_iter().map(Cow::Owned));
    });
    found
}
