//! What a reader could see of a message.

use std::borrow::Cow;

use super::body::MsgBody;
use super::element::MsgElement;

impl MsgBody {
    /// All texts that a reader could see, for moderation: texts, descriptions of places, file names, the pieces of a stream,
    /// everything in a bundle (title, preview, the text for old clients, the messages), and every string of elements that this version does not know.
    ///
    /// Custom elements are left out, since what a reader sees of them is up to the app; see
    /// [`texts_and_custom`](Self::texts_and_custom).
    pub fn texts(&self) -> Vec<Cow<'_, str>> {
        let mut found = Vec::new();
        collect(self, false, &mut found);
        found
    }

    /// [`texts`](Self::texts), with description and data of custom elements.
    pub fn texts_and_custom(&self) -> Vec<Cow<'_, str>> {
        let mut found = Vec::new();
        collect(self, true, &mut found);
        found
    }
}

/// Bundles are at most eight deep here, deeper ones are unknown elements.
fn collect<'a>(body: &'a MsgBody, custom: bool, found: &mut Vec<Cow<'a, str>>) {
    for element in body {
        match element {
            MsgElement::Text(text) => push(text.text.as_ref(), found),
            MsgElement::Location(location) => push(location.desc.as_ref(), found),
            MsgElement::File(file) => push(file.file_name.as_ref(), found),
            MsgElement::Custom(element) if custom => {
                push(element.desc.as_ref(), found);
                push(element.data.as_ref(), found);
            }
            MsgElement::Custom(_)
            | MsgElement::Face(_)
            | MsgElement::Sound(_)
            | MsgElement::Image(_)
            | MsgElement::VideoFile(_) => {}
            MsgElement::Relay(bundle) => {
                push(bundle.title.as_ref(), found);
                push(bundle.compatible_text.as_ref(), found);
                found.extend(
                    bundle
                        .abstract_list
                        .iter()
                        .flatten()
                        .map(|line| Cow::Borrowed(line.as_str())),
                );
                for message in bundle.msg_list.iter().flatten() {
                    collect(&message.msg_body, custom, found);
                }
            }
            MsgElement::Stream(stream) => {
                push(stream.compatible_text.as_ref(), found);
                for chunk in stream.chunks.iter().flatten() {
                    push(chunk.markdown.as_ref(), found);
                }
            }
            MsgElement::Unknown(element) => strings(element.content.get(), found),
        }
    }
}

fn push<'a>(text: Option<&'a String>, found: &mut Vec<Cow<'a, str>>) {
    found.extend(text.map(|text| Cow::Borrowed(text.as_str())));
}

/// The strings in a JSON text that are no keys.
///
/// A walk over the bytes and no parser, since the nesting is unlimited.
fn strings<'a>(json: &'a str, found: &mut Vec<Cow<'a, str>>) {
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(start) = bytes[at..]
        .iter()
        .position(|byte| *byte == b'"')
        .map(|found| at + found)
    {
        let mut end = start + 1;
        while bytes.get(end).is_some_and(|byte| *byte != b'"') {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        at = (end + 1).min(bytes.len());
        let is_key = bytes[at..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
        if is_key {
            continue;
        }
        if let Ok(text) = serde_json::from_str(&json[start..at]) {
            found.push(Cow::Owned(text));
        }
    }
}
