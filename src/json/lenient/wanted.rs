//! What is taken where an integer, a truth value, a list or an optional member is wanted.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, SeqDeserializer};
use serde::de::{self, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::Lenient;
use crate::json::rules::Nulls;

/// An integer.
pub(super) struct Number<V>(pub(super) V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Number<Lenient<'_, V>> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer, perhaps quoted")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<V::Value, E> {
        self.0.visit_i64(number)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<V::Value, E> {
        self.0.visit_u64(number)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<V::Value, E> {
        // Above 2^53 several integers have the same float, so the number may not be the one that
        // was sent.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if number.fract() != 0.0 || number.abs() > EXACT {
            return Err(E::custom("number that is no integer"));
        }
        #[allow(clippy::cast_possible_truncation)] // whole, and within the range
        self.0.visit_i64(number as i64)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<V::Value, E> {
        if let Ok(number) = text.parse() {
            return self.0.visit_i64(number);
        }
        if let Ok(number) = text.parse() {
            return self.0.visit_u64(number);
        }
        if text.is_empty() {
            self.0.rules.met_empty.set(true);
        }
        Err(E::custom("string that is no integer"))
    }
}

/// A truth value.
pub(super) struct Bool<V>(pub(super) V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Bool<Lenient<'_, V>> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true or false, perhaps quoted")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<V::Value, E> {
        self.0.visit_bool(value)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<V::Value, E> {
        match text {
            "true" => return self.0.visit_bool(true),
            "false" => return self.0.visit_bool(false),
            "" => self.0.rules.met_empty.set(true),
            _ => {}
        }
        Err(E::custom("string that is neither true nor false"))
    }
}

/// A list.
pub(super) struct List<V>(pub(super) V);

impl<'de, V: Visitor<'de>> Visitor<'de> for List<Lenient<'_, V>> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(items)
    }

    fn visit_unit<E: de::Error>(self) -> Result<V::Value, E> {
        if self.0.rules.nulls == Nulls::AreMisfits {
            return Err(E::invalid_type(de::Unexpected::Unit, &self));
        }
        self.0.visit_seq(SeqDeserializer::new(std::iter::empty::<&str>()))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<V::Value, E> {
        self.0.visit_seq(SeqDeserializer::new(std::iter::once(text)))
    }
}

/// An optional member of which an empty string means that it is absent.
pub(super) struct Maybe<V>(pub(super) V);

macro_rules! visit_some {
    ($($method:ident $value:ty;)*) => { $(
        fn $method<E: de::Error>(self, value: $value) -> Result<V::Value, E> {
            self.0.visit_some(value.into_deserializer())
        }
    )* };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Maybe<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    visit_some! { visit_bool bool; visit_i64 i64; visit_u64 u64; visit_f64 f64; }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<V::Value, E> {
        if text.is_empty() {
            self.0.visit_none()
        } else {
            self.0.visit_some(text.into_deserializer())
        }
    }

    fn visit_unit<E: de::Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        self.0.visit_some(SeqAccessDeserializer::new(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.0.visit_some(MapAccessDeserializer::new(members))
    }
}
