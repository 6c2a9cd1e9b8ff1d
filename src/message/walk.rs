//! Finds the strings of an element that a user could see. Reading and rewriting use the same walk,
//! so they cannot differ.
//!
//! It works by exclusion: every string counts as visible unless it is known not to be, so members
//! that this version does not know are included. [`rules`] lists the members that are not visible,
//! for each kind of element.
//!
//! There are two passes over the bytes. The first one ([`kinds`]) finds the kind of each object,
//! since `MsgType` may stand behind the content that it explains. The second one ([`walk`]) keeps a
//! stack of what is open. Each [`Frame`] has a [`Sight`], which says how strings in there are
//! treated and what their members inherit. Neither pass recurses, since the sender decides how deep
//! the nesting is. Positions are given in bytes of the original text, so that a rewrite can replace
//! single strings and leave the rest as it came. A sender who hides a text in an odd shape (a list
//! where a string belongs, a key with escapes) gets it counted as visible.

use std::borrow::Cow;
use std::ops::Range;

use crate::json::replace_unpaired;

/// How a member of an element of a known kind is treated. A member that is not listed counts as
/// visible, with everything in it.
#[derive(Clone, Copy)]
enum Rule {
    /// An id, an address or a format. Users never see it.
    Hidden,
    /// Custom data: the app decides whether users see it. Included if the caller asks for custom
    /// data.
    Custom,
    /// A list or an object whose members have rules of their own.
    Members(&'static [(&'static str, Rule)]),
    /// The elements of a message.
    Elements,
}

use Rule::{Custom, Elements, Hidden, Members};

/// The members, per kind of content, that have a rule of their own.
fn rules(msg_type: &str) -> Option<&'static [(&'static str, Rule)]> {
    Some(match msg_type {
        "TIMTextElem" | "TIMLocationElem" | "TIMFaceElem" => &[],
        "TIMCustomElem" => {
            &[("Data", Custom), ("Desc", Custom), ("Ext", Custom), ("Sound", Hidden)]
        }
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
        "TIMStreamElem" => {
            &[("StreamMsgID", Hidden), ("Chunks", Members(&[("EventType", Hidden)]))]
        }
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

/// The kind of a string that was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// A user could see it.
    Shown,
    /// It is custom data of the app.
    Custom,
    /// It is the kind, or a key, of an element of an unknown kind: it can be read, but not
    /// rewritten.
    Name,
}

/// A string of an element: its place in the JSON, including the quotes, and its text.
pub(super) struct Piece<'a> {
    pub(super) at: Range<usize>,
    pub(super) text: Cow<'a, str>,
    pub(super) kind: Kind,
}

/// How the strings in a value are treated.
#[derive(Clone, Copy)]
enum Sight {
    Hidden,
    Custom,
    /// The kind of an element of an unknown kind.
    Name,
    /// Everything in it, without its keys.
    All,
    /// Everything in it, with its keys.
    WithKeys,
    /// By rules: an object by its members, a list item by item.
    Members(&'static [(&'static str, Rule)]),
    /// A list of elements.
    Elements,
    /// One element.
    Element,
}

struct Frame {
    sight: Sight,
    object: bool,
    /// If this is an element: how the strings in its content are treated.
    content: Sight,
}

/// Calls `visit` for each string of an element. The JSON must be valid; the walk ends at the first
/// invalid byte.
pub(super) fn walk<'a>(json: &'a str, visit: &mut dyn FnMut(Piece<'a>)) {
    // `replace_unpaired` keeps the length, so positions in `mended` are positions in `json`.
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
                let is_key =
                    stack.last().is_some_and(|frame| frame.object) && is_before_colon(bytes, end);
                let shown = if is_key {
                    let frame = stack.last();
                    // A key is compared as it is written. A key with escapes counts as unknown, so
                    // its value counts as visible.
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
                    visit(Piece { at: at..end, text, kind });
                }
                at = end;
            }
            _ => at += 1,
        }
    }
}

/// Calls `visit` for each string and number of a JSON text except keys.
pub(super) fn values<'a>(json: &'a str, visit: &mut dyn FnMut(Cow<'a, str>)) {
    let mended = replace_unpaired(json);
    let bytes = mended.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let start = at;
        match byte {
            b'"' => {
                at = end_of_string(bytes, start);
                if !is_before_colon(bytes, at)
                    && let Some(text) = decode(json, &mended, start..at)
                {
                    visit(text);
                }
            }
            b'-' | b'0'..=b'9' => {
                at += bytes[start..]
                    .iter()
                    .position(|byte| {
                        !matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')
                    })
                    .unwrap_or(bytes.len() - start);
                visit(Cow::Borrowed(json.get(start..at).unwrap_or_default()));
            }
            _ => at += 1,
        }
    }
}

fn of_item(list: Sight) -> Sight {
    match list {
        Sight::Elements => Sight::Element,
        // A rule for invisible members applies to strings and numbers, not to lists.
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
        // A rule for invisible members applies to strings and numbers, and elements must be in a
        // list. Any other shape may hide text, so all of it counts as visible.
        Sight::Elements | Sight::Hidden | Sight::Custom | Sight::Name | Sight::All => Sight::All,
        Sight::WithKeys => Sight::WithKeys,
    }
}

/// Where the string that starts here ends, including its closing quote.
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

/// The text of the string that lies at `at`, without quotes and escapes.
fn decode<'a>(json: &'a str, mended: &str, at: Range<usize>) -> Option<Cow<'a, str>> {
    let plain = json.get(at.start + 1..at.end.checked_sub(1)?)?;
    if !plain.contains('\\') {
        return Some(Cow::Borrowed(plain));
    }
    serde_json::from_str(mended.get(at)?).ok().map(Cow::Owned)
}

/// The kind of each object that has one, by the position where the object starts, in ascending
/// order.
fn kinds(json: &str) -> Vec<(usize, Cow<'_, str>)> {
    let bytes = json.as_bytes();
    // For each open object or list: where it starts, and whether it is an object.
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
                    Some((_, true)) if is_before_colon(bytes, end) => {
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
