//! Intelligent chatbots (`Chatbot.…`).
//!
//! ```
//! use tencent_im_callback::{Command, event::chatbot::OnC2cSignalMessage, testing};
//!
//! let sample = testing::sample(&Command::ChatbotOnC2cSignalMessage).unwrap_or_default();
//! let callback = testing::callback::<OnC2cSignalMessage>(sample);
//! println!("{:?}", callback.event);
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_with::skip_serializing_none;

use crate::json::Once;
use crate::types::{Id, RawJson, TimestampMillis, UserId};

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

/// A node of a bot's task asks your server; the variables of the reply go into the session. The bot waits for the reply.
///
/// The URL of this callback is set in the node, in the panel of Desk.
///
/// Source: <https://cloud.tencent.com/document/product/269/113786>
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct InterfaceInvocation {
    /// Variables by their names, which the node chooses.
    #[serde(default, deserialize_with = "variables")]
    pub body: Option<BTreeMap<String, Variable>>,
    /// When it happened (**milliseconds**, by the sample).
    pub event_time: Option<TimestampMillis>,
}

fn variables<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<BTreeMap<String, Variable>>, D::Error> {
    Ok(Option::<Once<_>>::deserialize(deserializer)?.map(|variables| variables.0))
}

impl InterfaceInvocation {
    /// The variable of this name, if it is a string.
    pub fn variable(&self, name: &str) -> Option<&str> {
        match self.body.as_ref()?.get(name)? {
            Variable::Text(text) => Some(text),
            Variable::Other(_) => None,
        }
    }

    /// The user, if the node passes it on.
    pub fn client_user_id(&self) -> Option<&str> {
        self.variable("SystemClientUserID")
    }

    /// The session, if the node passes it on.
    pub fn session_id(&self) -> Option<&str> {
        self.variable("SystemSessionID")
    }
}

/// The value of a variable.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Variable {
    /// A string, as in the vendor's sample.
    Text(String),
    /// Anything else, which the vendor's page does not exclude.
    Other(RawJson),
}

impl Serialize for Variable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Variable::Text(text) => text.serialize(serializer),
            Variable::Other(json) => json.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Variable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(match serde_json::from_str(raw.get()) {
            Ok(text) => Variable::Text(text),
            Err(_) => Variable::Other(RawJson::new(raw)),
        })
    }
}
