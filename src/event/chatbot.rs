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
use serde_with::skip_serializing_none;

use crate::types::{Id, TimestampMillis, UserId};

/// A user sent custom pass-through content to an intelligent chatbot; the reply is handed back to the bot.
///
/// Source: <https://www.tencentcloud.com/document/product/1047/59057>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct OnC2cSignalMessage {
    /// Sender.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// Chatbot.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Sequence number of the message (documented as an unsigned 32-bit number).
    pub msg_seq: Option<i64>,
    /// Random number of the message (documented as an unsigned 32-bit number).
    pub msg_random: Option<i64>,
    /// Unique key of the message.
    pub msg_key: Option<Id>,
    /// When it happened (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// Data part of the custom pass-through protocol, a string that usually holds JSON.
    pub data: Option<String>,
}
