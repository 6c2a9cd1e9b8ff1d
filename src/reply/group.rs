//! Replies about groups, their messages and topics.

use super::code::Code;
use super::verdict::{Verdict, message_reply, partial_reply, verdict_reply};

/// A code that is handed on to the client: 10100 to 10200.
pub type RejectCode = Code<10_100, 10_200>;

message_reply! {
    /// Reply to `Group.CallbackBeforeSendMsg`.
    ///
    /// A plain [`reject`](Self::reject) shows the sender error 10016.
    ///
    /// Source: <https://trtc.io/document/34374>
    BeforeSendMsgReply RejectCode
}

verdict_reply! {
    /// Reply to `Group.CallbackBeforeCreateGroup`.
    ///
    /// A plain [`reject`](Self::reject) shows the user error 10016.
    ///
    /// Source: <https://trtc.io/document/34368>
    BeforeCreateGroupReply RejectCode
}

verdict_reply! {
    /// Reply to `Group.CallbackBeforeCreateTopic`.
    ///
    /// A plain [`reject`](Self::reject) shows the user error 10016.
    BeforeCreateTopicReply RejectCode
}

verdict_reply! {
    /// Reply to `Group.CallbackBeforeApplyJoinGroup`.
    ///
    /// A plain [`reject`](Self::reject) shows the user error 10016.
    ///
    /// ```compile_fail
    /// // Only messages can be dropped silently.
    /// let reply = tencent_im_callback::reply::group::BeforeApplyJoinGroupReply::discard();
    /// ```
    BeforeApplyJoinGroupReply RejectCode
}

partial_reply! {
    /// Reply to `Group.CallbackBeforeInviteJoinGroup`.
    ///
    /// ```
    /// use tencent_im_callback::reply::group::BeforeInviteJoinGroupReply;
    ///
    /// let reply = BeforeInviteJoinGroupReply::reject_some(["jared"]);
    /// ```
    BeforeInviteJoinGroupReply "RefusedMembers_Account"
}

impl BeforeInviteJoinGroupReply {
    /// Refuses the whole request with a code of your own and a text, which are handed on to the client.
    pub fn reject_with(code: RejectCode, info: impl Into<String>) -> Self {
        BeforeInviteJoinGroupReply {
            verdict: Verdict::with_info(code.get(), info),
            refused: Vec::new(),
        }
    }
}
