//! Replies to the two friendship callbacks that wait for a verdict, which is given person by person.
//!
//! ```
//! use tencent_im_callback::event::sns::PrevFriendAdd;
//! use tencent_im_callback::reply::sns::{PrevFriendAddReply, RefusalCode};
//! use tencent_im_callback::testing;
//!
//! let callback = testing::callback::<PrevFriendAdd>(
//!     r#"{"From_Account":"id","FriendItem":[{"To_Account":"id1"},{"To_Account":"id2"}]}"#,
//! );
//! const BLOCKED: RefusalCode = RefusalCode::of::<38001>();
//! let reply = PrevFriendAddReply::allow(&callback.event).refuse("id2", BLOCKED, "blocked")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;

use serde::Serialize;

use super::Reply;
use crate::protocol::UserId;

/// A code that refuses one person: 38000 to 39000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RefusalCode(u32);

/// The code lies outside of what the command takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCode {
    code: u32,
    first: u32,
    last: u32,
}

impl fmt::Display for InvalidCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let InvalidCode { code, first, last } = self;
        write!(f, "code {code} is not between {first} and {last}")
    }
}

impl std::error::Error for InvalidCode {}

impl RefusalCode {
    const FIRST: u32 = 38_000;
    const LAST: u32 = 39_000;

    /// Takes a code known at run time.
    ///
    /// # Errors
    ///
    /// [`InvalidCode`] unless it lies between 38000 and 39000.
    pub const fn new(code: u32) -> Result<Self, InvalidCode> {
        if code >= Self::FIRST && code <= Self::LAST {
            Ok(RefusalCode(code))
        } else {
            Err(InvalidCode {
                code,
                first: Self::FIRST,
                last: Self::LAST,
            })
        }
    }

    /// Takes a code known when you write it; a wrong one does not compile.
    ///
    /// ```compile_fail
    /// tencent_im_callback::reply::sns::RefusalCode::of::<1>();
    /// ```
    pub const fn of<const CODE: u32>() -> Self {
        const {
            assert!(
                CODE >= Self::FIRST && CODE <= Self::LAST,
                "a refusal has a code from 38000 to 39000"
            );
        };
        RefusalCode(CODE)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// The verdict is about somebody whom the request does not name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAsked {
    person: UserId,
}

impl NotAsked {
    /// The person.
    pub fn person(&self) -> &UserId {
        &self.person
    }
}

impl fmt::Display for NotAsked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a verdict about a person whom the request does not name")
    }
}

impl std::error::Error for NotAsked {}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct ResultItem {
    #[serde(rename = "To_Account")]
    to_account: UserId,
    #[serde(rename = "ResultCode")]
    result_code: u32,
    #[serde(rename = "ResultInfo")]
    result_info: String,
}

/// Only per-person codes refuse; any top-level code but 0 would let everybody through.
#[derive(Serialize)]
struct PerPerson<'a> {
    #[serde(rename = "ActionStatus")]
    action_status: &'static str,
    #[serde(rename = "ErrorCode")]
    error_code: u32,
    #[serde(rename = "ErrorInfo")]
    error_info: &'static str,
    #[serde(rename = "ResultItem")]
    result_item: &'a [ResultItem],
}

macro_rules! per_person_reply {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// There is one entry for each person of the request, so it is built from the event (`allow`), after which some may be
        /// [refused](Self::refuse). It has no `Default`, since an answer without entries is none.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[must_use]
        pub struct $name {
            items: Vec<ResultItem>,
        }

        impl $name {
            pub(crate) fn allow_each<'a>(people: impl Iterator<Item = &'a UserId>) -> Self {
                let items = people
                    .map(|person| ResultItem {
                        to_account: person.clone(),
                        result_code: 0,
                        result_info: String::new(),
                    })
                    .collect();
                $name { items }
            }

            /// Refuses one person, with a text for the client.
            ///
            /// # Errors
            ///
            /// [`NotAsked`] if the request does not name that person.
            pub fn refuse(
                mut self,
                person: impl Into<UserId>,
                code: RefusalCode,
                info: impl Into<String>,
            ) -> Result<Self, NotAsked> {
                let person = person.into();
                let info = info.into();
                let mut asked = false;
                for item in self.items.iter_mut().filter(|item| item.to_account == person) {
                    asked = true;
                    item.result_code = code.get();
                    item.result_info.clone_from(&info);
                }
                if asked { Ok(self) } else { Err(NotAsked { person }) }
            }

            /// Refuses everybody, with a text for the client.
            pub fn refuse_all(mut self, code: RefusalCode, info: impl Into<String>) -> Self {
                let info = info.into();
                for item in &mut self.items {
                    item.result_code = code.get();
                    item.result_info.clone_from(&info);
                }
                self
            }
        }

        impl From<$name> for Reply {
            fn from(reply: $name) -> Self {
                Reply::json(&PerPerson {
                    action_status: "OK",
                    error_code: 0,
                    error_info: "",
                    result_item: &reply.items,
                })
            }
        }
    };
}

per_person_reply! {
    /// Reply to `Sns.CallbackPrevFriendAdd`: who may be added.
    ///
    /// Source: <https://trtc.io/document/43468>
    PrevFriendAddReply
}

per_person_reply! {
    /// Reply to `Sns.CallbackPrevFriendResponse`: whose request may be answered.
    ///
    /// Source: <https://trtc.io/document/43467>
    PrevFriendResponseReply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_checked() {
        for code in [38_000, 38_500, 39_000] {
            assert_eq!(RefusalCode::new(code).unwrap().get(), code);
        }
        for code in [0, 1, 37_999, 39_001, u32::MAX] {
            assert!(RefusalCode::new(code).is_err(), "{code}");
        }
        assert_eq!(
            RefusalCode::new(1).unwrap_err().to_string(),
            "code 1 is not between 38000 and 39000"
        );
    }

    #[test]
    fn every_person_has_an_entry() {
        let people = [UserId::from("id1"), UserId::from("id2"), UserId::from("id1")];
        let allowed = PrevFriendAddReply::allow_each(people.iter());
        let some = allowed
            .clone()
            .refuse("id1", RefusalCode::of::<38001>(), "no")
            .unwrap();
        assert_eq!(
            Reply::from(some).as_bytes(),
            br#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ResultItem":[{"To_Account":"id1","ResultCode":38001,"ResultInfo":"no"},{"To_Account":"id2","ResultCode":0,"ResultInfo":""},{"To_Account":"id1","ResultCode":38001,"ResultInfo":"no"}]}"#
        );
        let stranger = allowed
            .clone()
            .refuse("id3", RefusalCode::of::<38001>(), "no")
            .unwrap_err();
        assert_eq!(stranger.person(), "id3");
        let none = allowed.refuse_all(RefusalCode::of::<39000>(), "");
        assert!(none.items.iter().all(|item| item.result_code == 39_000));
    }
}
