//! Replies to callbacks about one-to-one messages.

use super::code::Code;
use super::verdict::{Verdict, message_reply};

/// A code that the sender gets: 120001 to 130000.
pub type RejectCode = Code<120_001, 130_000>;

message_reply! {
    /// The reply to `C2C.CallbackBeforeSendMsg`.
    ///
    /// With a plain [`reject`](Self::reject), the sender gets error 20006.
    ///
    /// ```
    /// use tencent_im_callback::reply::c2c::{BeforeSendMsgReply, RejectCode};
    ///
    /// let code = RejectCode::of::<120001>();
    /// let reply = BeforeSendMsgReply::reject_with(code, "no advertising, please");
    /// ```
    ///
    /// ```compile_fail
    /// # use tencent_im_callback::reply::c2c::{BeforeSendMsgReply, RejectCode};
    /// // 10100 is a code of groups.
    /// let reply = BeforeSendMsgReply::reject_with(RejectCode::of::<10100>(), "no");
    /// ```
    ///
    /// Source: <https://trtc.io/document/34364>
    BeforeSendMsgReply RejectCode
}
