//! What to answer when a callback was verified but could not be handled.
//!
//! Every such callback ends in `Exchange::fail`, with a [`Cause`]. It makes a [`Failure`] from that
//! and asks the user's function, or the two fixed settings of the layer, for an [`OnError`]. For a
//! *before* callback this decides whether a user's action goes on, so the answer depends on the
//! command: the reply that blocks a message does not block a friend request (see `rejecting.rs`).
//!
//! Some causes are recognised by the text of an error, since the layer knows no more of a service's
//! error or of a body's error than `Display`. `tests/too_late.rs`, `tests/overload.rs` and
//! `tests/stacks/` use the real layers, so a changed text would be noticed.

use std::borrow::Cow;
use std::fmt;

use crate::auth::Params;
use crate::command::{Command, Phase};
use crate::event::UnknownReason;
use crate::rejection::{Rejection, RejectionKind};
use crate::reply::Reply;

/// The text of the error of tower-http's `RequestBodyDeadlineLayer`. The error of a body is known
/// by its text only.
const BODY_TIMED_OUT: &str = "data was not received within the designated timeout";

/// How to answer when a verified callback could not be handled.
///
/// Choose it with care: Tencent may be holding a user's message. By default a *before* callback
/// (and a command of unknown phase) gets [`ServerError`](OnError::ServerError), an *after* callback
/// or a notice gets `Reply(Reply::fail("callback not handled"))`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum OnError {
    /// HTTP 500. We *assume* (the vendor does not say) that Tencent then does what the console's
    /// setting for failed callbacks says; by default it lets the action go on. A gift is blocked.
    ServerError,
    /// Blocks the action, with this text for the client: see [`reject`](Self::reject).
    Reject(Cow<'static, str>),
    /// HTTP 200 with this reply, for example [`Reply::reject`] with a code of yours. No single
    /// reply blocks every command: for friend requests (`Sns.CallbackPrev…`) Tencent lets everybody
    /// through on any code except 0. [`Reject`](Self::Reject) blocks them all.
    Reply(Reply),
}

impl OnError {
    /// Blocks the action, with a text for the client, in the form that the command takes: see
    /// [`Reply::rejecting`].
    ///
    /// A friend request whose body names nobody who could be rejected is answered like
    /// [`ServerError`](Self::ServerError).
    ///
    /// ```
    /// use tencent_im_callback::{App, CallbackLayer, OnError, Token};
    ///
    /// let app = App::signed(1400000000, Token::new("xxxxyyyy")?);
    /// let layer = CallbackLayer::new(app).on_before_error(OnError::reject("try again later"));
    /// # Ok::<(), tencent_im_callback::InvalidTokenError>(())
    /// ```
    pub fn reject(info: impl Into<Cow<'static, str>>) -> Self {
        OnError::Reject(info.into())
    }
}

/// A verified callback that could not be handled, as passed to
/// [`CallbackLayer::on_error`](crate::CallbackLayer::on_error).
#[derive(Clone, Debug)]
pub struct Failure<'a> {
    pub(crate) params: &'a Params,
    pub(crate) command: &'a Command,
    pub(crate) cause: Cause,
    pub(crate) message: &'a str,
}

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

    /// The cause, for a callback that waits for a verdict and whose body could not be read.
    pub(crate) fn of_unknown(reason: &UnknownReason) -> Self {
        match reason {
            UnknownReason::UnknownCommand | UnknownReason::Misfit(_) => Cause::Misfit,
            UnknownReason::BodyEmpty => Cause::BodyEmpty,
            UnknownReason::BodyNotJson { .. } => Cause::BodyNotJson,
            UnknownReason::BodyNotObject => Cause::BodyNotObject,
            UnknownReason::BodyCommandMalformed => Cause::BodyCommandMalformed,
            UnknownReason::CommandMismatch => Cause::CommandMismatch,
        }
    }

    /// The cause, for a callback that waits for a verdict and whose body did not arrive.
    pub(crate) fn of_body(rejection: &Rejection) -> Self {
        match (rejection.kind(), rejection.error()) {
            (RejectionKind::BodyTooLarge, _) => Cause::BodyTooLarge,
            (_, Some(BODY_TIMED_OUT)) => Cause::BodyTimedOut,
            _ => Cause::BodyIncomplete,
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

    /// The command as which it has to be answered: see
    /// [`Callback::answered_as`](crate::Callback::answered_as).
    pub fn command(&self) -> &'a Command {
        self.command
    }

    /// The phase of that command, and so what the answer means.
    pub fn phase(&self) -> Phase {
        self.command.phase()
    }

    /// Why it could not be handled.
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// The error with its sources, in one line of limited length. Control characters are escaped.
    pub fn message(&self) -> &'a str {
        self.message
    }
}
