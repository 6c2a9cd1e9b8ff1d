//! Files that older versions have written.

use std::fs;
use std::path::Path;

use tencent_im_callback_queue::store::{Appended, DeadReason, Entry, Store};
use tencent_im_callback_queue::{Filter, Queue, SqliteStore};

use crate::common::{Clock, Folder, MINUTE, SECOND, claim};
use crate::{common, open};

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
