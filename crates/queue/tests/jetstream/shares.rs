//! Partitions that go from one worker to another.

use std::time::Duration;

use tencent_im_callback_queue::jetstream::async_nats::{self, jetstream};
use tencent_im_callback_queue::store::Store;

use super::common::{SECOND, add, entry};
use super::proxy::Proxy;
use super::{SHORT, open, server, settings, until, wait_for_one};

/// How many partitions it owns, if it claims something.
async fn owned(store: &dyn Store) -> u64 {
    drop(store.claim(1, Duration::from_millis(50)).await.unwrap());
    store.stats().await.unwrap().partitions
}

#[tokio::test]
async fn what_is_handled_while_its_partition_is_handed_over_is_waited_for() {
    let nats = server!();
    let settings = || settings().partitions(2).lease(2 * SECOND);
    let one = open(nats.context().await, settings()).await;
    let two = open(nats.context().await, settings()).await;
    for number in 0..20 {
        add(&*one, entry("x", Some(&number.to_string()))).await;
    }
    let mut running = Vec::new();
    while running.len() < 20 {
        running.extend(one.claim(20, SECOND).await.unwrap());
    }
    // The other one is to have a share, and waits for the handlers, longer than for a dead worker.
    assert!(two.claim(20, 4 * SECOND).await.unwrap().is_empty());
    // No more is handed over than that.
    for number in 20..40 {
        add(&*one, entry("x", Some(&number.to_string()))).await;
    }
    let more = one.claim(20, SECOND).await.unwrap();
    assert!(!more.is_empty());
    for claimed in running.into_iter().chain(more) {
        one.complete(claimed.claim).await.unwrap();
    }
    until("handed over", async || owned(&*two).await == 1).await;
}

#[tokio::test]
async fn the_share_of_a_worker_that_leaves_goes_to_the_others_at_once() {
    let nats = server!();
    // What is not handed over is not taken.
    let settings = || settings().lease(3600 * SECOND);
    let one = open(nats.context().await, settings()).await;
    add(&*one, entry("held", None)).await;
    let held = wait_for_one(&*one).await;
    let two = open(nats.context().await, settings()).await;
    until("shared", async || (owned(&*one).await, owned(&*two).await) == (2, 2)).await;
    two.close().await.unwrap();
    until("taken", async || owned(&*one).await == 4).await;
    one.complete(held.claim).await.unwrap();
}

#[tokio::test]
async fn a_partition_too_few_for_all_workers_is_owned() {
    let nats = server!();
    let settings = || settings().partitions(1);
    let one = open(nats.context().await, settings()).await;
    let two = open(nats.context().await, settings()).await;
    until("owned", async || owned(&*one).await + owned(&*two).await == 1).await;
    tokio::time::sleep(SECOND).await;
    until("owned still", async || owned(&*one).await + owned(&*two).await == 1).await;
}

/// The worker whose id is in the last record owns the partition.
#[tokio::test]
async fn a_worker_gives_way_to_another_record() {
    let nats = server!();
    let context = nats.context().await;
    let store = open(context.clone(), settings().partitions(1)).await;
    add(&*store, entry("x", None)).await;
    let claimed = wait_for_one(&*store).await;
    context.publish("test-owners.0", "somebody".into()).await.unwrap().await.unwrap();
    until("lost", async || store.extend(claimed.claim).await.is_err()).await;
}

#[tokio::test]
async fn the_share_of_a_worker_that_died_goes_to_the_others() {
    let nats = server!();
    let settings = || settings().lease(SECOND);
    let one = open(nats.context().await, settings()).await;
    let two = open(nats.context().await, settings()).await;
    until("shared", async || (owned(&*one).await, owned(&*two).await) == (2, 2)).await;
    drop(two);
    until("taken", async || owned(&*one).await == 4).await;
}

#[tokio::test]
async fn a_partition_that_was_lost_is_taken_again_while_a_handler_still_runs() {
    let nats = server!();
    let context = nats.context().await;
    let store = open(context.clone(), settings().partitions(1).lease(SECOND)).await;
    add(&*store, entry("a", None)).await;
    let lost = wait_for_one(&*store).await;
    context.get_stream("test-owners").await.unwrap().purge().await.unwrap();
    let again = wait_for_one(&*store).await;
    assert_eq!(again.delivery.id, lost.delivery.id);
    assert!(store.complete(lost.claim).await.is_err());
    store.complete(again.claim).await.unwrap();
}

/// Not while it handles something; and it begins again when it claims again.
#[tokio::test]
async fn a_worker_that_claims_nothing_hands_over() {
    let nats = server!();
    let store = open(nats.context().await, settings()).await;
    add(&*store, entry("a", None)).await;
    let claimed = wait_for_one(&*store).await;
    let partitions = async || store.stats().await.unwrap().partitions;
    until("owned", async || partitions().await == 4).await;
    tokio::time::sleep(6 * SECOND).await;
    assert_eq!(partitions().await, 4);
    store.complete(claimed.claim).await.unwrap();
    until("handed over", async || partitions().await == 0).await;
    add(&*store, entry("b", None)).await;
    tokio::time::sleep(SHORT).await;
    assert_eq!(store.claim(1, Duration::ZERO).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewal_whose_answer_was_lost_is_no_loss() {
    let nats = server!();
    let direct = nats.context().await;
    let proxy = Proxy::new(&nats.nodes[0].url()).await;
    // It pings so rarely that its connection outlives the lost answers.
    let client = async_nats::connect(&proxy.url).await.unwrap();
    let store = open(jetstream::new(client), settings().lease(12 * SECOND)).await;
    add(&*store, entry("x", None)).await;
    let claimed = wait_for_one(&*store).await;
    let revision = async || {
        let owners = direct.get_stream("test-owners").await.unwrap();
        owners.cached_info().state.last_sequence
    };
    let before = revision().await;
    proxy.mute();
    until("renewed", async || revision().await > before).await;
    tokio::time::sleep(SHORT).await;
    proxy.unmute();
    // Until the next renewal, and some more.
    let muted = revision().await;
    until("renewed again", async || revision().await > muted).await;
    tokio::time::sleep(2 * SECOND).await;
    store.extend(claimed.claim).await.unwrap();
    store.complete(claimed.claim).await.unwrap();
}
