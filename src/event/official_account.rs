//! Official accounts, also called official channels (`OfficialAccount.…`).
//!
//! ```
//! use tencent_im_callback::{Command, event::official_account::AfterAddSubscriber, testing};
//!
//! let sample = testing::sample(&Command::OfficialAccountAfterAddSubscriber).unwrap_or_default();
//! let callback = testing::callback::<AfterAddSubscriber>(sample);
//! println!("{:?}", callback.event);
//! ```

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::event::rules::event;
use crate::message::MsgBody;
use crate::types::{Flag, Id, TimestampMillis, TimestampSecs, UserId};

/// Users subscribed to an official account.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterAddSubscriber {
    /// Id of the official account.
    #[serde(rename = "Official_Account")]
    pub official_account: UserId,
    /// User id of who made the request to subscribe.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Users who are subscribers now.
    pub subscribe_account_list: Vec<Subscriber>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterAddSubscriber, "https://trtc.io/document/60800",
    time |e| e.event_time,
    order official_account |e| [e.official_account]
}

/// An official account has been created.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterCreateOfficialAccount {
    /// Id of the new official account; it begins with `@TOA#` in the vendor's samples.
    #[serde(rename = "Official_Account")]
    pub official_account: UserId,
    /// User id of who made the request to create it.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// User id of the owner of the official account.
    #[serde(rename = "Owner_Account")]
    pub owner_account: Option<UserId>,
    /// Name of the official account.
    pub name: Option<String>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterCreateOfficialAccount, "https://trtc.io/document/60796",
    time |e| e.event_time,
    order official_account |e| [e.official_account]
}

/// Users unsubscribed or were removed from an official account.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterDeleteSubscriber {
    /// Id of the official account.
    #[serde(rename = "Official_Account")]
    pub official_account: UserId,
    /// User id of who made the request to unsubscribe or to remove.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Users who are no longer subscribers.
    pub subscribe_account_list: Vec<Subscriber>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterDeleteSubscriber, "https://trtc.io/document/60802",
    time |e| e.event_time,
    order official_account |e| [e.official_account]
}

/// Messages of an official account were recalled.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterMsgWithDraw {
    /// Id of the official account. The vendor's sample begins with `#TOA#`, those of other commands
    /// with `@TOA#`.
    #[serde(rename = "Official_Account")]
    pub official_account: UserId,
    /// Messages that were recalled, by their keys.
    pub withdraw_msg_list: Vec<WithdrawMsg>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterMsgWithDraw, "https://trtc.io/document/60805",
    time |e| e.event_time,
    order official_account |e| [e.official_account]
}

/// An official account was destroyed.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterOfficialAccountDestroyed {
    /// Id of the destroyed official account.
    #[serde(rename = "Official_Account")]
    pub official_account: UserId,
    /// User id of the owner of the official account. Who destroyed it is not sent.
    #[serde(rename = "Owner_Account")]
    pub owner_account: Option<UserId>,
    /// Name of the official account.
    pub name: Option<String>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterOfficialAccountDestroyed, "https://trtc.io/document/60798",
    time |e| e.event_time,
    order official_account |e| [e.official_account]
}

/// An official account reached its maximum number of subscribers.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterOfficialAccountFull {
    /// Id of the full official account.
    #[serde(rename = "Official_Account")]
    pub official_account: UserId,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterOfficialAccountFull, "https://trtc.io/document/60801",
    time |e| e.event_time,
    order official_account |e| [e.official_account]
}

/// The profile of an official account was changed.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterOfficialAccountInfoChanged {
    /// Id of the official account.
    #[serde(rename = "Official_Account")]
    pub official_account: UserId,
    /// User id of who made the change.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Introduction after the change. Whether it is there if it did not change is not documented.
    pub introduction: Option<String>,
    /// Name after the change. Whether it is there if it did not change is not documented.
    pub name: Option<String>,
    /// Address of the avatar after the change. Whether it is there if it did not change is not
    /// documented.
    pub face_url: Option<String>,
    /// Organization after the change. Whether it is there if it did not change is not documented.
    pub organization: Option<String>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterOfficialAccountInfoChanged, "https://trtc.io/document/60797",
    time |e| e.event_time,
    order official_account |e| [e.official_account]
}

/// A broadcast message of an official account was delivered.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterSendMsg {
    /// Id of the sending official account.
    #[serde(rename = "Official_Account")]
    pub official_account: UserId,
    /// Unique id of the message; needed to recall it.
    pub msg_key: Id,
    /// Server time of the message (**seconds**).
    pub msg_time: Option<TimestampSecs>,
    /// 1 for an online-only message, else 0.
    pub online_only_flag: Option<Flag>,
    /// Elements of the message in order, in the format of all Chat messages.
    #[serde(default)]
    pub msg_body: MsgBody,
    /// Custom data stored with the message in the cloud.
    pub cloud_custom_data: Option<String>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterSendMsg, "https://trtc.io/document/60804",
    time |e| e.event_time,
    id |e| e.msg_key,
    order official_account |e| [e.official_account]
}

/// Asks whether users may subscribe to an official account; single users can be refused.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BeforeAddSubscriber {
    /// Id of the official account being subscribed to.
    #[serde(rename = "Official_Account")]
    pub official_account: UserId,
    /// User id of who made the request to subscribe.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Users who are to become subscribers. The reply can refuse some of them.
    pub subscribe_account_list: Vec<Subscriber>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    BeforeAddSubscriber, "https://trtc.io/document/60799",
    time |e| e.event_time
}

/// Asks whether an official account may be created.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BeforeCreateOfficialAccount {
    /// User id of who makes the request to create it. There is no id of the official account yet.
    #[serde(rename = "Operator_Account")]
    pub operator_account: UserId,
    /// User id that will own the official account.
    #[serde(rename = "Owner_Account")]
    pub owner_account: Option<UserId>,
    /// Requested name of the official account.
    pub name: Option<String>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    BeforeCreateOfficialAccount, "https://trtc.io/document/60795",
    time |e| e.event_time
}

/// Asks whether a broadcast message of an official account may be sent; it may also be rewritten.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BeforeSendMsg {
    /// Id of the sending official account.
    #[serde(rename = "Official_Account")]
    pub official_account: UserId,
    /// 1 for an online-only message, else 0.
    pub online_only_flag: Option<Flag>,
    /// Elements of the message in order: what your reply judges. If they are missing or `null`, the
    /// body does not fit its type and [`OnError`](crate::OnError) decides.
    #[serde(deserialize_with = "crate::message::present")]
    pub msg_body: MsgBody,
    /// Custom data stored with the message in the cloud.
    pub cloud_custom_data: Option<String>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    BeforeSendMsg, "https://trtc.io/document/60803",
    time |e| e.event_time
}

/// A subscriber.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Subscriber {
    /// User id of the subscriber.
    #[serde(rename = "Subscriber_Account")]
    pub subscriber_account: UserId,
}

/// A recalled message.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct WithdrawMsg {
    /// Unique id of the recalled message.
    pub msg_key: Id,
}
