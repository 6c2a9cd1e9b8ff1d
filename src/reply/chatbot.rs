//! The replies that are passed to an intelligent chatbot.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Reply;
use super::verdict::{Verdict, With};

/// The reply to `Chatbot.OnC2CSignalMessage`: your content for the bot, a string that usually holds
/// JSON. The default is empty.
///
/// ```
/// use tencent_im_callback::reply::chatbot::OnC2cSignalMessageReply;
///
/// let reply = OnC2cSignalMessageReply::new(r#"{"msg":"hello"}"#);
/// ```
///
/// Source: <https://cloud.tencent.com/document/product/269/103730>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct OnC2cSignalMessageReply {
    rsp_data: String,
}

impl OnC2cSignalMessageReply {
    /// Passes this content to the bot.
    pub fn new(rsp_data: impl Into<String>) -> Self {
        OnC2cSignalMessageReply { rsp_data: rsp_data.into() }
    }
}

impl From<OnC2cSignalMessageReply> for Reply {
    fn from(reply: OnC2cSignalMessageReply) -> Self {
        #[derive(Serialize)]
        struct RspData<'a> {
            #[serde(rename = "RspData")]
            rsp_data: &'a str,
        }

        Reply::json(&With {
            envelope: Verdict::new(0).envelope(),
            more: RspData { rsp_data: &reply.rsp_data },
        })
    }
}

/// The reply to `Chatbot.InterfaceInvocation`: variables that go into the session. The default has
/// none.
///
/// To say that your server failed, return an error from the handler, or [`Reply::fail`].
///
/// ```
/// use tencent_im_callback::reply::chatbot::InterfaceInvocationReply;
///
/// let reply = InterfaceInvocationReply::new().variable("balance", "10");
/// ```
///
/// Source: <https://cloud.tencent.com/document/product/269/113786>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct InterfaceInvocationReply {
    body: BTreeMap<String, String>,
}

impl InterfaceInvocationReply {
    /// No variable.
    pub fn new() -> Self {
        InterfaceInvocationReply::default()
    }

    /// Sets a variable. In the vendor's sample, numbers are strings as well.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.body.insert(name.into(), value.into());
        self
    }
}

impl From<InterfaceInvocationReply> for Reply {
    fn from(reply: InterfaceInvocationReply) -> Self {
        #[derive(Serialize)]
        struct Body {
            #[serde(rename = "Body")]
            body: BTreeMap<String, String>,
        }

        Reply::json(&With { envelope: Verdict::new(0).envelope(), more: Body { body: reply.body } })
    }
}
