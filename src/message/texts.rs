//! The texts of a message that a user can see.

use std::borrow::Cow;

use super::body::MsgBody;
use super::element::MsgElement;
use super::walk::{Kind, walk};

impl MsgBody {
    /// All texts that a user can see, for moderation: texts, descriptions of locations, file names, data of faces, the pieces of a
    /// stream, everything in a bundle (title, preview, the text for old clients, the messages), every string of a field that this version
    /// does not know, and the kind, every key and every string of an element of unknown kind.
    ///
    /// A string is left out only if it is known to be an id, an address or a format. Custom elements are left out, since your app decides
    /// what of them is shown: see [`texts_and_custom`](Self::texts_and_custom). So is the message's custom data, in which the vendor's UI
    /// kit quotes other messages: see [`strings_of`].
    ///
    /// A word may be split over two text elements: see [`joined_texts`](Self::joined_texts). A message may not be complete: see
    /// [`is_complete`](Self::is_complete).
    pub fn texts(&self) -> Vec<Cow<'_, str>> {
        self.collect(false)
    }

    /// Like [`texts`](Self::texts), with the description, data and extension of custom elements, and the custom data of messages in
    /// bundles.
    pub fn texts_and_custom(&self) -> Vec<Cow<'_, str>> {
        self.collect(true)
    }

    /// The text of each run of consecutive text elements. Clients show them as one text.
    pub fn joined_texts(&self) -> Vec<String> {
        let runs = self
            .as_slice()
            .chunk_by(|one, next| matches!((one, next), (MsgElement::Text(_), MsgElement::Text(_))));
        let text = |element: &MsgElement| match element {
            MsgElement::Text(text) => text.text.clone(),
            _ => None,
        };
        let joined = runs.map(|run| run.iter().filter_map(text).collect::<String>());
        joined.filter(|text| !text.is_empty()).collect()
    }

    fn collect(&self, custom: bool) -> Vec<Cow<'_, str>> {
        let mut found = Vec::new();
        for (index, element) in self.iter().enumerate() {
            match (self.more_of(index), element) {
                (Some(json), _) => of_json(json.get(), custom, &mut |text| found.push(text)),
                // Nearly all elements; the walk would find the same.
                (None, MsgElement::Text(text)) => found.extend(text.text.as_deref().map(Cow::Borrowed)),
                (None, element) => {
                    if let Ok(json) = serde_json::to_string(element) {
                        of_json(&json, custom, &mut |text| found.push(Cow::Owned(text.into_owned())));
                    }
                }
            }
        }
        found
    }
}

/// The strings in an element's JSON that a user can see.
pub(super) fn of_json<'a>(json: &'a str, custom: bool, found: &mut dyn FnMut(Cow<'a, str>)) {
    walk(json, &mut |piece| {
        if custom || piece.kind != Kind::Custom {
            found(piece.text);
        }
    });
}

/// The strings in custom data such as `CloudCustomData`: those of its JSON without the keys, or all of it if it is not JSON. The vendor's
/// UI kit quotes the message that is replied to there.
///
/// ```
/// use tencent_im_callback::message::strings_of;
///
/// let quoted = r#"{"messageReply":{"messageAbstract":"red packet","version":1}}"#;
/// assert_eq!(strings_of(quoted), ["red packet"]);
/// assert_eq!(strings_of("red packet"), ["red packet"]);
/// ```
pub fn strings_of(custom_data: &str) -> Vec<Cow<'_, str>> {
    if serde_json::from_str::<serde::de::IgnoredAny>(custom_data).is_err() {
        return vec![Cow::Borrowed(custom_data)];
    }
    let mut found = Vec::new();
    super::walk::strings(custom_data, &mut |text| found.push(text));
    found
}
