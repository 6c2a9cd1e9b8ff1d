#![doc = include_str!("../docs/testing.md")]

mod callback;
mod message;
mod request;
mod sample;

pub use self::callback::{callback, event};
pub use self::message::{bundle, group_message, group_text_message, message, text_message};
pub use self::request::{Fault, SignedRequest};
pub use self::sample::{other_samples, sample};
