//! What to answer when a callback was verified but could not be handled.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;

use crate::auth::Params;
use crate::command::{Command, Phase};
use crate::event::Event;
use crate::reply::{Reply, sns};
use crate::types::UserId;

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
    /// Blocks the action, with this text for the client: see [`reject`](Self::reject).
    Reject(Cow<'static, str>),
    /// HTTP 200 with this reply, for example [`Reply::reject`] with a code of yours. No single reply blocks every command: for friend
    /// requests (`Sns.CallbackPrev…`) Tencent lets everybody through on any code except 0. [`Reject`](Self::Reject) blocks them all.
    Reply(Reply),
}

impl OnError {
    /// Blocks the action, with a text for the client, in the form that the command takes: code 1, and for friend requests a code for
    /// each person.
    ///
    /// A friend request whose body does not name the persons is answered like [`ServerError`](Self::ServerError). An *after* callback or
    /// a notice, where there is nothing to block, is answered with [`Reply::fail`].
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

/// The persons of a friend request, whom a verdict has to name.
pub(crate) fn persons(event: &Event) -> Option<Box<[UserId]>> {
    #[derive(Deserialize)]
    struct Request {
        #[serde(rename = "FriendItem", alias = "ResponseFriendItem")]
        items: Vec<Item>,
    }

    #[derive(Deserialize)]
    struct Item {
        #[serde(rename = "To_Account")]
        to_account: UserId,
    }

    match event {
        Event::SnsPrevFriendAdd(event) => Some(event.friend_item.iter().map(|item| item.to_account.clone()).collect()),
        Event::SnsPrevFriendResponse(event) => {
            let items = event.response_friend_item.iter();
            Some(items.map(|item| item.to_account.clone()).collect())
        }
        // Another field does not fit: the persons may be readable all the same.
        Event::Unknown(event) if is_friend_request(&event.command) => {
            let request: Request = serde_json::from_slice(&event.body).ok()?;
            Some(request.items.into_iter().map(|item| item.to_account).collect())
        }
        _ => None,
    }
}

fn is_friend_request(command: &Command) -> bool {
    matches!(command, Command::SnsPrevFriendAdd | Command::SnsPrevFriendResponse)
}

/// The reply that blocks the action of a command. None if there is no such reply.
pub(crate) fn rejecting(command: &Command, persons: Option<&[UserId]>, info: &str) -> Option<Reply> {
    const CODE: sns::RejectCode = sns::RejectCode::of::<38_000>();

    if !command.phase().may_decide() {
        return Some(Reply::fail(info));
    }
    if !is_friend_request(command) {
        return Some(Reply::reject(1, info));
    }
    let persons = persons.filter(|persons| !persons.is_empty())?;
    // The two commands take the same reply.
    Some(
        sns::PrevFriendAddReply::allow_each(persons.iter())
            .reject_all(CODE, info)
            .into(),
    )
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
    /// `poll_ready` of the service returned an error. The service was not called. `Split`, `EventRouter`, `Detach` and `Dedup` are always
    /// ready: with one of them right inside `CallbackLayer`, such an error of a service further inside is [`Failed`](Self::Failed).
    NotReady,
    /// The service, or a limit around it, was overloaded: the error of tower's `load_shed`, or
    /// [`HandlerError::overloaded`](crate::HandlerError::overloaded). It is recognised by the text of the error.
    Overloaded,
    /// The service was too slow: the error of tower's `timeout`, of tokio's, or
    /// [`HandlerError::timed_out`](crate::HandlerError::timed_out). An error that is neither a [`HandlerError`](crate::HandlerError) nor boxes
    /// one is recognised by its text.
    TimedOut,
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
