//! The example with an endpoint and workers in processes of their own.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tencent_im_callback::testing::SignedRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::common::nats::Nats;
use super::server;

struct Process(Child);

impl Process {
    /// Its lines go to `lines`.
    fn start(kind: &str, nats: &Nats, lines: mpsc::Sender<String>) -> Self {
        let mut path = std::env::current_exe().unwrap();
        path.pop();
        path.pop();
        let mut child = Command::new(path.join("examples/apart"))
            .arg(kind)
            .env("NATS", nats.urls())
            .env("ADDR", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("built with `cargo build --example apart --features jetstream`");
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| lines.send(line))
        });
        Process(child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn next(lines: &mpsc::Receiver<String>) -> String {
    lines.recv_timeout(Duration::from_secs(30)).unwrap()
}

async fn post(address: &str, number: u32) {
    let body = format!(
        "{{\"CallbackCommand\":\"C2C.CallbackAfterSendMsg\",\"From_Account\":\"a\",\"To_Account\":\"b{}\",\"MsgSeq\":1,\
        \"MsgRandom\":1,\"MsgTime\":1557481126,\"MsgKey\":\"{number}\",\"SendMsgResult\":0,\"ErrorInfo\":\"\",\"MsgBody\":[]}}",
        number % 7
    );
    let request: http::Request<Vec<u8>> =
        SignedRequest::new("C2C.CallbackAfterSendMsg").body(body).build();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /callback?{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        request.uri().query().unwrap(),
        request.body().len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(request.body()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_endpoint_accepts_is_handled_by_the_workers_of_other_processes() {
    let nats = server!();
    drop(nats.context().await);
    let (says, endpoint_says) = mpsc::channel();
    let _endpoint = Process::start("endpoint", &nats, says);
    let listening = next(&endpoint_says);
    let address = listening.strip_prefix("listening on http://").unwrap();
    let address = address.strip_suffix("/callback").unwrap();
    // Nobody handles these yet.
    for number in 0..20 {
        post(address, number).await;
    }
    let (says, workers_say) = mpsc::channel();
    let mut handled = HashSet::new();
    let mut wait_for = |count| {
        while handled.len() < count {
            let line = next(&workers_say);
            if let Some(id) = line.strip_prefix("handled ") {
                assert!(handled.insert(id.to_owned()), "{id} again");
            }
        }
    };
    let mut first = Process::start("worker", &nats, says.clone());
    wait_for(20);
    // It hands over, and the other one goes on.
    let id = first.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(first.0.wait().unwrap().success());
    let _second = Process::start("worker", &nats, says);
    for number in 20..40 {
        post(address, number).await;
    }
    wait_for(40);
}
