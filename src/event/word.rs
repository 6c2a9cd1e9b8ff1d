//! The command word of a body, taken out of it while the event is read.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::command::{Command, Phase};

/// The name of the member with the command.
pub(super) const COMMAND: &str = "CallbackCommand";

/// What the body says about its command.
#[derive(PartialEq)]
pub(super) enum Word {
    Absent,
    Command(Command),
    NotText,
    /// Two of them, which differ, and the one that has to be handled with more care.
    Several(Option<Command>),
}

impl Word {
    pub(super) fn note(&mut self, found: Word) {
        if *self == Word::Absent {
            *self = found;
        } else if *self != found {
            let words = [std::mem::replace(self, Word::NotText), found].into_iter();
            let careful =
                words.filter_map(Word::command).max_by_key(|word| word.phase() == Phase::Before);
            *self = Word::Several(careful);
        }
    }

    pub(super) fn command(self) -> Option<Command> {
        match self {
            Word::Command(word) => Some(word),
            Word::Several(word) => word,
            Word::Absent | Word::NotText => None,
        }
    }
}

/// Hands an object on to the visitor of an event, and takes the command word out of it on the way.
pub(super) struct WithWord<'a, D> {
    inner: D,
    url: &'a Command,
    word: &'a mut Word,
}

impl<'a, D> WithWord<'a, D> {
    pub(super) fn new(inner: D, url: &'a Command, word: &'a mut Word) -> Self {
        WithWord { inner, url, word }
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for WithWord<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        // A map and nothing else: the derived visitor of a struct would also take a list, by
        // position.
        self.inner.deserialize_map(ObjectVisitor { inner: visitor, url: self.url, word: self.word })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct
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

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        self.at_word = false;
        self.inner.next_key_seed(WatchedKey { inner: seed, is_word: &mut self.at_word })
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
        self.inner.deserialize(WatchedKey { inner: deserializer, is_word: self.is_word })
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for WatchedKey<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_identifier(WatchedKey { inner: visitor, is_word: self.is_word })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct
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
        Ok(Word::Command(if word == self.0.as_str() { self.0.clone() } else { word.into() }))
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
