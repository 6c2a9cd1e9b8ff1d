//! Attacks that succeed, as the threat model says, since a signature does not prove it: here is how
//! far they reach.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tencent_im_callback::testing::sign;
use tencent_im_callback::{
    App, Apps, Callback, CallbackLayer, Command, DedupLayer, Disposition, HandlerError,
    RejectionKind as Kind, Reply, Verifier,
};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::attack::{CANARY, Fate, attack_on};
use crate::common::{APP, NOW, TOKEN, clock, outcome, post, signed, token};

const FORGED: &str = concat!(
    r#"{"CallbackCommand":"Sns.CallbackFriendAdd","PairList":["#,
    r#"{"From_Account":"canary-in-the-body","To_Account":"b"}]}"#
);

/// Whoever sees one URL can send what he likes, as what command he likes, to every app with that
/// token, until the window is over.
#[tokio::test]
async fn a_captured_url_is_good_for_any_body_and_command_until_the_window_is_over() {
    let apps = || {
        Apps::new([
            App::signed(APP, token(TOKEN)),
            App::signed(2, token(TOKEN)),
            App::signed(3, token("one of its own")),
        ])
    };
    let at = |seconds: u64| {
        let clock = move || clock() + Duration::from_secs(seconds);
        CallbackLayer::new(Verifier::new(apps()).clock(clock))
    };
    let auth = format!("Sign={}&RequestTime={NOW}", sign(TOKEN, NOW));
    let url =
        |app: u64, command: &str| format!("/?SdkAppid={app}&CallbackCommand={command}&{auth}");
    let seen = url(APP, "C2C.CallbackBeforeSendMsg");
    let other = url(APP, "Sns.CallbackFriendAdd");
    assert_ne!(seen, other);
    let forged = crate::common::read(&Command::SnsFriendAdd, FORGED);
    for (seconds, fate) in [
        (0, Fate::Accepted(forged.clone())),
        (60, Fate::Accepted(forged.clone())),
        (61, Fate::Refused(Kind::Stale)),
        (1_000_000, Fate::Refused(Kind::Stale)),
    ] {
        assert_eq!(attack_on(&at(seconds), post(&other, FORGED)).await, fate, "{seconds}");
    }
    // A token of its own is what keeps an app apart from the others.
    for (app, fate) in [(2, Fate::Accepted(forged)), (3, Fate::Refused(Kind::SignatureMismatch))] {
        let request = post(&url(app, "Sns.CallbackFriendAdd"), FORGED);
        assert_eq!(attack_on(&at(0), request).await, fate, "{app}");
    }
}

/// The texts that a handler was called with, behind `Dedup` or not.
fn handler(
    seen: Arc<Mutex<Vec<Bytes>>>,
) -> impl Service<Callback, Response = Reply, Error = HandlerError, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static {
    service_fn(move |callback: Callback| {
        seen.lock().unwrap().push(callback.body);
        std::future::ready(Ok(Reply::ok()))
    })
}

async fn kind<S>(service: &S, request: Request<Full<Bytes>>) -> Disposition
where
    S: Service<Request<Full<Bytes>>, Response = http::Response<tencent_im_callback::ResponseBody>>
        + Clone,
    S::Error: std::fmt::Debug,
{
    let response = service.clone().oneshot(request).await.unwrap();
    outcome(&response).disposition().unwrap()
}

fn status_change(text: &str) -> Request<Full<Bytes>> {
    let body = format!(r#"{{"Info":{{"To_Account":"{text}"}},"EventTime":1}}"#);
    signed(Command::StateChange).body(body).build()
}

/// There is no memory of signatures: each second has one, for all its callbacks.
#[tokio::test]
async fn a_replay_within_the_window_is_handled_again_unless_dedup_knows_it() {
    use Disposition::{Duplicate, Handled};
    let seen = Arc::new(Mutex::new(Vec::new()));
    let service = crate::common::layer().layer(handler(seen.clone()));
    for _ in 0..3 {
        assert_eq!(kind(&service, status_change("a")).await, Handled);
    }
    assert_eq!(seen.lock().unwrap().len(), 3);

    let seen = Arc::new(Mutex::new(Vec::new()));
    let dedup = DedupLayer::new(Duration::from_secs(300));
    let service = crate::common::layer().layer(dedup.layer(handler(seen.clone())));
    for expected in [Handled, Duplicate, Duplicate] {
        assert_eq!(kind(&service, status_change("a")).await, expected);
    }
    assert_eq!(kind(&service, status_change("b")).await, Handled);
    assert_eq!(seen.lock().unwrap().len(), 2);
}

/// The key of a delivery is a digest of its whole body. Who can forge a callback cannot have the
/// true one taken for a second delivery, unless the forged one says the same.
#[tokio::test]
async fn a_forged_delivery_does_not_make_the_true_one_a_second_one() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let dedup = DedupLayer::new(Duration::from_secs(300));
    let service = crate::common::layer().layer(dedup.layer(handler(seen.clone())));
    let message = |text: &str| {
        let body = format!(
            r#"{{"From_Account":"a","To_Account":"b","MsgKey":"1_2_3","MsgTime":3,
                "MsgBody":[{{"MsgType":"TIMTextElem","MsgContent":{{"Text":"{text}"}}}}]}}"#
        );
        signed(Command::C2cAfterSendMsg).body(body).build()
    };
    assert_eq!(kind(&service, message(CANARY)).await, Disposition::Handled);
    assert_eq!(kind(&service, message("what was really said")).await, Disposition::Handled);
    assert_eq!(seen.lock().unwrap().len(), 2);

    // Never for a callback that waits for a verdict: those are judged each time.
    let request = signed(Command::C2cBeforeSendMsg).build::<Bytes>();
    let verdict = Callback::parse(
        crate::common::params_of(&crate::common::verifier(), request.method(), request.uri()),
        tencent_im_callback::testing::sample(&Command::C2cBeforeSendMsg).unwrap().into(),
    );
    assert!(verdict.unwrap().dedup_key().is_none());
}
