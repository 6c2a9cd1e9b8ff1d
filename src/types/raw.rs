//! Raw JSON.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// JSON, kept as received.
///
/// Values are compared as text, so two that differ in white space are not equal.
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

/// Raw JSON, written as it is.
pub(crate) fn write_raw<S: Serializer>(json: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serde_json::from_str::<&RawValue>(json)
        .map_err(serde::ser::Error::custom)?
        .serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_is_what_is_written_alike_and_debug_shows_none_of_it() {
        let raw = |text: &str| RawJson(serde_json::from_str(text).unwrap());
        assert_eq!(raw("{\"a\": 1}"), raw("{\"a\": 1}"));
        assert_ne!(raw("{\"a\": 1}"), raw("{\"a\": 2}"));
        assert_eq!(format!("{:?}", raw("\"secret\"")), "RawJson(8 bytes)");
    }
}
