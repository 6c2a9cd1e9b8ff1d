//! The inspector page of `im-callback listen`, without a browser.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use common::{Background, run};
use serde_json::Value;

struct Page {
    listen: Background,
    url: String,
    address: String,
}

fn start(more: &[&str]) -> Page {
    let arguments =
        [&["listen", "--addr", "127.0.0.1:0", "--inspect", "127.0.0.1:0"], more].concat();
    let listen = Background::start(&arguments);
    let url = listen.announced("listening on ");
    let address = listen.announced("inspector on http://");
    Page { listen, url, address }
}

impl Page {
    fn connect(&self, method: &str, path: &str, headers: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let host = if headers.to_lowercase().contains("host:") {
            String::new()
        } else {
            format!("Host: {}\r\n", self.address)
        };
        write!(stream, "{method} {path} HTTP/1.1\r\n{host}{headers}Connection: close\r\n\r\n")
            .unwrap();
        stream
    }

    /// Head and body of an answer.
    fn ask(&self, method: &str, path: &str, headers: &str) -> (String, String) {
        let mut text = String::new();
        self.connect(method, path, headers).read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.to_lowercase(), body.to_owned())
    }

    fn status(&self, method: &str, path: &str, headers: &str) -> u16 {
        let (head, _) = self.ask(method, path, headers);
        head["http/1.1 ".len()..][..3].parse().unwrap()
    }

    fn token(&self) -> String {
        let (_, index) = self.ask("GET", "/", "");
        let (_, rest) = index.split_once(r#"name="token" content=""#).unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }

    fn detail(&self, id: u64) -> Value {
        serde_json::from_str(&self.ask("GET", &format!("/callbacks/{id}"), "").1).unwrap()
    }

    fn send(&self, arguments: &[&str]) {
        run(&[&["send", &self.url], arguments].concat());
        self.listen.line();
    }

    /// What the page is told, one after the other.
    fn events(&self) -> impl Iterator<Item = Value> + use<> {
        let lines = BufReader::new(self.connect("GET", "/events", "")).lines();
        lines
            .map_while(Result::ok)
            .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
    }
}

const HOSTILE: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}\u{7}";

#[test]
fn it_is_served_to_this_machine_alone() {
    let page = start(&[]);
    for path in ["/", "/style.css", "/script.js", "/events-not-there"] {
        let (head, body) = page.ask("GET", path, "");
        for wanted in [
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; \
            connect-src 'self'; img-src 'self' data:",
            "frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
        ] {
            assert!(head.contains(wanted), "{path}: {head}");
        }
        assert!(!head.contains("access-control"), "{head}");
        assert!(!body.contains("xxxxyyyy"));
    }
    assert_eq!(page.status("GET", "/", "Host: localhost:4040\r\n"), 200);
    assert_eq!(page.status("GET", "/", &format!("Origin: http://{}\r\n", page.address)), 200);
    let link = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: document\r\n";
    assert_eq!(
        (page.status("GET", "/", link), page.status("GET", "/callbacks/1", link)),
        (200, 403)
    );
    for foreign in [
        "Host: evil.example:4040\r\n",
        "Host: 127.0.0.1.evil.example\r\n",
        "Host: localhost\r\nHost: evil.example\r\n",
        "Origin: http://evil.example\r\n",
        "Origin: null\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
    ] {
        for path in ["/", "/events", "/callbacks/1"] {
            let status = page.status("GET", path, foreign);
            // Two of `Host` hyper itself may refuse.
            assert!(matches!(status, 400 | 403), "{path} {foreign}: {status}");
        }
    }
}

#[test]
fn what_comes_is_told_at_once_and_can_be_opened() {
    let page = start(&[]);
    let mut events = page.events();
    let set = format!("MsgBody[0].MsgContent.Text={HOSTILE}");
    page.send(&[
        "C2C.CallbackBeforeSendMsg",
        "--set",
        &set,
        "--set",
        "From_Account=<b>",
        "--set",
        "New.A:=1",
        "--param",
        "ClientIP=1.2.3.4",
    ]);
    let event = events.next().unwrap();
    assert_eq!((&event["id"], &event["command"]), (&1.into(), &"C2C.CallbackBeforeSendMsg".into()));
    assert_eq!(
        (&event["who"], &event["verdict"], &event["again"]),
        (&"<b>".into(), &"accepted".into(), &true.into())
    );

    page.send(&["State.StateChange", "--fault", "Stale"]);
    let event = events.next().unwrap();
    assert_eq!((&event["verdict"], &event["status"]), (&"refused".into(), &401.into()));
    assert!(event["note"].as_str().unwrap().starts_with("RequestTime too old"), "{event}");
    assert_eq!(page.events().take(2).count(), 2);

    let detail = page.detail(1);
    let body: Value = serde_json::from_str(detail["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["MsgBody"][0]["MsgContent"]["Text"], HOSTILE);
    assert!(detail["event"].as_str().unwrap().contains("alert(1)"));
    assert_eq!(detail["unknown"], Value::from(vec!["New"]));
    assert!(detail["params"].to_string().contains(r#"["ClientIP","1.2.3.4"]"#));
    let all = format!("{detail}{}", page.detail(2));
    assert!(!all.contains("xxxxyyyy") && !all.contains("\"Sign\""), "{all}");
    let signs = all.matches("Sign=").count();
    assert_eq!(signs, all.matches("Sign=<redacted>").count(), "{all}");

    assert_eq!(page.status("GET", "/callbacks/3", ""), 404);
    assert_eq!(page.status("GET", "/callbacks/x", ""), 400);
}

#[test]
fn it_is_sent_again_only_with_the_token_of_the_page() {
    let page = start(&[]);
    page.send(&["Sns.CallbackFriendDelete", "--path"]);
    page.send(&["State.StateChange", "--unsigned"]);
    let none = "Content-Length: 0\r\n";
    assert_eq!(page.status("POST", "/callbacks/1/again", none), 403);
    assert_eq!(page.status("POST", "/callbacks/1/again", &format!("{none}X-Token: 0\r\n")), 403);
    assert!(page.listen.is_quiet());

    let with = format!("{none}X-Token: {}\r\n", page.token());
    assert_eq!(page.ask("POST", "/callbacks/1/again", &with).1, "200 OK");
    assert!(page.listen.line().contains("Sns.CallbackFriendDelete id 200 accepted"));
    assert_eq!(page.detail(3)["body"], page.detail(1)["body"]);
    assert_eq!(page.status("POST", "/callbacks/2/again", &with), 409);
    assert_eq!(page.status("POST", "/callbacks/9/again", &with), 404);
    assert_eq!(
        page.status(
            "POST",
            "/callbacks/1/again",
            &format!("{with}Origin: http://evil.example\r\n")
        ),
        403
    );
    assert_ne!(page.token(), start(&[]).token());
}

#[cfg(target_os = "linux")]
fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn memory_is_bounded_however_many_come() {
    let page = start(&[]);
    let sent = run(&["send", &page.url, "C2C.CallbackBeforeSendMsg", "--count", "5000"]);
    assert_eq!(sent.status, 0, "{}", sent.out);
    // 100 kB each: more than is kept, long before a thousand of them.
    let long = format!("CloudCustomData={}", "x".repeat(100_000));
    let sent =
        run(&["send", &page.url, "C2C.CallbackBeforeSendMsg", "--count", "1000", "--set", &long]);
    assert_eq!(sent.status, 0, "{}", sent.out);
    let kib = resident_kib(page.listen.child.id());
    assert!(kib < 100 * 1024, "{kib} KiB");
    assert_eq!(page.detail(6000)["body"].as_str().unwrap().len() / 100_000, 1);
    assert_eq!(page.status("GET", "/callbacks/5000", ""), 404);
}
