//! Space on the disk, and how much of it a file takes.

use std::fs;
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use rusqlite::Connection;
use tencent_im_callback_queue::store::{Claimed, Entry, Store};
use tencent_im_callback_queue::{QueueError, SqliteStore, StoreOptions};

use crate::common::{Clock, Folder, MINUTE, SECOND, add, claim, keyed};
use crate::open;

/// `SQLITE_FULL`, by a bound on the pages of the file: with a disk that is full it is the same
/// error at the same place.
#[tokio::test]
async fn a_full_disk() {
    let folder = Folder::new();
    open(&folder.file()).await.unwrap().close().await.unwrap();
    let store = SqliteStore::open_with_pages(folder.file(), StoreOptions::new(), 60).await.unwrap();
    let text = "x".repeat(3000);
    let mut stored = 0;
    let error = loop {
        match store.append(Entry::new(text.clone()), SECOND).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 100);
    };
    assert!(matches!(error, QueueError::DiskFull), "{error:?}");
    assert!(error.is_temporary() && stored > 10);
    // Not poisoned: what is there can be handled, which makes room.
    let claimed = claim(&store, 5).await;
    let (one, two) = tokio::join!(
        store.append(Entry::new(text.clone()), SECOND),
        store.complete(claimed[0].claim)
    );
    two.unwrap();
    drop(one);
    for claimed in &claimed[1..] {
        store.complete(claimed.claim).await.unwrap();
    }
    store.append(Entry::new(text.clone()), SECOND).await.unwrap();
    let waiting = store.stats().await.unwrap().waiting;
    store.close().await.unwrap();
    let store = open(&folder.file()).await.unwrap();
    assert_eq!(store.stats().await.unwrap().waiting, waiting);
    assert_eq!(claim(&store, 100).await.len() as u64, waiting);
}

/// A file system of its own, gone when dropped. None where nobody may mount one.
struct Tmpfs(std::path::PathBuf);

impl Tmpfs {
    fn mount(folder: &Path, size: &str) -> Option<Self> {
        let path = folder.join("disk");
        fs::create_dir(&path).unwrap();
        let options = format!("size={size}");
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(&path)
            .output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Tmpfs(path))
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        drop(std::process::Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

/// Appends many at once, so that batches are large, until in the end not one has space. Returns how
/// many were stored.
async fn fill(store: &SqliteStore) -> usize {
    let text = "x".repeat(8000);
    let mut stored = 0;
    loop {
        let appends = (0..100).map(|_| store.append(Entry::new(text.clone()), SECOND));
        let results = join_all(appends).await;
        let count = results.iter().filter(|result| result.is_ok()).count();
        for error in results.into_iter().filter_map(Result::err) {
            assert!(matches!(error, QueueError::DiskFull), "{error:?}");
        }
        if count == 0 {
            return stored;
        }
        stored += count;
    }
}

async fn claim_all(store: &SqliteStore, stored: usize) -> Vec<Claimed> {
    let mut claimed = Vec::new();
    while claimed.len() < stored {
        claimed.append(&mut claim(store, 10_000).await);
    }
    claimed
}

async fn complete_all(store: &SqliteStore, stored: usize) {
    let claimed = claim_all(store, stored).await;
    for result in join_all(claimed.iter().map(|claimed| store.complete(claimed.claim))).await {
        result.unwrap();
    }
}

/// The log takes space, too, and could not be written back into the file on a disk that callbacks
/// had filled.
#[tokio::test]
async fn callbacks_leave_space_on_the_disk_for_their_results() {
    for (size, some) in [("1m", false), ("3m", true), ("16m", true), ("64m", true)] {
        let place = Folder::new();
        let Some(disk) = Tmpfs::mount(place.file().parent().unwrap(), size) else {
            eprintln!("skipped: a file system cannot be mounted here");
            return;
        };
        let file = disk.0.join("x.queue");
        let store = open(&file).await.unwrap();
        let stored = fill(&store).await;
        assert_eq!(stored > 0, some, "{size}");
        // All of them fail, some of them so often that there is no more space for errors.
        for _ in 0..5 {
            for claimed in claim_all(&store, stored).await {
                match store.retry(claimed.claim, "e".repeat(2000), Duration::ZERO).await {
                    Ok(()) => {}
                    Err(QueueError::DiskFull) => store.release(claimed.claim),
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
        complete_all(&store, stored).await;
        // The space in the file is used again.
        let again = fill(&store).await;
        assert!(again >= stored / 2 && (again > 0) == some, "{size}: {again} of {stored}");
        complete_all(&store, again).await;
        if some {
            store.append(Entry::new("x".repeat(8000)), SECOND).await.unwrap();
        }
        store.close().await.unwrap();
        let store = open(&file).await.unwrap();
        assert_eq!(claim(&store, 10).await.len(), usize::from(some), "{size}");
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn the_log_does_not_grow_without_bounds() {
    let folder = Folder::fast();
    let store = open(&folder.file()).await.unwrap();
    let text = "x".repeat(10_000);
    for _ in 0..40 {
        let appends: Vec<_> =
            (0..100).map(|_| store.append(Entry::new(text.clone()), 30 * SECOND)).collect();
        for append in appends {
            append.await.unwrap();
        }
        for claimed in claim(&store, 1000).await {
            store.complete(claimed.claim).await.unwrap();
        }
    }
    let size = |name: &str| fs::metadata(folder.path().join(name)).unwrap().len();
    assert!(size("callbacks.queue-wal") < 40 << 20, "{}", size("callbacks.queue-wal"));
    assert!(size("callbacks.queue") < 8 << 20, "{}", size("callbacks.queue"));
}

#[tokio::test]
async fn keys_of_long_ago_are_forgotten() {
    let folder = Folder::fast();
    let clock = Clock::new();
    let store = SqliteStore::open_with(folder.file(), clock.options()).await.unwrap();
    for number in 0..3000 {
        let key = number.to_string();
        add(&store, keyed(&key, &key)).await;
        if number % 100 == 99 {
            for claimed in claim(&store, 100).await {
                store.complete(claimed.claim).await.unwrap();
            }
        }
    }
    clock.forward(11 * MINUTE);
    // The thread wakes up by itself within a second; an append wakes it now.
    for number in 0..5 {
        add(&store, keyed("new", &format!("new {number}"))).await;
    }
    store.close().await.unwrap();
    let conn = Connection::open(folder.file()).unwrap();
    let count = |table: &str| -> i64 {
        conn.query_row(&format!("SELECT count(*) FROM {table}"), (), |row| row.get(0)).unwrap()
    };
    assert_eq!((count("seen"), count("done"), count("entry")), (5, 0, 5));
}
