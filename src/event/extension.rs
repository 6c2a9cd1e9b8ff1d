//! Key-value extensions of messages, one-to-one and in groups.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::json::wire_int;

/// A key-value extension of a message.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Extension {
    /// Name of the key-value pair.
    pub key: String,
    /// New value of the entry; an empty string if it was deleted.
    pub value: Option<String>,
    /// Version of this entry; the event's `seq` is that of all entries.
    pub seq: Option<i64>,
}

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
