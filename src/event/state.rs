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

use crate::event::rules::event;
use crate::json::wire_text;
use crate::types::{TimestampMillis, UserId};

/// A user came online, went offline, lost the connection or set a custom status.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct StateChange {
    /// When the callback was triggered (**milliseconds**). Bodies from before 2022 lack it.
    pub event_time: Option<TimestampMillis>,
    /// Whose state changed, how, and why.
    pub info: Info,
    /// Other devices of the user that this login forced offline. Only on a login, and only if there
    /// were any.
    pub kicked_device: Option<Vec<KickedDevice>>,
}

event! {
    StateChange, "https://trtc.io/document/34357",
    time |e| e.event_time,
    order account |e| [e.info.to_account]
}

/// What happened to whom.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Info {
    /// How the state changed. Older servers say `Logout` where newer ones say `Disconnect`.
    pub action: Option<Action>,
    /// User id of the user whose state changed.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Why: `Register` goes with a login, `Unregister` with a logout, `LinkClose` and `TimeOut`
    /// with a lost connection, `SetCustomStatus` with a custom status.
    pub reason: Option<Reason>,
    /// New custom status, if the user set one; absent for any other change.
    pub custom_status: Option<String>,
}

/// A device that a login forced offline.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct KickedDevice {
    /// Platform of the device that was forced offline.
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
        /// The user logged in.
        Register = "Register";
        /// The user logged out.
        Unregister = "Unregister";
        /// The connection was closed.
        LinkClose = "LinkClose";
        /// The heartbeat timed out.
        TimeOut = "TimeOut" | "Timeout";
        /// The user set a custom status.
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
