//! A stream or a broker that is full.

use tencent_im_callback_queue::store::{Appended, Store};
use tencent_im_callback_queue::{QueueError, StoreOptions};

use super::common::nats::{Nats, is_installed};
use super::common::{SECOND, add, entry, keyed, texts};
use super::{SHORT, open, server, settings, until, wait_for_one};

#[tokio::test]
async fn a_full_stream_refuses_and_has_room_again() {
    let nats = server!();
    let options = StoreOptions::new().max_rows(3).dedup_window(SECOND);
    let store = open(nats.context().await, settings().options(options)).await;
    for number in 0..3 {
        add(&*store, keyed("x", &number.to_string())).await;
    }
    assert!(matches!(store.append(entry("y", None), 2 * SECOND).await, Err(QueueError::Full)));
    // A repeat takes no room.
    let again = store.append(keyed("x", "0"), 10 * SECOND).await.unwrap();
    assert!(matches!(again, Appended::Duplicate(_)));
    for claimed in store.claim(3, SECOND).await.unwrap() {
        store.complete(claimed.claim).await.unwrap();
    }
    assert!(matches!(store.append(entry("y", None), 20 * SECOND).await, Ok(Appended::Stored(_))));
}

/// A worker that owns partitions goes on, and makes space, at a broker that has none left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_without_space_lets_workers_go_on() {
    if !is_installed() {
        return;
    }
    let nats = Nats::with_storage(300_000);
    // It cannot renew its leases until there is space again.
    let store = open(nats.context().await, settings().ack_wait(60 * SECOND)).await;
    assert!(store.claim(1, SHORT).await.unwrap().is_empty());
    let mut stored = 0;
    // Down to the last byte.
    for size in [3000, 300, 30, 1] {
        loop {
            match store.append(keyed(&"x".repeat(size), &stored.to_string()), SHORT).await {
                Ok(_) => stored += 1,
                Err(QueueError::Full) => break,
                Err(error) => panic!("{error:?}"),
            }
            assert!(stored < 1000);
        }
    }
    assert!(stored > 50, "{stored}");
    let mut handled = 0;
    while handled < stored {
        for claimed in store.claim(100, SECOND).await.unwrap() {
            store.complete(claimed.claim).await.unwrap();
            handled += 1;
        }
    }
    assert_eq!(handled, stored);
    until("done", async || store.stats().await.unwrap().waiting == 0).await;
    add(&*store, entry("y", None)).await;
    assert_eq!(texts(&[wait_for_one(&*store).await]), ["y"]);
}
