#![cfg_attr(
    not(all(
        feature = "dedup",
        feature = "detach",
        feature = "limit",
        feature = "metrics",
        feature = "moderation",
        feature = "testing",
        feature = "tracing",
    )),
    doc = include_str!("docs/without_features.md")
)]
#![doc = "A [tower](https://docs.rs/tower) middleware for the callbacks (webhooks) of Tencent \
    Cloud IM, also called Tencent Chat."]
#![doc = ""]
#![doc = include_str!("docs/guide.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod auth;
mod callback;
mod caught;
mod command;
mod count;
#[cfg(feature = "dedup")]
#[cfg_attr(docsrs, doc(cfg(feature = "dedup")))]
pub mod dedup;
#[cfg(feature = "detach")]
#[cfg_attr(docsrs, doc(cfg(feature = "detach")))]
pub mod detach;
pub mod docs;
mod error;
pub mod event;
mod find;
pub mod handle;
mod json;
#[cfg(feature = "limit")]
#[cfg_attr(docsrs, doc(cfg(feature = "limit")))]
pub mod limit;
pub mod message;
#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub mod metrics;
#[cfg(feature = "moderation")]
#[cfg_attr(docsrs, doc(cfg(feature = "moderation")))]
pub mod moderation;
mod oneshot;
mod output;
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
pub mod zh;

#[doc(inline)]
pub use self::auth::{App, Apps, InvalidTokenError, Params, Token, Verified, Verifier, redacted};
#[doc(inline)]
pub use self::callback::Callback;
#[doc(inline)]
pub use self::command::{Command, Family, Phase, UnknownCommand};
#[cfg(feature = "dedup")]
#[cfg_attr(docsrs, doc(cfg(feature = "dedup")))]
#[doc(inline)]
pub use self::dedup::{Dedup, DedupFuture, DedupLayer, DedupStats};
#[cfg(feature = "detach")]
#[cfg_attr(docsrs, doc(cfg(feature = "detach")))]
#[doc(inline)]
pub use self::detach::{
    Detach, DetachFailure, DetachFuture, DetachId, DetachLayer, DetachStats, Drained,
};
#[doc(inline)]
pub use self::error::{Cause, HandlerError, Retry};
#[doc(inline)]
pub use self::event::{
    DedupKey, Event, EventTime, Misfit, MisfitKind, OrderKey, TypedEvent, UnknownEvent,
    UnknownReason,
};
#[doc(inline)]
pub use self::handle::{Answer, CallbackLayer, CallbackService, ResponseFuture, respond};
#[cfg(feature = "limit")]
#[cfg_attr(docsrs, doc(cfg(feature = "limit")))]
#[doc(inline)]
pub use self::limit::{Quota, RateLimit, RateLimitFuture, RateLimitLayer, RateLimitStats};
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
pub use self::response::{Failure, OnError, Outcome, OutcomeKind, ResponseBody};
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

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../README.zh-CN.md")]
struct ReadmeInChinese;

/// A callback cannot be built by hand:
///
/// ```compile_fail,E0639
/// use tencent_im_callback::{Callback, Event, Params};
///
/// fn forged(event: Event, params: Params) -> Callback {
///     Callback {
///         event,
///         params,
///         body: Default::default(),
///         headers: Default::default(),
///         extensions: Default::default(),
///     }
/// }
/// ```
///
/// Nor do its parameters give the URL away:
///
/// ```compile_fail,E0616
/// fn sign(params: &tencent_im_callback::Params) -> String {
///     params.url.to_string()
/// }
/// ```
#[cfg(doctest)]
struct DoesNotCompile;
