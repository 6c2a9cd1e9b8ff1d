//! A deserializer around that of `serde_json` that accepts what the vendor really sends. So the
//! types of events are plain derives, and no field has to choose a rule.
//!
//! How it works: [`Lenient`] wraps the deserializer, and everything that serde makes from it
//! (visitors, seeds, list and map accesses), so a wish such as `deserialize_i64` comes through here
//! at any depth. For an integer, a truth value or a list it asks `serde_json` for whatever comes
//! next (`deserialize_any`) and converts that ([`Number`], [`Bool`], [`List`]). Everything else is
//! handed on. [`Rules`] is shared by all wrappers of one text. It counts the memory that lists and
//! maps take, so that a short text of tiny items cannot use a lot of it, and it remembers whether
//! an empty string stood where a number was wanted. Serde asks for an option before it knows of
//! what, too early to tell whether `""` means absent. So the text is read again in that rare case,
//! and then every empty optional string is absent.
//!
//! | where this is wanted | this is taken as well |
//! | --- | --- |
//! | an integer | its digits in quotes; a whole number with a point or an exponent; `""` as absent, if it is optional |
//! | a truth value | `"true"`, `"false"`; `""` as absent, if it is optional |
//! | a list | a string as a list of one; `null` as an empty one, but not in a *before* callback, where an empty list may stand for what was to be judged |
//!
//! Ids take integers themselves, wherever they are read from. A struct is read from an object only,
//! where derived code would also take a list by position.

mod wanted;

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, Visitor};

use self::wanted::{Bool, List, Maybe, Number};
use super::rules::{Nulls, Room, Rules};

/// Parses a text inside of another one, by the rules of this module.
pub(crate) fn from_str<'de, T: de::Deserialize<'de>>(text: &'de str) -> serde_json::Result<T> {
    from_str_within(text, Room::ITEM)
}

/// Like [`from_str`], with this much memory for lists and maps.
pub(crate) fn from_str_within<'de, T: de::Deserialize<'de>>(
    text: &'de str,
    room: Room,
) -> serde_json::Result<T> {
    attempt(text, room, Nulls::AreEmptyLists, |rules| {
        let mut json = serde_json::Deserializer::from_str(text);
        let value = T::deserialize(Lenient::new(&mut json, rules))?;
        json.end()?;
        Ok(value)
    })
}

/// The error of [`from_str_within`], to find out where a text does not fit. `None` if it fits.
pub(crate) fn misfit<'de, T: de::Deserialize<'de>>(
    text: &'de str,
    room: Room,
) -> Option<serde_json::Error> {
    from_str_within::<T>(text, room).err()
}

/// Calls `read` to parse a body, and once more if an empty string stood where a number is wanted:
/// what type an optional member has is only known when it is too late to call it absent, so the
/// second time every empty optional string is absent.
pub(crate) fn lenient<T, E>(
    text: &str,
    nulls: Nulls,
    read: impl FnMut(&Rules) -> Result<T, E>,
) -> Result<T, E> {
    attempt(text, Room::BODY, nulls, read)
}

fn attempt<T, E>(
    text: &str,
    room: Room,
    nulls: Nulls,
    mut read: impl FnMut(&Rules) -> Result<T, E>,
) -> Result<T, E> {
    let rules = Rules::of(text, room, nulls);
    let first = read(&rules);
    if first.is_err() && rules.met_empty.get() {
        let mut rules = Rules::of(text, room, nulls);
        rules.empty_is_absent = true;
        return read(&rules);
    }
    first
}

/// Wraps a deserializer and what it leads to: visitors, seeds, lists and maps.
pub(crate) struct Lenient<'a, T> {
    inner: T,
    rules: &'a Rules,
}

impl<'a, T> Lenient<'a, T> {
    pub(crate) fn new(inner: T, rules: &'a Rules) -> Self {
        Lenient { inner, rules }
    }
}

macro_rules! read_as {
    ($wrapper:ident: $($method:ident)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.deserialize_any($wrapper(Lenient::new(visitor, self.rules)))
        }
    )* };
}

macro_rules! forward {
    ($($method:ident)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method(Lenient::new(visitor, self.rules))
        }
    )* };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Lenient<'_, D> {
    type Error = D::Error;

    read_as! {
        Number: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }
    read_as! { Bool: deserialize_bool }
    read_as! { List: deserialize_seq }
    forward! {
        deserialize_any deserialize_i128 deserialize_u128 deserialize_f32 deserialize_f64
        deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf
        deserialize_unit deserialize_map deserialize_identifier
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_ignored_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        if self.rules.empty_is_absent {
            self.inner.deserialize_any(Maybe(Lenient::new(visitor, self.rules)))
        } else {
            self.inner.deserialize_option(Lenient::new(visitor, self.rules))
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        if name.starts_with("$serde_json::private") {
            // This is how `serde_json` asks itself for raw JSON. Its own visitor has to get it
            // unwrapped.
            self.inner.deserialize_newtype_struct(name, visitor)
        } else {
            self.inner.deserialize_newtype_struct(name, Lenient::new(visitor, self.rules))
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_tuple(len, Lenient::new(visitor, self.rules))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_tuple_struct(name, len, Lenient::new(visitor, self.rules))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_map(Lenient::new(visitor, self.rules))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_enum(name, variants, Lenient::new(visitor, self.rules))
    }
}

macro_rules! visit {
    ($($method:ident $value:ty;)*) => { $(
        fn $method<E: de::Error>(self, value: $value) -> Result<V::Value, E> {
            self.inner.$method(value)
        }
    )* };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Lenient<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    visit! {
        visit_bool bool; visit_i64 i64; visit_u64 u64; visit_i128 i128; visit_u128 u128;
        visit_f64 f64;
        visit_str &str; visit_borrowed_str &'de str; visit_string String;
        visit_bytes &[u8]; visit_borrowed_bytes &'de [u8]; visit_byte_buf Vec<u8>;
    }

    fn visit_none<E: de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(Lenient::new(deserializer, self.rules))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(Lenient::new(deserializer, self.rules))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        self.inner.visit_seq(Lenient::new(items, self.rules))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(Lenient::new(members, self.rules))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(data)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Lenient<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let item = self.inner.next_element_seed(Lenient::new(seed, self.rules))?;
        if item.is_some() {
            self.rules.charge::<S::Value, A::Error>()?;
        }
        Ok(item)
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Lenient<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let key = self.inner.next_key_seed(seed)?;
        // The key of a struct is an enum of one byte and is not kept. The key of a map is kept, so
        // it counts against the budget, with as much again for the value.
        if key.is_some() && size_of::<S::Value>() > 8 {
            self.rules.charge::<[S::Value; 2], A::Error>()?;
        }
        Ok(key)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(Lenient::new(seed, self.rules))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Lenient<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Lenient::new(deserializer, self.rules))
    }
}

#[cfg(test)]
mod tests;
