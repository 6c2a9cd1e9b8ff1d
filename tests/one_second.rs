//! Two events in one second are two: no time in seconds makes one a second delivery of the other.
#![allow(clippy::pedantic)]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use common::{layer, outcome, params_of, signed, verifier};
use http_body_util::Full;
use serde_json::Value;
use tencent_im_callback::testing::{SignedRequest, other_samples, sample};
use tencent_im_callback::{
    Callback, Command, DedupKey, DedupLayer, Disposition, HandlerError, Phase, Reply,
};
use tower::{Layer, ServiceExt, service_fn};

fn block(command: Command, second: u64) -> SignedRequest {
    let body =
        format!(r#"{{"PairList":[{{"From_Account":"a","To_Account":"b","TimeStamp":{second}}}]}}"#);
    signed(command).body(body)
}

/// What the handler saw, and how each request was answered.
async fn through_dedup(requests: Vec<SignedRequest>) -> (Vec<Command>, Vec<Disposition>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = seen.clone();
    let service = layer().layer(DedupLayer::new(Duration::from_secs(60)).layer(service_fn(
        move |callback: Callback| {
            note.lock().unwrap().push(callback.command().clone());
            async { Ok::<_, HandlerError>(Reply::ok()) }
        },
    )));
    let mut dispositions = Vec::new();
    for request in requests {
        let response = service.clone().oneshot(request.build::<Full<Bytes>>()).await.unwrap();
        dispositions.push(outcome(&response).disposition().unwrap());
    }
    let seen = seen.lock().unwrap().clone();
    (seen, dispositions)
}

#[tokio::test]
async fn unblocked_blocked_and_unblocked_in_one_second_are_three_events() {
    use Command::{SnsBlackListAdd as Add, SnsBlackListDelete as Delete};
    use Disposition::{Duplicate, Handled};
    for id in ["RequestId", "RequestID", "Other"] {
        let requests = [(Delete, "1"), (Add, "2"), (Delete, "3"), (Delete, "3")]
            .map(|(command, value)| block(command, 1_432_000_000).parameter(id, value));
        let (seen, dispositions) = through_dedup(requests.into()).await;
        // Only Tencent's own id says that the last one is the one before it.
        let (all, last) = match id {
            "Other" => (vec![Delete, Add, Delete, Delete], Handled),
            _ => (vec![Delete, Add, Delete], Duplicate),
        };
        assert_eq!(seen, all, "{id}");
        assert_eq!(dispositions, [Handled, Handled, Handled, last], "{id}");
    }
}

#[tokio::test]
async fn an_unknown_command_is_recognised_by_its_request_id_only() {
    use Disposition::{Duplicate, Handled};
    let unknown =
        |id: &str| signed("New.Word".into()).body(r#"{"A":1}"#).parameter("RequestID", id);
    let (seen, dispositions) =
        through_dedup(vec![unknown("1"), unknown("2"), unknown("1"), unknown(""), unknown("")])
            .await;
    assert_eq!(seen.len(), 4);
    assert_eq!(dispositions, [Handled, Handled, Duplicate, Handled, Handled]);
}

fn key(command: &Command, body: &Value, id: Option<&str>) -> (bool, Option<DedupKey>) {
    let mut request = signed(command.clone()).body(body.to_string());
    if let Some(id) = id {
        request = request.parameter("RequestID", id);
    }
    let (parts, body) = request.build::<Bytes>().into_parts();
    let callback =
        Callback::parse(params_of(&verifier(), &parts.method, &parts.uri), body).unwrap();
    (callback.event.misfit().is_none(), callback.dedup_key())
}

/// Takes out what identifies an event: ids of messages and reports, and times in milliseconds.
fn without_ids(value: &mut Value) {
    let is_millis = |value: &Value| {
        let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
        number.is_some_and(|number| number > 1_000_000_000_000)
    };
    match value {
        Value::Object(members) => {
            members.retain(|key, value| {
                !is_millis(value) && !matches!(&**key, "MsgKey" | "MsgSeq" | "CtxcbRequestId")
            });
            members.values_mut().for_each(without_ids);
        }
        Value::Array(items) => items.iter_mut().for_each(without_ids),
        _ => {}
    }
}

/// Whatever the vendor documents: without an id of its own and without milliseconds, only the id of
/// the request identifies it.
#[test]
fn no_documented_body_has_a_key_from_its_seconds() {
    let mut typed = 0;
    for command in Command::ALL.iter().filter(|command| command.phase() != Phase::Before) {
        for body in other_samples(command).iter().copied().chain(sample(command)) {
            let mut body: Value = serde_json::from_str(body).unwrap();
            without_ids(&mut body);
            if let Some(app) = body.get_mut("SdkAppId") {
                *app = common::APP.into();
            }
            let (fits, without) = key(command, &body, None);
            assert_eq!(without, None, "{command}: {body}");
            let (one, other) = (key(command, &body, Some("1")).1, key(command, &body, Some("2")).1);
            assert!(one.is_some() && one != other, "{command}: {body}");
            typed += usize::from(fits);
        }
    }
    assert!(typed > 60, "most still fit their types: {typed}");
}
