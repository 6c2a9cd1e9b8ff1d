//! The answer table, through the layer: status, phrase, outcome, and that nothing but an accepted
//! callback reaches the service.
#![allow(clippy::pedantic)]

mod common;

use bytes::Bytes;
use common::{APP, Inner, NOW, OK, TOKEN, layer, outcome, send, signed, text};
use http::{Request, StatusCode};
use http_body_util::Full;
use tencent_im_callback::testing::Fault;
use tencent_im_callback::testing::sign;
use tencent_im_callback::{
    App, Apps, Callback, CallbackLayer, Cause, Command, Disposition, Event, OnError, OutcomeKind,
    Phase, RejectionKind as Kind, Reply, UnknownReason, Verifier,
};

#[tokio::test]
async fn an_accepted_callback_reaches_the_service_whole() {
    let inner = Inner::default();
    let request = signed(Command::SnsFriendDelete)
        .url("/callback")
        .parameter("ClientIP", "127.0.0.1")
        .build::<Full<Bytes>>();
    let body = tencent_im_callback::testing::sample(&Command::SnsFriendDelete).unwrap();
    let response = send(&layer(), inner.clone(), request).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json; charset=utf-8");
    let what = outcome(&response);
    assert_eq!((what.kind(), what.token_index()), (OutcomeKind::Accepted, Some(0)));
    assert_eq!(what.params().unwrap().command, Command::SnsFriendDelete);
    assert!(what.rejection().is_none() && what.error().is_none() && what.misfit().is_none());
    assert_eq!(what.disposition(), Some(Disposition::Handled));
    assert_eq!(text(response).await, OK);

    let callback = inner.last().unwrap();
    assert_eq!(callback.body, body);
    assert_eq!(callback.params.client_ip().as_deref(), Some("127.0.0.1"));
    let Event::SnsFriendDelete(event) = callback.event else { panic!("{:?}", callback.event) };
    let friends: Vec<_> = event.pair_list.iter().map(|pair| pair.to_account.as_str()).collect();
    assert_eq!(friends, ["id1", "id2", "id3"]);
}

fn alone_bytes(kind: Kind) -> Vec<u8> {
    format!(r#"{{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"{}"}}"#, kind.phrase())
        .into_bytes()
}

#[tokio::test]
async fn every_fault_has_its_answer() {
    for fault in Fault::ALL {
        let (kind, status) = match fault {
            Fault::Stale => (Kind::Stale, 401),
            Fault::TimestampInFuture => (Kind::TimestampInFuture, 401),
            Fault::SignatureMismatch => (Kind::SignatureMismatch, 401),
            Fault::MissingSignature => (Kind::SignatureMissing, 401),
            Fault::MissingTime => (Kind::TimeMissing, 401),
            Fault::MalformedSignature => (Kind::SignatureMalformed, 401),
            Fault::OtherApp => (Kind::AppUnknown, 403),
            Fault::AppNotANumber => (Kind::AppMalformed, 400),
            Fault::MissingApp => (Kind::AppMissing, 400),
            Fault::DuplicateParameter => (Kind::DuplicateParameter, 400),
            Fault::CommandNotUtf8 => (Kind::CommandMalformed, 400),
            Fault::WrongMethod => (Kind::MethodNotAllowed, 405),
            Fault::TooLarge => (Kind::BodyTooLarge, 413),
            // Of the body: `every_fault_of_a_body_has_its_answer`.
            _ => continue,
        };
        for command in [Command::SnsFriendDelete, Command::SnsPrevFriendAdd] {
            if kind.is_after_verification() && command.phase().may_decide() {
                continue;
            }
            let inner = Inner::default();
            let request = signed(command).fault(*fault).build::<Full<Bytes>>();
            let response = send(&layer(), inner.clone(), request).await;
            assert_eq!(response.status(), status, "{fault:?}");
            assert_eq!(response.headers()["content-type"], "application/json; charset=utf-8");
            let allow = response.headers().get("allow").map(|allow| allow.to_str().unwrap());
            assert_eq!(allow, (status == 405).then_some("POST"), "{fault:?}");
            let what = outcome(&response);
            assert_eq!(what.kind(), OutcomeKind::Rejected, "{fault:?}");
            let rejection = what.rejection().unwrap();
            assert_eq!(
                (rejection.kind(), rejection.status()),
                (kind, response.status()),
                "{fault:?}"
            );
            assert_eq!(what.params().is_some(), kind.is_after_verification(), "{fault:?}");
            assert_eq!(what.token_index().is_some(), kind.is_after_verification(), "{fault:?}");
            // Those without the layer write the same.
            let reply = rejection.to_reply();
            assert_eq!(reply.as_bytes(), alone_bytes(kind), "{fault:?}");
            let alone = rejection.to_response();
            assert_eq!((alone.status(), alone.headers()), (response.status(), response.headers()));
            assert!(text(alone).await.contains(kind.phrase()));
            assert_eq!(
                text(response).await,
                format!(
                    r#"{{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"{}"}}"#,
                    kind.phrase()
                )
            );
            assert_eq!(inner.calls(), 0, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn every_fault_of_a_body_has_its_answer() {
    for (fault, reason) in [
        (Fault::CommandMismatch, "command_mismatch"),
        (Fault::TruncatedJson, "body_not_json"),
        (Fault::NotJson, "body_not_json"),
        (Fault::TrailingBytes, "body_not_json"),
        (Fault::NotAnObject, "body_not_object"),
        (Fault::TooLarge, "body_too_large"),
    ] {
        // A notification is not sent again, so it reaches the service.
        let inner = Inner::default();
        let request = signed(Command::SnsFriendDelete).fault(fault).build::<Full<Bytes>>();
        let response = send(&layer(), inner.clone(), request).await;
        if fault != Fault::TooLarge {
            let what = outcome(&response);
            assert_eq!((what.kind(), what.reason()), (OutcomeKind::Accepted, reason), "{fault:?}");
            assert!(
                matches!(inner.last().unwrap().event, Event::Unknown(event) if event.reason.as_str() == reason)
            );
            assert_eq!(text(response).await, OK);
        }
        // A verdict is the owner's.
        let inner = Inner::default();
        let request = || signed(Command::C2cBeforeSendMsg).fault(fault).build::<Full<Bytes>>();
        let response = send(&layer(), inner.clone(), request()).await;
        let what = outcome(&response);
        assert_eq!((what.kind(), what.reason()), (OutcomeKind::Failed, reason), "{fault:?}");
        assert_eq!(response.status(), 500, "{fault:?}");
        let response =
            send(&layer().on_before_error(OnError::reject("later")), inner.clone(), request())
                .await;
        assert_eq!(text(response).await, Reply::reject(1, "later").to_string(), "{fault:?}");
        assert_eq!(inner.calls(), 0, "{fault:?}");
    }
}

/// What becomes of a body under a command of the URL: the outcome, its reason, and the event if it
/// got through.
async fn fate(
    layer: &CallbackLayer,
    command: Command,
    body: &str,
) -> (OutcomeKind, &'static str, Option<Event>) {
    let inner = Inner::default();
    let request = signed(command).body(body.to_owned()).build::<Full<Bytes>>();
    let response = send(layer, inner.clone(), request).await;
    let what = outcome(&response);
    let (kind, reason) = (what.kind(), what.reason());
    if kind == OutcomeKind::Probe {
        assert_eq!(text(response).await, OK);
    }
    (kind, reason, inner.last().map(|callback| callback.event))
}

#[tokio::test]
async fn the_bodys_probes_and_their_near_misses() {
    let probe = (OutcomeKind::Probe, "", None);
    let blank = ["", " \n", "{}", " { } ", "\u{feff}", "\u{feff}{}"];
    for command in [Command::SnsFriendDelete, Command::PushOfflinePush] {
        for body in blank {
            assert_eq!(fate(&layer(), command.clone(), body).await, probe, "{command} {body:?}");
        }
    }
    // Nobody must take silence for "allow", and nobody knows what it means to a word that this
    // version does not know.
    let before = Command::ALL.iter().filter(|command| command.phase() == Phase::Before);
    for command in before.cloned().chain(["New.Word".into()]) {
        for body in blank {
            let fate = fate(&layer(), command.clone(), body).await;
            assert_eq!(fate, (OutcomeKind::Failed, "body_empty", None), "{command} {body:?}");
        }
    }
    // White space is of the four kinds that JSON knows.
    let (_, reason, _) = fate(&layer(), Command::SnsFriendDelete, "\u{c}{}").await;
    assert_eq!(reason, "body_not_json");

    // Without a proof of the token there is no probe.
    let unsigned = CallbackLayer::new(App::unsigned(APP));
    let (kind, reason, event) = fate(&unsigned, Command::SnsFriendDelete, "").await;
    assert_eq!((kind, reason), (OutcomeKind::Accepted, "body_empty"));
    assert!(
        matches!(event, Some(Event::Unknown(event)) if event.reason == UnknownReason::BodyEmpty)
    );
    let (kind, _, event) = fate(&unsigned, Command::SnsFriendDelete, r#"{"PairList":null}"#).await;
    assert_eq!(kind, OutcomeKind::Accepted);
    assert!(matches!(event, Some(Event::SnsFriendDelete(event)) if event.pair_list.is_empty()));
    // Without its list the event says nothing: an old, flat form must not arrive as a deletion of
    // nobody.
    for body in ["{}", r#"{"From_Account":"a","To_Account":"b"}"#] {
        let (kind, _, event) = fate(&unsigned, Command::SnsFriendDelete, body).await;
        assert_eq!(kind, OutcomeKind::Accepted);
        assert!(event.is_some_and(|event| event.misfit().is_some()), "{body}");
    }

    // A body without a word is an event of the URL's word.
    let (kind, _, event) = fate(&layer(), Command::SnsFriendDelete, r#"{"PairList":[]}"#).await;
    assert_eq!(kind, OutcomeKind::Accepted);
    assert!(matches!(event, Some(Event::SnsFriendDelete(_))));
}

#[tokio::test]
async fn probes_by_url_are_answered_ok_and_go_no_further() {
    let auth = format!("Sign={}&RequestTime={NOW}", sign(TOKEN, NOW));
    for url in [format!("/?{auth}"), format!("/?SdkAppid={APP}&{auth}")] {
        for (body, probe) in [
            ("", true),
            (" {\n} ", true),
            ("\u{feff}{}", true),
            (r#"{"a":1}"#, false),
            ("[]", false),
            ("{}{}", false),
            ("nonsense", false),
        ] {
            let inner = Inner::default();
            let response = send(&layer(), inner.clone(), common::post(&url, body)).await;
            let what = outcome(&response);
            let (status, kind) =
                if probe { (200, OutcomeKind::Probe) } else { (400, OutcomeKind::Rejected) };
            assert_eq!((response.status().as_u16(), what.kind()), (status, kind), "{body:?}");
            let rejection = what.rejection();
            assert_eq!(rejection.is_none(), probe);
            assert!(rejection.is_none_or(|rejection| {
                rejection.kind() == Kind::UrlIncomplete
                    && rejection.to_string().contains(&format!("{} bytes", body.len()))
            }));
            assert_eq!(text(response).await == OK, probe);
            assert_eq!(inner.calls(), 0);
        }
    }
}

#[tokio::test]
async fn the_word_of_url_and_body() {
    let word = |word: &str| format!(r#"{{"a":1,"CallbackCommand":{word},"PairList":[]}}"#);
    let delete = Command::SnsFriendDelete;
    let unread = async |body: &str| {
        let (kind, reason, event) = fate(&layer(), Command::SnsFriendDelete, body).await;
        let Some(Event::Unknown(event)) = event else { panic!("{body}") };
        assert_eq!((kind, event.body.as_ref()), (OutcomeKind::Accepted, body.as_bytes()));
        assert_eq!(event.reason.as_str(), reason);
        (reason, event.body_command)
    };
    let mismatch = ("command_mismatch", Some(Command::SnsFriendAdd));

    let (_, _, event) =
        fate(&layer(), delete.clone(), &word(r#""Sns.CallbackFriendDelete""#)).await;
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
    // Twice the same is once; twice different is a contradiction.
    let twice = r#"{"CallbackCommand":"Sns.CallbackFriendDelete","PairList":[],"CallbackCommand":"Sns.CallbackFriendDelete"}"#;
    let (_, _, event) = fate(&layer(), delete.clone(), twice).await;
    assert!(matches!(event, Some(Event::SnsFriendDelete(_))));
    let twice = r#"{"CallbackCommand":"Sns.CallbackFriendDelete","CallbackCommand":"New.Word"}"#;
    assert_eq!(unread(twice).await.0, "command_mismatch");
    // Of two the one before an action counts, whatever their order: nobody may take the callback
    // for a notification.
    for words in
        [["C2C.CallbackBeforeSendMsg", "New.Word"], ["New.Word", "C2C.CallbackBeforeSendMsg"]]
    {
        let [first, second] = words;
        let twice = format!(r#"{{"CallbackCommand":"{first}","CallbackCommand":"{second}"}}"#);
        let fate = fate(&layer(), delete.clone(), &twice).await;
        assert_eq!(fate, (OutcomeKind::Failed, "command_mismatch", None));
    }

    // Before an action a body of an unknown command is a misfit: nobody could judge it.
    let fate_of_unknown = fate(&layer(), Command::C2cBeforeSendMsg, &word(r#""New.Word""#)).await;
    assert_eq!(fate_of_unknown, (OutcomeKind::Failed, "misfit", None));
    // So is a notification with the body of a *before* callback.
    let fate_of_before =
        fate(&layer(), delete.clone(), &word(r#""C2C.CallbackBeforeSendMsg""#)).await;
    assert_eq!(fate_of_before, (OutcomeKind::Failed, "command_mismatch", None));

    // Else, either word unknown: everything is kept.
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
    let (_, _, event) = fate(&layer(), delete, r#"{"CallbackCommand":"\ud800"}"#).await;
    assert!(matches!(event, Some(Event::Unknown(event)) if event.body_command.is_some()));
}

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
    // The other way round is a contradiction.
    let set = r#"{"CallbackCommand":"Live.CallbackAfterSetMetadata","RoomId":"r"}"#;
    let fate = fate(&layer(), Command::LiveAfterDelMetadata, set).await;
    assert_eq!(fate.1, "command_mismatch");
    // An old word is the same command.
    let inner = Inner::default();
    let request = common::post(
        &format!(
            "/?SdkAppid={APP}&CallbackCommand=Room.CallbackUpdateRoomInfo&Sign={}&RequestTime={NOW}",
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

#[tokio::test]
async fn an_after_callback_that_does_not_fit_arrives_with_its_place() {
    let body = "{\"PairList\":[{\"From_Account\":\"a\",\"To_Account\":\"b\"},\n {\"From_Account\":\"a\",\"To_Account\":[]}]}";
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

#[tokio::test]
async fn an_error_of_the_service_is_a_decision() {
    let failing = || tower::service_fn(|_: Callback| async { Err::<Reply, _>("secret detail") });
    // Before, after, and a phase that nobody knows.
    for (command, status) in [
        (Command::SnsPrevFriendAdd, 500),
        (Command::SnsFriendDelete, 200),
        (Command::from("New.Word"), 500),
    ] {
        let request =
            signed(command).body(r#"{"From_Account":"a","FriendItem":[]}"#).build::<Full<Bytes>>();
        let response = send(&layer(), failing(), request).await;
        assert_eq!(response.status(), status);
        let what = outcome(&response);
        assert_eq!((what.kind(), what.cause()), (OutcomeKind::Failed, Some(Cause::Failed)));
        assert_eq!(what.error(), Some("secret detail"));
        assert!(what.params().is_some());
        assert_eq!(
            text(response).await,
            r#"{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"callback not handled"}"#
        );
    }
    // Chosen case by case.
    let layer = layer().on_after_error(OnError::ServerError).on_error(|failure| {
        match (failure.phase(), failure.command()) {
            (Phase::Before, Command::SnsPrevFriendAdd) => {
                OnError::Reply(Reply::reject(38_001, "x"))
            }
            _ => OnError::Reply(Reply::fail(failure.message().to_string())),
        }
    });
    for (command, reply) in [
        (Command::SnsPrevFriendAdd, Reply::reject(38_001, "x")),
        (Command::SnsFriendDelete, Reply::fail("secret detail")),
    ] {
        let request =
            signed(command).body(r#"{"From_Account":"a","FriendItem":[]}"#).build::<Full<Bytes>>();
        let response = send(&layer, failing(), request).await;
        assert_eq!(text(response).await.as_bytes(), reply.as_bytes());
    }
}

/// Each command is blocked in its own form: a friend request would let everybody through on any
/// code of the whole reply.
#[tokio::test]
async fn what_cannot_be_handled_is_blocked_whatever_the_command() {
    let failing = || tower::service_fn(|_: Callback| async { Err::<Reply, _>("secret detail") });
    let layer =
        layer().on_before_error(OnError::reject("later")).on_after_error(OnError::reject("later"));
    let answer = async |command: &Command, body: &'static str| {
        let mut request = signed(command.clone());
        if !body.is_empty() {
            request = request.body(body);
        }
        let response = send(&layer, failing(), request.build::<Full<Bytes>>()).await;
        (response.status().as_u16(), text(response).await)
    };
    let rejected = |people: [&str; 2]| {
        let item = |person| {
            format!(r#"{{"To_Account":"{person}","ResultCode":38000,"ResultInfo":"later"}}"#)
        };
        let items = people.map(item).join(",");
        format!(r#"{{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ResultItem":[{items}]}}"#)
    };
    for command in Command::ALL {
        let (status, body) = answer(command, "").await;
        let wanted = match command {
            Command::SnsPrevFriendAdd | Command::SnsPrevFriendResponse => rejected(["id1", "id2"]),
            before if before.phase().may_decide() => {
                r#"{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"later"}"#.into()
            }
            _ => r#"{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"later"}"#.into(),
        };
        assert_eq!((status, body), (200, wanted), "{command}");
    }
    // Also if another field does not fit. Without the persons there is nothing to block them with.
    let items = r#"{"From_Account":{},"FriendItem":[{"To_Account":"a"},{"To_Account":"b"}]}"#;
    let add = Command::SnsPrevFriendAdd;
    assert_eq!(answer(&add, items).await, (200, rejected(["a", "b"])));
    let items =
        r#"{"From_Account":{},"ResponseFriendItem":[{"To_Account":"a"},{"To_Account":"b"}]}"#;
    assert_eq!(answer(&Command::SnsPrevFriendResponse, items).await, (200, rejected(["a", "b"])));
    for nobody in
        [r#"{"From_Account":"a","FriendItem":[]}"#, r#"{"FriendItem":[{"To_Account":{}}]}"#]
    {
        assert_eq!(answer(&add, nobody).await.0, 500);
    }
}

#[tokio::test]
async fn configuration_by_apps_app_or_verifier() {
    let app = || App::signed(APP, common::token(TOKEN));
    for verifier in [Verifier::from(app()), Verifier::from(Apps::from(app())), Verifier::new(app())]
    {
        let layer = CallbackLayer::new(verifier.clock(common::clock));
        let request = signed(Command::SnsFriendAdd).build::<Full<Bytes>>();
        assert_eq!(send(&layer, Inner::default(), request).await.status(), 200);
    }
    let _ = (CallbackLayer::new(app()), CallbackLayer::new(Apps::from(app())));
    let request = Request::get("/").body(Full::<Bytes>::default()).unwrap();
    assert_eq!(send(&layer(), Inner::default(), request).await.status(), 405);
}

#[test]
fn names_for_logs_and_metrics() {
    // All of them, so that a new one without a name in this list fails.
    let causes: Vec<_> =
        Cause::ALL.iter().map(|cause| (cause.as_str(), cause.to_string())).collect();
    assert_eq!(
        causes,
        [
            "misfit",
            "body_empty",
            "body_not_json",
            "body_not_object",
            "body_command_malformed",
            "command_mismatch",
            "body_too_large",
            "body_incomplete",
            "body_timed_out",
            "not_ready",
            "overloaded",
            "rate_limited",
            "timed_out",
            "failed",
            "panicked",
        ]
        .map(|name| (name, name.to_owned()))
    );
    let dispositions = [
        Disposition::Handled,
        Disposition::Detached,
        Disposition::Duplicate,
        Disposition::Enqueued,
        Disposition::RateLimited,
        Disposition::Unhandled,
    ];
    assert_eq!(
        dispositions.map(|disposition| (disposition.as_str(), disposition.to_string())),
        ["handled", "detached", "duplicate", "enqueued", "rate_limited", "unhandled"]
            .map(|name| (name, name.to_owned()))
    );
    let kinds =
        [OutcomeKind::Accepted, OutcomeKind::Probe, OutcomeKind::Rejected, OutcomeKind::Failed];
    assert_eq!(
        kinds.map(|kind| (kind.as_str(), kind.to_string())),
        ["accepted", "probe", "rejected", "failed"].map(|name| (name, name.to_owned()))
    );
}
