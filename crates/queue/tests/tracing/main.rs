//! What a handler behind the queue logs says which callback it is about, and a trace goes on there.
//! A real subscriber writes JSON for the whole process, and the tests read it back; each test finds
//! its lines by its request ids.

#[path = "../common/mod.rs"]
mod common;

mod contexts;
mod story;

use std::convert::Infallible;
use std::io;
use std::sync::{Mutex, Once};

use axum::body::Body;
use http::Request;
use serde_json::Value;
use tencent_im_callback::testing::SignedRequest;
use tencent_im_callback::{Callback, Reply};
use tencent_im_callback_queue::Delivery;
use tower::{Service, ServiceExt, service_fn};
use tracing_subscriber::fmt::format::FmtSpan;

const WORD: &str = "Sns.CallbackFriendDelete";

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn start_log() {
    static SUBSCRIBER: Once = Once::new();
    SUBSCRIBER.call_once(|| {
        tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::DEBUG)
            .with_span_events(FmtSpan::CLOSE)
            .with_writer(|| Log)
            .init();
    });
}

/// The lines about a request, without those in which the client of NATS prints what it sends.
fn grep(key: &str) -> Vec<Value> {
    let log = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
    let about = log.lines().filter(|line| line.contains(key));
    let lines = about.map(|line| serde_json::from_str::<Value>(line).expect(line));
    lines.filter(|line| !line["target"].as_str().unwrap().starts_with("async_nats")).collect()
}

/// The span that a line is in, or that it is the end of.
fn span(line: &Value) -> &Value {
    &line["span"]
}

fn unfriend(request_id: &str) -> SignedRequest {
    SignedRequest::new(WORD).parameter("RequestId", request_id).body(format!(
        r#"{{"CallbackCommand":"{WORD}","PairList":[{{"From_Account":"{request_id}",
            "To_Account":"b"}}]}}"#
    ))
}

async fn send<S>(service: &S, request: &SignedRequest)
where
    S: Service<Request<Body>, Response: std::fmt::Debug, Error = Infallible> + Clone,
{
    drop(service.clone().oneshot(request.build::<Body>()).await.unwrap());
}

fn never()
-> impl Service<Callback, Response = Reply, Error = Infallible, Future: Send> + Clone + Send {
    service_fn(|callback: Callback| -> std::future::Ready<Result<Reply, Infallible>> {
        panic!("{:?} went inline", callback.command())
    })
}

fn request_id(callback: &Callback) -> String {
    callback.params.request_id().unwrap().into_owned()
}

fn delivery(callback: &Callback) -> &Delivery {
    callback.extensions.get().unwrap()
}
