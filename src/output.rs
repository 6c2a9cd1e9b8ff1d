//! What the user's async functions may return: handlers, judges of moderation, hooks.

use crate::error::HandlerError;

/// What a handler may answer: the reply type of its event, or a `Result` of it with any error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what this handler may answer",
    label = "answers `{Self}`",
    note = "this event takes `{R}`: return that, or `Result<{R}, E>` where `E` implements \
        `std::error::Error` or is `HandlerError`",
    note = "`anyhow::Error` and `Box<dyn Error + Send + Sync>` do not implement it: use \
        `.map_err(HandlerError::new)?`"
)]
pub trait HandlerOutput<R>: sealed::Output<R> {
    /// The answer as a result.
    ///
    /// # Errors
    ///
    /// The reply of the handler.
    fn into_result(self) -> Result<R, HandlerError>;
}

mod sealed {
    use crate::error::HandlerError;

    pub trait Output<R> {}

    impl<R> Output<R> for R {}

    impl<R, E: Into<HandlerError>> Output<R> for Result<R, E> {}
}

impl<R> HandlerOutput<R> for R {
    fn into_result(self) -> Result<R, HandlerError> {
        Ok(self)
    }
}

impl<R, E: Into<HandlerError>> HandlerOutput<R> for Result<R, E> {
    fn into_result(self) -> Result<R, HandlerError> {
        self.map_err(Into::into)
    }
}
