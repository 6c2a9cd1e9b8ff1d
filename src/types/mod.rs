//! Small types: ids, times, flags, the platform, raw JSON.

mod flag;
mod id;
mod platform;
mod raw;
mod sdk_app_id;
mod text;
mod time;

pub use self::flag::Flag;
pub use self::id::{GroupId, Id, UserId};
pub use self::platform::OptPlatform;
pub use self::raw::RawJson;
pub use self::sdk_app_id::SdkAppId;
pub use self::time::{TimestampMillis, TimestampSecs};

pub(crate) use self::raw::write_raw;
pub(crate) use self::text::{Escaped, digits, escaped, escaped_path};
