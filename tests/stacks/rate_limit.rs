//! The places of a rate limit in a stack, and beside other people's: what is let through, what is
//! not, and what the peer and the host see of it.

use std::time::Instant;

use axum::Router;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tencent_im_callback::reply::{Meaning, c2c};
use tencent_im_callback::testing::Fault;
use tencent_im_callback::{
    Callback, CallbackLayer, Cause, Command, DetachLayer, Disposition, EventRouter, HandlerError,
    OnError, Outcome, OutcomeKind, Quota, RateLimitLayer, Reply, Split, VerifyLayer,
};
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_governor::GovernorLayer;
use tower_governor::governor::GovernorConfigBuilder;

use crate::common::{Inner, layer, outcome, signed, text, verifier};
use crate::governor::ByApp;
use crate::{Gate, HOUR, SECOND};

const MESSAGE: Command = Command::C2cBeforeSendMsg;
const SLOW_DOWN: &str = r#"{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"slow down"}"#;

/// One message of each sender, with a clock that stands still.
fn one_each() -> RateLimitLayer {
    let now = Instant::now();
    RateLimitLayer::per_sender(Quota::per_minute(1)).clock(move || now)
}

fn from(sender: &str) -> Request<Full<Bytes>> {
    let body = format!(r#"{{"From_Account":"{sender}","To_Account":"b","MsgBody":[]}}"#);
    signed(MESSAGE).body(body).build()
}

/// What the peer and the host see of an answer.
#[derive(Debug, PartialEq)]
struct Seen {
    meaning: Meaning,
    kind: OutcomeKind,
    cause: Option<Cause>,
    reason: &'static str,
}

const ALLOWED: Seen =
    Seen { meaning: Meaning::Allow, kind: OutcomeKind::Accepted, cause: None, reason: "handled" };

/// Over the limit, and answered by `OnError`.
const fn failed(meaning: Meaning) -> Seen {
    let cause = Some(Cause::RateLimited);
    Seen { meaning, kind: OutcomeKind::Failed, cause, reason: "rate_limited" }
}

/// Over the limit, and answered by the limit.
const fn replied(meaning: Meaning) -> Seen {
    Seen { meaning, kind: OutcomeKind::Accepted, cause: None, reason: "rate_limited" }
}

async fn ask<S, R>(service: &S, request: Request<Full<Bytes>>) -> Seen
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>, Error: std::fmt::Debug> + Clone,
    R: http_body::Body<Data = Bytes, Error: std::fmt::Debug>,
{
    seen(service.clone().oneshot(request).await.unwrap()).await
}

async fn seen<R>(response: Response<R>) -> Seen
where
    R: http_body::Body<Data = Bytes, Error: std::fmt::Debug>,
{
    let what: Outcome = response.extensions().get::<Outcome>().unwrap().clone();
    let command = what.params().unwrap().command.clone();
    let status = response.status().as_u16();
    let meaning = Meaning::of(&command, status, text(response).await.as_bytes());
    Seen { meaning, kind: what.kind(), cause: what.cause(), reason: what.reason() }
}

/// Two messages of one sender, one of another: only the second is over the limit.
async fn lets_one_each_through<S, R>(service: &S, over: Seen)
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>, Error: std::fmt::Debug> + Clone,
    R: http_body::Body<Data = Bytes, Error: std::fmt::Debug>,
{
    assert_eq!(ask(service, from("a")).await, ALLOWED);
    assert_eq!(ask(service, from("a")).await, over);
    assert_eq!(ask(service, from("b")).await, ALLOWED);
}

/// Without `OnError::reject`, the message goes on.
#[tokio::test]
async fn right_inside_of_the_layer_and_who_answers() {
    let plain = layer().layer(one_each().layer(Inner::default()));
    lets_one_each_through(&plain, failed(Meaning::NoVerdict)).await;
    let response = plain.clone().oneshot(from("a")).await.unwrap();
    assert_eq!(response.status(), 500);
    assert_eq!(outcome(&response).error(), Some("rate limited: too many callbacks"));

    let rejecting = layer().on_before_error(OnError::reject("try again later"));
    let service = rejecting.clone().layer(one_each().layer(Inner::default()));
    lets_one_each_through(&service, failed(Meaning::Reject)).await;

    // By the cause, the owner can answer it in another way than a failure.
    let by_cause = layer().on_error(|failure| match failure.cause() {
        Cause::RateLimited => OnError::reject("slow down"),
        _ => OnError::ServerError,
    });
    let service = by_cause.layer(one_each().layer(Inner::default()));
    lets_one_each_through(&service, failed(Meaning::Reject)).await;
    assert_eq!(text(service.oneshot(from("a")).await.unwrap()).await, SLOW_DOWN);

    // The limit's own reply: nobody is asked, and it is no failure.
    for layer in [layer(), rejecting] {
        let service = layer.layer(one_each().reject("slow down").layer(Inner::default()));
        lets_one_each_through(&service, replied(Meaning::Reject)).await;
        let response = service.oneshot(from("a")).await.unwrap();
        assert_eq!(outcome(&response).disposition(), Some(Disposition::RateLimited));
        assert_eq!(text(response).await, SLOW_DOWN);
    }
}

/// Each *before* command in the form that it takes.
#[tokio::test]
async fn every_action_over_the_limit_is_blocked() {
    let body = r#"{"From_Account":"a","FriendItem":[],"AddType":"Add_Type_Both"}"#;
    let by_app = || RateLimitLayer::per_app(Quota::per_minute(1)).reject("slow down");
    for command in Command::ALL.iter().filter(|command| command.phase().may_decide()) {
        let service = layer().layer(by_app().layer(Inner::default()));
        let request = || signed(command.clone()).build::<Full<Bytes>>();
        assert_eq!(ask(&service, request()).await.reason, "handled", "{command}");
        assert_eq!(ask(&service, request()).await, replied(Meaning::Reject), "{command}");
    }
    // A friend request that names nobody can be blocked by no reply, so it fails.
    let service = layer().layer(by_app().layer(Inner::default()));
    let request = || signed(Command::SnsPrevFriendAdd).body(body).build::<Full<Bytes>>();
    assert_eq!(ask(&service, request()).await.reason, "handled");
    assert_eq!(ask(&service, request()).await, failed(Meaning::NoVerdict));
    // Tencent waits for a bot's answer as well, and there is nothing to block.
    let service = layer().layer(by_app().layer(Inner::default()));
    let request = || signed(Command::ChatbotOnC2cSignalMessage).build::<Full<Bytes>>();
    assert_eq!(ask(&service, request()).await.reason, "handled");
    assert_eq!(ask(&service, request()).await, failed(Meaning::Ignored));
}

#[tokio::test]
async fn code_and_text_of_the_reply_are_the_owners() {
    let limit = one_each().reply(|callback: &Callback| {
        let code = c2c::RejectCode::of::<120_002>();
        let is_message = callback.command() == &MESSAGE;
        is_message.then(|| c2c::BeforeSendMsgReply::reject_with(code, "slow down").into())
    });
    let service = layer().layer(limit.layer(Inner::default()));
    lets_one_each_through(&service, replied(Meaning::Reject)).await;
    let body = text(service.clone().oneshot(from("a")).await.unwrap()).await;
    assert_eq!(body, SLOW_DOWN.replace(":1,", ":120002,"));
    // For `None`, `OnError` answers.
    let group = || {
        let body = r#"{"GroupId":"g","From_Account":"c","MsgBody":[]}"#;
        signed(Command::GroupBeforeSendMsg).body(body).build()
    };
    assert_eq!(ask(&service, group()).await, ALLOWED);
    assert_eq!(ask(&service, group()).await, failed(Meaning::NoVerdict));
}

#[tokio::test]
async fn forged_requests_use_up_nothing() {
    let service = layer().layer(one_each().layer(Inner::default()));
    for _ in 0..3 {
        let forged = signed(MESSAGE).fault(Fault::SignatureMismatch).build::<Full<Bytes>>();
        assert_eq!(service.clone().oneshot(forged).await.unwrap().status(), 401);
        // Nor does what cannot be read, and never reaches the service.
        let broken = signed(MESSAGE).body(r#"{"From_Account":"a"}"#).build();
        assert_eq!(ask(&service, broken).await.cause, Some(Cause::Misfit));
    }
    assert_eq!(ask(&service, from("a")).await, ALLOWED);
}

/// The documented place: a flood takes one permit of two, and another sender gets the other.
#[tokio::test]
async fn outside_of_the_limit_of_work_a_flood_takes_no_permits() {
    let gate = Gate::new();
    let service = ServiceBuilder::new()
        .layer(layer())
        .layer(one_each().reject("slow down"))
        .timeout(SECOND)
        .load_shed()
        .concurrency_limit(2)
        .service(gate.handler());
    let mut flood = Vec::new();
    for number in 0..20 {
        let mut call = task::spawn(service.clone().oneshot(from("spammer")));
        if number == 0 {
            assert_pending!(call.poll());
            flood.push(call);
        } else {
            let response = assert_ready!(call.poll()).unwrap();
            assert_eq!(seen(response).await, replied(Meaning::Reject));
        }
    }
    let mut honest = task::spawn(service.clone().oneshot(from("honest")));
    assert_pending!(honest.poll());
    assert_eq!(gate.calls(), 2);
    // What has no room now is overloaded, and looks so.
    let third = ask(&service, from("third")).await;
    assert_eq!((third.kind, third.cause), (OutcomeKind::Failed, Some(Cause::Overloaded)));
}

/// The wrong place, and why it is wrong: while two messages are at work, everybody is shed before
/// the limit is asked, the flood and the others alike.
#[tokio::test]
async fn inside_of_the_limit_of_work_a_flood_looks_like_an_overload() {
    let gate = Gate::new();
    let service = ServiceBuilder::new()
        .layer(layer())
        .load_shed()
        .concurrency_limit(2)
        .layer(one_each().reject("slow down"))
        .service(gate.handler());
    let mut first = task::spawn(service.clone().oneshot(from("a")));
    assert_pending!(first.poll());
    // There is room: the limit answers, and gives its permit back.
    assert_eq!(ask(&service, from("a")).await, replied(Meaning::Reject));
    let mut second = task::spawn(service.clone().oneshot(from("b")));
    assert_pending!(second.poll());
    for sender in ["a", "honest"] {
        assert_eq!(ask(&service, from(sender)).await.cause, Some(Cause::Overloaded));
    }
    assert_eq!(gate.calls(), 2);
}

/// Other layers around it: they box its error, and the cause is still seen.
#[tokio::test]
async fn inside_of_timeout_buffer_and_load_shed_the_cause_is_the_same() {
    let timed = ServiceBuilder::new().layer(layer()).timeout(SECOND).layer(one_each());
    lets_one_each_through(&timed.service(Inner::default()), failed(Meaning::NoVerdict)).await;
    let buffered = ServiceBuilder::new().layer(layer()).load_shed().buffer(8).layer(one_each());
    lets_one_each_through(&buffered.service(Inner::default()), failed(Meaning::NoVerdict)).await;
    let limited =
        ServiceBuilder::new().layer(layer()).load_shed().concurrency_limit(1).layer(one_each());
    lets_one_each_through(&limited.service(Inner::default()), failed(Meaning::NoVerdict)).await;
}

/// tower's own limit behind it counts only what passes, for all senders together.
#[tokio::test]
async fn over_towers_rate_limit_each_keeps_its_own_cause() {
    tokio::time::pause();
    let service = ServiceBuilder::new()
        .layer(layer())
        .layer(one_each())
        .buffer(8)
        .load_shed()
        .rate_limit(2, HOUR)
        .service(Inner::default());
    lets_one_each_through(&service, failed(Meaning::NoVerdict)).await;
    assert_eq!(ask(&service, from("a")).await.cause, Some(Cause::RateLimited));
    assert_eq!(ask(&service, from("c")).await.cause, Some(Cause::Overloaded));
}

/// On the side of verdicts, notifications never reach it; on the other side it has to be told.
#[tokio::test]
async fn on_either_side_of_split() {
    let handlers = EventRouter::new().on(
        async |_: Callback<tencent_im_callback::event::c2c::BeforeSendMsg>| {
            c2c::BeforeSendMsgReply::allow()
        },
    );
    let detach = DetachLayer::new(10);
    let verdicts = one_each().reject("slow down").layer(handlers.clone());
    let notifications = ServiceBuilder::new()
        .layer(one_each().limit_notifications().reject("slow down"))
        .layer(detach.clone())
        .service(handlers);
    let service = layer().layer(Split::new(verdicts, notifications));
    lets_one_each_through(&service, replied(Meaning::Reject)).await;
    let sent = |from: &str| {
        let body = format!(r#"{{"From_Account":"{from}","To_Account":"b","MsgBody":[]}}"#);
        signed(Command::C2cAfterSendMsg).body(body).build()
    };
    // A count of its own: `a` is over the limit on the other side.
    assert_eq!(ask(&service, sent("a")).await.reason, "detached");
    assert_eq!(ask(&service, sent("a")).await, failed(Meaning::Ignored));
    assert_eq!(ask(&service, sent("b")).await.reason, "detached");
    assert_eq!(detach.drain(SECOND).await.finished, 2);
}

/// A governor in front answers in its own words, which are no verdict: `OnError::reject` is not
/// asked. What it lets through meets the limit inside.
#[tokio::test]
async fn behind_a_governor_that_fails_open() {
    let budget = GovernorConfigBuilder::default()
        .period(HOUR)
        .burst_size(3)
        .key_extractor(ByApp)
        .finish()
        .unwrap();
    let rejecting = layer().on_before_error(OnError::reject("try again later"));
    let callbacks = rejecting.layer(one_each().layer(Inner::default()));
    let service = Router::new()
        .route_service("/", callbacks)
        .layer(GovernorLayer::new(budget))
        .layer(VerifyLayer::new(verifier()));
    let service =
        service.map_request(|request: Request<Full<Bytes>>| request.map(axum::body::Body::new));
    lets_one_each_through(&service, failed(Meaning::Reject)).await;
    let response = service.clone().oneshot(from("c")).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), outcome_of(&response)),
        (429, (OutcomeKind::Failed, Some(Cause::Failed)))
    );
    assert_eq!(Meaning::of(&MESSAGE, 429, b"Too Many Requests!"), Meaning::NoVerdict);
    assert!(text(response).await.starts_with("Too Many Requests!"));
}

fn outcome_of<B>(response: &Response<B>) -> (OutcomeKind, Option<Cause>) {
    let what = response.extensions().get::<Outcome>().unwrap();
    (what.kind(), what.cause())
}

/// A limit of the user's own in a handler says it with the same words.
#[tokio::test]
async fn a_limit_of_ones_own_has_the_same_cause() {
    let service: CallbackLayer = layer();
    let service = service
        .layer(service_fn(async |_: Callback| Err::<Reply, _>(HandlerError::rate_limited(SECOND))));
    assert_eq!(ask(&service, from("a")).await, failed(Meaning::NoVerdict));
}
