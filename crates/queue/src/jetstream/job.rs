//! A message that this process has read, and what it is known by.

use bytes::Bytes;
use tencent_im_callback::OrderKey;

use super::names::Lane;
use super::wire::{Meta, Position};
use crate::delivery::DeliveryId;

/// One message of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) at: Position,
    pub(super) lane: Lane,
}

/// Callbacks with the same one run one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Order(OrderKey),
    /// It has no order key.
    Own(Position),
}

/// A message that this process has read.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) place: Place,
    /// In which reading of the stream it was met last.
    pub(super) reading: u64,
    pub(super) meta: Meta,
    pub(super) payload: Bytes,
    /// Whether its metadata can be read.
    pub(super) readable: bool,
    /// When it may start: only of retries.
    pub(super) due: i64,
    /// When it no longer blocks its key: only of retries.
    pub(super) aside: Option<i64>,
    /// The claim.
    pub(super) running: Option<u64>,
    /// Somebody has deleted it while it runs: then it does not come again.
    pub(super) purged: bool,
}

impl Job {
    /// As it is read: nothing has become of it yet.
    pub(super) fn new(place: Place, meta: Meta, payload: Bytes) -> Self {
        Job {
            place,
            reading: 0,
            meta,
            payload,
            readable: true,
            due: 0,
            aside: None,
            running: None,
            purged: false,
        }
    }

    /// Where it was stored first.
    pub(super) fn first(&self) -> Position {
        self.meta.first.unwrap_or(self.place.at)
    }

    pub(super) fn id(&self) -> DeliveryId {
        DeliveryId::new(self.meta.id, self.first().sequence)
    }

    pub(super) fn key(&self) -> Key {
        self.meta.order_key().map_or(Key::Own(self.first()), Key::Order)
    }

    /// Whether it blocks later ones of its key while it waits for its retry.
    pub(super) fn blocks(&self) -> bool {
        self.meta.order.is_some() && !self.meta.out_of_order
    }

    /// The callback, in this of its lives.
    pub(super) fn life(&self) -> Life {
        (self.first(), self.meta.generation)
    }
}

/// The first position, and how often it was requeued.
pub(super) type Life = (Position, u32);
