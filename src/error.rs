use std::error::Error;
use std::fmt;

/// Why a callback could not be handled: any error of a handler, or a text.
///
/// Made from every error by `?`. It is a concrete type on purpose, and no `Error` itself: a boxed error below a tower layer gets in
/// the way of spawned accept loops.
///
/// ```
/// use tencent_im_callback::HandlerError;
///
/// fn handle() -> Result<(), HandlerError> {
///     let number: u32 = "x".parse()?;
///     Err(HandlerError::new(format!("{number} is not enough")))
/// }
///
/// assert_eq!(handle().unwrap_err().to_string(), "invalid digit found in string");
/// ```
pub struct HandlerError {
    error: Box<dyn Error + Send + Sync>,
}

impl HandlerError {
    /// An error that is a text. It reaches the host, never the peer.
    pub fn new(text: impl Into<String>) -> Self {
        HandlerError {
            error: text.into().into(),
        }
    }

    /// The error it was made from.
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.error
    }

    /// Gives the error back.
    pub fn into_inner(self) -> Box<dyn Error + Send + Sync> {
        self.error
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for HandlerError {
    fn from(error: E) -> Self {
        HandlerError { error: Box::new(error) }
    }
}

/// What tower's own layers ask of an error.
impl From<HandlerError> for Box<dyn Error + Send + Sync> {
    fn from(error: HandlerError) -> Self {
        error.error
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}
