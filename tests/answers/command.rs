//! Command and app of the URL, and those of the body.

use bytes::Bytes;
use http_body_util::Full;
use tencent_im_callback::testing::sign;
use tencent_im_callback::{Command, Event, OutcomeKind, UnknownReason};

use crate::common::{APP, Inner, NOW, TOKEN, layer, outcome, send, signed};
use crate::{common, fate};

/// A body that contains this JSON for its command.
fn word(json: &str) -> String {
    format!(r#"{{"a":1,"CallbackCommand":{json},"PairList":[]}}"#)
}

/// Why a body that came as a `Sns.CallbackFriendDelete` could not be read, and the command that was
/// found in it.
async fn unread(body: &str) -> (&'static str, Option<Command>) {
    let (kind, reason, event) = fate(&layer(), Command::SnsFriendDelete, body).await;
    let Some(Event::Unknown(event)) = event else { panic!("{body}") };
    assert_eq!((kind, event.body.as_ref()), (OutcomeKind::Accepted, body.as_bytes()));
    assert_eq!(event.reason.as_str(), reason);
    (reason, event.body_command)
}

#[tokio::test]
async fn a_notification_with_another_command_in_its_body_is_not_read() {
    let mismatch = ("command_mismatch", Some(Command::SnsFriendAdd));
    let same = word(r#""Sns.CallbackFriendDelete""#);
    let (_, _, event) = fate(&layer(), Command::SnsFriendDelete, &same).await;
    assert!(matches!(event, Some(Event::SnsFriendDelete(_))));
    // Escapes are another way to write the same.
    let escaped = r#"{"\u0043allbackCommand":"Sns.\u0043allbackFriendAdd"}"#;
    assert_eq!(unread(escaped).await, mismatch);
    assert_eq!(unread(&word(r#""Sns.CallbackFriendAdd""#)).await, mismatch);
    for not_text in
        ["1", "null", "true", "1.5", "1e999", r#"["Sns.CallbackFriendDelete"]"#, r#"{"a":[]}"#]
    {
        let read = unread(&word(not_text)).await;
        assert_eq!(read, ("body_command_malformed", None), "{not_text}");
    }
    // The word counts even if the rest does not fit.
    let misfit = r#"{"PairList":5,"CallbackCommand":"Sns.CallbackFriendAdd"}"#;
    assert_eq!(unread(misfit).await, mismatch);
}

/// Twice the same is once; twice different is a contradiction.
#[tokio::test]
async fn of_two_commands_in_a_body_the_one_before_an_action_counts() {
    let delete = Command::SnsFriendDelete;
    let twice =
        format!(r#"{{"CallbackCommand":"{delete}","PairList":[],"CallbackCommand":"{delete}"}}"#);
    let (_, _, event) = fate(&layer(), delete.clone(), &twice).await;
    assert!(matches!(event, Some(Event::SnsFriendDelete(_))));
    let twice = format!(r#"{{"CallbackCommand":"{delete}","CallbackCommand":"New.Word"}}"#);
    assert_eq!(unread(&twice).await.0, "command_mismatch");
    // Whatever their order: nobody may take the callback for a notification.
    for [first, second] in
        [["C2C.CallbackBeforeSendMsg", "New.Word"], ["New.Word", "C2C.CallbackBeforeSendMsg"]]
    {
        let twice = format!(r#"{{"CallbackCommand":"{first}","CallbackCommand":"{second}"}}"#);
        let fate = fate(&layer(), delete.clone(), &twice).await;
        assert_eq!(fate, (OutcomeKind::Failed, "command_mismatch", None));
    }
}

#[tokio::test]
async fn another_command_than_the_one_before_an_action_fails() {
    // Nobody could judge a body of an unknown command.
    let unknown = word(r#""New.Word""#);
    let found = fate(&layer(), Command::C2cBeforeSendMsg, &unknown).await;
    assert_eq!(found, (OutcomeKind::Failed, "misfit", None));
    // Nor is a notification one that has the body of a *before* callback.
    let before = word(r#""C2C.CallbackBeforeSendMsg""#);
    let found = fate(&layer(), Command::SnsFriendDelete, &before).await;
    assert_eq!(found, (OutcomeKind::Failed, "command_mismatch", None));
}

#[tokio::test]
async fn of_an_unknown_command_everything_is_kept() {
    for (url, body) in [
        ("Sns.CallbackFriendDelete", "New.Word"),
        ("New.Word", "Sns.CallbackFriendDelete"),
        ("New.Word", "New.Word"),
    ] {
        let json = word(&format!("{body:?}"));
        let (kind, reason, event) = fate(&layer(), url.into(), &json).await;
        let Some(Event::Unknown(event)) = event else { panic!("{url} {body}") };
        // Nothing is wrong with such a body.
        assert_eq!((kind, reason), (OutcomeKind::Accepted, "handled"));
        assert_eq!((event.command.as_str(), event.body_command.unwrap().as_str()), (url, body));
        assert_eq!((event.reason, event.body), (UnknownReason::UnknownCommand, Bytes::from(json)));
    }
    // A lone surrogate in the word: unknown, not lost.
    let (_, _, event) =
        fate(&layer(), Command::SnsFriendDelete, r#"{"CallbackCommand":"\ud800"}"#).await;
    assert!(matches!(event, Some(Event::Unknown(event)) if event.body_command.is_some()));
}

#[tokio::test]
async fn documented_disagreements_of_the_words() {
    let deleted =
        r#"{"CallbackCommand":"Live.CallbackAfterDelMetadata","RoomId":"r","Keys":["k"]}"#;
    let inner = Inner::default();
    let request = signed(Command::LiveAfterSetMetadata).body(deleted).build::<Full<Bytes>>();
    let response = send(&layer(), inner.clone(), request).await;
    assert_eq!(outcome(&response).params().unwrap().command, Command::LiveAfterDelMetadata);
    let callback = inner.last().unwrap();
    assert_eq!(callback.params.command, Command::LiveAfterDelMetadata);
    assert!(matches!(callback.event, Event::LiveAfterDelMetadata(_)), "{:?}", callback.event);
    // That of the body counts as well if the body does not fit.
    let misfit = deleted.replace(r#"["k"]"#, "{}");
    let request = signed(Command::LiveAfterSetMetadata).body(misfit).build::<Full<Bytes>>();
    let response = send(&layer(), inner.clone(), request).await;
    assert_eq!(outcome(&response).params().unwrap().command, Command::LiveAfterDelMetadata);
    assert!(inner.last().unwrap().event.misfit().is_some());
    // The other way round is a contradiction.
    let set = r#"{"CallbackCommand":"Live.CallbackAfterSetMetadata","RoomId":"r"}"#;
    let fate = fate(&layer(), Command::LiveAfterDelMetadata, set).await;
    assert_eq!(fate.1, "command_mismatch");
    // An old word is the same command.
    let inner = Inner::default();
    let request = common::post(
        &format!(
            "/?SdkAppid={APP}&CallbackCommand=Room.CallbackUpdateRoomInfo\
            &Sign={}&RequestTime={NOW}",
            sign(TOKEN, NOW)
        ),
        r#"{"CallbackCommand":"Room.CallbackAfterUpdateRoomInfo","RoomId":"r"}"#,
    );
    let response = send(&layer(), inner.clone(), request).await;
    assert_eq!(outcome(&response).kind(), OutcomeKind::Accepted);
}

#[tokio::test]
async fn the_app_of_the_body_must_agree() {
    let notify = Command::ContentCallbackResultNotify;
    for (body, reason) in [
        (r#"{"SdkAppId":1400000000}"#, "misfit"),
        (r#"{"SdkAppId":"1400000000"}"#, "misfit"),
        (r#"{"SdkAppId":1400000001}"#, "app_mismatch"),
        (r#"{"x":"","SdkAppId":"5"}"#, "app_mismatch"),
    ] {
        assert_eq!(fate(&layer(), notify.clone(), body).await.1, reason, "{body}");
    }
    // In another command the member means nothing.
    assert_eq!(fate(&layer(), Command::SnsFriendAdd, r#"{"SdkAppId":5}"#).await.1, "misfit");
}
