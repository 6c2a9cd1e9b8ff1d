//! What is checked when a queue is opened.

use tencent_im_callback_queue::jetstream::async_nats;
use tencent_im_callback_queue::jetstream::async_nats::jetstream::stream::{
    Config, DiscardPolicy, RetentionPolicy, StorageType,
};
use tencent_im_callback_queue::jetstream::async_nats::jetstream::{self, Context};
use tencent_im_callback_queue::jetstream::{JetStream, JetStreamStore};
use tencent_im_callback_queue::{QueueError, StoreOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::common::SECOND;
use super::{SHORT, open, server, settings};

type Change<C> = (&'static str, fn(&mut C));

/// What is said of a setting that is not safe.
async fn refusal(context: &Context, settings: JetStream) -> String {
    match JetStreamStore::open(context.clone(), settings).await {
        Err(QueueError::UnsafeSetting(error)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

fn names(text: &str, word: &str) {
    assert!(text.contains(word), "{word} is not in: {text}");
}

#[tokio::test]
async fn settings_that_differ_from_those_of_the_queue_are_named() {
    let nats = server!();
    let context = nats.context().await;
    drop(open(context.clone(), settings()).await);
    // Twice is no harm.
    drop(open(context.clone(), settings()).await);
    let error = async |settings| refusal(&context, settings).await;
    names(&error(settings().partitions(5)).await, "partitions is 4, and must be 5");
    names(&error(settings().replicas(3)).await, "num_replicas is 1");
    names(&error(settings().lease(5 * SECOND)).await, "lease");
    let longer = StoreOptions::new().dedup_window(3600 * SECOND);
    names(&error(settings().options(longer)).await, "duplicate_window");
    for name in ["", "a.b", "a b", "*"] {
        names(&error(JetStream::new(name)).await, "the name");
    }
}

#[tokio::test]
async fn unsafe_settings_of_streams_are_named() {
    let nats = server!();
    let context = nats.context().await;
    drop(open(context.clone(), settings()).await);
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
            let text = refusal(&context, settings()).await;
            names(&text, word);
            names(&text, &right.name);
            context.delete_stream(&right.name).await.unwrap();
            context.create_stream(right).await.unwrap();
        }
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

/// The start of a connection to a server of this version.
async fn server_of(version: &str, jetstream: bool) -> Context {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let info = format!(
        "INFO {{\"server_id\":\"old\",\"version\":\"{version}\",\"go\":\"go1\",\"host\":\"127.0.0.1\",\"port\":{port},\
        \"headers\":true,\"max_payload\":1048576,\"proto\":1,\"jetstream\":{jetstream}}}\r\n"
    );
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(info.as_bytes()).await.unwrap();
        let mut buffer = [0; 4096];
        while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {
            stream.write_all(b"PONG\r\n").await.unwrap();
        }
    });
    jetstream::new(async_nats::connect(format!("nats://127.0.0.1:{port}")).await.unwrap())
}

#[tokio::test]
async fn a_server_that_is_too_old_is_refused() {
    for version in ["2.9.10", "2.12.6"] {
        let refused = JetStreamStore::open(server_of(version, true).await, settings()).await;
        let error = refused.err().unwrap();
        let QueueError::ServerTooOld { found, lowest } = &error else { panic!("{error:?}") };
        assert_eq!((found.as_str(), lowest.as_str()), (version, "2.12.7"));
        assert!(error.to_string().contains("2.12.7 or newer"), "{error}");
    }
}

#[tokio::test]
async fn a_server_without_jetstream_is_named() {
    let refused = JetStreamStore::open(server_of("2.15.1", false).await, settings()).await;
    let Err(QueueError::Unavailable(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(error.to_string(), "JetStream is off at the server");
}

/// Nothing is known of the server.
#[tokio::test]
async fn without_a_connection_jetstream_is_not_said_to_be_off() {
    let options = async_nats::ConnectOptions::new().retry_on_initial_connect();
    let mut context = jetstream::new(options.connect("nats://127.0.0.1:1").await.unwrap());
    context.set_timeout(SHORT);
    let found = JetStream::existing(&context, "test").await;
    let Err(QueueError::Unavailable(error)) = found else { panic!("{found:?}") };
    assert!(!error.to_string().contains("off"), "{error}");
}

#[tokio::test]
async fn streams_of_the_old_layout_are_refused_and_not_touched() {
    let nats = server!();
    let context = nats.context().await;
    for name in ["test", "test-state"] {
        let old = Config { name: name.to_owned(), ..Config::default() };
        let before = context.create_stream(old).await.unwrap().cached_info().config.clone();
        let refused = JetStreamStore::open(context.clone(), settings()).await;
        let Err(QueueError::UnsafeSetting(error)) = refused else { panic!("{refused:?}") };
        let text = error.to_string();
        assert!(text.contains(&format!("stream {name}:")), "{text}");
        assert!(text.contains("another name"), "{text}");
        let after = context.get_stream(name).await.unwrap();
        assert_eq!(after.cached_info().config, before);
        assert!(context.get_stream("test-owners").await.is_err());
        context.delete_stream(name).await.unwrap();
    }
}
