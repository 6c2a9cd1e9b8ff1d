//! The middleware: HTTP request in, typed callback to the inner service, Tencent's envelope out.
//!
//! # How requests are answered
//!
//! 1. Method, parameters, app, signature and age are checked, then the declared length of the body. A request that fails a check is
//!    refused. Its body is not read, and the inner service is not called.
//! 2. The body is read, up to the [limit](CallbackLayer::body_limit), and parsed into the type that the command names.
//! 3. The layer waits until a clone of the inner service is ready, and calls it once.
//! 4. Its reply is sent with status 200. If the service returns an error, or the body of a *before* callback does not fit its type,
//!    [`OnError`](crate::OnError) decides about the answer.
//!
//! Every response carries an [`Outcome`](crate::Outcome) in its extensions. The service's own error is `Infallible`.
//!
//! # Readiness and limits
//!
//! [`CallbackService`] is always ready. It polls the inner service only once there is a verified and parsed callback for it, so a
//! peer that sends its body slowly, or is about to be refused, holds none of the inner service's permits. The consequences: limits
//! *outside* count every request, limits *inside* count verified callbacks only, and back-pressure of the inner service does not reach
//! the outside. Callers then wait inside; put `load_shed` around an inner limit to answer them at once instead:
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
//! If the peer disconnects before the inner service is called, the callback is not handled. If it disconnects later, the inner future is
//! dropped unfinished, and a log event is written.

mod buffer;
mod config;
mod future;
#[allow(clippy::module_inception)] // the file of `CallbackLayer`, as in tower-http
mod layer;
mod respond;
mod service;

pub use self::future::ResponseFuture;
pub use self::layer::CallbackLayer;
pub use self::respond::{Answer, respond};
pub use self::service::CallbackService;
