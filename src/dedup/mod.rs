//! Handles a delivery that arrives twice only once (feature `dedup`).
//!
//! Put `Dedup` *inside* `Detach`. Tencent sends a callback again when the answer was late. By then
//! it may have closed the connection, and then the web server drops the handler. Detached work
//! continues, so the second delivery finds the first one running. In the other order, `Dedup` would
//! remember the early answer as the result, and if the handling then failed, the second delivery
//! would be answered as a duplicate.
//!
//! ```
//! use std::time::Duration;
//! use tencent_im_callback::{DedupLayer, EventRouter};
//! use tower::Layer;
//!
//! let service = DedupLayer::new(Duration::from_secs(300)).layer(EventRouter::new());
//! ```

mod layer;
mod service;

pub use self::layer::DedupLayer;
pub use self::service::{Dedup, DedupFuture, DedupStats};
