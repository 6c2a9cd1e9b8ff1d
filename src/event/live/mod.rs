//! Live rooms (`Live.…`).
//!
//! ```
//! use tencent_im_callback::{Command, event::live::AfterChangeOwner, testing};
//!
//! let sample = testing::sample(&Command::LiveAfterChangeOwner).unwrap_or_default();
//! let callback = testing::callback::<AfterChangeOwner>(sample);
//! println!("{:?}", callback.event);
//! ```

mod battle;
mod gift;
mod member;
mod room;

pub use self::battle::*;
pub use self::gift::*;
pub use self::member::*;
pub use self::room::*;
pub use super::recording::{
    EventGroup, RecordedFile, RecordedMedia, RecordingEvent, RecordingInfo, RecordingPayload,
    TrackType, VodFile,
};
