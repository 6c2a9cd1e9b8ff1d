//! Replies about live rooms.

use super::code::Code;
use super::verdict::{Verdict, verdict_reply};

/// A code that is handed on to the client: 102100 to 102200.
pub type RejectCode = Code<102_100, 102_200>;

verdict_reply! {
    /// Reply to `Live.CallbackBeforeSendGift`. A late answer, or none, blocks the gift as well.
    ///
    /// Source: <https://trtc.io/document/72210>
    BeforeSendGiftReply RejectCode
}
