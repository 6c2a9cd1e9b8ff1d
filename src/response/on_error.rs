//! What to answer when a callback was verified but could not be handled.

use std::fmt;

use crate::auth::Params;
use crate::command::{Command, Phase};
use crate::reply::Reply;

/// How to answer when a verified callback could not be handled.
///
/// Choose it with care: Tencent may be holding a user's message. By default a *before* callback (and a command of unknown phase) gets
/// [`ServerError`](OnError::ServerError), an *after* callback or a notice gets `Reply(Reply::fail("callback not handled"))`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum OnError {
    /// HTTP 500. We *assume* (the vendor does not say) that Tencent then does what the console's setting for failed callbacks says; by
    /// default it lets the action go on. A gift is blocked.
    ServerError,
    /// HTTP 200 with this reply. To refuse what could not be checked, use [`Reply::reject`]; no single reply refuses every
    /// command, see [`CallbackLayer::on_error`](crate::CallbackLayer::on_error).
    Reply(Reply),
}

/// A verified callback that could not be handled, as passed to [`CallbackLayer::on_error`](crate::CallbackLayer::on_error).
pub struct Failure<'a> {
    pub(crate) params: &'a Params,
    pub(crate) cause: Cause,
    pub(crate) message: &'a dyn fmt::Display,
}

/// Why a verified callback could not be handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The command in the URL is a *before* command, but the body does not fit its type, or has an unknown command. The service was not
    /// called.
    Misfit,
    /// `poll_ready` of the service returned an error. The service was not called.
    NotReady,
    /// The service, or a limit around it, was overloaded: the error of tower's `load_shed`, or
    /// [`HandlerError::overloaded`](crate::HandlerError::overloaded). It is recognised by the text of the error.
    Overloaded,
    /// The service returned an error.
    Failed,
    /// The service panicked: in `poll_ready`, in `call`, or while its future was polled.
    Panicked,
}

impl Cause {
    /// Name of the cause in `snake_case`, for logs and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Cause::Misfit => "misfit",
            Cause::NotReady => "not_ready",
            Cause::Overloaded => "overloaded",
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

impl<'a> Failure<'a> {
    /// The parameters of the URL.
    pub fn params(&self) -> &'a Params {
        self.params
    }

    /// The command.
    pub fn command(&self) -> &'a Command {
        &self.params.command
    }

    /// When the callback is sent, and so what the answer means.
    pub fn phase(&self) -> Phase {
        self.params.command.phase()
    }

    /// Why it could not be handled.
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// The error with its sources, in one line of limited length. Control characters are escaped.
    pub fn message(&self) -> &'a dyn fmt::Display {
        self.message
    }
}

impl fmt::Debug for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("params", self.params)
            .field("cause", &self.cause)
            .field("message", &format_args!("{}", self.message))
            .finish()
    }
}
