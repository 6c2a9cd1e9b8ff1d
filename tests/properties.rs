//! What holds for every body: no panic, nothing lost, and writing what was read changes nothing
//! more.
#![allow(clippy::pedantic)]

mod common;

use bytes::Bytes;
use common::{APP, layer, outcome, send, signed};
use http_body_util::Full;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value};
use tencent_im_callback::testing::sample;
use tencent_im_callback::{
    Callback, Command, Disposition, Event, Params, RejectionKind, StoredCallback,
};

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        "[0-9]{1,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map("[A-Z][a-z_A-Z]{0,8}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn command() -> impl Strategy<Value = Command> {
    proptest::sample::select(Command::ALL).prop_map(|command| command.clone())
}

/// A documented body with some of its members, at any depth, replaced by anything.
fn bent() -> impl Strategy<Value = (Command, Value)> {
    (command(), vec((any::<prop::sample::Index>(), json()), 0..4)).prop_map(|(command, bends)| {
        let mut body: Value = serde_json::from_str(sample(&command).unwrap()).unwrap();
        if let Some(app) = body.get_mut("SdkAppId") {
            *app = APP.into();
        }
        for (index, with) in bends {
            let mut places = Vec::new();
            collect(&body, String::new(), &mut places);
            let place = index.get(&places);
            if place != "/CallbackCommand" && place != "/SdkAppId" {
                *body.pointer_mut(place).unwrap() = with;
            }
        }
        (command, body)
    })
}

fn collect(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| {
            let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
            places.push(at.clone());
            collect(value, at, places);
        }),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, value)| {
            let at = format!("{at}/{index}");
            places.push(at.clone());
            collect(value, at, places);
        }),
        _ => {}
    }
    if places.is_empty() {
        places.push("/CallbackCommand".into());
    }
}

/// Typed, or unknown with the raw body; and written back and read again it is the same.
fn nothing_is_lost(command: &Command, body: &Value) -> Result<(), TestCaseError> {
    let raw = Bytes::from(body.to_string());
    let params = Params::trusted(1_400_187_352, command.clone());
    let event = match Callback::parse_untyped(params, raw.clone()) {
        Ok(callback) => callback.event,
        // One command's body names its app, and the bent one is another app's.
        Err(rejection) => {
            prop_assert_eq!(rejection.kind(), RejectionKind::AppMismatch);
            prop_assert_eq!(command, &Command::ContentCallbackResultNotify);
            return Ok(());
        }
    };
    if let Event::Unknown(event) = &event {
        prop_assert_eq!(&event.body, &raw);
        return Ok(());
    }
    let written = serde_json::to_vec(&event).unwrap();
    let again = crate::common::read(command, written.clone());
    prop_assert_eq!(&again, &event);
    prop_assert_eq!(serde_json::to_vec(&again).unwrap(), written);
    Ok(())
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_object_under_any_command(
        command in command(),
        body in btree_map("[A-Z][a-z_A-Z]{0,8}", json(), 0..6),
    ) {
        let body = Value::Object(body.into_iter().collect::<Map<_, _>>());
        nothing_is_lost(&command, &body)?;
    }

    #[test]
    fn any_documented_body_bent((command, body) in bent()) {
        nothing_is_lost(&command, &body)?;
    }

    #[test]
    fn any_bytes_as_a_body(command in command(), body in vec(any::<u8>(), 0..200)) {
        let request = signed(command).body(body).build::<Full<Bytes>>();
        let response = tokio_test::block_on(send(&layer(), common::Inner::default(), request));
        prop_assert_ne!(outcome(&response).disposition(), Some(Disposition::Detached));
    }

    /// Stored and read again it is the same callback, byte by byte.
    #[test]
    fn any_bytes_are_stored(command in command(), body in vec(any::<u8>(), 0..200)) {
        let (parts, _) = signed(command).build::<Bytes>().into_parts();
        let params = common::params_of(&common::verifier(), &parts.method, &parts.uri);
        let Ok(callback) = Callback::parse_untyped(params, body.clone().into()) else {
            return Ok(());
        };
        let json = serde_json::to_string(&StoredCallback::from(&callback)).unwrap();
        let again = serde_json::from_str::<StoredCallback>(&json).unwrap().parse().unwrap();
        prop_assert_eq!(&again.body[..], &body[..]);
        prop_assert_eq!(&again.event, &callback.event);
        prop_assert!(serde_json::to_string(&callback.event).is_ok());
    }

    #[test]
    fn any_text_as_a_url(query in "[ -~é你]{0,80}", path in "[!-~]{0,40}") {
        let url = format!("/{}?{}", path.replace(['?', '#'], ""), query.replace('#', ""));
        if let Ok(uri) = url.parse() {
            let verifier = common::verifier().path_parameters();
            prop_assert!(verifier.verify(&http::Method::POST, &uri).is_err());
            prop_assert!(!tencent_im_callback::redacted(&uri).to_string().is_empty());
        }
    }
}
