//! What a rate limit lets through, by keys that strangers choose.
#![allow(clippy::pedantic)]

mod common;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{Inner, params_of};
use tencent_im_callback::testing::{self, SignedRequest};
use tencent_im_callback::{
    App, Callback, Command, Disposition, HandlerError, Quota, RateLimit, RateLimitLayer, Reply,
    Retry, Verifier,
};
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, Service, ServiceExt, service_fn};

const MILLIS: Duration = Duration::from_millis(1);

/// A clock that a test sets, in milliseconds.
#[derive(Clone, Default)]
struct Clock(Arc<AtomicU64>);

impl Clock {
    fn pass(&self, time: Duration) {
        self.0.fetch_add(time.as_millis() as u64, Ordering::SeqCst);
    }

    /// The layer with this clock in the place of the system's.
    fn on(&self, layer: RateLimitLayer) -> RateLimitLayer {
        let (started, millis) = (Instant::now(), self.0.clone());
        layer.clock(move || started + MILLIS * millis.load(Ordering::SeqCst) as u32)
    }
}

fn of_app(app: u64, command: impl Into<Command>, body: impl Into<Bytes>) -> Callback {
    let request = SignedRequest::new(command).app(app).body(body.into()).build::<Bytes>();
    let verifier = Verifier::new(App::unsigned(app));
    let params = params_of(&verifier, request.method(), request.uri());
    Callback::parse_untyped(params, request.into_body()).unwrap()
}

fn callback(command: impl Into<Command>, body: impl Into<Bytes>) -> Callback {
    of_app(common::APP, command, body)
}

fn message(from: &str) -> Callback {
    testing::c2c_message(from, "b", "hello").erase()
}

fn group_message(group: &str, from: &str) -> Callback {
    testing::group_message(group, from, "hello").erase()
}

/// Whether the callback reaches the handler. If not, it is the limit that says so.
#[track_caller]
fn passes(service: &RateLimit<Inner>, callback: Callback) -> bool {
    let before = service.get_ref().calls();
    let mut call = task::spawn(service.clone().oneshot(callback));
    let answer = assert_ready!(call.poll());
    let passed = service.get_ref().calls() > before;
    match answer {
        Ok(reply) => assert!(passed && reply.disposition() == Disposition::Handled),
        Err(error) => assert!(!passed && error.is_rate_limited(), "{error}"),
    }
    passed
}

/// How many of so many pass.
#[track_caller]
fn of(many: usize, service: &RateLimit<Inner>, callback: &Callback) -> usize {
    (0..many).filter(|_| passes(service, callback.clone())).count()
}

fn service(layer: RateLimitLayer) -> RateLimit<Inner> {
    layer.layer(Inner::default())
}

#[test]
fn a_burst_passes_at_once_and_then_one_each_interval() {
    let clock = Clock::default();
    let service = service(clock.on(RateLimitLayer::per_sender(Quota::per_second(5).burst(3))));
    let spammer = message("spammer");
    assert_eq!(of(10, &service, &spammer), 3);
    // What is over the limit does not count: the next one passes after an interval all the same.
    clock.pass(199 * MILLIS);
    assert_eq!(of(100, &service, &spammer), 0);
    clock.pass(MILLIS);
    assert_eq!(of(100, &service, &spammer), 1);
    clock.pass(400 * MILLIS);
    assert_eq!(of(100, &service, &spammer), 2);
    // Others are not held up: another sender, the same name in another app.
    assert_eq!(of(10, &service, &message("honest")), 3);
    assert_eq!(of(10, &service, &of_app(7, Command::C2cBeforeSendMsg, spammer.body.clone())), 3);
    // After a pause there is a whole burst again, and no more.
    clock.pass(Duration::from_secs(3600));
    assert_eq!(of(10, &service, &spammer), 3);
    let stats = service.stats();
    assert_eq!((stats.passed, stats.limited, stats.shared, stats.keys), (15, 325, 0, 3));
}

#[test]
fn the_queue_is_told_when_to_try_again() {
    let clock = Clock::default();
    let service = service(clock.on(RateLimitLayer::per_sender(Quota::per_minute(1))));
    assert!(passes(&service, message("a")));
    clock.pass(Duration::from_secs(45));
    let error = task::spawn(service.oneshot(message("a"))).poll();
    let error = assert_ready!(error).unwrap_err();
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(15)));
    assert_eq!(error.to_string(), "rate limited: too many callbacks");
    // Also through a layer that boxes it.
    let boxed: tower::BoxError = error.into();
    assert!(HandlerError::of(boxed).is_rate_limited());
    assert!(!HandlerError::overloaded().is_rate_limited());
    assert!(!HandlerError::new("rate limited").is_rate_limited());
}

#[test]
fn each_key_has_its_own_count() {
    let quota = Quota::per_minute(1);
    let clock = Clock::default();
    let in_group = |group: &str, from: &str| group_message(group, from);

    let per_group = service(clock.on(RateLimitLayer::per_group(quota)));
    assert!(passes(&per_group, in_group("g", "a")));
    assert!(!passes(&per_group, in_group("g", "b")));
    assert!(passes(&per_group, in_group("h", "a")));
    // Outside of groups there is nothing to count.
    assert_eq!(of(5, &per_group, &message("a")), 5);

    let per_app = service(clock.on(RateLimitLayer::per_app(quota)));
    assert!(passes(&per_app, message("a")));
    assert!(!passes(&per_app, in_group("g", "b")));
    assert!(passes(&per_app, of_app(7, Command::C2cBeforeSendMsg, message("a").body)));

    let own = |callback: &Callback| {
        Some(callback.event.sender()?.to_owned() + callback.event.group_id()?)
    };
    let own = service(clock.on(RateLimitLayer::per_key(quota, own)));
    assert!(passes(&own, in_group("g", "a")));
    assert!(!passes(&own, in_group("g", "a")));
    assert!(passes(&own, in_group("g", "b")));
    assert_eq!(of(5, &own, &message("a")), 5);
}

/// Each command whose answer Tencent waits for, by its documented body.
#[test]
fn whatever_waits_for_an_answer_is_limited_by_its_sender() {
    let service = service(RateLimitLayer::per_sender(Quota::per_minute(1)));
    for command in Command::ALL {
        // The one body that names its app.
        let names_app = *command == Command::ContentCallbackResultNotify;
        let app = if names_app { 1_400_187_352 } else { common::APP };
        let sample = of_app(app, command.clone(), testing::sample(command).unwrap());
        let sender = format!("{:?}", sample.event.sender());
        let before = service.stats();
        let passed = of(3, &service, &sample);
        if command.is_answered() {
            let after = service.stats();
            let taken = after.passed + after.limited - before.passed - before.limited;
            assert_eq!((taken, passed < 3), (3, true), "{command} {sender}");
        } else {
            // A notification over the limit would be lost.
            assert_eq!((passed, service.stats()), (3, before), "{command}");
        }
    }
}

#[test]
fn notifications_are_limited_if_one_says_so() {
    let clock = Clock::default();
    let layer = clock.on(RateLimitLayer::per_sender(Quota::per_minute(2)).reject("no"));
    let service = service(layer.limit_notifications());
    let sent = testing::sample(&Command::C2cAfterSendMsg).unwrap();
    // It fails, whatever reply is set: a reply would say that it was handled.
    assert_eq!(of(5, &service, &callback(Command::C2cAfterSendMsg, sent)), 2);
}

/// What cannot be read has no sender; only a service that asked for it gets it.
#[test]
fn a_broken_body_is_no_way_around_the_limit() {
    let service = service(RateLimitLayer::per_sender(Quota::per_minute(3)));
    let broken = |number: usize| {
        let body = format!(r#"{{"From_Account":"{number}","MsgBody":{number}}}"#);
        passes(&service, callback(Command::C2cBeforeSendMsg, body))
    };
    assert_eq!((0..10).filter(|number| broken(*number)).count(), 3);
    // A command of tomorrow has no sender that this version knows, and is no attack.
    let tomorrow = callback("New.Word", r#"{"CallbackCommand":"New.Word"}"#);
    assert_eq!(of(10, &service, &tomorrow), 10);
}

#[test]
fn at_the_cap_unseen_keys_share_one_quota_and_stale_ones_go() {
    let clock = Clock::default();
    let layer = RateLimitLayer::per_sender(Quota::per_second(1).burst(2)).capacity(2);
    let service = service(clock.on(layer));
    assert_eq!(of(5, &service, &message("a")), 2);
    assert_eq!(of(1, &service, &message("b")), 1);
    // Two are held. All others together have what one has.
    let others: usize = (0..50).map(|one| of(1, &service, &message(&format!("new-{one}")))).sum();
    assert_eq!(others, 2);
    assert_eq!((service.stats().keys, service.stats().shared), (2, 50));
    // Those that are held keep their counts, also that of the one over the limit.
    assert_eq!((of(1, &service, &message("a")), of(5, &service, &message("b"))), (0, 1));

    // `a` and `b` have their quota again, so there is no need to remember them.
    clock.pass(2000 * MILLIS);
    assert_eq!(of(5, &service, &message("c")), 2);
    assert_eq!(service.stats().keys, 1);
    assert_eq!((of(5, &service, &message("a")), service.stats().keys), (2, 2));
    assert_eq!(service.stats().shared, 50);
}

/// By counts, since memory is measured by hand: 300,000 senders, each seen once.
#[test]
fn many_senders_take_no_more_memory_than_the_cap_allows() {
    const CALLS: u64 = 300_000;
    let clock = Clock::default();
    let next = AtomicU64::new(0);
    let key = move |_: &Callback| Some(next.fetch_add(1, Ordering::Relaxed));
    // An hour for each to be stale, so that nothing helps but the cap.
    let layer = clock.on(RateLimitLayer::per_key(Quota::per_minute(1), key));
    let ready = |_: Callback| std::future::ready(Ok::<_, Infallible>(Reply::ok()));
    let mut service = layer.layer(service_fn(ready));
    let callback = message("a");
    let info = allocation_counter::measure(|| {
        for call in 0..CALLS {
            if call % 1000 == 0 {
                clock.pass(MILLIS);
            }
            drop(service.call(callback.clone()));
        }
    });
    let stats = service.stats();
    assert_eq!((stats.keys, stats.passed), (100_000, 100_001));
    assert_eq!(stats.shared, CALLS - 100_000);
    assert!(info.bytes_max < 8 << 20, "{} bytes", info.bytes_max);
}

#[test]
fn a_long_key_is_not_kept() {
    let service = service(RateLimitLayer::per_sender(Quota::per_minute(1)));
    let mut allocated = 0;
    for number in 0..100 {
        let callback = message(&format!("{number}{}", "x".repeat(100_000)));
        let info = allocation_counter::measure(|| drop(service.clone().call(callback)));
        allocated += info.bytes_total;
    }
    assert_eq!(service.stats().keys, 100);
    assert!(allocated < 10_000, "{allocated} bytes");
}

#[test]
fn clones_share_one_count_in_all_threads() {
    let clock = Clock::default();
    let service = service(clock.on(RateLimitLayer::per_sender(Quota::per_second(100))));
    let callback = message("a");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let (service, callback) = (service.clone(), callback.clone());
            scope.spawn(move || {
                for _ in 0..200 {
                    let call = task::spawn(service.clone().oneshot(callback.clone())).poll();
                    assert!(call.is_ready());
                }
            });
        }
    });
    assert_eq!((service.get_ref().calls(), service.stats().limited), (100, 700));
    // Another service of the same layer counts by itself.
    let layer = RateLimitLayer::per_sender(Quota::per_minute(1));
    let (one, other) = (layer.layer(Inner::default()), layer.layer(Inner::default()));
    assert!(passes(&one, message("a")) && passes(&other, message("a")));
}

/// A callback over the limit asks nothing of the inner service, not even whether it is ready.
#[test]
fn it_is_always_ready_and_takes_no_permit_for_what_is_over_the_limit() {
    let polls = Arc::new(AtomicUsize::new(0));
    let counted = polls.clone();
    let gate = tower::limit::ConcurrencyLimitLayer::new(1);
    let handler = service_fn(move |_: Callback| {
        counted.fetch_add(1, Ordering::SeqCst);
        std::future::pending::<Result<Reply, Infallible>>()
    });
    let layer = RateLimitLayer::per_sender(Quota::per_minute(1));
    let mut service = layer.layer(gate.layer(handler));
    let mut first = task::spawn(service.call(message("a")));
    assert_pending!(first.poll());
    // The only permit is taken, and `b` waits for it inside its future.
    let mut waiting = task::spawn(service.call(message("b")));
    assert_pending!(waiting.poll());
    let mut ready = task::spawn(());
    ready.enter(|cx, _| assert!(service.poll_ready(cx).is_ready()));
    let over = assert_ready!(task::spawn(service.call(message("a"))).poll());
    assert!(over.unwrap_err().is_rate_limited());
    assert_eq!(polls.load(Ordering::SeqCst), 1);
    drop(first);
    assert!(waiting.is_woken());
    assert_pending!(waiting.poll());
    assert_eq!(polls.load(Ordering::SeqCst), 2);
}

#[test]
fn no_quota_and_no_clock_overflows() {
    for (quota, burst) in [
        (Quota::per_second(0), 1),
        (Quota::per_second(0).burst(0), 1),
        (Quota::per_minute(1), 1),
        (Quota::per_second(u32::MAX).burst(3), 3),
        (Quota::per_minute(1).burst(u32::MAX), 50),
    ] {
        let service = service(Clock::default().on(RateLimitLayer::per_sender(quota)));
        assert_eq!(of(50, &service, &message("a")), burst, "{quota:?}");
    }
    // A clock that goes back, and one that goes far ahead.
    let (started, at) = (Instant::now(), Arc::new(AtomicU64::new(1000)));
    let seconds = at.clone();
    let layer = RateLimitLayer::per_sender(Quota::per_minute(1))
        .clock(move || started + Duration::from_secs(seconds.load(Ordering::SeqCst)));
    let service = service(layer);
    assert_eq!(of(2, &service, &message("a")), 1);
    at.store(0, Ordering::SeqCst);
    assert_eq!(of(2, &service, &message("a")), 0);
    at.store(100 * 365 * 24 * 3600, Ordering::SeqCst);
    assert_eq!(of(2, &service, &message("a")), 1);
}

/// A reply would say that a notification was handled.
#[test]
fn a_reply_of_ones_own_is_not_asked_about_notifications() {
    let clock = Clock::default();
    let layer = RateLimitLayer::per_sender(Quota::per_minute(2)).reply(|_| Some(Reply::ok()));
    let service = service(clock.on(layer.limit_notifications()));
    let sent = testing::sample(&Command::C2cAfterSendMsg).unwrap();
    assert_eq!(of(5, &service, &callback(Command::C2cAfterSendMsg, sent)), 2);
}

/// A search takes time for each key that is held, so it is not made for each unseen key.
#[test]
fn a_full_table_is_searched_once_in_a_while() {
    const KEYS: u64 = 20_000;
    let (clock, next) = (Clock::default(), AtomicU64::new(0));
    let key = move |_: &Callback| Some(next.fetch_add(1, Ordering::Relaxed));
    let layer = RateLimitLayer::per_key(Quota::per_second(1000).burst(1), key);
    let mut service = clock.on(layer.capacity(KEYS as usize)).layer(Inner::default());
    let message = message("a");
    for _ in 0..=KEYS {
        drop(service.call(message.clone()));
    }
    // The last one made a search, and all keys were in use. After 1 ms none of them is, but the
    // next search is due after 100 ns for each.
    let mut after = |time| {
        clock.pass(time);
        drop(service.call(message.clone()));
        (service.stats().keys as u64, service.stats().shared)
    };
    assert_eq!(after(Duration::ZERO), (KEYS, 2));
    assert_eq!(after(MILLIS), (KEYS, 3));
    assert_eq!(after(MILLIS), (1, 3));
}

#[test]
fn without_room_all_keys_share_one_quota() {
    let layer = RateLimitLayer::per_sender(Quota::per_minute(3)).capacity(0);
    let service = service(Clock::default().on(layer));
    let passed: usize = (0..9).map(|one| of(1, &service, &message(&one.to_string()))).sum();
    let stats = service.stats();
    assert_eq!((passed, stats.keys, stats.shared), (3, 0, 9));
}
