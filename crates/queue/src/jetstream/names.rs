//! Names of streams and subjects, and of what stands in their metadata.

use std::hash::{BuildHasher, RandomState};

use tencent_im_callback::OrderKey;

use super::wire::Position;
use crate::delivery::DeliveryId;

/// The layout, in the metadata of the stream.
pub(super) const LAYOUT: &str = "3";

/// The keys of the metadata.
pub(super) const STORE: &str = "store";
pub(super) const PARTITIONS: &str = "partitions";
pub(super) const LEASE: &str = "lease_ms";

/// Where a callback waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Lane {
    /// As it was accepted.
    New,
    /// After a failed attempt, or requeued.
    Retry,
}

pub(super) const LANES: [Lane; 2] = [Lane::Retry, Lane::New];

/// One queue's names, from its own.
#[derive(Clone, Debug)]
pub(super) struct Names(pub(super) String);

impl Names {
    pub(super) fn stream(&self, lane: Lane) -> String {
        match lane {
            Lane::New => self.0.clone(),
            Lane::Retry => format!("{}-retry", self.0),
        }
    }

    pub(super) fn dead(&self) -> String {
        format!("{}-dead", self.0)
    }

    pub(super) fn owners(&self) -> String {
        format!("{}-owners", self.0)
    }

    /// Where workers say that they are there. Nothing is stored of it.
    pub(super) fn news(&self) -> String {
        format!("{}-news", self.0)
    }

    /// A stream of the first layout, which the new one does not have.
    pub(super) fn old(&self) -> String {
        format!("{}-state", self.0)
    }

    pub(super) fn subject(&self, partition: usize) -> String {
        format!("{}.{partition}", self.stream(Lane::New))
    }

    /// With the id, so that retries can be listed in the order of acceptance.
    pub(super) fn retry_subject(&self, partition: usize, id: DeliveryId) -> String {
        format!("{}.{partition}.{id}", self.stream(Lane::Retry))
    }

    /// The subjects of a partition.
    pub(super) fn filter(&self, lane: Lane, partition: usize) -> String {
        match lane {
            Lane::New => self.subject(partition),
            Lane::Retry => format!("{}.{partition}.*", self.stream(lane)),
        }
    }

    pub(super) fn dead_subject(&self, id: DeliveryId) -> String {
        format!("{}.{id}", self.dead())
    }

    pub(super) fn owner_subject(&self, partition: usize) -> String {
        format!("{}.{partition}", self.owners())
    }

    /// Not the subject of a partition: a message that is there for its size.
    pub(super) fn reserve(&self) -> String {
        format!("{}.reserve", self.owners())
    }
}

/// The partition of a callback that has been stored.
pub(super) fn partition_of(key: Option<OrderKey>, first: Position, partitions: usize) -> usize {
    let Some(key) = key else { return spread(first.sequence, partitions) };
    spread(start_of(key.as_bytes()), partitions)
}

/// The first eight bytes of a digest: any bytes of it are a hash.
pub(super) fn start_of(digest: &[u8; 32]) -> u64 {
    digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// The partition of a callback that is yet to be stored.
pub(super) fn partition_for(
    key: Option<OrderKey>,
    random: &RandomState,
    partitions: usize,
) -> usize {
    let sequence = if key.is_some() { 0 } else { random.hash_one(std::time::Instant::now()) };
    partition_of(key, Position { sequence, stored: 0 }, partitions)
}

fn spread(hash: u64, partitions: usize) -> usize {
    usize::try_from(hash % (partitions as u64)).unwrap_or(0)
}
