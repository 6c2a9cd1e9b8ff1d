//! `im-callback check`: a good endpoint passes, a careless one fails exactly where it is careless.

mod common;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use common::check::{OK, check, fails, names};
use common::server::{SPAM, but, good, serve};
use common::{Run, run};
use serde_json::Value;
use tencent_im_callback::testing::other_samples;
use tencent_im_callback::{Outcome, RejectionKind};
use tower::ServiceExt;

/// Everything is asked but for what takes long.
const ALL: [&str; 2] = ["--spam", SPAM];

#[test]
fn a_careful_endpoint_passes_everything() {
    let Run { status, out, err } = check(good(), &ALL);
    assert_eq!(names(&out, "fail"), [""; 0], "{out}");
    assert_eq!(status, 0);
    // It says how far it is if it takes long.
    assert!(err.lines().all(|line| line.contains(" of ")), "{err}");
    assert_eq!(names(&out, "warn"), [""; 0], "{out}");
    assert!(names(&out, "pass").len() > 88 + 60 + 7 + 11 + 39 + 48 + 4 + 3);
    // Neither the token nor a signature.
    assert!(
        !out.contains("xxxxyyyy") && out.contains("Sign=<redacted>") && !out.contains("Sign=0")
    );
}

/// A good endpoint that answers OK to what is refused for this reason.
fn deaf_to(kinds: &'static [RejectionKind]) -> Router {
    Router::new().fallback(async move |request: Request| {
        let response = good().oneshot(request).await.unwrap();
        let rejection = response.extensions().get::<Outcome>().and_then(Outcome::rejection);
        match rejection {
            Some(rejection) if kinds.contains(&rejection.kind()) => json(OK),
            _ => response,
        }
    })
}

#[test]
fn what_is_not_refused_is_found() {
    use RejectionKind as Kind;

    let cases: [(&[Kind], &[&str]); 9] = [
        (&[Kind::SignatureMissing], &["refuses.unsigned", "refuses.no-sign"]),
        (&[Kind::TimeMissing], &["refuses.no-time"]),
        (&[Kind::SignatureMalformed], &["refuses.short-sign"]),
        (&[Kind::SignatureMismatch], &["refuses.other-token"]),
        (&[Kind::Stale], &["refuses.stale"]),
        (&[Kind::TimestampInFuture], &["refuses.future"]),
        (&[Kind::DuplicateParameter], &["refuses.duplicate-parameter"]),
        (&[Kind::AppUnknown], &["refuses.other-app"]),
        (&[Kind::MethodNotAllowed], &["refuses.get"]),
    ];
    for (kinds, wanted) in cases {
        assert_eq!(fails(deaf_to(kinds), &["--only", "refuses"]), wanted, "{kinds:?}");
    }
}

#[test]
fn an_endpoint_without_a_check_of_signatures_is_told_of_the_option() {
    let endpoint = || {
        let open = deaf_to(&[RejectionKind::SignatureMissing]);
        format!("http://{}/callback", common::server::serve(open))
    };
    let only = ["--only", "refuses.unsigned"];
    let Run { status, err, .. } = run(&[&["check", &endpoint()][..], &only].concat());
    assert!(status == 1 && err.contains("add --unsigned"), "{err}");
    let Run { status, out, err } =
        run(&[&["check", &endpoint(), "--unsigned"][..], &only].concat());
    assert!(status == 0 && !err.contains("--unsigned"), "{out}{err}");
}

/// Names of this group that end like this.
fn broken(groups: &[&str], ways: &[&str]) -> Vec<String> {
    let of =
        |group: &&str| ways.iter().map(|way| format!("broken.{group}.{way}")).collect::<Vec<_>>();
    groups.iter().flat_map(of).collect()
}

const UNREADABLE: [&str; 8] = [
    "control-character",
    "bare-nan",
    "cut",
    "trailing-bytes",
    "list",
    "not-json",
    "command-null",
    "other-command",
];

/// An answer to what a good endpoint cannot read, in the place of its own.
fn instead_of_unreadable(answer: Gives) -> Router {
    Router::new().fallback(async move |request: Request| {
        let response = good().oneshot(request).await.unwrap();
        match response.extensions().get::<Outcome>().and_then(Outcome::unknown_reason) {
            Some(_) => answer(),
            None => response,
        }
    })
}

#[test]
fn a_broken_message_that_gets_through_is_a_failure_and_a_broken_event_that_is_refused_a_warning() {
    let mut let_through = broken(&["before", "friend-request"], &UNREADABLE);
    let_through.push("broken.friend-request.one-person".to_owned());
    let ok: Gives = || json(OK);
    let refuse: Gives = || StatusCode::BAD_REQUEST.into_response();
    // No verdict, and no failure of the endpoint either.
    let fail: Gives = || json(r#"{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":""}"#);
    // Of a friend request this lets everybody through.
    let top_level: Gives = || json(r#"{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":""}"#);
    for (answer, wanted, warned) in [
        (ok, &let_through[..], &[][..]),
        (refuse, &let_through, &UNREADABLE),
        // The code is none of these commands', so it rejects nothing.
        (|| json(r#"{"ActionStatus":"OK","ErrorCode":403,"ErrorInfo":""}"#), &let_through, &[]),
        (fail, &let_through, &UNREADABLE),
        (top_level, &let_through[8..], &[]),
    ] {
        let Run { status, out, .. } = check(instead_of_unreadable(answer), &["--only", "broken"]);
        assert_eq!((status, &names(&out, "fail")[..]), (1, wanted), "{out}");
        assert_eq!(names(&out, "warn"), broken(&["after"], warned), "{out}");
    }
    // That the endpoint itself fails is no hole: what to do then is chosen in the console. An event
    // is lost by it, but nobody can demand that it be kept.
    let crash: Gives = || StatusCode::INTERNAL_SERVER_ERROR.into_response();
    let router = instead_of_unreadable(crash);
    let Run { status, out, .. } = check(router, &["--only", "broken"]);
    assert_eq!((status, names(&out, "warn")), (0, broken(&["after"], &UNREADABLE)), "{out}");
}

#[test]
fn who_refuses_what_could_be_mended_is_found() {
    let strict =
        but(|_, body| body.contains('\u{fffd}').then(|| StatusCode::BAD_REQUEST.into_response()));
    let Run { out, .. } = check(strict, &["--only", "broken"]);
    let bytes = ["no-utf8", "surrogate-bytes"];
    assert_eq!(names(&out, "fail"), broken(&["before", "friend-request"], &bytes));
    assert_eq!(names(&out, "warn"), broken(&["after"], &bytes));
    // How to send it again, byte by byte.
    assert!(out.contains(r"$'{") && out.contains(r"\\xffred packet"), "{out}");

    let long = but(|_, body| {
        (body.len() > 1024 * 1024).then(|| StatusCode::PAYLOAD_TOO_LARGE.into_response())
    });
    assert_eq!(
        fails(long, &["--only", "broken"]),
        broken(&["before", "friend-request"], &["too-long"])
    );
}

#[test]
fn unsigned_on_purpose_is_a_warning() {
    use RejectionKind as Kind;

    let router = || deaf_to(&[Kind::SignatureMissing, Kind::SignatureMismatch]);
    let Run { status, out, .. } = check(router(), &["--only", "refuses", "--unsigned"]);
    assert_eq!(status, 0, "{out}");
    assert_eq!(names(&out, "warn"), ["refuses.unsigned", "refuses.no-sign", "refuses.other-token"]);
}

/// What a request's URL with its headers, and its body, say.
type Says = fn(&str, &str) -> bool;
type Lets = fn(&str) -> bool;
type Gives = fn() -> Response;

fn json(body: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

#[test]
fn what_is_not_accepted_is_found() {
    let crash = || Some(StatusCode::INTERNAL_SERVER_ERROR.into_response());
    let cases: [(Says, &str); 9] = [
        (
            |url, _| url.contains("Sns.CallbackFriendDelete"),
            "accepts.sample.Sns.CallbackFriendDelete",
        ),
        (
            |_, body| body == other_samples(&tencent_im_callback::Command::StateChange)[0],
            "accepts.sample.State.StateChange.other-1",
        ),
        (|_, body| body.ends_with(r#""b","MsgBody":[]}"#), "accepts.missing-members"),
        (|_, body| body.contains(r#""MsgSeq":"1""#), "accepts.quoted-numbers"),
        (|_, body| body.contains("\"NewMember\""), "accepts.unknown-members"),
        (
            |_, body| body.ends_with(r#""CallbackCommand":"C2C.CallbackAfterSendMsg"}"#),
            "accepts.key-order",
        ),
        (|url, _| url.contains("transfer-encoding"), "accepts.chunked"),
        (|url, _| url.contains("Live.CallbackMemberStateChanged"), "accepts.old-command-name"),
        (|url, _| url.contains("New.CallbackOfTomorrow"), "accepts.unknown-command"),
    ];
    for (says, wanted) in cases {
        let router = but(move |url, body| if says(url, body) { crash() } else { None });
        assert_eq!(fails(router, &["--only", "accepts"]), [wanted]);
    }
}

#[test]
fn a_body_without_bound_is_found() {
    let router = but(|_, body| (body.len() > 1024 * 1024).then(|| json(OK)));
    assert_eq!(fails(router, &["--only", "refuses"]), ["refuses.too-long"]);
}

#[test]
fn moderation_that_looks_at_one_place_is_found() {
    let more = ["--spam", SPAM, "--only", "moderates"];
    let cases: [(Lets, &str); 20] = [
        (
            |body| {
                body.matches(SPAM).count() == 1
                    && body.starts_with('{')
                    && body
                        .contains(r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"casino"}}]}"#)
                    && !body.contains("Relay")
            },
            "text",
        ),
        (|body| body.contains(r#""hi"}},{"#), "second-element"),
        (|body| body.contains(r#""cas"}},{"MsgType":"TIMText"#), "cut-in-two"),
        (|body| body.contains(r#""cas"}},{"MsgType":"TIMCustom"#), "cut-by-nothing"),
        (|body| body.contains("TIMStreamElem"), "stream"),
        (|body| body.contains(r"\u0063\u0061"), "escaped"),
        (|body| body.contains("TIMRelayElem"), "bundle"),
        (|body| body.contains(r#""Desc":"casino""#), "custom-element"),
        (|body| body.contains(r#""Data":"{\"text\":"#), "custom-element-escaped"),
        (|body| body.contains(r#""Text":"{\"text\":"#), "json-in-text"),
        (|body| body.contains(r#""CloudCustomData":"{\"message"#), "quoted-reply"),
        (|body| body.contains("NaN"), "near-json"),
        (|body| body.contains('\u{200b}'), "zero-width"),
        (|body| body.contains('\u{ff43}'), "full-width"),
        (|body| body.contains("CASINO"), "capitals"),
        (|body| body.contains(r"\ud83d"), "lone-surrogate"),
        (|body| body.matches('\u{fffd}').count() == 1 && body.contains(SPAM), "broken-utf8"),
        (|body| body.contains("cas\u{fffd}ino"), "broken-inside"),
        (|body| body.matches('\u{fffd}').count() == 3, "surrogate-bytes"),
        (|body| body.starts_with('\u{feff}'), "byte-order-mark"),
    ];
    for (lets, name) in cases {
        let router = but(move |_, body| lets(body).then(|| json(OK)));
        assert_eq!(
            fails(router, &more),
            [format!("moderates.c2c.{name}"), format!("moderates.group.{name}")]
        );
    }
    assert_eq!(check(good(), &["--only", "moderates"]).status, 2);
}

#[test]
fn a_rewritten_message_is_moderated_and_an_untouched_one_is_not() {
    let more = ["--spam", SPAM, "--only", "moderates"];
    let rewritten = concat!(
        r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","MsgBody":["#,
        r#"{"MsgType":"TIMTextElem","MsgContent":{"Text":"***"}}]}"#
    );
    let router = but(move |_, body| body.contains("hi\"}},{").then(|| json(rewritten)));
    assert_eq!(fails(router, &more), [""; 0]);
    let untouched = concat!(
        r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","MsgBody":["#,
        r#"{"MsgType":"TIMTextElem","MsgContent":{"Text":"c\u0061sino"}}]}"#
    );
    let router = but(move |_, body| body.contains("hi\"}},{").then(|| json(untouched)));
    assert_eq!(
        fails(router, &more),
        ["moderates.c2c.second-element", "moderates.group.second-element"]
    );
}

const REJECTED: &str = r#"{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":""}"#;

#[test]
fn who_rejects_everything_is_found() {
    let router = but(|_, body| body.contains("hello").then(|| json(REJECTED)));
    let names = ["c2c.innocent", "c2c.innocent-again", "group.innocent", "group.innocent-again"];
    let failed = fails(router, &["--spam", SPAM, "--only", "moderates"]);
    assert_eq!(failed, names.map(|name| format!("moderates.{name}")));
}

/// A good endpoint with a limit on the callbacks that wait for a verdict, for each key of a body.
fn limited(most: usize, key: fn(&Value) -> String) -> Router {
    let seen = Arc::new(Mutex::new(HashMap::new()));
    but(move |url, body| {
        let key = key(&serde_json::from_str(body).unwrap_or_default());
        // A friend request is rejected in another way.
        let waits = url.contains("Before");
        let mut seen = seen.lock().unwrap();
        let count = seen.entry(key).or_insert(0);
        *count += usize::from(waits);
        (waits && *count > most).then(|| json(REJECTED))
    })
}

#[test]
fn a_limit_for_each_sender_or_group_is_not_taken_for_moderation() {
    let more = ["--spam", SPAM, "--only", "moderates"];
    let keys: [fn(&Value) -> String; 2] = [
        |body| body["From_Account"].to_string(),
        |body| body.get("GroupId").unwrap_or(&body["From_Account"]).to_string(),
    ];
    for key in keys {
        assert_eq!(fails(limited(2, key), &more), [""; 0]);
    }
    // Of all callbacks together: the message without the word is rejected as well.
    let failed = fails(limited(20, |_| String::new()), &more);
    let names = ["c2c.innocent-again", "group.innocent", "group.innocent-again"];
    assert_eq!(failed, names.map(|name| format!("moderates.{name}")));
}

#[test]
fn moderation_that_forgets_names_edits_or_what_is_not_there_is_found() {
    let more = ["--spam", SPAM, "--only", "moderates"];
    let ok = |word: &'static str| but(move |url, _| url.contains(word).then(|| json(OK)));
    for (command, name) in [
        ("Group.CallbackBeforeCreateGroup", "group"),
        ("Sns.CallbackPrevFriendAdd", "friend-request"),
    ] {
        assert_eq!(fails(ok(command), &more), [format!("moderates.names.{name}")]);
    }
    // An edit is done already, so refusing the callback loses it.
    let fail = || StatusCode::BAD_REQUEST.into_response();
    let strict = but(move |url, _| url.contains("AfterModifyMsg").then(fail));
    assert_eq!(fails(strict, &more), ["moderates.c2c.edit", "moderates.group.edit"]);
    // A bundle whose messages are not there may be allowed on purpose.
    let open = but(|_, body| body.contains("JsonMsgKey").then(|| json(OK)));
    let Run { status, out, .. } = check(open, &more);
    let bundles = ["moderates.c2c.bundle-without-list", "moderates.group.bundle-without-list"];
    assert_eq!((status, &names(&out, "warn")[..]), (0, &bundles.map(str::to_owned)[..]), "{out}");
    assert_eq!(names(&out, "fail"), [""; 0]);
}

#[test]
fn answers_that_tencent_cannot_read_are_found() {
    let cases: [(Gives, &str); 3] = [
        (|| json(r#"{"ActionStatus":"OK","ErrorCode":0}"#), "answers.envelope"),
        (|| OK.into_response(), "answers.content-type"),
        (|| json(r#"{"ActionStatus":"OK","ErrorCode":404,"ErrorInfo":""}"#), "answers.code"),
    ];
    for (answer, wanted) in cases {
        let router = but(move |url, _| url.contains("Sns.CallbackFriendDelete").then(answer));
        assert_eq!(fails(router, &["--only", "answers"]), [wanted]);
    }
    let router = Router::new().fallback(async |request: Request| {
        if request.uri().query().is_some_and(|query| query.contains("Sns.CallbackFriendDelete")) {
            tokio::time::sleep(Duration::from_millis(2100)).await;
        }
        good().oneshot(request).await.unwrap()
    });
    assert_eq!(fails(router, &["--only", "answers"]), ["answers.in-time"]);
}

#[test]
fn reports_are_readable() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("junit.xml");
    let url = format!("http://{}/callback", serve(deaf_to(&[RejectionKind::Stale])));
    let arguments =
        ["check", &url, "--only", "refuses", "--junit", file.to_str().unwrap(), "--lang", "zh"];
    let Run { status, out, .. } = run(&arguments);
    assert_eq!(status, 1);
    assert!(out.contains("失败 refuses.stale\n  发送: curl -X POST 'http://127.0.0.1:"), "{out}");
    assert!(out.ends_with("通过 10，警告 0，失败 1\n"), "{out}");
    let xml = std::fs::read_to_string(file).unwrap();
    assert!(
        xml.contains(r#"<testsuite name="refuses" tests="11""#) && xml.contains(r#"failures="1""#),
        "{xml}"
    );

    let Run { out, .. } = run(&["check", &url, "--only", "refuses.stale"]);
    assert!(out.contains("why: anybody who sees one request"), "{out}");
    let table: Vec<&str> = out.lines().take_while(|line| !line.starts_with('└')).collect();
    assert!(table.iter().all(|line| line.chars().count() <= 120), "{out}");

    let quiet = |only| run(&["check", &url, "--only", only, "--quiet"]);
    let out = quiet("refuses").out;
    assert!(out.contains("FAIL refuses.stale") && !out.contains("refuses.unsigned"), "{out}");
    assert!(out.ends_with("\n10 pass, 0 warn, 1 fail\n"), "{out}");
    assert_eq!(quiet("refuses.unsigned").out, "1 pass, 0 warn, 0 fail\n");
    assert_eq!(run(&["check", &url, "--only", "nonsense"]).status, 2);
    assert_eq!(run(&["check", "http://127.0.0.1:1/"]).status, 1);
}
