//! Typed handlers, one per event: a `Service<Callback>` to use inside
//! [`CallbackLayer`](crate::CallbackLayer).
//!
//! ```
//! use tencent_im_callback::event::c2c::BeforeSendMsg;
//! use tencent_im_callback::reply::c2c::BeforeSendMsgReply;
//! use tencent_im_callback::{App, Callback, CallbackLayer, EventRouter, Token};
//! use tower::Layer;
//!
//! async fn moderate(callback: Callback<BeforeSendMsg>) -> BeforeSendMsgReply {
//!     let is_muted = callback.event.from_account == "troll";
//!     if is_muted { BeforeSendMsgReply::reject() } else { BeforeSendMsgReply::allow() }
//! }
//!
//! let app = App::signed(1400000000, Token::new("xxxxyyyy")?);
//! let service = CallbackLayer::new(app).layer(EventRouter::new().on(moderate));
//! # Ok::<(), tencent_im_callback::InvalidTokenError>(())
//! ```

mod future;
mod handler;
#[cfg(feature = "moderation")]
mod moderate;
mod routes;
mod service;

pub use self::future::RouterFuture;
pub use self::handler::Handler;
pub use self::service::EventRouter;
pub use crate::output::HandlerOutput;
