//! The stream is set back or made anew while a worker is in the middle of something: what the
//! worker does to a message must not reach another one that has its sequence number by now.

use futures_util::StreamExt;
use tencent_im_callback_queue::jetstream::JetStream;
use tencent_im_callback_queue::jetstream::async_nats;
use tencent_im_callback_queue::jetstream::async_nats::jetstream::{self, Context};
use tencent_im_callback_queue::store::Store;

use super::common::{SECOND, add, entry, texts};
use super::proxy::Proxy;
use super::{open, server, until, wait_for_one};

/// One partition, so that all callbacks are in it.
fn settings() -> JetStream {
    super::settings().partitions(1).lease(60 * SECOND)
}

/// The stream of new callbacks begins again at its first sequence number.
async fn begin_again(context: &Context) {
    let config = context.get_stream("test").await.unwrap().cached_info().config.clone();
    context.delete_stream("test").await.unwrap();
    until("made anew", async || context.create_stream(&config).await.is_ok()).await;
}

async fn messages(context: &Context) -> u64 {
    context.get_stream("test").await.unwrap().cached_info().state.messages
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_deletion_does_not_delete_another_message() {
    let nats = server!();
    let context = nats.context().await;
    let endpoint = open(context.clone(), settings()).await;
    let proxy = Proxy::new(&nats.nodes[0].url()).await;
    // It pings so rarely that its connection outlives the lost answers.
    let client = async_nats::connect(&proxy.url).await.unwrap();
    let mut through_proxy = jetstream::new(client);
    through_proxy.set_timeout(SECOND);
    let worker = open(through_proxy, settings()).await;
    add(&*endpoint, entry("old", None)).await;
    let old = wait_for_one(&*worker).await;
    proxy.mute();
    let ended = tokio::spawn({
        let worker = worker.clone();
        async move { worker.complete(old.claim).await }
    });
    until("deleted", async || messages(&context).await == 0).await;
    begin_again(&context).await;
    add(&*endpoint, entry("new", None)).await;
    // Twice the worker looks for the message, and does not hear what is there.
    let mut looks = context.client().subscribe("$JS.API.STREAM.MSG.GET.test").await.unwrap();
    for _ in 0..2 {
        looks.next().await.unwrap();
    }
    proxy.unmute();
    ended.await.unwrap().unwrap();
    assert_eq!(messages(&context).await, 1);
    assert_eq!(texts(&[wait_for_one(&*worker).await]), ["new"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_claimed_before_a_stream_was_set_back_does_not_delete_another_message() {
    let nats = server!();
    let context = nats.context().await;
    let store = open(context.clone(), settings()).await;
    add(&*store, entry("old", None)).await;
    let old = wait_for_one(&*store).await;
    begin_again(&context).await;
    add(&*store, entry("new", None)).await;
    // It has the same sequence number, and the worker has read it.
    let new = wait_for_one(&*store).await;
    assert_eq!(texts(std::slice::from_ref(&new)), ["new"]);
    store.complete(old.claim).await.unwrap();
    assert_eq!(messages(&context).await, 1);
    store.complete(new.claim).await.unwrap();
    assert_eq!(messages(&context).await, 0);
}
