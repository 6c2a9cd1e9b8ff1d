//! What an answer means for a command, as the vendor's pages say.

use std::fmt;
use std::ops::RangeInclusive;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{c2c, group, live, official_account};
use crate::command::{Command, Phase};

/// What Tencent does after an answer of any program: for tests, tools and logs.
///
/// ```
/// use tencent_im_callback::Command;
/// use tencent_im_callback::reply::Meaning;
///
/// let blocked = br#"{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":""}"#;
/// assert_eq!(Meaning::of(&Command::GroupBeforeSendMsg, 200, blocked), Meaning::Reject);
/// // The whole reply's code rejects no friend request. Each person needs a code.
/// assert_eq!(Meaning::of(&Command::SnsPrevFriendAdd, 200, blocked), Meaning::Allow);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Meaning {
    /// The action goes on.
    Allow,
    /// The message is replaced, and delivered.
    Rewrite,
    /// The action is blocked for some of the persons it is about.
    RejectSome,
    /// The action is blocked.
    Reject,
    /// The message is dropped. Its sender sees success.
    Discard,
    /// The callback failed: it is no verdict. What Tencent does then is set in the console; by
    /// default the action goes on.
    NoVerdict,
    /// The answer decides nothing, since it is no *before* callback.
    Ignored,
}

impl Meaning {
    /// The meaning of an answer with this status and body to a callback of this command.
    ///
    /// For an unknown command, `OK` with code 0 allows, and anything else is no verdict.
    pub fn of(command: &Command, status: u16, body: &[u8]) -> Self {
        if !command.phase().may_decide() {
            return Meaning::Ignored;
        }
        let answer: Option<Answer> =
            Some(body).filter(|_| status == 200).and_then(|body| serde_json::from_slice(body).ok());
        let is_gift = *command == Command::LiveBeforeSendGift;
        let is_message = is_message(command);
        match answer {
            Some(answer) if is_friend_request(command) => answer.per_person(),
            Some(answer) if answer.action_status == "OK" => match answer.error_code {
                0 if is_message && answer.rewrites() => Meaning::Rewrite,
                0 if answer.refuses_some() => Meaning::RejectSome,
                0 => Meaning::Allow,
                _ if is_gift => Meaning::Reject,
                2 if is_message => Meaning::Discard,
                1 if command.phase() == Phase::Before => Meaning::Reject,
                code if reject_codes(command).is_some_and(|own| own.contains(&code)) => {
                    Meaning::Reject
                }
                _ => Meaning::NoVerdict,
            },
            // Any failure blocks a gift.
            _ if is_gift => Meaning::Reject,
            _ => Meaning::NoVerdict,
        }
    }

    /// The name in `snake_case`, for logs and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Meaning::Allow => "allow",
            Meaning::Rewrite => "rewrite",
            Meaning::RejectSome => "reject_some",
            Meaning::Reject => "reject",
            Meaning::Discard => "discard",
            Meaning::NoVerdict => "no_verdict",
            Meaning::Ignored => "ignored",
        }
    }
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The codes of your own with which a command can be rejected, besides 1. `None` if it takes none.
pub fn reject_codes(command: &Command) -> Option<RangeInclusive<u32>> {
    match command {
        Command::C2cBeforeSendMsg => Some(c2c::RejectCode::RANGE),
        Command::GroupBeforeApplyJoinGroup
        | Command::GroupBeforeCreateGroup
        | Command::GroupBeforeCreateTopic
        | Command::GroupBeforeInviteJoinGroup
        | Command::GroupBeforeSendMsg => Some(group::RejectCode::RANGE),
        Command::OfficialAccountBeforeCreateOfficialAccount
        | Command::OfficialAccountBeforeSendMsg => Some(official_account::RejectCode::RANGE),
        Command::LiveBeforeSendGift => Some(live::RejectCode::RANGE),
        _ => None,
    }
}

/// Whether a verdict on this command names each person.
pub(crate) fn is_friend_request(command: &Command) -> bool {
    matches!(command, Command::SnsPrevFriendAdd | Command::SnsPrevFriendResponse)
}

fn is_message(command: &Command) -> bool {
    matches!(
        command,
        Command::C2cBeforeSendMsg
            | Command::GroupBeforeSendMsg
            | Command::OfficialAccountBeforeSendMsg
    )
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    action_status: String,
    error_code: u32,
    msg_body: Option<IgnoredAny>,
    cloud_custom_data: Option<IgnoredAny>,
    #[serde(rename = "RefusedMembers_Account", default)]
    refused_members: Vec<IgnoredAny>,
    #[serde(rename = "RefusedSubscribers_Account", default)]
    refused_subscribers: Vec<IgnoredAny>,
    #[serde(default)]
    result_item: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    result_code: i64,
}

impl Answer {
    fn rewrites(&self) -> bool {
        self.msg_body.is_some() || self.cloud_custom_data.is_some()
    }

    fn refuses_some(&self) -> bool {
        !self.refused_members.is_empty() || !self.refused_subscribers.is_empty()
    }

    /// For friend requests: the codes of the persons decide. The code of the whole reply rejects
    /// nobody, and any code except 0 lets everybody through.
    fn per_person(&self) -> Meaning {
        let rejected = self.result_item.iter().filter(|item| item.result_code != 0).count();
        match rejected {
            _ if self.error_code != 0 => Meaning::Allow,
            0 => Meaning::Allow,
            all if all == self.result_item.len() => Meaning::Reject,
            _ => Meaning::RejectSome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::Reply;

    fn meaning(command: &Command, body: &str) -> Meaning {
        Meaning::of(command, 200, body.as_bytes())
    }

    #[test]
    fn codes_as_documented() {
        let coded =
            |code: i64| format!(r#"{{"ActionStatus":"OK","ErrorCode":{code},"ErrorInfo":""}}"#);
        let messages = [
            Command::C2cBeforeSendMsg,
            Command::GroupBeforeSendMsg,
            Command::OfficialAccountBeforeSendMsg,
        ];
        for command in Command::ALL {
            let waits = command.phase() == Phase::Before;
            let (friend, gift) =
                (is_friend_request(command), *command == Command::LiveBeforeSendGift);
            for (code, wanted) in [
                (0, Meaning::Allow),
                (1, if friend { Meaning::Allow } else { Meaning::Reject }),
                (
                    2,
                    match () {
                        () if friend => Meaning::Allow,
                        () if gift => Meaning::Reject,
                        () if messages.contains(command) => Meaning::Discard,
                        () => Meaning::NoVerdict,
                    },
                ),
                (
                    403,
                    match () {
                        () if friend => Meaning::Allow,
                        () if gift => Meaning::Reject,
                        () => Meaning::NoVerdict,
                    },
                ),
            ] {
                let wanted = if waits { wanted } else { Meaning::Ignored };
                assert_eq!(meaning(command, &coded(code)), wanted, "{command} {code}");
            }
            for code in
                reject_codes(command).into_iter().flat_map(|codes| [*codes.start(), *codes.end()])
            {
                assert_eq!(
                    meaning(command, &coded(code.into())),
                    Meaning::Reject,
                    "{command} {code}"
                );
            }
        }
    }

    /// Seen by the mutants' run: the test above takes the ranges from the function itself.
    #[test]
    fn ranges_and_names_as_documented() {
        for (command, codes) in [
            (Command::C2cBeforeSendMsg, Some(120_001..=130_000)),
            (Command::GroupBeforeSendMsg, Some(10_100..=10_200)),
            (Command::GroupBeforeCreateTopic, Some(10_100..=10_200)),
            (Command::OfficialAccountBeforeSendMsg, Some(120_001..=130_000)),
            (Command::LiveBeforeSendGift, Some(102_100..=102_200)),
            (Command::OfficialAccountBeforeAddSubscriber, None),
            (Command::SnsPrevFriendAdd, None),
            (Command::StateChange, None),
        ] {
            assert_eq!(reject_codes(&command), codes, "{command}");
        }
        // What code 1 means to a command that nobody knows is unknown.
        let rejected = Reply::reject(1, "").to_string();
        assert_eq!(meaning(&"New.Word".into(), &rejected), Meaning::NoVerdict);
        for (meaning, name) in [
            (Meaning::Allow, "allow"),
            (Meaning::Rewrite, "rewrite"),
            (Meaning::RejectSome, "reject_some"),
            (Meaning::Reject, "reject"),
            (Meaning::Discard, "discard"),
            (Meaning::NoVerdict, "no_verdict"),
            (Meaning::Ignored, "ignored"),
        ] {
            assert_eq!((meaning.as_str(), meaning.to_string()), (name, name.to_owned()));
        }
    }

    #[test]
    fn a_failure_is_no_verdict_but_for_a_gift() {
        let failed = Reply::fail("x").to_string();
        for (status, body) in [(500, failed.as_str()), (200, &failed), (200, "nonsense"), (404, "")]
        {
            let of = |command: &Command| Meaning::of(command, status, body.as_bytes());
            assert_eq!(of(&Command::C2cBeforeSendMsg), Meaning::NoVerdict);
            assert_eq!(of(&Command::LiveBeforeSendGift), Meaning::Reject);
            assert_eq!(of(&Command::StateChange), Meaning::Ignored);
            assert_eq!(of(&"New.Word".into()), Meaning::NoVerdict);
        }
        assert_eq!(meaning(&"New.Word".into(), &Reply::ok().to_string()), Meaning::Allow);
    }

    #[test]
    fn some_persons_and_other_messages() {
        let with =
            |more: &str| format!(r#"{{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"",{more}}}"#);
        for (command, more, wanted) in [
            (Command::C2cBeforeSendMsg, r#""MsgBody":[]"#, Meaning::Rewrite),
            (Command::GroupBeforeSendMsg, r#""CloudCustomData":"x""#, Meaning::Rewrite),
            (
                Command::GroupBeforeInviteJoinGroup,
                r#""RefusedMembers_Account":["a"]"#,
                Meaning::RejectSome,
            ),
            (Command::GroupBeforeInviteJoinGroup, r#""RefusedMembers_Account":[]"#, Meaning::Allow),
            (
                Command::SnsPrevFriendAdd,
                r#""ResultItem":[{"ResultCode":38000},{"ResultCode":0}]"#,
                Meaning::RejectSome,
            ),
            (
                Command::SnsPrevFriendResponse,
                r#""ResultItem":[{"ResultCode":38000}]"#,
                Meaning::Reject,
            ),
            (Command::SnsPrevFriendAdd, r#""ResultItem":[]"#, Meaning::Allow),
            // This one is about no message, so there is nothing to rewrite.
            (Command::GroupBeforeInviteJoinGroup, r#""MsgBody":[]"#, Meaning::Allow),
        ] {
            assert_eq!(meaning(&command, &with(more)), wanted, "{command} {more}");
        }
        // Tencent reads the persons only beside the code 0.
        let failed = with(r#""ResultItem":[{"ResultCode":38000}]"#).replace("Code\":0", "Code\":1");
        assert_eq!(meaning(&Command::SnsPrevFriendAdd, &failed), Meaning::Allow);
    }
}
