//! The body as a type of the user's, for members that this version does not know.

use std::collections::{BTreeMap, HashMap};

use crate::common::{layer, signed};
use bytes::Bytes;
use http_body_util::Full;
use serde::Deserialize;
use tencent_im_callback::event::{BeforeMessage, Misfit, c2c};
use tencent_im_callback::message::MsgBody;
use tencent_im_callback::reply::MessageVerdict;
use tencent_im_callback::testing::callback;
use tencent_im_callback::{Callback, Command, EventRouter, HandlerError, Reply};
use tower::{Layer, ServiceExt};

fn with(members: &str) -> Callback<c2c::BeforeSendMsg> {
    callback(&format!(
        r#"{{"CallbackCommand":"C2C.CallbackBeforeSendMsg","From_Account":"\ud800",
            "To_Account":"b","MsgBody":[],{members}}}"#
    ))
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct More {
    level: i64,
    urgent: Option<bool>,
    tags: Vec<String>,
    limits: HashMap<u32, i128>,
    deep: Option<Box<More>>,
    #[serde(rename = "From_Account")]
    from_account: String,
}

#[test]
fn new_members_are_read_as_tencent_writes_them() {
    let read: More = with(concat!(
        r#""Level":"5","Urgent":"","Tags":null,"Limits":{"7":8},"Deep":{"Urgent":"true","#,
        r#""Tags":"\udc00"}"#
    ))
    .body_as()
    .unwrap();
    let deep = More { urgent: Some(true), tags: vec!["\u{fffd}".into()], ..More::default() };
    let wanted = More {
        level: 5,
        limits: HashMap::from([(7, 8)]),
        deep: Some(Box::new(deep)),
        from_account: "\u{fffd}".into(),
        ..More::default()
    };
    assert_eq!(read, wanted);
    // What serde_json says of the same body.
    assert!(serde_json::from_slice::<More>(&with(r#""Level":5"#).body).is_err());
}

#[test]
fn what_serde_offers_is_read() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u8),
        Text(String),
    }

    #[derive(Deserialize)]
    struct Whole {
        #[serde(rename = "MsgBody")]
        message: MsgBody,
        either: Vec<Either>,
        pair: (u8, String),
        #[serde(flatten)]
        rest: BTreeMap<String, serde_json::Value>,
    }

    let whole: Whole =
        with(r#""either":[1,"x"],"pair":[1,"y"],"z":{"n":[null]}"#).body_as().unwrap();
    assert!(whole.message.is_empty());
    assert_eq!(whole.either, [Either::Number(1), Either::Text("x".into())]);
    assert_eq!(whole.pair, (1, "y".into()));
    assert_eq!(whole.rest["z"], serde_json::json!({"n": [null]}));
    assert!(with(r#""z":1"#).body_as::<serde_json::Value>().is_ok());
    // A type may be much larger than its text.
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Wide {
        #[allow(dead_code)]
        fields: [[Option<String>; 8]; 8],
    }
    #[derive(Deserialize)]
    struct Many {
        many: Vec<Wide>,
    }
    let many: Many = with(&format!(r#""many":[{}]"#, ["{}"; 40].join(","))).body_as().unwrap();
    assert_eq!(many.many.len(), 40);
    // But not a thousand times.
    let too_many = with(&format!(r#""many":[{}]"#, ["{}"; 10_000].join(","))).body_as::<Many>();
    assert!(too_many.is_err());
}

#[test]
fn what_does_not_fit_is_told_by_its_place() {
    let misfit = |members: &str| -> Misfit { with(members).body_as::<More>().unwrap_err() };
    let error = misfit(r#""Deep":{"Tags":[1,{"secret":2}]}"#);
    assert_eq!(error.path(), "Deep.Tags[0]");
    assert!(!format!("{error} {error:?}").contains("secret"));
    assert_eq!(misfit(r#""Level":1,"Level":2"#).path(), "Level");
    // `?` in a handler.
    let handler = |callback: Callback<c2c::BeforeSendMsg>| -> Result<More, HandlerError> {
        Ok(callback.body_as()?)
    };
    assert!(handler(with(r#""Level":[]"#)).is_err());
}

#[tokio::test]
async fn a_handler_reads_them_and_half_a_character_does_not_stop_it() {
    let router = EventRouter::new()
        .on_message(async |callback: Callback<BeforeMessage>| {
            let more: More = callback.body_as()?;
            Ok::<_, HandlerError>(match more.level {
                0 => MessageVerdict::allow(),
                _ => MessageVerdict::reject(),
            })
        })
        .on_unknown("New.Word", async |callback: Callback<More>| {
            Reply::fail(callback.event.level.to_string())
        });
    let service = layer().layer(router);
    for (command, level, wanted) in [
        (Command::C2cBeforeSendMsg, "0", r#""ErrorCode":0"#),
        (Command::C2cBeforeSendMsg, "\"1\"", r#""ErrorCode":1"#),
        ("New.Word".into(), "\"7\"", r#""ErrorInfo":"7""#),
    ] {
        let body =
            format!(r#"{{"From_Account":"\ud800","To_Account":"b","MsgBody":[],"Level":{level}}}"#);
        let request = signed(command).body(body).build::<Full<Bytes>>();
        let answer = crate::common::text(service.clone().oneshot(request).await.unwrap()).await;
        assert!(answer.contains(wanted), "{answer}");
    }
}
