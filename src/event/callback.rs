//! A callback: the event with everything that came along.

use std::fmt;

use bytes::Bytes;
use http::request::Parts;

use super::parse::{self, Parsed};
use super::{Event, TypedEvent};
use crate::protocol::{Command, Params, Phase, Rejection, RejectionKind};

/// A verified callback: the event, the URL's parameters, the raw body and the head of the request.
///
/// `Callback` alone holds an [`Event`] of any kind, `Callback<sns::FriendDelete>` one of that kind.
///
/// `Debug` shows command, app, event and the length of the body, never the URL.
#[derive(Clone)]
#[non_exhaustive]
pub struct Callback<E = Event> {
    /// What happened, or is about to.
    pub event: E,
    /// What the URL said.
    pub params: Params,
    /// The body as it came.
    pub body: Bytes,
    /// The head of the request, with the extensions that outer layers left there. Its URI holds the signature: log it with
    /// [`redacted`](crate::redacted) only.
    pub parts: Parts,
}

impl Callback {
    /// Parses the body of a verified callback, wherever it came from: another web framework, a cloud function, a queue.
    ///
    /// Gives an event whenever the body is one JSON object of the right command: what has no type, or does not fit it, is
    /// [`Event::Unknown`]. Mind that a *before* callback that does not fit must not be answered as if nothing were the matter.
    ///
    /// # Errors
    ///
    /// A [`Rejection`]: the body is empty, no JSON object in UTF-8, or of another command or app than the URL. A check of the
    /// callback URL is [`RejectionKind::Probe`], to be answered `OK`.
    pub fn parse(params: Params, body: Bytes) -> Result<Self, Rejection> {
        let (parts, ()) = http::Request::new(()).into_parts();
        Callback::from_parts(params, body, parts)
    }

    pub(crate) fn from_parts(mut params: Params, body: Bytes, parts: Parts) -> Result<Self, Rejection> {
        let app = params.sdk_app_id;
        if parse::is_blank(&body) {
            if params.token_index().is_some() && params.command.phase() != Phase::Before {
                return Err(Rejection::from(RejectionKind::Probe).of_app(app));
            }
            if body.trim_ascii().is_empty() {
                return Err(Rejection::from(RejectionKind::BodyEmpty).of_app(app));
            }
        }
        let parsed = parse::parse(&params.command, &body);
        let Parsed {
            event,
            command,
            app: named,
        } = parsed.map_err(|rejection| rejection.of_app(app))?;
        if named.is_some_and(|named| named != app) {
            return Err(Rejection::from(RejectionKind::AppMismatch).of_app(app));
        }
        params.command = command;
        Ok(Callback {
            event,
            params,
            body,
            parts,
        })
    }
}

impl<E> Callback<E> {
    /// Puts something else in the place of the event.
    pub fn map_event<F>(self, map: impl FnOnce(E) -> F) -> Callback<F> {
        Callback {
            event: map(self.event),
            params: self.params,
            body: self.body,
            parts: self.parts,
        }
    }

    /// The command: of the URL, or of the body where the vendor documents that the body knows better.
    pub fn command(&self) -> &Command {
        &self.params.command
    }
}

impl<E: TypedEvent> Callback<E> {
    /// Forgets the type of the event.
    pub fn erase(self) -> Callback {
        self.map_event(Into::into)
    }
}

impl<E: fmt::Debug> fmt::Debug for Callback<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback")
            .field("command", &self.params.command)
            .field("sdk_app_id", &self.params.sdk_app_id.0)
            .field("event", &self.event)
            .field("body_length", &self.body.len())
            .finish_non_exhaustive()
    }
}
