//! Users coming online and going offline (`State.…`).
//!
//! ```
//! use tencent_im_callback::{Command, event::state::StateChange, testing};
//!
//! let sample = testing::sample(&Command::StateChange).unwrap_or_default();
//! let callback = testing::callback::<StateChange>(sample);
//! println!("{:?}", callback.event);
//! ```

use serde::{Deserialize, Serialize};

use crate::protocol::{TimestampMillis, UserId};
use crate::wire::{self, Item, Spelling, wire_text};

/// A user came online, went offline, lost the connection or set a custom status.
///
/// Source: <https://trtc.io/document/34357>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StateChange {
    /// When the callback was triggered; absent from bodies documented before 2022 (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
    /// What happened to whom.
    #[serde(rename = "Info")]
    pub info: Info,
    /// Other devices that this login forced offline; only on `Login/Register`, and only if there were any.
    #[serde(
        rename = "KickedDevice",
        default,
        deserialize_with = "wire::some_list",
        skip_serializing_if = "Option::is_none"
    )]
    pub kicked_device: Option<Vec<KickedDevice>>,
}

/// What happened to whom.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Info {
    /// Kind of change; Disconnect was split off from Logout later, `CustomStatusChange` is the newest value.
    #[serde(rename = "Action", skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// User whose state changed.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Cause: Register goes with Login, Unregister with Logout, `LinkClose` and `TimeOut` with Disconnect, `SetCustomStatus` with
    /// `CustomStatusChange`.
    #[serde(rename = "Reason", skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// New custom status text, with Action `CustomStatusChange`; the nesting inside Info is inferred from the order of the
    /// field table (no sample body shows it).
    #[serde(rename = "CustomStatus", skip_serializing_if = "Option::is_none")]
    pub custom_status: Option<Box<str>>,
}

/// A device that a login forced offline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KickedDevice {
    /// Platform of one forced-off device.
    #[serde(rename = "Platform", skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

impl Item for KickedDevice {}

wire_text! {
    /// Kind of change.
    Action {
        /// Came online.
        Login = "Login";
        /// Went offline on purpose.
        Logout = "Logout";
        /// Lost the connection.
        Disconnect = "Disconnect";
        /// Set a custom status.
        CustomStatusChange = "CustomStatusChange";
    }

    /// Cause of the change.
    Reason {
        /// With a login.
        Register = "Register";
        /// With a logout.
        Unregister = "Unregister";
        /// The connection was closed.
        LinkClose = "LinkClose";
        /// The heartbeat timed out.
        TimeOut = "TimeOut" | "Timeout";
        /// With a custom status.
        SetCustomStatus = "SetCustomStatus";
    }

    /// Platform of a device.
    Platform {
        /// An iPhone.
        Ios = "iOS";
        /// An Android device.
        Android = "Android";
        /// A browser.
        Web = "Web";
        /// A Windows computer.
        Windows = "Windows";
        /// An iPad.
        Ipad = "iPad";
        /// A Mac.
        Mac = "Mac";
        /// A Linux computer.
        Linux = "Linux";
    }
}
