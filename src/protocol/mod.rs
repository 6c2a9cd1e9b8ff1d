//! What Tencent and an app's server agree on: URL parameters, signature, command words, time units. Plain functions and types,
//! without a runtime in sight.
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
mod command;
mod flag;
mod id;
mod params;
mod platform;
mod query;
mod redact;
mod rejection;
mod text;
mod time;
mod token;
mod verifier;

pub use self::app::{App, Apps, SdkAppId};
pub use self::command::{Command, Family, Phase, UnknownWord};
pub use self::flag::Flag;
pub use self::id::{GroupId, Id, UserId};
pub use self::params::Params;
pub use self::platform::OptPlatform;
pub use self::redact::redacted;
pub use self::rejection::{Rejection, RejectionKind};
pub use self::time::{TimestampMillis, TimestampSecs};
pub use self::token::{InvalidToken, Token, sign};
pub use self::verifier::Verifier;

pub(crate) use self::text::{Escaped, digits};

/// The answer that says all went well, as the vendor's pages write it.
pub(crate) const OK_ENVELOPE: &str = r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#;
