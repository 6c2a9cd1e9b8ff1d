//! The whole service: one body cut in many ways gets one answer, which is foretold by the plain
//! functions.
//!
//! Input: twelve bytes that say what is asked (see [`Case::read`]), then the body.

mod ask;
mod case;
mod cut;
mod foretold;
mod owner;
mod seeds;
#[cfg(test)]
mod tests;

use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tencent_im_callback::{
    Callback, Disposition, EventRouter, HandlerError, Outcome, OutcomeKind, Params, Reply,
    ResponseBody, StoredCallback, Verified, VerifyLayer,
};
use tower_layer::Layer;
use tower_service::Service;

use crate::json::{self, Json};

use self::ask::{Answer, run, send, text_of};
use self::case::Case;
use self::foretold::foretold;
pub use self::seeds::seeds;

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
