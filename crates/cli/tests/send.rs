//! `im-callback send` against a real endpoint.

mod common;

use axum::Router;
use common::server::{good, serve};
use common::{Run, run, run_with};

#[test]
fn a_good_callback_is_taken_and_a_faulty_one_refused() {
    let url = format!("http://{}/callback", serve(good()));

    let Run { status, out, err } = run(&["send", &url, "Sns.CallbackFriendDelete"]);
    assert_eq!(status, 0, "{err}");
    let lines: Vec<&str> = out.lines().collect();
    assert!(
        lines[0].starts_with("POST http://127.0.0.1:") && lines[0].contains("Sign=<redacted>"),
        "{out}"
    );
    assert_eq!(&lines[1..3], ["200 OK", r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#]);
    assert!(lines[3].contains("in time"));

    for fault in tencent_im_callback::testing::Fault::ALL {
        let Run { status, out, err } =
            run(&["send", &url, "State.StateChange", "--fault", &format!("{fault:?}")]);
        assert_eq!(status, 0, "{fault:?}: {out}{err}");
    }
    // What waits for a verdict and cannot be read is blocked, and not refused.
    let refused = Router::new().fallback(async || axum::http::StatusCode::BAD_REQUEST);
    let refused = format!("http://{}/", serve(refused));
    for fault in ["NotJson", "TruncatedJson", "CommandMismatch", "TooLarge"] {
        let arguments = |url| ["send", url, "C2C.CallbackBeforeSendMsg", "--fault", fault];
        let Run { status, out, err } = run(&arguments(&url));
        assert_eq!(status, 0, "{fault}: {out}{err}");
        let Run { status, err, .. } = run(&arguments(&refused));
        assert!(fault == "TooLarge" || (status == 1 && err.contains("goes on")), "{fault}: {err}");
    }
    // Wanted otherwise.
    assert_eq!(run(&["send", &url, "State.StateChange", "--unsigned"]).status, 1);
    assert_eq!(run(&["send", &url, "State.StateChange", "--token", "other"]).status, 1);
    assert_eq!(run(&["send", &url, "State.StateChange", "--app", "1"]).status, 1);
}

#[test]
fn members_are_set_and_bodies_read() {
    let echo = Router::new().fallback(async |uri: axum::http::Uri, body: String| {
        format!("{}\n{body}", uri.query().unwrap())
    });
    let url = format!("http://{}/a/b", serve(echo));
    let set = ["--set", "a.b=x", "--set", "n:=[1.50]", "--param", "ClientIP=::1"];

    let arguments = [&["send", &url, "New.Word", "--body", "-"][..], &set[..]].concat();
    let Run { status, out, err } = run_with(&arguments, r#"{"big":12345678901234567890123}"#);
    // The answer is no envelope.
    assert_eq!(status, 1);
    assert!(err.contains("no envelope"), "{err}");
    assert!(out.contains("CallbackCommand=New.Word") && out.contains("ClientIP=%3A%3A1"), "{out}");
    assert!(out.contains(r#"{"big":12345678901234567890123,"a":{"b":"x"},"n":[1.50]}"#), "{out}");
}

#[test]
fn wrong_use_is_said_before_anything_is_sent() {
    let url = "http://127.0.0.1:1/callback";
    for arguments in [
        &["send", "ftp://example.com/", "State.StateChange"][..],
        &["send", "http://h/?a=b", "State.StateChange"],
        &["send", url, "No.Such"],
        &["send", url, "State.StateChange", "--set", "nothing"],
        &["send", url, "State.StateChange", "--set", "Info.x[3]=1"],
        &["send", url, "State.StateChange", "--fault", "Unheard"],
        &["send", url, "State.StateChange", "--body", "/nowhere/at/all"],
        &["send", url, "State.StateChange", "--token-file", "/nowhere/at/all"],
        &["send", url, "State.StateChange", "--count", "0"],
    ] {
        let Run { status, out, err } = run(arguments);
        assert_eq!((status, out.as_str()), (2, ""), "{arguments:?}: {err}");
    }
    let Run { status, err, .. } = run(&["send", url, "State.StateChange"]);
    assert_eq!(status, 1);
    assert!(err.contains("no connection"), "{err}");

    // What an editor, a shell or a web page leaves at the edge of a token.
    let file = std::env::temp_dir().join(format!("token-{}", std::process::id()));
    for token in ["\u{feff}xxxxyyyy", "xxxxyyyy\u{200b}\n", "xxxxyyyy \n"] {
        std::fs::write(&file, token).unwrap();
        for how in [["--token-file", file.to_str().unwrap()], ["--token", token]] {
            let Run { status, out, err } =
                run(&[&["send", url, "State.StateChange"][..], &how].concat());
            assert_eq!((status, out.as_str()), (2, ""), "{token:?}: {err}");
            assert!(err.contains("the token: token starts or ends with"), "{err}");
        }
    }
    std::fs::remove_file(file).unwrap();
}

#[test]
fn many_are_counted_and_the_rate_is_kept() {
    let url = format!("http://{}/callback", serve(good()));
    let Run { status, out, err } = run(&["send", &url, "State.StateChange", "--count", "300"]);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    assert!(
        out.starts_with("300 sent in ") && out.contains(", 0 unexpected answers\np50 "),
        "{out}"
    );

    let started = std::time::Instant::now();
    let Run { status, out, .. } =
        run(&["send", &url, "State.StateChange", "--count", "11", "--rate", "20", "--unsigned"]);
    assert_eq!(status, 1);
    assert!(out.contains("11 × status 401"), "{out}");
    assert!(started.elapsed().as_millis() >= 500);
}

#[test]
fn verdicts_are_counted() {
    let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let limited = Router::new().fallback(async move || {
        match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0..5 => r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#,
            _ => r#"{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"slow down"}"#,
        }
    });
    let url = format!("http://{}/callback", serve(limited));
    let Run { status, out, .. } =
        run(&["send", &url, "C2C.CallbackBeforeSendMsg", "--count", "12"]);
    assert_eq!(status, 0, "{out}");
    assert!(out.contains(", 0 unexpected answers\n"), "{out}");
    assert!(out.ends_with("\nverdicts: 5 allow, 7 reject\n"), "{out}");
    // A notification's answer is none.
    let Run { out, .. } = run(&["send", &url, "State.StateChange", "--count", "2"]);
    assert!(!out.contains("verdicts"), "{out}");
}

#[test]
fn each_of_many_has_its_number() {
    let (tell, told) = std::sync::mpsc::channel();
    let keep = Router::new().fallback(async move |body: String| {
        tell.send(body).unwrap();
        r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#
    });
    let url = format!("http://{}/", serve(keep));
    let set = ["--set", "Info.To_Account=user-{number}", "--set", r#"more:=["{number}",{number}]"#];
    let arguments = [&["send", &url, "State.StateChange", "--count", "20"][..], &set[..]].concat();
    let Run { status, err, .. } = run(&arguments);
    assert_eq!(status, 0, "{err}");
    let bodies: Vec<String> = told.try_iter().collect();
    assert_eq!(bodies.len(), 20);
    for number in 1..=20 {
        let account = format!("user-{number}\"");
        let more = format!("[\"{number}\",{number}]");
        let has = |body: &&String| body.contains(&account) && body.contains(&more);
        assert_eq!(bodies.iter().filter(has).count(), 1, "{number}");
    }
}

#[test]
fn an_answer_that_is_too_long_is_not_read_to_its_end() {
    let answer = |mib: usize| {
        let long = "x".repeat(mib * 1024 * 1024);
        let router = Router::new().fallback(async move || long.clone());
        format!("http://{}/callback", serve(router))
    };
    let Run { status, out, err } = run(&["send", &answer(5), "State.StateChange"]);
    assert!(status == 1 && err.contains("the answer is longer than 4 MiB"), "{out}{err}");
    let Run { status, err, .. } = run(&["send", &answer(3), "State.StateChange"]);
    assert!(status == 1 && !err.contains("longer"), "{err}");
}

/// Tencent acts as if there were no answer.
#[test]
fn an_error_code_that_is_no_verdict_is_an_unexpected_answer() {
    let answer = r#"{"ActionStatus":"OK","ErrorCode":403,"ErrorInfo":""}"#;
    let url = format!("http://{}/callback", serve(Router::new().fallback(async move || answer)));
    let Run { status, out, err } = run(&["send", &url, "C2C.CallbackBeforeSendMsg"]);
    assert!(status == 1 && out.contains("403"), "{out}");
    assert!(err.contains("its ErrorCode is no verdict on this command"), "{err}");
    // Nobody reads the code of a notification's answer.
    assert_eq!(run(&["send", &url, "C2C.CallbackAfterSendMsg"]).status, 0);

    let line = |command: &str| {
        let params = tencent_im_callback::Params::trusted(1_400_000_000, command);
        let body = br#"{"MsgBody":[]}"#.as_slice();
        let now = std::time::SystemTime::now();
        let stored = tencent_im_callback::StoredCallback::new(params, body.into(), now);
        serde_json::to_string(&stored).unwrap()
    };
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-verdict.jsonl");
    let lines = [line("C2C.CallbackBeforeSendMsg"), line("C2C.CallbackAfterSendMsg")];
    std::fs::write(&file, lines.join("\n") + "\n").unwrap();
    let Run { status, out, err } = run(&["replay", file.to_str().unwrap(), "--to", &url]);
    assert!(status == 1 && out.starts_with("2 sent, 1 unexpected"), "{out}");
    assert!(err.contains("1: C2C.CallbackBeforeSendMsg: its ErrorCode is no verdict"), "{err}");
}

/// Tencent does not wait for it.
#[test]
fn an_answer_after_two_seconds_is_an_unexpected_one() {
    let late = Router::new().fallback(async || {
        tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
        r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#
    });
    let url = format!("http://{}/callback", serve(late));
    let Run { status, out, err } = run(&["send", &url, "State.StateChange"]);
    assert!(status == 1 && out.contains("too late"), "{out}");
    assert!(err.contains("longer than the 2 s that Tencent waits"), "{err}");
}
