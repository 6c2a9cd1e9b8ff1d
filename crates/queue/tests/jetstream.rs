//! What a queue on JetStream promises beyond the rules of all stores (`tests/store.rs`), against a
//! real server.
#![cfg(all(unix, feature = "jetstream"))]

mod common;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::nats::{Nats, is_installed};
use common::{SECOND, add, callback, entry, keyed, texts};
use tencent_im_callback::{Callback, Disposition, HandlerError, OrderKey};
use tencent_im_callback_queue::jetstream::async_nats::jetstream::stream::{
    Config, DiscardPolicy, RetentionPolicy, StorageType,
};
use tencent_im_callback_queue::jetstream::async_nats::jetstream::{Context, consumer};
use tencent_im_callback_queue::jetstream::{JetStream, JetStreamStore};
use tencent_im_callback_queue::store::{Appended, Claimed, DeadReason, Entry, Store};
use tencent_im_callback_queue::{Delivery, Filter, Queue, QueueError, RetryPolicy, StoreOptions};
use tokio::sync::mpsc;
use tower::{Service, service_fn};

const SHORT: Duration = Duration::from_millis(300);

fn settings() -> JetStream {
    JetStream::new("test").partitions(4).ack_wait(2 * SECOND)
}

async fn open(context: Context, settings: JetStream) -> Arc<JetStreamStore> {
    Arc::new(JetStreamStore::open(context, settings).await.unwrap())
}

/// Waits for a claim, but not for ever.
async fn wait_for_one(store: &dyn Store) -> Claimed {
    for _ in 0..20 {
        if let Some(claimed) = store.claim(1, SECOND).await.unwrap().pop() {
            return claimed;
        }
    }
    panic!("nothing comes");
}

/// Until it holds, but not for ever.
async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    for _ in 0..400 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}: not in 20 s");
}

macro_rules! server {
    () => {{
        if !is_installed() {
            return;
        }
        Nats::one()
    }};
}

type Change<C> = (&'static str, fn(&mut C));

#[tokio::test]
async fn unsafe_settings_are_named() {
    let nats = server!();
    let context = nats.context().await;
    drop(open(context.clone(), settings()).await);
    // Twice is no harm.
    drop(open(context.clone(), settings()).await);
    let error =
        async |settings: JetStream| match JetStreamStore::open(context.clone(), settings).await {
            Err(QueueError::UnsafeSetting(error)) => error.to_string(),
            other => panic!("{other:?}"),
        };
    let names = |text: &str, word: &str| assert!(text.contains(word), "{word} is not in: {text}");

    names(&error(settings().partitions(5)).await, "partitions is 4, and must be 5");
    names(&error(settings().replicas(3)).await, "num_replicas is 1");
    names(&error(settings().ack_wait(5 * SECOND)).await, "ack_wait");
    let longer = StoreOptions::new().dedup_window(3600 * SECOND);
    names(&error(settings().options(longer)).await, "duplicate_window");
    for name in ["", "a.b", "a b", "*"] {
        names(&error(JetStream::new(name)).await, "the name");
    }

    let changes: [Change<Config>; 8] = [
        ("max_age", |config| config.max_age = 3600 * SECOND),
        ("discard", |config| config.discard = DiscardPolicy::Old),
        ("no_ack", |config| config.no_ack = true),
        ("storage", |config| config.storage = StorageType::Memory),
        ("retention", |config| config.retention = RetentionPolicy::Interest),
        ("allow_direct", |config| config.allow_direct = false),
        ("max_msgs_per_subject", |config| config.max_messages_per_subject = 1),
        ("deny_purge", |config| config.deny_purge = true),
    ];
    for stream in ["test", "test-retry", "test-dead"] {
        for (word, change) in changes {
            let stream = context.get_stream(stream).await.unwrap();
            let right = stream.cached_info().config.clone();
            context.delete_stream(&right.name).await.unwrap();
            let mut wrong = right.clone();
            change(&mut wrong);
            context.create_stream(wrong).await.unwrap();
            let text = error(settings()).await;
            names(&text, word);
            names(&text, &right.name);
            context.delete_stream(&right.name).await.unwrap();
            context.create_stream(right).await.unwrap();
        }
    }

    drop(open(context.clone(), settings()).await);
    let changes: [Change<consumer::pull::Config>; 4] = [
        ("max_ack_pending", |config| config.max_ack_pending = 2),
        ("max_deliver", |config| config.max_deliver = 3),
        ("headers_only", |config| config.headers_only = true),
        ("mem_storage", |config| config.memory_storage = true),
    ];
    let stream = context.get_stream("test").await.unwrap();
    for (word, change) in changes {
        let found = stream.get_consumer::<consumer::pull::Config>("p0").await.unwrap();
        let config = &found.cached_info().config;
        let mut wrong = consumer::pull::Config {
            durable_name: Some("p0".to_owned()),
            filter_subject: config.filter_subject.clone(),
            ack_wait: config.ack_wait,
            max_ack_pending: config.max_ack_pending,
            ..consumer::pull::Config::default()
        };
        change(&mut wrong);
        stream.delete_consumer("p0").await.unwrap();
        stream.create_consumer(wrong).await.unwrap();
        let text = error(settings()).await;
        names(&text, word);
        names(&text, "consumer p0");
        stream.delete_consumer("p0").await.unwrap();
        drop(open(context.clone(), settings()).await);
    }
}

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
async fn a_full_stream_refuses_and_has_room_again() {
    let nats = server!();
    let options = StoreOptions::new().max_rows(3).dedup_window(SECOND);
    let store = open(nats.context().await, settings().options(options)).await;
    for number in 0..3 {
        add(&*store, keyed("x", &number.to_string())).await;
    }
    assert!(matches!(store.append(entry("y", None), 2 * SECOND).await, Err(QueueError::Full)));
    // A repeat takes no room.
    let again = store.append(keyed("x", "0"), 10 * SECOND).await.unwrap();
    assert!(matches!(again, Appended::Duplicate(_)));
    for claimed in store.claim(3, SECOND).await.unwrap() {
        store.complete(claimed.claim).await.unwrap();
    }
    assert!(matches!(store.append(entry("y", None), 20 * SECOND).await, Ok(Appended::Stored(_))));
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

/// The error says that it is the broker, and not that there is no space.
fn is_away(error: &HandlerError) {
    let cause: Option<&QueueError> = error.downcast_ref();
    assert!(matches!(cause, Some(QueueError::Unavailable(_))), "{error:#}");
    assert!(!error.is_overloaded(), "{error:#}");
}

/// A worker that owns partitions goes on, and makes space, at a broker that has none left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_without_space_lets_workers_go_on() {
    if !is_installed() {
        return;
    }
    let nats = Nats::with_storage(300_000);
    // It cannot renew its leases until there is space again.
    let store = open(nats.context().await, settings().ack_wait(60 * SECOND)).await;
    assert!(store.claim(1, SHORT).await.unwrap().is_empty());
    let mut stored = 0;
    // Down to the last byte.
    for size in [3000, 300, 30, 1] {
        loop {
            match store.append(keyed(&"x".repeat(size), &stored.to_string()), SHORT).await {
                Ok(_) => stored += 1,
                Err(QueueError::Full) => break,
                Err(error) => panic!("{error:?}"),
            }
            assert!(stored < 1000);
        }
    }
    assert!(stored > 50, "{stored}");
    let mut handled = 0;
    while handled < stored {
        for claimed in store.claim(100, SECOND).await.unwrap() {
            store.complete(claimed.claim).await.unwrap();
            handled += 1;
        }
    }
    assert_eq!(handled, stored);
    until("done", async || store.stats().await.unwrap().waiting == 0).await;
    add(&*store, entry("y", None)).await;
    assert_eq!(texts(&[wait_for_one(&*store).await]), ["y"]);
}

#[tokio::test]
async fn a_store_can_be_closed_while_the_broker_is_away() {
    let mut nats = server!();
    let store = open(nats.context().await, settings()).await;
    nats.nodes[0].kill();
    until("disconnected", async || store.append(entry("x", None), SHORT).await.is_err()).await;
    tokio::time::timeout(20 * SECOND, store.close()).await.unwrap().unwrap();
}

/// What the options ask for and the stream does not keep would be ignored.
#[tokio::test]
async fn an_existing_stream_with_wider_limits_is_refused() {
    let nats = server!();
    open(nats.context().await, settings()).await;
    let options = |options: StoreOptions| settings().options(options);
    for (narrower, setting) in [
        (StoreOptions::new().max_rows(100), "max_msgs is 10000000, and must be at most 100"),
        (StoreOptions::new().max_bytes(1000), "max_bytes is -1, and must be at most 1000"),
    ] {
        let error =
            JetStreamStore::open(nats.context().await, options(narrower)).await.err().unwrap();
        let text = std::error::Error::source(&error).unwrap().to_string();
        assert!(text.contains(setting) && text.contains("nats stream edit"), "{text}");
    }
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poisoned_callback_stops_its_conversation_no_longer_than_max_block_and_no_other() {
    let nats = server!();
    let options = StoreOptions::new().max_block(SECOND);
    // One partition: all conversations share it.
    let store = open(nats.context().await, settings().partitions(1).options(options)).await;
    let queue = Queue::new(store.clone());
    let mut entry = Entry::of(&callback("State.StateChange")).unwrap();
    entry.dedup_key = None;
    let mut put = async |conversation: &str| {
        entry.order_key = Some(OrderKey::new(conversation));
        add(&*store, entry.clone()).await
    };
    let poison = put("poisoned").await;
    let healthy = put("poisoned").await;
    let other = put("another").await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let handler = service_fn(move |callback: Callback| {
        let delivery: Delivery = callback.extensions.get().cloned().unwrap();
        let fails = delivery.id == poison && delivery.attempt < 40;
        tell.send(delivery).unwrap();
        std::future::ready(if fails { Err("poison") } else { Ok(()) })
    });
    let every =
        RetryPolicy::new().first_delay(Duration::from_millis(100)).factor(1.0).attempts(100);
    let worker = tokio::spawn(queue.worker(handler).retry(every).run(std::future::pending()));
    let mut before = 0;
    let delivery = loop {
        let delivery = told.recv().await.unwrap();
        if delivery.id == healthy {
            break delivery;
        }
        assert!(!delivery.out_of_order, "it stepped aside, and the other is not handled");
        if delivery.id == other {
            assert!(before <= 2, "the other conversation had to wait");
            continue;
        }
        before += 1;
    };
    assert!(!delivery.out_of_order);
    // Delays vary by half: in one second, some five to twenty attempts, and not all forty.
    assert!((2..40).contains(&before), "{before}");
    loop {
        let delivery = told.recv().await.unwrap();
        assert_eq!(delivery.id, poison);
        assert!(delivery.out_of_order);
        if delivery.attempt == 40 {
            break;
        }
    }
    until("done", async || store.stats().await.unwrap().waiting == 0).await;
    worker.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_longer_than_ack_wait_is_not_run_twice() {
    let nats = server!();
    let settings = || settings().ack_wait(SECOND);
    let stores = [
        open(nats.context().await, settings()).await,
        open(nats.context().await, settings()).await,
    ];
    for key in [None, Some("k")] {
        let mut entry = Entry::of(&callback("State.StateChange")).unwrap();
        entry.dedup_key = None;
        entry.order_key = key.map(OrderKey::new);
        add(&*stores[0], entry).await;
    }
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    let handler = service_fn(move |_: Callback| {
        counted.fetch_add(1, Ordering::SeqCst);
        async {
            tokio::time::sleep(4 * SECOND).await;
            Ok::<_, Infallible>(())
        }
    });
    let mut workers = tokio::task::JoinSet::new();
    for store in &stores {
        workers
            .spawn(Queue::new(store.clone()).worker(handler.clone()).run(std::future::pending()));
    }
    until("done", async || stores[0].stats().await.unwrap().waiting == 0).await;
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_a_dead_process_had_is_taken_over_with_its_attempts() {
    let nats = server!();
    let dead = open(nats.context().await, settings()).await;
    add(&*dead, entry("ordered", Some("k"))).await;
    add(&*dead, entry("free", None)).await;
    // One attempt of each fails, and the next has begun when the process dies.
    for claimed in [wait_for_one(&*dead).await, wait_for_one(&*dead).await] {
        dead.retry(claimed.claim, "no".to_owned(), Duration::from_millis(10)).await.unwrap();
    }
    let mut open_attempts = Vec::new();
    for _ in 0..2 {
        open_attempts.push(wait_for_one(&*dead).await);
    }
    assert!(open_attempts.iter().all(|claimed| claimed.delivery.attempt == 2));
    drop(dead);
    let store = open(nats.context().await, settings()).await;
    let records = store.list(Filter::waiting(), None, 10).await.unwrap();
    assert!(
        records.iter().all(|record| record.attempts == 1 && record.error.as_deref() == Some("no"))
    );
    let mut found = vec![wait_for_one(&*store).await, wait_for_one(&*store).await];
    found.sort_by_key(|claimed| claimed.delivery.id);
    assert_eq!(texts(&found), ["ordered", "free"]);
    for claimed in found {
        // The one that was cut off does not count.
        assert_eq!(claimed.delivery.attempt, 2);
        store.complete(claimed.claim).await.unwrap();
    }
    assert!(store.claim(10, SHORT).await.unwrap().is_empty());
}

#[tokio::test]
async fn long_retries_wait_at_the_broker() {
    let nats = server!();
    let one = open(nats.context().await, settings().ack_wait(SECOND)).await;
    add(&*one, entry("ordered", Some("k"))).await;
    add(&*one, entry("free", None)).await;
    for _ in 0..2 {
        let claimed = wait_for_one(&*one).await;
        // Longer than this process may hold it.
        one.retry(claimed.claim, "no".to_owned(), 3 * SECOND).await.unwrap();
    }
    drop(one);
    let two = open(nats.context().await, settings().ack_wait(SECOND)).await;
    assert!(two.claim(10, SHORT).await.unwrap().is_empty());
    let mut found = vec![wait_for_one(&*two).await, wait_for_one(&*two).await];
    found.sort_by_key(|claimed| claimed.delivery.id);
    assert_eq!(texts(&found), ["ordered", "free"]);
    assert!(found.iter().all(|claimed| claimed.delivery.attempt == 2));
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
async fn a_worker_without_a_place_leaves_half_of_the_partitions_to_another() {
    let nats = server!();
    let settings = || settings().ack_wait(3600 * SECOND);
    let busy = open(nats.context().await, settings()).await;
    let idle = open(nats.context().await, settings()).await;
    let held = {
        add(&*busy, entry("held", Some("k"))).await;
        wait_for_one(&*busy).await
    };
    // The other one gets a share as soon as it is there.
    let shared = async || {
        drop(idle.claim(1, SHORT).await.unwrap());
        idle.stats().await.unwrap().partitions == 2
    };
    until("shared", shared).await;
    assert_eq!(busy.stats().await.unwrap().partitions, 2);
    for number in 0..40 {
        add(&*busy, entry("other", Some(&number.to_string()))).await;
    }
    let mut handled = 0;
    while let Some(claimed) = idle.claim(1, SECOND).await.unwrap().pop() {
        assert_ne!(claimed.delivery.id, held.delivery.id);
        idle.complete(claimed.claim).await.unwrap();
        handled += 1;
    }
    assert!((5..=35).contains(&handled), "{handled}");
    busy.complete(held.claim).await.unwrap();
    while let Some(claimed) = busy.claim(1, SECOND).await.unwrap().pop() {
        busy.complete(claimed.claim).await.unwrap();
    }
    until("done", async || idle.stats().await.unwrap().waiting == 0).await;
}

#[tokio::test]
async fn a_closed_store_gives_back_at_once() {
    let nats = server!();
    let one = open(nats.context().await, settings().ack_wait(3600 * SECOND)).await;
    add(&*one, entry("a", Some("k"))).await;
    let claimed = wait_for_one(&*one).await;
    one.retry(claimed.claim, "no".to_owned(), 1000 * SECOND).await.unwrap();
    add(&*one, entry("b", None)).await;
    let claimed = wait_for_one(&*one).await;
    one.release(claimed.claim);
    one.close().await.unwrap();
    // With the broker's time for a dead process, that would be an hour.
    let two = open(nats.context().await, settings().ack_wait(3600 * SECOND)).await;
    assert_eq!(texts(&[wait_for_one(&*two).await]), ["b"]);
    assert!(two.claim(10, SHORT).await.unwrap().is_empty());
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
    let store = add(&one, keyed("one", "1")).await.store();
    assert_eq!(add(&two, keyed("two", "2")).await.store(), store);
    assert_eq!(add(&three, keyed("three", "3")).await.store(), store);
}
