//! Messages: their elements, the texts that a user can see, and how to rewrite them.
//!
//! ```
//! use tencent_im_callback::message::MsgBody;
//!
//! let body: MsgBody = serde_json::from_str(r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"red packet"}}]"#)?;
//! assert_eq!(body.texts(), ["red packet"]);
//! # Ok::<(), serde_json::Error>(())
//! ```

mod body;
mod element;
mod misfit;
mod read;
mod relay;
mod rewrite;
mod texts;
mod walk;

pub use self::body::MsgBody;
pub(crate) use self::body::present;
pub use self::element::{
    CustomElem, Decimal, FaceElem, FileElem, ImageElem, ImageFormat, ImageInfo, ImageType,
    LocationElem, MsgElement, SoundElem, StreamChunk, StreamElem, TextElem, UnknownElem,
    VideoFileElem,
};
pub(crate) use self::misfit::misfit;
pub use self::relay::{RelayElem, RelayMessage};
pub use self::rewrite::{MsgBodyBuilder, NoMessageError};
pub use self::texts::strings_of;
