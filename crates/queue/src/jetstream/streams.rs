//! Making what is missing at the broker.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use futures_util::future::join_all;

use super::broker::{Broker, PATIENCE, is_not_found, unavailable};
use super::names::{LAYOUT, LEASE, Lane, Names, PARTITIONS, STORE};
use super::options::JetStream;
use super::{AGAIN, check, record};
use crate::error::QueueError;

/// How often to look for a stream that another process is making.
const TRIES: u32 = 50;

/// How often a stream is asked for until it is given up.
const ASKED: u32 = 4;

/// Makes or checks a queue's streams.
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
            Err(error) => return Err(check::no_stream(&context.client(), error)),
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
        let lease = config.metadata.get(LEASE).and_then(|millis| millis.parse().ok());
        if let Some(lease) = lease {
            settings = settings.lease(Duration::from_millis(lease));
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
    appears(&broker.context, &settings.name).await?;
    Ok(is_new)
}

/// The streams that are missing.
pub(super) async fn missing(broker: &Broker) -> Vec<String> {
    if broker.is_reached().is_err() {
        return Vec::new();
    }
    let names = &broker.names;
    let streams =
        [names.stream(Lane::New), names.stream(Lane::Retry), names.dead(), names.owners()];
    let found = streams.into_iter().map(async |stream| {
        let found = tokio::time::timeout(PATIENCE, broker.context.get_stream(&stream)).await;
        matches!(found, Ok(Err(error)) if is_not_found(&error)).then_some(stream)
    });
    join_all(found).await.into_iter().flatten().collect()
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
    let base = Config {
        storage: StorageType::File,
        num_replicas: settings.replicas,
        max_messages: -1,
        max_bytes: -1,
        max_messages_per_subject: -1,
        max_consumers: -1,
        discard: DiscardPolicy::New,
        retention: RetentionPolicy::Limits,
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
            (LEASE.to_owned(), settings.lease.as_millis().to_string()),
        ]),
        ..stream(names.stream(Lane::New))
    };
    let retry = names.stream(Lane::Retry);
    let retry = Config { subjects: vec![format!("{retry}.*.*")], ..stream(retry) };
    let dead = stream(names.dead());
    let owners = Config {
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
                // Another process was faster.
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
