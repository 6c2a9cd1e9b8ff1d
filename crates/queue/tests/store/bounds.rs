//! Bounds of a store, and what it keeps as it came.

use std::time::Duration;

use tencent_im_callback_queue::store::{Appended, DeadReason, Entry};
use tencent_im_callback_queue::{Filter, QueueError};

use crate::common::{Clock, SECOND, add, claim, claim_one, entry, keyed, texts};
use crate::{Make, common};

pub(crate) async fn bytes_are_those_of_the_callbacks(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    for text in ["one", "three", "five", "seven"] {
        add(&*store, entry(text, None)).await;
    }
    let bytes = async || store.stats().await.unwrap().bytes;
    assert_eq!(bytes().await, 17);
    let claimed = claim(&*store, 2).await;
    store.complete(claimed[0].claim).await.unwrap();
    assert_eq!(bytes().await, 14);
    store.bury(claimed[1].claim, "no".to_owned(), DeadReason::Permanent).await.unwrap();
    assert_eq!(bytes().await, 14);
    store.purge(Filter::dead()).await.unwrap();
    store.purge(Filter::waiting()).await.unwrap();
    assert_eq!(bytes().await, 0);
}

pub(crate) async fn bounds_of_rows_and_bytes(make: &Make, clock: Clock) {
    let store = make(clock.options().max_rows(3).max_bytes(10)).await;
    let wait = Duration::from_millis(20);
    add(&*store, keyed("1234", "a")).await;
    add(&*store, entry("1234", None)).await;
    assert!(matches!(store.append(entry("123", None), wait).await, Err(QueueError::Full)));
    add(&*store, entry("12", None)).await;
    assert!(matches!(store.append(entry("", None), wait).await, Err(QueueError::Full)));
    // A repeat takes no room.
    assert!(matches!(store.append(keyed("1234", "a"), wait).await, Ok(Appended::Duplicate(_))));
    // Dead letters do.
    let claimed = claim_one(&*store).await;
    store.bury(claimed.claim, String::new(), DeadReason::Permanent).await.unwrap();
    assert!(matches!(store.append(entry("", None), wait).await, Err(QueueError::Full)));
    store.purge(Filter::dead()).await.unwrap();
    add(&*store, entry("1234", None)).await;
}

pub(crate) async fn room_is_waited_for(make: &Make, clock: Clock) {
    let store = make(clock.options().max_rows(1)).await;
    add(&*store, entry("a", None)).await;
    let claimed = claim_one(&*store).await;
    let (appended, completed) = tokio::join!(store.append(entry("b", None), 10 * SECOND), async {
        tokio::task::yield_now().await;
        store.complete(claimed.claim).await
    });
    completed.unwrap();
    assert!(matches!(appended, Ok(Appended::Stored(_))));
    assert_eq!(texts(&claim(&*store, 10).await), ["b"]);
}

pub(crate) async fn too_large_bodies_are_refused(make: &Make, clock: Clock) {
    let store = make(clock.options().max_body(10)).await;
    add(&*store, Entry::new("x".repeat(10))).await;
    let refused = store.append(Entry::new("x".repeat(11)), SECOND).await;
    assert!(matches!(refused, Err(QueueError::TooLarge { size: 11, max: 10 })));
}

pub(crate) async fn any_text_is_kept(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    let long = "長".repeat(100_000);
    let texts = ["", "\0", "a\0b", "'; DROP TABLE entry; --", "😀", &long];
    for text in texts {
        add(&*store, entry(text, None)).await;
    }
    assert_eq!(common::texts(&claim(&*store, 10).await), texts);
}

/// A body that cannot be read is stored as it came: a notification is not sent again.
pub(crate) async fn any_bytes_of_a_body_are_kept(make: &Make, clock: Clock) {
    let store = make(clock.options()).await;
    let bodies: [&[u8]; 7] = [
        b"",
        b"{\"x\":\"spam\xff\"}",
        b"\xef\xbb\xbf{}",
        b"\xed\xa0\xbd",
        b"\0\x01\n\"\\",
        b"{\"PairList\":[],",
        "\u{2028}長".as_bytes(),
    ];
    for body in bodies {
        let callback = common::callback_with("Sns.CallbackFriendDelete", body);
        add(&*store, Entry::of(&callback).unwrap()).await;
    }
    let claimed = claim(&*store, 10).await;
    let stored = common::texts(&claimed).into_iter();
    let read = stored
        .map(|text| serde_json::from_str::<tencent_im_callback::StoredCallback>(text).unwrap());
    assert!(read.map(|stored| stored.body).eq(bodies));
}
