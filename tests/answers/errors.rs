//! An error of the service, and what configuration decides about it.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tencent_im_callback::{
    App, Apps, Callback, CallbackLayer, Cause, Command, Disposition, OnError, OutcomeKind, Phase,
    Reply, Verifier,
};

use crate::common;
use crate::common::{APP, Inner, TOKEN, layer, outcome, send, signed, text};

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
            _ => OnError::Reply(Reply::fail(failure.message())),
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
