//! Reading the body: frames, limits, lies and errors.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use crate::common::{Inner, layer, outcome, send, signed};
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use tencent_im_callback::testing::{Fault, SignedRequest};
use tencent_im_callback::{Cause, Command, OutcomeKind, RejectionKind as Kind};

type FrameResult = Result<Frame<Bytes>, &'static str>;

/// A body of prepared frames that counts how often it is polled.
#[derive(Clone)]
struct Frames {
    frames: Arc<Mutex<VecDeque<FrameResult>>>,
    polls: Arc<AtomicUsize>,
    hint: SizeHint,
}

impl Frames {
    fn new(frames: impl IntoIterator<Item = Result<Frame<Bytes>, &'static str>>) -> Self {
        Frames {
            frames: Arc::new(Mutex::new(frames.into_iter().collect())),
            polls: Arc::default(),
            hint: SizeHint::default(),
        }
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        self.polls.fetch_add(1, Ordering::SeqCst);
        Poll::Ready(self.frames.lock().unwrap().pop_front())
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}

fn data(bytes: impl Into<Bytes>) -> Result<Frame<Bytes>, &'static str> {
    Ok(Frame::data(bytes.into()))
}

const BODY: &str = r#"{"PairList":[{"From_Account":"a","To_Account":"b"}]}"#;

/// A good request with this body in place of its own.
fn request<B>(body: B) -> Request<B> {
    let (parts, _) = signed(Command::SnsFriendDelete).build::<Bytes>().into_parts();
    Request::from_parts(parts, body)
}

async fn fate<B>(limit: usize, request: Request<B>) -> Result<Bytes, Kind>
where
    B: Body,
    B::Error: std::fmt::Display,
{
    let inner = Inner::default();
    let response = send(&layer().body_limit(limit), inner.clone(), request).await;
    let what = outcome(&response);
    match what.kind() {
        OutcomeKind::Accepted => Ok(inner.last().unwrap().body),
        OutcomeKind::Rejected => {
            assert_eq!(inner.calls(), 0);
            Err(what.rejection().unwrap().kind())
        }
        other => panic!("{other}"),
    }
}

async fn cause<B>(request: Request<B>) -> Option<Cause>
where
    B: Body,
    B::Error: std::fmt::Display,
{
    outcome(&send(&layer(), Inner::default(), request).await).cause()
}

#[tokio::test]
async fn frames_of_every_shape() {
    let limit = BODY.len();
    let whole: Bytes = BODY.into();
    let bytewise = || BODY.bytes().map(|byte| data(vec![byte]));
    let mut trailers = HeaderMap::new();
    trailers.insert("x", "y".parse().unwrap());
    let shapes = [
        Frames::new([data(BODY)]),
        Frames::new([data(""), data(BODY), data("")]),
        Frames::new([data(&BODY[..10]), data(""), data(&BODY[10..])]),
        Frames::new(bytewise()),
        Frames::new(bytewise().chain([Ok(Frame::trailers(trailers.clone()))])),
        Frames::new([data(BODY), Ok(Frame::trailers(trailers))]),
    ];
    for (at, body) in shapes.into_iter().enumerate() {
        assert_eq!(fate(limit, request(body)).await, Ok(whole.clone()), "{at}");
    }
    assert_eq!(fate(limit, request(Full::new(whole.clone()))).await, Ok(whole.clone()));
    // A body whose data is no `Bytes`, and in two pieces at once.
    let (first, second) = BODY.as_bytes().split_at(7);
    let chained = Full::new(bytes::Buf::chain(first, second));
    assert_eq!(fate(limit, request(chained)).await, Ok(whole.clone()));
    // What comes in one frame is handed on as it is, whatever empty frames are around it.
    let frame = Bytes::from(BODY.to_owned());
    let place = frame.as_ptr();
    let kept = fate(limit, request(Frames::new([data(""), data(frame), data(""), data("")]))).await;
    assert_eq!(kept.unwrap().as_ptr(), place);
    // One that never says that it has ended before it has.
    let stream =
        StreamBody::new(tokio_stream(vec![Ok::<_, Infallible>(Frame::data(whole.clone()))]));
    assert_eq!(fate(limit, request(stream)).await, Ok(whole));
}

fn tokio_stream<T>(items: Vec<T>) -> impl futures_core::Stream<Item = T> + Unpin {
    struct Items<T>(std::vec::IntoIter<T>);
    impl<T> Unpin for Items<T> {}
    impl<T> futures_core::Stream for Items<T> {
        type Item = T;
        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
            Poll::Ready(self.0.next())
        }
    }
    Items(items.into_iter())
}

#[tokio::test]
async fn a_single_frame_is_not_copied() {
    let body = Bytes::from(BODY.to_owned());
    let inner = Inner::default();
    send(&layer(), inner.clone(), request(Full::new(body.clone()))).await;
    assert_eq!(inner.last().unwrap().body.as_ptr(), body.as_ptr());
}

#[tokio::test]
async fn an_empty_body_is_empty_whatever_it_is_made_of() {
    let before = |body| {
        let (parts, ()) = signed(Command::SnsPrevFriendAdd).build::<Bytes>().map(drop).into_parts();
        Request::from_parts(parts, body)
    };
    for body in [
        Frames::new([]),
        Frames::new([data(""), data("")]),
        Frames::new([Ok(Frame::trailers(HeaderMap::new()))]),
    ] {
        assert_eq!(cause(before(body)).await, Some(Cause::BodyEmpty));
    }
    let (parts, ()) = signed(Command::SnsPrevFriendAdd).build::<Bytes>().map(drop).into_parts();
    let empty = Request::from_parts(parts, Empty::<Bytes>::new());
    assert_eq!(cause(empty).await, Some(Cause::BodyEmpty));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_its_own_rejection() {
    for frames in [
        vec![Err("connection reset")],
        vec![data(&BODY[..10]), Err("connection reset")],
        vec![data(BODY), Err("connection reset")],
    ] {
        let body = Frames::new(frames);
        let inner = Inner::default();
        let response = send(&layer(), inner.clone(), request(body)).await;
        assert_eq!(response.status(), 400);
        let what = outcome(&response);
        let rejection = what.rejection().unwrap();
        assert_eq!(rejection.kind(), Kind::BodyIncomplete);
        assert!(
            rejection
                .error()
                .is_some_and(|error| !error.is_empty() && rejection.to_string().contains(error))
        );
        assert_eq!(what.error(), Some("connection reset"));
        assert_eq!(inner.calls(), 0);
    }
}

#[tokio::test]
async fn the_limit_counts_what_arrives() {
    let limit = BODY.len() - 1;
    assert_eq!(fate(limit, request(Frames::new([data(BODY)]))).await, Err(Kind::BodyTooLarge));
    let later = Frames::new([data(&BODY[..limit]), data(&BODY[limit..]), data("more")]);
    let polls = later.polls.clone();
    assert_eq!(fate(limit, request(later)).await, Err(Kind::BodyTooLarge));
    assert_eq!(polls.load(Ordering::SeqCst), 2, "nothing is read past the limit");
    assert_eq!(fate(0, request(Frames::new([data("x")]))).await, Err(Kind::BodyTooLarge));
    // The default is one mebibyte, to the byte.
    for (size, good) in [(1024 * 1024, true), (1024 * 1024 + 1, false)] {
        let mut body = BODY.to_owned();
        body.push_str(&" ".repeat(size - BODY.len()));
        let response = send(&layer(), Inner::default(), request(Frames::new([data(body)]))).await;
        assert_eq!(response.status(), if good { 200 } else { 413 });
    }
}

#[tokio::test]
async fn a_declared_length_is_believed_only_to_refuse() {
    let declare = |length: &str, body: Frames| {
        let mut request = request(body);
        request.headers_mut().insert("content-length", length.parse().unwrap());
        request
    };
    for too_long in ["1048577", "1000000000000000000", "18446744073709551616", &"9".repeat(100)] {
        let body = Frames::new([data(BODY)]);
        let polls = body.polls.clone();
        let fate = fate(1024 * 1024, declare(too_long, body)).await;
        assert_eq!(fate, Err(Kind::BodyTooLarge), "{too_long}");
        assert_eq!(polls.load(Ordering::SeqCst), 0);
    }
    // A lie, nonsense, or nothing at all: what arrives is what counts.
    for lie in ["0", "1", "1048576", "-1", "x", ""] {
        assert_eq!(
            fate(1024 * 1024, declare(lie, Frames::new([data(BODY)]))).await,
            Ok(BODY.into()),
            "{lie}"
        );
    }
    let mut body = Frames::new([data(BODY)]);
    body.hint.set_lower(2 * 1024 * 1024);
    assert_eq!(fate(1024 * 1024, request(body)).await, Err(Kind::BodyTooLarge));
}

#[tokio::test]
async fn the_body_of_a_request_that_is_not_verified_is_never_polled() {
    for fault in [
        Fault::SignatureMismatch,
        Fault::Stale,
        Fault::OtherApp,
        Fault::WrongMethod,
        Fault::DuplicateParameter,
    ] {
        let body = Frames::new([data(BODY)]);
        let polls = body.polls.clone();
        let (parts, _) = SignedRequest::new(Command::SnsFriendDelete)
            .time(crate::common::NOW)
            .fault(fault)
            .build::<Bytes>()
            .into_parts();
        let response = send(&layer(), Inner::default(), Request::from_parts(parts, body)).await;
        assert!(response.status().is_client_error());
        assert_eq!(polls.load(Ordering::SeqCst), 0, "{fault:?}");
    }
}

#[tokio::test]
async fn the_answers_body_knows_its_length() {
    let response = send(&layer(), Inner::default(), request(Full::new(Bytes::from(BODY)))).await;
    let length = response.body().size_hint().exact();
    let mut body = response.into_body();
    assert!(!body.is_end_stream());
    let bytes = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(length, Some(bytes.len() as u64));
    assert!(body.is_end_stream() && body.frame().await.is_none());
    assert_eq!(tencent_im_callback::ResponseBody::default().size_hint().exact(), Some(0));
}
