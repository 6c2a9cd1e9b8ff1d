//! A row that a claim reads.

use rusqlite::Row;
use tencent_im_callback::OrderKey;

use super::super::read::{key, optional_text};
use super::{Held, key_number};

/// A row as read from the file.
pub(super) struct Known {
    pub(super) row: i64,
    pub(super) accepted_at: i64,
    pub(super) dedup_key: Option<[u8; 32]>,
    pub(super) order_key: Option<[u8; 32]>,
    pub(super) key: Option<i64>,
    pub(super) out_of_order: bool,
    pub(super) attempts: u32,
    pub(super) aside_at: Option<i64>,
    pub(super) due_at: Option<i64>,
    pub(super) size: u64,
    pub(super) payload: Option<String>,
    pub(super) trace_context: Option<String>,
}

impl Known {
    pub(super) fn read(columns: &Row<'_>) -> rusqlite::Result<Self> {
        let text = columns.get_ref(9)?;
        let bytes = text.as_bytes().unwrap_or_default();
        let sound = columns.get::<_, i64>(8)? == i64::from(crc32fast::hash(bytes));
        let order_key = key(columns, 3)?;
        Ok(Known {
            row: columns.get(0)?,
            accepted_at: columns.get(1)?,
            dedup_key: key(columns, 2)?,
            order_key,
            // This includes rows that have left their order: no two rows of a key are handled at
            // the same time.
            key: order_key.map(|key| key_number(&OrderKey::from_bytes(key))),
            out_of_order: columns.get::<_, i64>(4)? != 0,
            attempts: columns.get(5)?,
            aside_at: columns.get(6)?,
            due_at: columns.get(7)?,
            size: bytes.len() as u64,
            payload: sound.then(|| std::str::from_utf8(bytes).ok()).flatten().map(str::to_owned),
            trace_context: optional_text(columns, 10)?,
        })
    }

    pub(super) fn held(&self) -> Held {
        Held {
            token: 0,
            key: self.key,
            dedup_key: self.dedup_key,
            out_of_order: self.out_of_order,
            attempt: self.attempts.saturating_add(1),
            aside_at: self.aside_at,
            retrying: self.due_at.is_some(),
            size: self.size,
        }
    }
}
