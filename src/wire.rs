//! Small lenient readers for what really arrives: quoted numbers, `null` lists, values no page lists.

use std::fmt;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::protocol::{GroupId, Id, TimestampMillis, TimestampSecs, UserId};

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

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Option<i64>, E> {
        match text {
            "" => Ok(None),
            _ => text.parse().map(Some).map_err(|_| E::custom("text that is no integer")),
        }
    }

    fn visit_unit<E>(self) -> Result<Option<i64>, E> {
        Ok(None)
    }
}

/// Reads a truth value, quoted or not, absent for `null` and for an empty string.
pub(crate) fn boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    struct Bool;

    impl Visitor<'_> for Bool {
        type Value = Option<bool>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("true or false, perhaps quoted")
        }

        fn visit_bool<E>(self, value: bool) -> Result<Option<bool>, E> {
            Ok(Some(value))
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Option<bool>, E> {
            match text {
                "" => Ok(None),
                "true" => Ok(Some(true)),
                "false" => Ok(Some(false)),
                _ => Err(E::custom("text that is neither true nor false")),
            }
        }

        fn visit_unit<E>(self) -> Result<Option<bool>, E> {
            Ok(None)
        }
    }

    deserializer.deserialize_any(Bool)
}

/// A demanded integer, quoted or not.
pub(crate) fn demanded_int<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    int(deserializer)?.ok_or_else(|| serde::de::Error::custom("no integer"))
}

/// What a list may hold. A single text in the place of a list becomes a list of one, where the items are texts.
pub(crate) trait Item: Sized {
    fn from_text(_: &str) -> Option<Self> {
        None
    }
}

impl Item for String {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

/// Integers inside a list, quoted or not.
#[derive(serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct IntItem(#[serde(deserialize_with = "demanded_int")] pub(crate) i64);

impl Item for IntItem {}

impl Item for UserId {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.into())
    }
}

impl Item for Id {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.into())
    }
}

impl Item for GroupId {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.into())
    }
}

/// Reads a list that the vendor always sends; missing and `null` are an empty one.
pub(crate) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Item,
{
    Ok(some_list(deserializer)?.unwrap_or_default())
}

/// Reads a list that may be absent; `null` is an absent one.
pub(crate) fn some_list<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Item,
{
    struct List<T>(std::marker::PhantomData<T>);

    impl<'de, T: Deserialize<'de> + Item> Visitor<'de> for List<T> {
        type Value = Option<Vec<T>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Option<Vec<T>>, A::Error> {
            let mut list = Vec::new();
            while let Some(item) = items.next_element()? {
                list.push(item);
            }
            Ok(Some(list))
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Option<Vec<T>>, E> {
            let item = T::from_text(text).ok_or_else(|| E::custom("text where a list belongs"))?;
            Ok(Some(vec![item]))
        }

        fn visit_unit<E>(self) -> Result<Option<Vec<T>>, E> {
            Ok(None)
        }
    }

    deserializer.deserialize_any(List(std::marker::PhantomData))
}

/// [`some_list`], in less room.
pub(crate) fn some_slice<'de, D, T>(deserializer: D) -> Result<Option<Box<[T]>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Item,
{
    Ok(some_list(deserializer)?.map(Vec::into_boxed_slice))
}

/// [`some_list`], behind a thin pointer.
#[allow(clippy::box_collection)]
pub(crate) fn boxed_list<'de, D, T>(deserializer: D) -> Result<Option<Box<Vec<T>>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Item,
{
    Ok(some_list(deserializer)?.map(Box::new))
}

/// [`some_list`] of integers.
pub(crate) fn some_ints<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<i64>>, D::Error> {
    let list: Option<Vec<IntItem>> = some_list(deserializer)?;
    Ok(list.map(|list| list.into_iter().map(|item| item.0).collect()))
}

/// Reads a text that a user wrote. A lone surrogate in it becomes U+FFFD; were it an error, one crafted character would hide a
/// message from moderation.
pub(crate) fn user_text<'de, D: Deserializer<'de>, T: From<String>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(Option::<UserText>::deserialize(deserializer)?.map(|text| text.0.into()))
}

/// [`some_list`] of texts that users wrote.
pub(crate) fn user_texts<'de, D>(deserializer: D) -> Result<Option<Vec<String>>, D::Error>
where
    D: Deserializer<'de>,
{
    let list: Option<Vec<UserText>> = some_list(deserializer)?;
    Ok(list.map(|list| list.into_iter().map(|text| text.0).collect()))
}

/// A text with lone surrogates replaced.
pub(crate) struct UserText(pub(crate) String);

impl Item for UserText {
    fn from_text(text: &str) -> Option<Self> {
        Some(UserText(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for UserText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl<'de> Visitor<'de> for Bytes {
            type Value = UserText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E>(self, text: &str) -> Result<UserText, E> {
                Ok(UserText(text.to_owned()))
            }

            /// A text without escapes, as it stands in the body: a control character in it is no JSON.
            fn visit_borrowed_bytes<E: serde::de::Error>(self, text: &'de [u8]) -> Result<UserText, E> {
                // The least of all bytes is found many at a time; the first control character is not.
                if text.iter().copied().fold(u8::MAX, u8::min) < b' ' {
                    return Err(E::custom("control character in a text"));
                }
                self.visit_bytes(text)
            }

            fn visit_bytes<E: serde::de::Error>(self, text: &[u8]) -> Result<UserText, E> {
                let text = without_surrogates(text).ok_or_else(|| E::custom("text that is no UTF-8"))?;
                Ok(UserText(text))
            }
        }

        // serde_json hands surrogates on to those who ask for bytes.
        deserializer.deserialize_bytes(Bytes)
    }
}

/// UTF-8 but for lone surrogates, which are three bytes each; `None` if it is anything else. Each surrogate becomes `U+FFFD`.
fn without_surrogates(mut bytes: &[u8]) -> Option<String> {
    let mut text = String::new();
    loop {
        let valid = match std::str::from_utf8(bytes) {
            Ok(rest) => return Some(text + rest),
            Err(error) => error.valid_up_to(),
        };
        let (valid, rest) = bytes.split_at(valid);
        let [0xED, 0xA0..=0xBF, 0x80..=0xBF, rest @ ..] = rest else {
            return None;
        };
        text.push_str(std::str::from_utf8(valid).ok()?);
        text.push(char::REPLACEMENT_CHARACTER);
        bytes = rest;
    }
}

/// JSON kept as it came.
///
/// Compared by its text, so what differs in white space only is not equal.
#[derive(Clone)]
pub struct RawJson(Box<RawValue>);

impl RawJson {
    pub(crate) fn new(json: &RawValue) -> Self {
        RawJson(json.to_owned())
    }

    /// The JSON text.
    pub fn get(&self) -> &str {
        self.0.get()
    }
}

impl Default for RawJson {
    fn default() -> Self {
        RawJson(RawValue::NULL.to_owned())
    }
}

impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawJson({} bytes)", self.get().len())
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
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
    /// 0.
    pub const OFF: Flag = Flag(0);
    /// 1.
    pub const ON: Flag = Flag(1);

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

/// A text that no vendor page lists where values are listed, as it came.
///
/// A thin pointer, since nearly every value is listed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Unlisted(Box<Box<str>>);

impl Unlisted {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Unlisted {
    fn from(text: &str) -> Self {
        Unlisted(Box::new(text.into()))
    }
}

impl fmt::Debug for Unlisted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
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
                $variant $( ($crate::wire::with_second!($second => Spelling)) )?,
            )*
            /// A value that no vendor page lists, as it came.
            Other($crate::wire::Unlisted),
        }

        impl $name {
            /// The value as it came.
            pub fn as_str(&self) -> &str {
                match self {
                    $(
                        $name::$variant $( ($crate::wire::with_second!($second => spelling)) )? =>
                            $crate::wire::spelled!($first $(, $second, spelling)?),
                    )*
                    $name::Other(other) => other.as_str(),
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $(
                        $first => $name::$variant
                            $( ($crate::wire::with_second!($second => Spelling::FIRST)) )?,
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
                deserializer.deserialize_str($crate::wire::Text::<$name>::default())
            }
        }
    )* };
}

/// Defines an enum of documented numbers that keeps any other number.
macro_rules! wire_int {
    ($( $(#[$doc:meta])* $name:ident {
        $( $(#[$variant_doc:meta])* $variant:ident = $number:literal; )*
    } )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $(
                $(#[$variant_doc])*
                #[doc = concat!(" `", $number, "`")]
                $variant,
            )*
            /// A number that no vendor page lists.
            Other(i64),
        }

        impl $name {
            /// The number as it came.
            pub const fn get(self) -> i64 {
                match self {
                    $( $name::$variant => $number, )*
                    $name::Other(other) => other,
                }
            }
        }

        impl From<i64> for $name {
            fn from(number: i64) -> Self {
                match number {
                    $( $number => $name::$variant, )*
                    other => $name::Other(other),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_i64(self.get())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok($crate::wire::demanded_int(deserializer)?.into())
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

pub(crate) use {spelled, wire_int, wire_text, with_second};

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
    serde_json::from_str::<&RawValue>(json)
        .map_err(serde::ser::Error::custom)?
        .serialize(serializer)
}
