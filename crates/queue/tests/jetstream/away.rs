//! A broker that does not answer.

use std::convert::Infallible;

use tencent_im_callback::{Callback, Disposition, HandlerError};
use tencent_im_callback_queue::store::Store;
use tencent_im_callback_queue::{Queue, QueueError};
use tokio::sync::mpsc;
use tower::{Service, service_fn};

use super::common::{SECOND, callback, entry};
use super::{SHORT, open, server, settings, until};

/// The error says that it is the broker, and not that there is no space.
fn is_away(error: &HandlerError) {
    let cause: Option<&QueueError> = error.downcast_ref();
    assert!(matches!(cause, Some(QueueError::Unavailable(_))), "{error:#}");
    assert!(!error.is_overloaded(), "{error:#}");
}

#[tokio::test]
async fn a_store_can_be_closed_while_the_broker_is_away() {
    let mut nats = server!();
    let store = open(nats.context().await, settings()).await;
    nats.nodes[0].kill();
    until("disconnected", async || store.append(entry("x", None), SHORT).await.is_err()).await;
    tokio::time::timeout(20 * SECOND, store.close()).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_broker_is_away_nothing_is_accepted_and_workers_wait() {
    let mut nats = server!();
    let store = open(nats.context().await, settings()).await;
    let queue = Queue::new(store.clone());
    let (tell, mut told) = mpsc::unbounded_channel();
    let handler = service_fn(move |_: Callback| {
        tell.send(()).unwrap();
        std::future::ready(Ok::<_, Infallible>(()))
    });
    let worker = tokio::spawn(queue.worker(handler).run(std::future::pending()));
    let inline = service_fn(|_: Callback| -> std::future::Ready<Result<(), Infallible>> {
        panic!("inline")
    });
    let mut endpoint = tower::Layer::layer(&queue.layer().max_wait(SHORT), inline);
    let sent = callback("State.StateChange");
    drop(endpoint.call(sent.clone()).await.unwrap());
    told.recv().await.unwrap();

    nats.nodes[0].kill();
    until("disconnected", async || {
        let refused = endpoint.clone().call(sent.clone()).await;
        let Err(error) = refused else { return false };
        is_away(&error);
        true
    })
    .await;
    let refused: HandlerError = endpoint.call(sent.clone()).await.unwrap_err();
    is_away(&refused);
    assert!(!worker.is_finished());
    assert!(matches!(store.stats().await, Err(QueueError::Unavailable(_))));

    nats.nodes[0].start();
    let fresh = callback("Sns.CallbackFriendDelete");
    let reply = loop {
        // The endpoint comes back by itself, too.
        match endpoint.call(fresh.clone()).await {
            Ok(reply) => break reply,
            Err(error) => is_away(&error),
        }
    };
    assert_eq!(reply.disposition(), Disposition::Enqueued);
    told.recv().await.unwrap();
    until("done", async || store.stats().await.is_ok_and(|stats| stats.waiting == 0)).await;
    worker.abort();
}
