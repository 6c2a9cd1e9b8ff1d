//! The records of owners: the last message of a partition in the stream of owners.

use async_nats::header::{HeaderMap, NATS_EXPECTED_LAST_SUBJECT_SEQUENCE};
use async_nats::jetstream::stream::DirectGetErrorKind;
use bytes::Bytes;

use super::broker::{Broker, NotStored, PATIENCE, unavailable};
use crate::error::QueueError;

/// The record of a partition that nobody owns.
pub(super) const FREE: &str = "free";

/// What the stream of owners takes up beside its records, in bytes. A broker without space refuses
/// records, too, and then nobody could own a partition and make space. So this is deleted then.
const RESERVE: usize = 256 << 10;

/// Writes the record of a partition if the last one has this revision. Returns the new one.
pub(super) async fn write(
    broker: &Broker,
    subject: String,
    revision: u64,
    text: &str,
) -> Result<u64, NotStored> {
    let write = || write_after(broker, subject.clone(), revision, Bytes::from(text.to_owned()));
    match write().await {
        Err(NotStored::Surely(QueueError::Full)) => {
            let owners = broker.stream(broker.names.owners()).await.map_err(NotStored::Surely)?;
            let spent = owners.purge().filter(broker.names.reserve()).await;
            spent.map_err(|error| NotStored::Surely(unavailable(error)))?;
            write().await
        }
        written => written,
    }
}

async fn write_after(
    broker: &Broker,
    subject: String,
    revision: u64,
    payload: Bytes,
) -> Result<u64, NotStored> {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, revision.to_string());
    let stored = broker.publish(subject.into(), headers, payload, PATIENCE).await?;
    Ok(stored.sequence)
}

/// Puts the reserve back if it was spent, and there is space.
pub(super) async fn reserve(broker: &Broker) {
    let size = RESERVE.min(broker.client.server_info().max_payload / 2);
    let state = broker.state(&broker.names.owners()).await;
    if state.is_ok_and(|state| state.bytes < size as u64) {
        let payload = Bytes::from(vec![0; size]);
        drop(write_after(broker, broker.names.reserve(), 0, payload).await);
    }
}

/// Revision and text of the last record. A stale one does no harm: nothing is written after it.
pub(super) async fn read(broker: &Broker, partition: usize) -> Option<(u64, String)> {
    let owners = broker.stream(broker.names.owners()).await.ok()?;
    let subject = broker.names.owner_subject(partition);
    let found = tokio::time::timeout(PATIENCE, owners.direct_get_last_for_subject(subject)).await;
    match found.ok()? {
        Ok(found) => Some((found.sequence, String::from_utf8_lossy(&found.payload).into_owned())),
        Err(error) if error.kind() == DirectGetErrorKind::NotFound => Some((0, String::new())),
        Err(_) => None,
    }
}
