//! Ids of apps.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Visitor};

use super::text::digits;

/// The id of an app in the Tencent Cloud IM console (`SdkAppid`, "SDKAppID").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct SdkAppId(pub u64);

impl From<u64> for SdkAppId {
    fn from(id: u64) -> Self {
        SdkAppId(id)
    }
}

impl From<SdkAppId> for u64 {
    fn from(id: SdkAppId) -> Self {
        id.0
    }
}

impl fmt::Display for SdkAppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads a number, quoted or not.
impl<'de> Deserialize<'de> for SdkAppId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;

        impl Visitor<'_> for Number {
            type Value = SdkAppId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the id of an app")
            }

            fn visit_u64<E>(self, id: u64) -> Result<SdkAppId, E> {
                Ok(SdkAppId(id))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<SdkAppId, E> {
                let id = digits(text).ok_or_else(|| E::custom("text that is no id of an app"))?;
                Ok(SdkAppId(id))
            }
        }

        deserializer.deserialize_any(Number)
    }
}

impl FromStr for SdkAppId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(SdkAppId)
    }
}
