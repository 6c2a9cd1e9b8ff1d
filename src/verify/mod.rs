//! Verification alone, as plain HTTP middleware, for services that read the body themselves.
//!
//! A verified request is passed on unchanged, with its [`Params`](crate::Params) in the extensions. Any other request is answered as
//! [`CallbackLayer`](crate::CallbackLayer) would answer it, and the inner service is not called. A check of the callback URL (no
//! `SdkAppid`, or no `CallbackCommand`) is answered `OK` if its body is empty or two bytes long. The body is not read, so its command and
//! its size are not checked here: [`Callback::parse`](crate::Callback::parse) does that.
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
//!     .layer(VerifyLayer::new(app));
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
