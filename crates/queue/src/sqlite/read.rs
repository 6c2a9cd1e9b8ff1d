//! What an administrator may read, also without a writer.

use std::time::SystemTime;

use rusqlite::{OptionalExtension, Row, params};
use tencent_im_callback::OrderKey;

use super::schema::Statements;
use crate::delivery::DeliveryId;
use crate::options::{from_millis, millis};
use crate::store::{DeadReason, Death, Filter, Record};

/// When the oldest callback that waits was accepted.
pub(super) fn oldest(s: &mut Statements<'_>) -> rusqlite::Result<Option<SystemTime>> {
    let oldest = s.oldest.query_row((), |columns| columns.get(0)).optional()?;
    Ok(oldest.map(from_millis))
}

/// As [`Store::list`](crate::Store::list), in the file of this store.
pub(super) fn list(
    s: &mut Statements<'_>,
    store: u64,
    filter: &Filter,
    after: Option<DeliveryId>,
    limit: usize,
    now: i64,
) -> rusqlite::Result<Vec<Record>> {
    let after = after.and_then(|id| row(store, id)).unwrap_or(0);
    let before = accepted_before(filter, now);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let statement = if filter.dead { &mut s.list_dead } else { &mut s.list_waiting };
    let rows = statement
        .query_map(params![after, before, order_key(filter), limit], |columns| {
            record(store, columns)
        })?;
    rows.collect()
}

/// The row with this id, if the id is of this store.
pub(super) fn row(store: u64, id: DeliveryId) -> Option<i64> {
    (id.store() == store).then(|| i64::try_from(id.sequence()).ok()).flatten()
}

fn record(store: u64, columns: &Row<'_>) -> rusqlite::Result<Record> {
    let text = columns.get_ref(5)?;
    let payload = String::from_utf8_lossy(text.as_bytes().unwrap_or_default()).into_owned();
    let id = DeliveryId::new(store, columns.get::<_, i64>(0)?.unsigned_abs());
    let mut record = Record::new(id, from_millis(columns.get(1)?), payload);
    record.order_key = key(columns, 2)?.map(OrderKey::from_bytes);
    record.attempts = columns.get(3)?;
    record.error = columns.get(4)?;
    record.trace_context = optional_text(columns, 8)?;
    if let Some(at) = columns.get::<_, Option<i64>>(6)? {
        let reason: String = columns.get(7)?;
        let reason = DeadReason::from_name(&reason).unwrap_or(DeadReason::Attempts);
        record.death = Some(Death::new(from_millis(at), reason));
    }
    Ok(record)
}

pub(super) fn accepted_before(filter: &Filter, now: i64) -> i64 {
    filter.older_than.map_or(i64::MAX, |age| now.saturating_sub(millis(age)))
}

pub(super) fn order_key(filter: &Filter) -> Option<&[u8]> {
    filter.order_key.as_ref().map(|key| &key.as_bytes()[..])
}

/// The order key of a row; `None` if it has none, or if it is damaged.
pub(super) fn key(columns: &Row<'_>, at: usize) -> rusqlite::Result<Option<[u8; 32]>> {
    let value = columns.get_ref(at)?;
    Ok(value.as_blob().ok().and_then(|bytes| bytes.try_into().ok()))
}

/// The text of a column; `None` if there is none, or if it is damaged.
pub(super) fn optional_text(columns: &Row<'_>, at: usize) -> rusqlite::Result<Option<String>> {
    Ok(columns.get_ref(at)?.as_str().ok().map(str::to_owned))
}
