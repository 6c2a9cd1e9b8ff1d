//! Results of pushes, in batches (`Push.…`).
//!
//! ```
//! use tencent_im_callback::{Command, event::push::AllMemberPush, testing};
//!
//! let sample = testing::sample(&Command::PushAllMemberPush).unwrap_or_default();
//! let callback = testing::callback::<AllMemberPush>(sample);
//! println!("{:?}", callback.event);
//! ```

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

pub use super::batch::BatchItem;

use super::batch::BatchEvent;
use crate::command::Command;
use crate::event::rules::event;
use crate::json::wire_int;
use crate::types::{GroupId, Id, TimestampSecs, UserId};

/// Results of pushes to all users, to tags or to single users, in batches.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AllMemberPush {
    /// Results, 1 to 100. Each is read on its own: one that does not fit does not lose the others.
    pub events: Vec<BatchItem<AllMemberPushEvent>>,
}

event! {
    AllMemberPush, "https://trtc.io/document/67551",
    items |e| &e.events,
    time |e| e.events.iter().filter_map(|item| item.typed()?.event_time).max()
}

/// One result of [`AllMemberPush`].
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AllMemberPushEvent {
    /// Command word, which every item repeats: `Push.AllMemberPush`.
    pub callback_command: Option<Command>,
    /// Kind of push: 1 offline, 2 online. In `Push.OfflinePush` the same numbers mean something
    /// else.
    pub event_type: Option<PushType>,
    /// Id of the push task, as the REST call that ordered the push returned it.
    pub task_id: Option<Id>,
    /// Business id that you gave when you ordered the push, unchanged. May be absent.
    pub data_id: Option<Id>,
    /// When the task was started (**seconds**).
    pub task_time: Option<TimestampSecs>,
    /// When the event happened, in **seconds**, unlike in most commands.
    pub event_time: Option<TimestampSecs>,
    /// User id of the receiver of the push.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Push service of the device's vendor: 0 unknown, 1 APNs, 2 Xiaomi, 3 Huawei, 4 Google FCM, 5
    /// Meizu, 6 OPPO, 7 vivo, 8 Honor. Always 0 for online pushes.
    pub push_platform: Option<PushPlatform>,
    /// Kind of device that got an online push, by the numbers of `push_platform`. 0 for offline
    /// pushes; may be absent.
    pub device_type: Option<PushPlatform>,
    /// How far the push has come: 1 sent, 2 reached the device, 3 clicked.
    pub push_stage: Option<PushStage>,
    /// Result of the push: 0 is success, any other number a failure.
    pub err_code: Option<i64>,
    /// Text for that result; may be empty or absent.
    pub err_info: Option<String>,
}

/// Results of offline pushes for ordinary messages, in batches.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct OfflinePush {
    /// Results, 1 to 100. Each is read on its own: one that does not fit does not lose the others.
    pub events: Vec<BatchItem<OfflinePushEvent>>,
}

event! {
    OfflinePush, "https://trtc.io/document/67552",
    items |e| &e.events,
    time |e| e.events.iter().filter_map(|item| item.typed()?.event_time).max()
}

/// One result of [`OfflinePush`].
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct OfflinePushEvent {
    /// Command word, which every item repeats: `Push.OfflinePush`.
    pub callback_command: Option<Command>,
    /// Kind of conversation: 1 one-to-one, 2 group.
    pub event_type: Option<ConversationType>,
    /// When the event happened, in **seconds**, unlike in most commands.
    pub event_time: Option<TimestampSecs>,
    /// User id of the sender of the message.
    #[serde(rename = "From_Account")]
    pub from_account: Option<UserId>,
    /// User id of the receiver of the push.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Push service of the device's vendor: 0 unknown, 1 APNs, 2 Xiaomi, 3 Huawei, 4 Google FCM, 5
    /// Meizu, 6 OPPO, 7 vivo, 8 Honor.
    pub push_platform: Option<PushPlatform>,
    /// How far the push has come: 1 sent, 2 reached the device, 3 clicked.
    pub push_stage: Option<PushStage>,
    /// Unique key of a one-to-one message; empty or absent for groups.
    pub msg_key: Option<Id>,
    /// Id of the group; empty or absent for a one-to-one message.
    #[serde(rename = "GroupID")]
    pub group_id: Option<GroupId>,
    /// Sequence number of the message, documented as 32 bits without a sign.
    pub msg_seq: Option<i64>,
    /// Random number of the message. For group messages it may be absent.
    pub msg_random: Option<i64>,
    /// Send time of the message (**seconds**).
    pub msg_time: Option<TimestampSecs>,
    /// Unique id of the push, by which the console finds it.
    #[serde(rename = "PushID")]
    pub push_id: Option<Id>,
    /// Result of the push: 0 is success, any other number a failure.
    pub err_code: Option<i64>,
    /// Text for that result; may be empty or absent.
    pub err_info: Option<String>,
}

wire_int! {
    /// Kind of conversation.
    ConversationType {
        /// One-to-one.
        C2c = 1;
        /// Group.
        Group = 2;
    }

    /// Kind of push.
    PushType {
        /// Offline push.
        Offline = 1;
        /// Online push.
        Online = 2;
    }

    /// Vendor of a push service or device.
    PushPlatform {
        /// Not known. Online pushes always have this.
        Unknown = 0;
        /// Apple.
        Apns = 1;
        /// Xiaomi.
        Xiaomi = 2;
        /// Huawei.
        Huawei = 3;
        /// Google.
        Fcm = 4;
        /// Meizu.
        Meizu = 5;
        /// OPPO.
        Oppo = 6;
        /// vivo.
        Vivo = 7;
        /// Honor.
        Honor = 8;
    }

    /// How far a push has come.
    PushStage {
        /// Sent.
        Sent = 1;
        /// Reached the device.
        Reached = 2;
        /// Clicked by the user.
        Clicked = 3;
    }
}

impl BatchEvent for OfflinePushEvent {
    const COMMAND: Command = Command::PushOfflinePush;

    fn command(&self) -> Option<&Command> {
        self.callback_command.as_ref()
    }
}

impl BatchEvent for AllMemberPushEvent {
    const COMMAND: Command = Command::PushAllMemberPush;

    fn command(&self) -> Option<&Command> {
        self.callback_command.as_ref()
    }
}
