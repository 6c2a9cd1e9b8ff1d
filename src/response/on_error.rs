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

use crate::auth::Params;
use crate::command::{Command, Phase};
use crate::error::Cause;
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

impl Cause {
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
