//! The whole service: one body cut in many ways gets one answer, which is foretold by the plain
//! functions.
//!
//! Input: twelve bytes that say what is asked (see [`Case::read`]), then the body.

use std::collections::VecDeque;
use std::future::{Future, Ready, ready};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Buf, Bytes, buf::Chain};
use http::{HeaderMap, HeaderValue, Request, Response, request::Parts};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use tencent_im_callback::testing::sign;
use tencent_im_callback::testing::{Fault, SignedRequest};
use tencent_im_callback::{
    App, Apps, Callback, CallbackLayer, Cause, Command, DedupKey, DedupLayer, Disposition, Event,
    EventRouter, HandlerError, OnError, Outcome, OutcomeKind, Params, Phase, Reply, ResponseBody,
    StoredCallback, Token, UnknownReason, Verified, Verifier, VerifyLayer,
};
use tower_layer::Layer;
use tower_service::Service;

use crate::body::{self, Expected, told};
use crate::json::{self, Json};
use crate::{APP, NOW, TOKEN, clock, command, payloads, selector};

/// The app without a signature.
const OPEN: u64 = APP + 1;

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Clean,
    Trailers,
    Error,
}

/// What the inner service does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    Accept,
    Fail,
    NeverReady,
    Refuse,
}

struct Case {
    parts: Parts,
    limit: usize,
    hint: u64,
    /// What arrives before the end.
    data: Bytes,
    end: End,
    /// Trailers in the midst of the data, which HTTP does not know.
    stray: bool,
    pending: u8,
    does: Does,
    /// The inner service is pending this often, in `poll_ready` and after the call.
    waits: usize,
    forward: bool,
    /// What the owner chose.
    on_error: u8,
    cuts: u16,
}

impl Case {
    fn read(head: &[u8; 12], body: &[u8]) -> Self {
        let [word, url, limit, declared, hint, end, at, pending, does, config, cut1, cut2] = *head;
        let request = SignedRequest::new(command(word)).time(NOW).url("/callback");
        let faults = Fault::ALL.len();
        let request = match usize::from(url) {
            1 => request.app(OPEN).unsigned(),
            2 => request.path_parameters(),
            3 => request.parameter("RequestId", "5").parameter("OptPlatform", "RESTAPI"),
            at if (8..8 + faults).contains(&at) => request.fault(Fault::ALL[at - 8]),
            _ => request,
        };
        let mut parts = request.body(Bytes::new()).build::<Bytes>().into_parts().0;
        let signed = format!("Sign={}&RequestTime={NOW}", sign(TOKEN, NOW));
        match url {
            4 => parts.uri = format!("/?{signed}").parse().expect("a URL"),
            5 => parts.uri = format!("/?SdkAppid={APP}&{signed}").parse().expect("a URL"),
            _ => {}
        }
        let length = body.len();
        let limit = match limit {
            1 => 0,
            2 => length,
            3 => length.saturating_sub(1),
            4 => length + 1,
            5 => 100,
            6 => length / 2,
            _ => 1024 * 1024,
        };
        let declared: Option<Vec<u8>> = match declared {
            1 => Some(length.to_string().into()),
            2 => Some((length + 1).to_string().into()),
            3 => Some("0".into()),
            4 => Some("99999999999999999999999".into()),
            5 => Some("-1".into()),
            6 => Some((limit + 1).to_string().into()),
            7 => Some(limit.to_string().into()),
            8 => Some(b"\xff5".to_vec()),
            9 => Some("".into()),
            10 => Some("+9999999".into()),
            _ => None,
        };
        if let Some(declared) = declared {
            let declared = HeaderValue::from_bytes(&declared).expect("a header");
            parts.headers.insert("content-length", declared);
        }
        Case {
            parts,
            limit,
            hint: match hint {
                1 => length as u64,
                2 => limit as u64,
                3 => limit as u64 + 1,
                4 => u64::MAX,
                _ => 0,
            },
            data: match end % 8 {
                2 => Bytes::copy_from_slice(&body[..usize::from(at) % (length + 1)]),
                _ => Bytes::copy_from_slice(body),
            },
            end: match end % 8 {
                1 | 4 => End::Trailers,
                2 | 3 => End::Error,
                _ => End::Clean,
            },
            stray: end % 8 == 4,
            pending,
            does: match does % 8 {
                1 => Does::Fail,
                2 => Does::NeverReady,
                3 => Does::Refuse,
                _ => Does::Accept,
            },
            waits: usize::from(does / 64),
            forward: config & 1 != 0,
            on_error: config / 2 % 5,
            cuts: u16::from_be_bytes([cut1, cut2]),
        }
    }

    fn verifier(&self) -> Verifier {
        let token = Token::new(TOKEN).expect("a good token");
        let apps = Apps::new([App::signed(APP, token), App::unsigned(OPEN)]);
        Verifier::new(apps).clock(clock).path_parameters()
    }

    fn layer(&self) -> CallbackLayer {
        let layer = CallbackLayer::new(self.verifier()).body_limit(self.limit);
        let layer = if self.forward { layer.forward_misfits() } else { layer };
        match self.on_error {
            1 => layer.on_before_error(OnError::Reply(Reply::reject(7, "later"))),
            2 => layer.on_after_error(OnError::ServerError),
            3 => layer.on_error(|_| OnError::Reply(Reply::reject(9, "by closure"))),
            4 => layer.on_before_error(OnError::reject("not \"now\"")),
            _ => layer,
        }
    }

    fn dedup(&self) -> DedupLayer {
        let layer = DedupLayer::new(Duration::from_secs(60)).capacity(4);
        if self.cuts.is_multiple_of(16) {
            layer.key(|_| Some(DedupKey::new("all the same")))
        } else {
            layer
        }
    }

    /// Whether a callback that could not be handled was answered as its owner chose.
    fn is_owners_answer(&self, answer: &Answer, command: &Command, body: &[u8]) {
        let is = |status: u16, body: &str| {
            assert_eq!(
                (answer.status, answer.body.as_ref()),
                (status, body.as_bytes()),
                "{command}"
            );
        };
        match (self.on_error, command.phase().may_decide()) {
            (0 | 2, true) | (2, false) => is(500, NOT_HANDLED),
            (1, true) => is(200, r#"{"ActionStatus":"OK","ErrorCode":7,"ErrorInfo":"later"}"#),
            (3, _) => is(200, r#"{"ActionStatus":"OK","ErrorCode":9,"ErrorInfo":"by closure"}"#),
            (4, true) if command.as_str().starts_with("Sns.CallbackPrev") => {
                everybody_is_rejected(answer, body)
            }
            (4, true) => {
                is(200, r#"{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"not \"now\""}"#)
            }
            _ => is(200, NOT_HANDLED),
        }
    }

    /// The body in one piece.
    fn whole(&self) -> Cut {
        self.cut_by(&mut |left| left)
    }

    /// The body in pieces, empty ones among them.
    fn pieces(&self) -> Cut {
        let mut state = u32::from(self.cuts) << 8 | 1;
        self.cut_by(&mut |left| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let wish = (state >> 16) as usize % 24;
            // Few large pieces, then many small ones.
            if wish > 20 { left / 2 } else { wish.min(left) }
        })
    }

    fn cut_by(&self, next: &mut dyn FnMut(usize) -> usize) -> Cut {
        let mut frames = VecDeque::new();
        let mut rest = self.data.clone();
        let mut idle = 0;
        while !rest.is_empty() {
            let piece = rest.split_to(next(rest.len()));
            idle = if piece.is_empty() { idle + 1 } else { 0 };
            if idle < 3 {
                let half = piece.len() / 3;
                frames.push_back(Ok(Frame::data(piece.slice(..half).chain(piece.slice(half..)))));
            }
            if self.stray && frames.len() == 2 {
                frames.push_back(Ok(Frame::trailers(HeaderMap::new())));
            }
            if idle >= 3 {
                let half = rest.len().div_ceil(2);
                frames.push_back(Ok(Frame::data(rest.split_to(half).chain(Bytes::new()))));
            }
        }
        match self.end {
            End::Clean => {}
            End::Trailers => frames.push_back(Ok(Frame::trailers(HeaderMap::new()))),
            End::Error => frames.push_back(Err("connection reset")),
        }
        Cut {
            frames,
            hint: self.hint,
            pending: self.pending,
            step: 0,
            ended: false,
            polls: Arc::default(),
        }
    }
}

const NOT_HANDLED: &str =
    r#"{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"callback not handled"}"#;

/// Of a friend request, each person whose name can be read before the first mistake is rejected.
/// 500 only where there is none.
fn everybody_is_rejected(answer: &Answer, body: &[u8]) {
    let text = json::readable(body);
    let members = json::members_before_a_mistake(&text);
    let lists = members
        .iter()
        .filter(|(key, _)| ["FriendItem", "ResponseFriendItem"].contains(&key.as_str()));
    let mut persons: Vec<String> = Vec::new();
    for person in lists.flat_map(|(_, list)| list.list()) {
        let Json::Object(members) = &person.value else {
            continue;
        };
        let names: Vec<_> = members.iter().filter(|(key, _)| key == "To_Account").collect();
        if let [(_, name)] = names[..] {
            persons.extend(name.text().map(str::to_owned));
        }
    }
    if answer.status == 500 {
        assert_eq!(persons, [""; 0], "are let through");
        assert_eq!(answer.body, NOT_HANDLED);
        return;
    }
    assert_eq!(answer.status, 200);
    let reply = json::read(&answer.body).expect("an answer is JSON");
    assert_eq!(
        reply.member("ErrorCode").map(|code| code.raw),
        Some("0"),
        "everybody is let through"
    );
    let items = reply.member("ResultItem").map_or(&[][..], |items| items.list());
    let rejected: Vec<&str> = items
        .iter()
        .filter(|item| item.member("ResultCode").is_some_and(|code| code.raw == "38000"))
        .filter_map(|item| item.member("To_Account")?.text())
        .collect();
    assert!(!rejected.is_empty() && rejected.len() == items.len(), "{}", reply.raw);
    for person in persons {
        assert!(rejected.contains(&person.as_str()), "{person} is let through: {}", reply.raw);
    }
}

/// A body in prepared pieces. Panics if it is polled past its end.
struct Cut {
    frames: VecDeque<Result<Frame<Chain<Bytes, Bytes>>, &'static str>>,
    hint: u64,
    pending: u8,
    step: u32,
    ended: bool,
    polls: Arc<AtomicUsize>,
}

impl Body for Cut {
    type Data = Chain<Bytes, Bytes>;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, &'static str>>> {
        assert!(!self.ended, "polled past its end");
        self.polls.fetch_add(1, Ordering::Relaxed);
        self.step += 1;
        if self.pending >> (self.step % 8) & 1 != 0 && self.step < 64 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let frame = self.frames.pop_front();
        self.ended = !matches!(frame, Some(Ok(_)));
        Poll::Ready(frame)
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::default();
        hint.set_lower(self.hint);
        hint
    }
}

/// The inner service. Panics if it is called without being ready.
#[derive(Clone)]
struct Inner {
    does: Does,
    waits: usize,
    waited: usize,
    ready: bool,
    seen: Arc<Mutex<Vec<Callback>>>,
}

impl Service<Callback> for Inner {
    type Response = Reply;
    type Error = HandlerError;
    type Future = Slow;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), HandlerError>> {
        if self.waited < self.waits {
            self.waited += 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.ready = self.does != Does::NeverReady;
        Poll::Ready(if self.ready { Ok(()) } else { Err(std::io::Error::other("closed").into()) })
    }

    fn call(&mut self, callback: Callback) -> Slow {
        assert!(std::mem::take(&mut self.ready), "called without being ready");
        self.seen.lock().expect("no panic before").push(callback);
        let reply = match self.does {
            Does::Fail | Does::NeverReady => {
                Err(std::io::Error::other("handler \"failed\"\n").into())
            }
            Does::Refuse => Ok(Reply::reject(1, "no \"\n")),
            Does::Accept => Ok(Reply::ok()),
        };
        Slow { waits: self.waits, reply: Some(reply) }
    }
}

struct Slow {
    waits: usize,
    reply: Option<Result<Reply, HandlerError>>,
}

impl Future for Slow {
    type Output = Result<Reply, HandlerError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.waits > 0 {
            self.waits -= 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.reply.take().expect("polled once it is ready, and no more"))
    }
}

fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..100_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
    panic!("never ready");
}

/// All that can be seen of an answer.
#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
    outcome: OutcomeKind,
    rejection: Option<String>,
    cause: Option<Cause>,
    error: Option<String>,
    unknown: Option<&'static str>,
    misfit: Option<String>,
    params: Option<String>,
    polled: bool,
    seen: Vec<(Command, Bytes, Event)>,
}

fn text_of(body: ResponseBody) -> Bytes {
    let exact = body.size_hint().exact();
    let mut body = pin!(body);
    let mut found = Vec::new();
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(Ok(frame))) = body.as_mut().poll_frame(&mut cx) {
        found.extend_from_slice(&frame.into_data().unwrap_or_default());
    }
    assert_eq!(exact, Some(found.len() as u64));
    found.into()
}

fn send(case: &Case, cut: Cut) -> Answer {
    let seen: Arc<Mutex<Vec<Callback>>> = Arc::default();
    let inner =
        Inner { does: case.does, waits: case.waits, waited: 0, ready: false, seen: seen.clone() };
    let polls = cut.polls.clone();
    let request = Request::from_parts(case.parts.clone(), cut);
    let mut service = case.layer().layer(inner);
    let is_ready =
        Service::<Request<Cut>>::poll_ready(&mut service, &mut Context::from_waker(Waker::noop()));
    assert!(is_ready.is_ready());
    let Ok(response) = run(service.call(request));
    let (parts, body) = response.into_parts();
    let outcome = parts.extensions.get::<Outcome>().expect("an answer has an outcome");
    Answer {
        status: parts.status.as_u16(),
        outcome: outcome.kind(),
        rejection: outcome.rejection().map(|rejection| format!("{rejection:?}")),
        cause: outcome.cause(),
        error: outcome.error().map(str::to_owned),
        unknown: outcome.unknown_reason().map(UnknownReason::as_str),
        misfit: outcome.misfit().map(|misfit| format!("{misfit:?} {}", misfit.message())),
        params: outcome.params().map(|params| format!("{params:?}")),
        polled: polls.load(Ordering::Relaxed) > 0,
        seen: std::mem::take(&mut *seen.lock().expect("no panic before"))
            .into_iter()
            .map(|callback| (callback.params.command, callback.body, callback.event))
            .collect(),
        headers: parts.headers,
        body: text_of(body),
    }
}

/// One JSON object with the three members of the envelope.
fn is_envelope(answer: &Answer) {
    assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
    let json = json::read(&answer.body).expect("an answer is JSON");
    let status = json.member("ActionStatus").and_then(|status| status.text());
    assert!(matches!(status, Some("OK" | "FAIL")), "{}", json.raw);
    let code = json.member("ErrorCode").expect("a code");
    assert!(matches!(code.value, Json::Number) && code.raw.parse::<u32>().is_ok());
    assert!(json.member("ErrorInfo").is_some_and(|info| info.text().is_some()));
}

/// Bytes of an input before its JSON.
pub const HEAD: usize = 12;

pub fn check(data: &[u8]) {
    let _ = answer(data);
}

/// Checks, and tells how the request was answered; `None` if the input is too short.
fn answer(data: &[u8]) -> Option<Answer> {
    let (head, body) = data.split_first_chunk::<12>()?;
    let case = Case::read(head, body);
    let answer = send(&case, case.pieces());
    assert_eq!(answer, send(&case, case.whole()), "cut in pieces, and whole");
    is_envelope(&answer);
    foretold(&case, &answer);
    verify_layer(&case, &answer);
    twice(&case, &answer);
    Some(answer)
}

/// What comes out of the service, told from what was sent.
fn foretold(case: &Case, answer: &Answer) {
    use tencent_im_callback::RejectionKind as Kind;

    let refused = |kind: Kind, polled: bool| {
        let outcome = match kind {
            Kind::Probe => OutcomeKind::Probe,
            _ => OutcomeKind::Rejected,
        };
        assert_eq!((answer.outcome, answer.status), (outcome, kind.status().as_u16()), "{kind}");
        assert_eq!(answer.polled, polled, "{kind}");
        assert!(answer.seen.is_empty());
        let phrase = json::read(&answer.body)
            .and_then(|json| Some(json.member("ErrorInfo")?.text()?.to_owned()));
        assert_eq!(phrase.as_deref(), Some(kind.phrase()));
    };
    let params = match case.verifier().verify(&case.parts.method, &case.parts.uri) {
        Ok(Verified::Callback(params)) => Some(params),
        Ok(_probe) => None,
        Err(rejection) => return refused(rejection.kind(), false),
    };
    // A body that did not arrive: who waits for a verdict gets the owner's answer, and a
    // notification is refused.
    let not_arrived = |kind: Kind, cause: Cause, polled: bool| match &params {
        Some(params) if params.command.phase().may_decide() => {
            assert_eq!((answer.outcome, answer.cause), (OutcomeKind::Failed, Some(cause)));
            assert!(answer.error.is_some() && answer.seen.is_empty() && answer.polled == polled);
            case.is_owners_answer(answer, &params.command, b"");
        }
        _ => refused(kind, polled),
    };
    let declared = case.parts.headers.get("content-length").and_then(|length| length.to_str().ok());
    let too_long = declared.is_some_and(|length| {
        let digits = !length.is_empty() && length.chars().all(|digit| digit.is_ascii_digit());
        digits && length.parse().map_or(true, |length: u64| length > case.limit as u64)
    });
    if too_long || case.hint > case.limit as u64 {
        return not_arrived(Kind::BodyTooLarge, Cause::BodyTooLarge, false);
    }
    if case.data.len() > case.limit {
        return not_arrived(Kind::BodyTooLarge, Cause::BodyTooLarge, true);
    }
    if case.end == End::Error {
        assert!(answer.error.as_ref().is_some_and(|error| error.contains("connection reset")));
        return not_arrived(Kind::BodyIncomplete, Cause::BodyIncomplete, true);
    }
    let is_blank = body::is_blank(&case.data);
    let Some(params) = params else {
        // A check of the URL has nothing in its body. Anything else may be a callback.
        return refused(if is_blank { Kind::Probe } else { Kind::UrlIncomplete }, true);
    };
    let url = params.command.clone();
    if is_blank && params.token_index().is_some() && !url.phase().may_decide() {
        return refused(Kind::Probe, true);
    }
    let strict = Callback::parse(params.clone(), case.data.clone());
    let callback = match Callback::parse_untyped(params, case.data.clone()) {
        Ok(callback) => callback,
        Err(rejection) => {
            // The one command whose body names the app.
            assert_eq!(
                (rejection.kind(), url),
                (Kind::AppMismatch, Command::ContentCallbackResultNotify)
            );
            return refused(Kind::AppMismatch, true);
        }
    };
    is_stored(&callback, &case.data);
    let told = told(&url, &case.data);
    let command = callback.params.command.clone();
    let (reason, answered_as) = match &callback.event {
        Event::Unknown(event) => (Some(event.reason.as_str()), told.answered_as.clone()),
        _ => (None, command.clone()),
    };
    match (&told.expected, reason) {
        (Expected::Unreadable(name), reason) => assert_eq!(reason, Some(*name)),
        (Expected::Unknown(_), reason) => assert_eq!(reason, Some("unknown_command")),
        (Expected::Of(_), reason) => assert!(matches!(reason, None | Some("misfit"))),
    }
    assert_eq!((answer.unknown, callback.answered_as()), (reason, &answered_as));
    assert_eq!(answer.misfit.is_some(), reason == Some("misfit"));
    let unjudged = reason.is_some() && told.waits();
    match strict {
        Ok(strict) => assert!(!unjudged && strict.event == callback.event),
        Err(rejection) => assert!(unjudged && rejection.kind() == Kind::Untyped, "{rejection}"),
    }
    let failed = |cause: &str| {
        assert_eq!(
            (answer.outcome, answer.cause.map(Cause::as_str)),
            (OutcomeKind::Failed, Some(cause))
        );
        assert!(answer.error.is_some());
        case.is_owners_answer(answer, &answered_as, &case.data);
    };
    if unjudged && !case.forward {
        assert!(answer.seen.is_empty());
        let reason = reason.expect("it has no type");
        return failed(if reason == "unknown_command" { "misfit" } else { reason });
    }
    if case.does == Does::NeverReady {
        assert!(answer.seen.is_empty());
        return failed("not_ready");
    }
    // Everything else reaches the service, with the bytes that came.
    assert_eq!(answer.seen, [(command.clone(), case.data.clone(), callback.event.clone())]);
    if case.does == Does::Fail {
        return failed("failed");
    }
    assert_eq!((answer.outcome, answer.status), (OutcomeKind::Accepted, 200));

    // What else can be asked of a callback answers without a panic, and the same each time.
    let again = callback.clone();
    assert_eq!(callback.dedup_key(), again.dedup_key());
    let has_id = callback.params.request_id().is_some();
    match answered_as.phase() {
        Phase::Before => assert_eq!(callback.dedup_key(), None),
        Phase::Unknown => assert_eq!(callback.dedup_key().is_some(), has_id),
        _ => assert!(callback.dedup_key().is_some() || !has_id),
    }
    assert_eq!(callback.order_key(), again.order_key());
    assert_eq!(callback.unknown_fields(), again.unknown_fields());
    assert_eq!(callback.time(), again.time());
    let _ = (format!("{callback:?}"), callback.is_from_rest_api(), callback.rewrite_message());
}

/// Stored and read again, a callback is the same, whatever its bytes are.
fn is_stored(callback: &Callback, data: &Bytes) {
    let stored = serde_json::to_string(&StoredCallback::from(callback)).expect("it can be stored");
    let read: StoredCallback = serde_json::from_str(&stored).expect("what was stored can be read");
    assert_eq!(&read.body, data);
    let params = Params::trusted(read.params.sdk_app_id, read.params.command.clone());
    let again = Callback::parse_untyped(params, read.body.clone()).expect("read before");
    assert_eq!(again.event, callback.event);
    match read.parse() {
        Ok(again) => assert_eq!(again.event, callback.event),
        Err(rejection) => assert_eq!(rejection.kind(), tencent_im_callback::RejectionKind::Untyped),
    }
}

/// The plain layer takes and refuses the same heads, and hands the body on as it is.
fn verify_layer(case: &Case, answer: &Answer) {
    #[derive(Clone)]
    struct Echo;

    impl Service<Request<Full<Bytes>>> for Echo {
        type Response = Response<ResponseBody>;
        type Error = std::convert::Infallible;
        type Future = Ready<Result<Self::Response, Self::Error>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
            let mut response = Response::new(ResponseBody::default());
            *response.status_mut() = http::StatusCode::IM_A_TEAPOT;
            ready(Ok(response))
        }
    }

    let mut service = VerifyLayer::new(case.verifier()).layer(Echo);
    let request = Request::from_parts(case.parts.clone(), Full::new(case.data.clone()));
    let Ok(response) = run(service.call(request));
    let verified = case.verifier().verify(&case.parts.method, &case.parts.uri);
    match verified {
        // It is told by the declared length here, and by the body there.
        Ok(Verified::Probe) => assert!(matches!(response.status().as_u16(), 200 | 400)),
        Ok(_) => {
            assert_eq!(response.status(), http::StatusCode::IM_A_TEAPOT);
            let outcome = response.extensions().get::<Outcome>().expect("an answer has an outcome");
            assert_eq!(outcome.kind(), OutcomeKind::Failed);
        }
        Err(_) => assert_eq!(response.status().as_u16(), answer.status),
    }
}

/// Behind the router and `Dedup`, a delivery that comes twice is handled once if it has a key, and
/// answered alike.
fn twice(case: &Case, answer: &Answer) {
    if answer.outcome != OutcomeKind::Accepted || !case.cuts.is_multiple_of(8) {
        return;
    }
    let calls = Arc::new(AtomicUsize::new(0));
    let count = |calls: &Arc<AtomicUsize>| {
        let calls = calls.clone();
        move |_: Callback| {
            calls.fetch_add(1, Ordering::Relaxed);
            ready(Ok::<_, HandlerError>(Reply::ok()))
        }
    };
    let router = EventRouter::new().fallback(Fn1(count(&calls)));
    let mut service = case.layer().layer(case.dedup().layer(router));
    let mut answers = Vec::new();
    for _ in 0..2 {
        let request = Request::from_parts(case.parts.clone(), case.pieces());
        let Ok(response) = run(service.call(request));
        let kind = response
            .extensions()
            .get::<Outcome>()
            .expect("an answer has an outcome")
            .disposition()
            .expect("an accepted one");
        answers.push((kind, text_of(response.into_body())));
    }
    let Ok(Verified::Callback(params)) =
        case.verifier().verify(&case.parts.method, &case.parts.uri)
    else {
        panic!("verified before")
    };
    // No verdict is given from memory.
    let judged = Callback::parse(params.clone(), case.data.clone()).is_err();
    let callback = Callback::parse_untyped(params, case.data.clone()).expect("parsed before");
    let key = callback.dedup_key().filter(|_| !judged);
    // A key of one's own names everything, and still no verdict is given from memory.
    let own = case.cuts.is_multiple_of(16) && !callback.answered_as().phase().may_decide();
    let (second, handled) =
        if key.is_some() || own { (Disposition::Duplicate, 1) } else { (Disposition::Handled, 2) };
    assert_eq!((answers[0].0, answers[1].0), (Disposition::Handled, second));
    assert_eq!(answers[0].1, answers[1].1);
    assert_eq!(calls.load(Ordering::Relaxed), handled);
}

/// A function as a service.
#[derive(Clone)]
struct Fn1<F>(F);

impl<F> Service<Callback> for Fn1<F>
where
    F: FnMut(Callback) -> Ready<Result<Reply, HandlerError>>,
{
    type Response = Reply;
    type Error = HandlerError;
    type Future = Ready<Result<Reply, HandlerError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), HandlerError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, callback: Callback) -> Self::Future {
        (self.0)(callback)
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    let mut add = |head: [u8; 12], body: &str| seeds.push([&head[..], body.as_bytes()].concat());
    for (at, (command, body)) in payloads().into_iter().enumerate() {
        let which = selector(&command);
        let body = crate::body::compact(&body).replace("1400187352", &APP.to_string());
        let at = at as u8;
        add([which, at % 4, 0, at % 2, 0, at % 2, 0, at, at % 4, at % 8, 0, at], &body);
    }
    let delete = selector(&Command::SnsFriendDelete);
    let before = selector(&Command::C2cBeforeSendMsg);
    let small = r#"{"PairList":[{"From_Account":"a","To_Account":"b"}],"EventTime":5}"#;
    for url in 0..30 {
        add([delete, url, 0, 0, 0, 0, 0, 0, 0, 0, 1, url], small);
    }
    for limit in 0..7 {
        for end in 0..5 {
            add([delete, 0, limit, 0, 0, end, 20, 0x55, 0, 0, 2, limit], small);
        }
    }
    for declared in 0..11 {
        add([delete, 0, declared % 7, declared, declared % 5, 0, 0, 0, 0, 0, 0, 0], small);
    }
    for does in [0, 1, 2, 3, 0x40, 0x81, 0xc2, 0xc3] {
        for config in 0..8 {
            add([delete, 1, 0, 0, 0, 0, 0, 0xff, does, config, 0, 8], small);
            add([before, 0, 0, 0, 0, 0, 0, 0, does, config, 0, 8], r#"{"MsgBody":5}"#);
        }
    }
    for body in [
        "",
        "{}",
        " ",
        "[]",
        "{\"a\":1}x",
        "\u{feff}{}",
        "{\"CallbackCommand\":\"New.Word\"}",
        "{\"CallbackCommand\":5}",
        "{\"CallbackCommand\":\"State.StateChange\"}",
        "{\"SdkAppId\":7}",
    ] {
        for (which, url) in [(delete, 0), (before, 0), (delete, 1), (before, 1)] {
            add([which, url, 0, 0, 0, 0, 0, 0, 0, 0, 3, 3], body);
        }
    }
    let result = selector(&Command::ContentCallbackResultNotify);
    for id in ["7", "\"1400000000\"", "null", "[]"] {
        add([result, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 3], &format!("{{\"SdkAppId\":{id}}}"));
    }
    // What is broken, under the owner's choices in turn, and a whole message behind a URL that lost
    // its words.
    for (at, (command, body)) in body::broken().into_iter().enumerate() {
        let (which, cut) = (selector(&command), at as u8);
        for url in [[0, 0, 1][at % 3], 4 + cut % 2] {
            let config = [8, 8, 0, 9, 2][at % 5];
            let head = [which, url, 0, 0, 0, 0, 0, 0x11, 0, config, 0, cut];
            seeds.push([&head[..], &body].concat());
        }
    }
    // Too large, and broken off.
    for command in [Command::C2cBeforeSendMsg, Command::SnsPrevFriendAdd, Command::SnsFriendDelete]
    {
        for (limit, declared, end) in [(3, 0, 0), (3, 6, 0), (0, 0, 2)] {
            let head = [selector(&command), 0, limit, declared, 0, end, 20, 0, 0, 8, 3, 3];
            let body = br#"{"FriendItem":[{"To_Account":"a"}]}"#;
            seeds.push([&head[..], body].concat());
        }
    }
    seeds
}

/// Every sample, broken in every way, under every choice of its owner.
#[test]
fn whatever_is_broken_gets_its_owners_answer() {
    for (at, (command, body)) in payloads().into_iter().enumerate() {
        for (name, body) in body::break_up(&command, &body::compact(&body)) {
            for config in 0..10 {
                for url in [0, 1, 5] {
                    let does = if config == 8 { 0 } else { at as u8 % 4 };
                    let head =
                        [selector(&command), url, 0, 0, 0, 0, 0, 0, does, config, 0, at as u8];
                    let _shown = Shown(&command, name, &body);
                    let answer = answer(&[&head[..], &body].concat()).expect("long enough");
                    if config == 8
                        && answer.outcome == OutcomeKind::Failed
                        && is_friend_request(&told(&command, &body).answered_as)
                    {
                        names_whoever_is_left(&answer, &body);
                    }
                }
            }
        }
    }

    fn is_friend_request(command: &Command) -> bool {
        command.as_str().starts_with("Sns.CallbackPrev")
    }

    /// Also behind a mistake: one broken character in one request must not let the others through.
    fn names_whoever_is_left(answer: &Answer, body: &[u8]) {
        let (text, answer) = (json::readable(body), json::readable(&answer.body));
        for (at, key) in text.match_indices("\"To_Account\":\"") {
            let id = &text[at + key.len()..];
            let id = &id[..id.find('"').unwrap_or(id.len())];
            let is_whole = !id.contains(|c: char| c.is_control() || c == '\\')
                && text.len() > at + key.len() + id.len();
            let named = format!("\"To_Account\":\"{id}\"");
            assert!(!is_whole || answer.contains(&named), "{id} is let through: {answer}");
        }
    }

    struct Shown<'a>(&'a Command, &'static str, &'a [u8]);

    impl Drop for Shown<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                println!("{}, {}: {}", self.0, self.1, self.2.escape_ascii());
            }
        }
    }
}

#[test]
fn the_seeds_come_to_every_answer() {
    use std::collections::BTreeSet;
    use tencent_im_callback::RejectionKind as Kind;

    let answers: Vec<Answer> = seeds().iter().filter_map(|seed| answer(seed)).collect();
    let outcomes: BTreeSet<_> = answers.iter().map(|answer| answer.outcome).collect();
    let every =
        [OutcomeKind::Accepted, OutcomeKind::Probe, OutcomeKind::Rejected, OutcomeKind::Failed];
    assert_eq!(outcomes, BTreeSet::from(every));
    let causes: Vec<_> = answers.iter().filter_map(|answer| answer.cause).collect();
    for cause in [
        Cause::Misfit,
        Cause::BodyEmpty,
        Cause::BodyNotJson,
        Cause::BodyNotObject,
        Cause::BodyCommandMalformed,
        Cause::CommandMismatch,
        Cause::BodyTooLarge,
        Cause::BodyIncomplete,
        Cause::NotReady,
        Cause::Failed,
    ] {
        assert!(causes.contains(&cause), "{cause}");
    }
    let rejections: Vec<_> =
        answers.iter().filter_map(|answer| answer.rejection.as_ref()).collect();
    for kind in
        Kind::ALL.iter().filter(|kind| kind.is_after_verification() && **kind != Kind::Untyped)
    {
        let name = format!("kind: {kind:?},");
        assert!(rejections.iter().any(|rejection| rejection.contains(&name)), "{kind}");
    }
}
