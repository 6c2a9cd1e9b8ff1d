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

use crate::event::rules::event;
use crate::json::Once;
use crate::types::{Id, RawJson, TimestampMillis, UserId};

/// A user sent custom pass-through content to an intelligent chatbot; the reply is handed back to
/// the bot.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct OnC2cSignalMessage {
    /// User id of the sender, who uses the chatbot.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// User id of the chatbot that the content is for.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Sequence number of the message, documented as 32 bits without a sign.
    pub msg_seq: Option<i64>,
    /// Random number of the message, documented as 32 bits without a sign.
    pub msg_random: Option<i64>,
    /// Unique key of the message. Do not take it apart: the order of its numbers differs from that
    /// of other commands.
    pub msg_key: Option<Id>,
    /// When it happened (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
    /// The data that the user passed through to the bot: a string, which usually holds JSON.
    pub data: Option<String>,
}

event! {
    OnC2cSignalMessage, "https://www.tencentcloud.com/document/product/1047/59057",
    time |e| e.event_time,
    id |e| e.msg_key,
    order pair |e| [e.from_account, e.to_account]
}

/// A node of a bot's task asks your server; the variables of the reply go into the session. The bot
/// waits for the reply.
///
/// The URL of this callback is set in the node, in the panel of Desk.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct InterfaceInvocation {
    /// Variables by their names, which the node chooses.
    #[serde(default, deserialize_with = "variables")]
    pub body: Option<BTreeMap<String, Variable>>,
    /// When it happened (**milliseconds**, as in the vendor's sample). It is the only mark of a
    /// retry besides the variables.
    pub event_time: Option<TimestampMillis>,
}

event! {
    InterfaceInvocation, "https://cloud.tencent.com/document/product/269/113786",
    time |e| e.event_time
}

fn variables<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeMap<String, Variable>>, D::Error> {
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
    /// Anything else. The vendor does not document whether it occurs.
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
