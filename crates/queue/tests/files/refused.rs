//! Files that cannot be opened, or are damaged.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use tencent_im_callback_queue::store::Store;
use tencent_im_callback_queue::{Filter, QueueError};

use crate::common::{Folder, SECOND, add, claim, claim_one, entry, texts};
use crate::open;

/// Opening fails, and leaves the file and its folder as they are.
async fn refused(path: &Path) -> QueueError {
    let list = |path: &Path| {
        let mut list: Vec<_> = fs::read_dir(path.parent().unwrap())
            .map(|entries| entries.map(|entry| entry.unwrap().file_name()).collect())
            .unwrap_or_default();
        list.sort();
        list
    };
    let (bytes, files) = (fs::read(path).ok(), list(path));
    let error = open(path).await.expect_err("opened");
    assert_eq!(fs::read(path).ok(), bytes, "the file has changed");
    assert_eq!(list(path), files);
    let text = error.to_string();
    assert!(text.len() > 20 && !text.ends_with('.'), "{text}");
    error
}

#[tokio::test]
async fn no_sqlite_file() {
    let folder = Folder::new();
    for content in [
        &b"x"[..],
        b"some text that somebody needs",
        b"SQLite format 3\0",
        &[0; 4096],
        "not SQLite, and longer than the head of a file that is ".repeat(100).as_bytes(),
    ] {
        fs::write(folder.file(), content).unwrap();
        assert!(matches!(refused(&folder.file()).await, QueueError::NotADatabase(_)));
    }
    assert!(matches!(refused(folder.path()).await, QueueError::NotADatabase(_)));
}

#[tokio::test]
async fn an_empty_file_is_taken() {
    let folder = Folder::new();
    fs::write(folder.file(), b"").unwrap();
    let store = open(&folder.file()).await.unwrap();
    add(&store, entry("a", None)).await;
}

#[tokio::test]
async fn the_file_of_another_program() {
    let folder = Folder::new();
    for sql in [
        "CREATE TABLE entry (id INTEGER PRIMARY KEY)",
        "PRAGMA application_id = 7; CREATE TABLE theirs (x)",
        "PRAGMA journal_mode = wal; CREATE TABLE more (x)",
    ] {
        let conn = Connection::open(folder.file()).unwrap();
        conn.execute_batch(sql).unwrap();
        conn.close().unwrap();
        assert!(matches!(refused(&folder.file()).await, QueueError::NotAQueue(_)));
    }
}

#[tokio::test]
async fn a_newer_format() {
    let folder = Folder::new();
    open(&folder.file()).await.unwrap().close().await.unwrap();
    let conn = Connection::open(folder.file()).unwrap();
    conn.execute_batch("PRAGMA user_version = 2").unwrap();
    // Still in the log: the head of the file says 1.
    assert!(matches!(
        open(&folder.file()).await,
        Err(QueueError::NewerFormat { found: 2, supported: 1 } | QueueError::Locked(_))
    ));
    conn.close().unwrap();
    let error = refused(&folder.file()).await;
    assert!(matches!(error, QueueError::NewerFormat { found: 2, supported: 1 }));
}

#[tokio::test]
async fn a_file_damaged_in_the_middle() {
    let folder = Folder::new();
    let store = open(&folder.file()).await.unwrap();
    for _ in 0..200 {
        add(&store, entry(&"x".repeat(700), Some("k"))).await;
    }
    store.close().await.unwrap();
    let sound = fs::read(folder.file()).unwrap();
    let pages = sound.len() / 4096;
    assert!(pages > 20);
    let mut found = 0;
    for page in 1..pages {
        let mut damaged = sound.clone();
        damaged[page * 4096..page * 4096 + 64].fill(0xff);
        fs::write(folder.file(), &damaged).unwrap();
        match open(&folder.file()).await {
            Err(QueueError::Corrupt(_)) => found += 1,
            // An empty page of an index may look like nothing is wrong.
            Ok(store) => store.close().await.unwrap(),
            Err(error) => panic!("page {page}: {error:?}"),
        }
    }
    assert!(found >= pages - 6, "{found} of {pages}");
    fs::write(folder.file(), &sound[..sound.len() / 2]).unwrap();
    assert!(matches!(refused(&folder.file()).await, QueueError::Corrupt(_)));
    fs::write(folder.file(), &sound).unwrap();
    open(&folder.file()).await.unwrap();
}

#[tokio::test]
async fn a_flipped_bit_in_a_callback() {
    let folder = Folder::new();
    let store = open(&folder.file()).await.unwrap();
    add(&store, entry("the text of somebody", None)).await;
    add(&store, entry("another text", None)).await;
    store.close().await.unwrap();
    let mut bytes = fs::read(folder.file()).unwrap();
    let at = bytes.windows(8).position(|window| window == b"the text").unwrap();
    bytes[at] ^= 1;
    fs::write(folder.file(), &bytes).unwrap();
    let store = open(&folder.file()).await.unwrap();
    let claimed = claim(&store, 2).await;
    assert_eq!(claimed[0].payload, None);
    assert_eq!(claimed[1].payload.as_deref(), Some("another text"));
}

/// Damage that is met while the store works: it fails, and from then on everything does.
#[tokio::test]
async fn damage_found_later_poisons_the_store() {
    let folder = Folder::new();
    let store = open(&folder.file()).await.unwrap();
    store.close().await.unwrap();
    let conn = Connection::open(folder.file()).unwrap();
    conn.execute_batch(
        "CREATE TRIGGER failing BEFORE INSERT ON entry WHEN new.callback = 'bad' BEGIN SELECT \
        RAISE(ABORT, 'no'); END",
    )
    .unwrap();
    conn.close().unwrap();
    let store = open(&folder.file()).await.unwrap();
    add(&store, entry("good", None)).await;
    let waiting = claim_one(&store).await;
    assert!(matches!(store.append(entry("bad", None), SECOND).await, Err(QueueError::Storage(_))));
    assert!(matches!(store.append(entry("good", None), SECOND).await, Err(QueueError::Poisoned)));
    assert!(matches!(store.complete(waiting.claim).await, Err(QueueError::Poisoned)));
    assert!(matches!(store.claim(1, SECOND).await, Err(QueueError::Poisoned)));
    assert!(matches!(store.list(Filter::waiting(), None, 1).await, Err(QueueError::Poisoned)));
    assert!(matches!(store.purge(Filter::waiting()).await, Err(QueueError::Poisoned)));
    store.close().await.unwrap();
    let store = open(&folder.file()).await.unwrap();
    assert_eq!(texts(&claim(&store, 10).await), ["good"]);
}

#[tokio::test]
async fn a_read_only_file() {
    let folder = Folder::new();
    open(&folder.file()).await.unwrap().close().await.unwrap();
    let mut permissions = fs::metadata(folder.file()).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(folder.file(), permissions).unwrap();
    assert!(matches!(refused(&folder.file()).await, QueueError::ReadOnly(_)));
}

#[tokio::test]
async fn a_folder_that_does_not_exist() {
    let folder = Folder::new();
    let path = folder.path().join("missing").join("callbacks.queue");
    assert!(matches!(refused(&path).await, QueueError::NoFolder(_)));
    assert!(!path.parent().unwrap().exists());
    let below_a_file = folder.file().join("callbacks.queue");
    fs::write(folder.file(), b"").unwrap();
    assert!(matches!(
        open(&below_a_file).await,
        Err(QueueError::NoFolder(_) | QueueError::Storage(_))
    ));
}

#[tokio::test]
async fn two_queues_on_one_file() {
    let folder = Folder::new();
    let store = open(&folder.file()).await.unwrap();
    add(&store, entry("a", None)).await;
    assert!(matches!(open(&folder.file()).await, Err(QueueError::Locked(_))));
    add(&store, entry("b", None)).await;
    store.close().await.unwrap();
    let store = open(&folder.file()).await.unwrap();
    assert_eq!(texts(&claim(&store, 10).await), ["a", "b"]);
}

/// The child is this test binary itself.
#[tokio::test]
async fn two_processes_on_one_file() {
    let folder = Folder::new();
    let store = open(&folder.file()).await.unwrap();
    add(&store, entry("a", None)).await;
    let child = async || {
        let output = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "refused::opens_if_told", "--nocapture"])
            .env("QUEUE_FILE", folder.file())
            .output()
            .await
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let said = child().await;
    assert!(said.contains("found locked"), "{said}");
    add(&store, entry("b", None)).await;
    store.close().await.unwrap();
    let said = child().await;
    assert!(said.contains("found 2"), "{said}");
}

/// SQLite takes some names for a database in memory. To the queue they are files.
#[tokio::test]
async fn names_that_mean_something_to_sqlite_are_files() {
    for name in [":memory:", "file:x?mode=memory", "file::memory:"] {
        let folder = Folder::new();
        let output = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "refused::opens_if_told", "--nocapture"])
            .env("QUEUE_FILE", name)
            .current_dir(folder.path())
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("found 0"), "{said}");
        assert!(fs::metadata(folder.path().join(name)).unwrap().len() > 0);
    }
}

#[tokio::test]
async fn opens_if_told() {
    let Some(file) = std::env::var_os("QUEUE_FILE") else {
        return;
    };
    match open(Path::new(&file)).await {
        Ok(store) => println!("found {}", store.stats().await.unwrap().waiting),
        Err(error) => println!("found {}", error.as_str()),
    }
}

#[tokio::test]
async fn a_disk_that_hangs_is_an_error_in_time() {
    let folder = Folder::new();
    let store = open(&folder.file()).await.unwrap();
    // No disk answers in no time.
    let late = store.append(entry("a", None), Duration::ZERO).await;
    assert!(matches!(late, Err(QueueError::TimedOut) | Ok(_)));
    let mut claimed = store.claim(1, 10 * SECOND).await.unwrap();
    // It is written all the same.
    assert_eq!(claimed.remove(0).payload.as_deref(), Some("a"));
}
