//! What is asked: `broken`. Signed callbacks whose bytes cannot be read, or only with replacements.

use tencent_im_callback::Command;
use tencent_im_callback::testing::sample;

use super::item::{Item, Wanted};
use super::items::{FULL, Make, too_long};
use crate::lang::Text;

const UNJUDGED: Text = Text(
    "nobody has judged it; after a status of 4xx, as after OK, the action goes on by default, so \
    one broken byte gets everything past moderation",
    "没有人审核过它；应答 4xx 与应答 OK 一样，腾讯云默认都会放行，于是一个损坏的字节就能绕过审核",
);
const LOST: Text = Text(
    "Tencent does not send a notification again: what is refused is lost; take it, keep its bytes \
    and raise an alarm",
    "腾讯云不会重发通知类回调：被拒绝的事件会丢失；应当接收、保留原始字节并告警",
);
const NOBODY: Text = Text(
    "a friend request is refused per person: each one who can be read needs a ResultCode, whatever \
    the others look like",
    "加好友请求是逐人拒绝的：凡是能读出的人都需要一个 ResultCode，无论其他人的内容如何",
);

/// How a body is broken.
struct Way {
    name: &'static str,
    body: Vec<u8>,
    /// Whether a careful parser can still read it.
    readable: bool,
}

/// Puts bytes right before the text.
pub(super) fn beside(body: &[u8], text: &str, bytes: &[u8]) -> Vec<u8> {
    let at = body.windows(text.len()).position(|window| window == text.as_bytes());
    let (before, behind) = body.split_at(at.unwrap_or(body.len()));
    [before, bytes, behind].concat()
}

/// The ways in which the body of a command may be broken. `text` stands in one of its strings.
fn ways(command: &Command, body: &[u8], text: &str) -> Vec<Way> {
    let readable = |name, body| Way { name, body, readable: true };
    let broken = |name, body| Way { name, body, readable: false };
    let inside =
        body.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}")).unwrap_or_default();
    let named = format!(r#""CallbackCommand":"{command}""#);
    let renamed = |word: &str| {
        let body = String::from_utf8_lossy(body);
        body.replacen(&named, &format!(r#""CallbackCommand":{word}"#), 1).into()
    };
    // Another one of the same kind, so that only the words differ.
    let other = match command {
        Command::C2cBeforeSendMsg => r#""Group.CallbackBeforeSendMsg""#,
        _ => r#""Sns.CallbackFriendAdd""#,
    };
    vec![
        readable("no-utf8", beside(body, text, b"\xff")),
        readable("surrogate-bytes", beside(body, text, b"\xed\xa0\xbd")),
        readable("lone-surrogate", beside(body, text, br"\ud83d")),
        readable("byte-order-mark", [b"\xef\xbb\xbf", body].concat()),
        broken("control-character", beside(body, text, b"\x01")),
        broken("bare-nan", [b"{", inside, b",\"a\":nan}"].concat()),
        broken("cut", body[..body.len().saturating_sub(2)].to_vec()),
        broken("trailing-bytes", [body, b"x"].concat()),
        broken("list", [b"[", body, b"]"].concat()),
        broken("not-json", b"SdkAppid=1400000000".to_vec()),
        broken("command-null", renamed("null")),
        broken("other-command", renamed(other)),
    ]
}

/// The sample of a command in one line: its body, and a text in it.
fn body(command: &Command, text: &str) -> Vec<u8> {
    let body: Option<serde_json::Value> =
        sample(command).and_then(|sample| serde_json::from_str(sample).ok());
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    debug_assert!(body.contains(text), "{command}");
    body.into()
}

pub(crate) fn broken(make: Make<'_>) -> Vec<Item> {
    let mut items = Vec::new();
    let message = (Command::C2cBeforeSendMsg, "red packet");
    let friends = (Command::SnsPrevFriendAdd, "this is id1!");
    let event = (Command::SnsFriendDelete, "id1");
    for (group, (command, text), why) in [
        ("before", message, UNJUDGED),
        ("friend-request", friends, UNJUDGED),
        ("after", event, LOST),
    ] {
        let may_decide = command.phase().may_decide();
        for way in ways(&command, &body(&command, text), text) {
            let wanted = match (may_decide, way.readable) {
                (true, true) => Wanted::Verdict,
                (true, false) => Wanted::Blocked,
                (false, _) => Wanted::Noted,
            };
            let request = make(command.clone()).body(way.body);
            let name = format!("broken.{group}.{}", way.name);
            items.push(Item::new(name, command.clone(), request, wanted, why));
        }
        // That of a notification is refused.
        if may_decide {
            let request = make(command.clone()).body(too_long(&command));
            let name = format!("broken.{group}.too-long");
            items.push(Item::new(name, command, request, Wanted::BlockedOrCutOff, FULL));
        }
    }
    let command = Command::SnsPrevFriendAdd;
    let unreadable = concat!(
        r#"{"CallbackCommand":"Sns.CallbackPrevFriendAdd","From_Account":"a","FriendItem":["#,
        r#"{"To_Account":"id1"},{"To_Account":{}},{"To_Account":"id2"}]}"#
    );
    let request = make(command.clone()).body(unreadable);
    let name = "broken.friend-request.one-person";
    items.push(Item::new(name, command, request, Wanted::Blocked, NOBODY));
    items
}
