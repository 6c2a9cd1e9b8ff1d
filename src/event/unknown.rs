//! Events without a type. Their body is kept.

use std::fmt;

use bytes::Bytes;
use serde::{Serialize, Serializer};

use crate::command::Command;
use crate::json::TOO_MANY_ITEMS;
use crate::types::escaped_path;

/// A verified callback whose body is a JSON object, but whose type this version does not know.
///
/// Nothing is lost: the body is here as received.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct UnknownEvent {
    /// The command in the URL.
    pub command: Command,
    /// The command in the body, if it has one.
    pub body_command: Option<Command>,
    /// Why it has no type.
    pub reason: UnknownReason,
    /// The raw body, which is one JSON object in UTF-8.
    pub body: Bytes,
}

/// Why an event has no type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum UnknownReason {
    /// This version does not know the command in the URL, or the one in the body.
    UnknownCommand,
    /// The body does not fit the type of its command.
    Misfit(Misfit),
}

/// How a body does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MisfitKind {
    /// A field is missing, or does not have the type it should have.
    Type,
    /// A list has so many tiny items that the event would take many times the memory of the body.
    TooManyItems,
}

/// Where a body that is JSON does not fit the type of its command.
///
/// `Debug` and `Display` show only the place. [`message`](Misfit::message) says more, but quotes the body, so do not log it.
#[derive(Clone, PartialEq, Eq)]
pub struct Misfit {
    kind: MisfitKind,
    path: Box<str>,
    line: usize,
    column: usize,
    message: Box<str>,
}

impl UnknownEvent {
    /// Where the body does not fit, if that is the reason.
    pub fn misfit(&self) -> Option<&Misfit> {
        match &self.reason {
            UnknownReason::Misfit(misfit) => Some(misfit),
            UnknownReason::UnknownCommand => None,
        }
    }

    /// The reason, as text for a log.
    pub(crate) fn why(&self) -> impl fmt::Display {
        Why(self)
    }
}

struct Why<'a>(&'a UnknownEvent);

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.reason, &self.0.body_command) {
            (UnknownReason::Misfit(misfit), _) => fmt::Display::fmt(misfit, f),
            (UnknownReason::UnknownCommand, Some(word)) => write!(f, "the body has another command: {word:?}"),
            (UnknownReason::UnknownCommand, None) => f.write_str("unknown command"),
        }
    }
}

impl fmt::Debug for UnknownEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnknownEvent")
            .field("command", &self.command)
            .field("body_command", &self.body_command)
            .field("reason", &self.reason)
            .field("body_length", &self.body.len())
            .finish()
    }
}

/// Writes the body as it came.
impl Serialize for UnknownEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = std::str::from_utf8(&self.body).map_err(serde::ser::Error::custom)?;
        crate::types::write_raw(text, serializer)
    }
}

impl Misfit {
    pub(super) fn at(path: &str, line: usize, column: usize, message: String) -> Self {
        let kind = if message.starts_with(TOO_MANY_ITEMS) {
            MisfitKind::TooManyItems
        } else {
            MisfitKind::Type
        };
        Misfit {
            kind,
            // Keys of maps are the peer's words.
            path: escaped_path(&path).into(),
            line,
            column,
            message: message.into(),
        }
    }

    /// How it does not fit.
    pub fn kind(&self) -> MisfitKind {
        self.kind
    }

    /// The path of the field, such as `PairList[1].To_Account`; `.` is the whole body. If a field is missing, it is the path of the
    /// object without it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The line of the body, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in that line, from 1, in bytes.
    pub fn column(&self) -> usize {
        self.column
    }

    /// What was expected and what was found. It quotes the body: do not log it.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Debug for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Misfit")
            .field("path", &self.path)
            .field("line", &self.line)
            .field("column", &self.column)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Misfit { path, line, column, .. } = self;
        write!(
            f,
            "body does not fit its command at {path}, line {line} column {column}"
        )
    }
}

impl std::error::Error for Misfit {}
