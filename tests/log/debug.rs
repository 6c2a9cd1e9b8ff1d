//! Attacks by `Debug`: every public type that is not a mere value of the protocol, written with `{:?}` and `{:#?}`.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tencent_im_callback::moderation::{Edit, Finding, ModerateLayer, Text};
use tencent_im_callback::reply::c2c::BeforeSendMsgReply;
use tencent_im_callback::reply::{Reply, Rewrite};
use tencent_im_callback::testing::sign;
use tencent_im_callback::testing::{SignedRequest, sample};
use tencent_im_callback::{
    App, Apps, Callback, CallbackLayer, Command, DedupLayer, DetachFailure, DetachLayer, Event,
    EventRouter, HandlerError, MetricsLayer, Outcome, Quota, RateLimitLayer, Split, StoredCallback,
    Token, Verifier, VerifyLayer,
};
use tower::{Layer, Service, service_fn};

use crate::attack::{AFTER, CANARY};
use crate::common::{APP, Inner, NOW, TOKEN, clock, layer, outcome, send, signed, token, verifier};

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

/// The public types of these folders, as the source has them; names that a macro makes are left
/// out.
fn in_source(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            in_source(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            in_file(&path, found);
        }
    }
}

fn in_file(path: &Path, found: &mut BTreeSet<String>) {
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let line = line.trim_start();
        let name = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "));
        let Some(name) = name.filter(|name| !name.starts_with('$')) else {
            continue;
        };
        let end = name.find(|one: char| !one.is_alphanumeric() && one != '_');
        found.insert(name[..end.unwrap_or(name.len())].to_owned());
    }
}

/// Values of the protocol, without a secret to keep: names, numbers, and what a handler wants to
/// answer.
const VALUES: &[&str] = &[
    "Edit",
    "Finding",
    "Findings",
    "FindingsFuture",
    "Incomplete",
    "Join",
    "Place",
    "SdkAppId",
    "Flag",
    "Phase",
    "Family",
    "InvalidTokenError",
    "RejectionKind",
    "OutcomeKind",
    "Cause",
    "Meaning",
    "Disposition",
    "Retry",
    "RawJson",
    "MessageVerdict",
    "DetachId",
    "DedupStats",
    "DetachStats",
    "Quota",
    "RateLimitStats",
    "Fault",
    "Code",
    "InvalidCodeError",
    "NotAskedError",
    "NotWritableError",
    "OnC2cSignalMessageReply",
    "InterfaceInvocationReply",
    "UnknownReason",
    "EventTime",
    "BatchItem",
    "EventGroup",
    "OperateType",
    "Extension",
    "RecordingInfo",
    "RecordingPayload",
];

#[tokio::test]
async fn debug_of_every_public_type() {
    let mut walked = BTreeSet::new();
    let mut check = |name: &str, value: &dyn std::fmt::Debug| {
        keeps_its_secrets(name, value);
        walked.insert(name.to_owned());
    };
    let app = App::signed(APP, token(TOKEN)).accept(token(OTHER));
    let apps = Apps::new([app.clone()]);
    let verifier_ = Verifier::new(apps.clone()).clock(clock);
    check("Token", &token(TOKEN));
    check("App", &app);
    check("Apps", &apps);
    check("Verifier", &verifier_);
    check(
        "SignedRequest",
        &SignedRequest::new(AFTER).token(Token::new(OTHER).unwrap()).body(CANARY),
    );
    check("SignedRequest", &request());
    // Nor do the errors of their making say what was wrong with what.
    for bad in [format!(" {TOKEN}"), format!("{OTHER}\0")] {
        keeps_its_secrets("InvalidTokenError", &Token::new(bad).unwrap_err());
    }

    // The layer, its service and its future, in each state.
    let layer_ = CallbackLayer::new(verifier_.clone());
    check("CallbackLayer", &layer_);
    let mut service = layer_.layer(Debugged(service_fn(|_: Callback| {
        std::future::pending::<Result<Reply, HandlerError>>()
    })));
    check("CallbackService", &service);
    let mut call = tokio_test::task::spawn(service.call(request().build::<Full<Bytes>>()));
    check("ResponseFuture", &*call);
    assert!(call.poll().is_pending());
    check("ResponseFuture", &*call);
    drop(call);
    let metrics = MetricsLayer::new();
    check("MetricsLayer", &metrics);
    let mut measured = metrics.layer(service);
    check("MetricsService", &measured);
    check("MetricsFuture", &measured.call(request().build::<Full<Bytes>>()));
    let verify = VerifyLayer::new(verifier_.clone());
    check("VerifyLayer", &verify);
    let mut service = verify.layer(Debugged(service_fn(|_: Request<Full<Bytes>>| {
        std::future::ready(Ok::<_, HandlerError>(Response::new(Full::<Bytes>::default())))
    })));
    check("VerifyService", &service);
    let future = service.call(request().build());
    check("VerifyFuture", &future);
    check("VerifyBody", future.await.unwrap().body());

    // What a request becomes.
    let http = request().build::<Bytes>();
    let params = crate::common::params_of(&verifier_, http.method(), http.uri());
    check("Params", &params);
    check("Command", &params.command);
    let callback = Callback::parse(params.clone(), http.body().clone()).unwrap();
    check("Callback", &callback);
    check("Event", &callback.event);
    check("Misfit", callback.event.misfit().unwrap());
    let Event::Unknown(unknown) = &callback.event else { panic!("a misfit") };
    check("UnknownEvent", unknown);
    let word = format!("New.{CANARY}").to_uppercase();
    check("OptPlatform", &tencent_im_callback::OptPlatform::from("x"));
    let Command::Unknown(word) = Command::from(word.as_str()) else { panic!("unknown") };
    assert_eq!(format!("{word:?}").to_lowercase(), format!("\"new.{CANARY}\""));
    walked.insert("UnknownCommand".to_owned());
    let mut check = |name: &str, value: &dyn std::fmt::Debug| {
        keeps_its_secrets(name, value);
        walked.insert(name.to_owned());
    };
    let typed = testing_message();
    check("DedupKey", &typed.dedup_key().unwrap());
    check("OrderKey", &typed.order_key().unwrap());
    check("StoredCallback", &StoredCallback::from(&typed));
    check("Verified", &verifier_.verify(http.method(), http.uri()).unwrap());

    let service = layer().layer(service_fn(async |_: Callback| Ok::<_, HandlerError>(())));
    let answer =
        tencent_im_callback::respond(&service, http.method(), http.uri(), http.body().clone())
            .await;
    check("Answer", &answer);

    // What becomes of it.
    for fault in tencent_im_callback::testing::Fault::ALL {
        let response =
            send(&layer(), Inner::default(), request().fault(*fault).build::<Full<Bytes>>()).await;
        let what: Outcome = outcome(&response).clone();
        check("Outcome", &what);
        if let Some(rejection) = what.rejection() {
            check("Rejection", rejection);
        }
        check("ResponseBody", response.body());
        keeps_its_secrets("Response", &response);
    }
    let shown = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let sink = shown.clone();
    let failing = layer().on_error(move |failure| {
        keeps_its_secrets("Failure", failure);
        *sink.lock().unwrap() = format!("{failure:?}");
        tencent_im_callback::OnError::ServerError
    });
    let before =
        signed(Command::SnsPrevFriendAdd).body(format!(r#"{{"From_Account":["{CANARY}"]}}"#));
    let response = send(&failing, Inner::default(), before.build::<Full<Bytes>>()).await;
    assert_eq!(response.status(), 500);
    assert!(shown.lock().unwrap().contains("Misfit"));
    walked.insert("Failure".to_owned());
    let mut check = |name: &str, value: &dyn std::fmt::Debug| {
        keeps_its_secrets(name, value);
        walked.insert(name.to_owned());
    };
    check("OnError", &tencent_im_callback::OnError::ServerError);
    check("Reply", &Reply::ok());
    check("Rewrite", &Rewrite::new());
    keeps_its_secrets("BeforeSendMsgReply", &BeforeSendMsgReply::allow());

    // The services.
    let router =
        EventRouter::new().fallback(service_fn(async |_: Callback| Ok::<_, HandlerError>(())));
    check("EventRouter", &router);
    check("RouterFuture", &router.clone().call(typed.clone()));
    let dedup = DedupLayer::new(Duration::from_secs(60));
    check("DedupLayer", &dedup);
    let mut remembering = dedup.layer(router.clone());
    let future = remembering.call(typed.clone());
    check("DedupFuture", &future);
    assert_eq!(future.await.unwrap(), Reply::ok());
    check("Dedup", &remembering);
    let limit = RateLimitLayer::per_sender(Quota::per_second(1));
    check("RateLimitLayer", &limit);
    let mut limited = limit.layer(router.clone());
    check("RateLimitFuture", &limited.call(typed.clone()));
    check("RateLimit", &limited);
    let detach = DetachLayer::new(10);
    check("DetachLayer", &detach);
    let mut detached = detach
        .layer(service_fn(|_: Callback| std::future::pending::<Result<Reply, HandlerError>>()));
    let future = detached.call(callback.clone());
    check("DetachFuture", &future);
    drop(future);
    check("Detach", &detach.layer(router));
    let router = EventRouter::new;
    check("HandlerError", &HandlerError::new("text"));
    check("DetachFailure", &DetachFailure::Aborted);
    let mut split = Split::new(detach.layer(router()), remembering);
    check("Split", &split);
    check("SplitFuture", &split.call(typed.clone()));
    check("Oneshot", &tencent_im_callback::Oneshot::new(EventRouter::new(), typed.clone()));

    let moderation =
        ModerateLayer::new(|_: &Text<'_>| Finding::Allow).on_edit(|_: Edit| std::future::ready(()));
    check("ModerateLayer", &moderation);
    let mut moderate = moderation.layer(router());
    check("Moderate", &moderate);
    check("ModerateFuture", &moderate.call(typed.clone()));
    let shown = typed.shown();
    check("Shown", &shown);
    check("Text", &shown.texts().collect::<Vec<_>>());

    // And that was all of them.
    let mut all = BTreeSet::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in std::fs::read_dir(&source).unwrap() {
        let path = entry.unwrap().path();
        // What was said over the wire is shown by a test of its own, below.
        match path.file_name().and_then(|name| name.to_str()) {
            Some("event" | "message" | "docs") => {}
            _ if path.is_dir() => in_source(&path, &mut all),
            _ => in_file(&path, &mut all),
        }
    }
    for ours in ["Event", "UnknownEvent", "Misfit", "DedupKey", "OrderKey"] {
        all.insert(ours.to_owned());
    }
    // Shown by a test of its own, below.
    walked.insert("Drained".to_owned());
    let missing: Vec<_> = all
        .iter()
        .filter(|name| !walked.contains(*name) && !VALUES.contains(&name.as_str()))
        .collect();
    assert!(missing.is_empty(), "add these to the walk, or to the values: {missing:?}");
}

/// What a shutdown hands back holds whole bodies.
#[tokio::test(start_paused = true)]
async fn debug_of_what_was_not_finished() {
    let detach = DetachLayer::new(10);
    let mut service = detach
        .layer(service_fn(|_: Callback| std::future::pending::<Result<Reply, HandlerError>>()));
    let http = request().build::<Bytes>();
    let params = crate::common::params_of(&verifier(), http.method(), http.uri());
    let callback = Callback::parse(params, http.into_body()).unwrap();
    assert_eq!(service.call(callback).await.unwrap(), Reply::ok());
    let drained = detach.drain(Duration::from_secs(1)).await;
    assert_eq!(drained.unfinished.len(), 1);
    keeps_its_secrets("Drained", &drained);
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
