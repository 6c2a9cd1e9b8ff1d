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

pub use super::batch::BatchItem;

use super::batch::BatchEvent;
use crate::protocol::{Command, GroupId, Id, TimestampSecs, UserId};
use crate::wire::{self, wire_int};

/// Results of pushes to all users, to tags or to single users, in batches.
///
/// Source: <https://trtc.io/document/67551>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AllMemberPush {
    /// Results, 1 to 100. Each is read on its own: one that does not fit does not lose the others.
    #[serde(rename = "Events", default, deserialize_with = "wire::list")]
    pub events: Vec<BatchItem<AllMemberPushEvent>>,
}

/// One result of [`AllMemberPush`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AllMemberPushEvent {
    /// Command word, per event.
    #[serde(rename = "CallbackCommand", skip_serializing_if = "Option::is_none")]
    pub callback_command: Option<Command>,
    /// 1 = offline push, 2 = online push (a different meaning than in `Push.OfflinePush`).
    #[serde(
        rename = "EventType",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_type: Option<PushType>,
    /// Task id returned when the push was ordered.
    #[serde(rename = "TaskId", skip_serializing_if = "Option::is_none")]
    pub task_id: Option<Id>,
    /// Own business id given with the push, handed through; in the table, not in the sample.
    #[serde(rename = "DataId", skip_serializing_if = "Option::is_none")]
    pub data_id: Option<Id>,
    /// When the task was started (**seconds**).
    #[serde(
        rename = "TaskTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub task_time: Option<TimestampSecs>,
    /// When the event happened (**seconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampSecs>,
    /// Receiver.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Vendor: 0 unknown, 1 APNs, 2 Xiaomi, 3 Huawei, 4 Google FCM, 5 Meizu, 6 OPPO, 7 vivo, 8 Honor; 0 for online pushes.
    #[serde(
        rename = "PushPlatform",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub push_platform: Option<PushPlatform>,
    /// Kind of receiving device for online pushes, same numbers as `PushPlatform`; 0 for offline pushes; in the table, not in
    /// the sample.
    #[serde(
        rename = "DeviceType",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub device_type: Option<PushPlatform>,
    /// 1 = sent, 2 = reached, 3 = clicked.
    #[serde(
        rename = "PushStage",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub push_stage: Option<PushStage>,
    /// 0 = success, otherwise failure.
    #[serde(rename = "ErrCode", default, deserialize_with = "wire::int", skip_serializing_if = "Option::is_none")]
    pub err_code: Option<i64>,
    /// Error text, may be empty.
    #[serde(rename = "ErrInfo", skip_serializing_if = "Option::is_none")]
    pub err_info: Option<Box<str>>,
}

/// Results of offline pushes for ordinary messages, in batches.
///
/// Source: <https://trtc.io/document/67552>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OfflinePush {
    /// Results, 1 to 100. Each is read on its own: one that does not fit does not lose the others.
    #[serde(rename = "Events", default, deserialize_with = "wire::list")]
    pub events: Vec<BatchItem<OfflinePushEvent>>,
}

/// One result of [`OfflinePush`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OfflinePushEvent {
    /// Command word, per event.
    #[serde(rename = "CallbackCommand", skip_serializing_if = "Option::is_none")]
    pub callback_command: Option<Command>,
    /// 1 = one-to-one, 2 = group.
    #[serde(
        rename = "EventType",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_type: Option<ConversationType>,
    /// When the event happened (**seconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampSecs>,
    /// Sender.
    #[serde(rename = "From_Account", skip_serializing_if = "Option::is_none")]
    pub from_account: Option<UserId>,
    /// Receiver.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Vendor: 0 unknown, 1 APNs, 2 Xiaomi, 3 Huawei, 4 Google FCM, 5 Meizu, 6 OPPO, 7 vivo, 8 Honor.
    #[serde(
        rename = "PushPlatform",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub push_platform: Option<PushPlatform>,
    /// 1 = sent, 2 = reached, 3 = clicked.
    #[serde(
        rename = "PushStage",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub push_stage: Option<PushStage>,
    /// Unique key of a one-to-one message; empty or absent for groups.
    #[serde(rename = "MsgKey", skip_serializing_if = "Option::is_none")]
    pub msg_key: Option<Id>,
    /// Group id; empty or absent for one-to-one.
    #[serde(rename = "GroupID", skip_serializing_if = "Option::is_none")]
    pub group_id: Option<GroupId>,
    /// Sequence number of the message (documented as an unsigned 32-bit number).
    #[serde(rename = "MsgSeq", default, deserialize_with = "wire::int", skip_serializing_if = "Option::is_none")]
    pub msg_seq: Option<i64>,
    /// Random number of the message; the table says empty for groups, the group sample has it.
    #[serde(
        rename = "MsgRandom",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub msg_random: Option<i64>,
    /// Send time of the message (**seconds**).
    #[serde(
        rename = "MsgTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub msg_time: Option<TimestampSecs>,
    /// Unique id of the push, to be looked up in the console; not in the Java SDK of 2024-07.
    #[serde(rename = "PushID", skip_serializing_if = "Option::is_none")]
    pub push_id: Option<Id>,
    /// 0 = success, otherwise failure.
    #[serde(rename = "ErrCode", default, deserialize_with = "wire::int", skip_serializing_if = "Option::is_none")]
    pub err_code: Option<i64>,
    /// Error text, may be empty.
    #[serde(rename = "ErrInfo", skip_serializing_if = "Option::is_none")]
    pub err_info: Option<Box<str>>,
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
        /// Not known; for online pushes always.
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
