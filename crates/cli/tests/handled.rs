//! `im-callback check` of an endpoint that handles some commands only, has a limit, or another
//! token.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use common::server::{SPAM, good, serve};
use common::{Run, run};
use tower::ServiceExt;

/// A good endpoint, which answers 404 to all commands but those.
fn only(handles: fn(&str) -> bool) -> String {
    let router = Router::new().fallback(async move |request: Request| {
        let query = request.uri().query().unwrap_or_default();
        if handles(query) || query.contains("New.CallbackOfTomorrow") {
            return good().oneshot(request).await.unwrap();
        }
        StatusCode::NOT_FOUND.into_response()
    });
    format!("http://{}/callback", serve(router))
}

#[test]
fn commands_that_are_not_handled_are_not_sent() {
    let after = only(|query| !query.contains("Before") && !query.contains("Prev"));
    let Run { status, out, .. } = run(&["check", &after, "--no-before", "--spam", SPAM]);
    assert_eq!(status, 0, "{out}");
    assert!(out.contains("moderates.c2c.edit") && !out.contains("moderates.c2c.text"), "{out}");
    assert_eq!(run(&["check", &after, "--only", "accepts"]).status, 1);

    let one = only(|query| query.contains("Group.CallbackBeforeSendMsg"));
    let named = ["check", &one, "--spam", SPAM, "--commands", "group.callbackbeforesendmsg"];
    let Run { status, out, .. } = run(&named);
    assert_eq!(status, 0, "{out}");
    assert!(out.contains("moderates.group.text") && out.contains("1 answers, p50"), "{out}");
    assert_eq!(run(&[&named[..], &["--no-before"]].concat()).status, 2);
    assert_eq!(run(&["check", &one, "--commands", "Group.Nothing"]).status, 2);
}

#[test]
fn a_wrong_token_is_asked_about_at_once() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let router = Router::new().fallback(async move |request: Request| {
        counted.fetch_add(1, Ordering::SeqCst);
        good().oneshot(request).await.unwrap()
    });
    let url = format!("http://{}/callback", serve(router));
    for (lang, hint) in [("en", "IM_CALLBACK_TOKEN"), ("zh", "请确认鉴权 Token")] {
        let Run { status, out, err } = run(&["check", &url, "--token", "another", "--lang", lang]);
        assert!(status == 1 && out.is_empty() && err.contains(hint), "{out}{err}");
        assert!(err.contains("401") && !err.contains("another"), "{err}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

/// What stands in an answer may be in English; these are words of the tool.
const ENGLISH: [&str; 8] =
    ["status 2", "the answer", " of ", "was ", "times", "expected", "request ", "moderation"];

#[test]
fn in_chinese_all_is_chinese() {
    // OK to everything, and with the wrong type now and then.
    let deaf = Router::new().fallback(async |request: Request| match request.uri().query() {
        Some(query) if query.contains("State.StateChange") => StatusCode::OK.into_response(),
        _ => r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#.into_response(),
    });
    let url = format!("http://{}/callback", serve(deaf));
    let Run { status, out, err } = run(&["check", &url, "--lang", "zh", "--verbose"]);
    assert_eq!(status, 1);
    // But for what was sent: it is as the vendor shows it.
    let ours = ["│", "  收到", "  期望", "  原因", "失败", "警告"];
    let ours = |line: &&str| ours.iter().any(|start| line.starts_with(start));
    for line in out.lines().filter(ours).chain(err.lines()) {
        for word in ENGLISH {
            assert!(!line.contains(word), "{word}: {line}");
        }
    }
    assert!(err.contains("死信") && err.contains("--spam"), "{err}");
    assert!(out.contains("内容无法全部读出，却被放行"), "{out}");
}

#[test]
fn an_endpoint_with_a_limit_is_asked_slowly() {
    let url = format!("http://{}/callback", serve(good()));
    let started = Instant::now();
    assert_eq!(run(&["check", &url, "--only", "refuses", "--rate", "20"]).status, 0);
    // One to begin with, and eleven.
    assert!(started.elapsed() >= Duration::from_millis(550));
    let Run { out, .. } = run(&["check", &url, "--only", "survives", "--rate", "20"]);
    assert!(!out.contains("many-at-once") && out.contains("deep-nesting"), "{out}");
}
