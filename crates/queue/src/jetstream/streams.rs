//! Making what is missing at the broker.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, ReplayPolicy, pull};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use futures_util::future::try_join_all;

use super::broker::{Broker, PATIENCE, is_not_found, unavailable};
use super::names::{LANES, LAYOUT, Lane, Names, PARTITIONS, STORE};
use super::options::JetStream;
use super::{AGAIN, check, record};
use crate::error::QueueError;

/// How many messages of a lane may be given out and not acknowledged.
pub(super) const OUT: i64 = 50_000;

/// How often to look for a stream that another process is making.
const TRIES: u32 = 50;

/// How often a stream or a consumer is asked for until it is given up.
const ASKED: u32 = 4;

const NUMBER: &str = "number";

/// Makes or checks a queue's streams and consumers.
pub(super) async fn open(broker: &Broker, settings: &JetStream) -> Result<(), QueueError> {
    check::name(&settings.name)?;
    // A client that waits for its first connection does not know the version yet.
    drop(tokio::time::timeout(PATIENCE, broker.client.flush()).await);
    check::version(broker)?;
    check::layout(broker).await?;
    let is_new = make(broker, settings).await?;
    if is_new {
        free(broker, settings).await?;
    }
    let all = (0..settings.partitions).flat_map(|partition| LANES.map(|lane| (lane, partition)));
    let all: Vec<_> = all.collect();
    for some in all.chunks(8) {
        try_join_all(
            some.iter().map(|(lane, partition)| consumer(broker, settings, *lane, *partition)),
        )
        .await?;
    }
    Ok(())
}

impl JetStream {
    /// The settings of a queue that exists, for programs that only look after it. `None`: there is
    /// no such queue.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`] if the broker does not answer, or refuses.
    pub async fn existing(
        context: &Context,
        name: impl Into<String>,
    ) -> Result<Option<Self>, QueueError> {
        let unknown = JetStream::new(name);
        check::name(&unknown.name)?;
        let stream = match context.get_stream(&unknown.name).await {
            Ok(stream) => stream,
            Err(error) if is_not_found(&error) => return Ok(None),
            Err(error) => return Err(unavailable(error)),
        };
        let config = &stream.cached_info().config;
        let mut options = unknown.options.clone().dedup_window(config.duplicate_window);
        if let Ok(rows) = u64::try_from(config.max_messages) {
            options = options.max_rows(rows);
        }
        if let Ok(bytes) = u64::try_from(config.max_bytes) {
            options = options.max_bytes(bytes);
        }
        let partitions = config.metadata.get(PARTITIONS).and_then(|number| number.parse().ok());
        let mut settings = unknown.replicas(config.num_replicas).options(options);
        if let Some(partitions) = partitions {
            settings = settings.partitions(partitions);
        }
        let first = Names::consumer(Lane::New, 0);
        if let Ok(consumer) = stream.get_consumer::<pull::Config>(&first).await {
            settings = settings.ack_wait(consumer.cached_info().config.ack_wait);
        }
        Ok(Some(settings))
    }
}

/// Makes or checks the streams. Returns whether the store is new.
pub(super) async fn make(broker: &Broker, settings: &JetStream) -> Result<bool, QueueError> {
    let mut is_new = false;
    for wanted in configs(&broker.names, settings) {
        let main = wanted.name == settings.name;
        is_new |= made(&broker.context, wanted).await? && main;
    }
    // In a cluster, the stream that another process makes may not be there yet.
    number(broker).await?;
    Ok(is_new)
}

/// The number that was drawn when the stream was made.
pub(super) async fn number(broker: &Broker) -> Result<u64, QueueError> {
    let config = appears(&broker.context, &broker.names.stream(Lane::New)).await?;
    let number = config.metadata.get(NUMBER).and_then(|text| u64::from_str_radix(text, 16).ok());
    Ok(number.unwrap_or_default())
}

/// Whether one of the streams is missing.
pub(super) async fn is_missing(broker: &Broker) -> bool {
    let names = &broker.names;
    let streams =
        [names.stream(Lane::New), names.stream(Lane::Retry), names.dead(), names.owners()];
    for stream in streams {
        if let Err(error) = broker.context.get_stream(&stream).await
            && is_not_found(&error)
        {
            return true;
        }
    }
    false
}

/// In a new store nobody owns anything. A record that is missing later was deleted, and its owner
/// may not know that yet.
async fn free(broker: &Broker, settings: &JetStream) -> Result<(), QueueError> {
    for partition in 0..settings.partitions {
        let subject = broker.names.owner_subject(partition);
        let written = record::write(broker, subject, 0, record::FREE).await;
        match written {
            // Another process was faster.
            Ok(_) | Err(super::broker::NotStored::Mismatch) => {}
            Err(error) => return Err(error.into()),
        }
    }
    record::reserve(broker).await;
    Ok(())
}

fn configs(names: &Names, settings: &JetStream) -> [Config; 4] {
    let most = |bound: u64| i64::try_from(bound).unwrap_or(i64::MAX);
    let number = RandomState::new().hash_one(std::time::Instant::now());
    let base = Config {
        storage: StorageType::File,
        num_replicas: settings.replicas,
        max_messages: -1,
        max_bytes: -1,
        max_messages_per_subject: -1,
        max_consumers: -1,
        discard: DiscardPolicy::New,
        retention: RetentionPolicy::WorkQueue,
        duplicate_window: settings.window(),
        allow_direct: true,
        ..Config::default()
    };
    let stream = |name: String| {
        let subjects = vec![format!("{name}.*")];
        Config { name, subjects, ..base.clone() }
    };
    let main = Config {
        max_messages: most(settings.options.max_rows),
        max_bytes: settings.options.max_bytes.map_or(-1, most),
        metadata: HashMap::from([
            (STORE.to_owned(), LAYOUT.to_owned()),
            (PARTITIONS.to_owned(), settings.partitions.to_string()),
            (NUMBER.to_owned(), format!("{number:016x}")),
        ]),
        ..stream(names.stream(Lane::New))
    };
    let retry = names.stream(Lane::Retry);
    let retry = Config { subjects: vec![format!("{retry}.*.*")], ..stream(retry) };
    let dead = Config { retention: RetentionPolicy::Limits, ..stream(names.dead()) };
    let owners = Config {
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        max_messages_per_subject: 1,
        duplicate_window: Duration::from_secs(120),
        ..stream(names.owners())
    };
    // Last, so that it is not there before the others are.
    [retry, dead, owners, main]
}

/// Makes or checks a stream. Whether it was made.
async fn made(context: &Context, wanted: Config) -> Result<bool, QueueError> {
    let name = &wanted.name;
    let mut tries = 1;
    let (found, made) = loop {
        match context.get_stream(name).await {
            Ok(stream) => break (stream.cached_info().config.clone(), false),
            Err(error) if is_not_found(&error) => match context.create_stream(&wanted).await {
                Ok(stream) => break (stream.cached_info().config.clone(), true),
                // Another process was faster, and drew another number.
                Err(refused) => {
                    let found = appears(context, name).await;
                    break (found.map_err(|_| unavailable(refused))?, false);
                }
            },
            // While several processes make the same stream, a cluster may answer none of them.
            Err(error) if tries == ASKED => return Err(unavailable(error)),
            Err(_) => tries += 1,
        }
    };
    check::stream(&found, &wanted)?;
    Ok(made)
}

/// The stream that another process is making. In a cluster its name is taken before it can be
/// looked up, and for some seconds nobody may answer for it.
async fn appears(context: &Context, name: &str) -> Result<Config, QueueError> {
    let mut tries = 1;
    loop {
        match context.get_stream(name).await {
            Ok(stream) => return Ok(stream.cached_info().config.clone()),
            Err(error) if tries == TRIES => return Err(unavailable(error)),
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
        tries += 1;
    }
}

/// Makes or checks the consumer of a lane. It is never deleted: what it knows to be acknowledged
/// may not have left the stream yet.
pub(super) async fn consumer(
    broker: &Broker,
    settings: &JetStream,
    lane: Lane,
    partition: usize,
) -> Result<PullConsumer, QueueError> {
    let name = Names::consumer(lane, partition);
    let stream_name = broker.names.stream(lane);
    let wanted = pull::Config {
        durable_name: Some(name.clone()),
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        ack_wait: settings.ack_wait,
        max_deliver: -1,
        filter_subject: broker.names.filter(lane, partition),
        replay_policy: ReplayPolicy::Instant,
        max_ack_pending: OUT,
        num_replicas: settings.replicas,
        ..pull::Config::default()
    };
    let stream = broker.context.get_stream_no_info(&stream_name).await.map_err(unavailable)?;
    // Looked up before it is made: creating it again would change the existing one.
    let mut tries = 1;
    let found = loop {
        if let Ok(found) = stream.get_consumer::<pull::Config>(&name).await {
            break found;
        }
        match stream.create_consumer(wanted.clone()).await {
            Ok(made) => break made,
            // While several processes make the same consumer, a cluster may answer none of them.
            Err(error) if tries == ASKED => return Err(unavailable(error)),
            Err(_) => tries += 1,
        }
    };
    let what = format!("consumer {name} of stream {stream_name}");
    check::consumer(&found.cached_info().config, &wanted, &what)?;
    Ok(found)
}
