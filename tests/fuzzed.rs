//! What the fuzzers in `fuzz/` have found, each as small as it gets.
#![allow(clippy::pedantic)]

use tencent_im_callback::{Command, Event, RejectionKind};

/// Where texts of users are read as bytes, serde_json took raw control characters, so that a body was accepted that no JSON reader
/// downstream could read.
#[test]
fn a_raw_control_character_in_a_text_is_not_json() {
    let bodies = [
        (
            Command::C2cBeforeSendMsg,
            "{\"From_Account\":\"a\",\"To_Account\":\"b\",\"CloudCustomData\":\"\u{14}\"}",
        ),
        (
            Command::C2cBeforeSendMsg,
            "{\"From_Account\":\"a\",\"To_Account\":\"b\",\"CloudCustomData\":\"a\tb\nc\"}",
        ),
        (
            Command::C2cAfterSendMsg,
            "{\"From_Account\":\"a\",\"To_Account\":\"b\",\"MsgBody\":[{\"MsgType\":\"TIM\u{0}Elem\",\"MsgContent\":{}}]}",
        ),
    ];
    for (command, body) in bodies {
        let rejection = Event::parse(&command, body.into()).unwrap_err();
        assert_eq!(rejection.kind(), RejectionKind::BodyNotJson, "{body:?}");
        // White space between members is none of that.
        let escaped = body.replace(|c: char| c < ' ', "").replacen('{', "\r\n{\n\t", 1);
        assert!(Event::parse(&command, escaped.into()).unwrap().misfit().is_none());
    }
}
