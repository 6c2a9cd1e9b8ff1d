//! A [tower] middleware for the callbacks (webhooks) of Tencent Cloud IM, also called Tencent Chat.
//!
//! Tencent calls an app's server over HTTP whenever something happens: friends were removed, a message is about to be sent, a
//! group was made. This crate verifies such a request (`SdkAppid`, signature, freshness), parses it into a typed [`Event`], hands
//! it to an inner `Service<Callback>`, and writes the reply in the form Tencent expects.
//!
//! ```
//! use std::convert::Infallible;
//! use tencent_im_callback::{App, Callback, CallbackLayer, Event, Reply, Token};
//! use tower::{Layer, service_fn};
//!
//! async fn handle(callback: Callback) -> Result<Reply, Infallible> {
//!     match callback.event {
//!         Event::SnsFriendDelete(event) => println!("{} friendships ended", event.pair_list.len()),
//!         other => println!("{:?}", other.command()),
//!     }
//!     Ok(Reply::ok())
//! }
//!
//! let app = App::signed(1400000000, Token::new("xxxxyyyy")?);
//! let service = CallbackLayer::new(app).layer(service_fn(handle));
//! let router: axum::Router = axum::Router::new().route_service("/callback", service);
//! # Ok::<(), tencent_im_callback::InvalidToken>(())
//! ```
//!
//! # The way of a request
//!
//! [`CallbackLayer`] checks method and URL ([`Verifier`]), reads the body up to a limit, parses it ([`Callback`]), calls the inner
//! service and writes its [`Reply`]. What fails is answered with a status and a fixed phrase ([`RejectionKind`]); the host learns
//! the rest from the [`Outcome`] in the response's extensions and from one log event per request. See [`layer`] for the order of
//! other layers around it.
//!
//! Those who want to read the body themselves take [`VerifyLayer`]. Those without tower call [`Verifier::verify`] and
//! [`Callback::parse`], which are plain functions.
//!
//! # What the signature proves
//!
//! `Sign` is the SHA-256 of the token followed by the time, and nothing else. A good one proves that somebody who knows the token
//! made a URL within the last minute. It covers neither body nor command nor app: whoever sees one URL can forge callbacks until
//! it is too old. So serve HTTPS, keep the URL to yourself (a secret path helps), and keep it out of logs ([`redacted`]).
//!
//! # Security
//!
//! `SECURITY.md` has the threat model: what is refused, what is left to the server and to other layers, what becomes of messages when the
//! endpoint fails, how to change a token without a gap, how to report a weakness, and each known attack with the test that proves the
//! answer. It comes with the crate, and stands [in the repository](https://github.com/tencent-im-callback/tencent-im-callback/blob/main/SECURITY.md).
//!
//! # Nothing is lost
//!
//! A command that this version does not know arrives as [`Event::Unknown`] with its raw body. So does an *after* callback whose
//! body does not fit its type; [`Outcome::misfit`] tells. A *before* callback that does not fit is not handed on, since it may be a
//! message that a crafted body hides from moderation: [`OnError`] decides what is answered.
//!
//! # What arrives, and what to answer
//!
//! [`commands`] lists all commands with their types. Each event is a struct under [`event`], one module per family; each reply that
//! means more than OK is a type under [`reply`], so that an answer meant for another command does not compile.
//!
//! # Features
//!
//! - `tracing` (default): one log event per request, with the target `tencent_im_callback`.
//! - `detach`: [`DetachLayer`], answering at once and working in the background, on tokio.
//! - `dedup`: [`DedupLayer`], handling a delivery that comes twice only once.
//! - `testing`: [`testing`], signed and deliberately broken requests, documented bodies, callbacks for a handler's unit test.
//!
//! [tower]: https://docs.rs/tower

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod event;
pub mod layer;
pub mod message;
pub mod protocol;
pub mod reply;
pub mod response;
pub mod service;
mod table;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
pub mod verify;
mod wire;

pub use self::event::{Callback, DedupKey, Event, EventTime, Misfit, TypedEvent, UnknownEvent, UnknownReason};
pub use self::layer::{CallbackLayer, CallbackService, ResponseFuture};
pub use self::protocol::{
    App, Apps, Command, Family, GroupId, Id, InvalidToken, OptPlatform, Params, Phase, Rejection, RejectionKind,
    SdkAppId, TimestampMillis, TimestampSecs, Token, UserId, Verifier, redacted, sign,
};
pub use self::reply::Reply;
pub use self::response::{Cause, Failure, OnError, Outcome, OutcomeKind, ResponseBody};
#[cfg(feature = "dedup")]
#[cfg_attr(docsrs, doc(cfg(feature = "dedup")))]
pub use self::service::{Dedup, DedupLayer};
#[cfg(feature = "detach")]
#[cfg_attr(docsrs, doc(cfg(feature = "detach")))]
pub use self::service::{Detach, DetachFailure, DetachLayer, DetachStats, Drained};
pub use self::service::{EventRouter, HandlerError, HandlerOutput, RouterFuture};
pub use self::verify::{VerifyBody, VerifyFuture, VerifyLayer, VerifyService};
pub use self::wire::{Flag, RawJson, Spelling, Unlisted};

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

macro_rules! define_commands_page {
    ($( $family:ident $module:ident $prefix:literal {
        $(
            $phase:ident $variant:ident $word:literal $docs:literal => $event:ident $(-> $reply:ident)?
            $(, time $time:expr)? $(, key $key:expr)?;
        )*
    } )*) => {
        /// All commands: the phase they are sent in, their type, what may be answered, and the vendor's page.
        ///
        /// Where no reply is named, `()` is the answer, which is written as `OK`.
        ///
        /// | command | phase | event | reply | vendor's page |
        /// | --- | --- | --- | --- | --- |
        $( $(
            #[doc = concat!(
                "| `", $word, "` | ", stringify!($phase), " | [`", stringify!($module), "::", stringify!($event),
                "`](crate::event::", stringify!($module), "::", stringify!($event), ") | ",
                reply_cell!($module $($reply)?), " | <", $docs, "> |",
            )]
        )* )*
        pub mod commands {}
    };
}

table::for_each_command!(define_commands_page);

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../README.zh-CN.md")]
struct ReadmeInChinese;
