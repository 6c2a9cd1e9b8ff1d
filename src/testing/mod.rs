#![doc = include_str!("../docs/testing.md")]

mod callback;
mod message;
mod request;
mod sample;

pub use self::callback::{callback, event};
pub use self::message::{bundle, c2c_message, group_message};
pub use self::request::{Fault, SignedRequest, sign};
pub use self::sample::{other_samples, sample};
