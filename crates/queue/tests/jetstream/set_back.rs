//! The stream is set back or made anew while a worker is in the middle of something: what the
//! worker does to a message must not reach another one that has its sequence number by now.

use futures_util::StreamExt;
use tencent_im_callback_queue::QueueError;
use tencent_im_callback_queue::jetstream::JetStream;
use tencent_im_callback_queue::jetstream::async_nats;
use tencent_im_callback_queue::jetstream::async_nats::jetstream::{self, Context, consumer};
use tencent_im_callback_queue::store::Store;

use super::common::{SECOND, add, entry, texts};
use super::proxy::Proxy;
use super::{open, server, until, wait_for_one};

/// One partition, so that all callbacks are in it.
fn settings() -> JetStream {
    super::settings().partitions(1).ack_wait(60 * SECOND)
}

/// The stream of new callbacks begins again at its first sequence number. With another number it
/// is another stream, as one that was deleted and made anew; else it is the same one, set back.
async fn begin_again(context: &Context, number: Option<&str>) {
    let mut config = context.get_stream("test").await.unwrap().cached_info().config.clone();
    if let Some(number) = number {
        config.metadata.insert("number".to_owned(), number.to_owned());
    }
    context.delete_stream("test").await.unwrap();
    until("made anew", async || context.create_stream(&config).await.is_ok()).await;
}

async fn messages(context: &Context) -> u64 {
    context.get_stream("test").await.unwrap().cached_info().state.messages
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_acknowledgement_does_not_end_another_message() {
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
    until("acknowledged", async || messages(&context).await == 0).await;
    begin_again(&context, None).await;
    // This makes the consumers.
    drop(open(context.clone(), settings()).await);
    add(&*endpoint, entry("new", None)).await;
    // An acknowledgement ends only what has been delivered.
    let stream = context.get_stream("test").await.unwrap();
    let reader: consumer::PullConsumer = stream.get_consumer("p0").await.unwrap();
    let mut delivered = reader.fetch().max_messages(1).messages().await.unwrap();
    assert_eq!(&delivered.next().await.unwrap().unwrap().payload[..], b"new");
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
async fn what_is_held_is_forgotten_if_the_stream_changes_while_consumers_are_made() {
    let nats = server!();
    let context = nats.context().await;
    let endpoint = open(context.clone(), settings()).await;
    let proxy = Proxy::new(&nats.nodes[0].url()).await;
    let client = async_nats::connect(&proxy.url).await.unwrap();
    let worker = open(jetstream::new(client), settings()).await;
    add(&*endpoint, entry("old", None)).await;
    let old = wait_for_one(&*worker).await;
    // The worker looks at the stream, and then for the consumer of retries.
    proxy.hold_at("CONSUMER.INFO.test-retry.r0");
    context.get_stream("test").await.unwrap().delete_consumer("p0").await.unwrap();
    proxy.holds().await;
    begin_again(&context, Some("1")).await;
    add(&*endpoint, entry("new", None)).await;
    proxy.let_go();
    let new = wait_for_one(&*worker).await;
    assert_eq!(texts(std::slice::from_ref(&new)), ["new"]);
    let lost = worker.complete(old.claim).await;
    assert!(matches!(lost, Err(QueueError::ClaimLost)), "{lost:?}");
    assert_eq!(messages(&context).await, 1);
    worker.complete(new.claim).await.unwrap();
    assert_eq!(messages(&context).await, 0);
}
