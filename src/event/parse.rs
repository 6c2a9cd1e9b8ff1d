//! From the raw body to the typed event, in one pass over the bytes.
//!
//! The command in the URL names the type, and the body is read straight into it. The body repeats
//! the command in `CallbackCommand`, at any place, and no event has a field for it. So the
//! deserializer is wrapped: [`WithWord`] hands the object on, watches its keys ([`WatchedKey`]),
//! and takes the value of `CallbackCommand` out into a [`Word`] on the way. The alternatives cost
//! more: a JSON tree or `#[serde(flatten)]` would copy every value, a search before the parse would
//! read the body twice.
//!
//! The body is looked at again only if it could not be read as that type, or if it is that of the
//! one command with an app of its own. Then [`look`] says whether it is JSON, an object, and which
//! command it has, and so why there is no type. If the body's command is another one and the vendor
//! documents that it counts, the body is read once more as that.

use std::fmt;

use bytes::Bytes;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};
use serde_json::value::RawValue;

use super::Event;
use super::unknown::{Misfit, UnknownEvent, UnknownReason};
use crate::command::{Command, Phase};
use crate::json::{self, Lenient, Nulls};
use crate::message;
use crate::types::{SdkAppId, digits};

const COMMAND: &str = "CallbackCommand";

/// What [`parse`] found in a body.
pub(crate) struct Parsed {
    pub(crate) event: Event,
    /// The command of the body, where the vendor documents that it counts and not that of the URL.
    /// Otherwise `None`.
    pub(crate) command: Option<Command>,
    /// The app that the body names. Only `ContentCallback.ResultNotify` has one.
    pub(crate) app: BodyApp,
}

/// Parses a body into the type that the URL's command names. Any bytes give an event: what cannot
/// be read is an [`Event::Unknown`] with the reason.
pub(crate) fn parse(url: &Command, body: &Bytes) -> Parsed {
    let mut app = BodyApp::Absent;
    let mut command = None;
    let event = event(url, body, &mut app, &mut command).unwrap_or_else(|(reason, body_command)| {
        Event::Unknown(Box::new(UnknownEvent {
            command: url.clone(),
            body_command,
            reason,
            body: body.clone(),
        }))
    });
    Parsed { event, command, app }
}

/// The event. The error has the reason why there is none, and the command of the body if it has
/// one.
fn event(
    url: &Command,
    body: &[u8],
    app: &mut BodyApp,
    command: &mut Option<Command>,
) -> Result<Event, (UnknownReason, Option<Command>)> {
    // `{}` has nothing to judge, so a *before* callback must not be allowed by it. A notification
    // may be `{}`, since its fields are optional.
    if is_blank(body) && (url.phase().may_decide() || is_empty(body)) {
        return Err((UnknownReason::BodyEmpty, None));
    }
    let text = &*json::mend(body);
    let mut word = Word::Absent;
    let mut read = Event::read(url, text, &mut word);
    let names_app = *url == Command::ContentCallbackResultNotify;
    if names_app || !matches!(read, Some(Ok(_))) {
        let seen = look(text).map_err(|reason| (reason, None))?;
        word = seen.word;
        if names_app {
            *app = seen.app;
        }
    }
    let mut body_command = None;
    match word {
        Word::Absent => {}
        Word::NotText => return Err((UnknownReason::BodyCommandMalformed, None)),
        Word::Several(word) => return Err((UnknownReason::CommandMismatch, word)),
        Word::Command(word) if word.is_unknown() || url.is_unknown() => {
            return Err((UnknownReason::UnknownCommand, Some(word)));
        }
        Word::Command(word) => {
            let Some(counts) = url.reconcile(&word) else {
                return Err((UnknownReason::CommandMismatch, Some(word)));
            };
            if counts != *url {
                read = Event::read(&counts, text, &mut Word::Absent);
                *command = Some(counts);
            }
            body_command = Some(word);
        }
    }
    match read {
        Some(Ok(event)) => Ok(event),
        Some(Err(error)) => Err((UnknownReason::Misfit(misfit(text, &error)), body_command)),
        None => Err((UnknownReason::UnknownCommand, body_command)),
    }
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
    while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] | [rest @ .., b' ' | b'\t' | b'\n' | b'\r'] = body {
        body = rest;
    }
    body
}

/// Reads the body as `T`, and notes the command that the body names in `word`.
pub(crate) fn read<T: DeserializeOwned>(url: &Command, text: &str, word: &mut Word) -> serde_json::Result<T> {
    // In a *before* callback the list may hold what has to be judged, so `null` does not count as
    // an empty one.
    let nulls = if url.phase() == Phase::Before {
        Nulls::AreMisfits
    } else {
        Nulls::AreEmptyLists
    };
    json::read(text, nulls, |rules| {
        *word = Word::Absent;
        let mut json = serde_json::Deserializer::from_str(text);
        let value = T::deserialize(WithWord {
            inner: Lenient::new(&mut json, rules),
            url,
            word,
        })?;
        json.end()?;
        Ok(value)
    })
}

/// Turns the error of `serde_json` into the path of the field that does not fit.
pub(crate) fn misfit(text: &str, error: &serde_json::Error) -> Misfit {
    let path = json::path_at(text, error.line(), error.column());
    in_message(text, &path).unwrap_or_else(|| Misfit::at(&path, error.line(), error.column(), error.to_string()))
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
    Some(Misfit::at(
        &format!("MsgBody{}", place.path),
        line,
        column,
        place.message,
    ))
}

/// The `CallbackCommand` of a body.
#[derive(PartialEq)]
pub(crate) enum Word {
    Absent,
    Command(Command),
    NotText,
    /// It has two that differ. This is the one to be handled with more care: a *before* command if
    /// one of them is.
    Several(Option<Command>),
}

impl Word {
    fn note(&mut self, found: Word) {
        if *self == Word::Absent {
            *self = found;
        } else if *self != found {
            let words = [std::mem::replace(self, Word::NotText), found].into_iter();
            let careful = words
                .filter_map(Word::command)
                .max_by_key(|word| word.phase() == Phase::Before);
            *self = Word::Several(careful);
        }
    }

    fn command(self) -> Option<Command> {
        match self {
            Word::Command(word) => Some(word),
            Word::Several(word) => word,
            Word::Absent | Word::NotText => None,
        }
    }
}

/// The `SdkAppId` of a body. Only `ContentCallback.ResultNotify` has one.
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

    fn read(json: &str) -> Self {
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

/// Decides whether a body is one JSON object, and looks at the members this crate itself cares about.
///
/// `IgnoredAny` decides and not the error of the typed attempt, since serde_json calls lone surrogates, huge numbers and deep
/// nesting syntax errors as well.
fn look(text: &str) -> Result<Seen, UnknownReason> {
    let not_json = |error: serde_json::Error| UnknownReason::BodyNotJson {
        line: error.line(),
        column: error.column(),
    };
    let mut json = serde_json::Deserializer::from_str(text);
    IgnoredAny::deserialize(&mut json)
        .and_then(|_| json.end())
        .map_err(not_json)?;
    if !text.trim_ascii_start().starts_with('{') {
        return Err(UnknownReason::BodyNotObject);
    }
    serde_json::Deserializer::from_str(text)
        .deserialize_map(Members)
        .map_err(not_json)
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Seen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Seen, A::Error> {
        let mut seen = Seen {
            word: Word::Absent,
            app: BodyApp::Absent,
        };
        while let Some(Key(key)) = members.next_key()? {
            match key {
                Some("CallbackCommand") => {
                    let value: &RawValue = members.next_value()?;
                    seen.word.note(match serde_json::from_str::<String>(value.get()) {
                        Ok(word) => Word::Command(Command::from(word.as_str())),
                        Err(_) => Word::NotText,
                    });
                }
                Some("SdkAppId") => {
                    let value: &RawValue = members.next_value()?;
                    seen.app.note(BodyApp::read(value.get()));
                }
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(seen)
    }
}

/// A key, if it is one that [`Members`] looks for.
struct Key(Option<&'static str>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl Visitor<'_> for Name {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_str<E>(self, key: &str) -> Result<Key, E> {
                Ok(Key([COMMAND, "SdkAppId"].into_iter().find(|name| *name == key)))
            }
        }

        deserializer.deserialize_identifier(Name)
    }
}

/// Hands an object on to the visitor of an event, and takes the command word out of it on the way.
struct WithWord<'a, D> {
    inner: D,
    url: &'a Command,
    word: &'a mut Word,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for WithWord<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        // Only an object is accepted. The derived visitor of a struct would also take a list, by
        // position.
        self.inner.deserialize_map(ObjectVisitor {
            inner: visitor,
            url: self.url,
            word: self.word,
        })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct ObjectVisitor<'a, V> {
    inner: V,
    url: &'a Command,
    word: &'a mut Word,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for ObjectVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(WordlessMembers {
            inner: members,
            url: self.url,
            word: self.word,
            at_word: false,
        })
    }
}

struct WordlessMembers<'a, A> {
    inner: A,
    url: &'a Command,
    word: &'a mut Word,
    at_word: bool,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for WordlessMembers<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        self.at_word = false;
        self.inner.next_key_seed(WatchedKey {
            inner: seed,
            is_word: &mut self.at_word,
        })
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        if !self.at_word {
            return self.inner.next_value_seed(seed);
        }
        self.word.note(self.inner.next_value_seed(WordAs(self.url))?);
        // The value has been read above, but the caller has yet to read one for its key. No event
        // has a field for the word, so the caller ignores the value, and `()` will do.
        seed.deserialize(().into_deserializer())
    }
}

/// Watches whether a key is `CallbackCommand`. Serde reads a key by a seed, that makes a
/// deserializer, that calls a visitor; this wraps each of them in turn.
struct WatchedKey<'a, T> {
    inner: T,
    is_word: &'a mut bool,
}

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for WatchedKey<'_, K> {
    type Value = K::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<K::Value, D::Error> {
        self.inner.deserialize(WatchedKey {
            inner: deserializer,
            is_word: self.is_word,
        })
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for WatchedKey<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_identifier(WatchedKey {
            inner: visitor,
            is_word: self.is_word,
        })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for WatchedKey<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<V::Value, E> {
        *self.is_word = key == COMMAND;
        self.inner.visit_str(key)
    }
}

/// Reads the command of the body. If it is the text of the URL's command, that one is cloned, which
/// is cheaper than to look the word up.
struct WordAs<'a>(&'a Command);

impl<'de> DeserializeSeed<'de> for WordAs<'_> {
    type Value = Word;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Word, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for WordAs<'_> {
    type Value = Word;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a command word")
    }

    fn visit_str<E>(self, word: &str) -> Result<Word, E> {
        Ok(Word::Command(if word == self.0.as_str() {
            self.0.clone()
        } else {
            word.into()
        }))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Word, E> {
        Ok(Word::NotText)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Word, E> {
        Ok(Word::NotText)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Word, E> {
        Ok(Word::NotText)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Word, E> {
        Ok(Word::NotText)
    }

    fn visit_unit<E>(self) -> Result<Word, E> {
        Ok(Word::NotText)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Word, A::Error> {
        IgnoredAny.visit_seq(items)?;
        Ok(Word::NotText)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Word, A::Error> {
        IgnoredAny.visit_map(members)?;
        Ok(Word::NotText)
    }
}
