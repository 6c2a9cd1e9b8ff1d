//! Replies to callbacks about groups, their messages and topics.

use super::code::Code;
use super::verdict::{Verdict, message_reply, partial_reply, verdict_reply};

/// A code that the client gets: 10100 to 10200.
pub type RejectCode = Code<10_100, 10_200>;

message_reply! {
    /// The reply to `Group.CallbackBeforeSendMsg`.
    ///
    /// With a plain [`reject`](Self::reject), the sender gets error 10016.
    ///
    /// Source: <https://trtc.io/document/34374>
    BeforeSendMsgReply RejectCode
}

verdict_reply! {
    /// The reply to `Group.CallbackBeforeCreateGroup`.
    ///
    /// With a plain [`reject`](Self::reject), the user gets error 10016.
    ///
    /// Source: <https://trtc.io/document/34368>
    BeforeCreateGroupReply RejectCode
}

verdict_reply! {
    /// The reply to `Group.CallbackBeforeCreateTopic`.
    ///
    /// With a plain [`reject`](Self::reject), the user gets error 10016.
    BeforeCreateTopicReply RejectCode
}

verdict_reply! {
    /// The reply to `Group.CallbackBeforeApplyJoinGroup`.
    ///
    /// With a plain [`reject`](Self::reject), the user gets error 10016.
    ///
    /// ```compile_fail
    /// // Only messages can be dropped silently.
    /// let reply = tencent_im_callback::reply::group::BeforeApplyJoinGroupReply::discard();
    /// ```
    BeforeApplyJoinGroupReply RejectCode
}

partial_reply! {
    /// The reply to `Group.CallbackBeforeInviteJoinGroup`.
    ///
    /// ```
    /// use tencent_im_callback::reply::group::BeforeInviteJoinGroupReply;
    ///
    /// let reply = BeforeInviteJoinGroupReply::reject_some(["jared"]);
    /// ```
    BeforeInviteJoinGroupReply "RefusedMembers_Account"
}

impl BeforeInviteJoinGroupReply {
    /// Rejects the whole request with your code and text, which the client gets.
    pub fn reject_with(code: RejectCode, info: impl Into<String>) -> Self {
        BeforeInviteJoinGroupReply {
            verdict: Verdict::with_info(code.get(), info),
            refused: Vec::new(),
        }
    }
}
