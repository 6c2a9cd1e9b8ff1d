//! The examples as a user runs them: programs of their own, over TCP.
#![allow(clippy::pedantic)]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command as Process, Stdio};
use std::sync::{Arc, Mutex};

use http::Request;
use serde_json::Value;
use tencent_im_callback::Command;
use tencent_im_callback::Token;
use tencent_im_callback::testing::{Fault, SignedRequest};

/// An example that cargo has built beside this test.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().unwrap().parent().unwrap().join("examples");
    let path = folder.join(name).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(path.exists(), "{path:?} is not built; run `cargo build --examples`");
    path
}

struct Server {
    child: Child,
    url: String,
    log: Arc<Mutex<String>>,
}

impl Server {
    fn start(name: &str, settings: &[(&str, &str)]) -> Server {
        let mut child = Process::new(example(name))
            .env("ADDR", "127.0.0.1:0")
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        errors.read_line(&mut line).unwrap();
        let url = line
            .trim()
            .strip_prefix("listening on ")
            .unwrap_or_else(|| panic!("{line}"))
            .to_owned();
        // The log must be read, or the server would wait for room in the pipe.
        let log = Arc::new(Mutex::new(String::new()));
        let into = log.clone();
        std::thread::spawn(move || {
            for line in errors.lines() {
                into.lock().unwrap().push_str(&(line.unwrap() + "\n"));
            }
        });
        Server { child, url, log }
    }

    /// Takes the log up to now, once this text is in it.
    #[cfg(unix)]
    fn log_with(&self, text: &str) -> String {
        let patience = std::time::Instant::now();
        loop {
            let mut log = self.log.lock().unwrap();
            if log.contains(text) {
                return std::mem::take(&mut *log);
            }
            assert!(patience.elapsed().as_secs() < 10, "{text} is not in {log}");
            drop(log);
            std::thread::yield_now();
        }
    }

    /// A request to it, for the app and token of the vendor's sample.
    fn request(&self, command: impl Into<Command>) -> SignedRequest {
        SignedRequest::new(command).url(&self.url)
    }

    /// The path of its URL at another place.
    fn get(&self, path: &str) -> String {
        exchange(&Request::get(self.url.replace("/callback", path)).body(Vec::new()).unwrap())
    }

    fn address(&self) -> String {
        self.url.trim_start_matches("http://").trim_end_matches("/callback").to_owned()
    }

    #[cfg(unix)]
    fn signal(&self, name: &str) {
        let sent =
            Process::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Sends a request on a connection of its own. Gives head and body of the answer.
fn exchange(request: &Request<Vec<u8>>) -> String {
    let uri = request.uri();
    let authority = uri.authority().unwrap();
    let mut stream = std::net::TcpStream::connect(authority.as_str()).unwrap();
    let head = format!(
        "{} {} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        request.method(),
        uri.path_and_query().unwrap(),
        request.body().len()
    );
    stream.write_all(&[head.as_bytes(), request.body()].concat()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn send(request: &SignedRequest) -> String {
    exchange(&request.build())
}

#[test]
fn the_receiver_prints_every_command() {
    let mut server = Server::start("receiver", &[]);
    let mut lines = BufReader::new(server.child.stdout.take().unwrap()).lines();
    for command in Command::ALL {
        let answer = send(&server.request(command.clone()).parameter("OptPlatform", "iOS"));
        assert!(answer.contains("200 OK"), "{command}: {answer}");
        assert!(
            answer.contains(r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#),
            "{command}: {answer}"
        );
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(line["known"], true, "{command}");
        assert_eq!(line["command"], command.as_str());
        assert_eq!(line["event"]["CallbackCommand"], command.as_str());
        assert_eq!(line["sdk_app_id"], 1_400_000_000_u64);
        assert_eq!((&line["opt_platform"], &line["client_ip"]), (&"iOS".into(), &Value::Null));
        assert!(line["request_time"].is_u64());
        let keys: Vec<_> = line.as_object().unwrap().keys().collect();
        assert_eq!(keys.len(), 7, "{keys:?}");
    }
    // An unknown one on one line, as it came.
    send(&server.request("New.Word").path_parameters().body("{\"a\":\r\n 1.50}"));
    let line = lines.next().unwrap().unwrap();
    assert!(line.ends_with(r#""known":false,"event":{"a":   1.50}}"#), "{line}");
    // What is refused is not printed.
    let answer = send(&server.request(Command::StateChange).fault(Fault::Stale));
    assert!(answer.contains("401"), "{answer}");

    #[cfg(unix)]
    {
        server.signal("TERM");
        assert!(lines.next().is_none());
        assert!(server.child.wait().unwrap().success());
    }
}

#[test]
#[cfg(unix)]
fn half_a_request_does_not_hold_up_the_end() {
    use std::os::unix::ffi::OsStrExt;

    let mut server = Server::start("receiver", &[("CALLBACK_AUTH", "unsigned")]);
    let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
    stream.write_all(b"POST /callback HTTP/1.1\r\nHost: x").unwrap();
    let answer = send(&server.request(Command::StateChange).unsigned());
    assert!(answer.contains("200 OK"), "{answer}");
    server.signal("INT");
    assert!(server.child.wait().unwrap().success());

    // A setting that cannot be right ends the program before it listens.
    for (name, value) in [
        ("CALLBACK_TOKEN", &b" "[..]),
        ("CALLBACK_TOKEN", b"\xff"),
        ("SDK_APP_ID", b"x"),
        ("CALLBACK_AUTH", b"maybe"),
    ] {
        let mut failed = Process::new(example("receiver"))
            .env("ADDR", "127.0.0.1:0")
            .env(name, std::ffi::OsStr::from_bytes(value))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut text = String::new();
        failed.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        assert!(!failed.wait().unwrap().success());
        assert!(text.contains(name) && !text.contains("listening"), "{text}");
    }
}

#[test]
fn the_hyper_example_answers() {
    let server = Server::start("hyper", &[]);
    let request = server.request(Command::SnsFriendDelete);
    let answer = send(&request);
    assert!(answer.contains("200 OK"), "{answer}");
    let answer = send(&request.fault(Fault::SignatureMismatch));
    assert!(answer.contains("401"), "{answer}");
    for (text, code) in [("hello", 0), ("spam", 1)] {
        let answer = send(&server.request(Command::C2cBeforeSendMsg).body(message(text)));
        assert!(answer.contains(&format!(r#""ErrorCode":{code},"#)), "{answer}");
    }
    assert!(server.get("/elsewhere").contains("404"));
}

/// A file of this process's own, removed at the end.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        TempFile(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

fn message(text: &str) -> String {
    format!(
        r#"{{"CallbackCommand":"C2C.CallbackBeforeSendMsg","From_Account":"a","To_Account":"b",
            "MsgBody":[{{"MsgType":"TIMImageElem","MsgContent":{{"UUID":"u","New":1}}}},
            {{"MsgType":"TIMTextElem","MsgContent":{{"Text":"{text}"}}}}]}}"#
    )
}

#[cfg(unix)]
const APPS: &str = "1 one one-next\n2 two two-next\n";

/// A callback for one of the production example's apps.
#[cfg(unix)]
fn of_app(server: &Server, app: u64, token: &str, command: &str) -> SignedRequest {
    server.request(command).app(app).token(Token::new(token).unwrap())
}

/// A question about a message.
#[cfg(unix)]
fn question(server: &Server, app: u64, token: &str) -> SignedRequest {
    of_app(server, app, token, "C2C.CallbackBeforeSendMsg")
}

/// What people write, and a part of the answer: all texts are judged, the rewrite keeps the image
/// whole, and a rejection has its code.
#[cfg(unix)]
const JUDGED: [(&str, &str); 3] = [
    ("hello", r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#),
    (
        "buy spam",
        r#"{"ActionStatus":"OK","ErrorCode":120001,"ErrorInfo":"no advertising, please"}"#,
    ),
    (
        "damn it",
        concat!(
            r#""MsgBody":[{"MsgType":"TIMImageElem","MsgContent":{"UUID":"u","New":1}},"#,
            r#"{"MsgType":"TIMTextElem","MsgContent":{"Text":"**** it"}}]}"#
        ),
    ),
];

/// Labels and values of `im_callbacks_total` after the requests of the test below. All commands of
/// tomorrow have one label.
#[cfg(unix)]
const COUNTED: [&str; 6] = [
    r#"outcome="accepted",reason="rate_limited",command="C2C.CallbackBeforeSendMsg"} 1"#,
    r#"outcome="accepted",reason="handled",command="unknown"} 1"#,
    r#"outcome="accepted",reason="detached",command="State.StateChange"} 2"#,
    r#"outcome="failed",reason="misfit",command="C2C.CallbackBeforeSendMsg"} 1"#,
    r#"outcome="rejected",reason="signature_mismatch",command=""} 1"#,
    r#"outcome="rejected",reason="app_unknown",command=""} 1"#,
];

#[test]
#[cfg(unix)]
fn the_production_example_judges_limits_and_counts() {
    let apps = TempFile::new("apps-judged", APPS);
    let mut server = Server::start("production", &[("APPS_FILE", apps.path())]);
    // Two apps, two tokens each.
    for (app, token, good) in [
        (1, "one", true),
        (1, "one-next", true),
        (2, "two-next", true),
        (1, "two", false),
        (3, "one", false),
    ] {
        let answer = send(&question(&server, app, token));
        assert_eq!(answer.contains("200 OK"), good, "{app} {token}: {answer}");
    }
    let ask = |body: &str| send(&question(&server, 1, "one").body(body.to_owned()));
    for (text, expected) in JUDGED {
        let answer = ask(&message(text));
        assert!(answer.contains(expected), "{answer}");
    }
    // A message that cannot be read is refused, not waved through.
    let answer =
        ask(r#"{"From_Account":"a","To_Account":"b","MsgBody":[{"MsgType":"TIMTextElem"}]}"#);
    assert!(answer.contains(r#""ErrorCode":1,"ErrorInfo":"try again later""#), "{answer}");
    // One sender who floods is told to slow down, and the others are not.
    let flood = message("hello").replace(r#""From_Account":"a""#, r#""From_Account":"spammer""#);
    assert!((0..1000).any(|_| ask(&flood).contains("slow down")));
    assert!(!ask(&message("hello")).contains("slow down"));
    // The same delivery twice, in the background; a command of tomorrow.
    let event = r#"{"Info":{"To_Account":"a","Action":"Login"},"EventTime":1}"#;
    for word in ["State.StateChange", "State.StateChange", "New.Word\"} 1\n"] {
        let answer = send(&of_app(&server, 1, "one", word).body(event));
        assert!(answer.contains("200 OK"), "{word}: {answer}");
    }
    let page = server.get("/metrics");
    for line in COUNTED.map(|line| format!("im_callbacks_total{{{line}")) {
        assert!(page.contains(&line), "{line} is not in\n{page}");
    }
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
}

#[test]
#[cfg(unix)]
fn the_production_example_reads_its_apps_again() {
    let apps = TempFile::new("apps-reloaded", APPS);
    let mut server = Server::start("production", &[("APPS_FILE", apps.path())]);
    assert!(send(&question(&server, 1, "one")).contains("200 OK"));
    std::fs::write(apps.path(), "1 other\n").unwrap();
    server.signal("HUP");
    let patience = std::time::Instant::now();
    while !send(&question(&server, 1, "other")).contains("200 OK") {
        assert!(patience.elapsed().as_secs() < 10, "the apps were not read again");
    }
    assert!(send(&question(&server, 1, "one")).contains("401"));
    server.log_with("apps read again");
    // A file that cannot be right changes nothing.
    for (text, reason) in [
        ("1\n", "no token"),
        ("", "there is no app in the file"),
        (" \n\n", "there is no app in the file"),
        ("1 other\u{200b}\n", "invisible character"),
        ("1 \u{feff}other\n", "invisible character"),
        ("\u{feff}1 other\n", "byte order mark"),
    ] {
        std::fs::write(apps.path(), text).unwrap();
        server.signal("HUP");
        let log = server.log_with("apps left as they were");
        assert!(log.contains(reason) && !log.contains("read again"), "{text:?}: {log}");
        assert!(send(&question(&server, 1, "other")).contains("200 OK"));
    }
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
}

#[tokio::test]
async fn the_hyper_example_speaks_http_2_as_well() {
    use bytes::Bytes;
    use http_body_util::Full;
    use hyper_util::rt::{TokioExecutor, TokioIo};

    let server = Server::start("hyper", &[]);
    let stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    let (client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let request = SignedRequest::new(Command::StateChange).url(&server.url);
    let answers = [(request.clone(), 200), (request.fault(Fault::SignatureMismatch), 401)];
    for (request, status) in answers {
        let response = client.clone().send_request(request.build::<Full<Bytes>>()).await.unwrap();
        assert_eq!(
            (response.status(), response.version()),
            (status.try_into().unwrap(), http::Version::HTTP_2)
        );
    }
}
