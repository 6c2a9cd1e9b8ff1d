//! Faults that nobody would hear of: each was put into the code by hand, and no test failed.
#![allow(clippy::pedantic)]

mod common;

use std::collections::HashSet;
use std::future::pending;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use common::{APP, TOKEN, layer, params_of, shown, signed, verifier};
use http_body_util::Full;
use metrics::{
    Counter, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use tencent_im_callback::event::c2c;
use tencent_im_callback::message::TextElem;
use tencent_im_callback::testing::callback;
use tencent_im_callback::testing::sign;
use tencent_im_callback::{
    Callback, Command, DetachLayer, HandlerError, MisfitKind, OnError, Params, RejectionKind,
    Reply, StoredCallback,
};
use tokio_test::{assert_pending, task};
use tower::{Layer, ServiceExt, service_fn};

/// A message of these elements.
fn message(elements: &str) -> Callback<c2c::BeforeSendMsg> {
    callback(&format!(r#"{{"From_Account":"a","To_Account":"b","MsgBody":[{elements}]}}"#))
}

#[test]
fn a_new_member_inside_a_bundle_is_shown() {
    let element = r#"{"MsgType":"TIMTextElem","MsgContent":{"Text":"a","New":"spam"}}"#;
    for bundles in 0..8 {
        let mut elements = element.to_owned();
        for _ in 0..bundles {
            elements = format!(
                r#"{{"MsgType":"TIMRelayElem","MsgContent":{{"MsgList":[{{"MsgBody":[
                    {elements}]}}]}}}}"#
            );
        }
        let message = message(&elements);
        assert!(shown(&message).contains(&"spam".to_owned()), "{bundles}");
    }
}

#[test]
fn custom_data_beside_a_new_member_is_shown() {
    for more in ["", r#","New":1"#] {
        let custom =
            format!(r#"{{"MsgType":"TIMCustomElem","MsgContent":{{"Data":"spam"{more}}}}}"#);
        assert!(shown(&message(&custom)).contains(&"spam".to_owned()), "{more}");
    }
}

#[test]
fn an_element_of_two_kinds_is_none() {
    let body = r#"{"From_Account":"a","To_Account":"b","MsgBody":[
        {"MsgType":"TIMTextElem","MsgType":"TIMFileElem",
        "MsgContent":{"Text":"spam","Url":"spam"}}]}"#;
    let event = crate::common::read(&Command::C2cBeforeSendMsg, body);
    assert!(event.misfit().unwrap().path().starts_with("MsgBody[0]"));
}

#[test]
fn a_rewrite_starts_from_what_came() {
    let kept = r#"{"MsgType":"New","MsgContent":{"a":"\ud800"}}"#;
    let message =
        message(&format!(r#"{{"MsgType":"TIMTextElem","MsgContent":{{"Text":"bad"}}}},{kept}"#));
    let rewritten = message.rewrite_message().unwrap().replace(0, TextElem::new("good"));
    let json = serde_json::to_string(&rewritten).unwrap();
    assert!(json.contains(kept) && json.contains("good"), "{json}");
}

#[test]
fn a_command_that_is_no_text_is_no_probe() {
    for command in ["7", "null", "true", "[]", "{}", r#""""#] {
        let body = format!(r#"{{"CallbackCommand":{command},"MsgBody":[]}}"#);
        let refused = Callback::check_probe(body.as_bytes()).unwrap_err();
        assert_eq!(refused.kind(), RejectionKind::UrlIncomplete, "{command}");
    }
}

/// Sends a body to a service that fails.
async fn failed(
    layer: tencent_im_callback::CallbackLayer,
    command: Command,
    body: Option<&str>,
) -> String {
    let service =
        layer.layer(service_fn(async |_: Callback| Err::<Reply, _>(HandlerError::new("no"))));
    let mut request = signed(command);
    if let Some(body) = body {
        request = request.body(body.to_owned());
    }
    common::text(service.oneshot(request.build::<Full<Bytes>>()).await.unwrap()).await
}

#[tokio::test]
async fn a_rejection_by_a_function_names_each_person() {
    for command in [Command::SnsPrevFriendAdd, Command::SnsPrevFriendResponse] {
        let answer = failed(layer().on_error(|_| OnError::reject("busy")), command, None).await;
        for person in ["id1", "id2"] {
            assert!(
                answer.contains(&format!(r#""To_Account":"{person}","ResultCode":38000"#)),
                "{answer}"
            );
        }
    }
}

#[tokio::test]
async fn an_unknown_command_is_rejected_as_a_before_command_is() {
    let layer = layer().on_before_error(OnError::reject("busy"));
    let answer = failed(layer, "New.Word".into(), Some("{\"a\":1}")).await;
    assert_eq!(answer, r#"{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"busy"}"#);
}

/// However it is spelled, a signature is not stored.
#[test]
fn no_spelling_of_a_signature_is_stored() {
    let signature = sign(TOKEN, common::NOW);
    for name in ["Sign", "sign", "SIGN", "%53ign", "s%69gn", "%73%69%67%6e"] {
        for before in ["/callback?", "/callback/"] {
            let url = format!(
                "{before}x=1&{name}={signature}&SdkAppid={APP}\
                &CallbackCommand=State.StateChange&RequestTime={}&y=2",
                common::NOW
            );
            let params = params_of(
                &verifier().path_parameters(),
                &http::Method::POST,
                &url.parse().unwrap(),
            );
            let stored = StoredCallback::new(params, Bytes::from_static(b"{}"), common::clock());
            let json = serde_json::to_string(&stored).unwrap();
            assert!(
                !json.contains(&signature) && json.contains("x=1") && json.contains("y=2"),
                "{json}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_drain_gives_back_has_its_parameters() {
    let detach = DetachLayer::new(10);
    let never = service_fn(async |_: Callback| pending::<Result<Reply, HandlerError>>().await);
    let request = signed(Command::StateChange)
        .parameter("RequestID", "r-1")
        .parameter("ClientIP", "::1")
        .parameter("OptPlatform", "iOS");
    let service = layer().layer(detach.layer(never));
    service.oneshot(request.build::<Full<Bytes>>()).await.unwrap();
    let (_, stored) = detach.drain(Duration::from_secs(1)).await.unfinished.remove(0);
    let again: StoredCallback =
        serde_json::from_str(&serde_json::to_string(&stored).unwrap()).unwrap();
    for params in [stored.params, again.params] {
        assert_eq!(params.request_id().as_deref(), Some("r-1"));
        assert_eq!(params.client_ip().as_deref(), Some("::1"));
        assert_eq!(params.request_time.unwrap().0, i64::try_from(common::NOW).unwrap());
        assert!(params.opt_platform.is_some() && params.token_index() == Some(0));
    }
}

/// An empty string for a number has the body read once more, by the same limits.
#[test]
fn the_second_look_at_a_body_has_the_limits_of_the_first() {
    let devices = vec!["{}"; 100_000].join(",");
    for time in ["5", r#""""#] {
        let body = format!(
            r#"{{"EventTime":{time},"Info":{{"To_Account":"a"}},"KickedDevice":[{devices}]}}"#
        );
        let event = crate::common::read(&Command::StateChange, body);
        assert_eq!(event.misfit().unwrap().kind(), MisfitKind::TooManyItems, "{time}");
    }
}

#[test]
fn a_body_of_two_apps_is_of_none() {
    let of = |apps: &str| {
        let body = format!(r#"{{"CtxcbRequestId":"r","From_Account":"a",{apps}}}"#);
        let params = Params::trusted(APP, Command::ContentCallbackResultNotify);
        Callback::parse(params, body.into()).err().map(|rejection| rejection.kind())
    };
    let (ours, other) = (format!(r#""SdkAppId":{APP}"#), r#""SdkAppId":1"#);
    assert_eq!(of(&ours), None);
    for apps in
        [format!("{other},{ours}"), format!("{ours},{other}"), format!("{ours},{other},{ours}")]
    {
        assert_eq!(of(&apps), Some(RejectionKind::AppMismatch), "{apps}");
    }
}

/// One body under several commands: the commands tell them apart.
#[test]
fn the_command_is_part_of_a_key() {
    let body = r#"{"PairList":[{"From_Account":"a","To_Account":"b"}],"EventTime":1670574414123,
        "SessionId":"s","GroupId":"g",
        "RoomId":"r","From_Account":"a","To_Account":"b"}"#;
    let mut keys = HashSet::new();
    let mut commands = 0;
    for command in Command::ALL.iter().cloned().chain(["New.Word".into(), "Newer.Word".into()]) {
        let request = signed(command.clone()).body(body).parameter("RequestID", "1");
        let (parts, body) = request.build::<Bytes>().into_parts();
        let callback =
            Callback::parse_untyped(params_of(&verifier(), &parts.method, &parts.uri), body)
                .unwrap();
        if let Some(key) = callback.dedup_key() {
            commands += 1;
            assert!(keys.insert(key), "{command}");
        }
    }
    assert!(commands > 70, "{commands}");
}

/// Runs a function when work in the background is counted, which is between the look at the list
/// and the start of the task.
struct Hook(Mutex<Option<(Sender<()>, Receiver<()>)>>);

impl GaugeFn for Hook {
    fn increment(&self, _: f64) {
        if let Some((here, there)) = self.0.lock().unwrap().take() {
            here.send(()).unwrap();
            there.recv().unwrap();
        }
    }

    fn decrement(&self, _: f64) {}

    fn set(&self, _: f64) {}
}

struct Hooked(Arc<Hook>);

impl Recorder for Hooked {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.0.clone())
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// A task that is started while a drain aborts all others is aborted as well.
#[test]
fn what_starts_while_a_drain_aborts_is_aborted_too() {
    let detach = DetachLayer::new(10);
    let ((here, told), (tell, there)) = (channel(), channel());
    let (done, end) = channel::<()>();
    let draining = detach.clone();
    let drain = std::thread::spawn(move || {
        told.recv().unwrap();
        runtime().block_on(async move {
            let mut drain = task::spawn(draining.drain(Duration::from_millis(1)));
            assert_pending!(drain.poll());
            tokio::time::advance(Duration::from_millis(5)).await;
            // Its time is up: it aborts what it knows, and waits another second for the ends.
            assert_pending!(drain.poll());
            tell.send(()).unwrap();
            end.recv().unwrap();
            drain.await
        })
    });
    let recorder = Hooked(Arc::new(Hook(Mutex::new(Some((here, there))))));
    metrics::with_local_recorder(&recorder, || {
        runtime().block_on(async {
            let never =
                service_fn(async |_: Callback| pending::<Result<Reply, HandlerError>>().await);
            let request = signed(Command::StateChange).build::<Full<Bytes>>();
            let response = layer().layer(detach.layer(never)).oneshot(request).await.unwrap();
            assert_eq!(response.status(), 200);
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            assert_eq!(detach.stats().running, 0, "nobody has aborted it");
        });
    });
    done.send(()).unwrap();
    assert_eq!(drain.join().unwrap().unfinished.len(), 1);
}
