//! The servers that are measured end to end, each in a process of its own: this program, started
//! with `serve` and a name.

use std::convert::Infallible;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use axum::extract::Query;
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde::{Deserialize, Serialize};
use tencent_im_callback::event::c2c::BeforeSendMsg;
use tokio::net::{TcpListener, TcpStream};

use crate::cases;
use crate::floor;

/// hyper, reading the body and answering a constant.
pub const CONSTANT: &str = "constant";
/// hyper with the hand-inlined floor.
pub const FLOOR: &str = "floor";
/// hyper with this crate.
pub const OURS: &str = "ours";
/// axum with this crate.
pub const OURS_AXUM: &str = "ours-axum";
/// axum with the handler that people write by hand: no signature, no check of the app.
pub const HAND_AXUM: &str = "hand-axum";

/// Serves until standard input ends. Prints the port first.
pub fn serve(contender: &str) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        println!("{}", listener.local_addr().expect("an address").port());
        std::thread::spawn(|| {
            // The parent has gone, or is done.
            let _ = std::io::stdin().lock().read_line(&mut String::new());
            std::process::exit(0);
        });
        match contender {
            CONSTANT => accept(listener, |stream| serve_connection(stream, constant)).await,
            FLOOR => {
                let key = floor::Key::new(cases::TOKEN);
                accept(listener, move |stream| {
                    let key = key.clone();
                    serve_connection(stream, move |request| by_hand(key.clone(), request))
                })
                .await;
            }
            OURS => {
                let service = cases::service();
                accept(listener, move |stream| {
                    let service = TowerToHyperService::new(service.clone());
                    async move {
                        let _ = http1::Builder::new()
                            .serve_connection(TokioIo::new(stream), service)
                            .await;
                    }
                })
                .await;
            }
            OURS_AXUM => {
                let router = Router::new().route_service("/callback", cases::service());
                axum::serve(listener, router).await.expect("serving");
            }
            HAND_AXUM => {
                let router = Router::new().route("/callback", post(handler));
                axum::serve(listener, router).await.expect("serving");
            }
            other => panic!("no contender `{other}`"),
        }
    });
}

async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    connection: impl Fn(TcpStream) -> F,
) {
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        tokio::spawn(connection(stream));
    }
}

type Answer = Result<Response<Full<Bytes>>, Infallible>;

async fn serve_connection<F: Future<Output = Answer>>(
    stream: TcpStream,
    answer: impl Fn(Request<Incoming>) -> F,
) {
    let service = hyper::service::service_fn(answer);
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn constant(request: Request<Incoming>) -> Answer {
    let body = request.into_body().collect().await;
    black_box(&body.map(http_body_util::Collected::to_bytes));
    Ok(floor::respond(StatusCode::OK))
}

async fn by_hand(key: floor::Key, request: Request<Incoming>) -> Answer {
    let mut status = floor::check(&key, request.method(), request.uri());
    if status.is_success() {
        status = match request.into_body().collect().await {
            Ok(body) => floor::parse::<BeforeSendMsg>(&body.to_bytes()),
            Err(_) => StatusCode::BAD_REQUEST,
        };
    }
    Ok(floor::respond(status))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code)]
struct Parameters {
    sdk_appid: String,
    callback_command: String,
    #[serde(rename = "ClientIP")]
    client_ip: String,
    opt_platform: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    action_status: &'static str,
    error_code: u32,
    error_info: &'static str,
}

async fn handler(
    Query(parameters): Query<Parameters>,
    Json(event): Json<BeforeSendMsg>,
) -> Json<Envelope> {
    black_box((&parameters, &event));
    Json(Envelope { action_status: "OK", error_code: 0, error_info: "" })
}

/// A server at work. Dropping it ends the process.
pub struct Server {
    process: Child,
    pub port: u16,
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts a contender on the first core, if this machine lets one choose.
    pub fn start(contender: &str) -> Self {
        let program = std::env::current_exe().expect("this program");
        let pinned = can_pin("0");
        let mut command = if pinned { Command::new("taskset") } else { Command::new(&program) };
        if pinned {
            command.args(["-c", "0"]).arg(&program);
        }
        let mut process = command
            .args(["serve", contender])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starting a server");
        let mut stdout = BufReader::new(process.stdout.take().expect("its output"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("its port");
        let port = line.trim().parse().expect("its port");
        Server { process, port, _stdout: stdout }
    }

    /// Time on a core in nanoseconds, in user and system mode. The server has one thread.
    pub fn cpu_time(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/schedstat", self.process.id()))
            .expect("Linux with schedstat");
        let first = text.split_whitespace().next().expect("a figure");
        first.parse().expect("a figure")
    }

    /// Resident memory that is no file, in bytes.
    pub fn memory(&self) -> u64 {
        let text =
            std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("Linux");
        let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("RssAnon");
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a figure");
        kibibytes * 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stdin) = &mut self.process.stdin {
            let _ = stdin.write_all(b"\n");
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether `taskset` can put a program on this core.
fn can_pin(core: &str) -> bool {
    let status = Command::new("taskset").args(["-c", core, "true"]).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Puts this program on a core, if this machine lets one choose.
pub fn pin_this(core: &str) {
    if can_pin(core) {
        let id = std::process::id().to_string();
        let _ = Command::new("taskset").args(["-cp", core, &id]).stdout(Stdio::null()).status();
    }
}
