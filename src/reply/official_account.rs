//! Replies about official accounts.

use super::code::Code;
use super::verdict::{Verdict, message_reply, partial_reply, verdict_reply};

/// A code that is handed on to the caller: 120001 to 130000.
pub type RejectCode = Code<120_001, 130_000>;

message_reply! {
    /// Reply to `OfficialAccount.CallbackBeforeSendMsg`.
    ///
    /// A plain [`reject`](Self::reject) shows the caller error 10016.
    ///
    /// Source: <https://trtc.io/document/60803>
    BeforeSendMsgReply RejectCode
}

verdict_reply! {
    /// Reply to `OfficialAccount.CallbackBeforeCreateOfficialAccount`.
    ///
    /// A plain [`reject`](Self::reject) shows the caller error 20006.
    ///
    /// Source: <https://trtc.io/document/60795>
    BeforeCreateOfficialAccountReply RejectCode
}

partial_reply! {
    /// Reply to `OfficialAccount.CallbackBeforeAddSubscriber`, which knows no codes of your own.
    ///
    /// ```compile_fail
    /// use tencent_im_callback::reply::official_account::{BeforeAddSubscriberReply, RejectCode};
    /// let reply = BeforeAddSubscriberReply::reject_with(RejectCode::of::<120001>(), "no");
    /// ```
    BeforeAddSubscriberReply "RefusedSubscribers_Account"
}
