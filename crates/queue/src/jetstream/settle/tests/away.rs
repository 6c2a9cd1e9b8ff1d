//! How a claim ends while the broker is away.

use std::sync::Arc;

use tokio::time::Instant;

use super::super::super::broker::Broker;
use super::super::super::lease::Lease;
use super::super::super::names::Names;
use super::super::super::options::JetStream;
use super::super::super::part::Settled;
use super::*;

/// A queue whose client has never had a connection, and owns its one partition.
async fn away() -> (Shared, Arc<Lease>) {
    let options =
        async_nats::ConnectOptions::new().retry_on_initial_connect().request_timeout(Some(AGAIN));
    let client = options.connect("nats://127.0.0.1:1").await.unwrap();
    let mut context = async_nats::jetstream::new(client.clone());
    context.set_timeout(AGAIN);
    let settings = JetStream::new("test").partitions(1);
    let broker = Broker { context, client, names: Names("test".to_owned()) };
    let shared = Shared::new(broker, settings, 1000);
    let lease = Lease::new(Instant::now() + Duration::from_secs(60));
    let mut state = shared.lock();
    let epoch = state.own(0, lease.clone());
    state.read_anew(0, epoch);
    state.settled(0, epoch, Settled::All);
    state.arrive(0, epoch, job(Lane::New));
    drop(state);
    (shared, lease)
}

fn take(shared: &Shared) -> Vec<Claim> {
    shared.lock().take(9).into_iter().map(|claimed| claimed.claim).collect()
}

fn is_unavailable(result: Result<(), QueueError>) -> bool {
    matches!(result, Err(QueueError::Unavailable(_)))
}

fn is_lost(result: Result<(), QueueError>) -> bool {
    matches!(result, Err(QueueError::ClaimLost))
}

/// For instance by a worker that gives up, or ends.
#[tokio::test]
async fn what_is_given_back_since_its_retry_was_not_stored_starts_again() {
    let (shared, _lease) = away().await;
    let claim = take(&shared)[0];
    let hour = Duration::from_secs(3600);
    assert!(is_unavailable(shared.retry(claim, "why".to_owned(), hour).await));
    assert!(shared.extend(claim).is_ok(), "it may be tried again");
    shared.lock().release(claim);
    assert_eq!(take(&shared).len(), 1);
}

#[tokio::test]
async fn what_was_not_stored_elsewhere_is_not_done() {
    let (shared, _lease) = away().await;
    let claim = take(&shared)[0];
    assert!(is_unavailable(shared.bury(claim, "why".to_owned(), DeadReason::Attempts).await));
    assert!(shared.extend(claim).is_ok());
    assert_eq!(shared.lock().counts.buried, 0);
}

#[tokio::test]
async fn a_deletion_is_tried_until_the_lease_is_lost() {
    let (shared, lease) = away().await;
    let claim = take(&shared)[0];
    let shared = Arc::new(shared);
    let completed = tokio::spawn({
        let shared = shared.clone();
        async move { shared.complete(claim, |counts| counts.completed += 1).await }
    });
    tokio::time::sleep(3 * AGAIN).await;
    // It is over, and may be renewed.
    lease.extend(Instant::now());
    assert!(is_lost(shared.extend(claim)), "what still runs is stopped");
    tokio::time::sleep(3 * AGAIN).await;
    assert!(!completed.is_finished());
    lease.lose();
    assert!(is_lost(completed.await.unwrap()));
    assert_eq!(shared.lock().counts.completed, 0);
    assert!(is_lost(shared.extend(claim)));
    assert!(is_lost(shared.retry(claim, "why".to_owned(), Duration::ZERO).await));
    assert!(is_lost(shared.bury(claim, "why".to_owned(), DeadReason::Attempts).await));
}

#[tokio::test]
async fn a_closed_store_ends_nothing() {
    let (shared, _lease) = away().await;
    let claim = take(&shared)[0];
    shared.lock().closed = true;
    assert!(matches!(shared.extend(claim), Err(QueueError::Closed)));
    let completed = shared.complete(claim, |_| ()).await;
    assert!(matches!(completed, Err(QueueError::Closed)), "{completed:?}");
}
