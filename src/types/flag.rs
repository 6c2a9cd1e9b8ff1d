//! Numbers that mean yes or no.

use serde::{Deserialize, Serialize};

/// An integer that the vendor documents as 0 or 1. Any other value is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Flag(pub i64);

impl Flag {
    /// 0.
    pub const OFF: Flag = Flag(0);
    /// 1.
    pub const ON: Flag = Flag(1);

    /// Whether it is not 0.
    pub const fn is_set(self) -> bool {
        self.0 != 0
    }
}

impl From<i64> for Flag {
    fn from(value: i64) -> Self {
        Flag(value)
    }
}

impl From<bool> for Flag {
    fn from(value: bool) -> Self {
        Flag(value.into())
    }
}

/// Whether it is not 0.
impl From<Flag> for bool {
    fn from(flag: Flag) -> Self {
        flag.is_set()
    }
}

impl From<Flag> for i64 {
    fn from(flag: Flag) -> Self {
        flag.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_a_truth_value_and_a_number() {
        assert!(bool::from(Flag::ON) && bool::from(Flag(2)) && !bool::from(Flag::OFF));
        assert_eq!((i64::from(Flag(2)), Flag::from(true)), (2, Flag::ON));
    }
}
