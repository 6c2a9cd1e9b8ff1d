//! Making what is missing at the broker, and checking what is there.

use std::fmt::Display;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, ReplayPolicy, pull};
use async_nats::jetstream::context::{GetStreamError, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{Context, ErrorCode, consumer};

use super::AGAIN;
use super::broker::{Broker, unavailable};
use super::options::{JetStream, Lane, Names};
use crate::error::{QueueError, StorageError};

/// How many messages may be delivered and not acknowledged, on the lanes without order, over all
/// processes.
const OUT: i64 = 100_000;

/// The maximum time within which one process publishes the same message again.
const REPEAT: Duration = Duration::from_secs(120);

/// How often to look for a stream that another process is making.
const TRIES: u32 = 50;

/// How often a stream or a consumer is asked for until it is given up.
const ASKED: u32 = 4;

/// The text before the store's number in the description of the main stream.
const DESCRIPTION: &str = "callbacks of Tencent Cloud IM, store ";

/// Makes or checks a queue's streams and consumers.
pub(super) async fn open(
    context: Context,
    settings: &JetStream,
) -> Result<(Broker, u64), QueueError> {
    let name = &settings.name;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || name.len() > 200 || !name.bytes().all(plain) {
        return Err(unsafe_setting(format!(
            "the name {name:?}: up to 200 letters, digits, `-` and `_` can be taken"
        )));
    }
    let names = Names(name.clone());
    let window = settings.window();
    let most = |bound: u64| i64::try_from(bound).unwrap_or(i64::MAX);
    let max_messages = most(settings.options.max_rows);
    let max_bytes = settings.options.max_bytes.map_or(-1, most);
    let number = RandomState::new().hash_one(std::time::SystemTime::now());
    let base = Config {
        storage: StorageType::File,
        num_replicas: settings.replicas,
        max_messages: -1,
        max_bytes: -1,
        max_messages_per_subject: -1,
        max_consumers: -1,
        discard: DiscardPolicy::New,
        retention: RetentionPolicy::Limits,
        duplicate_window: window.max(REPEAT),
        ..Config::default()
    };
    let main = Config {
        name: names.main(),
        description: Some(format!("{DESCRIPTION}{number:016x}")),
        subjects: Lane::main(settings.partitions).map(|lane| names.subject(lane)).collect(),
        max_messages,
        max_bytes,
        ..base.clone()
    };
    let retry =
        Config { name: names.retry(), subjects: vec![names.subject(Lane::Retry)], ..base.clone() };
    let dead = Config {
        name: names.dead(),
        subjects: vec![format!("{name}.dead.*")],
        max_messages,
        max_bytes,
        ..base.clone()
    };
    let state = Config {
        name: names.state(),
        subjects: vec![format!("{name}.state.*")],
        duplicate_window: REPEAT,
        // Followers would answer with what they have so far.
        allow_direct: settings.replicas == 1,
        ..base
    };
    let main = made(&context, main).await?;
    let retry = made(&context, retry).await?;
    let dead = made(&context, dead).await?;
    let state = made(&context, state).await?;
    let mut lanes = Vec::new();
    for lane in Lane::all(settings.partitions) {
        let stream = if lane == Lane::Retry { &retry } else { &main };
        lanes.push((lane, lane_consumer(stream, &names, lane, settings).await?));
    }
    // A cluster may tell two processes that each of them has made the stream. The last one counts,
    // so the number is read when everything stands.
    let main = appears(&context, &names.main()).await?;
    let number = main.cached_info().config.description.as_deref();
    let number =
        number.and_then(|text| u64::from_str_radix(text.strip_prefix(DESCRIPTION)?, 16).ok());
    let kept = &state.cached_info().config;
    let direct = kept.allow_direct && kept.num_replicas == 1;
    let broker = Broker {
        direct,
        client: context.client(),
        context,
        names,
        main,
        retry,
        dead,
        state,
        lanes,
    };
    // A stream that was made by hand has no number.
    Ok((broker, number.unwrap_or_default()))
}

/// Makes or checks a stream.
async fn made(context: &Context, wanted: Config) -> Result<Stream, QueueError> {
    let name = &wanted.name;
    let mut tries = 1;
    let stream = loop {
        match context.get_stream(name).await {
            Ok(stream) => break stream,
            Err(error) if is_missing(&error) => match context.create_stream(&wanted).await {
                Ok(stream) => break stream,
                // Another process was faster, and drew another number.
                Err(refused) => {
                    break appears(context, name).await.map_err(|_| unavailable(refused))?;
                }
            },
            // While several processes make the same stream, a cluster may answer none of them.
            Err(error) if tries == ASKED => return Err(unavailable(error)),
            Err(_) => tries += 1,
        }
    };
    check_stream(&stream.cached_info().config, &wanted)?;
    Ok(stream)
}

fn is_missing(error: &GetStreamError) -> bool {
    match error.kind() {
        GetStreamErrorKind::JetStream(said) => said.error_code() == ErrorCode::STREAM_NOT_FOUND,
        _ => false,
    }
}

/// The stream that another process is making. In a cluster its name is taken before it can be
/// looked up, and for some seconds nobody may answer for it.
async fn appears(context: &Context, name: &str) -> Result<Stream, QueueError> {
    let mut tries = 1;
    loop {
        match context.get_stream(name).await {
            Ok(stream) => return Ok(stream),
            Err(error) if tries == TRIES => return Err(unavailable(error)),
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
        tries += 1;
    }
}

fn check_stream(found: &Config, wanted: &Config) -> Result<(), QueueError> {
    let demand = |holds, setting, is: &dyn Display, must_be: &dyn Display, why| {
        demand(holds, &format!("stream {}", found.name), setting, is, must_be, why)
    };
    let subjects = |config: &Config| {
        let mut subjects = config.subjects.clone();
        subjects.sort();
        subjects.join(" ")
    };
    let (is, right) = (subjects(found), subjects(wanted));
    let why = "all processes of a queue need the same number of partitions";
    demand(is == right, "subjects", &is, &right, why)?;
    let is = format!("{:?}", found.storage);
    demand(
        found.storage == StorageType::File,
        "storage",
        &is,
        &"File",
        "a restart would lose everything",
    )?;
    let (is, least) = (found.num_replicas, wanted.num_replicas);
    demand(
        is >= least,
        "num_replicas",
        &is,
        &format!("at least {least}"),
        "so many were asked for",
    )?;
    let (is, right) = (format!("{:?}", found.retention), format!("{:?}", wanted.retention));
    demand(is == right, "retention", &is, &right, "callbacks or their ids would be forgotten")?;
    let (is, right) = (format!("{:?}", found.discard), format!("{:?}", wanted.discard));
    demand(is == right, "discard", &is, &right, "a full stream would drop its oldest callbacks")?;
    demand(!found.no_ack, "no_ack", &true, &false, "nothing would be confirmed")?;
    for (setting, is, most) in [
        ("max_msgs", found.max_messages, wanted.max_messages),
        ("max_bytes", found.max_bytes, wanted.max_bytes),
    ] {
        let holds = most < 0 || (0..=most).contains(&is);
        let right = format!("at most {most}");
        demand(
            holds,
            setting,
            &is,
            &right,
            "an existing stream keeps its limits; change them with `nats stream edit`",
        )?;
    }
    let is = found.max_age;
    let why = "what is older would be deleted, handled or not";
    demand(is.is_zero(), "max_age", &format!("{is:?}"), &0, why)?;
    let (is, right) = (found.max_messages_per_subject, wanted.max_messages_per_subject);
    demand(is == right, "max_msgs_per_subject", &is, &right, "callbacks share their subjects")?;
    let (is, least) = (found.duplicate_window, wanted.duplicate_window);
    let right = format!("at least {least:?}");
    demand(
        is >= least,
        "duplicate_window",
        &format!("{is:?}"),
        &right,
        "repeats would be handled again",
    )?;
    let holds = !(found.deny_delete || found.deny_purge || found.sealed);
    let why = "handled callbacks could not be deleted";
    demand(holds, "deny_delete, deny_purge or sealed", &true, &false, why)
}

/// Makes or checks the consumer of a lane.
async fn lane_consumer(
    stream: &Stream,
    names: &Names,
    lane: Lane,
    settings: &JetStream,
) -> Result<PullConsumer, QueueError> {
    let name = lane.name();
    let wanted = pull::Config {
        durable_name: Some(name.clone()),
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        ack_wait: settings.ack_wait,
        max_deliver: -1,
        filter_subject: names.subject(lane),
        replay_policy: ReplayPolicy::Instant,
        max_ack_pending: if lane.is_ordered() { 1 } else { OUT },
        ..pull::Config::default()
    };
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
    check_consumer(
        &found.cached_info().config,
        &wanted,
        &format!("consumer {name} of stream {}", names.stream(lane)),
    )?;
    Ok(found)
}

fn check_consumer(
    found: &consumer::Config,
    wanted: &pull::Config,
    what: &str,
) -> Result<(), QueueError> {
    let demand = |holds, setting, is: &dyn Display, must_be: &dyn Display, why| {
        demand(holds, what, setting, is, must_be, why)
    };
    let (is, right) = (format!("{:?}", found.ack_policy), format!("{:?}", wanted.ack_policy));
    demand(
        is == right,
        "ack_policy",
        &is,
        &right,
        "callbacks would be done before they are handled",
    )?;
    let (is, right) =
        (format!("{:?}", found.deliver_policy), format!("{:?}", wanted.deliver_policy));
    demand(is == right, "deliver_policy", &is, &right, "callbacks would be passed over")?;
    let (is, right) = (&found.filter_subject, &wanted.filter_subject);
    demand(is == right, "filter_subject", is, right, "callbacks would be passed over")?;
    let is = found.max_deliver;
    demand(is <= 0, "max_deliver", &is, &-1, "callbacks would be given up unseen")?;
    let (is, right) = (found.max_ack_pending, wanted.max_ack_pending);
    let holds = right != 1 || is == 1;
    demand(
        holds,
        "max_ack_pending",
        &is,
        &right,
        "callbacks of one order key would be handled at once",
    )?;
    let (is, right) = (found.ack_wait, wanted.ack_wait);
    let (holds, is, right) = (is == right, format!("{is:?}"), format!("{right:?}"));
    demand(holds, "ack_wait", &is, &right, "all processes of a queue need the same")?;
    demand(!found.headers_only, "headers_only", &true, &false, "handlers need the bodies")?;
    let is = found.inactive_threshold;
    let why = "the consumer would be deleted, and everything handled again";
    demand(is.is_zero(), "inactive_threshold", &format!("{is:?}"), &0, why)?;
    demand(
        !found.memory_storage,
        "mem_storage",
        &true,
        &false,
        "a restart would handle everything again",
    )
}

fn demand(
    holds: bool,
    what: &str,
    setting: &str,
    is: &dyn Display,
    must_be: &dyn Display,
    why: &str,
) -> Result<(), QueueError> {
    if holds {
        return Ok(());
    }
    Err(unsafe_setting(format!("{what}: {setting} is {is}, and must be {must_be}: {why}")))
}

fn unsafe_setting(text: String) -> QueueError {
    QueueError::UnsafeSetting(StorageError::new(text))
}
