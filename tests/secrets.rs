//! No token, no signature, no query string and no body in any `Debug` or log line.
#![allow(clippy::pedantic)]

mod common;

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use bytes::Bytes;
use common::{APP, NOW, TOKEN, layer, outcome, send, signed, token, verifier};
use http::{Request, Response};
use http_body_util::Full;
use tencent_im_callback::event::{sns, state};
use tencent_im_callback::testing::Fault;
use tencent_im_callback::testing::sign;
use tencent_im_callback::{
    App, Apps, Callback, CallbackLayer, Command, DetachLayer, EventRouter, HandlerError,
    OutcomeKind, Quota, RateLimitLayer, Reply, Verifier, VerifyLayer,
};
use tower::{Layer, Service, ServiceExt, service_fn};

const BODY: &str =
    r#"{"PairList":[{"From_Account":"body-secret","To_Account":{"x":"body-secret"}}]}"#;

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes to the log of the thread, which is that of the test.
struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is logged on this thread while `run` runs.
fn logged<T>(run: impl FnOnce() -> T) -> (T, String) {
    static SUBSCRIBER: Once = Once::new();
    SUBSCRIBER.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(|| Log)
            .init();
    });
    LOG.with_borrow_mut(Vec::clear);
    let result = run();
    let text = LOG.with_borrow_mut(std::mem::take);
    (result, String::from_utf8(text).unwrap())
}

#[track_caller]
fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[track_caller]
fn clean(text: &str) {
    let signature = sign(TOKEN, NOW);
    let lower = text.to_lowercase();
    for secret in [TOKEN, &signature, "other-token", "query-secret", "body-secret", "requesttime="]
    {
        assert!(!lower.contains(secret), "{secret} is in: {text}");
    }
}

fn request() -> Request<Full<Bytes>> {
    signed(Command::SnsFriendDelete).parameter("ClientIP", "query-secret").body(BODY).build()
}

#[tokio::test]
async fn debug_of_every_type_that_could_hold_one() {
    let app = App::signed(1, token(TOKEN)).accept(token("other-token"));
    let apps = Apps::from(app.clone());
    let verifier_ = Verifier::new(apps.clone());
    let layer_ = CallbackLayer::new(verifier());
    let mut service =
        layer_.layer(service_fn(|_: Callback| async { Ok::<_, std::io::Error>(Reply::ok()) }));
    let verify = VerifyLayer::new(verifier());
    let future = service.call(request());
    clean(&format!("{:?} {app:?} {apps:?} {verifier_:?} {layer_:?} {verify:?}", token(TOKEN)));
    clean(&format!("{:?} {future:?}", layer_));
    assert!(format!("{layer_:?}").contains("body_limit: 1048576"));
    clean(&format!("{:?}", verify.layer(())));

    let params = common::params_of(&verifier(), request().method(), request().uri());
    clean(&format!("{params:?}"));
    let callback = Callback::parse(params, BODY.into()).unwrap();
    clean(&format!("{callback:?} {:?}", callback.event.misfit()));
    clean(&format!("{}", callback.event.misfit().unwrap()));

    for fault in Fault::ALL {
        let request = signed(Command::SnsFriendDelete).fault(*fault).build::<Full<Bytes>>();
        let response = send(&layer(), common::Inner::default(), request).await;
        clean(&format!("{:?} {response:?}", outcome(&response)));
        if let Some(rejection) = outcome(&response).rejection() {
            clean(&format!("{rejection:?} {rejection}"));
        }
    }
    let response = send(&layer(), common::Inner::default(), request()).await;
    clean(&format!("{:?}", outcome(&response)));
}

#[test]
fn one_log_event_per_request_and_no_secret_in_it() {
    let shared = layer();
    let run = |request: Request<Full<Bytes>>| {
        let (kind, text) = logged(|| {
            tokio_test::block_on(async {
                let response = send(&shared, common::Inner::default(), request).await;
                outcome(&response).kind()
            })
        });
        clean(&text);
        assert_eq!(text.lines().count(), 1, "{text}");
        (kind, text)
    };
    let (kind, text) = run(signed(Command::SnsFriendDelete).build());
    assert_eq!(kind, OutcomeKind::Accepted);
    has(
        &text,
        &[
            "DEBUG",
            "tencent_im_callback:",
            "outcome=\"accepted\"",
            "sdk_app_id=1400000000",
            "command=Sns.CallbackFriendDelete",
            "phase=\"after\"",
            "status=200",
            "token_index=0",
            "disposition=\"handled\"",
        ],
    );
    // Drift of an after callback: somebody should look.
    let (kind, text) = run(request());
    assert_eq!(kind, OutcomeKind::Accepted);
    for part in
        ["WARN", "misfit_path=\"PairList[0].To_Account\"", "misfit_line=1", "misfit_column="]
    {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    for fault in Fault::ALL {
        let (kind, text) = run(signed(Command::SnsFriendDelete).fault(*fault).build());
        let unreadable = matches!(
            fault,
            Fault::CommandMismatch
                | Fault::TruncatedJson
                | Fault::NotJson
                | Fault::NotAnObject
                | Fault::TrailingBytes
        );
        let (wanted, field) = if unreadable {
            (OutcomeKind::Accepted, "unknown=")
        } else {
            (OutcomeKind::Rejected, "rejection=")
        };
        let after = unreadable || *fault == Fault::TooLarge;
        assert_eq!(kind, wanted);
        assert!(text.contains(field), "{text}");
        // The first one of each kind is shown, or a wrong token would go unseen; anybody could fill
        // the log with the others.
        let again = run(signed(Command::SnsFriendDelete).fault(*fault).build()).1;
        assert!(again.contains(if after { "WARN" } else { "DEBUG" }), "{fault:?}: {again}");
        if *fault == Fault::SignatureMismatch {
            assert!(text.contains("WARN") && text.contains("times=1"), "{text}");
        }
    }
}

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

#[test]
fn words_from_the_wire_cannot_forge_a_log_line() {
    let word = format!("New.\n2026-01-01 ERROR forged \u{2028}{}", "x".repeat(5000));
    let request = signed(word.as_str().into()).build::<Full<Bytes>>();
    let (_, text) = logged(|| {
        tokio_test::block_on(async { send(&layer(), common::Inner::default(), request).await })
    });
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.len() < 600 && text.contains("New.\\n2026") && text.contains("\\u{2028}"),
        "{text}"
    );
}

#[test]
fn a_call_dropped_at_work_says_so() {
    let (before, text) = logged(|| {
        let mut service = layer()
            .layer(service_fn(|_: Callback| std::future::pending::<Result<Reply, String>>()));
        let mut call = tokio_test::task::spawn(service.call(request()));
        assert!(call.poll().is_pending());
        let before = LOG.with_borrow(Vec::len);
        drop(call);
        before
    });
    assert_eq!(before, 0);
    clean(&text);
    assert!(text.contains("WARN") && text.contains("outcome=\"cancelled\""), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

/// Also if the service had to be waited for first: the flag is set in another place then.
#[test]
fn a_call_dropped_at_work_after_waiting_says_so() {
    let ready = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let limit = tower::limit::GlobalConcurrencyLimitLayer::with_semaphore(ready.clone());
    let ((waiting, before), text) = logged(|| {
        let mut service = layer().layer(
            limit.layer(service_fn(|_: Callback| std::future::pending::<Result<Reply, String>>())),
        );
        // One that waits and is dropped has not begun.
        let mut call = tokio_test::task::spawn(service.call(request()));
        assert!(call.poll().is_pending());
        drop(call);
        let waiting = LOG.with_borrow(Vec::len);
        let mut call = tokio_test::task::spawn(service.call(request()));
        assert!(call.poll().is_pending());
        ready.add_permits(1);
        assert!(call.poll().is_pending());
        let before = LOG.with_borrow(Vec::len);
        drop(call);
        (waiting, before)
    });
    assert_eq!((waiting, before), (0, 0));
    assert_eq!(text.matches("outcome=\"cancelled\"").count(), 1, "{text}");
}

#[test]
fn a_call_dropped_behind_the_check_alone_says_so_too() {
    let ((), text) = logged(|| {
        let mut service =
            VerifyLayer::new(verifier()).layer(service_fn(|_: Request<Full<Bytes>>| {
                std::future::pending::<Result<http::Response<Full<Bytes>>, String>>()
            }));
        let mut call = tokio_test::task::spawn(service.call(request()));
        assert!(call.poll().is_pending());
    });
    clean(&text);
    assert!(text.contains("WARN") && text.contains("outcome=\"cancelled\""), "{text}");
}

#[test]
fn a_failure_behind_the_check_alone_says_so() {
    let (error, text) = logged(|| {
        let mut service =
            VerifyLayer::new(verifier()).layer(service_fn(|_: Request<Full<Bytes>>| {
                std::future::ready(Err::<http::Response<Full<Bytes>>, _>("no database"))
            }));
        tokio_test::block_on(service.call(request())).unwrap_err()
    });
    clean(&text);
    assert_eq!((error, text.lines().count()), ("no database", 1));
    has(
        &text,
        &["WARN", "outcome=\"failed\"", "cause=\"failed\"", "command=Sns.CallbackFriendDelete"],
    );
}

#[tokio::test]
async fn a_failure_in_the_background_says_so() {
    let detach = DetachLayer::new(1);
    let service = layer()
        .layer(detach.layer(service_fn(|_: Callback| async { Err::<Reply, _>("no database") })));
    logged(|| ());
    service.oneshot(signed(Command::SnsFriendDelete).build::<Full<Bytes>>()).await.unwrap();
    assert_eq!(detach.drain(std::time::Duration::from_secs(10)).await.finished, 1);
    let text = String::from_utf8(LOG.with_borrow_mut(std::mem::take)).unwrap();
    clean(&text);
    let line = text.lines().find(|line| line.contains("in the background")).expect(&text);
    has(
        line,
        &["WARN", "outcome=\"failed\"", "command=Sns.CallbackFriendDelete", "error=no database"],
    );
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
