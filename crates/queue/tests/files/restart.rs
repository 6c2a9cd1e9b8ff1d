//! What survives a restart.

use std::fs;

use tencent_im_callback_queue::store::{Appended, DeadReason, Store};
use tencent_im_callback_queue::{QueueError, SqliteStore};

use crate::common::{Clock, Folder, MINUTE, SECOND, add, claim, claim_one, entry, keyed, texts};
use crate::open;

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
            let counts = "UPDATE meta SET closed = 0, dead = 7, unreadable = 7, unreadable_bytes = \
                7, bytes = 7";
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
