//! Ids of users and groups.

use std::borrow::Borrow;
use std::convert::Infallible;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Some bodies have it as an integer with more digits than an `f64` can hold. It is kept as
        /// text, with every digit.
        #[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// The id as a string slice.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                $name(id.into())
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                $name(id.into())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Infallible;

            fn from_str(id: &str) -> Result<Self, Infallible> {
                Ok(id.into())
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                *self.0 == *other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                *self.0 == **other
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(IdText).map($name)
            }
        }
    };
}

id! {
    /// The id of a user (`UserID`, the `…_Account` fields).
    UserId
}

id! {
    /// The id of a group, community or live room.
    GroupId
}

id! {
    /// The id of a message, a call, a task or anything else.
    Id
}

/// Reads a string, or an integer of up to 64 bits with all its digits.
pub(crate) struct IdText;

impl serde::de::Visitor<'_> for IdText {
    type Value = Box<str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id, as text or as an integer")
    }

    fn visit_str<E>(self, text: &str) -> Result<Box<str>, E> {
        Ok(text.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Box<str>, E> {
        Ok(number.to_string().into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Box<str>, E> {
        Ok(number.to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_used_like_a_string() {
        let id: UserId = "jared".parse().unwrap();
        assert!(id.starts_with("ja") && id.len() == 5);
        assert_eq!(id, "jared");
        assert_eq!(id, *"jared");
        assert_eq!(String::from(id), "jared");
    }

    #[test]
    fn integers_keep_every_digit() {
        let read = |json| serde_json::from_str::<UserId>(json);
        assert_eq!(read("144115216631667826").unwrap(), "144115216631667826");
        assert_eq!(read("18446744073709551615").unwrap(), "18446744073709551615");
        assert_eq!(read("-5").unwrap(), "-5");
        assert_eq!(read(r#""id""#).unwrap(), "id");
        assert!(read("1.5").is_err() && read("null").is_err() && read("{}").is_err());
        assert!(read("18446744073709551616").is_err());
        let error = read("{}").unwrap_err().to_string();
        assert!(error.contains("expected an id, as text or as an integer"), "{error}");
    }
}
