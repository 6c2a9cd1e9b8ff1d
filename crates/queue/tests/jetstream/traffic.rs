//! How many messages the broker gets for a callback.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::StreamExt;
use tencent_im_callback::Callback;
use tencent_im_callback_queue::Queue;
use tencent_im_callback_queue::jetstream::async_nats::{Client, Subscriber};
use tencent_im_callback_queue::store::Entry;
use tokio::sync::oneshot;
use tower::service_fn;

use super::common::nats::Nats;
use super::common::{SECOND, add, callback};
use super::{open, server, settings, until};

/// What was seen at the broker.
#[derive(Debug, Default)]
struct Traffic {
    published: usize,
    deleted: usize,
    acknowledged: usize,
    pulls: usize,
    /// Pulls that ended without having brought all that they asked for.
    expired: usize,
}

/// Sees all messages of all clients.
struct Spy {
    client: Client,
    messages: Subscriber,
}

impl Spy {
    async fn new(nats: &Nats) -> Self {
        let client = nats.context().await.client();
        let mut messages = client.subscribe(">").await.unwrap();
        client.publish("the.start", "".into()).await.unwrap();
        while messages.next().await.unwrap().subject.as_str() != "the.start" {}
        Spy { client, messages }
    }

    /// All that was seen until now.
    async fn end(mut self) -> Traffic {
        self.client.publish("the.end", "".into()).await.unwrap();
        let mut traffic = Traffic::default();
        while let Some(message) = self.messages.next().await {
            let subject = message.subject.as_str();
            if subject == "the.end" {
                break;
            }
            match subject {
                _ if subject.starts_with("test.") => {
                    let delivered = message.reply.is_some_and(|to| to.starts_with("$JS.ACK."));
                    traffic.published += usize::from(!delivered);
                }
                "$JS.API.STREAM.MSG.DELETE.test" => traffic.deleted += 1,
                _ if subject.starts_with("$JS.ACK.") => traffic.acknowledged += 1,
                _ if subject.starts_with("$JS.API.CONSUMER.MSG.NEXT.") => traffic.pulls += 1,
                _ if message.status.is_some_and(|status| status.as_u16() == 408) => {
                    traffic.expired += 1;
                }
                _ => {}
            }
        }
        traffic
    }
}

/// Puts in so many callbacks without an order key, and handles them.
async fn handled(nats: &Nats, count: usize, handler: Duration, lease: Duration) -> Traffic {
    let store = open(nats.context().await, settings().lease(lease)).await;
    let queue = Queue::new(store.clone());
    let spy = Spy::new(nats).await;
    let mut entry = Entry::of(&callback("State.StateChange")).unwrap();
    (entry.dedup_key, entry.order_key) = (None, None);
    for _ in 0..count {
        add(&*store, entry.clone()).await;
    }
    let handler = service_fn(move |_: Callback| async move {
        tokio::time::sleep(handler).await;
        Ok::<_, Infallible>(())
    });
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = queue.worker(handler).concurrency(100);
    let worker = tokio::spawn(worker.run(async { drop(stopped.await) }));
    until("done", async || queue.stats().await.unwrap().completed == count as u64).await;
    drop(stop);
    worker.await.unwrap().unwrap();
    queue.close().await.unwrap();
    spy.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_costs_one_message_and_one_deletion() {
    let nats = server!();
    let traffic = handled(&nats, 1000, Duration::ZERO, 600 * SECOND).await;
    assert_eq!((traffic.published, traffic.deleted), (1000, 1000), "{traffic:?}");
    assert_eq!(traffic.acknowledged, 0, "{traffic:?}");
    // An idle lane asks once a second, which depends on how long it takes.
    let brought = traffic.pulls.saturating_sub(traffic.expired);
    assert!(brought <= 1000 / 50, "{traffic:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_longer_than_the_lease_costs_no_more() {
    let nats = server!();
    let traffic = handled(&nats, 20, 3 * SECOND, 2 * SECOND).await;
    assert_eq!((traffic.published, traffic.deleted), (20, 20), "{traffic:?}");
    assert_eq!(traffic.acknowledged, 0, "{traffic:?}");
}
