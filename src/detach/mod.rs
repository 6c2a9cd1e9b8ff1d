//! Answers *after* callbacks at once and handles them in the background, with a graceful shutdown
//! (feature `detach`).
//!
//! ```
//! use std::time::Duration;
//! use tencent_im_callback::{DetachLayer, EventRouter};
//! use tower::Layer;
//!
//! # async fn run() {
//! let detach = DetachLayer::new(1000);
//! let service = detach.layer(EventRouter::new());
//! // … serve, and in the end:
//! let drained = detach.drain(Duration::from_secs(10)).await;
//! # drop::<tencent_im_callback::Detach<_>>(service);
//! # }
//! ```

mod background;
mod ends;
mod layer;
mod service;

pub use self::ends::{DetachFailure, DetachId, DetachStats, Drained};
pub use self::layer::DetachLayer;
pub use self::service::{Detach, DetachFuture};
