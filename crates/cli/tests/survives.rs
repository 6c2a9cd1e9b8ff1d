//! `im-callback check` of what an endpoint survives, and of one in another stack.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use common::check::{OK, fails, names};
use common::server::{SPAM, good};
use common::{Run, run};
use tower::ServiceExt;

/// A good endpoint that is down for good once this says so of a body, or of one that breaks off.
fn falls(down: impl Fn(Option<&str>) -> bool + Clone + Send + Sync + 'static) -> Router {
    let is_down = Arc::new(AtomicBool::new(false));
    Router::new().fallback(async move |request: Request| {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 64 * 1024 * 1024).await.ok();
        let text = body.as_ref().map(|body| String::from_utf8_lossy(body).into_owned());
        if down(text.as_deref()) {
            is_down.store(true, Ordering::SeqCst);
        }
        if is_down.load(Ordering::SeqCst) {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        let body = Body::from(body.unwrap_or_default());
        good().oneshot(Request::from_parts(head, body)).await.unwrap()
    })
}

#[test]
fn what_does_not_survive_is_found() {
    let nested = |body: Option<&str>| body.is_some_and(|body| body.contains("[[[[[[[[[["));
    assert_eq!(fails(falls(nested), &["--only", "survives"]), ["survives.deep-nesting"]);
    let broken = falls(|body| body.is_none());
    assert_eq!(fails(broken, &["--only", "survives.half-requests"]), ["survives.half-requests"]);

    let busy = Arc::new(AtomicUsize::new(0));
    let crowded = Router::new().fallback(async move |request: Request| {
        let many = busy.fetch_add(1, Ordering::SeqCst) >= 50;
        tokio::time::sleep(Duration::from_millis(300)).await;
        busy.fetch_sub(1, Ordering::SeqCst);
        if many {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        good().oneshot(request).await.unwrap()
    });
    assert_eq!(fails(crowded, &["--only", "survives.many-at-once"]), ["survives.many-at-once"]);
}

#[test]
fn one_connection_at_a_time_is_found() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/callback", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while stream.read_line(&mut line).is_ok_and(|read| read > 2) {
                let lower = line.to_lowercase();
                if let Some(value) = lower.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let _ = stream.read_exact(&mut vec![0; length]);
            let head =
                format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}", OK.len());
            let _ =
                write!(stream.get_mut(), "{head}\r\nContent-Type: application/json\r\n\r\n{OK}");
        }
    });
    let Run { status, out, .. } = run(&["check", &url, "--json", "--only", "survives"]);
    assert_eq!(
        (status, names(&out, "fail")),
        (1, vec!["survives.dripping-bodies".to_owned()]),
        "{out}"
    );
}

/// Another stack, which believes everything.
const PYTHON: &str = r#"
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        answer = b'{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer.request_queue_size = 200
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"#;

#[test]
fn an_endpoint_in_another_stack_is_asked_as_well() {
    let spawned = Command::new("python3")
        .args(["-c", PYTHON])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut python) = spawned else {
        eprintln!("skipped: there is no python3 here");
        return;
    };
    let mut port = String::new();
    BufReader::new(python.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let url = format!("http://127.0.0.1:{}/callback", port.trim());
    let Run { out, .. } = run(&["check", &url, "--json", "--spam", SPAM]);
    let _ = python.kill();
    let _ = python.wait();
    let failed = names(&out, "fail");
    let of = |group: &str| failed.iter().filter(|name| name.starts_with(group)).count();
    // It cannot read a body of unknown length, and `http.server` itself refuses GET.
    assert_eq!(failed[0], "accepts.chunked");
    assert_eq!(
        ["accepts", "refuses", "broken", "moderates", "answers"].map(of),
        [1, 10, 19, 42, 0],
        "{failed:?}"
    );
}
