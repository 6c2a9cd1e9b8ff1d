//! Which handler gets a callback, and how it is answered if there is none.

use std::collections::BTreeMap;
use std::sync::Arc;
#[cfg(feature = "moderation")]
use std::task::{Context, Poll};

#[cfg(feature = "moderation")]
use tower_service::Service;

use super::future::{BoxFuture, RouterFuture};
use crate::callback::Callback;
use crate::command::{Command, Phase};
use crate::error::HandlerError;
use crate::event::{Event, UnknownEvent, UnknownReason};
use crate::reply::Disposition;
#[cfg(feature = "moderation")]
use crate::reply::Reply;

/// A handler behind a pointer, so that handlers of different events fit into one map.
pub(super) type Route = Arc<dyn Fn(Callback) -> BoxFuture + Send + Sync>;

#[derive(Clone, Default)]
pub(super) struct Routes {
    /// The handlers by command, with those that `on_unknown` has added.
    pub(super) handlers: BTreeMap<Command, Route>,
    pub(super) fallback: Fallback,
    #[cfg(feature = "moderation")]
    pub(super) moderation: Option<Moderation>,
}

/// How callbacks without a handler are answered.
#[derive(Clone, Default)]
pub(super) enum Fallback {
    /// `OK` to notifications and unknown commands, an error to *before* callbacks.
    #[default]
    None,
    /// `OK` to everything.
    Allow,
    Service(Route),
}

/// Puts moderation before the routes.
#[cfg(feature = "moderation")]
pub(super) type Moderation = Arc<dyn Fn(Routed, Callback) -> RouterFuture + Send + Sync>;

/// The routes without moderation.
#[cfg(feature = "moderation")]
#[derive(Clone)]
pub(super) struct Routed(pub(super) Arc<Routes>);

#[cfg(feature = "moderation")]
impl Service<Callback> for Routed {
    type Response = Reply;
    type Error = HandlerError;
    type Future = RouterFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), HandlerError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, callback: Callback) -> RouterFuture {
        self.0.call(callback)
    }
}

impl Routes {
    #[track_caller]
    pub(super) fn add(&mut self, command: Command, route: Route) {
        let handlers = &mut self.handlers;
        assert!(!handlers.contains_key(&command), "there is a handler for `{command}` already");
        handlers.insert(command, route);
    }

    pub(super) fn call(&self, callback: Callback) -> RouterFuture {
        let handler = self.handlers.get(callback.event.command());
        let untyped = untyped(&callback.event);
        let judged = callback.judged;
        let future = match (handler, untyped, &self.fallback) {
            (Some(route), None, _) | (_, _, Fallback::Service(route)) => Some(route(callback)),
            // There is a handler for these events, but this one cannot be read. An error reports
            // it; to answer `OK` would lose it silently.
            (_, Some(event), _) if self.is_wanted(event) => Some(unreadable(event)),
            // Moderation has judged it, and there is no handler that could object.
            (_, _, Fallback::None) if judged => None,
            (_, _, Fallback::None) if waits_for_a_verdict(&callback) => Some(not_for(&callback)),
            (_, _, Fallback::None | Fallback::Allow) => None,
        };
        let disposition = match self.fallback {
            Fallback::None if !judged => Disposition::Unhandled,
            _ => Disposition::Handled,
        };
        RouterFuture { future, disposition }
    }

    /// Whether there is a handler for the command in the URL, or for that in the body if the two
    /// contradict each other.
    fn is_wanted(&self, event: &UnknownEvent) -> bool {
        let body = event.body_command.as_ref();
        let is_other = event.reason == UnknownReason::CommandMismatch;
        self.handlers.contains_key(&event.command)
            || (is_other && body.is_some_and(|word| self.handlers.contains_key(word)))
    }
}

/// Whether Tencent may be waiting for a verdict: by the URL's command, by that of the body, or
/// because the body could not be read.
fn waits_for_a_verdict(callback: &Callback) -> bool {
    callback.answered_as().phase() == Phase::Before
        || callback.event.unjudged(callback.command()).is_some()
}

/// The event, if its command is known and its body could not be read as that type. For an unknown
/// command there is none: a handler of `on_unknown` reads the body itself.
fn untyped(event: &Event) -> Option<&UnknownEvent> {
    match event {
        Event::Unknown(event) if !event.command.is_unknown() => Some(event),
        _ => None,
    }
}

fn unreadable(event: &UnknownEvent) -> BoxFuture {
    failed(HandlerError::permanent(event.why().to_string()))
}

/// The answer to a callback that a handler is not for.
pub(super) fn not_for(callback: &Callback) -> BoxFuture {
    failed(HandlerError::new(format!("no handler for {:?}", callback.event.command())))
}

pub(super) fn failed(error: HandlerError) -> BoxFuture {
    Box::pin(std::future::ready(Err(error)))
}
