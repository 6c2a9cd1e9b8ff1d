//! Replies to callbacks about live rooms.

use super::code::Code;
use super::verdict::{Verdict, verdict_reply};

/// A code that the client gets: 102100 to 102200.
pub type RejectCode = Code<102_100, 102_200>;

verdict_reply! {
    /// The reply to `Live.CallbackBeforeSendGift`. A late or missing answer blocks the gift as
    /// well.
    ///
    /// Source: <https://trtc.io/document/72210>
    BeforeSendGiftReply RejectCode
}
