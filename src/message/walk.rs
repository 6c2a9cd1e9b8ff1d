//! The strings of an element that a reader could see, found in its JSON: one walk for reading and for rewriting, so that neither can
//! forget what the other knows.
//!
//! It works by exclusion. Every string is shown but those that are known not to be, so that members which this version does not know are shown as well. It is one
//! pass over the bytes, with a stack of its own, since the nesting is a stranger's.

use std::borrow::Cow;
use std::ops::Range;

use crate::json::replace_unpaired;

/// How a member of an element of known kind is treated. A member that is not listed is shown, with all that is in it.
#[derive(Clone, Copy)]
enum Rule {
    /// An id, an address, a format: nothing that is read.
    Hidden,
    /// Up to the app: shown if custom data is asked for.
    Custom,
    /// A list or an object of members with rules of their own.
    Members(&'static [(&'static str, Rule)]),
    /// The elements of a message.
    Elements,
}

use Rule::{Custom, Elements, Hidden, Members};

/// The members of the content of each kind that are not simply shown.
fn rules(msg_type: &str) -> Option<&'static [(&'static str, Rule)]> {
    Some(match msg_type {
        "TIMTextElem" | "TIMLocationElem" | "TIMFaceElem" => &[],
        "TIMCustomElem" => &[("Data", Custom), ("Desc", Custom), ("Ext", Custom), ("Sound", Hidden)],
        "TIMSoundElem" | "TIMFileElem" => &[("Url", Hidden), ("UUID", Hidden)],
        "TIMImageElem" => &[("UUID", Hidden), ("ImageInfoArray", Members(&[("URL", Hidden)]))],
        "TIMVideoFileElem" => &[
            ("VideoUrl", Hidden),
            ("VideoUUID", Hidden),
            ("VideoFormat", Hidden),
            ("ThumbUrl", Hidden),
            ("ThumbUUID", Hidden),
            ("ThumbFormat", Hidden),
        ],
        "TIMStreamElem" => &[("StreamMsgID", Hidden), ("Chunks", Members(&[("EventType", Hidden)]))],
        "TIMRelayElem" => &[
            ("JsonMsgKey", Hidden),
            (
                "MsgList",
                Members(&[
                    ("From_Account", Hidden),
                    ("To_Account", Hidden),
                    ("GroupId", Hidden),
                    ("MsgId", Hidden),
                    ("CloudCustomData", Custom),
                    ("MsgBody", Elements),
                ]),
            ),
        ],
        _ => return None,
    })
}

/// What kind of text was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// A reader could see it.
    Shown,
    /// It is custom data of the app.
    Custom,
    /// It is the kind, or a key, of an element of unknown kind: it can be read, but not rewritten.
    Name,
}

/// A string of an element: where it lies in the JSON, with its quotes, and what it says.
pub(super) struct Piece<'a> {
    pub(super) at: Range<usize>,
    pub(super) text: Cow<'a, str>,
    pub(super) kind: Kind,
}

/// How a value is to be walked.
#[derive(Clone, Copy)]
enum Sight {
    Hidden,
    Custom,
    /// The kind of an element that is not known.
    Name,
    /// All that is in it, without its keys.
    All,
    /// All that is in it, with its keys.
    WithKeys,
    /// By rules: in an object by its members, in a list for each item.
    Members(&'static [(&'static str, Rule)]),
    /// A list of elements.
    Elements,
    /// One element.
    Element,
}

struct Frame {
    sight: Sight,
    object: bool,
    /// Of an element: what its content is walked by.
    content: Sight,
}

/// Calls `visit` for each string of an element. The JSON must be valid; what is not ends the walk.
pub(super) fn walk<'a>(json: &'a str, visit: &mut dyn FnMut(Piece<'a>)) {
    // Of the same length, so that places are those of the original.
    let mended = replace_unpaired(json);
    let bytes = mended.as_bytes();
    let kinds = kinds(&mended);
    let mut next_kind = kinds.iter().peekable();
    let mut stack: Vec<Frame> = Vec::new();
    let mut sight = Sight::Element;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => {
                let object = byte == b'{';
                let content = match sight {
                    Sight::Element if object => {
                        while next_kind.next_if(|(start, _)| *start < at).is_some() {}
                        next_kind
                            .next_if(|(start, _)| *start == at)
                            .and_then(|(_, kind)| rules(kind))
                            .map_or(Sight::WithKeys, Sight::Members)
                    }
                    _ => Sight::All,
                };
                stack.push(Frame { sight, object, content });
                if !object {
                    sight = of_item(sight);
                }
                at += 1;
            }
            b'}' | b']' => {
                stack.pop();
                at += 1;
                if let Some(frame) = stack.last()
                    && !frame.object
                {
                    sight = of_item(frame.sight);
                }
            }
            b'"' => {
                let end = end_of_string(bytes, at);
                let is_key = stack.last().is_some_and(|frame| frame.object) && is_before_colon(bytes, end);
                let shown = if is_key {
                    let frame = stack.last();
                    // A key is compared as it stands: one that is written with escapes is taken for an unknown one, and is shown.
                    let key = mended.get(at + 1..end.saturating_sub(1)).unwrap_or_default();
                    let whole = frame.map_or(Sight::All, |frame| frame.sight);
                    sight = frame.map_or(Sight::All, |frame| of_member(frame, key));
                    let beside = frame.is_some_and(|frame| {
                        matches!((frame.sight, frame.content), (Sight::Element, Sight::WithKeys))
                            && !matches!(key, "MsgType" | "MsgContent")
                    });
                    (beside || matches!(whole, Sight::WithKeys)).then_some(Kind::Name)
                } else {
                    match sight {
                        Sight::Hidden => None,
                        Sight::Custom => Some(Kind::Custom),
                        Sight::Name => Some(Kind::Name),
                        _ => Some(Kind::Shown),
                    }
                };
                if let Some(kind) = shown
                    && let Some(text) = decode(json, &mended, at..end)
                {
                    visit(Piece {
                        at: at..end,
                        text,
                        kind,
                    });
                }
                at = end;
            }
            _ => at += 1,
        }
    }
}

/// Calls `visit` for each string of a JSON text that is no key.
pub(super) fn strings<'a>(json: &'a str, visit: &mut dyn FnMut(Cow<'a, str>)) {
    let mended = replace_unpaired(json);
    let bytes = mended.as_bytes();
    let mut at = 0;
    while let Some(start) = bytes
        .get(at..)
        .and_then(|rest| rest.iter().position(|byte| *byte == b'"'))
    {
        let start = at + start;
        at = end_of_string(bytes, start);
        if !is_before_colon(bytes, at)
            && let Some(text) = decode(json, &mended, start..at)
        {
            visit(text);
        }
    }
}

fn of_item(list: Sight) -> Sight {
    match list {
        Sight::Elements => Sight::Element,
        // What is known not to be read is no list.
        Sight::Hidden | Sight::Custom | Sight::Name => Sight::All,
        other => other,
    }
}

fn of_member(frame: &Frame, key: &str) -> Sight {
    match frame.sight {
        Sight::Element => match key {
            "MsgType" if matches!(frame.content, Sight::Members(_)) => Sight::Hidden,
            "MsgType" => Sight::Name,
            "MsgContent" => frame.content,
            _ if matches!(frame.content, Sight::WithKeys) => Sight::WithKeys,
            _ => Sight::All,
        },
        Sight::Members(rules) => match rules.iter().find(|(name, _)| *name == key) {
            Some((_, Rule::Hidden)) => Sight::Hidden,
            Some((_, Rule::Custom)) => Sight::Custom,
            Some((_, Rule::Members(rules))) => Sight::Members(rules),
            Some((_, Rule::Elements)) => Sight::Elements,
            None => Sight::All,
        },
        // What is known not to be read is a string or a number, and elements are in a list. In anything else there may be anything.
        Sight::Elements | Sight::Hidden | Sight::Custom | Sight::Name | Sight::All => Sight::All,
        Sight::WithKeys => Sight::WithKeys,
    }
}

/// Where the string that begins here ends, its last quote included.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut end = start + 1;
    while let Some(&byte) = bytes.get(end) {
        match byte {
            b'"' => return end + 1,
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
    bytes.len()
}

fn is_before_colon(bytes: &[u8], end: usize) -> bool {
    let rest = bytes.get(end..).unwrap_or_default();
    rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
}

/// What a string says.
fn decode<'a>(json: &'a str, mended: &str, at: Range<usize>) -> Option<Cow<'a, str>> {
    let plain = json.get(at.start + 1..at.end.checked_sub(1)?)?;
    if !plain.contains('\\') {
        return Some(Cow::Borrowed(plain));
    }
    serde_json::from_str(mended.get(at)?).ok().map(Cow::Owned)
}

/// The kind of each object that has one, by the place where the object begins, in the order of the places.
fn kinds(json: &str) -> Vec<(usize, Cow<'_, str>)> {
    let bytes = json.as_bytes();
    // The start of each open object, or of a list.
    let mut open: Vec<(usize, bool)> = Vec::new();
    let mut found: Vec<(usize, Cow<'_, str>)> = Vec::new();
    let mut is_kind = false;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => {
                open.push((at, byte == b'{'));
                is_kind = false;
                at += 1;
            }
            b'}' | b']' => {
                open.pop();
                at += 1;
            }
            b'"' => {
                let end = end_of_string(bytes, at);
                match open.last() {
                    Some((start, true)) if is_before_colon(bytes, end) => {
                        let _ = start;
                        is_kind = decode(json, json, at..end).is_some_and(|key| key == "MsgType");
                    }
                    Some((start, true)) if is_kind => {
                        is_kind = false;
                        if let Some(kind) = decode(json, json, at..end) {
                            found.push((*start, kind));
                        }
                    }
                    _ => {}
                }
                at = end;
            }
            b',' => {
                is_kind = false;
                at += 1;
            }
            _ => at += 1,
        }
    }
    found.sort_by_key(|(start, _)| *start);
    found
}
