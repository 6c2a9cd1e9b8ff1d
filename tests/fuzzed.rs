//! What the fuzzers in `fuzz/` have found, each as small as it gets.
#![allow(clippy::pedantic)]

mod common;

use std::time::{Duration, UNIX_EPOCH};

use tencent_im_callback::message::MsgBody;
use tencent_im_callback::testing::sign;
use tencent_im_callback::{
    App, Command, Event, Params, RejectionKind, Token, UnknownReason, Verified, Verifier,
};

/// Where texts of users are read as bytes, serde_json took raw control characters, so that a body
/// was accepted that no JSON reader downstream could read.
#[test]
fn a_raw_control_character_in_a_text_is_not_json() {
    let bodies = [
        // With an escape in it, a text is decoded before it is looked at.
        (
            Command::C2cBeforeSendMsg,
            "{\"From_Account\":\"a\",\"To_Account\":\"b\",\"MsgBody\":[],\
            \"CloudCustomData\":\"\\u0041\u{14}\"}",
        ),
        (
            Command::C2cBeforeSendMsg,
            "{\"From_Account\":\"a\",\"To_Account\":\"b\",\"MsgBody\":[],\
            \"CloudCustomData\":\"\u{14}\"}",
        ),
        (
            Command::C2cBeforeSendMsg,
            "{\"From_Account\":\"a\",\"To_Account\":\"b\",\"MsgBody\":[],\
            \"CloudCustomData\":\"a\tb\nc\"}",
        ),
        (
            Command::C2cAfterSendMsg,
            "{\"From_Account\":\"a\",\"To_Account\":\"b\",\
            \"MsgBody\":[{\"MsgType\":\"TIM\u{0}Elem\",\"MsgContent\":{}}]}",
        ),
    ];
    for (command, body) in bodies {
        let event = crate::common::read(&command, body);
        let Event::Unknown(event) = event else { panic!("{body:?}") };
        assert!(matches!(event.reason, UnknownReason::BodyNotJson { .. }), "{body:?}");
        // White space between members is none of that.
        let escaped = body.replace(|c: char| c < ' ', "").replacen('{', "\r\n{\n\t", 1);
        assert!(crate::common::read(&command, escaped).misfit().is_none());
    }
}

/// A check of the URL is held to the same time as a callback: a zero in front of it was let through
/// where no app is named.
#[test]
fn a_time_with_a_zero_in_front_proves_no_token() {
    let token = Token::new("xxxxyyyy").unwrap();
    let verifier = Verifier::new(App::signed(1, token))
        .clock(|| UNIX_EPOCH + Duration::from_secs(1_669_872_112));
    let kind = |query: &str| {
        let uri = format!("/?{query}").parse().unwrap();
        match verifier.verify(&http::Method::POST, &uri) {
            Ok(Verified::Probe) => RejectionKind::Probe,
            Ok(other) => panic!("{other:?}"),
            Err(rejection) => rejection.kind(),
        }
    };
    let good = "Sign=17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061\
        &RequestTime=1669872112";
    assert_eq!(kind(good), RejectionKind::Probe);
    let zero = format!("Sign={}&RequestTime=01669872112", sign("xxxxyyyy0", 1_669_872_112));
    assert_eq!(kind(&zero), RejectionKind::AppMissing);
}

/// What does not decode stays encoded, and stays so on its way through JSON.
#[test]
fn parameters_that_do_not_decode_travel_unchanged() {
    let uri = "/?SdkAppid=1&CallbackCommand=A&x=é%ff".parse().unwrap();
    let Ok(Verified::Callback(params)) =
        Verifier::new(App::unsigned(1)).verify(&http::Method::POST, &uri)
    else {
        panic!("a callback")
    };
    assert_eq!(params.get("x").unwrap(), "é%ff");
    let again: Params = serde_json::from_str(&serde_json::to_string(&params).unwrap()).unwrap();
    assert_eq!(again.get("x").unwrap(), "é%ff");
}

/// An element is what it says, or is refused; it does not become another one by the loss of a byte.
#[test]
fn an_element_that_is_no_utf8_is_not_mended() {
    let element = b"[{\"MsgType\":\"TIML\x9focationElem\",\"MsgContent\":{\"Desc\":\"x\"}}]";
    let read = serde_json::from_slice::<MsgBody>(element);
    assert!(read.is_err(), "{read:?}");
}
