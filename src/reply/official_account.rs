//! Replies to callbacks about official accounts.

use super::code::Code;
use super::verdict::{Verdict, message_reply, partial_reply, verdict_reply};

/// A code that the caller gets: 120001 to 130000.
pub type RejectCode = Code<120_001, 130_000>;

message_reply! {
    /// The reply to `OfficialAccount.CallbackBeforeSendMsg`.
    ///
    /// With a plain [`reject`](Self::reject), the caller gets error 10016.
    ///
    /// Source: <https://trtc.io/document/60803>
    BeforeSendMsgReply RejectCode
}

verdict_reply! {
    /// The reply to `OfficialAccount.CallbackBeforeCreateOfficialAccount`.
    ///
    /// With a plain [`reject`](Self::reject), the caller gets error 20006.
    ///
    /// Source: <https://trtc.io/document/60795>
    BeforeCreateOfficialAccountReply RejectCode
}

partial_reply! {
    /// The reply to `OfficialAccount.CallbackBeforeAddSubscriber`, which has no codes of your own.
    ///
    /// ```compile_fail
    /// use tencent_im_callback::reply::official_account::{BeforeAddSubscriberReply, RejectCode};
    /// let reply = BeforeAddSubscriberReply::reject_with(RejectCode::of::<120001>(), "no");
    /// ```
    BeforeAddSubscriberReply "RefusedSubscribers_Account"
}
