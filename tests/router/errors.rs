//! Events that no handler can take, errors of handlers, and mistakes in a router.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::Full;
use tencent_im_callback::event::{c2c, sns, state};
use tencent_im_callback::{
    Callback, Cause, Command, EventRouter, HandlerError, OutcomeKind, Reply,
};
use tower::{Service, ServiceExt, service_fn};

use crate::common::{layer, outcome, send, signed, text};
use crate::{answer, answer_to, common, item, parse};

/// An event that somebody handles is not lost because its body does not fit: behind the queue it
/// becomes a dead letter.
#[tokio::test]
async fn a_misfit_of_a_handled_event_is_an_error() {
    use tencent_im_callback::Retry;

    let misfit = || parse(signed(Command::StateChange).body(r#"{"Info":5}"#).build());
    let handled = EventRouter::new().on(|_: Callback<state::StateChange>| async {});
    for router in [handled.clone(), handled.allow_unhandled()] {
        let error: HandlerError = router.oneshot(misfit()).await.unwrap_err();
        assert_eq!(error.retry(), Retry::Never);
        assert!(error.to_string().starts_with("body does not fit its command at Info"), "{error}");
    }
    // Nobody asked for it.
    assert_eq!(EventRouter::new().oneshot(misfit()).await.unwrap(), Reply::ok());
}

#[test]
#[should_panic(expected = "there is a handler for `State.StateChange` already")]
fn a_second_handler_for_one_event_panics_when_it_is_added() {
    let _ = EventRouter::new()
        .on(|_: Callback<state::StateChange>| async {})
        .on(|_: Callback<state::StateChange>| async {});
}

#[test]
#[should_panic(expected = "`State.StateChange` is known")]
fn a_known_word_has_a_type() {
    let _ =
        EventRouter::new().on_unknown("State.StateChange", |_: Callback<()>| async { Reply::ok() });
}

#[tokio::test]
async fn errors_take_the_road_that_the_layer_was_given() {
    let router = EventRouter::new()
        .on(|_: Callback<c2c::BeforeSendMsg>| async { Err(HandlerError::new("no database")) });
    let request = signed(Command::C2cBeforeSendMsg).build::<Full<Bytes>>();
    let response = send(&layer(), router, request).await;
    assert_eq!(response.status(), 500);
    let what = outcome(&response);
    assert_eq!(
        (what.kind(), what.cause(), what.error()),
        (OutcomeKind::Failed, Some(Cause::Failed), Some("no database"))
    );
    assert!(!text(response).await.contains("database"));
}

/// "OK" to what nobody judged would let it pass.
#[tokio::test]
async fn a_verdict_without_a_handler_is_an_error() {
    let router = EventRouter::new().on(|_: Callback<state::StateChange>| async {});
    let open = router.clone().allow_unhandled();
    for command in Command::ALL {
        let found = answer(&router, command.clone()).await;
        if command.phase() == tencent_im_callback::Phase::Before {
            let error = found.unwrap_err();
            assert!(error.starts_with("no handler for"), "{error}");
        } else {
            assert_eq!(found, Ok(Reply::ok()), "{command}");
        }
        assert_eq!(answer(&open, command.clone()).await, Ok(Reply::ok()));
    }
    // Nor is one judged that has no type: by its body, or because one of its two words is unknown.
    let misfit = || signed(Command::C2cBeforeSendMsg).body(r#"{"MsgBody":5}"#).build();
    let words = || {
        signed("c2c.callbackbeforesendmsg".into())
            .body(r#"{"CallbackCommand":"C2C.CallbackBeforeSendMsg"}"#)
            .build()
    };
    let handled = router.clone().on(item);
    let untyped =
        [(misfit(), "body does not fit its command at MsgBody"), (words(), "no handler for")];
    for (request, error) in untyped {
        let found = answer_to(&handled, request).await.unwrap_err();
        assert!(found.starts_with(error), "{found}");
    }
    assert_eq!(answer_to(&open, words()).await, Ok(Reply::ok()));
    // Nor is one that is newer than this version, if its name says that somebody waits. The body
    // may have that name, too.
    for (url, body) in [
        ("C2C.CallbackBeforeModifyMsg", r#"{"CallbackCommand":"C2C.CallbackBeforeModifyMsg"}"#),
        ("Sns.CallbackPrevFriendNote", "{}"),
        ("Group.CallbackPoll", r#"{"CallbackCommand":"Group.CallbackBeforePoll"}"#),
    ] {
        let new = || signed(url.into()).body(body).build();
        let found = answer_to(&handled, new()).await.unwrap_err();
        assert!(found.starts_with("no handler for"), "{found}");
        assert_eq!(answer_to(&open, new()).await, Ok(Reply::ok()));
        let any = |_: Callback<serde_json::Value>| async { Reply::ok() };
        let wanted = router.clone().on_unknown(url, any);
        assert!(answer_to(&wanted, new()).await.is_ok(), "{url}");
    }
    // There is a handler, so it is not unhandled.
    answer_to(&open.on(item), misfit()).await.unwrap_err();
    let fallback = handled
        .fallback(service_fn(|_: Callback| async { Ok::<_, Infallible>(Reply::fail("asked")) }));
    for request in [misfit(), words()] {
        assert_eq!(answer_to(&fallback, request).await, Ok(Reply::fail("asked")));
    }
}

/// The source and the advice of an error stay behind `route`, `fallback` and tower's own layers.
#[tokio::test]
async fn errors_stay_what_they_are() {
    use tencent_im_callback::Retry;

    let failing = |_: Callback<sns::FriendAdd>| async {
        Err::<(), _>(HandlerError::permanent("x".parse::<u8>().unwrap_err()))
    };
    let timed = tower::ServiceBuilder::new()
        .timeout(std::time::Duration::from_secs(60))
        .service(service_fn(failing));
    let routed = EventRouter::new().route::<sns::FriendAdd, _>(timed.clone());
    let fallen = EventRouter::new().fallback(
        tower::ServiceBuilder::new()
            .timeout(std::time::Duration::from_secs(60))
            .service(EventRouter::new().route::<sns::FriendAdd, _>(timed)),
    );
    for mut router in [routed, fallen] {
        let request = signed(Command::SnsFriendAdd).build::<Bytes>();
        let (parts, body) = request.into_parts();
        let params = common::params_of(&common::verifier(), &parts.method, &parts.uri);
        let error = router.call(Callback::parse(params, body).unwrap()).await.unwrap_err();
        assert_eq!(error.retry(), Retry::Never);
        assert!(error.downcast_ref::<std::num::ParseIntError>().is_some(), "{error:?}");
    }
}
