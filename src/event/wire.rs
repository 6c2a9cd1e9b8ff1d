//! Small lenient readers for what really arrives: quoted numbers, `null` lists, values no page lists.

use std::fmt;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

use crate::protocol::{TimestampMillis, TimestampSecs};

/// Reads an optional integer: quoted or not, absent for `null` and for an empty string. A fraction is an error.
pub(crate) fn int<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    deserializer.deserialize_any(Int)
}

/// [`int`] for a type that wraps one.
pub(crate) fn number<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: From<i64>,
{
    Ok(int(deserializer)?.map(T::from))
}

struct Int;

impl Visitor<'_> for Int {
    type Value = Option<i64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer, perhaps quoted")
    }

    fn visit_i64<E>(self, number: i64) -> Result<Option<i64>, E> {
        Ok(Some(number))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Option<i64>, E> {
        i64::try_from(number)
            .map(Some)
            .map_err(|_| E::custom("integer of more than 63 bits"))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Option<i64>, E> {
        Ok(Some(flag.into()))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Option<i64>, E> {
        match text {
            "" => Ok(None),
            "true" => Ok(Some(1)),
            "false" => Ok(Some(0)),
            _ => text
                .parse()
                .map(Some)
                .map_err(|_| E::custom("text that is no integer")),
        }
    }

    fn visit_unit<E>(self) -> Result<Option<i64>, E> {
        Ok(None)
    }
}

/// Reads a list; `null` is an empty one.
pub(crate) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct List<T>(std::marker::PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(item) = items.next_element()? {
                list.push(item);
            }
            Ok(list)
        }

        fn visit_unit<E>(self) -> Result<Vec<T>, E> {
            Ok(Vec::new())
        }
    }

    deserializer.deserialize_any(List(std::marker::PhantomData))
}

macro_rules! read_as_int {
    ($($name:ident)*) => { $(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                number(deserializer)?.ok_or_else(|| serde::de::Error::custom("no integer"))
            }
        }
    )* };
}

read_as_int!(TimestampSecs TimestampMillis Flag);

/// An integer that the vendor documents as 0 or 1. Any other value is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Flag(pub i64);

impl Flag {
    /// Whether it is anything but 0.
    pub const fn is_set(self) -> bool {
        self.0 != 0
    }
}

impl From<i64> for Flag {
    fn from(value: i64) -> Self {
        Flag(value)
    }
}

impl From<bool> for Flag {
    fn from(value: bool) -> Self {
        Flag(value.into())
    }
}

/// Which of its two documented spellings a value came in, so that it can be written back as it came. Not part of the meaning:
/// all spellings are equal.
#[derive(Clone, Copy, Default)]
pub struct Spelling {
    second: bool,
}

impl Spelling {
    pub(crate) const FIRST: Spelling = Spelling { second: false };
    pub(crate) const SECOND: Spelling = Spelling { second: true };

    pub(crate) const fn pick<'a>(self, first: &'a str, second: &'a str) -> &'a str {
        if self.second { second } else { first }
    }
}

impl PartialEq for Spelling {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Spelling {}

impl std::hash::Hash for Spelling {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

impl fmt::Debug for Spelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.pick("first spelling", "second spelling"))
    }
}

/// Defines an enum of documented texts that keeps any other text. A value with two spellings carries a [`Spelling`].
macro_rules! wire_text {
    ($( $(#[$doc:meta])* $name:ident {
        $( $(#[$variant_doc:meta])* $variant:ident = $first:literal $(| $second:literal)?; )*
    } )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $(
                $(#[$variant_doc])*
                #[doc = concat!(" `", $first, "`" $(, ", `", $second, "`")?)]
                $variant $( ($crate::event::wire::with_second!($second => Spelling)) )?,
            )*
            /// A value that no vendor page lists, as it came.
            Other(Box<str>),
        }

        impl $name {
            /// The value as it came.
            pub fn as_str(&self) -> &str {
                match self {
                    $(
                        $name::$variant $( ($crate::event::wire::with_second!($second => spelling)) )? =>
                            $crate::event::wire::spelled!($first $(, $second, spelling)?),
                    )*
                    $name::Other(other) => other,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $(
                        $first => $name::$variant
                            $( ($crate::event::wire::with_second!($second => Spelling::FIRST)) )?,
                        $( $second => $name::$variant(Spelling::SECOND), )?
                    )*
                    other => $name::Other(other.into()),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str($crate::event::wire::Text::<$name>::default())
            }
        }
    )* };
}

macro_rules! with_second {
    ($second:literal => $($token:tt)*) => { $($token)* };
}

macro_rules! spelled {
    ($first:literal) => {
        $first
    };
    ($first:literal, $second:literal, $spelling:ident) => {
        $spelling.pick($first, $second)
    };
}

pub(crate) use {spelled, wire_text, with_second};

/// Reads a text into anything made from one.
pub(crate) struct Text<T>(std::marker::PhantomData<T>);

impl<T> Default for Text<T> {
    fn default() -> Self {
        Text(std::marker::PhantomData)
    }
}

impl<T: for<'a> From<&'a str>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(text.into())
    }
}

/// Raw JSON, written as it is.
pub(crate) fn write_raw<S: Serializer>(json: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serde_json::from_str::<&serde_json::value::RawValue>(json)
        .map_err(serde::ser::Error::custom)?
        .serialize(serializer)
}
