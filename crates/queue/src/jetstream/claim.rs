//! Handing out what may start.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::Instant;

use super::names::LANES;
use super::part::Settled;
use super::{Shared, manager};
use crate::error::QueueError;
use crate::store::Claimed;

/// How often to look at the clock, which may be one of a test.
const TICK: Duration = Duration::from_millis(100);

/// The longest that a claim that does not wait asks the broker what is there.
const ASKED: Duration = Duration::from_secs(10);

impl Shared {
    pub(super) async fn claim(
        self: &Arc<Self>,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Claimed>, QueueError> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let _waiting = Waiting::new(self);
        let end = Instant::now() + wait;
        if wait.is_zero() {
            self.catch_up().await?;
        }
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            self.work()?;
            self.is_connected();
            let (taken, wake) = {
                let mut state = self.lock();
                (state.take(max), state.next_wake().map_or(TICK, Duration::from_millis))
            };
            let rest = end.saturating_duration_since(Instant::now());
            if !taken.is_empty() || rest.is_zero() {
                return Ok(taken);
            }
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(rest.min(TICK).min(wake)) => {}
            }
        }
    }

    /// Owns partitions, if this process does not yet.
    fn work(self: &Arc<Self>) -> Result<(), QueueError> {
        if self.lock().closed {
            return Err(QueueError::Closed);
        }
        let mut manager = self.manager.lock().unwrap_or_else(PoisonError::into_inner);
        if manager.as_ref().is_none_or(tokio::task::JoinHandle::is_finished) {
            let stop = self.stop.subscribe();
            *manager = Some(tokio::spawn(manager::manage(self.clone(), stop)));
        }
        Ok(())
    }

    /// Waits until this process holds all that the broker has for it.
    async fn catch_up(self: &Arc<Self>) -> Result<(), QueueError> {
        let began = Instant::now();
        while began.elapsed() < ASKED {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            self.work()?;
            let settled = {
                let state = self.lock();
                state.looked && state.parts().all(|(_, part)| part.settled != Settled::Nothing)
            };
            if settled && self.has_come().await? {
                return Ok(());
            }
            drop(tokio::time::timeout(Duration::from_millis(5), changed).await);
        }
        Ok(())
    }

    /// Whether the last messages of all lanes have been read, as far as there is room.
    async fn has_come(&self) -> Result<bool, QueueError> {
        let parts: Vec<usize> = self.lock().parts().map(|(partition, _)| partition).collect();
        let lanes = parts.into_iter().flat_map(|partition| LANES.map(|lane| (lane, partition)));
        let lanes = lanes.map(async |(lane, partition)| {
            let last = self.broker.last(lane, partition).await?.unwrap_or(0);
            let state = self.lock();
            let Some((_, part)) = state.parts().find(|(of, _)| *of == partition) else {
                return Ok(true);
            };
            Ok::<_, QueueError>(part.room(lane) == 0 || part.load(lane).read >= last)
        });
        Ok(try_join_all(lanes).await?.into_iter().all(|come| come))
    }
}

/// Counts a claim that waits.
struct Waiting<'a>(&'a Shared);

impl<'a> Waiting<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.lock().waiting += 1;
        if shared.leaving.swap(false, Ordering::SeqCst) {
            shared.left.notify_one();
        }
        Waiting(shared)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.lock().waiting -= 1;
    }
}
