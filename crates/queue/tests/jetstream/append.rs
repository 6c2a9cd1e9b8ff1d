//! What is accepted, and what is a duplicate.

use std::convert::Infallible;

use tencent_im_callback::{Callback, Disposition};
use tencent_im_callback_queue::store::{Appended, DeadReason, Entry, Store};
use tencent_im_callback_queue::{Delivery, Filter, Queue, QueueError};
use tokio::sync::mpsc;
use tower::{Service, service_fn};

use super::common::nats::{Nats, is_installed};
use super::common::{self, SECOND, add, entry, keyed};
use super::{SHORT, open, server, settings, until, wait_for_one};
use std::time::Duration;
use tencent_im_callback_queue::jetstream::JetStreamStore;
use tencent_im_callback_queue::jetstream::async_nats::jetstream::stream::Config;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_delivery_to_two_endpoints_is_handled_once() {
    let nats = server!();
    let (one, two) = (nats.context().await, nats.context().await);
    let one = Queue::jetstream(one, settings()).await.unwrap();
    let two = Queue::jetstream(two, settings()).await.unwrap();
    let inline = service_fn(|_: Callback| -> std::future::Ready<Result<(), Infallible>> {
        panic!("inline")
    });
    let endpoint = |queue: &Queue| tower::Layer::layer(&queue.layer(), inline);
    let (mut first, mut second) = (endpoint(&one), endpoint(&two));
    for round in 0..50 {
        let body = format!(
            "{{\"CallbackCommand\":\"C2C.CallbackAfterSendMsg\",\"From_Account\":\"a\",\"To_Account\":\"b\",\"MsgSeq\":1,\
            \"MsgRandom\":1,\"MsgTime\":1557481126,\"MsgKey\":\"{round}\",\"SendMsgResult\":0,\"ErrorInfo\":\"\",\"MsgBody\":[]}}"
        );
        let callback = common::callback_with("C2C.CallbackAfterSendMsg", body);
        assert!(callback.dedup_key().is_some());
        let (a, b) = tokio::join!(first.call(callback.clone()), second.call(callback));
        let mut dispositions = [a.unwrap().disposition(), b.unwrap().disposition()];
        dispositions.sort_by_key(|disposition| *disposition == Disposition::Duplicate);
        assert_eq!(dispositions, [Disposition::Enqueued, Disposition::Duplicate]);
    }
    let (tell, mut told) = mpsc::unbounded_channel();
    let handler = service_fn(move |callback: Callback| {
        let delivery: &Delivery = callback.extensions.get().unwrap();
        tell.send(delivery.id).unwrap();
        std::future::ready(Ok::<_, Infallible>(()))
    });
    let mut workers = tokio::task::JoinSet::new();
    for queue in [one.clone(), two.clone()] {
        workers.spawn(queue.worker(handler.clone()).run(std::future::pending()));
    }
    let mut ids = std::collections::HashSet::new();
    for _ in 0..50 {
        assert!(ids.insert(told.recv().await.unwrap()), "handled twice");
    }
    until("done", async || one.stats().await.unwrap().waiting == 0).await;
    assert!(told.try_recv().is_err());
}

/// Of what was handled it does not, if there is only one server.
#[tokio::test]
async fn the_window_outlives_the_broker_for_what_waits() {
    let mut nats = server!();
    let store = open(nats.context().await, settings()).await;
    let handled = add(&*store, keyed("handled", "a")).await;
    let claimed = wait_for_one(&*store).await;
    store.complete(claimed.claim).await.unwrap();
    let waiting = add(&*store, keyed("waiting", "b")).await;
    let again = store.append(keyed("again", "a"), SECOND).await.unwrap();
    assert_eq!(again, Appended::Duplicate(handled));
    drop(store);
    for round in 0..2 {
        if round == 0 {
            nats.nodes[0].kill();
        } else {
            nats.nodes[0].signal("-TERM");
            nats.nodes[0].kill();
        }
        nats.nodes[0].start();
        let store = open(nats.context().await, settings()).await;
        let again = store.append(keyed("again", "b"), 10 * SECOND).await.unwrap();
        assert_eq!(again, Appended::Duplicate(waiting));
    }
    let store = open(nats.context().await, settings()).await;
    let claimed = wait_for_one(&*store).await;
    assert_eq!((claimed.delivery.id, claimed.delivery.attempt), (waiting, 1));
    store.complete(claimed.claim).await.unwrap();
    assert!(store.claim(10, SHORT).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_taken_in_can_become_a_dead_letter() {
    let nats = server!();
    let store = open(nats.context().await, settings()).await;
    let large = |size| Entry::new("x".repeat(size));
    // The broker takes 1 MiB, with the text of the error that is written beside it in the end.
    let refused = store.append(large(1 << 20), SECOND).await;
    let Err(QueueError::TooLarge { max, .. }) = refused else { panic!("{refused:?}") };
    add(&*store, large(max)).await;
    assert!(store.append(large(max + 1), SECOND).await.is_err());
    let error = || "\u{1}".repeat(10_000);
    let claimed = wait_for_one(&*store).await;
    store.retry(claimed.claim, error(), Duration::ZERO).await.unwrap();
    let claimed = wait_for_one(&*store).await;
    store.bury(claimed.claim, error(), DeadReason::Attempts).await.unwrap();
    let letters = store.list(Filter::dead(), None, 10).await.unwrap();
    assert_eq!(letters[0].payload().len(), max);
}

#[tokio::test]
async fn a_message_of_somebody_else_is_a_dead_letter() {
    let nats = server!();
    let context = nats.context().await;
    let queue = Queue::jetstream(context.clone(), settings()).await.unwrap();
    context.publish("test.3", "no callback".into()).await.unwrap().await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let handler = service_fn(|_: Callback| std::future::ready(Ok::<_, Infallible>(())));
    let worker = tokio::spawn(queue.worker(handler).run(async { drop(stopped.await) }));
    until("buried", async || queue.stats().await.unwrap().dead == 1).await;
    drop(stop);
    assert_eq!(worker.await.unwrap().unwrap().buried, 1);
    let letters = queue.dead_letters(tencent_im_callback_queue::Page::of(10)).await.unwrap();
    assert_eq!(letters[0].death.unwrap().reason, DeadReason::Unreadable);
    // Somebody may want to see what it was.
    assert_eq!(letters[0].payload(), "no callback");
}

#[tokio::test]
async fn while_no_stream_takes_it_a_callback_waits_also_without_a_key() {
    let nats = server!();
    let context = nats.context().await;
    let store = open(context.clone(), settings()).await;
    let config = context.get_stream("test").await.unwrap().cached_info().config.clone();
    context.delete_stream("test").await.unwrap();
    let refused = store.append(entry("refused", None), SHORT).await;
    assert!(matches!(refused, Err(QueueError::Unavailable(_))), "{refused:?}");
    let appended = tokio::spawn({
        let store = store.clone();
        async move { store.append(entry("stored", None), 20 * SECOND).await }
    });
    tokio::time::sleep(SHORT).await;
    context.create_stream(config).await.unwrap();
    assert!(matches!(appended.await.unwrap(), Ok(Appended::Stored(_))));
    assert_eq!(context.get_stream("test").await.unwrap().cached_info().state.messages, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_of_a_new_cluster_may_start_at_the_same_time() {
    if !is_installed() {
        return;
    }
    let nats = Nats::three();
    let context = nats.context().await;
    let ready = Config { name: "ready".to_owned(), num_replicas: 3, ..Config::default() };
    until("ready", async || context.create_stream(&ready).await.is_ok()).await;
    let (one, two, three) = (nats.context().await, nats.context().await, nats.context().await);
    let start = |context| JetStreamStore::open(context, settings().replicas(3));
    let (one, two, three) = tokio::join!(start(one), start(two), start(three));
    let (one, two, three) = (one.unwrap(), two.unwrap(), three.unwrap());
    let mut last = 0;
    for (store, key) in [(&one, "1"), (&two, "2"), (&three, "3")] {
        let sequence = add(store, keyed("x", key)).await.sequence();
        assert!(sequence > last, "two streams");
        last = sequence;
    }
}
