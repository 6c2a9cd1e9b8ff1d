//! A callback: the event with everything that came along.

use std::fmt;

use bytes::Bytes;
use http::request::Parts;

use crate::auth::Params;
use crate::command::{Command, Phase};
use crate::event::key::{self, DedupKey};
use crate::event::parse::{self, BodyApp};
use crate::event::{AsEvent, Event, EventTime, TypedEvent, drift};
use crate::message::{MsgBodyBuilder, NoMessage};
use crate::rejection::{Rejection, RejectionKind};
use crate::types::OptPlatform;

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
        let mut event = None;
        Callback::read(&mut params, &body, &mut event)?;
        Ok(Callback::new(event, params, body, parts))
    }

    /// Puts it together from what [`read`](Self::read) has read.
    #[inline]
    pub(crate) fn new(event: Option<Event>, params: Params, body: Bytes, parts: Parts) -> Self {
        let event = event.unwrap_or_else(|| Event::untyped(&params.command, None, &body));
        Callback {
            event,
            params,
            body,
            parts,
        }
    }

    /// Reads the event, and the command that counts. Events are large: this one is written where it shall stay, and is none if the
    /// command has no type.
    pub(crate) fn read(params: &mut Params, body: &Bytes, event: &mut Option<Event>) -> Result<(), Rejection> {
        let app = params.sdk_app_id;
        if parse::is_blank(body) {
            let before = params.command.phase() == Phase::Before;
            if params.token_index().is_some() && !before {
                return Err(Rejection::from(RejectionKind::Probe).of_app(app));
            }
            // `{}` is no message to judge either: "OK" would mean "allow".
            if before || parse::is_empty(body) {
                return Err(Rejection::from(RejectionKind::BodyEmpty).of_app(app));
            }
        }
        let parsed = parse::parse(&params.command, body, event).map_err(|rejection| rejection.of_app(app))?;
        if parsed.app != BodyApp::Absent && parsed.app != BodyApp::Is(app) {
            return Err(Rejection::from(RejectionKind::AppMismatch).of_app(app));
        }
        if let Some(command) = parsed.command {
            params.command = command;
        }
        Ok(())
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

    /// Whether a call of the REST API caused the event, and no user's client. A server that reacts to events by such calls stops here
    /// before it reacts to itself.
    pub fn is_from_rest_api(&self) -> bool {
        self.params.opt_platform == Some(OptPlatform::RestApi)
    }

    /// Starts a rewrite of the message that the callback carries, from the elements as they came.
    ///
    /// ```
    /// use tencent_im_callback::event::c2c::BeforeSendMsg;
    /// use tencent_im_callback::reply::{Rewrite, c2c::BeforeSendMsgReply};
    /// use tencent_im_callback::{Callback, message::NoMessage, testing};
    ///
    /// fn polite(callback: &Callback<BeforeSendMsg>) -> Result<BeforeSendMsgReply, NoMessage> {
    ///     let message = callback.rewrite_message()?.map_texts(|text| Some(text.replace("damn", "****")));
    ///     Ok(BeforeSendMsgReply::allow_rewritten(Rewrite::new().msg_body(message)))
    /// }
    /// # let body = r#"{"From_Account":"a","To_Account":"b","MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"damn"}}]}"#;
    /// # polite(&testing::callback(body))?;
    /// # Ok::<(), NoMessage>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`NoMessage`] if the body has no `MsgBody`.
    pub fn rewrite_message(&self) -> Result<MsgBodyBuilder, NoMessage> {
        MsgBodyBuilder::from_body(&self.body)
    }

    /// The command: of the URL, or of the body where the vendor documents that the body knows better.
    pub fn command(&self) -> &Command {
        &self.params.command
    }
}

impl<E: AsEvent> Callback<E> {
    /// When the event happened, wherever its command writes it; in the unit it came in.
    ///
    /// No time is documented for `Alert`, `ContentCallback`, the four topic commands, and most of `Sns`.
    pub fn time(&self) -> Option<EventTime> {
        self.event.time_by_rule()
    }

    /// What tells this delivery from every other one; `None` if that cannot be said, and for callbacks that wait for a verdict.
    ///
    /// Tencent documents no delivery id, and a message's key is shared by its edits, extensions and receipts. So the rule depends on
    /// the command: parts of the event that name just this one, else a digest of the raw body if that carries a time, else the
    /// digest with `RequestId`. App and command are always part of it.
    pub fn dedup_key(&self) -> Option<DedupKey> {
        let params = &self.params;
        if params.command.phase().may_decide() {
            return None;
        }
        let app = params.sdk_app_id;
        self.event.key_by_rule(app).or_else(|| {
            let digest = key::Parts::new(app, &params.command, "body").bytes(&self.body);
            match (self.time(), params.request_id()) {
                (Some(_), _) => digest.finish(),
                (None, Some(id)) => digest.bytes(id.as_bytes()).finish(),
                (None, None) => None,
            }
        })
    }

    /// The members of the body that this version does not type, as paths such as `PairList[].Nickname`: what the vendor has added
    /// since. Looked for only when asked.
    ///
    /// An element or batch item of unknown kind is named itself. Nothing is said about members that are `null` or an empty text, nor
    /// about an [`Event::Unknown`], which is untyped as a whole.
    pub fn unknown_fields(&self) -> Vec<String> {
        let (Some(written), Ok(raw)) = (self.event.written(), std::str::from_utf8(&self.body)) else {
            return Vec::new();
        };
        let mut found = drift::unknown_fields(raw, &written);
        if self.event.has_unknown_item() {
            found.insert(0, "Events[]".to_owned());
        }
        found
    }
}

impl Callback {
    /// The callback as one of this event; it comes back if it is another one.
    ///
    /// # Errors
    ///
    /// The callback, if it is of another event.
    #[allow(clippy::result_large_err)] // handed through, not reported
    pub fn downcast<E: TypedEvent>(self) -> Result<Callback<E>, Callback> {
        let Callback {
            event,
            params,
            body,
            parts,
        } = self;
        match E::from_event(event) {
            Ok(event) => Ok(Callback {
                event,
                params,
                body,
                parts,
            }),
            Err(event) => Err(Callback {
                event,
                params,
                body,
                parts,
            }),
        }
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
