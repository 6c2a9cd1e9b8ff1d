//! Attacks by the frames of a body: one that never ends, one that has ended, one that is mostly
//! nothing.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body::{Body, Frame};
use tencent_im_callback::RejectionKind as Kind;

use crate::attack::{AFTER, Fate, attack, attack_on};
use crate::common::{layer, signed, sized};

const BODY: &str = r#"{"PairList":[{"From_Account":"a","To_Account":"b"}]}"#;

/// Gives these frames, and panics if it is asked for more than its end, or again after an error.
struct Strict<I> {
    frames: I,
    ended: bool,
}

impl<I: Iterator<Item = Result<Frame<Bytes>, &'static str>> + Unpin> Body for Strict<I> {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        assert!(!self.ended, "polled past its end");
        let frame = self.frames.next();
        self.ended = !matches!(frame, Some(Ok(_)));
        Poll::Ready(frame)
    }
}

fn request<I>(frames: impl IntoIterator<IntoIter = I>) -> Request<Strict<I>> {
    let (parts, _) = signed(AFTER).build::<Bytes>().into_parts();
    let body = Strict { frames: frames.into_iter(), ended: false };
    Request::from_parts(parts, body)
}

fn data(bytes: impl Into<Bytes>) -> Result<Frame<Bytes>, &'static str> {
    Ok(Frame::data(bytes.into()))
}

fn accepted() -> Fate {
    Fate::Accepted(crate::common::read(&AFTER, BODY))
}

#[tokio::test]
async fn nothing_is_read_past_the_end_of_a_body() {
    let trailers = || Ok(Frame::trailers(HeaderMap::new()));
    assert_eq!(attack(request([data(BODY)])).await, accepted());
    assert_eq!(attack(request([data(BODY), trailers()])).await, accepted());
    assert_eq!(attack(request([])).await, Fate::Probe);
    let broken = Fate::Refused(Kind::BodyIncomplete);
    assert_eq!(attack(request([data(BODY), Err("reset"), data(BODY)])).await, broken);
    assert_eq!(attack(request([Err("reset"), data(BODY)])).await, broken);
    // A body that is too long is left where it is too long.
    let endless = || std::iter::repeat_with(|| data("0123456789"));
    let fate =
        attack_on(&layer().body_limit(95), request(endless().take(10).chain([Err("asked again")])))
            .await;
    assert_eq!(fate, Fate::Refused(Kind::BodyTooLarge));
    assert_eq!(attack(request(endless())).await, Fate::Refused(Kind::BodyTooLarge));
}

/// Many frames without data, or with a byte each: the bytes are what is kept.
#[test]
fn empty_frames_are_counted_for_nothing_and_kept_for_nothing() {
    let many = sized(100_000, 1_000_000);
    let empty = || std::iter::repeat_with(|| data("")).take(many);
    tokio_test::block_on(attack(request([data(BODY)])));
    let frames =
        empty().chain([data(&BODY[..20])]).chain(empty()).chain([data(&BODY[20..])]).chain(empty());
    let mut many = Some(request(frames));
    let cost = allocation_counter::measure(|| {
        let fate =
            tokio_test::block_on(attack_on(&layer().body_limit(BODY.len()), many.take().unwrap()));
        assert_eq!(fate, accepted());
    });
    assert!(cost.bytes_total < 64 * 1024, "{}", cost.bytes_total);

    // Room is made for what has come, no more.
    let long = format!("{}{BODY}", " ".repeat(20_000));
    let mut halves =
        Some(request([data(long[..10_000].to_owned()), data(long[10_000..].to_owned())]));
    let cost = allocation_counter::measure(|| {
        let fate = tokio_test::block_on(attack(halves.take().unwrap()));
        assert_eq!(fate, accepted());
    });
    assert!(cost.bytes_max < 64 * 1024, "{}", cost.bytes_max);

    let length = sized(128 * 1024, 1024 * 1024);
    let spaces = std::iter::repeat_with(|| data(" ")).take(length - BODY.len());
    let mut dripped = Some(request(spaces.chain([data(BODY)])));
    let cost = allocation_counter::measure(|| {
        let fate = tokio_test::block_on(attack(dripped.take().unwrap()));
        assert_eq!(fate, accepted());
    });
    assert!(cost.bytes_max < 4 * length as u64, "{}", cost.bytes_max);
    assert!(cost.count_total < 200, "{}", cost.count_total);
}
