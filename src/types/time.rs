//! Times whose type says the unit: the vendor uses seconds in some fields and milliseconds in
//! others.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

macro_rules! timestamp {
    ($(#[$doc:meta])* $name:ident, $unit:literal, $from:ident, $jiff:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[derive(Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            #[doc = concat!("The number of ", $unit, " since 1970-01-01 00:00 UTC.")]
            pub const fn get(self) -> i64 {
                self.0
            }

            /// The same instant as the standard library writes it; `None` if it lies outside what
            /// that can hold.
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

        impl From<$name> for i64 {
            fn from(time: $name) -> Self {
                time.0
            }
        }

        /// Fails if it lies outside what jiff can hold.
        #[cfg(feature = "jiff")]
        #[cfg_attr(docsrs, doc(cfg(feature = "jiff")))]
        impl TryFrom<$name> for jiff::Timestamp {
            type Error = jiff::Error;

            fn try_from(time: $name) -> Result<Self, jiff::Error> {
                jiff::Timestamp::$jiff(time.0)
            }
        }

        /// A fraction of the unit is dropped.
        #[cfg(feature = "jiff")]
        #[cfg_attr(docsrs, doc(cfg(feature = "jiff")))]
        impl From<jiff::Timestamp> for $name {
            fn from(time: jiff::Timestamp) -> Self {
                TimestampMillis(time.as_millisecond()).into()
            }
        }
    };
}

timestamp! {
    /// Unix time in whole **seconds**.
    TimestampSecs, "seconds", from_secs, from_second
}

timestamp! {
    /// Unix time in **milliseconds**.
    TimestampMillis, "milliseconds", from_millis, from_millisecond
}

/// A time out of range becomes the nearest one in it. A fraction of a millisecond is dropped.
impl From<SystemTime> for TimestampMillis {
    fn from(time: SystemTime) -> Self {
        let millis = |distance: Duration| i64::try_from(distance.as_millis()).unwrap_or(i64::MAX);
        TimestampMillis(match time.duration_since(UNIX_EPOCH) {
            Ok(after) => millis(after),
            Err(before) => -millis(before.duration()),
        })
    }
}

/// A time out of range becomes the nearest one in it. A fraction of a second is dropped.
impl From<SystemTime> for TimestampSecs {
    fn from(time: SystemTime) -> Self {
        TimestampMillis::from(time).into()
    }
}

/// The fraction of a second is dropped.
impl From<TimestampMillis> for TimestampSecs {
    fn from(time: TimestampMillis) -> Self {
        TimestampSecs(time.0.div_euclid(1000))
    }
}

impl From<TimestampSecs> for TimestampMillis {
    fn from(time: TimestampSecs) -> Self {
        time.to_millis()
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
        assert_eq!(TimestampSecs(1_432_000_000).to_millis(), TimestampMillis(1_432_000_000_000));
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

    #[test]
    fn times_go_to_the_standard_library_and_back() {
        for millis in [0, 1, -1, 1_669_872_112_003, -1500] {
            let time = TimestampMillis(millis);
            assert_eq!(TimestampMillis::from(time.to_system_time().unwrap()), time);
            assert_eq!(TimestampSecs::from(time).0, millis.div_euclid(1000));
        }
        assert_eq!(TimestampSecs::from(UNIX_EPOCH + Duration::from_millis(1999)), TimestampSecs(1));
        assert_eq!(i64::from(TimestampSecs(7)), 7);
    }

    #[cfg(feature = "jiff")]
    #[test]
    fn times_go_to_jiff_and_back() {
        let time = jiff::Timestamp::try_from(TimestampMillis(1_669_872_112_003)).unwrap();
        assert_eq!(time.to_string(), "2022-12-01T05:21:52.003Z");
        assert_eq!(TimestampMillis::from(time), TimestampMillis(1_669_872_112_003));
        assert_eq!(TimestampSecs::from(time), TimestampSecs(1_669_872_112));
        assert!(jiff::Timestamp::try_from(TimestampSecs(i64::MAX)).is_err());
    }
}
