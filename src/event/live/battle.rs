//! Battles between live rooms.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::event::rules::event;
use crate::json::wire_int;
use crate::types::{GroupId, Id, TimestampMillis, TimestampSecs, UserId};

/// A battle (PK) between live rooms was created.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterCreateBattle {
    /// User id of who created the battle.
    #[serde(rename = "Operator_Account")]
    pub operator_account: Option<UserId>,
    /// Id of the battle: a string without a documented form.
    pub battle_id: Id,
    /// Room id of the inviting side.
    pub from_room_id: Option<GroupId>,
    /// Room ids of the invited side.
    #[serde(default)]
    pub to_room_id_list: Vec<GroupId>,
    /// How long the invited side may take to answer when `NeedResponse` is true (**milliseconds**).
    pub timeout: Option<i64>,
    /// Length of the battle (**milliseconds**).
    pub duration: Option<i64>,
    /// False starts at once, true waits for the invited side to accept.
    pub need_response: Option<bool>,
    /// Custom data of the battle; may be absent.
    pub extension_info: Option<String>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterCreateBattle, "https://trtc.io/document/68259",
    time |e| e.event_time,
    order room |e| [e.from_room_id]
}

/// A battle (PK) between live rooms started.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterStartBattle {
    /// Id of the battle that started.
    pub battle_id: Id,
    /// Length of the battle (**milliseconds**).
    pub duration: Option<i64>,
    /// When it was created (**seconds**).
    pub create_time: Option<TimestampSecs>,
    /// When it started (**seconds**).
    pub start_time: Option<TimestampSecs>,
    /// Room of the inviting side. It has no score yet.
    pub from_room_info: BattleRoom,
    /// Rooms of the invited side. They have no scores yet.
    #[serde(default)]
    pub to_room_list: Vec<BattleRoom>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterStartBattle, "https://trtc.io/document/68260",
    time |e| e.event_time,
    order room |e| [e.from_room_info.room_id]
}

/// A battle (PK) between live rooms ended, with the scores.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct AfterEndBattle {
    /// Id of the battle that ended.
    pub battle_id: Id,
    /// Length of the battle (**milliseconds**).
    pub duration: Option<i64>,
    /// When it was created (**seconds**).
    pub create_time: Option<TimestampSecs>,
    /// When it started (**seconds**). What it is for a battle that never started is not documented.
    pub start_time: Option<TimestampSecs>,
    /// When it ended (**seconds**).
    pub end_time: Option<TimestampSecs>,
    /// Why it ended: 0 time is up, 1 all room owners left, 2 never started because nobody joined.
    pub op_type: Option<BattleEnd>,
    /// Room of the inviting side, with its score.
    pub from_room_info: BattleRoom,
    /// Rooms of the invited side, with their scores.
    #[serde(default)]
    pub to_room_list: Vec<BattleRoom>,
    /// When the event was triggered (**milliseconds**).
    pub event_time: Option<TimestampMillis>,
}

event! {
    AfterEndBattle, "https://trtc.io/document/68261",
    time |e| e.event_time,
    order room |e| [e.from_room_info.room_id]
}

/// A room of a battle.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BattleRoom {
    /// Id of a room that takes part in the battle.
    pub room_id: GroupId,
    /// Score of the room; absent when the battle starts.
    pub score: Option<i64>,
    /// User id of the owner of the room. It may arrive as a string or as a number of 64 bits and is
    /// read as text.
    #[serde(rename = "Owner_Account")]
    pub owner_account: Option<UserId>,
}

wire_int! {
    /// Why a battle ended.
    BattleEnd {
        /// Time was up.
        TimeUp = 0;
        /// All room owners left.
        OwnersLeft = 1;
        /// Nobody joined.
        NeverStarted = 2;
    }
}
