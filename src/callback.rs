//! A callback: the event and everything that came with it.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::{Extensions, HeaderMap};
use serde::de::DeserializeOwned;

use crate::auth::Params;
use crate::command::{Command, Phase};
use crate::event::key::{self, DedupKey, OrderKey};
use crate::event::parse::{self, BodyApp};
use crate::event::{AsEvent, Event, EventTime, Misfit, TypedEvent, drift};
use crate::json::{self, CheckedText, Room};
use crate::message::{MsgBodyBuilder, NoMessageError};
use crate::rejection::{Rejection, RejectionKind};
use crate::types::OptPlatform;

/// A verified callback: the event, the URL's parameters, the raw body, and the headers and
/// extensions of the request.
///
/// `Callback` holds an [`Event`] of any kind, `Callback<sns::FriendDelete>` holds that event.
///
/// ```
/// use tencent_im_callback::event::c2c::AfterSendMsg;
/// use tencent_im_callback::{Callback, Reply};
///
/// async fn count(callback: Callback<AfterSendMsg>) -> Reply {
///     println!("{} from {}", callback.params.sdk_app_id, callback.event.from_account);
///     Reply::ok()
/// }
/// ```
///
/// A callback is always made from verified parameters, or from [`Params::trusted`]; it cannot be
/// built by hand. It does not contain the URL, which has the signature. `Debug` shows command, app,
/// event and the length of the body.
#[derive(Clone)]
#[non_exhaustive]
pub struct Callback<E = Event> {
    /// The event.
    pub event: E,
    /// The parameters of the URL.
    pub params: Params,
    /// The body as received.
    pub body: Bytes,
    /// The headers of the request; empty if the callback came another way.
    pub headers: HeaderMap,
    /// The request's extensions, as outer layers set them.
    pub extensions: Extensions,
    /// The text of `body`, if that has been checked.
    pub(crate) text: CheckedText,
    /// Whether moderation has allowed it, so that a router without a handler for it may allow it.
    pub(crate) judged: bool,
}

type Read = (Event, CheckedText);

impl Callback {
    /// Parses the body of a verified callback from anywhere: another web framework, a cloud
    /// function, your database.
    ///
    /// A notification that cannot be read, whatever its bytes are, becomes [`Event::Unknown`] with
    /// the reason and the raw body.
    ///
    /// # Errors
    ///
    /// A [`Rejection`], to be answered with [`Rejection::to_response`] or [`Rejection::to_reply`]:
    ///
    /// - [`RejectionKind::Untyped`]: Tencent waits for a verdict, and the body cannot be read as
    ///   its type. `OK` would let a message pass that nobody checked. To block it, answer
    ///   [`Reply::rejecting`](crate::Reply::rejecting) instead.
    ///   [`parse_untyped`](Self::parse_untyped) returns such a callback;
    /// - [`RejectionKind::AppMismatch`]: the body has another app than the URL;
    /// - [`RejectionKind::Probe`]: it is the console's check of the callback URL. Answer it `OK`.
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

    /// Like [`parse`](Self::parse), but a *before* callback that cannot be read becomes
    /// [`Event::Unknown`] as well. Do not allow what is unknown: a crafted body can hide a message
    /// from moderation this way.
    ///
    /// # Errors
    ///
    /// Like [`parse`](Self::parse), without [`RejectionKind::Untyped`].
    pub fn parse_untyped(mut params: Params, body: Bytes) -> Result<Self, Rejection> {
        let (event, text) = Callback::read(&mut params, &body)?;
        Ok(Callback::new(event, params, body, text, HeaderMap::new(), Extensions::new()))
    }

    /// Checks the body of a request whose URL is that of a [`Probe`](crate::Verified::Probe): it is
    /// the console's check of the URL only if its body is empty or `{}`. White space and a byte
    /// order mark do not count.
    ///
    /// # Errors
    ///
    /// [`RejectionKind::UrlIncomplete`] if there is anything else: it may be a callback whose URL
    /// lost its parameters, and `OK` could allow what nobody has judged.
    pub fn check_probe(body: &[u8]) -> Result<(), Rejection> {
        if parse::is_blank(body) {
            return Ok(());
        }
        Err(Rejection::url_incomplete(body.len(), parse::kind(body)))
    }

    /// Makes a callback of the event that [`read`](Self::read) returned.
    #[inline]
    pub(crate) fn new(
        event: Event,
        params: Params,
        body: Bytes,
        text: CheckedText,
        headers: HeaderMap,
        extensions: Extensions,
    ) -> Self {
        Callback { event, params, body, text, headers, extensions, judged: false }
    }

    /// Prepares the callback for work that outlives its request. Body and URL are slices of the
    /// server's read buffer and would keep all of it in memory, so they are copied. Headers and
    /// extensions are dropped, as when a callback is stored.
    #[cfg(feature = "detach")]
    pub(crate) fn outlive_request(&mut self) {
        self.body = Bytes::copy_from_slice(&self.body);
        self.text = CheckedText::default();
        if let Event::Unknown(event) = &mut self.event {
            event.body = self.body.clone();
        }
        self.params.compact();
        self.headers = HeaderMap::new();
        self.extensions = Extensions::new();
    }

    /// The bytes that body and URL take after [`outlive_request`](Self::outlive_request).
    #[cfg(feature = "detach")]
    pub(crate) fn size(&self) -> usize {
        self.body.len().saturating_add(self.params.size())
    }

    /// Reads the event, and notes the command that counts in the parameters.
    pub(crate) fn read(params: &mut Params, body: &Bytes) -> Result<Read, Rejection> {
        let app = params.sdk_app_id;
        let refused = |kind: RejectionKind| Err(Rejection::from(kind).of_app(app));
        if !params.command.phase().may_decide()
            && params.token_index().is_some()
            && parse::is_blank(body)
        {
            return refused(RejectionKind::Probe);
        }
        // The one command whose body names its app.
        if params.command == Command::ContentCallbackResultNotify {
            match parse::app(body) {
                BodyApp::Absent => {}
                BodyApp::Is(of_body) if of_body == app => {}
                BodyApp::Is(_) | BodyApp::Unreadable => return refused(RejectionKind::AppMismatch),
            }
        }
        let text = CheckedText::of(body, params.command.phase().may_decide());
        let event = parse::parse(&params.command, body, &text);
        if let Some(command) = event.corrected(&params.command) {
            params.command = command;
        }
        Ok((event, text))
    }
}

impl<E> Callback<E> {
    /// Replaces the event.
    pub fn map_event<F>(self, map: impl FnOnce(E) -> F) -> Callback<F> {
        Callback {
            event: map(self.event),
            params: self.params,
            body: self.body,
            text: self.text,
            headers: self.headers,
            extensions: self.extensions,
            judged: self.judged,
        }
    }

    /// Whether a REST API call caused the event, not a user's client. If your server answers events
    /// with REST API calls, check this first, or it will react to itself.
    pub fn is_from_rest_api(&self) -> bool {
        self.params.opt_platform == Some(OptPlatform::RestApi)
    }

    /// Starts a rewrite of the callback's message, from its elements as received.
    ///
    /// ```
    /// use tencent_im_callback::event::c2c::BeforeSendMsg;
    /// use tencent_im_callback::reply::{Rewrite, c2c::BeforeSendMsgReply};
    /// use tencent_im_callback::{Callback, message::{NoMessageError, TextElem}, testing};
    ///
    /// fn signed(
    ///     callback: &Callback<BeforeSendMsg>,
    /// ) -> Result<BeforeSendMsgReply, NoMessageError> {
    ///     let message = callback.rewrite_message()?.push(TextElem::new("sent by a bot"));
    ///     Ok(BeforeSendMsgReply::allow_rewritten(Rewrite::new().msg_body(message)))
    /// }
    /// # let body = r#"{"From_Account":"a","To_Account":"b",
    /// #     "MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"damn"}}]}"#;
    /// # signed(&testing::callback(body))?;
    /// # Ok::<(), NoMessageError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`NoMessageError`] if the body has no `MsgBody`.
    pub fn rewrite_message(&self) -> Result<MsgBodyBuilder, NoMessageError> {
        MsgBodyBuilder::from_body(&self.body)
    }

    /// Reads the body as a type of yours, for members that this version does not know. Members that
    /// your type does not have are ignored.
    ///
    /// It reads what Tencent really sends, as the events do: numbers and booleans in quotes, `null`
    /// for an empty list, half a character in a text. `serde_json::from_slice` fails on these, and
    /// in a *before* callback anybody can send them.
    ///
    /// ```
    /// use serde::Deserialize;
    /// use tencent_im_callback::event::c2c::BeforeSendMsg;
    /// use tencent_im_callback::testing;
    ///
    /// #[derive(Deserialize)]
    /// #[serde(rename_all = "PascalCase")]
    /// struct More {
    ///     is_urgent: Option<bool>,
    /// }
    ///
    /// # let body = r#"{"From_Account":"\ud800","To_Account":"b","MsgBody":[],"IsUrgent":"true"}"#;
    /// let callback = testing::callback::<BeforeSendMsg>(body);
    /// assert_eq!(callback.body_as::<More>()?.is_urgent, Some(true));
    /// # Ok::<(), tencent_im_callback::event::Misfit>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A [`Misfit`] that says where the body does not fit your type, or is no JSON. Lists may take
    /// 64 times the memory of their text.
    pub fn body_as<T: DeserializeOwned>(&self) -> Result<T, Misfit> {
        let text = json::mend(&self.body);
        json::from_str_within(&text, Room::USER).map_err(|error| parse::misfit(&text, &error))
    }

    /// Whether moderation has judged and allowed what people wrote in it: see
    /// [`ModerateLayer`](crate::moderation::ModerateLayer). A service behind it that blocks what
    /// nobody judged asks this.
    #[cfg(feature = "moderation")]
    #[cfg_attr(docsrs, doc(cfg(feature = "moderation")))]
    pub fn is_moderated(&self) -> bool {
        self.judged
    }

    /// The command: the one in the URL, or the one in the body where the vendor documents that it
    /// takes precedence.
    pub fn command(&self) -> &Command {
        &self.params.command
    }

    /// Whether the body had broken characters: bytes that are not UTF-8, or one half of a surrogate
    /// pair. The event has U+FFFD in their place. Somebody may have broken a word on purpose, to
    /// hide it.
    pub fn is_mended(&self) -> bool {
        matches!(json::mend(&self.body), Cow::Owned(_))
    }
}

impl<E: AsEvent> Callback<E> {
    /// The command as which the callback has to be answered: whether Tencent waits for a verdict,
    /// and how it is rejected.
    ///
    /// It is the [command](Self::command), but for an [`Event::Unknown`] whose body has a *before*
    /// command that the URL does not have. Then it is that of the body, so that nobody's `OK`
    /// allows what the body asks for. A layer or service of your own that handles notifications in
    /// another way than verdicts asks this one.
    pub fn answered_as(&self) -> &Command {
        self.event.answered_as(&self.params.command)
    }

    /// When the event happened, read from whichever field has it, in the unit of that field.
    ///
    /// No time is documented for `Alert`, `ContentCallback`, the four topic commands, and most of
    /// `Sns`.
    pub fn time(&self) -> Option<EventTime> {
        self.event.time_by_rule()
    }

    /// A key that identifies this delivery. `None` if there is none, and for callbacks that wait
    /// for a verdict.
    ///
    /// A message's key is shared by its edits, extensions and receipts. So this key is a digest of
    /// the whole body, the app, the command and `OptPlatform`. Two events can have the same body
    /// unless it contains an id of its own, or a time in **milliseconds**: in one second a user can
    /// block, unblock and block somebody again. Without either, `RequestId` is added to the digest;
    /// without that as well, there is no key. The [table](crate::docs::commands) shows what each
    /// command has.
    ///
    /// An unknown command has a key if the URL has `RequestId`, which the vendor documents as
    /// unique for each callback and the same when it is sent again.
    ///
    /// When in doubt, there is no key and the event is handled twice: a wrong key would lose an
    /// event.
    pub fn dedup_key(&self) -> Option<DedupKey> {
        let params = &self.params;
        if self.answered_as().phase() == Phase::Before {
            return None;
        }
        let platform = params.opt_platform.as_ref().map(OptPlatform::as_str);
        let key = key::Parts::new(params.sdk_app_id, "delivery")
            .bytes(params.command.as_str().as_bytes())
            .maybe(platform)
            .bytes(&self.body);
        // A time in seconds is not enough: two events within a second can have the same body.
        if matches!(self.time(), Some(EventTime::Millis(_))) || self.event.has_id() {
            return Some(key.dedup());
        }
        Some(key.bytes(params.request_id()?.as_bytes()).dedup())
    }

    /// A key for order: events with the same key should be handled one after the other. The queue
    /// does that.
    ///
    /// It identifies the group, the two people of a conversation, the account (friends, block
    /// lists, follows, profiles, states), the official account, the room, the call or the service
    /// session; see the [table](crate::docs::commands). `None` where order does not matter, for
    /// events without a type, and for callbacks that wait for a verdict. Tencent does not promise
    /// any order of delivery.
    pub fn order_key(&self) -> Option<OrderKey> {
        if self.answered_as().phase().may_decide() {
            return None;
        }
        self.event.order_by_rule(self.params.sdk_app_id)
    }

    /// The fields of the body that this version does not know, as paths such as
    /// `PairList[].Nickname`: the vendor has added them since. They are only searched for when you
    /// call this. [`body_as`](Self::body_as) reads them.
    ///
    /// An element or item of unknown kind is listed itself. Fields that are `null` or an empty
    /// string are not listed. Neither are those of an [`Event::Unknown`], which has no type at all.
    pub fn unknown_fields(&self) -> Vec<String> {
        let Some(written) = self.event.written() else {
            return Vec::new();
        };
        let mut found = drift::unknown_fields(&json::mend(&self.body), &written);
        if self.event.has_unknown_item() {
            found.insert(0, "Events[]".to_owned());
        }
        found
    }
}

impl Callback {
    /// Converts it into the callback of one event; the error returns the callback if it is another
    /// event.
    ///
    /// # Errors
    ///
    /// The callback, if it is of another event.
    #[allow(clippy::result_large_err)] // handed through, not reported
    pub fn downcast<E: TypedEvent>(self) -> Result<Callback<E>, Callback> {
        let Callback { event, params, body, headers, extensions, text, judged } = self;
        match E::from_event(event) {
            Ok(event) => Ok(Callback { event, params, body, headers, extensions, text, judged }),
            Err(event) => Err(Callback { event, params, body, headers, extensions, text, judged }),
        }
    }
}

impl<E: TypedEvent> Callback<E> {
    /// Converts it into a callback of any event.
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
