//! The reply that blocks an action, whatever the command is and however little of the body can be
//! read.

use crate::command::{Command, Phase};
use crate::event::parse;
use crate::json::{self, Token, Tokens};
use crate::reply::{Reply, is_friend_request, sns};
use crate::types::UserId;

const CODE: sns::RejectCode = sns::RejectCode::of::<38_000>();

impl Reply {
    /// Blocks the action of a *before* callback, with a text for the client, in the form that its
    /// command takes: code 1, and for friend requests a code for each person whom the body names.
    /// It is for a callback that you cannot or will not judge.
    ///
    /// `command` is that of the URL, `body` the raw body. If the body has a *before* command of its
    /// own, the reply is in the form of that one. A person who cannot be read is left out. To an
    /// *after* callback or a notice, where there is nothing to block, the reply is
    /// [`fail`](Self::fail).
    ///
    /// `None` for a friend request whose body names nobody: no reply would block it. Answer it with
    /// status 500; Tencent then does what the console's setting for failed callbacks says.
    ///
    /// ```
    /// use tencent_im_callback::{Command, Reply};
    ///
    /// let reply = Reply::rejecting(&Command::C2cBeforeSendMsg, b"anything", "try again later");
    /// assert_eq!(reply, Some(Reply::reject(1, "try again later")));
    ///
    /// let body = br#"{"From_Account":"id","FriendItem":[{"To_Account":"id1"}]}"#;
    /// let reply = Reply::rejecting(&Command::SnsPrevFriendAdd, body, "try again later");
    /// let reply = reply.expect("it names somebody").to_string();
    /// assert!(reply.contains(r#"{"To_Account":"id1","ResultCode":38000"#));
    /// ```
    pub fn rejecting(command: &Command, body: &[u8], info: &str) -> Option<Self> {
        // The body may have a *before* command that the URL does not have; then the reply has to
        // block that one.
        let other = parse::command(body).filter(|word| word.phase() == Phase::Before);
        rejecting(other.as_ref().unwrap_or(command), body, info)
    }
}

/// [`Reply::rejecting`] for a caller who knows the command as which the callback is answered.
pub(crate) fn rejecting(command: &Command, body: &[u8], info: &str) -> Option<Reply> {
    rejecting_with(command, body, None, info)
}

/// [`rejecting`] with a code of the user's.
pub(crate) fn rejecting_with(
    command: &Command,
    body: &[u8],
    code: Option<u32>,
    info: &str,
) -> Option<Reply> {
    if !command.phase().may_decide() {
        return Some(Reply::fail(info));
    }
    if !is_friend_request(command) {
        return Some(Reply::reject(code.unwrap_or(1), info));
    }
    let persons = persons(&json::mend(body));
    if persons.is_empty() {
        return None;
    }
    // `Sns.CallbackPrevFriendResponse` takes the same reply.
    let reply = sns::PrevFriendAddReply::allow_each(persons.iter());
    let code = code.and_then(|code| sns::RejectCode::new(code).ok()).unwrap_or(CODE);
    Some(reply.reject_all(code, info).into())
}

/// The persons that a friend request names, each of whom the reply has to reject. Tencent lets a
/// person through whom the reply does not name, so a broken character in the body must not hide
/// one. So the body need not be JSON: each `To_Account` counts, before and after a mistake. To name
/// somebody who is not in the request does no harm.
fn persons(text: &str) -> Vec<UserId> {
    let mut tokens = Tokens::new(text);
    let mut persons = Vec::new();
    while let Some(token) = tokens.next() {
        if matches!(token, Token::Key) && tokens.key() == "To_Account" {
            let start = tokens.end();
            tokens.skip_value();
            let value = text.get(start..tokens.end()).unwrap_or_default();
            let value = value.trim_start_matches(|c: char| c == ':' || c.is_ascii_whitespace());
            persons.extend(serde_json::from_str::<UserId>(value).ok());
        }
    }
    persons
}

#[cfg(test)]
mod tests {
    use super::*;

    fn persons(body: &[u8]) -> Option<Vec<String>> {
        let reply = Reply::rejecting(&Command::SnsPrevFriendAdd, body, "no")?;
        let reply: serde_json::Value = serde_json::from_slice(reply.as_bytes()).unwrap();
        assert_eq!(reply["ErrorCode"], 0);
        let items = reply["ResultItem"].as_array().unwrap();
        assert!(items.iter().all(|item| item["ResultCode"] == 38_000));
        Some(items.iter().map(|item| item["To_Account"].as_str().unwrap().to_owned()).collect())
    }

    #[test]
    fn whoever_can_be_read_is_named() {
        for (body, wanted) in [
            (
                &br#"{"FriendItem":[{"To_Account":"a"},{"To_Account":{}},7,{"To_Account":5}]}"#[..],
                &["a", "5"][..],
            ),
            (
                b"{\"FriendItem\":[{\"To_Account\":\"a\\ud83d\"},{\"To_Account\":\"b\xff\"}]}",
                &["a\u{fffd}", "b\u{fffd}"],
            ),
            (b"\xef\xbb\xbf{\"ResponseFriendItem\":[{\"To_Account\":\"a\"}]}", &["a"]),
            (
                br#"{"FriendItem":[{"To_Account":"a"}],"FriendItem":[{"To_Account":"b"}]}"#,
                &["a", "b"],
            ),
            (br#"{"FriendItem":[{"To_Account":"a"}],"AddWording":nan}"#, &["a"]),
            // A quote in a name ends nothing.
            (
                br#"{"FriendItem":[{"To_Account":"a\"b"},
                    {"To_Account":"c\\"},{"To_Account":"d"}]}"#,
                &["a\"b", "c\\", "d"],
            ),
            // Persons before and after a mistake are found, wherever the mistake is.
            (
                b"{\"FriendItem\":[{\"AddWording\":\"\x01\",\"To_Account\":\"a\"},\
                {\"To_Account\" :\n\"b\"}",
                &["a", "b"],
            ),
            (br#"[{"a":nan,"FriendItem":[{"To_Account":"a","To_Account":7}]},"#, &["a", "7"]),
        ] {
            assert_eq!(persons(body).unwrap(), wanted, "{}", body.escape_ascii());
        }
        for nobody in [&b""[..], b"{}", b"[]", br#"{"FriendItem":null}"#, br#"{"FriendItem":[]}"#] {
            assert_eq!(persons(nobody), None, "{}", nobody.escape_ascii());
        }
    }

    #[test]
    fn the_command_of_the_body_decides_about_the_form() {
        let body =
            br#"{"CallbackCommand":"Sns.CallbackPrevFriendAdd","FriendItem":[{"To_Account":"a"}]}"#;
        for url in ["New.Word", "State.StateChange", "C2C.CallbackBeforeSendMsg"] {
            let reply = Reply::rejecting(&url.into(), body, "no").unwrap();
            assert!(reply.to_string().contains("ResultItem"), "{url}");
        }
        assert_eq!(Reply::rejecting(&Command::StateChange, b"", "no"), Some(Reply::fail("no")));
        assert_eq!(Reply::rejecting(&"New.Word".into(), b"", "no"), Some(Reply::reject(1, "no")));
    }
}
