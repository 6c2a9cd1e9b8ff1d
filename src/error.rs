//! The error of handlers and of the services here.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::types::escaped;

mod cause;

pub use self::cause::Cause;
pub(crate) use self::cause::cause_of;

type BoxError = Box<dyn Error + Send + Sync>;

/// The text of [`HandlerError::overloaded`].
const NO_ROOM: &str = "overloaded: no room for the callback";

/// The text of [`HandlerError::rate_limited`].
const LIMITED: &str = "rate limited: too many callbacks";

/// The text of [`HandlerError::timed_out`].
const LATE: &str = "timed out: the callback was not handled in time";

/// Sources shown of one error. A chain is short, unless somebody makes it long on purpose.
const SOURCES: usize = 16;

/// Why a callback could not be handled: any error, or a text. It is for your logs; the peer never
/// sees it.
///
/// `?` converts every type that implements [`Error`]. `Box<dyn Error + Send + Sync>` and
/// `anyhow::Error` do not implement it: write `.map_err(HandlerError::new)?`. In the other
/// direction, `?` converts it into a `Box<dyn Error + Send + Sync>`, and
/// `anyhow::Error::from_boxed(error.into())` into an `anyhow::Error`.
///
/// [`downcast_ref`](Self::downcast_ref) finds the original error behind every layer of this crate.
/// [`get_ref`](Self::get_ref) returns it too, but for errors that `Dedup` has passed to several
/// callers. As a boxed error it does not show the original as its source: call [`HandlerError::of`]
/// first. `{}` writes the error, `{:#}` and `Debug` write its sources as well.
///
/// It does not implement [`Error`], so that `?` can convert every [`Error`] into it. It is a
/// concrete type, since a boxed error under a tower layer can make spawned accept loops fail to
/// compile.
///
/// ```
/// use std::time::Duration;
/// use tencent_im_callback::{HandlerError, Retry};
///
/// fn handle() -> Result<(), HandlerError> {
///     let number: u32 = "x".parse()?;
///     Err(HandlerError::new(format!("{number} is not enough")))
/// }
///
/// assert_eq!(handle().unwrap_err().to_string(), "invalid digit found in string");
/// let delay = Duration::from_secs(5);
/// assert_eq!(HandlerError::retry_after("busy", delay).retry(), Retry::After(delay));
/// ```
pub struct HandlerError {
    error: BoxError,
    retry: Retry,
}

/// Whether and when the queue tries again. Only the queue uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Retry {
    /// As the queue is configured.
    #[default]
    Default,
    /// Never: it would fail again.
    Never,
    /// After this delay.
    After(Duration),
}

impl HandlerError {
    /// From a text, or from any error, boxed or not. A boxed [`HandlerError`] stays as it is.
    pub fn new(error: impl Into<BoxError>) -> Self {
        HandlerError::unboxed(error.into())
    }

    /// An error that will not go away: the queue does not try again.
    pub fn permanent(error: impl Into<BoxError>) -> Self {
        HandlerError::with(error.into(), Retry::Never)
    }

    /// An error that may be gone after this delay: the queue waits that long before it tries again.
    pub fn retry_after(error: impl Into<BoxError>, delay: Duration) -> Self {
        HandlerError::with(error.into(), Retry::After(delay))
    }

    /// The callback was not handled because the service is at its limit:
    /// [`Cause::Overloaded`](crate::Cause::Overloaded).
    pub fn overloaded() -> Self {
        HandlerError::new(Wrapped::Overloaded(None))
    }

    /// Like [`overloaded`](Self::overloaded), with an error that says what was overloaded, as its
    /// source.
    pub fn overloaded_by(error: impl Into<BoxError>) -> Self {
        HandlerError::new(Wrapped::Overloaded(Some(error.into())))
    }

    /// The callback is over a rate limit, and will be within it after this time:
    /// [`Cause::RateLimited`](crate::Cause::RateLimited). The queue waits that long before it tries
    /// again. For limits of your own; that of the feature `limit` returns it.
    pub fn rate_limited(wait: Duration) -> Self {
        HandlerError::retry_after(Wrapped::RateLimited, wait)
    }

    /// The callback was not handled in time: [`Cause::TimedOut`](crate::Cause::TimedOut). For your
    /// own layers; the error of tower's `timeout` is recognised.
    pub fn timed_out() -> Self {
        HandlerError::new(Wrapped::TimedOut)
    }

    /// From the error of any service, for your own layers. A [`HandlerError`] stays as it is, also
    /// inside a boxed error. The source of a boxed error is kept.
    pub fn of<E: fmt::Display + Send + Sync + 'static>(error: E) -> Self {
        let error: Box<dyn Any + Send + Sync> = Box::new(error);
        let error = match error.downcast::<HandlerError>() {
            Ok(ours) => return *ours,
            Err(other) => other,
        };
        let error = match error.downcast::<BoxError>() {
            Ok(boxed) => return HandlerError::unboxed(*boxed),
            Err(other) => other,
        };
        HandlerError::new(Wrapped::Text(error, |error, f| match error.downcast_ref::<E>() {
            Some(error) => error.fmt(f),
            None => Ok(()),
        }))
    }

    /// Takes a [`HandlerError`] out of a boxed error again.
    fn unboxed(error: BoxError) -> Self {
        match error.downcast::<Wrapped>() {
            Ok(wrapped) => match *wrapped {
                Wrapped::Handler(error) => {
                    Arc::try_unwrap(error).unwrap_or_else(HandlerError::shared)
                }
                other => HandlerError::with(Box::new(other), Retry::Default),
            },
            Err(other) => HandlerError::with(other, Retry::Default),
        }
    }

    /// The same error again, for `Dedup`: all that wait for a delivery get it.
    pub(crate) fn shared(error: Arc<HandlerError>) -> Self {
        let retry = error.retry;
        HandlerError::with(Box::new(Wrapped::Handler(error)), retry)
    }

    fn with(error: BoxError, retry: Retry) -> Self {
        HandlerError { error, retry }
    }

    /// Whether and when to try again.
    pub fn retry(&self) -> Retry {
        self.retry
    }

    /// The error it was made from.
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.error
    }

    /// The first error of this type among the error and its sources.
    pub fn downcast_ref<T: Error + 'static>(&self) -> Option<&T> {
        sources(&*self.error).find_map(|error| {
            error.downcast_ref::<T>().or_else(|| match error.downcast_ref()? {
                Wrapped::Handler(error) => error.downcast_ref::<T>(),
                Wrapped::Text(error, _) => error.downcast_ref::<T>(),
                Wrapped::Overloaded(_) | Wrapped::RateLimited | Wrapped::TimedOut => None,
            })
        })
    }

    /// Returns the error.
    pub fn into_inner(self) -> BoxError {
        self.error
    }
}

fn sources<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source()).take(SOURCES)
}

/// The error of a service with its sources, for your logs: escaped, and cut if it is long. Of a
/// type that is not ours the sources are written if its `{:#}` writes them.
pub(crate) fn describe(error: &dyn fmt::Display) -> String {
    escaped(&format_args!("{error:#}"))
}

/// Shows an error and its sources, separated by colons.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, error) in sources(self.0).enumerate() {
            if depth > 0 {
                f.write_str(": ")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

/// What a [`HandlerError`] holds if it is not the error of a service.
enum Wrapped {
    /// [`HandlerError::overloaded`], with what caused it.
    Overloaded(Option<BoxError>),
    /// [`HandlerError::rate_limited`].
    RateLimited,
    /// [`HandlerError::timed_out`].
    TimedOut,
    /// A [`HandlerError`] as an [`Error`]: boxed for tower's layers, or passed to several callers
    /// by `Dedup`. Text and sources are those of the original. [`HandlerError::of`] takes it out
    /// again, so that its retry advice is not lost.
    Handler(Arc<HandlerError>),
    /// An error of a type of which only `Display` is known, and its `Display`.
    Text(Box<dyn Any + Send + Sync>, fn(&dyn Any, &mut fmt::Formatter<'_>) -> fmt::Result),
}

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrapped::Overloaded(_) => f.write_str(NO_ROOM),
            Wrapped::RateLimited => f.write_str(LIMITED),
            Wrapped::TimedOut => f.write_str(LATE),
            Wrapped::Handler(error) => fmt::Display::fmt(&**error, f),
            Wrapped::Text(error, show) => show(&**error, f),
        }
    }
}

impl fmt::Debug for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrapped::Overloaded(error) => f.debug_tuple("Overloaded").field(error).finish(),
            Wrapped::RateLimited => f.write_str("RateLimited"),
            Wrapped::TimedOut => f.write_str("TimedOut"),
            Wrapped::Handler(error) => f.debug_tuple("Handler").field(error).finish(),
            Wrapped::Text(error, show) => show(&**error, f),
        }
    }
}

impl Error for Wrapped {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Wrapped::Overloaded(error) => Some(&**error.as_ref()?),
            Wrapped::Handler(error) => error.error.source(),
            Wrapped::RateLimited | Wrapped::TimedOut | Wrapped::Text(..) => None,
        }
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for HandlerError {
    fn from(error: E) -> Self {
        HandlerError::new(error)
    }
}

/// For tower's layers, whose errors are boxed. [`HandlerError::of`] takes it out again; `{:#}`
/// writes its sources.
impl From<HandlerError> for BoxError {
    fn from(error: HandlerError) -> Self {
        Box::new(Wrapped::Handler(Arc::new(error)))
    }
}

/// The error itself; with `{:#}` its sources as well.
impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.sign_minus() {
            // `cause_of` asks for it.
            cause::tell(self.cause());
        }
        if f.alternate() { Chain(&*self.error).fmt(f) } else { write!(f, "{}", self.error) }
    }
}

/// The error with its sources, escaped and cut.
impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escaped(&Chain(&*self.error)))
    }
}

#[cfg(test)]
mod tests;
