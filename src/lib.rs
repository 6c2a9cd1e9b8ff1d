#![doc = include_str!("docs/guide.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod auth;
mod callback;
mod command;
mod count;
#[cfg(feature = "dedup")]
#[cfg_attr(docsrs, doc(cfg(feature = "dedup")))]
pub mod dedup;
#[cfg(feature = "detach")]
#[cfg_attr(docsrs, doc(cfg(feature = "detach")))]
pub mod detach;
mod error;
pub mod event;
pub mod handle;
mod json;
pub mod message;
#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub mod metrics;
mod oneshot;
mod rejection;
pub mod reply;
pub mod response;
pub mod router;
mod split;
mod stored;
mod table;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
mod types;
pub mod verify;

#[doc(inline)]
pub use self::auth::{
    App, Apps, InvalidTokenError, Params, Token, Verified, Verifier, redacted, sign,
};
#[doc(inline)]
pub use self::callback::Callback;
#[doc(inline)]
pub use self::command::{Command, Family, Phase};
#[cfg(feature = "dedup")]
#[cfg_attr(docsrs, doc(cfg(feature = "dedup")))]
#[doc(inline)]
pub use self::dedup::{Dedup, DedupLayer, DedupStats};
#[cfg(feature = "detach")]
#[cfg_attr(docsrs, doc(cfg(feature = "detach")))]
#[doc(inline)]
pub use self::detach::{Detach, DetachFailure, DetachId, DetachLayer, DetachStats, Drained};
#[doc(inline)]
pub use self::error::{HandlerError, Retry};
#[doc(inline)]
pub use self::event::{
    DedupKey, Event, EventTime, Misfit, MisfitKind, OrderKey, TypedEvent, UnknownEvent,
    UnknownReason,
};
#[doc(inline)]
pub use self::handle::{Answer, CallbackLayer, CallbackService, ResponseFuture, respond};
#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
#[doc(inline)]
pub use self::metrics::{MetricsFuture, MetricsLayer, MetricsService};
#[doc(inline)]
pub use self::oneshot::Oneshot;
#[doc(inline)]
pub use self::rejection::{Rejection, RejectionKind};
#[doc(inline)]
pub use self::reply::{Disposition, Reply};
#[doc(inline)]
pub use self::response::{Cause, Failure, OnError, Outcome, OutcomeKind, ResponseBody};
#[doc(inline)]
pub use self::router::{EventRouter, Handler, HandlerOutput, RouterFuture};
#[doc(inline)]
pub use self::split::{Split, SplitFuture};
#[doc(inline)]
pub use self::stored::StoredCallback;
#[doc(inline)]
pub use self::types::{
    Flag, GroupId, Id, OptPlatform, RawJson, SdkAppId, TimestampMillis, TimestampSecs, UserId,
};
#[doc(inline)]
pub use self::verify::{VerifyBody, VerifyFuture, VerifyLayer, VerifyService};

macro_rules! reply_cell {
    ($module:ident) => {
        "–"
    };
    ($module:ident $reply:ident) => {
        concat!(
            "[`",
            stringify!($reply),
            "`](crate::reply::",
            stringify!($module),
            "::",
            stringify!($reply),
            ")"
        )
    };
}

macro_rules! key_cell {
    ($variant:ident Before $($rule:tt)*) => {
        "–"
    };
    ($variant:ident $phase:ident [] []) => {
        "body and `RequestId`"
    };
    // Events whose time is in seconds, which is not enough to tell two of them apart.
    (SnsBlackListDelete $($rule:tt)*) => {
        "body and `RequestId`"
    };
    (PushAllMemberPush $($rule:tt)*) => {
        "body and `RequestId`"
    };
    (PushOfflinePush $($rule:tt)*) => {
        "body and `RequestId`"
    };
    // The vendor's newest body has no `EventTime`, only a time in seconds.
    (LiveAfterCreateRoom $($rule:tt)*) => {
        "body and, without `EventTime`, `RequestId`"
    };
    ($variant:ident $phase:ident [$($time:expr)?] [$($id:expr)?]) => {
        "body"
    };
}

macro_rules! order_cell {
    () => {
        "–"
    };
    ($scope:ident) => {
        stringify!($scope)
    };
}

macro_rules! define_commands_page {
    ($( $family:ident $module:ident $prefix:literal {
        $(
            $phase:ident $variant:ident $word:literal $docs:literal => $event:ident $(-> $reply:ident)?
            $(, time $time:expr)? $(, id $id:expr)? $(, order $scope:ident $order:expr)?;
        )*
    } )*) => {
        /// All commands: phase, type, what may be answered, which keys they have, and the vendor's
        /// page.
        ///
        /// Where no reply is named, the handler returns `()`, which is answered `OK`.
        ///
        /// *Duplicate* is what identifies a second delivery
        /// ([`Callback::dedup_key`](crate::Callback::dedup_key)): the whole body, if it contains an
        /// id, or a time in milliseconds; otherwise the body and the URL's `RequestId`, and without
        /// that there is no key. An unknown command needs `RequestId` as well. *Order* is what the
        /// order key consists of ([`Callback::order_key`](crate::Callback::order_key)): the group,
        /// the two people of a conversation, an account and so on.
        ///
        /// | command | phase | event | reply | duplicate | order | vendor's page |
        /// | --- | --- | --- | --- | --- | --- | --- |
        $( $(
            #[doc = concat!(
                "| `", $word, "` | ", stringify!($phase), " | [`", stringify!($module), "::", stringify!($event),
                "`](crate::event::", stringify!($module), "::", stringify!($event), ") | ",
                reply_cell!($module $($reply)?), " | ", key_cell!($variant $phase [$($time)?] [$($id)?]), " | ", order_cell!($($scope)?),
                " | <", $docs, "> |",
            )]
        )* )*
        pub mod commands {}
    };
}

table::for_each_command!(define_commands_page);

#[doc = include_str!("docs/hand_written.md")]
pub mod hand_written {}

#[doc = include_str!("docs/deployment.md")]
pub mod deployment {}

#[doc = include_str!("docs/zh/guide.md")]
pub mod zh {
    // The links on the page name items of the crate's root.
    #[cfg(doc)]
    #[allow(clippy::wildcard_imports)]
    use crate::*;

    #[doc = include_str!("docs/zh/hand_written.md")]
    pub mod hand_written {}

    #[doc = include_str!("docs/zh/deployment.md")]
    pub mod deployment {}
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../README.zh-CN.md")]
struct ReadmeInChinese;

#[cfg(all(test, feature = "testing"))]
mod tests {
    use crate::table::for_each_command;
    use crate::{Callback, Command, Params, testing};

    macro_rules! key_cells {
        ($( $family:ident $module:ident $prefix:literal {
            $(
                $phase:ident $variant:ident $word:literal $docs:literal => $event:ident $(-> $reply:ident)?
                $(, time $time:expr)? $(, id $id:expr)? $(, order $scope:ident $order:expr)?;
            )*
        } )*) => {
            const CELLS: &[(&str, &str)] = &[$( $( ($word, key_cell!($variant $phase [$($time)?] [$($id)?])), )* )*];
        };
    }

    for_each_command!(key_cells);

    /// The column *Duplicate* of the page is true for the body that the vendor documents.
    #[test]
    fn the_page_says_which_commands_have_a_key() {
        for (word, cell) in CELLS {
            let command = Command::from(*word);
            let params = Params::trusted(2_779_521_537, command.clone());
            let mut body: serde_json::Value =
                serde_json::from_str(testing::sample(&command).unwrap()).unwrap();
            if let Some(app) = body.get_mut("SdkAppId") {
                *app = 2_779_521_537_u64.into();
            }
            let callback = Callback::parse(params, body.to_string().into()).unwrap();
            assert_eq!(callback.dedup_key().is_some(), *cell == "body", "{word}");
        }
    }
}
