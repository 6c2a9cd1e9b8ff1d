//! A callback: the event with everything that came along, and the form in which it can be stored.

use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;
use http::{Extensions, HeaderMap};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::auth::Params;
use crate::command::Command;
use crate::event::key::{self, DedupKey, OrderKey};
use crate::event::parse::{self, BodyApp};
use crate::event::{AsEvent, Event, EventTime, TypedEvent, drift};
use crate::message::{MsgBodyBuilder, NoMessageError};
use crate::rejection::{Rejection, RejectionKind};
use crate::types::{OptPlatform, TimestampMillis};

/// A verified callback: the event, the URL's parameters, the raw body, and what came with the request.
///
/// `Callback` alone holds an [`Event`] of any kind, `Callback<sns::FriendDelete>` one of that kind.
///
/// Nothing in it can print the URL, which holds the signature. `Debug` shows command, app, event and the length of the body.
///
/// Only what was verified, or trusted on purpose ([`Params::trusted`]), becomes one. It cannot be put together by hand:
///
/// ```compile_fail,E0639
/// use tencent_im_callback::{Callback, Event, Params};
///
/// fn forged(event: Event, params: Params) -> Callback {
///     Callback { event, params, body: Default::default(), headers: Default::default(), extensions: Default::default() }
/// }
/// ```
///
/// Nor can its parameters, which keep the URL to themselves:
///
/// ```compile_fail,E0616
/// fn sign(params: &tencent_im_callback::Params) -> String {
///     params.url.to_string()
/// }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Callback<E = Event> {
    /// What happened, or is about to.
    pub event: E,
    /// What the URL said.
    pub params: Params,
    /// The body as it came.
    pub body: Bytes,
    /// The headers of the request; empty if it came another way.
    pub headers: HeaderMap,
    /// What outer layers left in the request's extensions.
    pub extensions: Extensions,
}

impl Callback {
    /// Parses the body of a verified callback, wherever it came from: another web framework, a cloud function, a table of yours.
    ///
    /// A notification whose body does not fit its type, or whose command is unknown, is [`Event::Unknown`] with the raw body.
    ///
    /// # Errors
    ///
    /// A [`Rejection`], to be answered with [`Rejection::to_response`] or [`Rejection::to_reply`]:
    ///
    /// - the body is empty, no JSON object in UTF-8, or of another command or app than the URL;
    /// - [`RejectionKind::Untyped`]: it waits for a verdict, and cannot be read as its type. Answering `OK` would let a message pass that
    ///   nobody judged; [`parse_untyped`](Self::parse_untyped) gives it all the same;
    /// - [`RejectionKind::Probe`]: it is the console's check of the callback URL, to be answered `OK`.
    pub fn parse(params: Params, body: Bytes) -> Result<Self, Rejection> {
        let callback = Callback::parse_untyped(params, body)?;
        match callback.event.unjudged(&callback.params.command) {
            Some(event) => {
                let app = callback.params.sdk_app_id;
                Err(Rejection::untyped(event.why().to_string()).of_app(app))
            }
            None => Ok(callback),
        }
    }

    /// [`parse`](Self::parse), but a callback *before* an action that cannot be read as its type is [`Event::Unknown`], too. Do not
    /// take "unknown" for "allowed": a message that a crafted body hides from moderation is one of these.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse), without [`RejectionKind::Untyped`].
    pub fn parse_untyped(mut params: Params, body: Bytes) -> Result<Self, Rejection> {
        let mut event = None;
        Callback::read(&mut params, &body, &mut event)?;
        Ok(Callback::new(event, params, body, HeaderMap::new(), Extensions::new()))
    }

    /// Checks the body of a request that is a [`Probe`](crate::Verified::Probe) by its URL: it is one only if the body names no command.
    ///
    /// # Errors
    ///
    /// [`RejectionKind::UrlIncomplete`] if the body names a command: that is a callback whose URL lost its parameters.
    pub fn check_probe(body: &[u8]) -> Result<(), Rejection> {
        if parse::names_command(body) {
            return Err(RejectionKind::UrlIncomplete.into());
        }
        Ok(())
    }

    /// Puts it together from what [`read`](Self::read) has read.
    #[inline]
    pub(crate) fn new(
        event: Option<Event>,
        params: Params,
        body: Bytes,
        headers: HeaderMap,
        extensions: Extensions,
    ) -> Self {
        let event = event.unwrap_or_else(|| Event::untyped(&params.command, None, &body));
        Callback {
            event,
            params,
            body,
            headers,
            extensions,
        }
    }

    /// Reads the event, and the command that counts; none if the command has no type.
    pub(crate) fn read(params: &mut Params, body: &Bytes, event: &mut Option<Event>) -> Result<(), Rejection> {
        let app = params.sdk_app_id;
        if parse::is_blank(body) {
            let phase = params.command.phase();
            // `{}` is no message to judge: "OK" would mean "allow". What an unknown word means is not known either.
            if phase.may_decide() {
                return Err(Rejection::from(RejectionKind::BodyEmpty).of_app(app));
            }
            if params.token_index().is_some() {
                return Err(Rejection::from(RejectionKind::Probe).of_app(app));
            }
            if parse::is_empty(body) {
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
            headers: self.headers,
            extensions: self.extensions,
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
    /// use tencent_im_callback::{Callback, message::NoMessageError, testing};
    ///
    /// fn polite(callback: &Callback<BeforeSendMsg>) -> Result<BeforeSendMsgReply, NoMessageError> {
    ///     let message = callback.rewrite_message()?.map_texts(|text| Some(text.replace("damn", "****")));
    ///     Ok(BeforeSendMsgReply::allow_rewritten(Rewrite::new().msg_body(message)))
    /// }
    /// # let body = r#"{"From_Account":"a","To_Account":"b","MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"damn"}}]}"#;
    /// # polite(&testing::callback(body))?;
    /// # Ok::<(), NoMessageError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`NoMessageError`] if the body has no `MsgBody`.
    pub fn rewrite_message(&self) -> Result<MsgBodyBuilder, NoMessageError> {
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
    /// Tencent documents no delivery id, and the key of a message is shared by its edits, extensions and receipts. So the key is a digest
    /// of the whole body, with app, command and `OptPlatform`. Two events may still have the same body unless it holds a time or an id of
    /// its own; without either, `RequestId` joins the digest, and without that there is no key. Which command has what stands in
    /// the [table](crate::commands).
    ///
    /// It errs towards handling an event twice: a wrong key would lose one.
    pub fn dedup_key(&self) -> Option<DedupKey> {
        let params = &self.params;
        if params.command.phase().may_decide() {
            return None;
        }
        let platform = params.opt_platform.as_ref().map(OptPlatform::as_str);
        let key = key::Parts::new(params.sdk_app_id, "delivery")
            .bytes(params.command.as_str().as_bytes())
            .maybe(platform)
            .bytes(&self.body);
        if self.time().is_some() || self.event.has_id() {
            return key.dedup();
        }
        key.bytes(params.request_id()?.as_bytes()).dedup()
    }

    /// What the event belongs to: events with the same key should be handled one after the other. A queue takes care of that.
    ///
    /// It is the group of a group event, the two people of a conversation, the account of friends, block lists, follows, profiles and
    /// states, the official account, the room, or the call; see the [table](crate::commands). `None` where the order does not matter, for
    /// events without a type, and for callbacks that wait for a verdict. Tencent promises no order of delivery.
    pub fn order_key(&self) -> Option<OrderKey> {
        if self.params.command.phase().may_decide() {
            return None;
        }
        self.event.order_by_rule(self.params.sdk_app_id)
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
            headers,
            extensions,
        } = self;
        match E::from_event(event) {
            Ok(event) => Ok(Callback {
                event,
                params,
                body,
                headers,
                extensions,
            }),
            Err(event) => Err(Callback {
                event,
                params,
                body,
                headers,
                extensions,
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

/// A callback in the form that is promised to stay readable: for a table of yours, a queue, a file.
///
/// It holds the parameters without the signature, and the raw body, so that a later version of this crate types it anew. Neither
/// headers nor extensions are part of it. As JSON it is one object: `format` (1), `params`, `body` (a string), `received_at` (**ms**).
/// It is as trustworthy as the place it is read from: nothing in it is verified a second time.
///
/// ```
/// use tencent_im_callback::event::sns::FriendDelete;
/// use tencent_im_callback::{StoredCallback, testing};
///
/// let callback = testing::callback::<FriendDelete>(r#"{"PairList":[]}"#);
/// let json = serde_json::to_string(&StoredCallback::from(&callback))?;
///
/// let stored: StoredCallback = serde_json::from_str(&json)?;
/// assert_eq!(stored.parse()?.body, callback.body);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct StoredCallback {
    format: u32,
    /// What the URL said.
    pub params: Params,
    /// The body as it came.
    #[serde(serialize_with = "as_text")]
    pub body: Bytes,
    /// When it was taken in, in **milliseconds**.
    pub received_at: TimestampMillis,
}

/// The newest form that this version writes and reads.
const FORMAT: u32 = 1;

impl StoredCallback {
    /// A callback with the time it was taken in.
    pub fn new(params: Params, body: Bytes, received_at: SystemTime) -> Self {
        StoredCallback {
            format: FORMAT,
            params,
            body,
            received_at: TimestampMillis::from(received_at),
        }
    }

    /// The callback again, typed by this version of the crate. Headers and extensions are empty.
    ///
    /// # Errors
    ///
    /// As [`Callback::parse_untyped`]: the program that stored it has decided about the answer, so that one without a type is
    /// [`Event::Unknown`].
    pub fn parse(self) -> Result<Callback, Rejection> {
        Callback::parse_untyped(self.params, self.body)
    }
}

/// Taken in now.
impl<E> From<&Callback<E>> for StoredCallback {
    fn from(callback: &Callback<E>) -> Self {
        StoredCallback::new(callback.params.clone(), callback.body.clone(), SystemTime::now())
    }
}

fn as_text<S: serde::Serializer>(body: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    match std::str::from_utf8(body) {
        Ok(text) => serializer.serialize_str(text),
        Err(_) => Err(serde::ser::Error::custom("the body of a callback is UTF-8")),
    }
}

impl<'de> Deserialize<'de> for StoredCallback {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields {
            format: u32,
            params: Params,
            body: String,
            received_at: TimestampMillis,
        }

        let fields = Fields::deserialize(deserializer)?;
        if fields.format != FORMAT {
            let format = fields.format;
            return Err(D::Error::custom(format_args!(
                "form {format} of a stored callback, newer than this version"
            )));
        }
        Ok(StoredCallback {
            format: FORMAT,
            params: fields.params,
            body: fields.body.into(),
            received_at: fields.received_at,
        })
    }
}

impl fmt::Debug for StoredCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredCallback")
            .field("params", &self.params)
            .field("body_length", &self.body.len())
            .field("received_at", &self.received_at)
            .finish_non_exhaustive()
    }
}
