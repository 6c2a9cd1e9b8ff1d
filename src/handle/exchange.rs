//! What is known about a verified request while it is handled, and the ways in which it can end.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;

use super::config::Config;
use crate::auth::Params;
use crate::callback::Callback;
use crate::command::Command;
use crate::error::{Cause, cause_of, describe};
use crate::event::sealed::Rules;
use crate::event::{Event, UnknownReason};
use crate::json::CheckedText;
use crate::rejection::{Rejection, RejectionKind};
use crate::reply::{Reply, is_friend_request};
use crate::response::{self, Failure, OnError, Outcome, OutcomeKind, ResponseBody};

/// A verified request. `accept`, `refuse_body`, `fail` and `fail_by` end it with a response, and so
/// does `read` if it returns an error. Each takes the parameters, so only one of them is called,
/// once.
pub(super) struct Exchange {
    config: Arc<Config>,
    /// `None` for the console's check of the URL, which names no app or no command.
    pub(super) params: Option<Params>,
    /// `None` for a typed event.
    unread: Option<Box<Unread>>,
    /// The body of a friend request, kept only if the settings may reject it: that reply names the
    /// persons in the body.
    friend_request: Option<Bytes>,
}

/// What is noted about an event without a type, before the service gets it.
struct Unread {
    reason: UnknownReason,
    answered_as: Command,
}

impl Exchange {
    #[inline]
    pub(super) fn new(config: Arc<Config>, params: Option<Params>) -> Self {
        Exchange { config, params, unread: None, friend_request: None }
    }

    /// Reads the event. The error is the response, if the service is not to be called.
    #[allow(clippy::result_large_err)] // the answer, and no error
    pub(super) fn read(
        &mut self,
        body: &Bytes,
    ) -> Result<(Event, Params, CheckedText), Response<ResponseBody>> {
        let Some(params) = &mut self.params else {
            let rejection = Callback::check_probe(body).err();
            return Err(self.reject(rejection.unwrap_or_else(|| RejectionKind::Probe.into())));
        };
        let (event, checked) = match Callback::read(params, body) {
            Ok(read) => read,
            Err(rejection) => return Err(self.reject(rejection)),
        };
        let command = event.answered_as(&params.command);
        if self.config.may_reject() && is_friend_request(command) {
            self.friend_request = Some(body.clone());
        }
        if let Some(reason) = event.unknown_reason() {
            self.unread =
                Some(Box::new(Unread { reason: reason.clone(), answered_as: command.clone() }));
        }
        // A callback that waits for a verdict and cannot be read does not reach the service, unless
        // the user asked for it. A handler often ends with `_ => Reply::ok()`, which would allow
        // it.
        match event.unjudged(&params.command) {
            Some(unknown) if !self.config.forward_misfits => {
                let cause = Cause::of_unknown(&unknown.reason);
                Err(self.fail(cause, unknown.why().to_string()))
            }
            _ => {
                let params = params.clone();
                Ok((event, params, checked))
            }
        }
    }

    /// Ends the request with the reply of the service.
    #[inline]
    pub(super) fn accept(&mut self, reply: Reply) -> Response<ResponseBody> {
        let disposition = reply.disposition();
        let mut response = response::replied(reply);
        let outcome = Outcome::accepted(disposition, self.params.take());
        self.finish(&mut response, outcome, None, None);
        response
    }

    /// Ends the request because its body did not arrive or is too large. For a callback that waits
    /// for a verdict, the user's settings choose the answer; a notification is refused.
    pub(super) fn refuse_body(&mut self, rejection: Rejection) -> Response<ResponseBody> {
        match &self.params {
            Some(params) if params.command.phase().may_decide() => {
                self.fail(Cause::of_body(&rejection), rejection.to_string())
            }
            _ => self.reject(rejection),
        }
    }

    fn reject(&mut self, rejection: Rejection) -> Response<ResponseBody> {
        let mut response = response::rejection(rejection.kind());
        let outcome = Outcome::of_rejection(rejection, self.params.take());
        self.finish(&mut response, outcome, None, None);
        response
    }

    /// Ends the request with an error of the inner service, in `poll_ready` or as its reply.
    pub(super) fn fail_by(
        &mut self,
        cause: Cause,
        error: &dyn fmt::Display,
    ) -> Response<ResponseBody> {
        let cause = match (cause, cause_of(error)) {
            (Cause::NotReady, Cause::RateLimited | Cause::TimedOut | Cause::Failed) => cause,
            (_, cause) => cause,
        };
        self.fail(cause, describe(error))
    }

    pub(super) fn fail(&mut self, cause: Cause, error: String) -> Response<ResponseBody> {
        let reply = self.params.as_ref().and_then(|params| {
            let unread = self.unread.as_ref();
            let command = unread.map_or(&params.command, |unread| &unread.answered_as);
            let failure = Failure { params, command, cause, message: &error };
            match self.config.on_error(&failure) {
                OnError::ServerError => None,
                OnError::Reply(reply) => Some(reply),
                OnError::Reject(info) => {
                    let body = self.friend_request.as_deref().unwrap_or_default();
                    response::rejecting(command, body, &info)
                }
            }
        });
        let mut response = reply.map_or_else(response::server_error, response::replied);
        let outcome = Outcome::new(OutcomeKind::Failed, self.params.take());
        self.finish(&mut response, outcome, Some(cause), Some(error.into()));
        response
    }

    #[inline]
    fn finish(
        &mut self,
        response: &mut Response<ResponseBody>,
        mut outcome: Outcome,
        cause: Option<Cause>,
        error: Option<Box<str>>,
    ) {
        outcome.trouble(cause, error, self.unread.take().map(|unread| unread.reason));
        response::conclude(response, outcome, &self.config.sampler);
    }
}

impl Exchange {
    /// Reports that the future was dropped before there was a response.
    pub(super) fn dropped(&self, was_called: bool) {
        if let Some(params) = &self.params {
            response::cancelled(params, was_called, &self.config.sampler);
        }
    }
}
