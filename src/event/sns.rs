//! Friends and block lists (`Sns.…`).
//!
//! ```
//! use tencent_im_callback::{Event, event::sns::FriendDelete, testing};
//!
//! let body = r#"{"PairList":[{"From_Account":"id","To_Account":"id1"}]}"#;
//! let callback = testing::callback::<FriendDelete>(body);
//! assert_eq!(callback.event.pair_list[0].to_account, "id1");
//! ```

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::event::rules::event;
use crate::json::wire_text;
use crate::reply::sns::{PrevFriendAddReply, PrevFriendResponseReply};
use crate::types::{Flag, TimestampMillis, TimestampSecs, UserId};

/// One directed entry of a friend list or block list. A friendship both ways is two entries,
/// mirrored.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Pair {
    /// User id of the owner of the friend list or block list.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// User id of who was put on that list or taken off it.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// User id of who asked for the friendship; only in [`FriendAdd`].
    #[serde(rename = "Initiator_Account")]
    pub initiator_account: Option<UserId>,
    /// When the entry changed (**seconds**). Only the vendor's page of about 2016 for
    /// [`BlackListDelete`] has it.
    pub time_stamp: Option<TimestampSecs>,
}

/// Friendships were made. Importing friends over REST does not trigger it.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct FriendAdd {
    /// Friend-list entries that were made.
    pub pair_list: Vec<Pair>,
    /// Operation that led to the friendship: a friend request, or the answer to one.
    pub client_cmd: Option<ClientCmd>,
    /// User id of the admin, if your server made the request over REST; else empty.
    #[serde(rename = "Admin_Account")]
    pub admin_account: Option<UserId>,
    /// 1 if an admin forced the friendship, else 0.
    pub force_flag: Option<Flag>,
}

event! {
    FriendAdd, "https://trtc.io/document/34359",
    order account |e| [e.pair_list.first().map(|pair| &pair.from_account)]
}

/// Friendships were removed. Putting a friend on the block list removes the friendship, too.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct FriendDelete {
    /// Friend-list entries that were removed.
    pub pair_list: Vec<Pair>,
}

event! {
    FriendDelete, "https://trtc.io/document/34360",
    order account |e| [e.pair_list.first().map(|pair| &pair.from_account)]
}

/// Users were put on a block list. If they were friends, [`FriendDelete`] comes as well.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BlackListAdd {
    /// Block-list entries that were made.
    pub pair_list: Vec<Pair>,
}

event! {
    BlackListAdd, "https://trtc.io/document/34361",
    order account |e| [e.pair_list.first().map(|pair| &pair.from_account)]
}

/// Users were taken off a block list.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct BlackListDelete {
    /// Block-list entries that were removed.
    pub pair_list: Vec<Pair>,
}

event! {
    BlackListDelete, "https://trtc.io/document/34362",
    time |e| e.pair_list.iter().filter_map(|pair| pair.time_stamp).max(),
    order account |e| [e.pair_list.first().map(|pair| &pair.from_account)]
}

/// A user is about to send friend requests from a client; the [reply](PrevFriendAddReply) lets each
/// of them through or not. Requests over REST do not ask.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct PrevFriendAdd {
    /// User id of who made the request.
    #[serde(rename = "Requester_Account")]
    pub requester_account: Option<UserId>,
    /// User who wants to add friends.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// One entry per user to be added.
    pub friend_item: Vec<FriendItem>,
    /// Whether the friendship is one-way or two-way.
    pub add_type: Option<AddType>,
    /// 1 if an admin forces the friendship, else 0.
    pub force_add_flags: Option<Flag>,
    /// When it happened, in **milliseconds**.
    pub event_time: Option<TimestampMillis>,
}

event! {
    PrevFriendAdd, "https://trtc.io/document/43468",
    time |e| e.event_time
}

/// A user to be added as a friend.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct FriendItem {
    /// User id of who is to become a friend.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Remark that `from_account` gives the new friend, at most 96 bytes.
    pub remark: Option<String>,
    /// Friend list in which `from_account` puts the new friend, at most 30 bytes.
    pub group_name: Option<String>,
    /// Where the request came from: `AddSource_Type_` and a keyword of up to 8 letters.
    pub add_source: Option<String>,
    /// Text sent along with the request, at most 256 bytes.
    pub add_wording: Option<String>,
}

/// A user is about to answer friend requests from a client; the [reply](PrevFriendResponseReply)
/// lets each answer through or not. Answers over REST do not ask.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct PrevFriendResponse {
    /// User id of who made the request.
    #[serde(rename = "Requester_Account")]
    pub requester_account: Option<UserId>,
    /// User id of who answers the friend requests.
    #[serde(rename = "From_Account")]
    pub from_account: UserId,
    /// One entry per answered request.
    pub response_friend_item: Vec<ResponseFriendItem>,
    /// When it happened, in **milliseconds**.
    pub event_time: Option<TimestampMillis>,
}

event! {
    PrevFriendResponse, "https://trtc.io/document/43467",
    time |e| e.event_time
}

/// An answer to a friend request.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ResponseFriendItem {
    /// User id of who asked for the friendship and is answered.
    #[serde(rename = "To_Account")]
    pub to_account: UserId,
    /// Remark that `from_account` gives the other user.
    pub remark: Option<String>,
    /// Friend list in which `from_account` puts the other user.
    pub tag_name: Option<String>,
    /// The answer: agree and add back, agree only, or reject.
    pub response_action: Option<ResponseAction>,
}

wire_text! {
    /// Operation that led to a friendship.
    ClientCmd {
        /// A friend request.
        FriendAdd = "friend_add" | "FriendAdd";
        /// The answer to a friend request.
        FriendResponse = "friend_response" | "FriendResponse";
    }

    /// Direction of a friendship.
    AddType {
        /// One-way.
        Single = "Add_Type_Single";
        /// Two-way, the default.
        Both = "Add_Type_Both";
    }

    /// Answer to a friend request.
    ResponseAction {
        /// Agree and add back.
        AgreeAndAdd = "Response_Action_AgreeAndAdd";
        /// Agree only.
        Agree = "Response_Action_Agree";
        /// Reject.
        Reject = "Response_Action_Reject";
    }
}

impl PrevFriendAddReply {
    /// Lets all requests of the event through.
    pub fn allow(event: &PrevFriendAdd) -> Self {
        Self::allow_each(event.friend_item.iter().map(|item| &item.to_account))
    }
}

impl PrevFriendResponseReply {
    /// Lets all answers of the event through.
    pub fn allow(event: &PrevFriendResponse) -> Self {
        Self::allow_each(event.response_friend_item.iter().map(|item| &item.to_account))
    }
}
