//! Intelligent chatbots (`Chatbot.…`).
//!
//! ```
//! use tencent_im_callback::{Command, event::chatbot::OnC2cSignalMessage, testing};
//!
//! let sample = testing::sample(&Command::ChatbotOnC2cSignalMessage).unwrap_or_default();
//! let callback = testing::callback::<OnC2cSignalMessage>(sample);
//! println!("{:?}", callback.event);
//! ```

use serde::{Deserialize, Serialize};

use crate::protocol::{Id, TimestampMillis, UserId};
use crate::wire::{self};

/// A user sent custom pass-through content to an intelligent chatbot; the reply is handed back to the bot.
///
/// Source: <https://www.tencentcloud.com/document/product/1047/59057>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OnC2cSignalMessage {
    /// Sender.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// Chatbot.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Sequence number of the message (documented as an unsigned 32-bit number).
    #[serde(rename = "MsgSeq", default, deserialize_with = "wire::int", skip_serializing_if = "Option::is_none")]
    pub msg_seq: Option<i64>,
    /// Random number of the message (documented as an unsigned 32-bit number).
    #[serde(
        rename = "MsgRandom",
        default,
        deserialize_with = "wire::int",
        skip_serializing_if = "Option::is_none"
    )]
    pub msg_random: Option<i64>,
    /// Unique key of the message.
    #[serde(rename = "MsgKey", skip_serializing_if = "Option::is_none")]
    pub msg_key: Option<Id>,
    /// When it happened (**milliseconds**).
    #[serde(
        rename = "EventTime",
        default,
        deserialize_with = "wire::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub event_time: Option<TimestampMillis>,
    /// Data part of the custom pass-through protocol, a string that usually holds JSON.
    #[serde(rename = "Data", skip_serializing_if = "Option::is_none")]
    pub data: Option<Box<str>>,
}
