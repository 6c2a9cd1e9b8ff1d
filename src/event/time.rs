//! When an event happened, wherever its command writes it.

use std::time::SystemTime;

use crate::types::{TimestampMillis, TimestampSecs};

/// When an event happened, in the unit that its command uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventTime {
    /// In **seconds**.
    Secs(TimestampSecs),
    /// In **milliseconds**.
    Millis(TimestampMillis),
}

impl EventTime {
    /// The same time in milliseconds.
    pub const fn to_millis(self) -> TimestampMillis {
        match self {
            EventTime::Secs(time) => time.to_millis(),
            EventTime::Millis(time) => time,
        }
    }

    /// The same time as a [`SystemTime`]. `None` if it is out of range.
    pub fn to_system_time(self) -> Option<SystemTime> {
        self.to_millis().to_system_time()
    }
}

/// What `event!` takes as a time: one field, or a tuple of fields, of which the first that is not
/// `None` counts.
pub(super) trait Timed {
    fn time(self) -> Option<EventTime>;
}

impl Timed for Option<TimestampSecs> {
    fn time(self) -> Option<EventTime> {
        self.map(EventTime::Secs)
    }
}

impl Timed for Option<TimestampMillis> {
    fn time(self) -> Option<EventTime> {
        self.map(EventTime::Millis)
    }
}

impl<A: Timed, B: Timed> Timed for (A, B) {
    fn time(self) -> Option<EventTime> {
        self.0.time().or_else(|| self.1.time())
    }
}

impl<A: Timed, B: Timed, C: Timed> Timed for (A, B, C) {
    fn time(self) -> Option<EventTime> {
        (self.0, self.1).time().or_else(|| self.2.time())
    }
}
