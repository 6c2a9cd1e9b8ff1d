//! The middleware: HTTP request in, typed callback to the inner service, Tencent's envelope out.
//!
//! # What becomes of a request
//!
//! 1. Method, parameters, app, signature and age are checked, then the declared length of the body. What fails is refused without
//!    a look at the body, and asks nothing of the inner service.
//! 2. The body is read, up to the [limit](CallbackLayer::body_limit), and parsed into the type that the command names.
//! 3. A clone of the inner service is waited for until it is ready, and called once.
//! 4. Its reply goes out with status 200. An error of it, or a *before* callback whose body does not fit its type, goes the way of
//!    [`OnError`](crate::OnError).
//!
//! Every response carries an [`Outcome`](crate::Outcome) in its extensions. The service's own error is `Infallible`.
//!
//! # Readiness and limits
//!
//! [`CallbackService`] is always ready; the inner service is asked only once there is a verified and parsed callback for it. So a
//! peer that drips its body, or is about to be refused, holds none of the inner service's permits. The price: limits placed
//! *outside* see every request, those *inside* see verified work only, and back-pressure of the inner service does not reach the
//! outside. Callers then queue inside; put `load_shed` around an inner limit to answer them instead:
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
//! If the peer goes away before the inner service is called, nothing has happened. After it, the inner future is dropped where it
//! stands, and a log event says so.

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
