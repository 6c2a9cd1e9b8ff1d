//! Key-value extensions of messages, one-to-one and in groups.

use serde::{Deserialize, Serialize};

use crate::wire::{self, Item, wire_int};

/// A key-value extension of a message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Extension {
    /// Key.
    #[serde(rename = "Key")]
    pub key: Box<str>,
    /// Value, empty if the key was deleted.
    #[serde(rename = "Value", skip_serializing_if = "Option::is_none")]
    pub value: Option<Box<str>>,
    /// Version of this entry.
    #[serde(rename = "Seq", default, deserialize_with = "wire::int", skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
}

impl Item for Extension {}

wire_int! {
    /// What was done with the extensions of a message.
    OperateType {
        /// Keys were set.
        Set = 1;
        /// Keys were deleted.
        Delete = 2;
        /// All were cleared.
        Clear = 3;
    }
}
