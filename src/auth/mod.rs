//! Verification: apps, tokens, the signature, and the parameters of the URL. Plain functions that
//! need no runtime.
//!
//! ```
//! use tencent_im_callback::{App, Token, Verifier};
//!
//! let verifier = Verifier::new(App::signed(1400000000, Token::new("xxxxyyyy")?));
//! let rejection = verifier.verify(&http::Method::GET, &"/".parse()?).unwrap_err();
//! assert_eq!(rejection.status(), http::StatusCode::METHOD_NOT_ALLOWED);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod app;
mod params;
mod query;
mod redact;
mod token;
mod verifier;

pub use self::app::{App, Apps};
pub use self::params::Params;
pub use self::redact::redacted;
pub use self::token::{InvalidTokenError, Token};
pub use self::verifier::{Verified, Verifier};
