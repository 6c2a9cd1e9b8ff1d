//! How callbacks in the background end, as users see it.

use std::fmt;

use crate::error::HandlerError;
use crate::stored::StoredCallback;

/// How background work failed, as passed to
/// [`DetachLayer::on_failure`](crate::DetachLayer::on_failure).
#[derive(Debug)]
#[non_exhaustive]
pub enum DetachFailure {
    /// The service returned an error, or answered [`FAIL`](crate::Reply::failure).
    Error(HandlerError),
    /// The service panicked, with this text: what [`Failure::message`](crate::Failure::message) is
    /// for a panic before the answer.
    Panic(String),
    /// The runtime ended before the service did, without a [`drain`](crate::DetachLayer::drain).
    Aborted,
}

impl DetachFailure {
    pub(super) fn into_error(self) -> HandlerError {
        match self {
            DetachFailure::Error(error) => error,
            other => HandlerError::new(other.to_string()),
        }
    }
}

/// The error with its sources, escaped: it may quote what a peer sent.
impl fmt::Display for DetachFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DetachFailure::Error(error) => write!(f, "{error:?}"),
            DetachFailure::Panic(text) => f.write_str(text),
            DetachFailure::Aborted => f.write_str("the runtime ended before the service did"),
        }
    }
}

/// Identifies one callback in the background: a number, unique for its layer. The handler finds it
/// in the callback's extensions, and [`Drained::unfinished`] has it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DetachId(pub(super) u64);

impl fmt::Display for DetachId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The result of [`drain`](crate::DetachLayer::drain): how the callbacks in the background ended.
#[derive(Clone)]
#[non_exhaustive]
#[must_use = "unfinished callbacks are lost with it"]
pub struct Drained {
    /// Tasks that completed during the drain, successfully or not.
    pub finished: usize,
    /// The callbacks that did not finish and were aborted, in the form to store and handle later. A
    /// handler that blocks its thread for another second cannot be aborted, so one of these **may
    /// still complete**; the id tells you which.
    pub unfinished: Vec<(DetachId, StoredCallback)>,
}

/// Without the bodies.
impl fmt::Debug for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drained")
            .field("finished", &self.finished)
            .field("unfinished", &self.unfinished.len())
            .finish()
    }
}

/// Counts since the layer was made. Clones of the layer share them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DetachStats {
    /// In the background now.
    pub running: usize,
    /// The bytes of the callbacks in the background now: body and URL, rounded up to 1 KiB for
    /// each.
    pub running_bytes: usize,
    /// Answered before they were handled: `running`, `succeeded`, `unfinished`, or `failed`.
    pub detached: u64,
    /// Of those, handled without an error, and not answered [`FAIL`](crate::Reply::failure).
    pub succeeded: u64,
    /// Of these, duplicates that a `Dedup` inside answered from memory.
    pub duplicates: u64,
    /// Failed as [`DetachFailure`] says: of those, and of the callbacks that ran before their
    /// answer because they came after a drain had begun.
    pub failed: u64,
    /// Of those, returned by [`drain`](crate::DetachLayer::drain) as unfinished.
    pub unfinished: u64,
    /// Not answered in time because too many were in flight.
    pub overloaded: u64,
    /// Not answered because the caller closed the connection while the callback waited.
    pub abandoned: u64,
}
