//! Events without a type. Their body is kept.

use std::fmt;

use bytes::Bytes;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::command::Command;
use crate::json::{TOO_MANY_ITEMS, readable};
use crate::types::escaped_path;

/// A verified callback that this version cannot read as the type of its command:
/// [why](UnknownReason).
///
/// Nothing is lost: the body is here as received.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct UnknownEvent {
    /// Command in the URL, known to this version or not.
    pub command: Command,
    /// Command in the body, if it has one that is a string.
    pub body_command: Option<Command>,
    /// Why this version could not read the body as a type.
    pub reason: UnknownReason,
    /// The body exactly as received. It may be any bytes, not only JSON.
    pub body: Bytes,
}

/// Why an event has no type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum UnknownReason {
    /// This version does not know the command in the URL, or the one in the body. The body is a
    /// JSON object.
    UnknownCommand,
    /// The body is a JSON object that does not fit the type of its command.
    Misfit(Misfit),
    /// The body is empty, or `{}` where there must be something to judge.
    BodyEmpty,
    /// The body is not JSON, or something follows after the JSON.
    BodyNotJson {
        /// The line of the first mistake, from 1.
        line: usize,
        /// The column in that line, from 1, in bytes.
        column: usize,
    },
    /// The body is JSON, but not an object.
    BodyNotObject,
    /// `CallbackCommand` in the body is not a string.
    BodyCommandMalformed,
    /// The body has another command than the URL, both known, or it has two.
    CommandMismatch,
}

impl UnknownReason {
    /// Whether the body is wrong. An unknown command is no fault of the body.
    pub(crate) const fn is_unreadable(&self) -> bool {
        !matches!(self, UnknownReason::UnknownCommand)
    }

    /// The name of the reason in `snake_case`, for logs and metric labels.
    pub const fn as_str(&self) -> &'static str {
        match self {
            UnknownReason::UnknownCommand => "unknown_command",
            UnknownReason::Misfit(_) => "misfit",
            UnknownReason::BodyEmpty => "body_empty",
            UnknownReason::BodyNotJson { .. } => "body_not_json",
            UnknownReason::BodyNotObject => "body_not_object",
            UnknownReason::BodyCommandMalformed => "body_command_malformed",
            UnknownReason::CommandMismatch => "command_mismatch",
        }
    }
}

/// For your logs: nothing of the body is quoted but the path of a field.
impl fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnknownReason::UnknownCommand => f.write_str("unknown command"),
            UnknownReason::Misfit(misfit) => fmt::Display::fmt(misfit, f),
            UnknownReason::BodyEmpty => f.write_str("body empty"),
            UnknownReason::BodyNotJson { line, column } => {
                write!(f, "body is not JSON at line {line} column {column}")
            }
            UnknownReason::BodyNotObject => f.write_str("body is not an object"),
            UnknownReason::BodyCommandMalformed => f.write_str("CallbackCommand malformed in body"),
            UnknownReason::CommandMismatch => f.write_str("CallbackCommand differs in body"),
        }
    }
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
/// `Debug` and `Display` show only the place. [`message`](Misfit::message) says more, but quotes
/// the body, so do not log it.
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
            _ => None,
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
        fmt::Display::fmt(&self.0.reason, f)?;
        match &self.0.body_command {
            Some(word) if *word != self.0.command => write!(f, ", the body has {word:?}"),
            _ => Ok(()),
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

/// Writes the body as it came if it is JSON, otherwise its text as a string. Bytes that are not
/// UTF-8 are replaced by U+FFFD; to keep them, store the callback
/// ([`StoredCallback`](crate::StoredCallback)).
impl Serialize for UnknownEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = readable(&self.body);
        match serde_json::from_str::<&RawValue>(&text) {
            Ok(json) => json.serialize(serializer),
            Err(_) => serializer.serialize_str(&text),
        }
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
            // A path contains keys of maps, which the peer chooses.
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

    /// The path of the field, such as `PairList[1].To_Account`; `.` is the whole body. If a field
    /// is missing, it is the path of the object without it.
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
        write!(f, "body does not fit its command at {path}, line {line} column {column}")
    }
}

impl std::error::Error for Misfit {}
