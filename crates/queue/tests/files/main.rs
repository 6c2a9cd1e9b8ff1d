//! The file: who can read it, what survives, and what is done about files that are none of ours,
//! damaged, locked or full.
#![cfg(feature = "sqlite")]

#[path = "../common/mod.rs"]
mod common;

mod fixtures;
mod refused;
mod restart;
mod space;

use std::path::Path;

use tencent_im_callback_queue::{QueueError, SqliteStore};

async fn open(path: &Path) -> Result<SqliteStore, QueueError> {
    SqliteStore::open(path).await
}
