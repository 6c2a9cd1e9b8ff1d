//! Why a callback could not be handled, and which of the reasons an error stands for.

use std::cell::Cell;
use std::error::Error;
use std::fmt;

use super::{HandlerError, Wrapped, sources};
use crate::types::escaped;

/// Why a verified callback could not be handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The command is a *before* command, but the body does not fit its type, or one of the
    /// commands in URL and body is unknown. The service was not called.
    Misfit,
    /// The body of a *before* callback, or of an unknown command, is empty or `{}`. The service was
    /// not called.
    BodyEmpty,
    /// The body of a *before* callback, or of an unknown command, is not JSON. The service was not
    /// called.
    BodyNotJson,
    /// The body of a *before* callback, or of an unknown command, is JSON, but not an object. The
    /// service was not called.
    BodyNotObject,
    /// `CallbackCommand` in the body of a *before* callback, or of an unknown command, is not a
    /// string. The service was not called.
    BodyCommandMalformed,
    /// URL and body have different commands, and one of them is a *before* command. The service was
    /// not called.
    CommandMismatch,
    /// The body of a *before* callback, or of an unknown command, is larger than the limit. The
    /// service was not called.
    BodyTooLarge,
    /// The body of a *before* callback, or of an unknown command, ended early. The service was not
    /// called.
    BodyIncomplete,
    /// The body of a *before* callback, or of an unknown command, did not arrive in time: the error
    /// of tower-http's `RequestBodyDeadlineLayer`, recognised by its text. The service was not
    /// called.
    BodyTimedOut,
    /// `poll_ready` of the service returned an error. The service was not called. `Split`,
    /// `EventRouter`, `Detach`, `Dedup` and `RateLimit` are always ready: with one of them right
    /// inside `CallbackLayer`, such an error of a service further inside is
    /// [`Failed`](Self::Failed).
    NotReady,
    /// The service, or a limit around it, was overloaded: the error of tower's `load_shed`, or
    /// [`HandlerError::overloaded`](crate::HandlerError::overloaded).
    /// [`HandlerError::cause`](crate::HandlerError::cause) says how it is recognised.
    Overloaded,
    /// There were too many callbacks of one sender, group, app or other key: the error of
    /// `RateLimitLayer`, or
    /// [`HandlerError::rate_limited`](crate::HandlerError::rate_limited). No text stands for it.
    /// The handler was not called.
    RateLimited,
    /// The service was too slow: the error of tower's `timeout`, of tokio's, or
    /// [`HandlerError::timed_out`](crate::HandlerError::timed_out).
    /// [`HandlerError::cause`](crate::HandlerError::cause) says how it is recognised.
    TimedOut,
    /// The service returned an error.
    Failed,
    /// The service panicked: while it was cloned, in `poll_ready`, in `call`, or while its future
    /// was polled.
    Panicked,
}

impl Cause {
    /// All causes.
    pub const ALL: &'static [Cause] = &[
        Cause::Misfit,
        Cause::BodyEmpty,
        Cause::BodyNotJson,
        Cause::BodyNotObject,
        Cause::BodyCommandMalformed,
        Cause::CommandMismatch,
        Cause::BodyTooLarge,
        Cause::BodyIncomplete,
        Cause::BodyTimedOut,
        Cause::NotReady,
        Cause::Overloaded,
        Cause::RateLimited,
        Cause::TimedOut,
        Cause::Failed,
        Cause::Panicked,
    ];

    /// Name of the cause in `snake_case`, for logs and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Cause::Misfit => "misfit",
            Cause::BodyEmpty => "body_empty",
            Cause::BodyNotJson => "body_not_json",
            Cause::BodyNotObject => "body_not_object",
            Cause::BodyCommandMalformed => "body_command_malformed",
            Cause::CommandMismatch => "command_mismatch",
            Cause::BodyTooLarge => "body_too_large",
            Cause::BodyIncomplete => "body_incomplete",
            Cause::BodyTimedOut => "body_timed_out",
            Cause::NotReady => "not_ready",
            Cause::Overloaded => "overloaded",
            Cause::RateLimited => "rate_limited",
            Cause::TimedOut => "timed_out",
            Cause::Failed => "failed",
            Cause::Panicked => "panicked",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text of the error of tower's `load_shed`.
const SHED: &str = "service overloaded";

/// The texts of the errors of tower's `timeout` and tokio's.
const ELAPSED: [&str; 2] = ["request timed out", "deadline has elapsed"];

thread_local! {
    /// The cause that a [`HandlerError`] stands for, if `{:-}` has written one. See [`cause_of`].
    static TOLD: Cell<Option<Cause>> = const { Cell::new(None) };
}

/// The cause that the error of a service stands for. `CallbackLayer` takes services with any error
/// type and asks only for `Display`. So it writes the error with `{:-}`: a [`HandlerError`], boxed
/// or not, then tells its cause by [`tell`]. A text could not do so, since a handler may write what
/// a peer has sent. Errors of other types have a text only, which is compared with those of tower
/// and tokio.
pub(crate) fn cause_of(error: &dyn fmt::Display) -> Cause {
    TOLD.set(None);
    let text = escaped(&format_args!("{error:-}"));
    TOLD.take().unwrap_or_else(|| of_text(&text))
}

/// Tells [`cause_of`] the cause.
pub(super) fn tell(cause: Cause) {
    TOLD.set(Some(cause));
}

fn of_text(text: &str) -> Cause {
    match text {
        SHED => Cause::Overloaded,
        text if ELAPSED.contains(&text) => Cause::TimedOut,
        _ => Cause::Failed,
    }
}

/// The cause that an error of tower or tokio stands for. To name their types, this crate would need
/// both. Text and `Debug` together tell them from a text of a handler's, whose `Debug` is in
/// quotes.
fn of_type(error: &(dyn Error + 'static)) -> Cause {
    let cause = of_text(&escaped(&error));
    let debug = match cause {
        Cause::Overloaded => "Overloaded",
        Cause::TimedOut => "Elapsed(())",
        other => return other,
    };
    if escaped(&format_args!("{error:?}")) == debug { cause } else { Cause::Failed }
}

impl HandlerError {
    /// The cause that it stands for: [`Cause::Overloaded`], [`Cause::RateLimited`] or
    /// [`Cause::TimedOut`] if the error or one of its sources says so, else [`Cause::Failed`].
    ///
    /// What says so is an error of [`overloaded`](Self::overloaded),
    /// [`rate_limited`](Self::rate_limited) or [`timed_out`](Self::timed_out), of tower's
    /// `load_shed` or `timeout`, or of tokio's `timeout`. A text says nothing, except where it is
    /// all there is: of an error type that is neither `HandlerError` nor boxed, those of tower and
    /// tokio are recognised by their text. [`CallbackLayer`](crate::CallbackLayer) sees only the
    /// text of boxed errors, too, unless they box a `HandlerError`.
    pub fn cause(&self) -> Cause {
        for error in sources(&*self.error) {
            let cause = match error.downcast_ref() {
                Some(Wrapped::Overloaded(_)) => Cause::Overloaded,
                Some(Wrapped::RateLimited) => Cause::RateLimited,
                Some(Wrapped::TimedOut) => Cause::TimedOut,
                // Its sources are the ones that would follow.
                Some(Wrapped::Handler(error)) => return error.cause(),
                Some(text @ Wrapped::Text(..)) => cause_of(text),
                None => of_type(error),
            };
            if cause != Cause::Failed {
                return cause;
            }
        }
        Cause::Failed
    }

    /// Whether the service was overloaded: [`cause`](Self::cause) is [`Cause::Overloaded`].
    pub fn is_overloaded(&self) -> bool {
        self.cause() == Cause::Overloaded
    }

    /// Whether the callback was over a rate limit: [`cause`](Self::cause) is
    /// [`Cause::RateLimited`].
    pub fn is_rate_limited(&self) -> bool {
        self.cause() == Cause::RateLimited
    }

    /// Whether it is a time-out: [`cause`](Self::cause) is [`Cause::TimedOut`].
    pub fn is_timed_out(&self) -> bool {
        self.cause() == Cause::TimedOut
    }
}
