//! Handling a delivery that comes twice only once (feature `dedup`).
//!
//! `Dedup` goes *inside* of `Detach`. Tencent sends a callback again when the answer was late, and by then its server may have hung up,
//! upon which a web server drops the handler where it stands: detached work goes on, and the second delivery finds it running. The
//! other way round, the early answer would be remembered as the result, and the second delivery of an event whose handling failed
//! would be waved off.
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
