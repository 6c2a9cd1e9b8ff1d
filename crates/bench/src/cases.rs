//! The requests that are measured.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::Full;
use serde::de::DeserializeOwned;
use tencent_im_callback::event::{c2c, group, push, sns};
use tencent_im_callback::message::{MsgElement, TextElem};
use tencent_im_callback::moderation::{Finding, Text};
use tencent_im_callback::reply::Rewrite;
use tencent_im_callback::reply::c2c::BeforeSendMsgReply;
use tencent_im_callback::testing::{Fault, SignedRequest, sample};
use tencent_im_callback::{
    App, Callback, CallbackLayer, CallbackService, EventRouter, Quota, RateLimit, RateLimitLayer,
    Reply, ResponseBody, Token, TypedEvent, Verifier,
};
use tower::{Layer, Service};

use crate::floor;

/// The vendor's sample token.
pub const TOKEN: &str = "xxxxyyyy";

type Request_ = Request<Full<Bytes>>;

/// A request, and the floor for it.
pub struct Case {
    pub name: &'static str,
    /// Whether it is let through.
    pub accepted: bool,
    parts: Parts,
    body: Bytes,
    floor: fn(&floor::Key, Request_) -> Response<Full<Bytes>>,
}

impl Case {
    fn new<E: TypedEvent + DeserializeOwned>(
        name: &'static str,
        body: Option<Bytes>,
        fault: Option<Fault>,
    ) -> Self {
        let mut request = SignedRequest::new(E::COMMAND)
            .url("/callback")
            .parameter("ClientIP", "127.0.0.1")
            .parameter("OptPlatform", "iOS");
        if let Some(body) = body {
            request = request.body(body);
        }
        if fault == Some(Fault::Stale) {
            request = request.time(1_669_872_112);
        } else if let Some(fault) = fault {
            request = request.fault(fault);
        }
        let (mut parts, body) = request.build::<Bytes>().into_parts();
        for (name, value) in [("host", "localhost"), ("content-type", "application/json")] {
            parts.headers.insert(name, http::HeaderValue::from_static(value));
        }
        parts.headers.insert("content-length", body.len().into());
        Case { name, accepted: fault.is_none(), parts, body, floor: in_process_floor::<E> }
    }

    pub fn request(&self) -> Request_ {
        Request::from_parts(self.parts.clone(), Full::new(self.body.clone()))
    }

    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The request as it goes over a connection.
    pub fn wire(&self) -> Vec<u8> {
        let mut wire = format!("POST {} HTTP/1.1\r\n", self.parts.uri).into_bytes();
        for (name, value) in &self.parts.headers {
            wire.extend_from_slice(name.as_str().as_bytes());
            wire.extend_from_slice(b": ");
            wire.extend_from_slice(value.as_bytes());
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b"\r\n");
        wire.extend_from_slice(&self.body);
        wire
    }
}

fn in_process_floor<E: DeserializeOwned>(
    key: &floor::Key,
    request: Request_,
) -> Response<Full<Bytes>> {
    let mut status = floor::check(key, request.method(), request.uri());
    if status.is_success() {
        let (_parts, body) = request.into_parts();
        let Poll::Ready(Some(Ok(frame))) = http_body::Body::poll_frame(pin!(body), &mut context())
        else {
            panic!("a body of one frame")
        };
        let body = frame.into_data().expect("no trailers");
        status = floor::parse::<E>(&body);
    }
    floor::respond(status)
}

fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// One item of a batch, in the form the vendor documents.
const PUSH_ITEM: &str = concat!(
    r#"{"CallbackCommand":"Push.OfflinePush","EventType":1,"EventTime":1669872112,"#,
    r#""From_Account":"aaa","To_Account":"bbbb","PushPlatform":1,"PushStage":1,"#,
    r#""MsgKey":"1_2_3","MsgSeq":1,"MsgRandom":2,"MsgTime":1669872112,"PushID":"xxx","#,
    r#""ErrCode":0,"ErrInfo":""}"#
);

/// A message before it is sent.
const BEFORE_SEND: &str = concat!(
    r#""CallbackCommand":"C2C.CallbackBeforeSendMsg","#,
    r#""From_Account":"jared","To_Account":"Jonh""#
);

/// What tells one message from another.
pub(crate) const NUMBERS: &str = concat!(
    r#""MsgSeq":48374,"MsgRandom":2837546,"MsgTime":1557481126,"#,
    r#""MsgKey":"48374_2837546_1557481126""#
);

/// A text element.
fn element(text: &str) -> String {
    format!(r#"{{"MsgType":"TIMTextElem","MsgContent":{{"Text":"{text}"}}}}"#)
}

/// A message with this text.
pub fn message(length: usize) -> Bytes {
    format!(r#"{{{BEFORE_SEND},"MsgBody":[{}]}}"#, element(&"x".repeat(length))).into()
}

/// The vendor's message before it is sent, with its keys sorted by name, as recorded bodies have
/// them.
fn sorted() -> Bytes {
    let json = sample(&c2c::BeforeSendMsg::COMMAND).expect("a sample");
    let sorted: serde_json::Value = serde_json::from_str(json).expect("JSON");
    serde_json::to_string_pretty(&sorted).expect("JSON").into()
}

/// A deletion of this many friends.
fn friends(pairs: usize) -> Bytes {
    let pairs = vec![r#"{"From_Account":"id","To_Account":"id1"}"#; pairs].join(",");
    format!(r#"{{"CallbackCommand":"Sns.CallbackFriendDelete","PairList":[{pairs}]}}"#).into()
}

fn elements(count: usize) -> Bytes {
    let elements = vec![element("red packet"); count].join(",");
    format!(r#"{{{BEFORE_SEND},"MsgBody":[{elements}]}}"#).into()
}

/// Every request of the tables.
pub fn all() -> Vec<Case> {
    let batch = format!(r#"{{"Events":[{}]}}"#, vec![PUSH_ITEM; 100].join(","));
    vec![
        Case::new::<sns::FriendDelete>("friend delete, 3 pairs", Some(friends(3)), None),
        Case::new::<c2c::BeforeSendMsg>("C2C before send, text", None, None),
        Case::new::<c2c::BeforeSendMsg>("the same, keys sorted", Some(sorted()), None),
        Case::new::<group::AfterSendMsg>("group after send", None, None),
        Case::new::<push::OfflinePush>("push batch, 100 items", Some(batch.into()), None),
        Case::new::<c2c::BeforeSendMsg>("message of 64 KiB", Some(message(64 * 1024)), None),
        Case::new::<sns::FriendDelete>(
            "bad signature",
            Some(friends(3)),
            Some(Fault::SignatureMismatch),
        ),
        Case::new::<sns::FriendDelete>("wrong app", Some(friends(3)), Some(Fault::OtherApp)),
        Case::new::<sns::FriendDelete>("stale", Some(friends(3)), Some(Fault::Stale)),
    ]
}

/// The same kind of body, small and large.
pub fn growth() -> Vec<[Case; 2]> {
    fn pair<E: TypedEvent + DeserializeOwned>(
        name: &'static str,
        small: Bytes,
        large: Bytes,
    ) -> [Case; 2] {
        [small, large].map(|body| Case::new::<E>(name, Some(body), None))
    }
    vec![
        pair::<c2c::BeforeSendMsg>(
            "one long text",
            message(4 * 1024 - 140),
            message(1024 * 1024 - 140),
        ),
        pair::<sns::FriendDelete>("pairs", friends(98), friends(25_560)),
        pair::<c2c::BeforeSendMsg>("elements", elements(63), elements(16_600)),
    ]
}

/// A message of this text.
fn saying(text: &str) -> Bytes {
    let text = element(text);
    format!(r#"{{{BEFORE_SEND},{NUMBERS},"OnlineOnlyFlag":1,"MsgBody":[{text}]}}"#).into()
}

/// Messages that are moderated, and what they may cost in terms of a handler that looks for the
/// words itself.
pub fn moderated_messages() -> Vec<(Case, f64)> {
    let chinese = "\u{4f60}\u{597d}\u{ff0c}\u{660e}\u{5929}\u{89c1}\u{3002}";
    let ascii = "See you tomorrow, then! ";
    [
        ("short ASCII", ascii.to_owned(), 1.15),
        ("short Chinese", chinese.to_owned(), 1.15),
        ("ASCII, 4 KiB", ascii.repeat(4096 / ascii.len()), 1.5),
        ("Chinese, 4 KiB", chinese.repeat(4096 / chinese.len()), 1.5),
        ("ASCII, 64 KiB", ascii.repeat(65_536 / ascii.len()), 1.5),
        ("Chinese, 64 KiB", chinese.repeat(65_536 / chinese.len()), 1.5),
    ]
    .map(|(name, text, goal)| {
        (Case::new::<c2c::BeforeSendMsg>(name, Some(saying(&text)), None), goal)
    })
    .into()
}

/// What handles the callbacks: nothing that could cost anything.
pub type Handler = fn(Callback) -> Ready<Result<Reply, Infallible>>;

fn handle(callback: Callback) -> Ready<Result<Reply, Infallible>> {
    black_box(&callback);
    ready(Ok(Reply::ok()))
}

/// The layer, as a user configures it.
pub fn layer() -> CallbackLayer {
    let app = App::signed(1_400_000_000, Token::new(TOKEN).expect("a good token"));
    let window = Duration::from_secs(floor::WINDOW);
    // Over a million bytes, for the largest of the bodies.
    CallbackLayer::new(Verifier::new(app).max_age(window).max_ahead(window))
        .body_limit(2 * 1024 * 1024)
}

/// A service with a handler that does nothing.
pub fn service() -> CallbackService<tower::util::ServiceFn<Handler>> {
    layer().layer(tower::service_fn(handle as Handler))
}

/// The same with a router between.
pub fn routed() -> CallbackService<EventRouter> {
    async fn friend_delete(callback: Callback<sns::FriendDelete>) {
        black_box(&callback);
    }
    async fn before_send(callback: Callback<c2c::BeforeSendMsg>) -> BeforeSendMsgReply {
        black_box(&callback);
        BeforeSendMsgReply::allow()
    }
    async fn after_send(callback: Callback<group::AfterSendMsg>) {
        black_box(&callback);
    }
    async fn push(callback: Callback<push::OfflinePush>) {
        black_box(&callback);
    }
    let router = EventRouter::new().on(friend_delete).on(before_send).on(after_send).on(push);
    layer().layer(router)
}

/// The service with a rate limit between, which everything passes.
pub fn limited() -> CallbackService<RateLimit<tower::util::ServiceFn<Handler>>> {
    let limit = RateLimitLayer::per_sender(Quota::per_second(u32::MAX));
    layer().layer(limit.layer(tower::service_fn(handle as Handler)))
}

/// A router that moderates.
fn moderated() -> CallbackService<EventRouter> {
    let judge = |text: &Text<'_>| {
        if text.contains("spam") {
            Finding::Reject
        } else if text.contains("damn") {
            Finding::Replace(text.replace("damn", "****"))
        } else {
            Finding::Allow
        }
    };
    layer().layer(EventRouter::new().moderate(judge))
}

/// A router with a handler that looks for the same words as written, in elements of text.
fn moderated_by_hand() -> CallbackService<EventRouter> {
    async fn before_send(callback: Callback<c2c::BeforeSendMsg>) -> BeforeSendMsgReply {
        let mut message = None;
        for (index, element) in callback.event.msg_body.iter().enumerate() {
            let MsgElement::Text(TextElem { text: Some(text), .. }) = element else { continue };
            if text.contains("spam") {
                return BeforeSendMsgReply::reject();
            }
            if text.contains("damn")
                && let Some(so_far) = message.take().or_else(|| callback.rewrite_message().ok())
            {
                message = Some(so_far.replace(index, TextElem::new(text.replace("damn", "****"))));
            }
        }
        match message {
            Some(message) => BeforeSendMsgReply::allow_rewritten(Rewrite::new().msg_body(message)),
            None => BeforeSendMsgReply::allow(),
        }
    }
    layer().layer(EventRouter::new().on(before_send))
}

/// One way to answer a request, without a server.
pub enum Contender {
    Floor(floor::Key),
    Ours(CallbackService<tower::util::ServiceFn<Handler>>),
    Routed(CallbackService<EventRouter>),
    Limited(CallbackService<RateLimit<tower::util::ServiceFn<Handler>>>),
    /// Takes the request and gives nothing: what the measurement itself costs.
    Nothing,
}

impl Contender {
    pub fn floor() -> Self {
        Contender::Floor(floor::Key::new(TOKEN))
    }

    pub fn ours() -> Self {
        Contender::Ours(service())
    }

    pub fn routed() -> Self {
        Contender::Routed(routed())
    }

    pub fn limited() -> Self {
        Contender::Limited(limited())
    }

    pub fn moderated() -> Self {
        Contender::Routed(moderated())
    }

    pub fn moderated_by_hand() -> Self {
        Contender::Routed(moderated_by_hand())
    }

    /// Answers one request; true if it was let through.
    #[inline]
    pub fn answer(&mut self, case: &Case, request: Request_) -> bool {
        match self {
            Contender::Floor(key) => {
                let response = (case.floor)(key, request);
                black_box(&response).status().is_success()
            }
            Contender::Ours(service) => poll(service.call(request)),
            Contender::Routed(service) => poll(service.call(request)),
            Contender::Limited(service) => poll(service.call(request)),
            Contender::Nothing => {
                black_box(&request);
                case.accepted
            }
        }
    }
}

#[inline]
fn poll(future: impl Future<Output = Result<Response<ResponseBody>, Infallible>>) -> bool {
    let Poll::Ready(Ok(response)) = pin!(future).poll(&mut context()) else {
        panic!("nothing to wait for")
    };
    black_box(&response).status().is_success()
}
