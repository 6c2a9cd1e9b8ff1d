//! Alarms (`Alert.…`).
//!
//! ```
//! use tencent_im_callback::{Command, event::alert::RequestOverLimit, testing};
//!
//! let sample = testing::sample(&Command::AlertRequestOverLimit).unwrap_or_default();
//! let callback = testing::callback::<RequestOverLimit>(sample);
//! println!("{:?}", callback.event);
//! ```

use serde::{Deserialize, Serialize};

use crate::wire::{self};

/// A REST interface is called more often than 80 % of its limit.
///
/// Source: <https://trtc.io/document/60256>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RequestOverLimit {
    /// Internal name of the service.
    #[serde(rename = "ServiceName")]
    pub service_name: Box<str>,
    /// Interface within the service; both together name the REST call.
    #[serde(rename = "Command")]
    pub command: Box<str>,
    /// Current calls per second.
    #[serde(rename = "Request", default, deserialize_with = "wire::int", skip_serializing_if = "Option::is_none")]
    pub request: Option<i64>,
    /// Allowed calls per second.
    #[serde(rename = "Limit", default, deserialize_with = "wire::int", skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
}
