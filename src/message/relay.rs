//! Bundles: several messages forwarded as one.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::body::MsgBody;
use super::read::Element;
use crate::json::{self, Room};
use crate::types::{GroupId, Id, TimestampSecs, UserId};

/// Several messages forwarded as one.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct RelayElem {
    /// Title of the bundle, which users see.
    pub title: Option<String>,
    /// How many messages were forwarded.
    pub msg_num: Option<i64>,
    /// Text for SDKs that cannot show the bundle.
    pub compatible_text: Option<String>,
    /// Lines of the preview, which users see.
    pub abstract_list: Option<Vec<String>>,
    /// The forwarded messages, if they take at most 12 KB in all. Otherwise there is
    /// `json_msg_key`.
    pub msg_list: Option<Vec<RelayMessage>>,
    /// Key under which Tencent has stored the forwarded messages, if they take too much for
    /// `msg_list`.
    pub json_msg_key: Option<String>,
}

/// One message of a bundle.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct RelayMessage {
    /// User id of the sender of the message.
    #[serde(rename = "From_Account")]
    pub from_account: Option<UserId>,
    /// User id of the receiver; only for a one-to-one message.
    #[serde(rename = "To_Account")]
    pub to_account: Option<UserId>,
    /// Id of the group; only for a group message.
    pub group_id: Option<GroupId>,
    /// Sequence number of the message.
    pub msg_seq: Option<i64>,
    /// Random number of the message. It can be above 2^31.
    pub msg_random: Option<i64>,
    /// When the message was sent (**seconds**).
    pub msg_time_stamp: Option<TimestampSecs>,
    /// Elements of the message, which may be bundles again.
    pub msg_body: MsgBody,
    /// Custom data of the forwarded message; may be absent.
    pub cloud_custom_data: Option<String>,
    /// Unique id of the message on the client's side. Undocumented here.
    pub msg_id: Option<Id>,
}

impl RelayElem {
    pub(super) fn read_content(content: &str, bundles: usize) -> serde_json::Result<Self> {
        json::from_str_within::<Bundle<'_>>(content, Room::CONTENT)?.read(bundles + 1)
    }

    pub(super) fn misfit(content: &str) -> Option<serde_json::Error> {
        json::misfit::<Bundle<'_>>(content, Room::CONTENT)
    }

    /// Whether all forwarded messages are here. If they take more than 12 KB, Tencent leaves them
    /// out and sends [`json_msg_key`](Self::json_msg_key) instead: then this callback is not enough
    /// to check them. A list of fewer messages than [`msg_num`](Self::msg_num) is not complete
    /// either.
    ///
    /// A bundle with a key is never complete, even if it has a list: Tencent sends one or the
    /// other, so it was made by somebody else.
    pub fn is_complete(&self) -> bool {
        let messages = self.msg_list.as_ref().map_or(0, Vec::len);
        self.json_msg_key.as_deref().is_none_or(str::is_empty)
            && self
                .msg_num
                .is_none_or(|promised| i64::try_from(messages).is_ok_and(|n| n >= promised))
            && self.msg_list.iter().flatten().all(|message| message.msg_body.is_complete())
    }
}

/// A bundle before its messages are read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Bundle<'a> {
    title: Option<String>,
    msg_num: Option<i64>,
    compatible_text: Option<String>,
    abstract_list: Option<Vec<String>>,
    #[serde(borrow)]
    msg_list: Option<Vec<BundledMessage<'a>>>,
    json_msg_key: Option<String>,
}

/// A message of a bundle before its elements are read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BundledMessage<'a> {
    #[serde(rename = "From_Account")]
    from_account: Option<UserId>,
    #[serde(rename = "To_Account")]
    to_account: Option<UserId>,
    group_id: Option<GroupId>,
    msg_seq: Option<i64>,
    msg_random: Option<i64>,
    msg_time_stamp: Option<TimestampSecs>,
    #[serde(borrow)]
    msg_body: Option<Vec<Element<'a>>>,
    cloud_custom_data: Option<String>,
    msg_id: Option<Id>,
}

impl Bundle<'_> {
    fn read(self, bundles: usize) -> serde_json::Result<RelayElem> {
        // A loop, since this function calls itself for bundles in bundles, and iterators would add
        // stack frames to each level.
        let mut msg_list = self.msg_list.as_ref().map(|list| Vec::with_capacity(list.len()));
        for message in self.msg_list.into_iter().flatten() {
            let message = message.read(bundles)?;
            if let Some(list) = &mut msg_list {
                list.push(message);
            }
        }
        Ok(RelayElem {
            title: self.title,
            msg_num: self.msg_num,
            compatible_text: self.compatible_text,
            abstract_list: self.abstract_list,
            msg_list,
            json_msg_key: self.json_msg_key,
        })
    }
}

impl BundledMessage<'_> {
    fn read(self, bundles: usize) -> serde_json::Result<RelayMessage> {
        Ok(RelayMessage {
            from_account: self.from_account,
            to_account: self.to_account,
            group_id: self.group_id,
            msg_seq: self.msg_seq,
            msg_random: self.msg_random,
            msg_time_stamp: self.msg_time_stamp,
            msg_body: MsgBody::read(self.msg_body.unwrap_or_default(), bundles)?,
            cloud_custom_data: self.cloud_custom_data,
            msg_id: self.msg_id,
        })
    }
}
