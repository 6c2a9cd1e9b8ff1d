//! What holds on to a claim while its callback is handled.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::error::QueueError;
use crate::store::{Claim, Store};

/// The claim has ended.
struct Lost;

/// Extends a claim for as long as this lives.
pub(super) struct LeaseKeeper {
    lost: oneshot::Receiver<Lost>,
    task: AbortHandle,
}

impl LeaseKeeper {
    pub(super) fn new(store: Arc<dyn Store>, claim: Claim, lease: Duration) -> Self {
        let (tell, lost) = oneshot::channel();
        let extend = async move {
            loop {
                tokio::time::sleep(lease / 3).await;
                if let Err(QueueError::ClaimLost) = store.extend(claim).await {
                    drop(tell.send(Lost));
                    return;
                }
            }
        };
        let task = tokio::spawn(extend).abort_handle();
        LeaseKeeper { lost, task }
    }

    /// Ends when the claim has ended.
    pub(super) async fn lost(&mut self) {
        if (&mut self.lost).await.is_err() {
            // The task has panicked. Whether the claim holds is found out when the callback is
            // settled.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for LeaseKeeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Gives a claim back, unless it was settled: a task may be aborted at any time, and a claim that
/// was lost for a while may be in the way of the next one.
pub(super) struct ClaimGuard {
    store: Arc<dyn Store>,
    claim: Option<Claim>,
}

impl ClaimGuard {
    pub(super) fn new(store: Arc<dyn Store>, claim: Claim) -> Self {
        ClaimGuard { store, claim: Some(claim) }
    }

    pub(super) fn forget(&mut self) {
        self.claim = None;
    }
}

impl Drop for ClaimGuard {
    fn drop(&mut self) {
        if let Some(claim) = self.claim.take() {
            self.store.release(claim);
        }
    }
}
