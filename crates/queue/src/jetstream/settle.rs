//! How a claim ends. A message ends when it is deleted; what is not done has been stored elsewhere
//! before.

use std::time::Duration;

use super::broker::PATIENCE;
use super::claims::Held;
use super::job::{Job, Place};
use super::part::Expected;
use super::wire::Meta;
use super::{AGAIN, Shared};
use crate::error::QueueError;
use crate::options::millis;
use crate::store::{Claim, DeadReason, Stats, bounded};

impl Shared {
    pub(super) async fn complete(
        &self,
        claim: Claim,
        count: impl Fn(&mut Stats),
    ) -> Result<(), QueueError> {
        self.delete(claim).await?;
        self.end(claim, count);
        Ok(())
    }

    pub(super) async fn retry(
        &self,
        claim: Claim,
        error: String,
        delay: Duration,
    ) -> Result<(), QueueError> {
        let held = self.held_again(claim).await?;
        let Held { partition, job, .. } = &held;
        let now = self.now()?;
        let (meta, expected) = failed(job, error, now, millis(delay), self.max_block());
        let attempts = meta.attempts;
        // Before it is published: it may arrive before the answer.
        if let Some(part) = self.lock().part_of(claim) {
            part.expect(job, attempts, expected);
        }
        let id = message_id(job, "retry", &format!(".{attempts}"));
        let subject = self.retry_subject(*partition, job.id());
        let headers = meta.headers(Some(&id));
        let sent = self.broker.publish(subject, headers, job.payload.clone(), PATIENCE).await;
        if let Err(error) = sent {
            if let Some(part) = self.lock().part_of(claim) {
                part.expect_no_more(job, attempts);
            }
            return Err(error.into());
        }
        self.delete(claim).await?;
        self.end(claim, |counts| counts.retried += 1);
        Ok(())
    }

    pub(super) async fn bury(
        &self,
        claim: Claim,
        error: String,
        reason: DeadReason,
    ) -> Result<(), QueueError> {
        let held = self.held_again(claim).await?;
        let job = &held.job;
        let meta = Meta {
            first: Some(job.first()),
            attempts: job.meta.attempts.saturating_add(1),
            error: Some(bounded(error)),
            dead_at: Some(self.now()?),
            reason: Some(reason.as_str().to_owned()),
            ..job.meta.clone()
        };
        let id = message_id(job, "dead", "");
        let subject = self.broker.names.dead_subject(job.id()).into();
        let headers = meta.headers(Some(&id));
        self.broker.publish(subject, headers, job.payload.clone(), PATIENCE).await?;
        self.delete(claim).await?;
        let unreadable = reason == DeadReason::BodyUnreadable;
        self.end(claim, |counts| {
            counts.buried += 1;
            if unreadable {
                counts.unreadable += 1;
                counts.unreadable_bytes += job.payload.len() as u64;
            }
        });
        Ok(())
    }

    pub(super) async fn bury_unsigned(
        &self,
        claim: Claim,
        error: String,
    ) -> Result<bool, QueueError> {
        let size = self.held(claim)?.job.payload.len() as u64;
        let there = self.lock().counts.unreadable_bytes;
        if self.settings.options.keeps_unreadable(there, size) {
            self.bury(claim, error, DeadReason::BodyUnreadable).await?;
            return Ok(true);
        }
        self.complete(claim, |counts| counts.dropped += 1).await?;
        Ok(false)
    }

    /// The handler is still running. The lease of its partition says so to the others.
    pub(super) fn extend(&self, claim: Claim) -> Result<(), QueueError> {
        if self.held(claim)?.holds { Ok(()) } else { Err(QueueError::ClaimLost) }
    }

    fn held(&self, claim: Claim) -> Result<Held, QueueError> {
        let state = self.lock();
        if state.closed {
            return Err(QueueError::Closed);
        }
        state.held(claim).ok_or(QueueError::ClaimLost)
    }

    /// While the lease is over and not lost, the broker is away. What is done by then need not be
    /// done again if the lease can be renewed.
    async fn held_again(&self, claim: Claim) -> Result<Held, QueueError> {
        loop {
            let held = self.held(claim)?;
            if held.holds {
                return Ok(held);
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Deletes the message until the broker confirms it, or the lease is lost.
    ///
    /// If the stream was set back, another message may have its sequence number by now, and must
    /// not be deleted. If the old one is there again, it is read again, and known.
    async fn delete(&self, claim: Claim) -> Result<(), QueueError> {
        let mut is_repeated = false;
        loop {
            let Held { is_current, job, .. } = self.held_again(claim).await?;
            let Place { lane, at } = job.place;
            let stream = self.broker.names.stream(lane);
            let is_sure = is_current && !is_repeated;
            let is_there = if is_sure { Ok(true) } else { self.broker.has(&stream, at).await };
            let deleted = match is_there {
                Ok(true) => self.broker.delete(&stream, at.sequence).await.map(drop),
                Ok(false) => Ok(()),
                Err(error) => Err(error),
            };
            self.told(deleted.as_ref().map(drop));
            if deleted.is_ok() {
                return Ok(());
            }
            is_repeated = true;
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Deletes a message of which this process has another, once.
    pub(super) async fn forget(&self, job: &Job) {
        let Place { lane, at } = job.place;
        let stream = self.broker.names.stream(lane);
        if let Ok(true) = self.broker.has(&stream, at).await {
            drop(self.broker.delete(&stream, at.sequence).await);
        }
    }

    fn end(&self, claim: Claim, count: impl Fn(&mut Stats)) {
        let mut state = self.lock();
        state.end(claim);
        count(&mut state.counts);
        drop(state);
        self.changed.notify_waiters();
    }
}

/// What is written about a failed attempt, and when the next one is.
fn failed(job: &Job, error: String, now: i64, delay: i64, max_block: i64) -> (Meta, Expected) {
    let aside = job.aside.unwrap_or_else(|| now.saturating_add(max_block));
    let out_of_order = job.meta.out_of_order || (job.blocks() && aside <= now);
    let meta = Meta {
        first: Some(job.first()),
        attempts: job.meta.attempts.saturating_add(1),
        error: Some(bounded(error)),
        delay,
        blocked: max_block.saturating_sub(aside.saturating_sub(now)),
        out_of_order,
        ..job.meta.clone()
    };
    (meta, Expected { due: now.saturating_add(delay), aside, out_of_order })
}

/// An id that is the same only if the same move of the same callback is published again, since its
/// answer was lost.
fn message_id(job: &Job, kind: &str, more: &str) -> String {
    let (first, generation) = job.life();
    format!("{}-{:x} {kind} {generation}{more}", job.id(), first.stored)
}

#[cfg(test)]
mod tests;
