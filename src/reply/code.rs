//! Codes that an app may choose itself, each command with its own range.

use std::fmt;

/// A code between `FIRST` and `LAST`, both included.
///
/// The ranges have names: see the modules of the replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code<const FIRST: u32, const LAST: u32>(u32);

/// The code lies outside of what the command takes.
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
    /// Takes a code known at run time.
    ///
    /// # Errors
    ///
    /// [`InvalidCodeError`] unless it lies in the range.
    pub const fn new(code: u32) -> Result<Self, InvalidCodeError> {
        if code >= FIRST && code <= LAST {
            Ok(Code(code))
        } else {
            Err(InvalidCodeError {
                code,
                first: FIRST,
                last: LAST,
            })
        }
    }

    /// Takes a code known when you write it; a wrong one does not compile.
    ///
    /// The compiler checks it when it builds your program, not in `cargo check`, and so not in an editor. In a constant it is checked
    /// in both: `const SPAM: RejectCode = RejectCode::of::<120_001>();`.
    ///
    /// ```compile_fail
    /// let _ = tencent_im_callback::reply::sns::RejectCode::of::<1>();
    /// ```
    pub const fn of<const CODE: u32>() -> Self {
        const {
            assert!(
                CODE >= FIRST && CODE <= LAST,
                "the code is not one that this command takes"
            );
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
        assert_eq!(
            Range::new(1).unwrap_err().to_string(),
            "code 1 is not between 10 and 20"
        );
        assert_eq!(Range::of::<20>().get(), 20);
    }
}
