//! Verification alone, as plain HTTP middleware, for services that read the body themselves.
//!
//! A verified request is passed on unchanged, with its [`Params`](crate::Params) in the extensions.
//! Any other request is answered as [`CallbackLayer`](crate::CallbackLayer) would answer it, and
//! the inner service is not called. A signed check of the callback URL (no `SdkAppid`, or no
//! `CallbackCommand`) is answered `OK` if its body says that it has at most two bytes. The body is
//! not read, so its command and its size are not checked here:
//! [`Callback::parse`](crate::Callback::parse) does that.
//!
//! The service is always ready, and asks the inner service when a request is verified: put
//! `load_shed` inside. A response of the inner service with status 200 is
//! [`OutcomeKind::Accepted`](crate::OutcomeKind::Accepted). Any other one is `Failed`, since
//! Tencent takes it for a failed callback. An error and a panic of the inner service are logged,
//! and go on to the caller.
//!
//! In axum, use `route_layer`: `layer` would also cover the routes of others and the 404.
//!
//! ```
//! use axum::{Extension, Router, routing::post};
//! use tencent_im_callback::{App, Params, Reply, Token, VerifyLayer};
//!
//! async fn callback(Extension(params): Extension<Params>, body: String) -> Vec<u8> {
//!     println!("{:?}: {} bytes", params.command, body.len());
//!     Reply::ok().as_bytes().to_vec()
//! }
//!
//! let app = App::signed(1400000000, Token::new("xxxxyyyy")?);
//! let router: Router = Router::new()
//!     .route("/callback", post(callback))
//!     .route_layer(VerifyLayer::new(app));
//! # Ok::<(), tencent_im_callback::InvalidTokenError>(())
//! ```

mod body;
mod future;
mod layer;
mod service;

pub use self::body::VerifyBody;
pub use self::future::VerifyFuture;
pub use self::layer::VerifyLayer;
pub use self::service::VerifyService;
