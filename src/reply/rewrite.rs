use serde::Serialize;

use crate::message::MsgBodyBuilder;

/// A changed message: other elements, other custom data, or both. What you do not set stays as it
/// was sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[must_use]
pub struct Rewrite {
    #[serde(rename = "MsgBody", skip_serializing_if = "Option::is_none")]
    msg_body: Option<MsgBodyBuilder>,
    #[serde(rename = "CloudCustomData", skip_serializing_if = "Option::is_none")]
    cloud_custom_data: Option<String>,
}

impl Rewrite {
    /// Nothing changed yet.
    pub fn new() -> Self {
        Rewrite::default()
    }

    /// Sets the elements. Start from
    /// [`Callback::rewrite_message`](crate::Callback::rewrite_message) to keep those that you do
    /// not change exactly as they were sent.
    pub fn msg_body(mut self, message: MsgBodyBuilder) -> Self {
        self.msg_body = Some(message);
        self
    }

    /// Sets the custom data. An empty string removes it.
    pub fn cloud_custom_data(mut self, data: impl Into<String>) -> Self {
        self.cloud_custom_data = Some(data.into());
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.msg_body.is_none() && self.cloud_custom_data.is_none()
    }
}
