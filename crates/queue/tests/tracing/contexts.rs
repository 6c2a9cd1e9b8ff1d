//! Trace contexts and request ids as strangers make them, and how an attempt ends.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use serde_json::Value;
use tencent_im_callback::testing::SignedRequest;
use tencent_im_callback::{Callback, CallbackLayer, Disposition, HandlerError, Reply, testing};
use tencent_im_callback_queue::store::{Appended, Entry, Store};
use tencent_im_callback_queue::{MemoryStore, Queue, RetryPolicy, SqliteStore};
use tower::{Layer, ServiceExt, service_fn};

use crate::common::{Folder, SECOND, app};
use crate::{WORD, delivery, grep, never, request_id, send, span, start_log, unfriend};

/// What a context may be: nothing, too long, a panic. The callback is kept and handled all the
/// same.
#[tokio::test]
async fn no_trace_context_loses_a_callback() {
    start_log();
    let queue = Queue::new(MemoryStore::new());
    let layer = queue.layer().trace_context(|callback| match &*request_id(callback) {
        "context-none" => None,
        "context-long" => Some("x".repeat(512)),
        "context-too-long" => Some("x".repeat(513)),
        _ => panic!("no context"),
    });
    let service = CallbackLayer::new(app()).layer(layer.layer(never()));
    for id in ["context-none", "context-long", "context-too-long", "context-panic"] {
        let response = service.clone().oneshot(unfriend(id).build::<Body>()).await.unwrap();
        let outcome: &tencent_im_callback::Outcome = response.extensions().get().unwrap();
        assert_eq!(outcome.disposition(), Some(Disposition::Enqueued), "{id}");
    }
    let lengths = Arc::new(Mutex::new(Vec::new()));
    let seen = lengths.clone();
    let handler = service_fn(move |callback: Callback| {
        let length = delivery(&callback).trace_context.as_ref().map(String::len);
        seen.lock().unwrap().push(length);
        async { Ok::<_, Infallible>(()) }
    });
    let worker = queue.worker(handler).trace_context(|_, _| panic!("no span"));
    let done = async {
        while queue.stats().await.unwrap().waiting > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let stopped = worker.run(done).await.unwrap();
    assert_eq!((stopped.completed, stopped.retried), (4, 0));
    let mut lengths = lengths.lock().unwrap().clone();
    lengths.sort_unstable();
    assert_eq!(lengths, [None, None, None, Some(512)]);
}

/// How attempts end that nothing was wrong with, or everything.
#[tokio::test]
async fn every_end_of_an_attempt_has_a_name() {
    start_log();
    let store = Arc::new(MemoryStore::new());
    let queue = Queue::new(store.clone());
    let damaged = Entry::new("not a callback");
    let Appended::Stored(damaged) = store.append(damaged, SECOND).await.unwrap() else {
        panic!("a duplicate")
    };
    let service = CallbackLayer::new(app()).layer(queue.layer().layer(never()));
    for id in ["ends-panicked", "ends-late", "ends-full", "ends-unhandled", "ends-aborted"] {
        send(&service, &unfriend(id)).await;
    }
    let handler = service_fn(|callback: Callback| async move {
        match &*request_id(&callback) {
            "ends-panicked" => panic!("at work"),
            "ends-late" => Err(HandlerError::timed_out()),
            "ends-full" => Err(HandlerError::overloaded()),
            "ends-unhandled" => Ok(Reply::ok().with_disposition(Disposition::Unhandled)),
            _ => std::future::pending().await,
        }
    });
    let worker = queue.worker(handler).retry(RetryPolicy::new().attempts(1));
    let rest = async {
        while queue.stats().await.unwrap().waiting > 1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    worker.grace(Duration::from_millis(10)).run(rest).await.unwrap();
    let end = |key: &str| {
        let lines = grep(key);
        let span = span(lines.last().unwrap());
        ["outcome", "disposition", "cause"].map(|name| span[name].as_str().unwrap_or("").to_owned())
    };
    assert_eq!(end("ends-panicked"), ["buried", "", "panicked"]);
    assert_eq!(end("ends-late"), ["buried", "", "timed_out"]);
    assert_eq!(end("ends-full"), ["buried", "", "overloaded"]);
    assert_eq!(end("ends-unhandled"), ["completed", "unhandled", ""]);
    assert_eq!(end("ends-aborted"), ["aborted", "", ""]);
    let id = format!("{damaged}\"");
    assert_eq!(end(&id), ["buried", "", "unreadable"]);
    let lines = grep(&id);
    assert_eq!(span(&lines[0])["otel.name"], "process unreadable");
    assert_eq!(span(&lines[0])["command"], Value::Null);
}

/// Stored as it came, and shown as nothing that could be taken for something else.
#[tokio::test]
async fn a_hostile_request_id_forges_no_field_and_no_line() {
    start_log();
    let folder = Folder::fast();
    let queue = Queue::new(SqliteStore::open(folder.file()).await.unwrap());
    let service = CallbackLayer::new(app()).layer(queue.layer().layer(never()));
    let evil = "\r\n{\"level\":\"ERROR\"}\u{1b}[31m\u{85}\u{2028}\u{202e}\",\"attempt\":\"9\"}";
    let ids = [format!("hostile-0{evil}"), format!("hostile-1{}", "9".repeat(10_000))];
    for id in &ids {
        let body = testing::sample(&WORD.into()).unwrap();
        send(&service, &SignedRequest::new(WORD).parameter("RequestId", id).body(body)).await;
    }
    let handler = service_fn(|_: Callback| async {
        tracing::info!("at work");
        Ok::<_, Infallible>(())
    });
    let done = async {
        while queue.stats().await.unwrap().waiting > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    queue.worker(handler).run(done).await.unwrap();
    for key in ["hostile-0", "hostile-1"] {
        let lines = grep(key);
        assert_eq!(lines.len(), 4);
        for line in &lines[2..] {
            let span = span(line);
            assert_eq!(span["attempt"], 1);
            let text = span["request_id"].as_str().unwrap();
            assert!(!text.chars().any(char::is_control) && text.chars().count() < 400, "{text:?}");
            assert!(!text.contains(['\u{2028}', '\u{202e}']), "{text:?}");
            assert!(!line.to_string().contains("PairList") && line.to_string().len() < 2000);
        }
    }
}
