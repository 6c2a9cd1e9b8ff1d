//! The gateway as a process, and the callbacks that are sent to it.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tencent_im_callback::Command;
use tencent_im_callback::testing::SignedRequest;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command as Process};

use crate::pb::events_client::EventsClient;

pub fn program(settings: &[(&str, &str)]) -> Process {
    let mut program = Process::new(env!("CARGO_BIN_EXE_tonic-gateway"));
    for name in ["SDK_APP_ID", "CALLBACK_TOKEN", "EVENTS_URL"] {
        program.env_remove(name);
    }
    program
        .env("ADDR", "127.0.0.1:0")
        .envs(settings.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    program
}

pub struct Gateway {
    child: Child,
    pub address: SocketAddr,
    pub printed: Lines<BufReader<ChildStdout>>,
}

impl Gateway {
    pub async fn start(settings: &[(&str, &str)]) -> Gateway {
        let mut child = program(settings).spawn().unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        errors.read_line(&mut line).await.unwrap();
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .and_then(|rest| rest.strip_suffix("/callback"))
            .unwrap_or_else(|| panic!("{line}"))
            .parse()
            .unwrap();
        // The log must be read, or the gateway would wait for room in the pipe.
        tokio::spawn(async move { errors.read_to_end(&mut Vec::new()).await });
        let printed = BufReader::new(child.stdout.take().unwrap()).lines();
        Gateway { child, address, printed }
    }

    /// Sends it over HTTP/1.1, as Tencent does, and checks that the answer comes before Tencent
    /// gives up.
    pub async fn send(&self, request: &SignedRequest) -> (StatusCode, Vec<u8>) {
        let begin = Instant::now();
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = request.build::<Full<Bytes>>();
        request.headers_mut().insert("host", "im.example".parse().unwrap());
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.version(), http::Version::HTTP_11);
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
        (status, body.to_vec())
    }

    pub async fn callback(&self, request: SignedRequest) -> (StatusCode, Value) {
        let (status, body) = self.send(&request.url("/callback")).await;
        (status, serde_json::from_slice(&body).unwrap())
    }

    pub async fn client(&self) -> EventsClient<tonic::transport::Channel> {
        EventsClient::connect(format!("http://{}", self.address)).await.unwrap()
    }

    #[cfg(unix)]
    pub async fn stops(&mut self, signal: &str) -> bool {
        let id = self.child.id().unwrap().to_string();
        let sent = Process::new("kill").args(["-s", signal, &id]).status().await.unwrap();
        assert!(sent.success());
        let ended = tokio::time::timeout(Duration::from_secs(15), self.child.wait()).await;
        ended.unwrap().unwrap().success()
    }
}

pub fn envelope(status: &str, code: u32, info: &str) -> Value {
    json!({"ActionStatus": status, "ErrorCode": code, "ErrorInfo": info})
}

pub fn c2c(text: &str) -> SignedRequest {
    let body = json!({
        "CallbackCommand": "C2C.CallbackBeforeSendMsg",
        "From_Account": "jared",
        "To_Account": "jonh",
        "MsgBody": [{"MsgType": "TIMTextElem", "MsgContent": {"Text": text}}],
    });
    SignedRequest::new(Command::C2cBeforeSendMsg).body(body.to_string())
}

pub fn group(text: &str) -> SignedRequest {
    let body = json!({
        "CallbackCommand": "Group.CallbackBeforeSendMsg",
        "GroupId": "@TGS#1",
        "From_Account": "jared",
        "MsgBody": [{"MsgType": "TIMTextElem", "MsgContent": {"Text": text}}],
    });
    SignedRequest::new(Command::GroupBeforeSendMsg).body(body.to_string())
}

/// A group that is about to be created.
pub fn named(name: &str) -> SignedRequest {
    let body = json!({
        "CallbackCommand": "Group.CallbackBeforeCreateGroup",
        "Operator_Account": "jared",
        "Type": "Public",
        "Name": name,
    });
    SignedRequest::new(Command::GroupBeforeCreateGroup).body(body.to_string())
}

/// What is rejected because nobody judged it.
pub fn unjudged() -> Value {
    envelope("OK", 1, "try again later")
}
