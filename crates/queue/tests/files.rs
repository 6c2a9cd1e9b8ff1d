//! The file: who can read it, what survives, and what is done about files that are none of ours,
//! damaged, locked or full.
#![cfg(feature = "sqlite")]

mod common;

use std::fs;
use std::path::Path;
use std::time::Duration;

use common::{Clock, Folder, MINUTE, SECOND, add, claim, claim_one, entry, keyed, texts};
use futures_util::future::join_all;
use rusqlite::Connection;
use tencent_im_callback_queue::store::{Appended, DeadReason, Entry, Store};
use tencent_im_callback_queue::{Filter, Queue, QueueError, SqliteStore, StoreOptions};

async fn open(path: &Path) -> Result<SqliteStore, QueueError> {
    SqliteStore::open(path).await
}

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
async fn what_waits_survives_a_restart() {
    let folder = Folder::new();
    let clock = Clock::new();
    let open = async || SqliteStore::open_with(folder.file(), clock.options()).await.unwrap();
    let store = open().await;
    let first = add(&store, keyed("a", "a")).await;
    add(&store, entry("b", Some("k"))).await;
    add(&store, entry("c", Some("k"))).await;
    let claimed = claim(&store, 10).await;
    assert_eq!(texts(&claimed), ["a", "b"]);
    store.complete(claimed[0].claim).await.unwrap();
    store.retry(claimed[1].claim, "no".to_owned(), MINUTE).await.unwrap();
    let accepted = clock.now();
    store.close().await.unwrap();

    clock.forward(30 * SECOND);
    let store = open().await;
    assert_eq!(store.append(keyed("a", "a"), SECOND).await.unwrap(), Appended::Duplicate(first));
    assert!(claim(&store, 10).await.is_empty());
    clock.forward(30 * SECOND);
    let claimed = claim(&store, 10).await;
    assert_eq!(texts(&claimed), ["b"]);
    assert_eq!((claimed[0].delivery.attempt, claimed[0].delivery.accepted_at), (2, accepted));
    // Not closed: the handle is just dropped, with a claim in hand.
    drop(store);
    let store = loop {
        match SqliteStore::open_with(folder.file(), clock.options()).await {
            Ok(store) => break store,
            Err(QueueError::Locked(_)) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    let claimed = claim_one(&store).await;
    assert_eq!((claimed.payload.as_deref(), claimed.delivery.attempt), (Some("b"), 2));
}

/// The number and the size of unreadable dead letters are bounds, so a restart must not forget
/// them, and a crash neither.
#[tokio::test]
async fn unreadable_dead_letters_are_counted_again_after_a_crash() {
    let folder = Folder::new();
    let store = open(&folder.file()).await.unwrap();
    for text in ["1", "22", "333"] {
        add(&store, entry(text, None)).await;
    }
    let claimed = claim(&store, 10).await;
    let reasons = [DeadReason::BodyUnreadable, DeadReason::Permanent, DeadReason::BodyUnreadable];
    for (claimed, reason) in claimed.iter().zip(reasons) {
        store.bury(claimed.claim, "no".to_owned(), reason).await.unwrap();
    }
    store.close().await.unwrap();
    for crash in [false, true] {
        if crash {
            let conn = rusqlite::Connection::open(folder.file()).unwrap();
            let counts = "UPDATE meta SET closed = 0, dead = 7, unreadable = 7, unreadable_bytes = 7, bytes = 7";
            assert_eq!(conn.execute(counts, ()).unwrap(), 1);
        }
        let store = open(&folder.file()).await.unwrap();
        let stats = store.stats().await.unwrap();
        assert_eq!((stats.dead, stats.bytes), (3, 6), "{crash}");
        assert_eq!((stats.unreadable, stats.unreadable_bytes), (2, 4), "{crash}");
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn ids_are_not_used_again_nor_repeat_in_another_file() {
    let folder = Folder::new();
    let store = open(&folder.file()).await.unwrap();
    let first = add(&store, entry("a", None)).await;
    let claimed = claim_one(&store).await;
    store.complete(claimed.claim).await.unwrap();
    store.close().await.unwrap();
    let store = open(&folder.file()).await.unwrap();
    let second = add(&store, entry("a", None)).await;
    assert!(second > first && second.store() == first.store());
    store.close().await.unwrap();
    fs::remove_file(folder.file()).unwrap();
    let store = open(&folder.file()).await.unwrap();
    let third = add(&store, entry("a", None)).await;
    assert_ne!(third.store(), first.store());
    assert!(matches!(store.requeue(first).await, Err(QueueError::NotFound)));
}

#[tokio::test]
async fn waits_are_kept_when_the_clock_goes_back_between_two_runs() {
    let folder = Folder::new();
    let clock = Clock::new();
    let store = SqliteStore::open_with(folder.file(), clock.options()).await.unwrap();
    add(&store, keyed("a", "a")).await;
    add(&store, entry("b", None)).await;
    let claimed = claim(&store, 2).await;
    store.complete(claimed[0].claim).await.unwrap();
    store.retry(claimed[1].claim, String::new(), MINUTE).await.unwrap();
    store.close().await.unwrap();

    clock.back(60 * MINUTE);
    let store = SqliteStore::open_with(folder.file(), clock.options()).await.unwrap();
    clock.forward(59 * SECOND);
    assert!(claim(&store, 2).await.is_empty());
    clock.forward(SECOND);
    assert_eq!(texts(&claim(&store, 2).await), ["b"]);
    assert!(matches!(store.append(keyed("a", "a"), SECOND).await, Ok(Appended::Duplicate(_))));
    clock.forward(10 * MINUTE);
    assert!(matches!(store.append(keyed("a", "a"), SECOND).await, Ok(Appended::Stored(_))));
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new();
    let store = open(&folder.file()).await.unwrap();
    add(&store, entry("a", None)).await;
    let mut files = 0;
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", file.file_name());
        files += 1;
    }
    // The file, its log, and its lock.
    assert_eq!(files, 3);
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
        "CREATE TRIGGER failing BEFORE INSERT ON entry WHEN new.callback = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END",
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
            .args(["--exact", "opens_what_it_is_told", "--nocapture"])
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
            .args(["--exact", "opens_what_it_is_told", "--nocapture"])
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
async fn opens_what_it_is_told() {
    let Some(file) = std::env::var_os("QUEUE_FILE") else {
        return;
    };
    match open(Path::new(&file)).await {
        Ok(store) => println!("found {}", store.stats().await.unwrap().waiting),
        Err(error) => println!("found {}", error.as_str()),
    }
}

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
        let text = "x".repeat(8000);
        // Many at once, so that batches are large. In the end not one has space.
        let append_all = async || {
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
        };
        let all = async |stored: usize| {
            let mut claimed = Vec::new();
            while claimed.len() < stored {
                claimed.append(&mut claim(&store, 10_000).await);
            }
            claimed
        };
        let stored = append_all().await;
        assert_eq!(stored > 0, some, "{size}");
        // All of them fail, some of them so often that there is no more space for errors.
        for _ in 0..5 {
            for claimed in all(stored).await {
                match store.retry(claimed.claim, "e".repeat(2000), Duration::ZERO).await {
                    Ok(()) => {}
                    Err(QueueError::DiskFull) => store.release(claimed.claim),
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
        let results = all(stored).await;
        let results = results.iter().map(|claimed| store.complete(claimed.claim));
        for result in join_all(results).await {
            result.unwrap();
        }
        // The space in the file is used again.
        let again = append_all().await;
        assert!(again >= stored / 2 && (again > 0) == some, "{size}: {again} of {stored}");
        let claimed = all(again).await;
        for result in join_all(claimed.iter().map(|claimed| store.complete(claimed.claim))).await {
            result.unwrap();
        }
        if some {
            store.append(Entry::new(text.clone()), SECOND).await.unwrap();
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

/// The file of every format, kept for the versions to come. To write that of today's format anew:
/// `WRITE_FIXTURE=1 cargo test -p tencent-im-callback-queue --test files fixture`.
#[tokio::test]
async fn fixtures_of_every_format_are_read() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1.queue");
    if std::env::var_os("WRITE_FIXTURE").is_some() {
        write_fixture(&fixture).await;
    }
    fixture_is_read(&fixture).await;
}

async fn fixture_is_read(fixture: &Path) {
    let folder = Folder::new();
    fs::copy(fixture, folder.file()).unwrap();
    let queue = Queue::open(folder.file()).await.unwrap();
    let stats = queue.stats().await.unwrap();
    assert_eq!((stats.waiting, stats.retrying, stats.dead), (3, 1, 1));
    let mut lines = Vec::new();
    queue.export(Filter::waiting(), &mut lines).await.unwrap();
    queue.export(Filter::dead(), &mut lines).await.unwrap();
    let lines = String::from_utf8(lines).unwrap();
    assert_eq!(lines.lines().count(), 4);
    assert!(
        lines.contains("State.StateChange") && lines.contains("Sns.CallbackFriendDelete"),
        "{lines}"
    );
    for record in queue.dead_letters(tencent_im_callback_queue::Page::of(10)).await.unwrap() {
        assert_eq!(record.error.as_deref(), Some("a failure"));
        assert_eq!(record.trace_context.as_deref(), Some(FIXTURE_CONTEXT));
        record.callback().unwrap().parse().unwrap();
    }
    queue.close().await.unwrap();
    let store = open(&folder.file()).await.unwrap();
    // What waits and what is dead is remembered. When the one that was handled is forgotten, only
    // the clock says.
    for word in FIXTURE_WORDS.into_iter().filter(|word| *word != FIXTURE_HANDLED) {
        let entry = Entry::of(&common::callback(word)).unwrap();
        let keyed = entry.dedup_key.is_some();
        let appended = store.append(entry, SECOND).await.unwrap();
        assert_eq!(matches!(appended, Appended::Duplicate(_)), keyed, "{word}");
        assert!(keyed || word.starts_with("Sns."), "{word}");
    }
    let claimed = store.claim(10, 10 * SECOND).await.unwrap();
    assert!(claimed.len() >= 3);
    assert!(claimed.iter().any(|claimed| claimed.delivery.attempt == 2));
    let traced = claimed.iter().filter(|claimed| claimed.delivery.trace_context.is_some());
    assert_eq!(traced.count(), 3);
}

const FIXTURE_WORDS: [&str; 5] = [
    "State.StateChange",
    "Sns.CallbackFriendDelete",
    "C2C.CallbackAfterSendMsg",
    "Group.CallbackAfterSendMsg",
    "Sns.CallbackFriendAdd",
];
const FIXTURE_HANDLED: &str = "C2C.CallbackAfterSendMsg";
const FIXTURE_CONTEXT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn write_fixture(path: &Path) {
    drop(fs::remove_file(path));
    let clock = Clock::new();
    let store = SqliteStore::open_with(path, clock.options()).await.unwrap();
    for word in FIXTURE_WORDS {
        let mut entry = Entry::of(&common::callback(word)).unwrap();
        entry.trace_context = Some(FIXTURE_CONTEXT.to_owned());
        store.append(entry, SECOND).await.unwrap();
    }
    let claimed = claim(&store, 10).await;
    // The two of friends are of one account.
    assert_eq!(claimed.len(), 4);
    store.retry(claimed[0].claim, "a failure".to_owned(), MINUTE).await.unwrap();
    store.bury(claimed[1].claim, "a failure".to_owned(), DeadReason::Permanent).await.unwrap();
    store.complete(claimed[2].claim).await.unwrap();
    store.close().await.unwrap();
    let mut lock = path.as_os_str().to_owned();
    lock.push("-lock");
    fs::remove_file(lock).unwrap();
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
