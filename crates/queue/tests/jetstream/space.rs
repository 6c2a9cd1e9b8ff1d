//! A stream or a broker that is full.

use tencent_im_callback_queue::store::{Appended, Store};
use tencent_im_callback_queue::{QueueError, StoreOptions};

use super::common::nats::{Nats, is_installed};
use super::common::{SECOND, add, entry, keyed, texts};
use super::{open, server, settings, until, wait_for_one};

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

/// Only one that owns partitions can handle anything, and a lease takes space.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_starts_at_a_broker_without_space_makes_space() {
    if !is_installed() {
        return;
    }
    let nats = Nats::with_storage(1_000_000);
    let endpoint = open(nats.context().await, settings()).await;
    let mut stored = 0;
    // Down to the last byte.
    for size in [3000, 300, 30, 1] {
        loop {
            let entry = keyed(&"x".repeat(size), &stored.to_string());
            match endpoint.append(entry, SECOND).await {
                Ok(_) => stored += 1,
                Err(QueueError::Full) => break,
                // The machine is busy.
                Err(QueueError::Unavailable(_)) => {}
                Err(error) => panic!("{error:?}"),
            }
            assert!(stored < 1000);
        }
    }
    assert!(stored > 50, "{stored}");
    let worker = open(nats.context().await, settings()).await;
    let mut handled = 0;
    while handled < stored {
        for claimed in worker.claim(100, SECOND).await.unwrap() {
            worker.complete(claimed.claim).await.unwrap();
            handled += 1;
        }
    }
    assert_eq!(handled, stored);
    until("done", async || worker.stats().await.unwrap().waiting == 0).await;
    add(&*endpoint, entry("y", None)).await;
    assert_eq!(texts(&[wait_for_one(&*worker).await]), ["y"]);
    // And again: the space for leases was put back.
    let context = nats.context().await;
    until("put back", async || {
        let owners = context.get_stream("test-owners").await.unwrap();
        owners.cached_info().state.bytes > 100_000
    })
    .await;
}
