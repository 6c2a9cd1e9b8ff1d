//! `im-callback listen`: what is received is printed, forwarded unchanged and recorded.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use common::server::serve;
use common::{Background, Run, run};
use serde_json::Value;

fn listen(more: &[&str]) -> (Background, String) {
    let arguments = [&["listen", "--addr", "127.0.0.1:0", "--no-inspect"], more].concat();
    let listen = Background::start(&arguments);
    let url = listen.announced("listening on ");
    (listen, url)
}

#[test]
fn each_callback_is_one_line_and_the_record_has_no_signature() {
    let directory = tempfile();
    let record = directory.join("record.jsonl");
    std::fs::write(&record, "{\"half").unwrap();
    let (listen, url) = listen(&["--record", record.to_str().unwrap()]);

    assert_eq!(run(&["send", &format!("{url}/callback"), "Sns.CallbackFriendDelete"]).status, 0);
    let line = listen.line();
    assert!(line.contains("Z Sns.CallbackFriendDelete id 200 accepted "), "{line}");

    assert_eq!(
        run(&["send", &url, "State.StateChange", "--path", "--param", "ClientIP=1.2.3.4"]).status,
        0
    );
    assert!(listen.line().contains("State.StateChange"));

    assert_eq!(run(&["send", &url, "State.StateChange", "--fault", "Stale"]).status, 0);
    let line = listen.line();
    assert!(line.contains("401 refused") && line.contains("RequestTime too old"), "{line}");

    // A message that cannot be read is not waved through.
    let set = ["send", &url, "C2C.CallbackBeforeSendMsg", "--set", "MsgBody=oops"];
    assert_eq!(run(&set).status, 1);
    let line = listen.line();
    assert!(line.contains("500 failed") && line.contains("MsgBody"), "{line}");

    // Lines of strangers stay lines.
    assert_eq!(
        run(&["send", &url, "Sns.CallbackFriendDelete", "--set", "From_Account=a\n\u{1b}[31mb"])
            .status,
        0
    );
    assert!(listen.line().contains("a\\u{a}\\u{1b}[31mb"));

    let text = std::fs::read_to_string(&record).unwrap();
    assert!(!text.contains("Sign"), "{text}");
    let lines: Vec<Value> =
        text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect();
    let commands: Vec<&str> =
        lines.iter().map(|line| line["params"]["command"].as_str().unwrap_or("?")).collect();
    assert_eq!(lines.len(), 4, "{commands:?}");
    assert_eq!((&lines[0]["status"], &lines[2]["status"]), (&200.into(), &500.into()));
    assert!(lines[0]["body"].as_str().unwrap().contains("PairList"));
}

type Came = (Method, Uri, HeaderMap, Bytes);

fn behind(
    answer: impl Fn() -> (StatusCode, [(&'static str, &'static str); 1], &'static str)
    + Clone
    + Send
    + Sync
    + 'static,
) -> (String, mpsc::Receiver<Came>) {
    let (tell, told) = mpsc::channel();
    let router =
        Router::new().fallback(move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            tell.send((method, uri, headers, body)).unwrap();
            let answer = answer();
            async move { answer }
        });
    (format!("http://{}", serve(router)), told)
}

#[test]
fn what_is_forwarded_is_the_same_and_so_is_its_answer() {
    let answer = || {
        (
            StatusCode::IM_A_TEAPOT,
            [("x-mine", "yes")],
            "{ \"ActionStatus\" : \"OK\", \"ErrorCode\":1}",
        )
    };
    let (target, came) = behind(answer);
    let (listen, url) = listen(&["--forward", &target]);

    // Spelled as no library would.
    let time =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let sign = tencent_im_callback::testing::sign("xxxxyyyy", time);
    let line = format!(
        "/a%2Fb//c?x=%7e&&SdkAppid=1400000000&CallbackCommand=State.StateChange\
        &Sign={sign}&RequestTime={time}&%zz"
    );
    let body = "{ \"CallbackCommand\":\"State.StateChange\", \"\\u0049nfo\":{} }";
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST {line} HTTP/1.1\r\nHost: me\r\nX-Own: 1\r\nConnection: close, \
        x-hop\r\nX-Hop: 1\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();

    let (method, uri, headers, got) = came.recv().unwrap();
    assert_eq!((method, uri.to_string(), &got[..]), (Method::POST, line, body.as_bytes()));
    assert_eq!((&headers["x-own"], headers.contains_key("x-hop")), (&"1".parse().unwrap(), false));
    assert_eq!(format!("http://{}", headers["host"].to_str().unwrap()), target);
    assert!(answer.starts_with("HTTP/1.1 418 ") && answer.contains("x-mine: yes"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n{ \"ActionStatus\" : \"OK\", \"ErrorCode\":1}"), "{answer}");
    let line = listen.line();
    assert!(line.contains("418 failed") && line.contains("status 418"), "{line}");

    // What is refused here does not get there; nor does a request for somewhere else.
    assert_eq!(run(&["send", &url, "State.StateChange", "--unsigned"]).status, 1);
    assert!(listen.line().contains("401 refused"));
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    write!(
        stream,
        "GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    assert!(came.try_recv().is_err());
}

#[test]
fn verdicts_and_troubles_of_the_server_behind_are_shown_for_what_they_are() {
    let (target, _came) = behind(|| {
        (StatusCode::OK, [("a", "b")], r#"{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":""}"#)
    });
    let (background, url) = listen(&["--forward", &target]);
    assert_eq!(run(&["send", &url, "C2C.CallbackBeforeSendMsg"]).status, 0);
    assert!(background.line().contains("200 moderated"));

    // No code that this command has: Tencent lets the message through.
    let (target, _came) = behind(|| {
        (StatusCode::OK, [("a", "b")], r#"{"ActionStatus":"OK","ErrorCode":403,"ErrorInfo":""}"#)
    });
    let (background, url) = listen(&["--forward", &target]);
    assert_eq!(run(&["send", &url, "C2C.CallbackBeforeSendMsg"]).status, 1);
    let line = background.line();
    assert!(line.contains("200 accepted") && line.contains("gave no verdict"), "{line}");

    let (background, url) = listen(&["--forward", "http://127.0.0.1:1"]);
    assert_eq!(run(&["send", &url, "State.StateChange"]).status, 1);
    let line = background.line();
    assert!(line.contains("502 failed") && line.contains("no connection"), "{line}");

    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = format!("http://{}", silent.local_addr().unwrap());
    let (background, url) = listen(&["--forward", &target, "--timeout", "1"]);
    assert_eq!(run(&["send", &url, "State.StateChange"]).status, 1);
    let line = background.line();
    assert!(line.contains("504 failed") && line.contains("no answer within 1 s"), "{line}");

    let Run { status, err, .. } = run(&["listen", "--forward", "http://h/path"]);
    assert_eq!(status, 2, "{err}");
}

fn tempfile() -> std::path::PathBuf {
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("listen");
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

#[test]
fn a_page_that_others_can_reach_is_warned_about() {
    let listen = |inspect: &str| {
        Background::start(&["listen", "--addr", "127.0.0.1:0", "--inspect", inspect])
    };
    let open = listen("0.0.0.0:0");
    let warning = open.announced("the inspector has no password: ");
    assert_eq!(warning, "everybody who can connect to it reads all messages");
    open.announced("inspector on http://0.0.0.0:");
    // On loopback there is nothing to warn about.
    let own = listen("127.0.0.1:0");
    own.announced("listening on ");
    assert!(own.next_error().starts_with("im-callback: inspector on http://127.0.0.1:"));
}
