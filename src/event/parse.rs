//! From the raw body to the typed event, in one pass over the bytes.
//!
//! The command in the URL names the type, and the body is read straight into it. The body repeats
//! the command in `CallbackCommand`, at any place, and no event has a field for it. So the
//! deserializer is wrapped: [`WithWord`] hands the object on, watches its keys ([`WatchedKey`]),
//! and takes the value of `CallbackCommand` out into a [`Word`] on the way. The alternatives cost
//! more: a JSON tree or `#[serde(flatten)]` would copy every value, a search before the parse would
//! read the body twice.
//!
//! The body is looked at again only if it could not be read as that type. Then [`look`] says
//! whether it is JSON, an object, and which command it has, and so why there is no type. If the
//! body's command is another one and the vendor documents that it counts, the body is read once
//! more as that.

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;

use super::Event;
use super::unknown::{Misfit, UnknownEvent, UnknownReason};
use super::word::{COMMAND, WithWord, Word};
use crate::command::{Command, Phase};
use crate::json::{self, CheckedText, Lenient, Nulls, Token, Tokens};
use crate::message;
use crate::types::{SdkAppId, digits};

/// Parses a body straight into the type that the URL's command names. Only if that fails is the
/// body looked at again, for the reason. Whatever the body is, there is an event: at worst one that
/// is [`Event::Unknown`].
pub(crate) fn parse(url: &Command, body: &Bytes, checked: &CheckedText) -> Event {
    event(url, body, checked).unwrap_or_else(|Untyped(reason, body_command)| {
        Event::Unknown(Box::new(UnknownEvent {
            command: url.clone(),
            body_command,
            reason,
            body: body.clone(),
        }))
    })
}

/// Why there is no typed event, and the command of the body, if it has one.
struct Untyped(UnknownReason, Option<Command>);

fn event(url: &Command, body: &[u8], checked: &CheckedText) -> Result<Event, Untyped> {
    // `{}` has no message to judge. For a notification it is an object like any other.
    if is_blank(body) && (url.phase().may_decide() || is_empty(body)) {
        return Err(Untyped(UnknownReason::BodyEmpty, None));
    }
    let text = &*checked.mend(body);
    let mut word = Word::Absent;
    let mut typed = Event::typed(url, text, &mut word);
    if !matches!(typed, Some(Ok(_))) {
        word = look(text).map_err(|reason| Untyped(reason, None))?.word;
    }
    let mut body_command = None;
    match word {
        Word::Absent => {}
        Word::NotText => return Err(Untyped(UnknownReason::BodyCommandMalformed, None)),
        Word::Several(word) => return Err(Untyped(UnknownReason::CommandMismatch, word)),
        Word::Command(word) if word.is_unknown() || url.is_unknown() => {
            return Err(Untyped(UnknownReason::UnknownCommand, Some(word)));
        }
        Word::Command(word) => {
            match url.reconcile(&word) {
                None => return Err(Untyped(UnknownReason::CommandMismatch, Some(word))),
                Some(counts) if counts != *url => {
                    typed = Event::typed(&counts, text, &mut Word::Absent);
                }
                Some(_) => {}
            }
            body_command = Some(word);
        }
    }
    match typed {
        Some(Ok(event)) => Ok(event),
        Some(Err(error)) => Err(Untyped(UnknownReason::Misfit(misfit(text, &error)), body_command)),
        None => Err(Untyped(UnknownReason::UnknownCommand, body_command)),
    }
}

/// What a body says about its app.
pub(crate) fn app(body: &[u8]) -> BodyApp {
    look(&json::mend(body)).map_or(BodyApp::Absent, |seen| seen.app)
}

/// Whether the body holds nothing: no bytes, or an object without members.
pub(crate) fn is_blank(body: &[u8]) -> bool {
    let inside = match trim(json::without_mark(body)) {
        [] => return true,
        [b'{', inside @ .., b'}'] => inside,
        _ => return false,
    };
    // A byte order mark between the braces does not count as white space. Only the one in front of
    // the whole body is skipped.
    trim(inside).is_empty()
}

/// Whether there is nothing but JSON's white space, and perhaps a byte order mark.
fn is_empty(body: &[u8]) -> bool {
    trim(json::without_mark(body)).is_empty()
}

fn trim(mut body: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..]
    | [rest @ .., b' ' | b'\t' | b'\n' | b'\r'] = body
    {
        body = rest;
    }
    body
}

/// Reads one type, and the command word beside it.
pub(super) fn typed<T: DeserializeOwned>(
    url: &Command,
    text: &str,
    word: &mut Word,
) -> serde_json::Result<T> {
    // An empty list may be what was to be judged.
    let nulls = if url.phase() == Phase::Before { Nulls::AreMisfits } else { Nulls::AreEmptyLists };
    json::lenient(text, nulls, |rules| {
        *word = Word::Absent;
        let mut json = serde_json::Deserializer::from_str(text);
        let value = T::deserialize(WithWord::new(Lenient::new(&mut json, rules), url, word))?;
        json.end()?;
        Ok(value)
    })
}

/// Turns the error of `serde_json` into the path of the field that does not fit.
pub(crate) fn misfit(text: &str, error: &serde_json::Error) -> Misfit {
    let path = json::path_at(text, error.line(), error.column());
    in_message(text, &path)
        .unwrap_or_else(|| Misfit::at(&path, error.line(), error.column(), error.to_string()))
}

/// The same, if the place is in an element of a message. Elements are read as texts of their own,
/// so the error knows only where the list of them ended; they are read again here to find the
/// place.
fn in_message(text: &str, path: &str) -> Option<Misfit> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(rename = "MsgBody", borrow)]
        elements: &'a RawValue,
    }

    if !path.starts_with("MsgBody") {
        return None;
    }
    let body: Body<'_> = serde_json::from_str(text).ok()?;
    let elements = body.elements.get();
    let place = message::misfit(elements)?;
    let before = text.get(..elements.as_ptr().addr() - text.as_ptr().addr() + place.offset)?;
    let line = before.matches('\n').count() + 1;
    let column = before.len() - before.rfind('\n').map_or(0, |end| end + 1) + 1;
    Some(Misfit::at(&format!("MsgBody{}", place.path), line, column, place.message))
}

/// What a body says about its app, which only `ContentCallback.ResultNotify` does.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum BodyApp {
    Absent,
    Is(SdkAppId),
    /// It is no number, or the body has two that differ. The callback is refused, since this agrees
    /// with no app.
    Unreadable,
}

impl BodyApp {
    fn note(&mut self, found: BodyApp) {
        if *self == BodyApp::Absent {
            *self = found;
        } else if *self != found {
            *self = BodyApp::Unreadable;
        }
    }

    fn of(json: &str) -> Self {
        if json == "null" {
            return BodyApp::Absent;
        }
        let quoted: Option<String> = serde_json::from_str(json).ok();
        match digits(quoted.as_deref().unwrap_or(json)) {
            Some(id) => BodyApp::Is(SdkAppId(id)),
            None => BodyApp::Unreadable,
        }
    }
}

/// What [`look`] finds in a body, whatever its command is.
struct Seen {
    word: Word,
    app: BodyApp,
}

/// The command that a body names, if it is an object with one that is a text.
pub(crate) fn command(body: &[u8]) -> Option<Command> {
    look(&json::mend(body)).ok()?.word.command()
}

/// What a body looks like, in words for a log.
pub(crate) fn kind(body: &[u8]) -> &'static str {
    match look(&json::mend(body)) {
        Ok(seen) if seen.word == Word::Absent => "a JSON object without a command",
        Ok(_) => "a JSON object with a command",
        Err(UnknownReason::BodyNotObject) => "JSON, but not an object",
        Err(_) => "not JSON",
    }
}

/// Decides whether a body is one JSON object, and looks at the members this crate itself cares
/// about.
///
/// `IgnoredAny` decides and not the error of the typed attempt, since serde_json calls lone
/// surrogates, huge numbers and deep nesting syntax errors as well.
fn look(text: &str) -> Result<Seen, UnknownReason> {
    let not_json = |error: serde_json::Error| UnknownReason::BodyNotJson {
        line: error.line(),
        column: error.column(),
    };
    let mut json = serde_json::Deserializer::from_str(text);
    IgnoredAny::deserialize(&mut json).and_then(|_| json.end()).map_err(not_json)?;
    if !text.trim_ascii_start().starts_with('{') {
        return Err(UnknownReason::BodyNotObject);
    }
    let mut seen = Seen { word: Word::Absent, app: BodyApp::Absent };
    let mut tokens = Tokens::new(text);
    tokens.next();
    while let Some(Token::Key) = tokens.next() {
        let key = tokens.key();
        let value = tokens.value();
        match &*key {
            COMMAND => seen.word.note(match serde_json::from_str::<String>(value) {
                Ok(word) => Word::Command(Command::from(word.as_str())),
                Err(_) => Word::NotText,
            }),
            "SdkAppId" => seen.app.note(BodyApp::of(value)),
            _ => {}
        }
    }
    Ok(seen)
}
