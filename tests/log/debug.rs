//! Attacks by `Debug`: every public type that is not a mere value of the protocol, written with
//! `{:?}` and `{:#?}`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tencent_im_callback::moderation::{Edit, Finding, ModerateLayer, Text};
use tencent_im_callback::reply::c2c::BeforeSendMsgReply;
use tencent_im_callback::reply::{Reply, Rewrite};
use tencent_im_callback::testing::{Fault, SignedRequest, sample, sign};
use tencent_im_callback::{
    App, Apps, Callback, CallbackLayer, Command, DedupLayer, DetachFailure, DetachLayer, Event,
    EventRouter, HandlerError, MetricsLayer, OnError, Oneshot, OptPlatform, Outcome, Quota,
    RateLimitLayer, Split, StoredCallback, Token, Verifier, VerifyLayer,
};
use tower::{Layer, Service, service_fn};

use crate::attack::{AFTER, CANARY};
use crate::common::{APP, Inner, NOW, TOKEN, clock, layer, outcome, send, signed, token, verifier};
use crate::public_types;

/// A second token, and parameters that are nobody's business.
const OTHER: &str = "another-token";
const QUERY: &str = "canary-in-the-query";

fn request() -> SignedRequest {
    signed(AFTER)
        .url("/callback")
        .parameter("ClientIP", QUERY)
        .body(format!(r#"{{"PairList":{{"x":"{CANARY}"}}}}"#))
}

#[track_caller]
fn keeps_its_secrets(name: &str, value: &dyn std::fmt::Debug) {
    for text in [format!("{value:?}"), format!("{value:#?}")] {
        // A `Debug` that writes nothing keeps its secrets, too.
        assert!(!text.is_empty(), "{name}");
        let lower = text.to_lowercase();
        let raw: Vec<String> =
            [TOKEN, OTHER].map(|secret| format!("{:?}", secret.as_bytes())).into();
        for secret in [
            TOKEN,
            OTHER,
            QUERY,
            CANARY,
            &sign(TOKEN, NOW),
            &sign(OTHER, NOW),
            "requesttime=",
            "sign=",
        ]
        .into_iter()
        .chain(raw.iter().map(String::as_str))
        {
            assert!(!lower.contains(secret), "{secret} is in {name}: {text}");
        }
    }
}

/// What was shown.
#[derive(Default)]
struct Walked(BTreeSet<String>);

impl Walked {
    #[track_caller]
    fn check(&mut self, name: &str, value: &dyn std::fmt::Debug) {
        keeps_its_secrets(name, value);
        self.0.insert(name.to_owned());
    }
}

fn two_tokens() -> Verifier {
    Verifier::new(App::signed(APP, token(TOKEN)).accept(token(OTHER))).clock(clock)
}

fn never(_: Callback) -> std::future::Pending<Result<Reply, HandlerError>> {
    std::future::pending()
}

fn settings(walked: &mut Walked) {
    let app = App::signed(APP, token(TOKEN)).accept(token(OTHER));
    walked.check("Token", &token(TOKEN));
    walked.check("App", &app);
    walked.check("Apps", &Apps::new([app]));
    walked.check("Verifier", &two_tokens());
    let other = SignedRequest::new(AFTER).token(Token::new(OTHER).unwrap()).body(CANARY);
    walked.check("SignedRequest", &other);
    walked.check("SignedRequest", &request());
    // Nor do the errors of their making say what was wrong with what.
    for bad in [format!(" {TOKEN}"), format!("{OTHER}\0")] {
        keeps_its_secrets("InvalidTokenError", &Token::new(bad).unwrap_err());
    }
    walked.check("OptPlatform", &OptPlatform::from("x"));
}

/// The layers around a server's requests, their services and futures, in each state.
async fn middleware(walked: &mut Walked) {
    let layer = CallbackLayer::new(two_tokens());
    walked.check("CallbackLayer", &layer);
    let mut service = layer.layer(Debugged(service_fn(never)));
    walked.check("CallbackService", &service);
    let mut call = tokio_test::task::spawn(service.call(request().build::<Full<Bytes>>()));
    walked.check("ResponseFuture", &*call);
    assert!(call.poll().is_pending());
    walked.check("ResponseFuture", &*call);
    drop(call);
    let metrics = MetricsLayer::new();
    walked.check("MetricsLayer", &metrics);
    let mut measured = metrics.layer(service);
    walked.check("MetricsService", &measured);
    walked.check("MetricsFuture", &measured.call(request().build::<Full<Bytes>>()));
    let verify = VerifyLayer::new(two_tokens());
    walked.check("VerifyLayer", &verify);
    let mut service = verify.layer(Debugged(service_fn(|_: Request<Full<Bytes>>| {
        std::future::ready(Ok::<_, HandlerError>(Response::new(Full::<Bytes>::default())))
    })));
    walked.check("VerifyService", &service);
    let future = service.call(request().build());
    walked.check("VerifyFuture", &future);
    walked.check("VerifyBody", future.await.unwrap().body());
}

/// What a request becomes.
fn parsed(walked: &mut Walked) {
    let http = request().build::<Bytes>();
    let verifier = two_tokens();
    walked.check("Verified", &verifier.verify(http.method(), http.uri()).unwrap());
    let params = crate::common::params_of(&verifier, http.method(), http.uri());
    walked.check("Params", &params);
    walked.check("Command", &params.command);
    let callback = Callback::parse(params, http.into_body()).unwrap();
    walked.check("Callback", &callback);
    walked.check("Event", &callback.event);
    walked.check("Misfit", callback.event.misfit().unwrap());
    let Event::Unknown(unknown) = &callback.event else { panic!("a misfit") };
    walked.check("UnknownEvent", unknown);
    let word = format!("New.{CANARY}").to_uppercase();
    let Command::Unknown(word) = Command::from(word.as_str()) else { panic!("unknown") };
    assert_eq!(format!("{word:?}").to_lowercase(), format!("\"new.{CANARY}\""));
    walked.0.insert("UnknownCommand".to_owned());
    let typed = testing_message();
    walked.check("DedupKey", &typed.dedup_key().unwrap());
    walked.check("OrderKey", &typed.order_key().unwrap());
    walked.check("StoredCallback", &StoredCallback::from(&typed));
}

/// What a request is answered.
async fn answered(walked: &mut Walked) {
    let http = request().build::<Bytes>();
    let service = layer().layer(service_fn(async |_: Callback| Ok::<_, HandlerError>(())));
    let (method, uri) = (http.method().clone(), http.uri().clone());
    let answer = tencent_im_callback::respond(&service, &method, &uri, http.into_body()).await;
    walked.check("Answer", &answer);
    for fault in Fault::ALL {
        let response =
            send(&layer(), Inner::default(), request().fault(*fault).build::<Full<Bytes>>()).await;
        let what: Outcome = outcome(&response).clone();
        walked.check("Outcome", &what);
        if let Some(rejection) = what.rejection() {
            walked.check("Rejection", rejection);
        }
        walked.check("ResponseBody", response.body());
        keeps_its_secrets("Response", &response);
    }
    let shown = Arc::new(Mutex::new(String::new()));
    let sink = shown.clone();
    let failing = layer().on_error(move |failure| {
        keeps_its_secrets("Failure", failure);
        *sink.lock().unwrap() = format!("{failure:?}");
        OnError::ServerError
    });
    let before =
        signed(Command::SnsPrevFriendAdd).body(format!(r#"{{"From_Account":["{CANARY}"]}}"#));
    let response = send(&failing, Inner::default(), before.build::<Full<Bytes>>()).await;
    assert_eq!(response.status(), 500);
    assert!(shown.lock().unwrap().contains("Misfit"));
    walked.0.insert("Failure".to_owned());
    walked.check("OnError", &OnError::ServerError);
    walked.check("Reply", &Reply::ok());
    walked.check("Rewrite", &Rewrite::new());
    keeps_its_secrets("BeforeSendMsgReply", &BeforeSendMsgReply::allow());
}

/// The services for the inside of the middleware, and their futures.
async fn services(walked: &mut Walked) {
    let typed = testing_message();
    let router =
        EventRouter::new().fallback(service_fn(async |_: Callback| Ok::<_, HandlerError>(())));
    walked.check("EventRouter", &router);
    walked.check("RouterFuture", &router.clone().call(typed.clone()));
    let dedup = DedupLayer::new(Duration::from_secs(60));
    walked.check("DedupLayer", &dedup);
    let mut remembering = dedup.layer(router.clone());
    let future = remembering.call(typed.clone());
    walked.check("DedupFuture", &future);
    assert_eq!(future.await.unwrap(), Reply::ok());
    walked.check("Dedup", &remembering);
    let limit = RateLimitLayer::per_sender(Quota::per_second(1));
    walked.check("RateLimitLayer", &limit);
    let mut limited = limit.layer(router.clone());
    walked.check("RateLimitFuture", &limited.call(typed.clone()));
    walked.check("RateLimit", &limited);
    let detach = DetachLayer::new(10);
    walked.check("DetachLayer", &detach);
    walked.check("DetachFuture", &detach.layer(service_fn(never)).call(misfit()));
    walked.check("Detach", &detach.layer(router));
    walked.check("HandlerError", &HandlerError::new("text"));
    walked.check("DetachFailure", &DetachFailure::Aborted);
    let mut split = Split::new(detach.layer(EventRouter::new()), remembering);
    walked.check("Split", &split);
    walked.check("SplitFuture", &split.call(typed.clone()));
    walked.check("Oneshot", &Oneshot::new(EventRouter::new(), typed));
}

fn moderation(walked: &mut Walked) {
    let typed = testing_message();
    let layer =
        ModerateLayer::new(|_: &Text<'_>| Finding::Allow).on_edit(|_: Edit| std::future::ready(()));
    walked.check("ModerateLayer", &layer);
    let mut moderate = layer.layer(EventRouter::new());
    walked.check("Moderate", &moderate);
    walked.check("ModerateFuture", &moderate.call(typed.clone()));
    let shown = typed.shown();
    walked.check("Shown", &shown);
    walked.check("Text", &shown.texts().collect::<Vec<_>>());
}

#[tokio::test]
async fn debug_of_every_public_type() {
    let mut walked = Walked::default();
    settings(&mut walked);
    middleware(&mut walked).await;
    parsed(&mut walked);
    answered(&mut walked).await;
    services(&mut walked).await;
    moderation(&mut walked);
    // Shown by a test of its own, below.
    walked.0.insert("Drained".to_owned());
    let all = public_types::all();
    let missing: Vec<_> = all.difference(&walked.0).collect();
    assert!(missing.is_empty(), "add these to the walk, or to the values: {missing:?}");
}

/// What a shutdown hands back holds whole bodies.
#[tokio::test(start_paused = true)]
async fn debug_of_what_was_not_finished() {
    let detach = DetachLayer::new(10);
    let mut service = detach.layer(service_fn(never));
    assert_eq!(service.call(misfit()).await.unwrap(), Reply::ok());
    let drained = detach.drain(Duration::from_secs(1)).await;
    assert_eq!(drained.unfinished.len(), 1);
    keeps_its_secrets("Drained", &drained);
}

fn misfit() -> Callback {
    let http = request().build::<Bytes>();
    let params = crate::common::params_of(&verifier(), http.method(), http.uri());
    Callback::parse(params, http.into_body()).unwrap()
}

fn testing_message() -> Callback {
    let body = sample(&Command::C2cAfterSendMsg).unwrap();
    let http =
        signed(Command::C2cAfterSendMsg).parameter("ClientIP", QUERY).body(body).build::<Bytes>();
    let params = crate::common::params_of(&verifier(), http.method(), http.uri());
    Callback::parse(params, http.into_body()).unwrap()
}

/// The events themselves show what their body said, and nothing of the URL they came by.
#[test]
fn debug_of_every_event() {
    for command in Command::ALL {
        let http = signed(command.clone())
            .parameter("ClientIP", QUERY)
            .parameter("x", QUERY)
            .build::<Bytes>();
        let params = crate::common::params_of(&verifier(), http.method(), http.uri());
        let callback = Callback::parse(params, http.into_body()).unwrap();
        assert!(!matches!(callback.event, Event::Unknown(_)), "{command}");
        keeps_its_secrets(command.as_str(), &callback);
        keeps_its_secrets(command.as_str(), &callback.event);
    }
}

/// A service with a `Debug`, which closures lack.
#[derive(Clone)]
struct Debugged<S>(S);

impl<S> std::fmt::Debug for Debugged<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Debugged")
    }
}

impl<R, S: Service<R>> Service<R> for Debugged<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.0.call(request)
    }
}
