//! What is open while a body is walked over.

use super::super::rules::{Rule, Table};

/// How the next value is treated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    Known(Rule),
    /// One element of a message.
    Element,
    /// The kind of an element.
    Kind {
        is_known: bool,
    },
    /// Everything in it, with its keys.
    All,
}

#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) sight: Sight,
    pub(super) object: bool,
    /// If this is an element: the kind of its content.
    pub(super) kind: Option<Table>,
    /// Whether the kind is that of the first `MsgType`. There may be another one, which has not
    /// been looked for.
    pub(super) is_first_kind: bool,
    pub(super) has_kind: bool,
}

impl Frame {
    pub(super) const OUTSIDE: Frame = Frame {
        sight: Sight::All,
        object: true,
        kind: None,
        is_first_kind: false,
        has_kind: false,
    };
}

/// The element that is being read.
#[derive(Clone, Copy, Default)]
pub(super) struct Element {
    pub(super) first: u32,
    pub(super) kind: Option<Table>,
    pub(super) has_content: bool,
    pub(super) is_face: bool,
}

/// A bundle that is open.
pub(super) struct Bundle {
    pub(super) depth: u32,
    pub(super) promised: u32,
    pub(super) found: u32,
}

/// How the items of a list are treated.
pub(super) fn of_item(list: Sight) -> Sight {
    match list {
        Sight::Known(Rule::Elements) => Sight::Element,
        // A preview of a bundle is a list of texts.
        Sight::Known(Rule::Members(_) | Rule::Text(_)) => list,
        _ => Sight::All,
    }
}
