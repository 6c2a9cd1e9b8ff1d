//! Replies to the two *before* callbacks of friend requests. The verdict names each person.
//!
//! ```
//! use tencent_im_callback::event::sns::PrevFriendAdd;
//! use tencent_im_callback::reply::sns::{PrevFriendAddReply, RejectCode};
//! use tencent_im_callback::testing;
//!
//! let callback = testing::callback::<PrevFriendAdd>(
//!     r#"{"From_Account":"id","FriendItem":[{"To_Account":"id1"},{"To_Account":"id2"}]}"#,
//! );
//! const BLOCKED: RejectCode = RejectCode::of::<38001>();
//! let reply = PrevFriendAddReply::allow(&callback.event).reject("id2", BLOCKED, "blocked")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;

use serde::Serialize;

use super::Reply;
use super::code::Code;
use crate::types::UserId;

/// A code that rejects one person: 38000 to 39000.
pub type RejectCode = Code<38_000, 39_000>;

/// The verdict names a person who is not in the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAskedError {
    person: UserId,
}

impl NotAskedError {
    /// The person.
    pub fn person(&self) -> &UserId {
        &self.person
    }
}

impl fmt::Display for NotAskedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the verdict names a person who is not in the request")
    }
}

impl std::error::Error for NotAskedError {}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct ResultItem {
    #[serde(rename = "To_Account")]
    to_account: UserId,
    #[serde(rename = "ResultCode")]
    result_code: u32,
    #[serde(rename = "ResultInfo")]
    result_info: String,
}

/// Only the codes per person reject; any top-level code except 0 would let everybody through.
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
        /// It has one entry for each person of the request, so you build it from the event
        /// (`allow`) and then [reject](Self::reject) some. It has no `Default`: an answer without
        /// entries is not a verdict.
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

            /// Rejects one person, with a text for the client.
            ///
            /// # Errors
            ///
            /// [`NotAskedError`] if the person is not in the request.
            pub fn reject(
                mut self,
                person: impl Into<UserId>,
                code: RejectCode,
                info: impl Into<String>,
            ) -> Result<Self, NotAskedError> {
                let person = person.into();
                let info = info.into();
                let mut asked = false;
                for item in self.items.iter_mut().filter(|item| item.to_account == person) {
                    asked = true;
                    item.result_code = code.get();
                    item.result_info.clone_from(&info);
                }
                if asked { Ok(self) } else { Err(NotAskedError { person }) }
            }

            /// Rejects everybody, with a text for the client.
            pub fn reject_all(mut self, code: RejectCode, info: impl Into<String>) -> Self {
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
    /// The reply to `Sns.CallbackPrevFriendAdd`: who may be added.
    ///
    /// Source: <https://trtc.io/document/43468>
    PrevFriendAddReply
}

per_person_reply! {
    /// The reply to `Sns.CallbackPrevFriendResponse`: whose request may be answered.
    ///
    /// Source: <https://trtc.io/document/43467>
    PrevFriendResponseReply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_person_has_an_entry() {
        let people = [UserId::from("id1"), UserId::from("id2"), UserId::from("id1")];
        let allowed = PrevFriendAddReply::allow_each(people.iter());
        let some = allowed.clone().reject("id1", RejectCode::of::<38001>(), "no").unwrap();
        assert_eq!(
            Reply::from(some).as_bytes(),
            concat!(
                r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ResultItem":["#,
                r#"{"To_Account":"id1","ResultCode":38001,"ResultInfo":"no"},"#,
                r#"{"To_Account":"id2","ResultCode":0,"ResultInfo":""},"#,
                r#"{"To_Account":"id1","ResultCode":38001,"ResultInfo":"no"}]}"#
            )
            .as_bytes()
        );
        let stranger = allowed.clone().reject("id3", RejectCode::of::<38001>(), "no").unwrap_err();
        assert_eq!(stranger.person(), "id3");
        // The peer chooses the name, so the text of the error must not contain it: texts of errors
        // are logged.
        assert!(
            stranger.to_string().starts_with("the verdict names")
                && !stranger.to_string().contains("id3")
        );
        let none = allowed.reject_all(RejectCode::of::<39000>(), "");
        assert!(none.items.iter().all(|item| item.result_code == 39_000));
    }
}
