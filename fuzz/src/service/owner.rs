//! The answer that the owner chose for what could not be handled.

use tencent_im_callback::Command;

use super::ask::Answer;
use super::case::Case;
use crate::json::{self, Json};

const NOT_HANDLED: &str =
    r#"{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"callback not handled"}"#;

/// Of a friend request, each person whose name can be read before the first mistake is rejected.
/// 500 only where there is none.
fn everybody_is_rejected(answer: &Answer, body: &[u8]) {
    let text = json::readable(body);
    let members = json::members_before_a_mistake(&text);
    let lists = members
        .iter()
        .filter(|(key, _)| ["FriendItem", "ResponseFriendItem"].contains(&key.as_str()));
    let mut persons: Vec<String> = Vec::new();
    for person in lists.flat_map(|(_, list)| list.list()) {
        let Json::Object(members) = &person.value else {
            continue;
        };
        let names: Vec<_> = members.iter().filter(|(key, _)| key == "To_Account").collect();
        if let [(_, name)] = names[..] {
            persons.extend(name.text().map(str::to_owned));
        }
    }
    if answer.status == 500 {
        assert_eq!(persons, [""; 0], "are let through");
        assert_eq!(answer.body, NOT_HANDLED);
        return;
    }
    assert_eq!(answer.status, 200);
    let reply = json::read(&answer.body).expect("an answer is JSON");
    assert_eq!(
        reply.member("ErrorCode").map(|code| code.raw),
        Some("0"),
        "everybody is let through"
    );
    let items = reply.member("ResultItem").map_or(&[][..], |items| items.list());
    let rejected: Vec<&str> = items
        .iter()
        .filter(|item| item.member("ResultCode").is_some_and(|code| code.raw == "38000"))
        .filter_map(|item| item.member("To_Account")?.text())
        .collect();
    assert!(!rejected.is_empty() && rejected.len() == items.len(), "{}", reply.raw);
    for person in persons {
        assert!(rejected.contains(&person.as_str()), "{person} is let through: {}", reply.raw);
    }
}

/// Whether a callback that could not be handled was answered as its owner chose.
pub(super) fn is_owners(case: &Case, answer: &Answer, command: &Command, body: &[u8]) {
    let is = |status: u16, body: &str| {
        assert_eq!((answer.status, answer.body.as_ref()), (status, body.as_bytes()), "{command}");
    };
    match (case.on_error, command.phase().may_decide()) {
        (0 | 2, true) | (2, false) => is(500, NOT_HANDLED),
        (1, true) => is(200, r#"{"ActionStatus":"OK","ErrorCode":7,"ErrorInfo":"later"}"#),
        (3, _) => is(200, r#"{"ActionStatus":"OK","ErrorCode":9,"ErrorInfo":"by closure"}"#),
        (4, true) if command.as_str().starts_with("Sns.CallbackPrev") => {
            everybody_is_rejected(answer, body)
        }
        (4, true) => is(200, r#"{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"not \"now\""}"#),
        _ => is(200, NOT_HANDLED),
    }
}
