//! How a worker reads its partition.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::json;
use tencent_im_callback_queue::jetstream::JetStream;
use tencent_im_callback_queue::jetstream::async_nats::HeaderMap;
use tencent_im_callback_queue::jetstream::async_nats::jetstream::Context;
use tencent_im_callback_queue::store::Store;

use super::common::{SECOND, add, entry, texts};
use super::{SHORT, open, server, until, wait_for_one};

fn settings() -> JetStream {
    super::settings().partitions(1).lease(60 * SECOND)
}

fn headers(meta: &serde_json::Value) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("Callback-Queue", meta.to_string());
    headers
}

/// Retries, as an owner before has left them.
async fn leave_retries(context: &Context, metas: impl Iterator<Item = serde_json::Value>) {
    let client = context.client();
    let mut count = 0;
    for (number, meta) in metas.enumerate() {
        let subject = format!("test-retry.0.{number}");
        client.publish_with_headers(subject, headers(&meta), "retry".into()).await.unwrap();
        count += 1;
    }
    until("stored", async || {
        let stream = context.get_stream("test-retry").await.unwrap();
        stream.cached_info().state.messages == count
    })
    .await;
}

/// A callback that has failed once, and is tried again in an hour.
fn retry(number: u64) -> serde_json::Value {
    let first = json!({ "sequence": 1_000_000 + number, "stored": number });
    json!({ "id": number, "at": 0, "first": first, "attempts": 1, "delay": 3_600_000 })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_new_one_starts_before_all_retries_are_known() {
    let nats = server!();
    let context = nats.context().await;
    let store = open(context.clone(), settings()).await;
    add(&*store, entry("new", Some("key"))).await;
    let records = store.list(tencent_im_callback_queue::Filter::waiting(), None, 1).await.unwrap();
    // The last one blocks its key.
    let last = {
        let mut last = retry(2000);
        last["delay"] = json!(100_000);
        last["order"] = json!(records[0].order_key.unwrap().to_string());
        last
    };
    leave_retries(&context, (0..2000).map(retry).chain([last])).await;
    add(&*store, entry("other", None)).await;
    assert_eq!(texts(&store.claim(9, 20 * SECOND).await.unwrap()), ["other"]);
    assert!(store.claim(9, SHORT).await.unwrap().is_empty());
}

/// Somebody else gets one of the messages that the worker's consumer gives out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn if_a_message_is_missing_the_lane_is_read_anew() {
    let nats = server!();
    let context = nats.context().await;
    let client = context.client();
    let mut pulls = client.subscribe("$JS.API.CONSUMER.MSG.NEXT.test.>").await.unwrap();
    let mut made = client.subscribe("$JS.API.CONSUMER.CREATE.>").await.unwrap();
    client.flush().await.unwrap();
    let store = open(context.clone(), settings()).await;
    assert!(store.claim(1, SHORT).await.unwrap().is_empty());
    for _lane in 0..2 {
        made.next().await.unwrap();
    }
    // Meanwhile nothing is read again and again, although pulls end.
    assert!(store.claim(1, 7 * SECOND).await.unwrap().is_empty());
    assert!(tokio::time::timeout(SHORT, made.next()).await.is_err());
    let pull = pulls.next().await.unwrap();
    let inbox = client.new_inbox();
    let mut taken = client.subscribe(inbox.clone()).await.unwrap();
    let one = json!({ "batch": 1, "expires": 20_000_000_000_u64 }).to_string();
    client.publish_with_reply(pull.subject, inbox, one.into()).await.unwrap();
    client.flush().await.unwrap();
    let mut stored = 0;
    let mut is_taken = false;
    while !is_taken {
        assert!(stored < 100);
        add(&*store, entry("x", None)).await;
        stored += 1;
        is_taken = tokio::time::timeout(SHORT, taken.next()).await.is_ok();
    }
    add(&*store, entry("x", None)).await;
    // The comparison of what is here with what is there would come later.
    assert!(tokio::time::timeout(4 * SECOND, made.next()).await.is_ok());
    let mut handled = 0;
    while handled < stored + 1 {
        let claimed = wait_for_one(&*store).await;
        store.complete(claimed.claim).await.unwrap();
        handled += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_more_retries_than_can_be_held_only_retries_start() {
    let nats = server!();
    let context = nats.context().await;
    let store = open(context.clone(), settings()).await;
    add(&*store, entry("new", None)).await;
    let mut due = retry(0);
    due["delay"] = json!(0);
    leave_retries(&context, [due].into_iter().chain((1..20_500).map(retry))).await;
    let claimed = store.claim(9, 20 * SECOND).await.unwrap();
    assert_eq!(texts(&claimed), ["retry"]);
    assert!(store.claim(9, SHORT).await.unwrap().is_empty());
    // One that is done makes room for one.
    let delivered = async || {
        let stream = context.get_stream("test-retry").await.unwrap();
        let mut consumers = stream.consumers();
        let mut sum = 0;
        while let Some(consumer) = consumers.next().await {
            sum += consumer.unwrap().delivered.consumer_sequence;
        }
        sum
    };
    assert_eq!(delivered().await, 20_000);
    for claimed in claimed {
        store.complete(claimed.claim).await.unwrap();
    }
    until("read on", async || delivered().await == 20_001).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(delivered().await, 20_001);
}
