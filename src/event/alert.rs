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
use serde_with::skip_serializing_none;

use crate::event::rules::event;

/// A REST interface is called more often than 80 % of its limit.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct RequestOverLimit {
    /// Internal name of the service that was called. Together with `command` it names the REST
    /// call.
    pub service_name: String,
    /// Interface of that service. Together with `service_name` it names the REST call.
    pub command: String,
    /// Present number of calls per second. The alarm comes above 80 % of the limit, so it may be
    /// less than `limit` or more.
    pub request: Option<i64>,
    /// Allowed calls per second.
    pub limit: Option<i64>,
}

event! { RequestOverLimit, "https://trtc.io/document/60256" }
