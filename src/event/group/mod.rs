//! Groups, their messages and topics (`Group.…`).
//!
//! ```
//! use tencent_im_callback::{Command, event::group::AfterChangeGroupOwner, testing};
//!
//! let sample = testing::sample(&Command::GroupAfterChangeGroupOwner).unwrap_or_default();
//! let callback = testing::callback::<AfterChangeGroupOwner>(sample);
//! println!("{:?}", callback.event);
//! ```

mod group_type;
mod lifecycle;
mod member;
mod message;
mod topic;

pub use self::group_type::GroupType;
pub use self::lifecycle::*;
pub use self::member::*;
pub use self::message::*;
pub use self::topic::*;
pub use super::extension::{Extension, OperateType};
