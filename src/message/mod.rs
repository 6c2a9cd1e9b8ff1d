//! Messages: their elements, and how to send another message instead.
//!
//! ```
//! use tencent_im_callback::message::{MsgBody, MsgElement};
//!
//! let json = r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"red packet"}}]"#;
//! let body: MsgBody = serde_json::from_str(json)?;
//! let MsgElement::Text(text) = &body[0] else { panic!() };
//! assert_eq!(text.text.as_deref(), Some("red packet"));
//! # Ok::<(), serde_json::Error>(())
//! ```

mod body;
mod complete;
mod media;
mod misfit;
mod read;
mod rewrite;
mod text;

pub use self::body::{MsgBody, MsgElement, RelayElem, RelayMessage, UnknownElem};
pub use self::media::{
    FileElem, ImageElem, ImageFormat, ImageInfo, ImageType, SoundElem, VideoFileElem,
};
pub(crate) use self::misfit::misfit;
pub(crate) use self::read::present;
pub use self::rewrite::{MsgBodyBuilder, NoMessageError};
pub use self::text::{
    CustomElem, Decimal, FaceElem, LocationElem, StreamChunk, StreamElem, TextElem,
};
