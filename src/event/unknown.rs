//! Events that could not be typed, kept whole.

use std::fmt;

use bytes::Bytes;
use serde::{Serialize, Serializer};

use crate::command::Command;
use crate::json::TOO_MANY_ITEMS;
use crate::types::escaped_path;

/// A callback that was verified and is one JSON object, but of no type that this version knows.
///
/// Nothing is lost: the body is here as it came.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct UnknownEvent {
    /// Command of the URL.
    pub command: Command,
    /// Command of the body, where it has one.
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
    /// This version does not know the command of the URL or of the body.
    UnknownCommand,
    /// The body does not fit the type of its command.
    Misfit(Misfit),
}

/// In what way a body does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MisfitKind {
    /// A member is missing, or is not what its type takes.
    Type,
    /// A list has so many items for its length, each of them next to nothing, that the event would take many times the memory of the body.
    TooManyItems,
}

/// Where a body does not fit the type of its command, although it is JSON.
///
/// `Debug` and `Display` show the place only. [`message`](Misfit::message) says more but quotes the payload, so it does not
/// belong into a log.
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

    /// The reason in words that are fit for a log.
    pub(crate) fn why(&self) -> impl fmt::Display {
        Why(self)
    }
}

struct Why<'a>(&'a UnknownEvent);

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.reason, &self.0.body_command) {
            (UnknownReason::Misfit(misfit), _) => fmt::Display::fmt(misfit, f),
            (UnknownReason::UnknownCommand, Some(word)) => write!(f, "body names another command: {word:?}"),
            (UnknownReason::UnknownCommand, None) => f.write_str("command without a type"),
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

    /// In what way it does not fit.
    pub fn kind(&self) -> MisfitKind {
        self.kind
    }

    /// Path of the member, such as `PairList[1].To_Account`; `.` is the whole body. For a missing member it is the object that
    /// lacks it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Line of the body, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Column in that line, from 1, in bytes.
    pub fn column(&self) -> usize {
        self.column
    }

    /// What was expected and what was found. Quotes the payload: not for logs.
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
