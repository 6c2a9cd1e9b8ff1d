//! The examples as a user runs them: programs of their own, over TCP.
#![allow(clippy::pedantic)]

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command as Process, Stdio};

use serde_json::Value;
use tencent_im_callback::Command;

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
        std::thread::spawn(move || errors.read_to_end(&mut Vec::new()));
        Server { child, url }
    }

    /// What `send` prints.
    fn send(&self, arguments: &[&str]) -> String {
        let output = Process::new(example("send")).args(arguments).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        // Its exit status says whether the callback was taken, and no error is printed when it could be sent.
        assert!(errors.is_empty(), "{arguments:?}: {errors}");
        assert_eq!(
            output.status.success(),
            printed.contains("200 OK"),
            "{arguments:?}: {printed}"
        );
        printed
    }

    #[cfg(unix)]
    fn signal(&self, name: &str) {
        let sent = Process::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn the_receiver_prints_every_command_that_send_sends() {
    let mut server = Server::start("receiver", &[]);
    let mut lines = BufReader::new(server.child.stdout.take().unwrap()).lines();
    for command in Command::ALL {
        let printed = server.send(&["--param", "OptPlatform=iOS", &server.url, command.as_str()]);
        assert!(
            printed.contains("200 OK") && printed.contains("in time"),
            "{command}: {printed}"
        );
        assert!(
            printed.contains(r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#),
            "{command}: {printed}"
        );
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(line["known"], true, "{command}");
        assert_eq!(line["command"], command.as_str());
        assert_eq!(line["event"]["CallbackCommand"], command.as_str());
        assert_eq!(line["sdk_app_id"], 1_400_000_000_u64);
        assert_eq!(
            (&line["opt_platform"], &line["client_ip"]),
            (&"iOS".into(), &Value::Null)
        );
        assert!(line["request_time"].is_u64());
        let keys: Vec<_> = line.as_object().unwrap().keys().collect();
        assert_eq!(keys.len(), 7, "{keys:?}");
    }
    // An unknown one on one line, as it came.
    let file = std::env::temp_dir().join(format!("unknown-{}.json", std::process::id()));
    std::fs::write(&file, "{\"a\":\r\n 1.50}").unwrap();
    server.send(&[&server.url, "New.Word", "--path", "--body", file.to_str().unwrap()]);
    std::fs::remove_file(file).unwrap();
    let line = lines.next().unwrap().unwrap();
    assert!(line.ends_with(r#""known":false,"event":{"a":   1.50}}"#), "{line}");
    // What is refused is not printed.
    let printed = server.send(&["--fault", "stale", &server.url, "State.StateChange"]);
    assert!(printed.contains("401"), "{printed}");

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
    use std::io::Write;
    use std::os::unix::ffi::OsStrExt;

    let mut server = Server::start("receiver", &[("CALLBACK_AUTH", "unsigned")]);
    let address = server
        .url
        .trim_start_matches("http://")
        .trim_end_matches("/callback")
        .to_owned();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(b"POST /callback HTTP/1.1\r\nHost: x").unwrap();
    let printed = server.send(&["--unsigned", &server.url, "State.StateChange"]);
    assert!(printed.contains("200 OK"), "{printed}");
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
    let printed = server.send(&[&server.url, "Sns.CallbackFriendDelete"]);
    assert!(printed.contains("200 OK"), "{printed}");
    let printed = server.send(&["--fault", "BadSignature", &server.url, "Sns.CallbackFriendDelete"]);
    assert!(printed.contains("401"), "{printed}");
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
        r#"{{"CallbackCommand":"C2C.CallbackBeforeSendMsg","From_Account":"a","To_Account":"b","MsgBody":[{{"MsgType":"TIMImageElem","MsgContent":{{"UUID":"u","New":1}}}},{{"MsgType":"TIMTextElem","MsgContent":{{"Text":"{text}"}}}}]}}"#
    )
}

#[test]
#[cfg(unix)]
fn the_production_example_does_what_it_says() {
    let apps = TempFile::new("apps", "1 one one-next\n2 two two-next\n");
    let mut server = Server::start("production", &[("APPS_FILE", apps.path())]);
    let url = server.url.clone();
    let answer = |app: &str, token: &str, rest: &[&str]| {
        let mut arguments = vec!["--app", app, "--token", token];
        arguments.extend(rest);
        arguments.push(&url);
        server.send(&[&arguments[..arguments.len() - 1], &[&url, "C2C.CallbackBeforeSendMsg"]].concat())
    };
    // Two apps, two tokens each.
    for (app, token, good) in [
        ("1", "one", true),
        ("1", "one-next", true),
        ("2", "two-next", true),
        ("1", "two", false),
        ("3", "one", false),
    ] {
        let printed = answer(app, token, &[]);
        assert_eq!(printed.contains("200 OK"), good, "{app} {token}: {printed}");
    }
    // Moderation: all texts, a rewrite that keeps the image whole, a code.
    for (text, expected) in [
        ("hello", r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#),
        (
            "buy spam",
            r#"{"ActionStatus":"OK","ErrorCode":120001,"ErrorInfo":"no advertising, please"}"#,
        ),
        (
            "damn it",
            r#""MsgBody":[{"MsgType":"TIMImageElem","MsgContent":{"UUID":"u","New":1}},{"MsgType":"TIMTextElem","MsgContent":{"Text":"**** it"}}]}"#,
        ),
    ] {
        let body = TempFile::new(&format!("message-{}", text.len()), &message(text));
        let printed = answer("1", "one", &["--body", body.path()]);
        assert!(printed.contains(expected), "{printed}");
    }
    // A message that cannot be read is refused, not waved through.
    let body = TempFile::new(
        "misfit",
        r#"{"From_Account":"a","To_Account":"b","MsgBody":[{"MsgType":"TIMTextElem"}]}"#,
    );
    let printed = answer("1", "one", &["--body", body.path()]);
    assert!(
        printed.contains(r#""ErrorCode":1,"ErrorInfo":"try again later""#),
        "{printed}"
    );
    // The same delivery twice, in the background; a command of tomorrow.
    let event = TempFile::new("event", r#"{"Info":{"To_Account":"a","Action":"Login"},"EventTime":1}"#);
    for _ in 0..2 {
        let printed = server.send(&[
            "--app",
            "1",
            "--token",
            "one",
            "--body",
            event.path(),
            &url,
            "State.StateChange",
        ]);
        assert!(printed.contains("200 OK"), "{printed}");
    }
    let printed = server.send(&[
        "--app",
        "1",
        "--token",
        "one",
        "--body",
        event.path(),
        &url,
        "New.Word\"} 1\n",
    ]);
    assert!(printed.contains("200 OK"), "{printed}");

    // The metrics, with one label for all commands of tomorrow.
    let page = get(&url.replace("/callback", "/metrics"));
    for line in [
        r#"im_callbacks_total{outcome="accepted",reason="handled",command="C2C.CallbackBeforeSendMsg"} 6"#,
        r#"im_callbacks_total{outcome="accepted",reason="handled",command="unknown"} 1"#,
        r#"im_callbacks_total{outcome="accepted",reason="detached",command="State.StateChange"} 2"#,
        r#"im_callbacks_total{outcome="failed",reason="misfit",command="C2C.CallbackBeforeSendMsg"} 1"#,
        r#"im_callbacks_total{outcome="rejected",reason="signature_mismatch",command=""} 1"#,
        r#"im_callbacks_total{outcome="rejected",reason="app_unknown",command=""} 1"#,
    ] {
        assert!(page.contains(line), "{line} is not in\n{page}");
    }

    // Other tokens while it runs; a file that cannot be right changes nothing.
    std::fs::write(apps.path(), "1 other\n").unwrap();
    server.signal("HUP");
    let patience = std::time::Instant::now();
    while !answer("1", "other", &[]).contains("200 OK") {
        assert!(patience.elapsed().as_secs() < 10, "the apps were not read again");
    }
    assert!(answer("1", "one", &[]).contains("401"));
    std::fs::write(apps.path(), "1\n").unwrap();
    server.signal("HUP");
    assert!(answer("1", "other", &[]).contains("200 OK"));

    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
}

/// A page, by a request of our own.
fn get(url: &str) -> String {
    use std::io::Write;

    let (address, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

#[tokio::test]
async fn the_hyper_example_speaks_http_2_as_well() {
    use bytes::Bytes;
    use http_body_util::Full;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tencent_im_callback::testing::{Fault, SignedRequest};

    let server = Server::start("hyper", &[]);
    let address = server
        .url
        .trim_start_matches("http://")
        .trim_end_matches("/callback")
        .to_owned();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (client, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = SignedRequest::new(Command::StateChange).url(&server.url);
    let answers = [(request.clone(), 200), (request.fault(Fault::BadSignature), 401)];
    for (request, status) in answers {
        let response = client
            .clone()
            .send_request(request.build::<Full<Bytes>>())
            .await
            .unwrap();
        assert_eq!(
            (response.status(), response.version()),
            (status.try_into().unwrap(), http::Version::HTTP_2)
        );
    }
}
