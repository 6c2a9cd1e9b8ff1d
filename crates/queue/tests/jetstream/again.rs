//! What is done is not handled again, although the broker's answers were lost.

use std::time::Duration;

use tencent_im_callback_queue::store::{DeadReason, Store};
use tokio::task::JoinSet;

use super::common::nats::connect;
use super::common::{SECOND, add, entry};
use super::proxy::Proxy;
use super::{SHORT, open, server, settings, until, wait_for_one};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_is_not_handled_again_when_answers_are_lost() {
    let nats = server!();
    let settings = || settings().lease(60 * SECOND);
    let endpoint = open(nats.context().await, settings()).await;
    for number in 0..12 {
        let key = (number % 3 != 0).then(|| number.to_string());
        add(&*endpoint, entry(&number.to_string(), key.as_deref())).await;
    }
    let proxy = Proxy::new(&nats.nodes[0].url()).await;
    let worker = open(connect(vec![proxy.url.clone()]).await, settings()).await;
    let mut claimed = Vec::new();
    while claimed.len() < 12 {
        claimed.extend(worker.claim(12, SECOND).await.unwrap());
    }
    proxy.mute();
    let mut ends = JoinSet::new();
    for claimed in claimed {
        let (worker, text) = (worker.clone(), claimed.payload.unwrap());
        ends.spawn(async move {
            let claim = claimed.claim;
            // As a worker does: again while the error is temporary.
            loop {
                let ended = match text.as_str() {
                    "3" | "4" => worker.retry(claim, "no".to_owned(), Duration::ZERO).await,
                    "5" | "6" => worker.bury(claim, "no".to_owned(), DeadReason::Attempts).await,
                    _ => worker.complete(claim).await,
                };
                match ended {
                    Err(error) if error.is_temporary() => tokio::time::sleep(SHORT).await,
                    ended => return ended.unwrap(),
                }
            }
        });
    }
    // All of them have arrived at the broker by the time the first is given up.
    tokio::time::sleep(3 * SECOND).await;
    proxy.unmute();
    while let Some(ended) = ends.join_next().await {
        ended.unwrap();
    }
    let mut again = Vec::new();
    while again.len() < 2 {
        again.extend(worker.claim(12, SECOND).await.unwrap());
    }
    let mut texts: Vec<_> =
        again.iter().map(|it| (it.payload.as_deref(), it.delivery.attempt)).collect();
    texts.sort();
    assert_eq!(texts, [(Some("3"), 2), (Some("4"), 2)]);
    for claimed in again {
        worker.complete(claimed.claim).await.unwrap();
    }
    until("done", async || endpoint.stats().await.unwrap().waiting == 0).await;
    assert_eq!(endpoint.stats().await.unwrap().dead, 2);
    worker.close().await.unwrap();
    let other = open(nats.context().await, settings()).await;
    assert!(other.claim(12, 2 * SECOND).await.unwrap().is_empty());
}

/// The worker dies before it hears that its deletions have arrived.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_deleted_by_a_worker_that_died_is_not_handled_again() {
    let nats = server!();
    let endpoint = open(nats.context().await, settings()).await;
    let proxy = Proxy::new(&nats.nodes[0].url()).await;
    let worker = open(connect(vec![proxy.url.clone()]).await, settings()).await;
    for number in 0..12 {
        add(&*endpoint, entry(&number.to_string(), Some(&number.to_string()))).await;
    }
    let mut claimed = Vec::new();
    while claimed.len() < 12 {
        claimed.extend(worker.claim(12, SECOND).await.unwrap());
    }
    proxy.mute();
    let mut ends = JoinSet::new();
    for claimed in claimed {
        let worker = worker.clone();
        ends.spawn(async move { worker.complete(claimed.claim).await });
    }
    until("done", async || endpoint.stats().await.unwrap().waiting == 0).await;
    ends.shutdown().await;
    drop(worker);
    let other = open(nats.context().await, settings()).await;
    // Longer than a lease, in which the other one could not own anything.
    assert!(other.claim(12, 5 * SECOND).await.unwrap().is_empty());
}

/// A worker dies between the two: its callback is stored as a retry, and is not yet deleted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_owner_deletes_the_attempt_of_a_retry_that_was_stored() {
    let nats = server!();
    let endpoint = open(nats.context().await, settings()).await;
    let proxy = Proxy::new(&nats.nodes[0].url()).await;
    let worker = open(connect(vec![proxy.url.clone()]).await, settings()).await;
    add(&*endpoint, entry("x", Some("key"))).await;
    let claimed = wait_for_one(&*worker).await;
    proxy.mute();
    let retried = tokio::spawn({
        let worker = worker.clone();
        async move { worker.retry(claimed.claim, "no".to_owned(), Duration::ZERO).await }
    });
    until("stored", async || endpoint.stats().await.unwrap().retrying == 1).await;
    retried.abort();
    drop((worker, retried.await));
    let again = wait_for_one(&*endpoint).await;
    assert_eq!(again.delivery.attempt, 2);
    endpoint.complete(again.claim).await.unwrap();
    until("deleted", async || endpoint.stats().await.unwrap().waiting == 0).await;
}
