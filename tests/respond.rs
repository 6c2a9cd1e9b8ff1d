//! The layer's way without a server.
#![allow(clippy::pedantic)]

mod common;

use bytes::Bytes;
use common::{layer, outcome, signed};
use http::Request;
use http_body_util::{BodyExt, Full};
use tencent_im_callback::testing::{Fault, sample};
use tencent_im_callback::{
    Callback, Command, HandlerError, Params, Reply, StoredCallback, respond,
};
use tower::{Layer, ServiceExt, service_fn};

/// Each request gets the answer that a server would give.
#[tokio::test]
async fn the_answer_is_that_of_the_layer() {
    let service = layer().layer(service_fn(|callback: Callback| async move {
        match callback.command() {
            Command::SnsFriendAdd => Err(HandlerError::new("no database")),
            _ => Ok(Reply::reject(7, "no")),
        }
    }));
    let good = [Command::StateChange, Command::SnsFriendAdd, Command::C2cBeforeSendMsg];
    let mut requests: Vec<Request<Bytes>> =
        good.into_iter().map(|command| signed(command).build()).collect();
    requests
        .extend(Fault::ALL.iter().map(|fault| signed(Command::StateChange).fault(*fault).build()));
    requests.push(signed(Command::C2cBeforeSendMsg).body(r#"{"MsgBody":5}"#).build());
    requests.push(signed(Command::StateChange).body("{}").build());
    for request in requests {
        let (method, uri, body) =
            (request.method().clone(), request.uri().clone(), request.body().clone());
        let answer = respond(&service, &method, &uri, body).await;
        let response = service.clone().oneshot(request.map(Full::new)).await.unwrap();
        assert_eq!(answer.status, response.status(), "{uri}");
        assert_eq!(response.headers()["content-type"], answer.content_type);
        assert_eq!(answer.outcome.kind(), outcome(&response).kind());
        assert_eq!(answer.outcome.error(), outcome(&response).error());
        let body = response.into_body();
        assert_eq!(body.clone().into_bytes(), answer.body);
        assert_eq!(body.collect().await.unwrap().to_bytes(), answer.body);
    }
}

/// Bodies of a table of one's own, and those that were stored as a whole.
#[test]
fn what_was_kept_can_be_handled_later() {
    let body = sample(&Command::GroupAfterSendMsg).unwrap();
    let params = Params::trusted(7, Command::GroupAfterSendMsg);
    let callback = Callback::parse(params, body.into()).unwrap();
    assert_eq!((callback.params.sdk_app_id.0, callback.params.token_index()), (7, None));
    assert_eq!(callback.params.iter().count(), 0);

    let stored = StoredCallback::from(&callback);
    let json = serde_json::to_value(&stored).unwrap();
    let keys: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["body", "format", "params", "received_at"]);
    assert_eq!((json["format"].as_u64(), json["body"].as_str()), (Some(1), Some(body)));
    let again: StoredCallback = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(again.received_at, stored.received_at);
    assert_eq!(again.parse().unwrap().event, callback.event);
    // A form of tomorrow is no callback of today.
    let mut newer = json;
    newer["format"] = 2.into();
    let error = serde_json::from_value::<StoredCallback>(newer).unwrap_err();
    assert!(error.to_string().contains("newer than this version"), "{error}");
}

/// This form was written by 0.1.0, and stays readable.
#[test]
fn the_first_form_stays_readable() {
    let json = r#"{"format":1,"params":{"sdk_app_id":1400000000,"command":"State.StateChange",
        "request_time":1669872112,
        "opt_platform":"iOS","token_index":0,
        "query":"SdkAppid=1400000000&CallbackCommand=State.StateChange&ClientIP=127.0.0.1"},
        "body":"{\"Info\":{\"To_Account\":\"a\"},\"EventTime\":5}","received_at":1669872112003}"#;
    let stored: StoredCallback = serde_json::from_str(json).unwrap();
    assert_eq!(stored.received_at.0, 1_669_872_112_003);
    let callback = stored.parse().unwrap();
    assert_eq!(callback.command(), &Command::StateChange);
    assert_eq!(callback.params.client_ip().as_deref(), Some("127.0.0.1"));
    assert!(callback.dedup_key().is_some() && callback.order_key().is_some());
}
