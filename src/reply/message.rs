//! One verdict for the three *before* commands of messages.

use super::{Rewrite, c2c, group, official_account};

/// The verdict on a message, for all three commands; see
/// [`BeforeMessage`](crate::event::BeforeMessage).
///
/// It converts into the reply of each command: `c2c`, `group` and
/// `official_account::BeforeSendMsgReply`.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct MessageVerdict(Verdict);

#[derive(Clone, Debug, PartialEq)]
enum Verdict {
    Allow,
    Rewritten(Box<Rewrite>),
    Reject,
    RejectWith(c2c::RejectCode, group::RejectCode, String),
    Discard,
}

impl MessageVerdict {
    /// Delivers the message unchanged.
    pub fn allow() -> Self {
        MessageVerdict(Verdict::Allow)
    }

    /// Delivers another message instead.
    pub fn allow_rewritten(rewrite: Rewrite) -> Self {
        MessageVerdict(Verdict::Rewritten(Box::new(rewrite)))
    }

    /// Rejects it. The sender gets an error code of Tencent's.
    pub fn reject() -> Self {
        MessageVerdict(Verdict::Reject)
    }

    /// Rejects it with your code and text, which the sender's client gets. Groups have their own
    /// range of codes; official accounts have that of one-to-one messages.
    ///
    /// ```
    /// use tencent_im_callback::reply::{MessageVerdict, c2c, group};
    ///
    /// let verdict = MessageVerdict::reject_with(
    ///     c2c::RejectCode::of::<120001>(),
    ///     group::RejectCode::of::<10100>(),
    ///     "no advertising, please",
    /// );
    /// ```
    pub fn reject_with(
        code: c2c::RejectCode,
        group_code: group::RejectCode,
        info: impl Into<String>,
    ) -> Self {
        MessageVerdict(Verdict::RejectWith(code, group_code, info.into()))
    }

    /// Drops it silently: the sender sees success.
    pub fn discard() -> Self {
        MessageVerdict(Verdict::Discard)
    }
}

macro_rules! becomes {
    ($($reply:ty, |$code:ident, $group:ident| $chosen:ident;)*) => { $(
        impl From<MessageVerdict> for $reply {
            fn from(verdict: MessageVerdict) -> Self {
                match verdict.0 {
                    Verdict::Allow => <$reply>::allow(),
                    Verdict::Rewritten(rewrite) => <$reply>::allow_rewritten(*rewrite),
                    Verdict::Reject => <$reply>::reject(),
                    Verdict::RejectWith($code, $group, info) => {
                        <$reply>::reject_with($chosen, info)
                    }
                    Verdict::Discard => <$reply>::discard(),
                }
            }
        }
    )* };
}

becomes! {
    c2c::BeforeSendMsgReply, |code, _group| code;
    group::BeforeSendMsgReply, |_code, group| group;
    official_account::BeforeSendMsgReply, |code, _group| code;
}
