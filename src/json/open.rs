//! Enums of documented words and numbers that keep any other one, since the vendor adds to them.

use std::fmt;

use serde::de::Visitor;

/// Defines an enum of documented texts that keeps any other text. A value may have several
/// spellings; it is written in the first.
macro_rules! wire_text {
    ($( $(#[$doc:meta])* $name:ident {
        $( $(#[$variant_doc:meta])* $variant:ident = $first:literal $(| $other:literal)*; )*
    } )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $(
                $(#[$variant_doc])*
                #[doc = concat!(" `", $first, "`" $(, ", `", $other, "`")*)]
                $variant,
            )*
            /// A value that no vendor page lists, as received.
            Other(String),
        }

        impl $name {
            /// The value as Tencent writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(
                        $name::$variant => $first,
                    )*
                    $name::Other(other) => other,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $(
                        $first $(| $other)* => $name::$variant,
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
                deserializer.deserialize_str($crate::json::Text::<$name>::default())
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
            /// The number as received.
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
                i64::deserialize(deserializer).map(Self::from)
            }
        }
    )* };
}

pub(crate) use {wire_int, wire_text};

/// Reads a string into a type that is made from `&str`.
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
