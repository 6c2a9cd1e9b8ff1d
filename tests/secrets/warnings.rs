//! Which requests are warnings, and how often.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tencent_im_callback::event::{sns, state};
use tencent_im_callback::testing::Fault;
use tencent_im_callback::{
    App, Callback, CallbackLayer, Command, DetachLayer, EventRouter, HandlerError, Quota,
    RateLimitLayer, Verifier, VerifyLayer,
};
use tower::{Layer, ServiceExt, service_fn};

use crate::common::{APP, TOKEN, layer, send, signed, token, verifier};
use crate::{BODY, clean, common, logged};

/// Nor by another layer, and not at all where nobody sees a warning.
#[test]
fn a_wrong_token_is_seen_once_in_a_minute() {
    let verify = VerifyLayer::new(verifier());
    let (_, text) = logged(|| {
        for _ in 0..50 {
            let service = verify.layer(service_fn(|_: Request<Full<Bytes>>| async {
                Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::default()))
            }));
            let request = signed(Command::SnsFriendDelete).fault(Fault::SignatureMismatch).build();
            tokio_test::block_on(async { service.oneshot(request).await }).unwrap();
        }
    });
    assert_eq!((text.lines().count(), text.matches("WARN").count()), (50, 1), "{text}");
    assert!(text.lines().next().unwrap().contains("times=1"));
}

/// Anybody who finds the URL of an unsigned app could fill the log; a signed one logs each body
/// that it cannot read.
#[test]
fn bodies_that_cannot_be_read_are_warnings_each_time_for_a_signed_app_only() {
    let unsigned = App::unsigned(APP);
    for (app, warnings) in [(unsigned, 1), (App::signed(APP, token(TOKEN)), 50)] {
        let layer = CallbackLayer::new(Verifier::new(app).clock(common::clock));
        let (_, text) = logged(|| {
            for _ in 0..50 {
                let request =
                    signed(Command::SnsFriendDelete).fault(Fault::NotJson).build::<Full<Bytes>>();
                tokio_test::block_on(async {
                    send(&layer, common::Inner::default(), request).await
                });
            }
        });
        assert_eq!((text.lines().count(), text.matches("WARN").count()), (50, warnings), "{text}");
    }
}

/// Any user of a signed app can go over a rate limit: one warning in a minute, or none if the limit
/// replies by itself.
#[test]
fn a_flood_of_one_sender_does_not_fill_the_log_with_warnings() {
    let limit = RateLimitLayer::per_sender(Quota::per_minute(1));
    for (limit, warnings, field) in [
        (limit.clone(), 1, "cause=\"rate_limited\""),
        (limit.reject("slow down"), 0, "disposition=\"rate_limited\""),
    ] {
        let service = layer().layer(limit.layer(common::Inner::default()));
        let body = r#"{"From_Account":"body-secret","To_Account":"b","MsgBody":[]}"#;
        let (_, text) = logged(|| {
            for _ in 0..50 {
                let request = signed(Command::C2cBeforeSendMsg).body(body).build::<Full<Bytes>>();
                tokio_test::block_on(service.clone().oneshot(request)).unwrap();
            }
        });
        clean(&text);
        assert_eq!((text.lines().count(), text.matches("WARN").count()), (50, warnings), "{text}");
        assert_eq!(text.matches(field).count(), 49, "{text}");
    }
}

/// A handler may return what a peer has sent as its error.
#[test]
fn no_text_of_an_error_mutes_the_warnings() {
    for peers in ["rate limited: too many callbacks", "service overloaded", "request timed out"] {
        let service = layer().layer(service_fn(move |_: Callback| async move {
            Err::<(), _>(HandlerError::new(peers))
        }));
        let texts = layer()
            .layer(service_fn(move |_: Callback| async move { Err::<(), _>(peers.to_owned()) }));
        let (_, text) = logged(|| {
            for _ in 0..5 {
                let request = || signed(Command::C2cBeforeSendMsg).build::<Full<Bytes>>();
                tokio_test::block_on(service.clone().oneshot(request())).unwrap();
                tokio_test::block_on(texts.clone().oneshot(request())).unwrap();
            }
        });
        assert_eq!(text.matches("WARN").count(), 10, "{text}");
        assert_eq!(text.matches("cause=\"rate_limited\"").count(), 0, "{text}");
    }
}

/// Whoever finds the URL of an unsigned app could otherwise fill the log with warnings.
#[test]
fn what_is_a_warning() {
    let unsigned = || CallbackLayer::new(Verifier::new(App::unsigned(common::APP)));
    let run = |layer: CallbackLayer, command: Command, body: &'static str, fails: bool| {
        let inner = service_fn(move |_: Callback| async move {
            if fails { Err("no database") } else { Ok(()) }
        });
        let request = signed(command).body(body).build::<Full<Bytes>>();
        logged(|| tokio_test::block_on(async { send(&layer, inner, request).await })).1
    };
    let misfit = r#"{"MsgBody":7}"#;
    for (layer, command, body, fails, level, part) in [
        (layer(), Command::SnsFriendDelete, "{\"PairList\":[]}", true, "WARN", "cause=\"failed\""),
        (
            unsigned(),
            Command::SnsFriendDelete,
            "{\"PairList\":[]}",
            true,
            "WARN",
            "cause=\"failed\"",
        ),
        (layer(), Command::C2cBeforeSendMsg, misfit, false, "WARN", "cause=\"misfit\""),
        (unsigned(), Command::C2cBeforeSendMsg, misfit, false, "WARN", "times=1"),
        (layer(), Command::SnsFriendDelete, BODY, false, "WARN", "misfit_path="),
        (unsigned(), Command::SnsFriendDelete, BODY, false, "WARN", "times=1"),
        (layer(), Command::SnsFriendDelete, "[]", false, "WARN", "unknown=\"body_not_object\""),
        (unsigned(), Command::SnsFriendDelete, "[]", false, "WARN", "times=1"),
        (
            unsigned(),
            Command::SnsFriendDelete,
            "{\"PairList\":[]}",
            false,
            "DEBUG",
            "outcome=\"accepted\"",
        ),
    ] {
        let text = run(layer, command, body, fails);
        assert!(text.contains(level) && text.contains(part), "{level}, {part}: {text}");
    }
}

/// Anybody can send anything to an unsigned app. Whatever it is, the log gets a warning of each
/// kind in a minute.
#[test]
fn nothing_that_an_unsigned_app_gets_multiplies_in_the_log() {
    let layer = CallbackLayer::new(App::unsigned(APP));
    let router = EventRouter::new()
        .on(|_: Callback<state::StateChange>| async {
            Err::<(), _>(HandlerError::new("no database"))
        })
        .on(|_: Callback<sns::FriendDelete>| async {});
    let detach = DetachLayer::new(10_000);
    let mut sent = 0;
    let (_, text) = logged(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for round in 0..10 {
                for command in
                    tencent_im_callback::Command::ALL.iter().cloned().chain(["New.Word".into()])
                {
                    for fault in [
                        None,
                        Some(Fault::NotJson),
                        Some(Fault::NotAnObject),
                        Some(Fault::CommandMismatch),
                        Some(Fault::TooLarge),
                    ] {
                        let mut request = signed(command.clone());
                        if let Some(fault) = fault {
                            request = request.fault(fault);
                        } else if round % 2 == 0 {
                            request = request.body(r#"{"PairList":7,"MsgBody":7,"Info":7}"#);
                        }
                        send(&layer, router.clone(), request.build::<Full<Bytes>>()).await;
                        sent += 1;
                    }
                }
                let request = signed(Command::StateChange).build::<Full<Bytes>>();
                send(&layer, detach.layer(router.clone()), request).await;
                // Given up while its handler works.
                let request = signed(Command::StateChange).build::<Full<Bytes>>();
                let mut pending = layer.layer(service_fn(|_: Callback| {
                    std::future::pending::<Result<(), HandlerError>>()
                }));
                let mut future = std::pin::pin!(tower::Service::call(&mut pending, request));
                let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
                assert!(future.as_mut().poll(&mut cx).is_pending());
            }
            drop(detach.drain(std::time::Duration::from_secs(10)).await);
        });
    });
    let warnings = text.matches("WARN").count();
    assert!(sent > 4000 && (10..20).contains(&warnings), "{warnings} of {sent}");
}
