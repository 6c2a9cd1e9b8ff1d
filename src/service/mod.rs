//! Services for callbacks, to be put inside of [`CallbackLayer`](crate::CallbackLayer): each is a `Service<Callback>`, so they compose
//! with `ServiceBuilder`, with tower's own layers and with each other.
//!
//! - [`EventRouter`]: typed handlers, one for each event.
//! - `Detach` (feature `detach`): answers *after* callbacks at once, works in the background, drains at shutdown.
//! - `Dedup` (feature `dedup`): handles a delivery that comes twice only once.
//!
//! The order is `Detach` outside, `Dedup` inside. Tencent sends a callback again when the answer was late, and by then its server may
//! have hung up, upon which a web server drops the handler where it stands: detached work goes on, and the second delivery finds it
//! running. The other way round, the early answer would be remembered as the result, and the second delivery of an event whose
//! handling failed would be waved off.
//!
//! ```
//! use tencent_im_callback::event::c2c::BeforeSendMsg;
//! use tencent_im_callback::reply::c2c::BeforeSendMsgReply;
//! use tencent_im_callback::{App, Callback, CallbackLayer, EventRouter, Token};
//! use tower::Layer;
//!
//! async fn moderate(callback: Callback<BeforeSendMsg>) -> BeforeSendMsgReply {
//!     let texts = callback.event.msg_body.texts();
//!     if texts.iter().any(|text| text.contains("spam")) { BeforeSendMsgReply::reject() } else { BeforeSendMsgReply::allow() }
//! }
//!
//! let app = App::signed(1400000000, Token::new("xxxxyyyy")?);
//! let service = CallbackLayer::new(app).layer(EventRouter::new().on(moderate));
//! # Ok::<(), tencent_im_callback::InvalidToken>(())
//! ```

mod error;
mod oneshot;
mod router;

#[cfg(feature = "dedup")]
mod dedup;
#[cfg(feature = "detach")]
mod detach;

pub use self::error::HandlerError;
pub use self::router::{EventRouter, HandlerOutput, RouterFuture};

#[cfg(feature = "dedup")]
#[cfg_attr(docsrs, doc(cfg(feature = "dedup")))]
pub use self::dedup::{Dedup, DedupFuture, DedupLayer};
#[cfg(feature = "detach")]
#[cfg_attr(docsrs, doc(cfg(feature = "detach")))]
pub use self::detach::{Detach, DetachFailure, DetachFuture, DetachLayer, DetachStats, Drained};
