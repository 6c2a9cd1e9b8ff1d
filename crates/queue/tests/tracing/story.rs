//! The lines of one callback, from its request to its last attempt.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tencent_im_callback::testing::SignedRequest;
use tencent_im_callback::{Callback, CallbackLayer, EventRouter, HandlerError, Reply, Split};
use tencent_im_callback_queue::{DeliveryId, MemoryStore, Page, Queue, RetryPolicy};
use tokio::sync::Notify;
use tower::{Layer, Service, service_fn};

use crate::common::{Folder, SECOND, app};
use crate::{WORD, delivery, grep, never, request_id, send, span, start_log, unfriend};

/// The story of a callback that failed twice and a last time, behind its request.
#[track_caller]
fn is_the_story(lines: &[Value], id: DeliveryId, request_id: &str) {
    let said: Vec<_> = lines.iter().map(|line| line["fields"]["message"].as_str()).collect();
    let attempt = |end| [Some("at work"), Some(end), Some("close")];
    let again = attempt("callback failed and is tried again");
    let dead = attempt("callback is a dead letter");
    let asked = [Some("callback"), Some("close")];
    assert_eq!(said, [&asked[..], &again, &again, &dead].concat(), "{lines:#?}");
    for (number, line) in lines.iter().enumerate() {
        let span = span(line);
        assert_eq!(span["sdk_app_id"], 1_400_000_000, "{line}");
        assert_eq!(span["command"], WORD, "{line}");
        assert_eq!(span["request_id"], request_id, "{line}");
        assert_eq!(span["messaging.message.id"], id.to_string(), "{line}");
        if number < 2 {
            assert_eq!(span["name"], "callback", "{line}");
            continue;
        }
        assert_eq!(span["name"], "attempt", "{line}");
        assert_eq!(span["attempt"], (number - 2) / 3 + 1, "{line}");
        assert_eq!(span["out_of_order"], false, "{line}");
        assert!(span["waited_ms"].is_u64(), "{line}");
        assert_eq!(span["otel.name"], format!("process {WORD}"), "{line}");
        assert_eq!(span["otel.kind"], "consumer", "{line}");
        assert_eq!(span["messaging.system"], "tencent_im_callback_queue", "{line}");
        assert_eq!(span["messaging.operation.name"], "process", "{line}");
        assert_eq!(span["messaging.operation.type"], "process", "{line}");
    }
    let end = |line: &Value| {
        ["outcome", "disposition", "cause", "otel.status_code"].map(|name| span(line)[name].clone())
    };
    assert_eq!(end(&lines[1]), [json!("accepted"), json!("enqueued"), Value::Null, Value::Null]);
    for (number, outcome) in [(4, "retried"), (7, "retried"), (10, "buried")] {
        let failed = [json!(outcome), Value::Null, json!("failed"), json!("ERROR")];
        assert_eq!(end(&lines[number]), failed);
    }
}

/// Fails for the callback with this request id, and says that it did.
fn fails_for(
    bad: &str,
    failed: &Arc<Notify>,
) -> impl Service<Callback, Response = Reply, Error = HandlerError, Future: Send>
+ Clone
+ Send
+ 'static
+ use<> {
    let (bad, failed) = (Arc::<str>::from(bad), failed.clone());
    service_fn(move |callback: Callback| {
        let (bad, failed) = (bad.clone(), failed.clone());
        async move {
            tracing::info!("at work");
            tokio::task::yield_now().await;
            if request_id(&callback) != *bad {
                return Ok(Reply::ok());
            }
            failed.notify_one();
            Err(HandlerError::retry_after(io::Error::other("no database"), SECOND))
        }
    })
}

/// The story of a callback whose first attempt went well.
#[track_caller]
fn went_well(lines: &[Value]) {
    assert_eq!(lines.len(), 4, "{lines:#?}");
    let end = span(&lines[3]);
    assert_eq!((&end["outcome"], &end["disposition"]), (&json!("completed"), &json!("handled")));
    assert_eq!(end["otel.status_code"], Value::Null);
}

/// Three callbacks, of which the second fails; the queue is opened again after its first attempt.
async fn behind(name: &str, open: impl AsyncFn() -> Queue) {
    start_log();
    let queue = open().await;
    let context = |callback: &Callback| Some(format!("context of {}", request_id(callback)));
    let layer = queue.layer().trace_context(context);
    let service = CallbackLayer::new(app()).layer(layer.layer(never()));
    for number in 0..3 {
        send(&service, &unfriend(&format!("{name}-{number}"))).await;
    }
    let bad = format!("{name}-1");
    let failed = Arc::new(Notify::new());
    let handler = fails_for(&bad, &failed);
    let contexts = Arc::new(Mutex::new(Vec::new()));
    let worker = |queue: &Queue| {
        let contexts = contexts.clone();
        queue.worker(handler.clone()).retry(RetryPolicy::new().attempts(3)).trace_context(
            move |span, context| {
                let name = span.metadata().unwrap().name();
                contexts.lock().unwrap().push(format!("{name}: {context}"));
            },
        )
    };
    let stopped = worker(&queue).run(failed.notified()).await.unwrap();
    assert_eq!((stopped.retried, stopped.buried), (1, 0));
    queue.close().await.unwrap();
    drop((service, queue));

    let queue = open().await;
    let dead = async {
        while queue.stats().await.unwrap().dead < 1 || queue.stats().await.unwrap().waiting > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    worker(&queue).run(dead).await.unwrap();
    let letters = queue.dead_letters(Page::of(10)).await.unwrap();
    let id = letters[0].id;
    assert_eq!(letters[0].trace_context.as_deref(), Some(&*format!("context of {bad}")));

    is_the_story(&grep(&id.to_string()), id, &bad);
    is_the_story(&grep(&format!("\"{bad}\"")), id, &bad);
    for good in [0, 2] {
        went_well(&grep(&format!("\"{name}-{good}\"")));
    }
    let mut contexts = contexts.lock().unwrap().clone();
    contexts.sort();
    let all = [0, 1, 1, 1, 2].map(|number| format!("attempt: context of {name}-{number}"));
    assert_eq!(contexts, all);
}

#[tokio::test]
async fn behind_sqlite_every_line_has_its_callback() {
    let folder = Folder::new();
    behind("sqlite", async || Queue::open(folder.file()).await.unwrap()).await;
}

#[tokio::test]
async fn the_span_of_an_attempt_says_that_a_rate_limit_or_a_time_out_failed_it() {
    start_log();
    let queue = Queue::new(MemoryStore::new());
    let service = CallbackLayer::new(app()).layer(queue.layer().layer(never()));
    let causes = ["overloaded", "rate_limited", "timed_out", "failed"];
    for cause in causes {
        send(&service, &unfriend(&format!("cause-{cause}"))).await;
    }
    let handler = service_fn(|callback: Callback| async move {
        Err::<(), _>(match request_id(&callback).trim_start_matches("cause-") {
            "overloaded" => HandlerError::overloaded(),
            "rate_limited" => HandlerError::rate_limited(SECOND),
            "timed_out" => HandlerError::timed_out(),
            _ => HandlerError::new("rate limited: too many callbacks"),
        })
    });
    let dead = async {
        while queue.stats().await.unwrap().dead < causes.len() as u64 {
            tokio::task::yield_now().await;
        }
    };
    queue.worker(handler).retry(RetryPolicy::new().attempts(1)).run(dead).await.unwrap();
    for cause in causes {
        let lines = grep(&format!("\"cause-{cause}\""));
        let attempt =
            |line: &&Value| line["fields"]["message"] == "close" && span(line)["name"] == "attempt";
        assert_eq!(span(lines.iter().find(attempt).unwrap())["cause"], cause);
    }
}

#[cfg(feature = "jetstream")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_jetstream_every_line_has_its_callback() {
    use crate::common::nats::{Nats, is_installed};
    use tencent_im_callback_queue::jetstream::JetStream;

    if !is_installed() {
        return;
    }
    let nats = Nats::one();
    behind("jetstream", async || {
        Queue::jetstream(nats.context().await, JetStream::new("test")).await.unwrap()
    })
    .await;
}

/// The log of a busy hour, and one request id or delivery id.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_grep_tells_the_story_of_one_in_a_thousand() {
    start_log();
    let queue = Queue::new(MemoryStore::new());
    let verdicts = EventRouter::new().allow_unhandled();
    let notifications = queue.layer().layer(EventRouter::new());
    let service = CallbackLayer::new(app()).layer(Split::new(verdicts, notifications));
    let handler = service_fn(|callback: Callback| async move {
        let id = delivery(&callback).id;
        tracing::info!(id = %id, "at work");
        tokio::task::yield_now().await;
        match &*request_id(&callback) {
            "thousand-500" => Err(HandlerError::new("no database")),
            _ => Ok(()),
        }
    });
    let retry = RetryPolicy::new().attempts(3).first_delay(Duration::from_millis(5));
    let worker = queue.worker(handler).concurrency(16).retry(retry);
    let stop = Arc::new(Notify::new());
    let told = stop.clone();
    let running = tokio::spawn(worker.run(async move { told.notified().await }));
    let mut calls = Vec::new();
    for number in 0..1000 {
        let id = format!("thousand-{number:03}");
        let words = ["C2C.CallbackBeforeSendMsg", "Group.CallbackBeforeSendMsg"];
        let request = match number % 4 {
            1 | 3 => SignedRequest::new(words[number % 4 / 2]).parameter("RequestId", &id),
            _ => unfriend(&id),
        };
        let service = service.clone();
        calls.push(tokio::spawn(async move { send(&service, &request).await }));
    }
    for call in calls {
        call.await.unwrap();
    }
    while queue.stats().await.unwrap().waiting > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.notify_one();
    running.await.unwrap().unwrap();

    let id = queue.dead_letters(Page::of(10)).await.unwrap()[0].id;
    // The end of the request's span and the first attempt are at the same time.
    let mut story = grep(&format!("{id}\""));
    story.sort_by_key(|line| (span(line)["attempt"].as_u64(), line["timestamp"].to_string()));
    is_the_story(&story, id, "thousand-500");
    assert_eq!(grep("thousand-500").len(), story.len());
    // No attempt is taken for another.
    let lines = grep("at work");
    let ours = lines.iter().filter(|line| {
        span(line)["request_id"].as_str().is_some_and(|id| id.starts_with("thousand-"))
    });
    let mut count = 0;
    for line in ours {
        count += 1;
        assert_eq!(span(line)["messaging.message.id"], line["fields"]["id"], "{line}");
    }
    assert_eq!(count, 500 + 2);
    assert!(grep("thousand-").len() > 3000);
}
