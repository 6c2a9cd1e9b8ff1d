//! The error codes that an app may choose. Each command has its own range.

use std::fmt;
use std::ops::RangeInclusive;

/// A code from `FIRST` to `LAST`, both included.
///
/// The modules of the replies have names for these types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code<const FIRST: u32, const LAST: u32>(u32);

/// The code is outside the range of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCodeError {
    code: u32,
    first: u32,
    last: u32,
}

impl fmt::Display for InvalidCodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let InvalidCodeError { code, first, last } = self;
        write!(f, "code {code} is not between {first} and {last}")
    }
}

impl std::error::Error for InvalidCodeError {}

impl<const FIRST: u32, const LAST: u32> Code<FIRST, LAST> {
    /// The codes of this type.
    pub const RANGE: RangeInclusive<u32> = FIRST..=LAST;

    /// A code that is known at run time.
    ///
    /// # Errors
    ///
    /// [`InvalidCodeError`] if it is outside the range.
    pub const fn new(code: u32) -> Result<Self, InvalidCodeError> {
        if code >= FIRST && code <= LAST {
            Ok(Code(code))
        } else {
            Err(InvalidCodeError { code, first: FIRST, last: LAST })
        }
    }

    /// A code that is known at compile time. A code outside the range does not compile.
    ///
    /// The compiler checks it in `cargo build`, but not in `cargo check`, so an editor does not
    /// show the error. In a constant, both check it: `const SPAM: RejectCode =
    /// RejectCode::of::<120_001>();`.
    ///
    /// ```compile_fail
    /// let _ = tencent_im_callback::reply::sns::RejectCode::of::<1>();
    /// ```
    pub const fn of<const CODE: u32>() -> Self {
        const {
            assert!(CODE >= FIRST && CODE <= LAST, "the code is not one that this command takes");
        };
        Code(CODE)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_belong_to_the_range() {
        type Range = Code<10, 20>;
        for code in [10, 15, 20] {
            assert_eq!(Range::new(code).unwrap().get(), code);
        }
        for code in [0, 1, 2, 9, 21, u32::MAX] {
            assert!(Range::new(code).is_err(), "{code}");
        }
        assert_eq!(Range::new(1).unwrap_err().to_string(), "code 1 is not between 10 and 20");
        assert_eq!(Range::of::<20>().get(), 20);
    }
}
