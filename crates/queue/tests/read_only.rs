//! Looking at a queue's file changes nothing.
#![cfg(feature = "sqlite")]

mod common;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use common::{Folder, SECOND, add, claim_one, entry};
use tencent_im_callback_queue::store::{DeadReason, Store};
use tencent_im_callback_queue::{Filter, Page, Queue, QueueError, SqliteStore, StoreOptions};

/// Every file of the folder with its bytes, except the empty lock.
fn contents(folder: &Path) -> BTreeMap<OsString, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    let files = files.filter(|file| !file.file_name().to_string_lossy().ends_with("-lock"));
    files.map(|file| (file.file_name(), fs::read(file.path()).unwrap())).collect()
}

/// Counts, lists and exports; the folder is the same before and after.
async fn look(folder: &Folder) -> (u64, u64) {
    let before = contents(folder.path());
    let queue = Queue::open_read_only(folder.file()).await.unwrap();
    let stats = queue.stats().await.unwrap();
    let dead = queue.dead_letters(Page::of(10)).await.unwrap();
    assert_eq!(dead.len() as u64, stats.dead);
    let mut lines = Vec::new();
    assert_eq!(queue.export(Filter::waiting(), &mut lines).await.unwrap(), stats.waiting);
    assert_eq!(lines.split(|byte| *byte == b'\n').count() as u64, stats.waiting + 1);
    for letter in dead {
        assert!(matches!(queue.requeue(letter.id).await, Err(QueueError::ReadOnly(_))));
    }
    assert!(matches!(queue.purge(Filter::waiting()).await, Err(QueueError::ReadOnly(_))));
    assert_eq!(queue.stats().await.unwrap(), stats);
    queue.close().await.unwrap();
    assert!(matches!(queue.stats().await, Err(QueueError::Closed)));
    assert!(contents(folder.path()) == before, "a file has changed");
    (stats.waiting, stats.dead)
}

#[tokio::test]
async fn a_closed_file_and_one_of_an_older_version() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).await.unwrap();
    for text in ["a", "b", "c"] {
        add(&store, entry(text, None)).await;
    }
    let claimed = claim_one(&store).await;
    store.bury(claimed.claim, "no".to_owned(), DeadReason::Permanent).await.unwrap();
    store.close().await.unwrap();
    assert_eq!(look(&folder).await, (2, 1));

    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1.queue");
    let folder = Folder::new();
    fs::copy(fixture, folder.file()).unwrap();
    assert_eq!(look(&folder).await, (3, 1));
}

/// Its callbacks are in the log alone. They are counted, and the log is not written back.
#[tokio::test]
async fn a_file_after_a_crash() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).await.unwrap();
    for text in ["a", "b", "c"] {
        add(&store, entry(text, None)).await;
    }
    // As a crash leaves the two files.
    let crashed = Folder::new();
    for name in ["callbacks.queue", "callbacks.queue-wal"] {
        fs::copy(folder.path().join(name), crashed.path().join(name)).unwrap();
    }
    assert!(fs::metadata(crashed.path().join("callbacks.queue-wal")).unwrap().len() > 4096);
    drop(store);
    assert_eq!(look(&crashed).await, (3, 0));
    // Nothing of it is lost for the next writer.
    let store = SqliteStore::open(crashed.file()).await.unwrap();
    assert_eq!(store.stats().await.unwrap().waiting, 3);
    assert_eq!(store.claim(10, SECOND).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_file_that_is_open_or_no_queue_is_refused() {
    let folder = Folder::new();
    assert!(matches!(Queue::open_read_only(folder.file()).await, Err(QueueError::Storage(_))));
    assert!(contents(folder.path()).is_empty());
    fs::write(folder.file(), b"").unwrap();
    let found = Queue::open_read_only(folder.file()).await;
    assert!(matches!(found, Err(QueueError::NotAQueue(_))), "{found:?}");
    assert_eq!(contents(folder.path()).len(), 1);
    fs::remove_file(folder.file()).unwrap();

    let store = SqliteStore::open_with(folder.file(), StoreOptions::new()).await.unwrap();
    add(&store, entry("a", None)).await;
    let locked = Queue::open_read_only(folder.file()).await;
    assert!(matches!(locked, Err(QueueError::Locked(_))));
    store.close().await.unwrap();
    // While it is looked at, nobody writes.
    let queue = Queue::open_read_only(folder.file()).await.unwrap();
    assert!(matches!(SqliteStore::open(folder.file()).await, Err(QueueError::Locked(_))));
    queue.close().await.unwrap();
    SqliteStore::open(folder.file()).await.unwrap();
}

/// SQLite would undo the change, which is writing.
#[tokio::test]
async fn an_unfinished_change_is_not_undone() {
    let folder = Folder::new();
    SqliteStore::open(folder.file()).await.unwrap().close().await.unwrap();
    fs::write(folder.path().join("callbacks.queue-journal"), b"half").unwrap();
    let before = contents(folder.path());
    let refused = Queue::open_read_only(folder.file()).await;
    let Err(QueueError::Storage(error)) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("FILE-journal"), "{error}");
    assert!(contents(folder.path()) == before, "a file has changed");
}
