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
use serde_with::skip_serializing_none;

use crate::json::wire_text;
use crate::types::{TimestampMillis, UserId};

/// A user came online, went offline, lost the connection or set a custom status.
///
/// Source: <https://trtc.io/document/34357>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct StateChange {
    /// When the callback was triggered; absent from bodies documented before 2022 (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// What happened to whom.
    pub info: Info,
    /// Other devices that this login forced offline; only on `Login/Register`, and only if there were any.
    pub kicked_device: Option<Vec<KickedDevice>>,
}

/// What happened to whom.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Info {
    /// Kind of change; Disconnect was split off from Logout later, `CustomStatusChange` is the newest value.
    pub action: Option<Action>,
    /// User whose state changed.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Cause: Register goes with Login, Unregister with Logout, `LinkClose` and `TimeOut` with Disconnect, `SetCustomStatus` with
    /// `CustomStatusChange`.
    pub reason: Option<Reason>,
    /// New custom status text, with Action `CustomStatusChange`.
    pub custom_status: Option<String>,
}

/// A device that a login forced offline.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct KickedDevice {
    /// Platform of one forced-off device.
    pub platform: Option<Platform>,
}

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
