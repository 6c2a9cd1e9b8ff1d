//! What a request costs in allocations, counted.
#![allow(clippy::pedantic)]

mod common;

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use allocation_counter::{AllocationInfo, measure};
use bytes::Bytes;
use common::{layer, signed, verifier};
use http::Request;
use http_body::Frame;
use http_body_util::Full;
use http_body_util::channel::Channel;
use serde::de::DeserializeOwned;
use tencent_im_callback::event::{c2c, group, sns, state};
use tencent_im_callback::reply::c2c::BeforeSendMsgReply;
use tencent_im_callback::testing::{Fault, sample};
use tencent_im_callback::{Callback, Command, EventRouter, Outcome, Reply, TypedEvent};
use tower::{Layer, Service, service_fn};

type Inner = fn(Callback) -> std::future::Ready<Result<Reply, Infallible>>;

fn accept(callback: Callback) -> std::future::Ready<Result<Reply, Infallible>> {
    // What the event holds is freed here, not counted here.
    drop(callback);
    std::future::ready(Ok(Reply::ok()))
}

/// Counts from the request's arrival to its response. Another request comes first, since `arc-swap`
/// keeps something for each thread and `tracing` for each place that logs.
fn cost(request: Request<Full<Bytes>>) -> (AllocationInfo, http::StatusCode) {
    let (parts, body) = request.into_parts();
    once(Request::from_parts(parts.clone(), body.clone()));
    once(Request::from_parts(parts, body))
}

fn once(request: Request<Full<Bytes>>) -> (AllocationInfo, http::StatusCode) {
    let mut service = layer().layer(service_fn(accept as Inner));
    let mut request = Some(request);
    let mut response = None;
    let info = measure(|| {
        let future = pin!(service.call(request.take().unwrap()));
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(done)) = future.poll(&mut cx) else { panic!("not ready") };
        response = Some(done);
    });
    (info, response.unwrap().status())
}

fn parse_cost<E: DeserializeOwned>(body: &str) -> u64 {
    measure(|| drop(serde_json::from_slice::<E>(body.as_bytes()).unwrap())).count_total
}

#[test]
fn a_refused_request_costs_at_most_five() {
    for fault in [
        Fault::SignatureMismatch,
        Fault::Stale,
        Fault::TimestampInFuture,
        Fault::MissingSignature,
        Fault::MalformedSignature,
        Fault::OtherApp,
        Fault::AppNotANumber,
        Fault::MissingApp,
        Fault::DuplicateParameter,
        Fault::WrongMethod,
        Fault::TooLarge,
    ] {
        let request = signed(Command::SnsFriendDelete).fault(fault).build();
        let (info, status) = cost(request);
        assert!(status.is_client_error());
        assert!(info.count_total <= 5, "{fault:?}: {}", info.count_total);
    }
}

fn at_most_five_more<E: TypedEvent + DeserializeOwned>() {
    let body = sample(&E::COMMAND).unwrap();
    let (info, status) = cost(signed(E::COMMAND).build());
    assert_eq!(status, 200);
    // Boxed, as it is in an `Event`.
    let parse = parse_cost::<Box<E>>(body);
    assert!(info.count_total <= parse + 5, "{}: {} for {parse}", E::COMMAND, info.count_total);
}

#[test]
fn an_accepted_request_costs_at_most_five_more_than_its_parse() {
    at_most_five_more::<sns::FriendDelete>();
    at_most_five_more::<sns::FriendAdd>();
    at_most_five_more::<sns::BlackListDelete>();
    at_most_five_more::<sns::PrevFriendAdd>();
}

#[test]
fn the_busiest_events_cost_no_more_than_their_fields() {
    at_most_five_more::<c2c::BeforeSendMsg>();
    at_most_five_more::<c2c::AfterSendMsg>();
    at_most_five_more::<group::BeforeSendMsg>();
    at_most_five_more::<group::AfterSendMsg>();
    at_most_five_more::<state::StateChange>();
    // One for each text, one for each list that holds something, nothing else.
    let fields = |body: &str| {
        let value: serde_json::Value = serde_json::from_str(body).unwrap();
        count(&value)
    };
    for (parse, body) in [
        (
            parse_cost::<c2c::BeforeSendMsg> as fn(&str) -> u64,
            sample(&Command::C2cBeforeSendMsg).unwrap(),
        ),
        (parse_cost::<c2c::AfterSendMsg>, sample(&Command::C2cAfterSendMsg).unwrap()),
        (parse_cost::<group::BeforeSendMsg>, sample(&Command::GroupBeforeSendMsg).unwrap()),
        (parse_cost::<group::AfterSendMsg>, sample(&Command::GroupAfterSendMsg).unwrap()),
        (parse_cost::<state::StateChange>, sample(&Command::StateChange).unwrap()),
    ] {
        let (allocated, fields) = (parse(body), fields(body));
        // The kind of an element is read as a text, too, but not kept.
        assert!(allocated <= fields, "{allocated} for {fields}: {body}");
    }
}

/// Texts and lists in a body.
fn count(value: &serde_json::Value) -> u64 {
    match value {
        serde_json::Value::String(_) => 1,
        serde_json::Value::Array(items) => 1 + items.iter().map(count).sum::<u64>(),
        serde_json::Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

#[test]
fn dispatch_by_command_word_allocates_nothing() {
    let info = measure(|| {
        for command in Command::ALL {
            assert_eq!(&Command::from(command.as_str()), command);
        }
    });
    assert_eq!(info.count_total, 0);
}

#[test]
fn verification_allocates_nothing() {
    let verifier = verifier();
    for fault in [None, Some(Fault::SignatureMismatch), Some(Fault::Stale), Some(Fault::OtherApp)] {
        let request = signed(Command::SnsFriendDelete).parameter("OptPlatform", "iOS");
        let request: Request<Bytes> = match fault {
            Some(fault) => request.fault(fault).build(),
            None => request.build(),
        };
        let info = measure(|| drop(verifier.verify(request.method(), request.uri())));
        assert_eq!(info.count_total, 0, "{fault:?}");
    }
}

#[test]
fn a_long_encoded_command_allocates_nothing_before_it_is_verified() {
    let verifier = verifier();
    cost(signed(Command::SnsFriendDelete).build());
    let word = format!("a+%41{}", "b".repeat(60_000));
    for start in
        ["SdkAppid=7&", "", "SdkAppid=1400000000&Sign=x&RequestTime=5&", "SdkAppid=1400000000&"]
    {
        let uri: http::Uri = format!("/?{start}CallbackCommand={word}").parse().unwrap();
        let info = measure(|| assert!(verifier.verify(&http::Method::POST, &uri).is_err()));
        assert_eq!(info.count_total, 0, "{start}");
    }
}

#[test]
fn nothing_is_allocated_on_the_strength_of_a_declared_length() {
    let mut request: Request<Full<Bytes>> = signed(Command::SnsFriendDelete).build();
    request.headers_mut().insert("content-length", "1048576".parse().unwrap());
    let (info, status) = cost(request);
    assert_eq!(status, 200);
    assert!(info.bytes_total < 4096, "{}", info.bytes_total);
}

/// Two frames are copied into one piece, which is as long as both.
#[test]
fn a_body_in_frames_takes_its_length_twice() {
    let half = Bytes::from(" ".repeat(32 * 1024));
    let mut peak = 0;
    for _ in 0..2 {
        let (mut sender, body) = Channel::<Bytes>::new(4);
        for data in [Bytes::from_static(b"{}"), half.clone(), half.clone()] {
            sender.try_send(Frame::data(data)).unwrap();
        }
        drop(sender);
        let (parts, ()) = signed(Command::SnsFriendDelete).build::<Bytes>().map(drop).into_parts();
        let mut request = Some(Request::from_parts(parts, body));
        let mut service = layer().layer(service_fn(accept as Inner));
        peak = measure(|| {
            let future = pin!(service.call(request.take().unwrap()));
            let mut cx = Context::from_waker(Waker::noop());
            assert!(future.poll(&mut cx).is_ready());
        })
        .bytes_max;
    }
    assert!(peak <= 4 * half.len() as u64 + 4096, "{peak}");
}

#[test]
fn the_body_of_ok_is_not_allocated() {
    let info = measure(|| drop(Reply::ok()));
    assert_eq!(info.count_total, 0);
    // Nor for a verdict that says no more.
    let info = measure(|| drop(Reply::from(BeforeSendMsgReply::allow())));
    assert_eq!(info.count_total, 0);
}

#[test]
fn a_router_allocates_one_box() {
    async fn deleted(callback: Callback<sns::FriendDelete>) {
        drop(callback);
    }
    let mut plain = layer().layer(service_fn(accept as Inner));
    let mut routed = layer().layer(EventRouter::new().on(deleted));
    let request = || signed(Command::SnsFriendDelete).build::<Full<Bytes>>();
    let mut count = |routed_too: bool| {
        let mut request = Some(request());
        measure(|| {
            let request = request.take().unwrap();
            let mut cx = Context::from_waker(Waker::noop());
            let ready = if routed_too {
                pin!(routed.call(request)).poll(&mut cx).is_ready()
            } else {
                pin!(plain.call(request)).poll(&mut cx).is_ready()
            };
            assert!(ready);
        })
        .count_total
    };
    count(false);
    count(true);
    assert_eq!(count(true), count(false) + 1);
}

/// Every connection keeps room for its future, so its size is part of what an idle connection
/// costs.
#[test]
fn the_size_of_the_futures_is_bounded() {
    let service = &mut layer().layer(service_fn(accept as Inner));
    let future = service.call(signed(Command::SnsFriendDelete).build::<Full<Bytes>>());
    let size = size_of_val(&future);
    println!("ResponseFuture: {size} bytes");
    assert!(size <= 576, "{size}");
    assert_eq!(size_of::<tencent_im_callback::Event>(), 2 * size_of::<usize>());
    assert!(size_of::<Callback>() <= 704, "{}", size_of::<Callback>());
    assert!(size_of::<Outcome>() <= 256, "{}", size_of::<Outcome>());
}
