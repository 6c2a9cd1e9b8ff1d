//! Rate limits by sender, group, app, or a key of yours (feature `limit`).
//!
//! A rate limit outside [`CallbackLayer`](crate::CallbackLayer) answers in its own words, which
//! Tencent takes for a failed callback: by default, the message over the limit is delivered.
//! [`RateLimitLayer`] stands inside, where callbacks are verified and have a sender, and its answer
//! is a verdict or an error that [`OnError`](crate::OnError) decides about.
//!
//! **Where it stands:** around `timeout`, `load_shed` and `concurrency_limit`, so that a flood
//! takes no place in them. It is always ready, and decides in `call`.
//!
//! **What is answered:** with [`reject`](RateLimitLayer::reject), the action over the limit is
//! blocked, with your text. Without it, the callback fails with
//! [`Cause::RateLimited`](crate::Cause::RateLimited), and `OnError` decides: **without
//! [`OnError::reject`](crate::OnError::reject) the message is sent**, unless the console says that
//! a failed callback blocks it. Notifications are not limited, unless
//! [`limit_notifications`](RateLimitLayer::limit_notifications) says so.
//!
//! ```
//! use std::time::Duration;
//! use tencent_im_callback::{EventRouter, Quota, RateLimitLayer};
//! use tower::ServiceBuilder;
//!
//! let of_sender = Quota::per_second(5).burst(20);
//! let verdicts = ServiceBuilder::new()
//!     .layer(RateLimitLayer::per_sender(of_sender).reject("slow down, please"))
//!     .timeout(Duration::from_millis(1500))
//!     .load_shed()
//!     .concurrency_limit(256)
//!     .service(EventRouter::new());
//! # drop::<tencent_im_callback::RateLimit<_>>(verdicts);
//! ```

mod layer;
mod quota;
mod service;
mod table;

pub use self::layer::RateLimitLayer;
pub use self::quota::Quota;
pub use self::service::{RateLimit, RateLimitFuture, RateLimitStats};
