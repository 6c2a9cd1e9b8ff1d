//! From the raw body to the typed event, in one pass over the bytes.

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

/// Parses a body straight into the type that the URL's command names. Only if that fails is the body looked at
/// again, for the reason. Whatever the body is, there is an event: at worst one that is [`Event::Unknown`].
pub(crate) fn parse(url: &Command, body: &Bytes) -> Event {
    event(url, body).unwrap_or_else(|Untyped(reason, body_command)| {
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

fn event(url: &Command, body: &[u8]) -> Result<Event, Untyped> {
    // `{}` has no message to judge. For a notification it is an object like any other.
    if is_blank(body) && (url.phase().may_decide() || is_empty(body)) {
        return Err(Untyped(UnknownReason::BodyEmpty, None));
    }
    let text = &*json::mend(body);
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
                Some(counts) if counts != *url => typed = Event::typed(&counts, text, &mut Word::Absent),
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
    // No mark: only one in front of the whole body is skipped.
    trim(inside).is_empty()
}

/// Whether there is nothing but white space, of the four kinds that JSON knows, and perhaps a byte order mark.
fn is_empty(body: &[u8]) -> bool {
    trim(json::without_mark(body)).is_empty()
}

fn trim(mut body: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] | [rest @ .., b' ' | b'\t' | b'\n' | b'\r'] = body {
        body = rest;
    }
    body
}

/// Reads one type, and the command word beside it.
pub(crate) fn typed<T: DeserializeOwned>(url: &Command, text: &str, word: &mut Word) -> serde_json::Result<T> {
    // An empty list may be what was to be judged.
    let nulls = if url.phase() == Phase::Before {
        Nulls::AreMisfits
    } else {
        Nulls::AreEmptyLists
    };
    json::lenient(text, nulls, |rules| {
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

/// The place where a body does not fit, by the error of the type of its command.
pub(crate) fn misfit(text: &str, error: &serde_json::Error) -> Misfit {
    let path = json::path_at(text, error.line(), error.column());
    in_message(text, &path).unwrap_or_else(|| Misfit::at(&path, error.line(), error.column(), error.to_string()))
}

/// The same place, if it is in an element of a message: these are read from texts of their own.
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

/// What the body says about its command.
#[derive(PartialEq)]
pub(crate) enum Word {
    Absent,
    Command(Command),
    NotText,
    /// Two of them, which differ, and the one that has to be handled with more care.
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

/// What a body says about its app, which only `ContentCallback.ResultNotify` does.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum BodyApp {
    Absent,
    Is(SdkAppId),
    /// No number, or two of them that differ: it agrees with no app.
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

/// What can be said of a body that fits no type.
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
                    seen.app.note(BodyApp::of(value.get()));
                }
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(seen)
    }
}

/// A key of interest.
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
        // A map and nothing else: the derived visitor of a struct would also take a list, by position.
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
        // No event has a field for the word, so this is an `IgnoredAny`.
        seed.deserialize(().into_deserializer())
    }
}

/// Wraps, in turn, the seed, the deserializer and the visitor of a key.
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

/// Reads a word beside that of the URL, so that a word is looked up only where they differ.
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
