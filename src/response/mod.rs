//! Writes the answers, and reports each request to your logs and metrics.
//!
//! ```
//! use http_body::Body;
//! use tencent_im_callback::{RejectionKind, Rejection};
//!
//! let response = Rejection::from(RejectionKind::MethodNotAllowed).to_response();
//! assert_eq!(response.status(), 405);
//! assert_eq!(response.headers()["allow"], "POST");
//! assert_eq!(response.body().size_hint().exact(), Some(70));
//! ```

mod body;
mod on_error;
mod outcome;
mod rejecting;
// Without the log nothing is sampled.
#[cfg_attr(not(feature = "tracing"), allow(dead_code))]
mod sampler;
mod trace;
mod write;

pub use self::body::ResponseBody;
pub use self::on_error::{Failure, OnError};
pub use self::outcome::{Outcome, OutcomeKind};

pub(crate) use self::rejecting::rejecting;
#[cfg(feature = "moderation")]
pub(crate) use self::rejecting::rejecting_with;
#[cfg(all(feature = "detach", feature = "tracing"))]
pub(crate) use self::sampler::Occasion;
pub(crate) use self::sampler::Sampler;
#[cfg(feature = "tracing")]
pub(crate) use self::sampler::TARGET;
#[cfg(feature = "tracing")]
pub(crate) use self::trace::CANCELLED;
#[cfg(all(feature = "detach", feature = "tracing"))]
pub(crate) use self::trace::shown;
pub(crate) use self::trace::{cancelled, report};
pub(crate) use self::write::{
    CONTENT_TYPE, NOT_HANDLED, conclude, refuse, rejection, replied, server_error,
};
