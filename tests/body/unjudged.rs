//! Attacks that want to be answered "OK", which means "allow", for what nobody judged.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Version};
use http_body_util::Full;
use tencent_im_callback::testing::sample;
use tencent_im_callback::{
    Callback, Cause, Command, DetachLayer, Event, EventRouter, HandlerError, Params,
    RejectionKind as Kind, StoredCallback,
};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::attack::{CANARY, Fate, attack, log};
use crate::before;
use crate::common::{APP, Inner, layer, outcome, params_of, send, signed, verifier};

/// The plain functions refuse what the layer answers 500 to.
fn by_hand(request: Request<Bytes>) -> Result<Callback, Kind> {
    let (parts, body) = request.into_parts();
    let params = params_of(&verifier(), &parts.method, &parts.uri);
    let strict = Callback::parse(params.clone(), body.clone());
    // Only who asks for it gets it, and a store keeps it.
    let untyped = Callback::parse_untyped(params, body).map_err(|rejection| rejection.kind())?;
    let stored = StoredCallback::from(&untyped).parse().unwrap();
    assert_eq!(stored.event, untyped.event);
    strict.map_err(|rejection| {
        assert!(!rejection.to_string().contains(CANARY), "{rejection}");
        assert_eq!(rejection.status(), 500);
        rejection.kind()
    })
}

#[tokio::test]
async fn a_misfit_before_callback_is_an_error_without_the_layer_too() {
    for command in before() {
        let body =
            format!(r#"{{"MsgBody":"{CANARY}","EventTime":"{CANARY}","From_Account":{{}}}}"#);
        let request = signed(command.clone()).body(body.clone()).build::<Bytes>();
        assert_eq!(by_hand(request).unwrap_err(), Kind::Untyped, "{command}");
        let params = Params::trusted(APP, command.clone());
        let error = Callback::parse(params, body.clone().into()).unwrap_err();
        assert_eq!(error.kind(), Kind::Untyped, "{command}");
        let why = error.error().unwrap();
        assert!(why.starts_with("body does not fit its command at "), "{why}");
        assert!(crate::common::read(command, body).misfit().is_some());
        // The one that fits is taken.
        let good = signed(command.clone()).body(sample(command).unwrap()).build::<Bytes>();
        assert!(by_hand(good).is_ok(), "{command}");
    }
}

/// One word is a known one before an action, the other is none that anybody knows.
#[tokio::test]
async fn a_before_word_beside_an_unknown_one_is_not_waved_through() {
    for command in before() {
        let sample: serde_json::Value = serde_json::from_str(sample(command).unwrap()).unwrap();
        let known = command.as_str().to_owned();
        for other in
            [known.to_lowercase(), format!("{known}V2"), format!(" {known}"), "New.Word".to_owned()]
        {
            for (url, word) in [(&other, &known), (&known, &other)] {
                let mut body = sample.clone();
                body["CallbackCommand"] = word.as_str().into();
                let request = || {
                    let command: Command = url.as_str().into();
                    signed(command).body(body.to_string())
                };
                let fate = attack(request().build::<Full<Bytes>>()).await;
                assert_eq!(fate, Fate::Failed(Cause::Misfit), "{url} {word}");
                assert_eq!(by_hand(request().build()).unwrap_err(), Kind::Untyped, "{url} {word}");
            }
        }
    }
}

#[tokio::test]
async fn an_unknown_word_without_a_body_is_no_probe() {
    for word in ["c2c.callbackbeforesendmsg", "C2C.CallbackBeforeSendMsgV2", "New.Word"] {
        for body in ["", "{}", " { } "] {
            let fate = attack(signed(word.into()).body(body).build::<Full<Bytes>>()).await;
            assert_eq!(fate, Fate::Failed(Cause::BodyEmpty), "{word} {body:?}");
        }
    }
}

/// A URL that lost its words on the way is none of the console's checks if a callback is behind it.
#[tokio::test]
async fn a_whole_message_behind_a_probe_is_refused() {
    for command in before() {
        let request = signed(command.clone()).body(sample(command).unwrap());
        for lost in ["CallbackCommand", "SdkAppid"] {
            let mut request = request.build::<Full<Bytes>>();
            let url = request.uri().to_string();
            let (path, query) = url.split_once('?').unwrap();
            let kept: Vec<_> = query.split('&').filter(|pair| !pair.starts_with(lost)).collect();
            *request.uri_mut() = format!("{path}?{}", kept.join("&")).parse().unwrap();
            assert_eq!(
                attack(request).await,
                Fate::Refused(Kind::UrlIncomplete),
                "{command} without {lost}"
            );
        }
    }
    // `VerifyLayer` reads no body, and tells it by the length that the body declares. Headers may
    // say something else: they are left over from the body before it was decompressed.
    let long = || Body::new(Full::from("   "));
    let unknown = || Body::new(http_body_util::Channel::<Bytes>::new(1).1);
    let cases: [(Body, Option<&str>, Version, u16); 9] = [
        (Body::empty(), None, Version::HTTP_10, 200),
        (Body::empty(), None, Version::HTTP_2, 200),
        (Body::new(Full::from("{}")), Some("2"), Version::HTTP_11, 200),
        (long(), Some("3"), Version::HTTP_11, 400),
        (long(), Some("0"), Version::HTTP_11, 400),
        (long(), None, Version::HTTP_10, 400),
        (unknown(), Some("2"), Version::HTTP_11, 200),
        (unknown(), Some("3"), Version::HTTP_11, 400),
        (unknown(), None, Version::HTTP_11, 400),
    ];
    for (body, length, version, status) in cases {
        let uri = signed(Command::C2cBeforeSendMsg).build::<Bytes>().uri().to_string();
        let uri = uri.replace("CallbackCommand=", "x=");
        let mut request = Request::post(uri).version(version);
        if let Some(length) = length {
            request = request.header("content-length", length);
        }
        let service = tencent_im_callback::VerifyLayer::new(verifier()).layer(service_fn(
            |_: Request<Body>| {
                std::future::ready(Err::<http::Response<Full<Bytes>>, _>(HandlerError::new(
                    "a check of the URL goes no further",
                )))
            },
        ));
        let response = service.oneshot(request.body(body).unwrap()).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{length:?} {version:?}");
    }
}

/// Half a character in every text of every question that is asked before an action: it is asked all
/// the same.
#[tokio::test]
async fn half_a_character_does_not_switch_moderation_off() {
    fn texts(value: &serde_json::Value, at: &str, found: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(members) => {
                members.iter().for_each(|(key, value)| texts(value, &format!("{at}/{key}"), found));
            }
            serde_json::Value::Array(items) => {
                (0..).zip(items).for_each(|(index, value): (usize, _)| {
                    texts(value, &format!("{at}/{index}"), found)
                });
            }
            serde_json::Value::String(_) => found.push(at.to_owned()),
            _ => {}
        }
    }

    for command in before() {
        let body: serde_json::Value = serde_json::from_str(sample(command).unwrap()).unwrap();
        let mut places = Vec::new();
        texts(&body, "", &mut places);
        for place in places.iter().filter(|place| *place != "/CallbackCommand") {
            let mut bent = body.clone();
            *bent.pointer_mut(place).unwrap() = "HALF".into();
            let bent = bent.to_string().replace("HALF", r"x\ud83dy");
            let request = signed(command.clone()).body(bent).build::<Full<Bytes>>();
            let inner = Inner::default();
            let response = send(&layer(), inner.clone(), request).await;
            // An element of this kind of message may not be known by such a name; the message is
            // shown all the same.
            let typed =
                inner.last().is_some_and(|callback| !matches!(callback.event, Event::Unknown(_)));
            assert!(typed, "{command} {place}: {:?}", outcome(&response));
        }
    }
}

/// The error of a handler in the background may quote what a stranger wrote.
#[tokio::test]
async fn an_error_in_the_background_cannot_forge_a_log_line() {
    let told = Arc::new(Mutex::new(String::new()));
    let hook = told.clone();
    let detach = DetachLayer::new(1).on_failure(move |_, failure| {
        *hook.lock().unwrap() = format!("{failure} {failure:?}");
    });
    let mut service = detach.layer(service_fn(|callback: Callback| async move {
        let error = serde_json::from_slice::<Kind_>(&callback.body).unwrap_err();
        Err::<(), _>(HandlerError::from(error))
    }));
    #[derive(Debug, serde::Deserialize)]
    #[allow(dead_code)]
    enum Kind_ {
        A,
    }

    log::clear();
    let forged = r#"{"x\n2026-01-01T00:00:00Z  INFO admin: all is well\u2028\u202e":1}"#;
    let (parts, body) = signed(Command::StateChange).body(forged).build::<Bytes>().into_parts();
    let callback =
        Callback::parse(params_of(&verifier(), &parts.method, &parts.uri), body).unwrap();
    let _ = service.call(callback).await.unwrap();
    drop(detach.drain(Duration::from_secs(10)).await);
    let text = log::take();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("unknown variant") && text.contains(r"\n2026"), "{text}");
    let told = told.lock().unwrap().clone();
    assert!(
        told.contains("unknown variant") && !told.contains(['\n', '\u{2028}', '\u{202e}']),
        "{told}"
    );
}

/// A router says OK to what it has no handler for, but not before an action.
#[tokio::test]
async fn a_router_without_a_handler_allows_nothing() {
    for command in before() {
        let request = signed(command.clone()).build::<Full<Bytes>>();
        let response = send(&layer(), EventRouter::new(), request).await;
        assert_eq!(response.status(), 500, "{command}");
        assert_eq!(outcome(&response).cause(), Some(Cause::Failed));
    }
}
