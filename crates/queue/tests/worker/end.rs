//! The end of a worker.

use std::convert::Infallible;

use tencent_im_callback::{Callback, EventRouter};
use tencent_im_callback_queue::store::Store;
use tencent_im_callback_queue::{Delivery, QueueError};
use tower::service_fn;

use crate::common::{MINUTE, SECOND};
use crate::{WORD, entry_of, memory, put};

#[tokio::test(start_paused = true)]
async fn shutdown_waits_and_then_aborts_which_is_no_attempt() {
    let (queue, store) = memory();
    for number in 0..3_u32 {
        put(&store, entry_of(WORD, Some(&number.to_string()))).await;
    }
    let stopped = queue
        .worker(service_fn(move |callback: Callback| async move {
            let delivery: &Delivery = callback.extensions.get().unwrap();
            tokio::time::sleep(5 * SECOND * u32::try_from(delivery.id.sequence()).unwrap()).await;
            Ok::<_, Infallible>(())
        }))
        .grace(11 * SECOND)
        .run(tokio::time::sleep(SECOND))
        .await
        .unwrap();
    assert_eq!((stopped.completed, stopped.aborted, stopped.retried), (2, 1, 0));
    let claimed = store.claim(10, SECOND).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].delivery.attempt, 1);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_dropped_gives_back_what_it_has() {
    let (queue, store) = memory();
    for _ in 0..5 {
        put(&store, entry_of(WORD, None)).await;
    }
    let hangs = service_fn(|_: Callback| std::future::pending::<Result<(), Infallible>>());
    let run = queue.worker(hangs).run(std::future::pending());
    drop(tokio::time::timeout(SECOND, run).await);
    tokio::task::yield_now().await;
    let claimed = store.claim(10, MINUTE).await.unwrap();
    assert_eq!(claimed.len(), 5);
    assert!(claimed.iter().all(|claimed| claimed.delivery.attempt == 1));
}

#[tokio::test]
async fn a_closed_queue_ends_the_worker() {
    let (queue, _) = memory();
    let worker = queue.worker(EventRouter::new());
    let (ended, closed) = tokio::join!(worker.run(std::future::pending()), async {
        tokio::task::yield_now().await;
        queue.close().await
    });
    closed.unwrap();
    assert!(matches!(ended, Err(QueueError::Closed)));
}
