//! x
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod commands;
pub mod event;
pub mod layer;
pub mod protocol;
pub mod reply;
pub mod response;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
pub mod verify;

pub use self::event::{Callback, Event, Flag, Misfit, TypedEvent, UnknownEvent, UnknownReason};
pub use self::layer::{CallbackLayer, CallbackService, ResponseFuture};
pub use self::protocol::{
    App, Apps, Command, Family, GroupId, InvalidToken, OptPlatform, Params, Phase, Rejection, RejectionKind,
    SdkAppId, TimestampMillis, TimestampSecs, Token, UserId, Verifier, redacted, sign,
};
pub use self::reply::Reply;
pub use self::response::{Cause, Failure, OnError, Outcome, OutcomeKind, ResponseBody};
pub use self::verify::{VerifyBody, VerifyFuture, VerifyLayer, VerifyService};
