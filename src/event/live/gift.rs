//! Gifts in live rooms.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::event::rules::event;
use crate::types::{GroupId, Id, TimestampSecs, UserId};

/// Asks whether a gift may be sent in a live room.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BeforeSendGift {
    /// User id of who made the request to send the gift.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Id of the room in which the gift is given.
    pub room_id: GroupId,
    /// The gift: who gives what to whom. By default Tencent blocks it if your answer does not come
    /// within 2 seconds.
    pub gift_water: GiftWater,
}

event! {
    BeforeSendGift, "https://trtc.io/document/72210",
    time |e| e.gift_water.time
}

/// A gift.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct GiftWater {
    /// User id of who gives the gift.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// User ids of the receivers.
    #[serde(rename = "To_Account", default)]
    pub to_account: Vec<UserId>,
    /// When the gift is given (**seconds**, as in the vendor's sample).
    pub time: Option<TimestampSecs>,
    /// Id of the gift that is given.
    pub gift_id: Option<Id>,
    /// How many of this gift are given.
    pub count: Option<i64>,
    /// Value of a single gift, not of all of them.
    pub coins: Option<i64>,
}
