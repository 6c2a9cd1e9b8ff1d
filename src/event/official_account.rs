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

use crate::message::MsgBody;
use crate::protocol::{Id, TimestampMillis, TimestampSecs, UserId};
use crate::wire::{self, Flag, Item};

/// Users subscribed to an official account.
///
/// Source: <https://trtc.io/document/60800>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterAddSubscriber {
    /// Id of the official account.
    #[serde(rename = "Official_Account")]
    pub official_account: UserId,
    /// Caller of the request.
    #[serde(rename = "Operator_Account", skip_serializing_if = "Option::is_none")]
    pub operator_account: Option<UserId>,
    /// Users concerned.
    #[serde(rename = "SubscribeAccountList", default, deserialize_with = "wire::list")]
    pub subscribe_account_list: Vec<Subscriber>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// An official account has been created.
///
/// Source: <https://trtc.io/document/60796>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterCreateOfficialAccount {
    /// Id of the new official account; samples start with "`@TOA#`".
    #[serde(rename = "Official_Account")]
    pub official_account: UserId,
    /// Caller of the create request.
    #[serde(rename = "Operator_Account", skip_serializing_if = "Option::is_none")]
    pub operator_account: Option<UserId>,
    /// Owner.
    #[serde(rename = "Owner_Account", skip_serializing_if = "Option::is_none")]
    pub owner_account: Option<UserId>,
    /// Name of the official account.
    #[serde(rename = "Name", skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// Users unsubscribed or were removed from an official account.
///
/// Source: <https://trtc.io/zh/document/60802>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterDeleteSubscriber {
    /// Id of the official account.
    #[serde(rename = "Official_Account")]
    pub official_account: UserId,
    /// Caller of the request.
    #[serde(rename = "Operator_Account", skip_serializing_if = "Option::is_none")]
    pub operator_account: Option<UserId>,
    /// Users concerned.
    #[serde(rename = "SubscribeAccountList", default, deserialize_with = "wire::list")]
    pub subscribe_account_list: Vec<Subscriber>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// Messages of an official account were recalled.
///
/// Source: <https://www.tencentcloud.com/ko/document/product/1047/60805>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterMsgWithDraw {
    /// Id of the official account (the sample shows "`#TOA#_123`", other pages "`@TOA#_`...").
    #[serde(rename = "Official_Account")]
    pub official_account: UserId,
    /// Recalled messages.
    #[serde(rename = "WithdrawMsgList", default, deserialize_with = "wire::list")]
    pub withdraw_msg_list: Vec<WithdrawMsg>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// An official account was destroyed.
///
/// Source: <https://trtc.io/document/60798>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterOfficialAccountDestroyed {
    /// Id of the destroyed official account.
    #[serde(rename = "Official_Account")]
    pub official_account: UserId,
    /// Owner.
    #[serde(rename = "Owner_Account", skip_serializing_if = "Option::is_none")]
    pub owner_account: Option<UserId>,
    /// Name of the official account.
    #[serde(rename = "Name", skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// An official account reached its maximum number of subscribers.
///
/// Source: <https://trtc.io/document/60801>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterOfficialAccountFull {
    /// Id of the full official account.
    #[serde(rename = "Official_Account")]
    pub official_account: UserId,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// The profile of an official account was changed.
///
/// Source: <https://tencentcloud.com/zh/document/product/1047/60797>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterOfficialAccountInfoChanged {
    /// Id of the official account.
    #[serde(rename = "Official_Account")]
    pub official_account: UserId,
    /// Caller of the change.
    #[serde(rename = "Operator_Account", skip_serializing_if = "Option::is_none")]
    pub operator_account: Option<UserId>,
    /// Introduction after the change.
    #[serde(rename = "Introduction", skip_serializing_if = "Option::is_none")]
    pub introduction: Option<Box<str>>,
    /// Name after the change.
    #[serde(rename = "Name", skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
    /// Avatar address after the change.
    #[serde(rename = "FaceUrl", skip_serializing_if = "Option::is_none")]
    pub face_url: Option<Box<str>>,
    /// Organization after the change.
    #[serde(rename = "Organization", skip_serializing_if = "Option::is_none")]
    pub organization: Option<Box<str>>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// A broadcast message of an official account was delivered.
///
/// Source: <https://cloud.tencent.com/document/product/269/102324>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AfterSendMsg {
    /// Id of the sending official account.
    #[serde(rename = "Official_Account")]
    pub official_account: UserId,
    /// Unique id of the message; needed to recall it.
    #[serde(rename = "MsgKey")]
    pub msg_key: Id,
    /// Server time of the message (**seconds**).
    #[serde(
        rename = "MsgTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub msg_time: Option<TimestampSecs>,
    /// 1 for an online-only message, else 0.
    #[serde(
        rename = "OnlineOnlyFlag",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub online_only_flag: Option<Flag>,
    /// Message elements in the standard Chat message format.
    #[serde(rename = "MsgBody", default)]
    pub msg_body: MsgBody,
    /// Custom data stored with the message in the cloud.
    #[serde(
        rename = "CloudCustomData",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub cloud_custom_data: Option<Box<str>>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// Asks whether users may subscribe to an official account; single users can be refused.
///
/// Source: <https://tencentcloud.com/jp/document/product/1047/60799>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BeforeAddSubscriber {
    /// Id of the official account being subscribed to.
    #[serde(rename = "Official_Account")]
    pub official_account: UserId,
    /// Caller of the request.
    #[serde(rename = "Operator_Account", skip_serializing_if = "Option::is_none")]
    pub operator_account: Option<UserId>,
    /// Users concerned.
    #[serde(rename = "SubscribeAccountList", default, deserialize_with = "wire::list")]
    pub subscribe_account_list: Vec<Subscriber>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// Asks whether an official account may be created.
///
/// Source: <https://trtc.io/document/60795>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BeforeCreateOfficialAccount {
    /// Caller of the create request.
    #[serde(rename = "Operator_Account")]
    pub operator_account: UserId,
    /// User id that will own the official account.
    #[serde(rename = "Owner_Account", skip_serializing_if = "Option::is_none")]
    pub owner_account: Option<UserId>,
    /// Requested name of the official account.
    #[serde(rename = "Name", skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// Asks whether a broadcast message of an official account may be sent; it may also be rewritten.
///
/// Source: <https://trtc.io/document/60803>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BeforeSendMsg {
    /// Id of the sending official account.
    #[serde(rename = "Official_Account")]
    pub official_account: UserId,
    /// 1 for an online-only message, else 0.
    #[serde(
        rename = "OnlineOnlyFlag",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub online_only_flag: Option<Flag>,
    /// Message elements in the standard Chat message format.
    #[serde(rename = "MsgBody", deserialize_with = "crate::message::present")]
    pub msg_body: MsgBody,
    /// Custom data stored with the message in the cloud.
    #[serde(
        rename = "CloudCustomData",
        default,
        deserialize_with = "wire::user_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub cloud_custom_data: Option<Box<str>>,
    /// When the event was triggered (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
}

/// A subscriber.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Subscriber {
    /// Subscriber.
    #[serde(rename = "Subscriber_Account")]
    pub subscriber_account: UserId,
}

impl Item for Subscriber {}

/// A recalled message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WithdrawMsg {
    /// Unique id of the recalled message.
    #[serde(rename = "MsgKey")]
    pub msg_key: Id,
}

impl Item for WithdrawMsg {}
