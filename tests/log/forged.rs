//! Attacks on whoever reads the log or the metrics.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use http::Request;
use http_body_util::{Full, StreamBody};
use tencent_im_callback::testing::Fault;
use tencent_im_callback::testing::sign;
use tencent_im_callback::{
    Callback, Command, EventRouter, OptPlatform, Outcome, Phase, Reply, redacted,
};

use crate::attack::LOOKALIKES;
use crate::attack::{AFTER, CANARY, silent};
use crate::common::{Inner, NOW, TOKEN, layer, outcome, send, signed};

use crate::attack::log::{clear, take};

/// What would forge a line, colour a terminal, turn a text around or end a quoted field.
const EVIL: &str =
    "x\r\n2026-01-01T00:00:00Z ERROR forged\u{1b}[31m\u{9b}31m\u{85}\u{2028}\u{202e}\" status=200";

#[track_caller]
fn harmless(text: &str) {
    for bad in ['\r', '\n', '\u{1b}', '\u{9b}', '\u{85}', '\u{2028}', '\u{202e}'] {
        assert!(!text.trim_end_matches('\n').contains(bad), "{bad:?} is in {text:?}");
    }
}

async fn logged<B>(request: Request<B>) -> (String, Outcome)
where
    B: http_body::Body,
    B::Error: std::fmt::Display,
{
    clear();
    let response = send(&layer(), Inner::default(), request).await;
    (take(), outcome(&response).clone())
}

#[tokio::test]
async fn no_parameter_can_forge_a_log_line() {
    let request = |command: Command| {
        signed(command)
            .parameter("OptPlatform", EVIL)
            .parameter("ClientIP", EVIL)
            .parameter("RequestId", EVIL)
            .parameter(CANARY, EVIL)
    };
    for command in [AFTER, Command::SnsPrevFriendAdd, EVIL.into()] {
        for fault in [None, Some(Fault::NotJson), Some(Fault::Stale), Some(Fault::OtherApp)] {
            let request = match fault {
                Some(fault) => request(command.clone()).fault(fault),
                None => request(command.clone()),
            };
            let (line, what) = logged(request.build::<Full<Bytes>>()).await;
            silent(&line, 1);
            harmless(&line);
            harmless(&format!("{what:?}"));
        }
    }
    let request = request(EVIL.into()).build::<Full<Bytes>>();
    harmless(&redacted(request.uri()).to_string());
    let (_, what) = logged(request).await;
    let params = what.params().unwrap();
    harmless(&format!("{params:?} {:?}", params.command));
    // The values themselves are kept as they came, for those who want them.
    assert_eq!(params.command.as_str(), EVIL);
    assert_eq!(params.opt_platform, Some(OptPlatform::from(EVIL)));
    assert_eq!(params.client_ip().as_deref(), Some(EVIL));
}

/// A program in the way, or a slip of a hand, may have bent the name. The signature is as good as
/// it was for whoever straightens it.
#[test]
fn a_signature_under_a_bent_name_is_redacted() {
    let sign = sign(TOKEN, NOW);
    for key in LOOKALIKES.iter().chain(&["amp;Sign", "x=1%26Sign%3D", "Signature"]) {
        for url in [
            format!("/callback?a=1&{key}={sign}&RequestTime={NOW}"),
            format!("/callback/a=1&{key}={sign}&RequestTime={NOW}"),
            format!("/callback%3Fa=1%26{key}={sign}"),
        ] {
            let shown = redacted(&url.parse().unwrap()).to_string();
            assert!(!shown.contains(&sign), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_log_line_is_short_however_long_the_request() {
    let long = "x".repeat(20_000);
    let request = signed(long.as_str().into()).parameter("OptPlatform", &long).parameter(&long, "");
    for fault in [None, Some(Fault::TrailingBytes), Some(Fault::SignatureMismatch)] {
        let request = match fault {
            Some(fault) => request.clone().fault(fault),
            None => request.clone(),
        };
        let request = request.build::<Full<Bytes>>();
        assert!(redacted(request.uri()).to_string().len() < 1100);
        let (line, what) = logged(request).await;
        silent(&line, 1);
        assert!(line.len() < 600, "{line}");
        assert!(format!("{what:?}").len() < 1200, "{what:?}");
    }
}

/// Where a body does not fit, its keys are shown if they are those of a map.
#[tokio::test]
async fn no_key_of_the_body_can_forge_a_log_line() {
    let key = serde_json::to_string(&EVIL.repeat(100)).unwrap();
    let body = format!(r#"{{{key}:1,"CreatedGroupNum":{{{key}:[]}}}}"#);
    let request = signed(Command::GroupBeforeCreateGroup).body(body).build::<Full<Bytes>>();
    let (line, what) = logged(request).await;
    silent(&line, 1);
    harmless(&line);
    let misfit = what.misfit().expect("a misfit");
    assert!(misfit.path().starts_with("CreatedGroupNum.x") && misfit.path().len() < 200);
    harmless(&format!("{misfit} {misfit:?} {what:?} {}", what.error().unwrap()));
}

/// A handler of one's own types may well read a map.
#[tokio::test]
async fn no_key_of_the_body_can_forge_a_line_by_way_of_a_router() {
    let router = EventRouter::new()
        .on_unknown("New.Word", async |_: Callback<HashMap<String, u32>>| Reply::ok());
    let key = serde_json::to_string(&EVIL.repeat(1000)).unwrap();
    let request = signed("New.Word".into()).body(format!("{{{key}:[]}}"));
    clear();
    let response = send(&layer(), router, request.build::<Full<Bytes>>()).await;
    let line = take();
    let error = outcome(&response).error().unwrap();
    assert!(error.starts_with("the body does not fit its type"), "{error:.100}");
    silent(&line, 1);
    harmless(&line);
    harmless(error);
}

/// The error of a body is a text of the server's, which may quote what the peer sent.
#[tokio::test]
async fn no_error_of_a_body_can_forge_a_log_line() {
    for text in [EVIL.to_owned(), "x".repeat(100_000)] {
        let broken = StreamBody::new(Once1(Some(Err::<http_body::Frame<Bytes>, _>(text))));
        let (parts, _) = signed(AFTER).build::<Bytes>().into_parts();
        let (line, _) = logged(Request::from_parts(parts, broken)).await;
        silent(&line, 1);
        harmless(&line);
    }
}

/// A stream of one item.
struct Once1<T>(Option<T>);

impl<T: Unpin> futures_core::Stream for Once1<T> {
    type Item = T;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<T>> {
        std::task::Poll::Ready(self.0.take())
    }
}

/// Whatever is sent, the names meant for labels are the few that this crate was built with.
#[tokio::test]
async fn metric_labels_cannot_be_flooded() {
    let mut labels: BTreeSet<[&'static str; 5]> = BTreeSet::new();
    for number in 0..500 {
        let word = format!("Family{number}.Callback{number}");
        for fault in [None, Some(Fault::TruncatedJson), Some(Fault::Stale)] {
            let request = signed(word.as_str().into())
                .parameter("OptPlatform", &word)
                .parameter(&word, &word);
            let request = match fault {
                Some(fault) => request.fault(fault),
                None => request,
            };
            let (_, what) = logged(request.build::<Full<Bytes>>()).await;
            let params = what.params();
            labels.insert([
                what.kind().as_str(),
                what.rejection().map_or("", |rejection| rejection.kind().as_str()),
                what.cause().map_or("", |cause| cause.as_str()),
                params.map_or("", |params| params.command.family().as_str()),
                params.map_or("", |params| params.command.phase().as_str()),
            ]);
        }
    }
    let unknown = Phase::Unknown.as_str();
    let expected = [
        ["accepted", "", "", "Unknown", unknown],
        ["failed", "", "body_not_json", "Unknown", unknown],
        ["rejected", "stale", "", "", ""],
    ];
    assert!(labels.iter().eq(&expected), "{labels:?}");
}
