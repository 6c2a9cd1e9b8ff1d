//! How the moderation judges and answers.

use super::edit::Hook;
use super::runs::Join;
use super::shown::{Incomplete, Shown};
use crate::callback::Callback;
use crate::command::Command;
use crate::error::HandlerError;
use crate::reply::Reply;
use crate::response::rejecting_with;

/// How to judge and to answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) join: Join,
    pub(super) tolerated: Vec<Incomplete>,
    pub(super) c2c: Words,
    pub(super) group: Words,
    pub(super) official_account: Words,
    pub(super) friend_request: Words,
    pub(super) on_edit: Option<Hook>,
}

impl Settings {
    pub(super) fn duty(&self, callback: &Callback) -> Option<Duty> {
        match callback.answered_as() {
            Command::C2cBeforeSendMsg
            | Command::GroupBeforeSendMsg
            | Command::OfficialAccountBeforeSendMsg
            | Command::GroupBeforeCreateGroup
            | Command::GroupBeforeCreateTopic
            | Command::GroupBeforeApplyJoinGroup
            | Command::OfficialAccountBeforeCreateOfficialAccount
            | Command::SnsPrevFriendAdd
            | Command::SnsPrevFriendResponse => Some(Duty::Verdict),
            Command::C2cAfterModifyMsg | Command::GroupAfterModifyMsg => {
                self.on_edit.is_some().then_some(Duty::Edit)
            }
            _ => None,
        }
    }

    pub(super) fn show(&self, callback: &Callback) -> Shown {
        Shown::of(callback, self.join)
    }

    /// Whether it is complete, or incomplete only in ways that were allowed.
    pub(super) fn accepts(&self, shown: &Shown) -> bool {
        shown.incomplete().all(|incomplete| self.tolerated.contains(&incomplete))
    }

    pub(super) fn reject(&self, callback: &Callback) -> Result<Reply, HandlerError> {
        let command = callback.answered_as();
        let words = match command {
            Command::C2cBeforeSendMsg => &self.c2c,
            Command::OfficialAccountBeforeSendMsg
            | Command::OfficialAccountBeforeCreateOfficialAccount => &self.official_account,
            Command::SnsPrevFriendAdd | Command::SnsPrevFriendResponse => &self.friend_request,
            _ => &self.group,
        };
        rejecting_with(command, &callback.body, words.code, &words.info)
            .ok_or_else(|| HandlerError::new("a friend request to reject names nobody"))
    }
}

/// Code and text of a rejection.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    code: Option<u32>,
    info: String,
}

impl Words {
    pub(super) fn new(code: u32, info: impl Into<String>) -> Self {
        Words { code: Some(code), info: info.into() }
    }
}

/// What has to be done with a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    /// Tencent waits for a verdict on what somebody wrote.
    Verdict,
    /// Somebody has edited a message.
    Edit,
}
