//! What must be so at the broker, or callbacks could be lost or mixed up.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};

use async_nats::Client;
use async_nats::jetstream::context::GetStreamError;
use async_nats::jetstream::stream::{Config, StorageType};

use super::broker::{Broker, is_not_found, unavailable};
use super::names::{LAYOUT, LEASE, Lane, PARTITIONS, STORE};
use crate::error::{QueueError, StorageError};

/// The oldest server that this store is tried with.
const LOWEST: (u32, u32, u32) = (2, 12, 7);

pub(super) fn name(name: &str) -> Result<(), QueueError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || name.len() > 200 || !name.bytes().all(plain) {
        return Err(unsafe_setting(format!(
            "the name {name:?}: up to 200 letters, digits, `-` and `_` can be taken"
        )));
    }
    Ok(())
}

/// The version of the server that the client is connected to.
pub(super) fn version(broker: &Broker) -> Result<(), QueueError> {
    let found = broker.client.server_info().version;
    if found.is_empty() {
        return Err(QueueError::Unavailable(StorageError::new("not connected")));
    }
    if is_new_enough(&found) {
        return Ok(());
    }
    let (major, minor, patch) = LOWEST;
    Err(QueueError::ServerTooOld { found, lowest: format!("{major}.{minor}.{patch}") })
}

/// The same after the connection was lost.
pub(super) fn version_again(broker: &Broker, checked: &AtomicBool) -> Result<(), QueueError> {
    if !checked.load(Ordering::Relaxed) {
        version(broker)?;
        checked.store(true, Ordering::Relaxed);
    }
    Ok(())
}

fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.split(['.', '-', '+']).map(str::parse::<u32>);
    let mut next = || numbers.next().and_then(Result::ok);
    let (Some(major), Some(minor), Some(patch)) = (next(), next(), next()) else {
        return false;
    };
    (major, minor, patch) >= LOWEST
}

/// Why a stream cannot be looked up.
pub(super) fn no_stream(client: &Client, error: GetStreamError) -> QueueError {
    let server = client.server_info();
    // Before the first connection nothing is known of it.
    if server.jetstream || server.version.is_empty() {
        return unavailable(error);
    }
    QueueError::Unavailable(StorageError::new("JetStream is off at the server"))
}

/// Whether the streams, if there are any, are those of this version.
pub(super) async fn layout(broker: &Broker) -> Result<(), QueueError> {
    let names = &broker.names;
    for name in [names.stream(Lane::New), names.old()] {
        let found = match broker.context.get_stream(&name).await {
            Ok(found) => found,
            Err(error) if is_not_found(&error) => continue,
            Err(error) => return Err(no_stream(&broker.client, error)),
        };
        let layout = found.cached_info().config.metadata.get(STORE);
        if layout.map(String::as_str) != Some(LAYOUT) {
            return Err(unsafe_setting(format!(
                "stream {name}: it is of another layout than this version's, and is not touched. \
                Give this queue another name, and let the version that made the stream handle what \
                is in it; or, if nothing in it is needed, delete {0}, {0}-retry, {0}-dead and \
                {0}-state",
                names.0
            )));
        }
    }
    Ok(())
}

pub(super) fn stream(found: &Config, wanted: &Config) -> Result<(), QueueError> {
    what_it_takes(found, wanted)?;
    how_it_stores(found, wanted)?;
    what_it_refuses(found, wanted)?;
    what_it_forgets(found, wanted)
}

/// Demands something of this stream.
fn of(
    found: &Config,
) -> impl Fn(bool, &str, &dyn Display, &dyn Display, &str) -> Result<(), QueueError> {
    let what = format!("stream {}", found.name);
    move |holds, setting, is, must_be, why| demand(holds, &what, setting, is, must_be, why)
}

fn what_it_takes(found: &Config, wanted: &Config) -> Result<(), QueueError> {
    let demand = of(found);
    for key in [PARTITIONS, LEASE] {
        let of = |config: &Config| config.metadata.get(key).cloned().unwrap_or_default();
        let (is, right) = (of(found), of(wanted));
        demand(is == right, key, &is, &right, "all processes of a queue need the same")?;
    }
    let subjects = |config: &Config| {
        let mut subjects = config.subjects.clone();
        subjects.sort();
        subjects.join(" ")
    };
    let (is, right) = (subjects(found), subjects(wanted));
    demand(is == right, "subjects", &is, &right, "callbacks would be passed over")
}

fn how_it_stores(found: &Config, wanted: &Config) -> Result<(), QueueError> {
    let demand = of(found);
    let why = "what waits could not be listed";
    demand(found.allow_direct, "allow_direct", &false, &true, why)?;
    let (holds, is) = (found.storage == StorageType::File, format!("{:?}", found.storage));
    demand(holds, "storage", &is, &"File", "a restart would lose everything")?;
    let (is, least) = (found.num_replicas, wanted.num_replicas);
    let right = format!("at least {least}");
    demand(is >= least, "num_replicas", &is, &right, "so many were asked for")?;
    demand(!found.no_ack, "no_ack", &true, &false, "nothing would be confirmed")
}

fn what_it_refuses(found: &Config, wanted: &Config) -> Result<(), QueueError> {
    let demand = of(found);
    let (is, right) = (format!("{:?}", found.discard), format!("{:?}", wanted.discard));
    demand(is == right, "discard", &is, &right, "a full stream must refuse, not drop")?;
    for (setting, is, most) in [
        ("max_msgs", found.max_messages, wanted.max_messages),
        ("max_bytes", found.max_bytes, wanted.max_bytes),
    ] {
        let holds = most < 0 || (0..=most).contains(&is);
        let right = format!("at most {most}");
        let why = "an existing stream keeps its limits; change them with `nats stream edit`";
        demand(holds, setting, &is, &right, why)?;
    }
    let (is, right) = (found.max_messages_per_subject, wanted.max_messages_per_subject);
    demand(is == right, "max_msgs_per_subject", &is, &right, "callbacks share their subjects")
}

fn what_it_forgets(found: &Config, wanted: &Config) -> Result<(), QueueError> {
    let demand = of(found);
    let (is, right) = (format!("{:?}", found.retention), format!("{:?}", wanted.retention));
    demand(is == right, "retention", &is, &right, "callbacks or their ids would be forgotten")?;
    let is = found.max_age;
    let why = "what is older would be deleted, handled or not";
    demand(is.is_zero(), "max_age", &format!("{is:?}"), &0, why)?;
    let (is, least) = (found.duplicate_window, wanted.duplicate_window);
    let right = format!("at least {least:?}");
    let why = "repeats would be handled again";
    demand(is >= least, "duplicate_window", &format!("{is:?}"), &right, why)?;
    let holds = !(found.deny_delete || found.deny_purge || found.sealed);
    let why = "handled callbacks could not be deleted";
    demand(holds, "deny_delete, deny_purge or sealed", &true, &false, why)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for new in ["2.12.7", "2.12.10", "2.15.1", "3.0.0", "2.15.0-dev", "2.12.7-binary+x"] {
            assert!(is_new_enough(new), "{new}");
        }
        for old in ["2.9.10", "2.12.6", "1.99.99", "2.12", "", "new"] {
            assert!(!is_new_enough(old), "{old}");
        }
    }
}
