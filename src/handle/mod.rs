//! The middleware: from an HTTP request to a typed callback, and from its reply to Tencent's
//! envelope.
//!
//! # How requests are answered
//!
//! 1. It checks method, parameters, app, signature and time. A request that fails a check is
//!    refused: its body is not read, and the inner service is not called.
//! 2. It reads the body, up to the [limit](CallbackLayer::body_limit), and parses it into the type
//!    of the command. A notification that cannot be read becomes
//!    [`Event::Unknown`](crate::Event::Unknown).
//! 3. It waits until a clone of the inner service is ready, and calls it once.
//! 4. It sends the reply with status 200.
//!
//! If the service returns an error, or if a *before* callback is too large, breaks off or cannot be
//! read, whatever its bytes are, [`OnError`](crate::OnError) decides how to answer. A notification
//! that is too large or breaks off is refused with 413 or 400.
//!
//! Every response has an [`Outcome`](crate::Outcome) in its extensions. The error type of the
//! service is `Infallible`.
//!
//! # Readiness and limits
//!
//! [`CallbackService`] is always ready. It polls the inner service only after it has verified and
//! parsed a callback, so a peer that sends its body slowly, or is about to be refused, holds no
//! permit of the inner service. As a consequence, limits *outside* count every request, limits
//! *inside* count verified callbacks only, and back-pressure does not reach the outside: callbacks
//! wait inside. To answer them at once instead, put `load_shed` around an inner limit:
//!
//! ```
//! use std::time::Duration;
//! use tencent_im_callback::{App, Callback, CallbackLayer, Token};
//! use tower::ServiceBuilder;
//!
//! async fn handle(callback: Callback) -> Result<(), std::convert::Infallible> {
//!     println!("{:?}", callback.event);
//!     Ok(())
//! }
//!
//! let app = App::signed(1400000000, Token::new("xxxxyyyy")?);
//! let service = ServiceBuilder::new()
//!     .layer(CallbackLayer::new(app))
//!     .timeout(Duration::from_millis(1500)) // Tencent waits 2 s
//!     .load_shed()
//!     .concurrency_limit(100)
//!     .service(tower::service_fn(handle));
//! # fn is_http<S: tower::Service<http::Request<String>>>(_: S) {}
//! # is_http(service);
//! # Ok::<(), tencent_im_callback::InvalidTokenError>(())
//! ```
//!
//! # Cancellation
//!
//! If the peer closes the connection before the inner service is called, the callback is not
//! handled. If it closes it later, the inner future is dropped before it is done. A log event is
//! written in both cases, unless the body was still on its way.

mod buffer;
mod config;
mod exchange;
mod future;
#[allow(clippy::module_inception)] // the file of `CallbackLayer`, as in tower-http
mod layer;
mod respond;
mod service;
mod span;

pub use self::future::ResponseFuture;
pub use self::layer::CallbackLayer;
pub use self::respond::{Answer, respond};
pub use self::service::CallbackService;
