//! A body that does not fit its command.

use bytes::Bytes;
use http::StatusCode;
use http_body_util::Full;
use tencent_im_callback::{Callback, Cause, Command, Event, OnError, OutcomeKind, Reply};

use crate::common::{Inner, layer, outcome, send, signed, text};
use crate::fate;

/// The text for the log, which says where to look and quotes nothing.
#[tokio::test]
async fn why_a_body_was_not_read() {
    for (body, text) in [
        ("", "body empty"),
        ("{\n x", "body is not JSON at line 2 column 2"),
        ("[]", "body is not an object"),
        (r#"{"CallbackCommand":5}"#, "CallbackCommand malformed in body"),
        (
            r#"{"CallbackCommand":"Group.CallbackBeforeSendMsg"}"#,
            "CallbackCommand differs in body, the body has GroupBeforeSendMsg",
        ),
        (
            r#"{"CallbackCommand":"New.\nWord"}"#,
            r#"unknown command, the body has Unknown("New.\nWord")"#,
        ),
        (
            r#"{"CallbackCommand":"C2C.CallbackBeforeSendMsg","From_Account":{}}"#,
            "body does not fit its command at From_Account, line 1 column 64",
        ),
    ] {
        let request = signed(Command::C2cBeforeSendMsg).body(body).build::<Full<Bytes>>();
        let response = send(&layer(), Inner::default(), request).await;
        assert_eq!(outcome(&response).error(), Some(text), "{body}");
    }
    for (body, text) in [
        ("x", "body of 1 bytes, not JSON;"),
        ("[]", "body of 2 bytes, JSON, but not an object;"),
        (r#"{"a":1}"#, "body of 7 bytes, a JSON object without a command;"),
        (r#"{"CallbackCommand":"x"}"#, "body of 23 bytes, a JSON object with a command;"),
    ] {
        let refused = Callback::check_probe(body.as_bytes()).unwrap_err();
        assert!(refused.error().unwrap().starts_with(text), "{body}: {refused:?}");
    }
}

#[tokio::test]
async fn an_after_callback_that_does_not_fit_arrives_with_its_place() {
    let body = "{\"PairList\":[{\"From_Account\":\"a\",\"To_Account\":\"b\"},\n\
        \x20{\"From_Account\":\"a\",\"To_Account\":[]}]}";
    let inner = Inner::default();
    let request = signed(Command::SnsFriendDelete).body(body).build::<Full<Bytes>>();
    let response = send(&layer(), inner.clone(), request).await;
    assert_eq!(response.status(), 200);
    let what = outcome(&response);
    assert_eq!(what.kind(), OutcomeKind::Accepted);
    assert_eq!(what.misfit().unwrap().path(), "PairList[1].To_Account");
    let callback = inner.last().unwrap();
    let Event::Unknown(event) = callback.event else { panic!() };
    assert_eq!(
        (event.command.clone(), event.body.clone()),
        (Command::SnsFriendDelete, Bytes::from(body))
    );
    let misfit = event.misfit().unwrap();
    assert_eq!((misfit.path(), misfit.line(), misfit.column()), ("PairList[1].To_Account", 2, 36));
    assert!(misfit.message().contains("expected an id"), "{}", misfit.message());
    // A missing member is reported for the object that lacks it.
    let (_, _, event) =
        fate(&layer(), Command::SnsFriendDelete, r#"{"PairList":[{"From_Account":"a"}]}"#).await;
    assert_eq!(event.unwrap().misfit().unwrap().path(), "PairList[0]");
}

#[tokio::test]
async fn json_that_does_not_fit_is_a_misfit_and_what_is_no_json_is_not() {
    let deep = format!(r#"{{"PairList":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let deep_elsewhere = format!(
        r#"{{"PairList":[],"x":{}{}}}"#,
        r#"{"a":"#.repeat(50_000) + "1",
        "}".repeat(50_000)
    );
    let delete = Command::SnsFriendDelete;
    for body in [
        r#"{"PairList":[{"From_Account":"a","To_Account":"b","TimeStamp":1e999}]}"#,
        r#"{"PairList":[{"From_Account":"a","To_Account":"b","TimeStamp":1.5}]}"#,
        r#"{"PairList":[{"From_Account":"a","To_Account":"b","TimeStamp":99999999999999999999}]}"#,
        r#"{"PairList":[{"From_Account":null,"To_Account":"b"}]}"#,
        r#"{"PairList":"x"}"#,
        r#"{"PairList":[],"PairList":[]}"#,
        &deep,
    ] {
        let (kind, reason, event) = fate(&layer(), delete.clone(), body).await;
        assert_eq!((kind, reason), (OutcomeKind::Accepted, "misfit"), "{:.80}", body);
        let Some(Event::Unknown(event)) = event else { panic!("{body:.80}") };
        assert!(event.misfit().is_some() && event.body == body.as_bytes(), "{body:.80}");
    }
    // Fields that nobody reads may hold anything.
    let (_, _, event) = fate(&layer(), delete.clone(), &deep_elsewhere).await;
    assert!(matches!(event, Some(Event::SnsFriendDelete(_))));

    for body in [
        r#"{"a":1}x"#,
        r#"{"PairList":5}x"#,
        r#"{"PairList":[]} {}"#,
        r#"{"PairList":[]"#,
        r#"{"a":01}"#,
        r#"{"a":tru}"#,
        r#"{'a':1}"#,
        r#"{"a":1,}"#,
        "{\"a\":\"\n\"}",
        "nonsense",
        "\0",
    ] {
        for command in [delete.clone(), Command::SnsPrevFriendAdd, "New.Word".into()] {
            let waits = command.phase().may_decide();
            let (kind, reason, event) = fate(&layer(), command, body).await;
            let wanted = if waits { OutcomeKind::Failed } else { OutcomeKind::Accepted };
            assert_eq!(
                (kind, reason, event.is_none()),
                (wanted, "body_not_json", waits),
                "{body:?}"
            );
        }
    }
    for body in ["[]", "[{}]", "5", "null", r#""text""#, "true"] {
        let (kind, reason, _) = fate(&layer(), delete.clone(), body).await;
        assert_eq!((kind, reason), (OutcomeKind::Accepted, "body_not_object"), "{body:?}");
    }
}

#[tokio::test]
async fn a_before_callback_that_does_not_fit_is_not_waved_through() {
    let before = Command::SnsPrevFriendAdd;
    let body = r#"{"From_Account":{},"FriendItem":[]}"#;
    let inner = Inner::default();
    let request = || signed(before.clone()).body(body).build::<Full<Bytes>>();
    let response = send(&layer(), inner.clone(), request()).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let what = outcome(&response);
    assert_eq!((what.kind(), what.cause()), (OutcomeKind::Failed, Some(Cause::Misfit)));
    assert_eq!(what.misfit().unwrap().path(), "From_Account");
    assert_eq!(
        text(response).await,
        r#"{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"callback not handled"}"#
    );
    assert_eq!(inner.calls(), 0);

    let refusing = layer().on_before_error(OnError::Reply(Reply::reject(1, "later")));
    let response = send(&refusing, inner.clone(), request()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(outcome(&response).kind(), OutcomeKind::Failed);
    assert_eq!(text(response).await, r#"{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"later"}"#);
    assert_eq!(inner.calls(), 0);

    let response = send(&layer().forward_misfits(), inner.clone(), request()).await;
    assert_eq!(outcome(&response).kind(), OutcomeKind::Accepted);
    assert!(
        matches!(inner.last().unwrap().event, Event::Unknown(event) if event.misfit().is_some())
    );
}
