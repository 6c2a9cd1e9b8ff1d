//! For tests: signed requests, requests with each error that the crate knows, documented bodies,
//! and callbacks for the unit test of a handler (feature `testing`).
//!
//! ```
//! use tencent_im_callback::event::sns::FriendDelete;
//! use tencent_im_callback::{Callback, testing};
//!
//! fn removed(callback: &Callback<FriendDelete>) -> usize {
//!     callback.event.pair_list.len()
//! }
//!
//! let callback = testing::callback::<FriendDelete>(r#"{"PairList":[{"From_Account":"id","To_Account":"id1"}]}"#);
//! assert_eq!(removed(&callback), 1);
//! ```

mod callback;
mod message;
mod request;
mod sample;

pub use self::callback::{callback, event};
pub use self::message::{bundle, c2c_message, group_message};
pub use self::request::{Fault, SignedRequest, sign};
pub use self::sample::{other_samples, sample};
