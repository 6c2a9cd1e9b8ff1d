//! Points in time with their unit in the type: the vendor sends seconds here and milliseconds there.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

macro_rules! timestamp {
    ($(#[$doc:meta])* $name:ident, $unit:literal, $from:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            #[doc = concat!("The number of ", $unit, " since 1970-01-01 00:00 UTC.")]
            pub const fn get(self) -> i64 {
                self.0
            }

            /// The same instant as the standard library writes it; `None` if it lies outside what that can hold.
            pub fn to_system_time(self) -> Option<SystemTime> {
                let distance = Duration::$from(self.0.unsigned_abs());
                if self.0 < 0 {
                    UNIX_EPOCH.checked_sub(distance)
                } else {
                    UNIX_EPOCH.checked_add(distance)
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<i64> for $name {
            fn from(value: i64) -> Self {
                $name(value)
            }
        }
    };
}

timestamp! {
    /// Unix time in whole **seconds**.
    TimestampSecs, "seconds", from_secs
}

timestamp! {
    /// Unix time in **milliseconds**.
    TimestampMillis, "milliseconds", from_millis
}

/// At the ends of the range if it does not fit; a part of a millisecond is left out.
impl From<SystemTime> for TimestampMillis {
    fn from(time: SystemTime) -> Self {
        let millis = |distance: Duration| i64::try_from(distance.as_millis()).unwrap_or(i64::MAX);
        TimestampMillis(match time.duration_since(UNIX_EPOCH) {
            Ok(after) => millis(after),
            Err(before) => -millis(before.duration()),
        })
    }
}

/// At the ends of the range if it does not fit; a part of a second is left out.
impl From<SystemTime> for TimestampSecs {
    fn from(time: SystemTime) -> Self {
        TimestampSecs(TimestampMillis::from(time).0.div_euclid(1000))
    }
}

impl TimestampSecs {
    /// The same instant in milliseconds, at the ends of the range if it does not fit.
    pub const fn to_millis(self) -> TimestampMillis {
        TimestampMillis(self.0.saturating_mul(1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_kept_apart() {
        assert_eq!(
            TimestampSecs(1_432_000_000).to_millis(),
            TimestampMillis(1_432_000_000_000)
        );
        assert_eq!(
            TimestampSecs(1_432_000_000).to_system_time(),
            TimestampMillis(1_432_000_000_000).to_system_time()
        );
        assert_eq!(
            TimestampMillis(-1500).to_system_time(),
            UNIX_EPOCH.checked_sub(Duration::from_millis(1500))
        );
        assert_eq!(TimestampSecs(i64::MAX).to_millis(), TimestampMillis(i64::MAX));
    }
}
