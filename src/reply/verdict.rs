//! The shapes that verdicts come in. Each command's reply is a type of its own, made by one of
//! these macros, so that an answer meant for another command does not compile.

use serde::Serialize;

use super::{Envelope, Reply};

/// A verdict that has only the fields of the envelope. A rejection has `ActionStatus: OK` and a
/// code; `FAIL` would say that your server failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) code: u32,
    pub(super) info: String,
}

impl Verdict {
    pub(super) fn new(code: u32) -> Self {
        Verdict { code, info: String::new() }
    }

    pub(super) fn with_info(code: u32, info: impl Into<String>) -> Self {
        Verdict { code, info: info.into() }
    }

    pub(super) fn envelope(&self) -> Envelope<'_> {
        Envelope { action_status: "OK", error_code: self.code.into(), error_info: &self.info }
    }

    pub(super) fn reply(&self) -> Reply {
        if self.code == 0 && self.info.is_empty() {
            Reply::ok()
        } else {
            Reply::json(&self.envelope())
        }
    }
}

/// A verdict with further fields beside the envelope.
#[derive(Serialize)]
pub(super) struct With<'a, T> {
    #[serde(flatten)]
    pub(super) envelope: Envelope<'a>,
    #[serde(flatten)]
    pub(super) more: T,
}

/// A reply of allow, reject and reject with a code.
macro_rules! verdict_reply {
    ($(#[$doc:meta])* $name:ident $code:ty) => {
        $crate::reply::verdict::verdict_reply! { $(#[$doc])* $name }

        impl $name {
            /// Rejects with your code and text, which the client gets.
            pub fn reject_with(code: $code, info: impl Into<String>) -> Self {
                $name { verdict: Verdict::with_info(code.get(), info) }
            }
        }
    };
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// The default allows.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[must_use]
        pub struct $name {
            verdict: Verdict,
        }

        impl $name {
            /// Allows it.
            pub fn allow() -> Self {
                $name { verdict: Verdict::new(0) }
            }

            /// Rejects it. The user gets an error code of Tencent's.
            pub fn reject() -> Self {
                $name { verdict: Verdict::new(1) }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                $name::allow()
            }
        }

        impl From<$name> for $crate::reply::Reply {
            fn from(reply: $name) -> Self {
                reply.verdict.reply()
            }
        }
    };
}

/// A reply that may also refuse some of several people and let the others through.
macro_rules! partial_reply {
    ($(#[$doc:meta])* $name:ident $list:literal) => {
        $(#[$doc])*
        ///
        /// The default allows.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[must_use]
        pub struct $name {
            verdict: Verdict,
            refused: Vec<$crate::types::UserId>,
        }

        impl $name {
            /// Lets everybody through.
            pub fn allow() -> Self {
                $name { verdict: Verdict::new(0), refused: Vec::new() }
            }

            /// Lets everybody through except these users.
            pub fn reject_some<U: Into<$crate::types::UserId>>(
                people: impl IntoIterator<Item = U>,
            ) -> Self {
                let refused = people.into_iter().map(Into::into).collect();
                $name { verdict: Verdict::new(0), refused }
            }

            /// Rejects the whole request.
            pub fn reject() -> Self {
                $name { verdict: Verdict::new(1), refused: Vec::new() }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                $name::allow()
            }
        }

        impl From<$name> for $crate::reply::Reply {
            fn from(reply: $name) -> Self {
                #[derive(serde::Serialize)]
                struct Refused<'a> {
                    #[serde(rename = $list)]
                    people: &'a [$crate::types::UserId],
                }

                if reply.refused.is_empty() {
                    return reply.verdict.reply();
                }
                $crate::reply::Reply::json(&$crate::reply::verdict::With {
                    envelope: reply.verdict.envelope(),
                    more: Refused { people: &reply.refused },
                })
            }
        }
    };
}

/// A reply about a message, which may also be dropped silently or rewritten.
macro_rules! message_reply {
    ($(#[$doc:meta])* $name:ident $code:ty) => {
        $(#[$doc])*
        ///
        /// The default allows.
        #[derive(Clone, Debug, PartialEq)]
        #[must_use]
        pub struct $name {
            verdict: Verdict,
            rewrite: $crate::reply::Rewrite,
        }

        impl $name {
            /// Delivers the message unchanged.
            pub fn allow() -> Self {
                Self::verdict(Verdict::new(0))
            }

            /// Delivers another message instead.
            pub fn allow_rewritten(rewrite: $crate::reply::Rewrite) -> Self {
                $name { verdict: Verdict::new(0), rewrite }
            }

            /// Rejects it. The sender gets an error code of Tencent's.
            pub fn reject() -> Self {
                Self::verdict(Verdict::new(1))
            }

            /// Rejects it with your code and text, which the sender's client gets.
            pub fn reject_with(code: $code, info: impl Into<String>) -> Self {
                Self::verdict(Verdict::with_info(code.get(), info))
            }

            /// Drops it silently: the sender sees success.
            pub fn discard() -> Self {
                Self::verdict(Verdict::new(2))
            }

            fn verdict(verdict: Verdict) -> Self {
                $name { verdict, rewrite: $crate::reply::Rewrite::new() }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                $name::allow()
            }
        }

        impl From<$name> for $crate::reply::Reply {
            fn from(reply: $name) -> Self {
                if reply.rewrite.is_empty() {
                    return reply.verdict.reply();
                }
                $crate::reply::Reply::json(&$crate::reply::verdict::With {
                    envelope: reply.verdict.envelope(),
                    more: &reply.rewrite,
                })
            }
        }
    };
}

pub(super) use {message_reply, partial_reply, verdict_reply};
