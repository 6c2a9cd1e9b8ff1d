//! What is checked when a queue is opened.

use tencent_im_callback_queue::jetstream::async_nats::jetstream::consumer;
use tencent_im_callback_queue::jetstream::async_nats::jetstream::stream::{
    Config, DiscardPolicy, RetentionPolicy, StorageType,
};
use tencent_im_callback_queue::jetstream::{JetStream, JetStreamStore};
use tencent_im_callback_queue::{QueueError, StoreOptions};

use super::common::SECOND;
use super::{open, server, settings};

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
