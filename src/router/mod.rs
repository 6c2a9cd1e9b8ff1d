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
<<<<<<< HEAD
mod routes;
=======
#[cfg(feature = "moderation")]
mod moderate;
>>>>>>> c75e3c8 (Add the API of moderation: one judge for what people write)
mod service;

pub use self::future::RouterFuture;
pub use self::handler::{Handler, HandlerOutput};
pub use self::service::EventRouter;
