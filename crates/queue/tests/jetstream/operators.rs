//! What operators do to the streams, and that new callbacks are handled afterwards.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};
use tencent_im_callback_queue::Filter;
use tencent_im_callback_queue::jetstream::async_nats::Client;
use tencent_im_callback_queue::jetstream::async_nats::jetstream::Context;
use tencent_im_callback_queue::jetstream::async_nats::jetstream::consumer::pull;
use tencent_im_callback_queue::store::Store;

use super::common::{Folder, SECOND, add, entry, texts};
use super::crew::Crew;
use super::{SHORT, open, server, settings, until, wait_for_one};

const STREAMS: [&str; 4] = ["test", "test-retry", "test-dead", "test-owners"];

async fn delete(context: &Context, streams: &[&str]) {
    for stream in streams {
        context.delete_stream(stream).await.unwrap();
    }
    // Made anew by a worker.
    until("made anew", async || {
        for stream in streams {
            if context.get_stream(stream).await.is_err() {
                return false;
            }
        }
        true
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_callbacks_are_handled_after_streams_were_deleted() {
    let nats = server!();
    let context = nats.context().await;
    let crew = Crew::new(&nats).await;
    crew.handles_new_ones("nothing").await;
    for streams in [&STREAMS[..1], &STREAMS[3..], &STREAMS[1..3], &STREAMS[..]] {
        delete(&context, streams).await;
        crew.handles_new_ones(&format!("{} deleted", streams.join(" and "))).await;
    }
    crew.has_unique_ids();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_handled_again_after_consumers_were_deleted_or_streams_purged() {
    let nats = server!();
    let context = nats.context().await;
    let crew = Crew::new(&nats).await;
    crew.handles_new_ones("nothing").await;
    for stream in &STREAMS[..2] {
        let stream = context.get_stream(stream).await.unwrap();
        let mut names = stream.consumer_names();
        while let Some(name) = names.next().await {
            // Its worker may be faster.
            drop(stream.delete_consumer(&name.unwrap()).await);
        }
    }
    crew.handles_new_ones("all consumers deleted").await;
    context.get_stream("test").await.unwrap().purge().await.unwrap();
    crew.handles_new_ones("test purged").await;
    assert_eq!(crew.handled_again(), [""; 0]);
    // All leases are lost. What is being handled then is handled again.
    context.get_stream("test-owners").await.unwrap().purge().await.unwrap();
    crew.handles_new_ones("test-owners purged").await;
}

async fn call(client: &Client, subject: String, body: String) -> Value {
    let answer = client.request(subject, body.into()).await.unwrap();
    let answer: Value = serde_json::from_slice(&answer.payload).unwrap();
    assert!(answer["error"].is_null(), "{answer}");
    answer
}

/// As `nats stream backup` does it.
async fn backup(client: &Client, stream: &str) -> (Value, Vec<bytes::Bytes>) {
    let inbox = client.new_inbox();
    let mut parts = client.subscribe(inbox.clone()).await.unwrap();
    let subject = format!("$JS.API.STREAM.SNAPSHOT.{stream}");
    let info = call(client, subject, json!({"deliver_subject": inbox}).to_string()).await;
    let mut chunks = Vec::new();
    while let Some(part) = parts.next().await {
        if let Some(reply) = part.reply.clone() {
            client.publish(reply, "".into()).await.unwrap();
        }
        if part.payload.is_empty() {
            break;
        }
        chunks.push(part.payload);
    }
    (info, chunks)
}

async fn restore(client: &Client, stream: &str, (info, chunks): &(Value, Vec<bytes::Bytes>)) {
    let body = json!({"config": info["config"], "state": info["state"]}).to_string();
    let place = call(client, format!("$JS.API.STREAM.RESTORE.{stream}"), body).await;
    let place = place["deliver_subject"].as_str().unwrap().to_owned();
    for chunk in chunks {
        client.request(place.clone(), chunk.clone()).await.unwrap();
    }
    call(client, place, String::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_callbacks_are_handled_after_the_streams_were_restored() {
    let nats = server!();
    let context = nats.context().await;
    let client = context.client();
    let mut crew = Crew::new(&nats).await;
    crew.handles_new_ones("nothing").await;
    crew.stop().await;
    let mut saved = Vec::new();
    for stream in STREAMS {
        saved.push(backup(&client, stream).await);
    }
    crew.start(&nats).await;
    crew.handles_new_ones("backed up").await;
    crew.stop().await;
    for (stream, saved) in STREAMS.iter().zip(&saved) {
        context.delete_stream(stream).await.unwrap();
        restore(&client, stream, saved).await;
    }
    crew.start(&nats).await;
    crew.handles_new_ones("restored").await;
    crew.has_unique_ids();
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    let copied = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(copied.unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_callbacks_are_handled_after_a_servers_directory_was_set_back() {
    let mut nats = server!();
    let crew = Crew::new(&nats).await;
    crew.handles_new_ones("nothing").await;
    let copies = Folder::new();
    let node = &mut nats.nodes[0];
    node.kill();
    copy(&node.data().join("jetstream"), copies.path());
    node.start();
    crew.handles_new_ones("killed").await;
    node.kill();
    std::fs::remove_dir_all(node.data().join("jetstream")).unwrap();
    copy(&copies.path().join("jetstream"), node.data());
    node.start();
    crew.handles_new_ones("set back").await;
    crew.handles_new_ones("some time after").await;
    crew.has_unique_ids();
}

/// What a consumer of the broker takes for done is deleted by nobody but the queue's worker.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_else_acknowledges_is_handled() {
    let nats = server!();
    let context = nats.context().await;
    let store = open(context.clone(), settings()).await;
    add(&*store, entry("a", None)).await;
    let stream = context.get_stream("test").await.unwrap();
    let other = stream.create_consumer(pull::Config::default()).await.unwrap();
    let message = other.messages().await.unwrap().next().await.unwrap().unwrap();
    message.double_ack().await.unwrap();
    assert_eq!(texts(&[wait_for_one(&*store).await]), ["a"]);
}

/// A message that a worker was wrongly told is purged stands for one that a server did not have
/// when it was read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_passed_over_is_found_in_the_stream() {
    let nats = server!();
    let context = nats.context().await;
    let store = open(context.clone(), settings()).await;
    add(&*store, entry("a", Some("key"))).await;
    let first = wait_for_one(&*store).await;
    add(&*store, entry("b", Some("key"))).await;
    // It is here by now, and waits for the other.
    assert!(store.claim(1, Duration::ZERO).await.unwrap().is_empty());
    context.client().publish("test-news", "purged new 2".into()).await.unwrap();
    context.client().flush().await.unwrap();
    tokio::time::sleep(SHORT).await;
    store.complete(first.claim).await.unwrap();
    assert_eq!(texts(&[wait_for_one(&*store).await]), ["b"]);
}

/// It was read before, and waits in the worker's memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_process_has_purged_does_not_start() {
    let nats = server!();
    let worker = open(nats.context().await, settings()).await;
    let other = open(nats.context().await, settings()).await;
    for (text, key) in [("a", "one"), ("b", "one"), ("c", "two")] {
        add(&*other, entry(text, Some(key))).await;
    }
    let mut claimed = vec![wait_for_one(&*worker).await, wait_for_one(&*worker).await];
    claimed.sort_by_key(|one| one.delivery.id);
    assert_eq!(texts(&claimed), ["a", "c"]);
    let (a, c) = (claimed[0].claim, claimed[1].claim);
    worker.retry(c, "no".to_owned(), 2 * SECOND).await.unwrap();
    // The retry has been read by now.
    assert!(worker.claim(1, Duration::ZERO).await.unwrap().is_empty());
    assert_eq!(other.purge(Filter::waiting()).await.unwrap(), 3);
    until("told", async || worker.extend(a).await.is_err()).await;
    worker.release(a);
    assert!(worker.claim(2, 3 * SECOND).await.unwrap().is_empty());
}
