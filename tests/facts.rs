//! What every callback offers: its time, its key, whether it comes from the REST API.
#![allow(clippy::pedantic)]

mod common;

use bytes::Bytes;
use common::verifier;
use tencent_im_callback::event::{DedupKey, EventTime};
use tencent_im_callback::testing::{SignedRequest, sample};
use tencent_im_callback::{Callback, Command, Phase, TimestampMillis, TimestampSecs};

fn callback_of(request: SignedRequest) -> Callback {
    let (parts, body) = request.time(common::NOW).build::<Bytes>().into_parts();
    Callback::parse(verifier().verify(&parts.method, &parts.uri).unwrap(), body).unwrap()
}

fn callback(command: Command, body: &str) -> Callback {
    callback_of(SignedRequest::new(command).body(body.to_owned()))
}

fn key(command: Command, body: &str) -> Option<DedupKey> {
    callback(command, body).dedup_key()
}

#[test]
fn the_time_of_every_sample() {
    let without: Vec<_> = Command::ALL
        .iter()
        .filter(|command| {
            callback((*command).clone(), sample_of(command).as_str())
                .time()
                .is_none()
        })
        .map(Command::as_str)
        .collect();
    assert_eq!(
        without,
        [
            "Sns.CallbackBlackListAdd",
            "Sns.CallbackFriendAdd",
            "Sns.CallbackFriendDelete",
            "Group.CallbackAfterCreateTopic",
            "Group.CallbackAfterTopicDestroyed",
            "Group.CallbackAfterTopicInfoChanged",
            "Group.CallbackBeforeCreateTopic",
            "ContentCallback.ResultNotify",
            "Alert.RequestOverLimit",
        ]
    );
}

/// The sample, for our app.
fn sample_of(command: &Command) -> String {
    let mut body: serde_json::Value = serde_json::from_str(sample(command).unwrap()).unwrap();
    if let Some(app) = body.get_mut("SdkAppId") {
        *app = common::APP.into();
    }
    body.to_string()
}

#[test]
fn where_the_time_is_not_event_time() {
    let secs = |time| Some(EventTime::Secs(TimestampSecs(time)));
    let millis = |time| Some(EventTime::Millis(TimestampMillis(time)));
    let parties = r#""From_Account":"a","To_Account":"b""#;
    for (command, body, time) in [
        (Command::C2cAfterSendMsg, format!(r#"{{{parties},"MsgTime":5}}"#), secs(5)),
        (Command::C2cAfterSendMsg, format!(r#"{{{parties},"MsgTime":5,"EventTime":"6000"}}"#), millis(6000)),
        (Command::C2cBeforeSendMsg, format!(r#"{{{parties},"MsgBody":[],"MsgTime":5}}"#), secs(5)),
        (Command::LiveBeforeSendGift, r#"{"RoomId":"r","GiftWater":{"From_Account":"a","Time":7}}"#.into(), secs(7)),
        (
            Command::SnsBlackListDelete,
            r#"{"PairList":[{"From_Account":"a","To_Account":"b","TimeStamp":3},{"From_Account":"a","To_Account":"c","TimeStamp":9},{"From_Account":"a","To_Account":"d"}]}"#.into(),
            secs(9),
        ),
        (Command::LiveAfterCreateRoom, r#"{"RoomInfo":{"CreateTime":4}}"#.into(), secs(4)),
        (Command::LiveAfterCreateRoom, r#"{"RoomInfo":{"CreateTime":4,"EventTime":4500}}"#.into(), millis(4500)),
        (Command::LiveAfterCreateRoom, r#"{"RoomInfo":{"EventTime":4500},"EventTime":4600}"#.into(), millis(4600)),
        (Command::LiveAfterCloudRecordingChanged, r#"{"EventInfo":{},"CallbackTs":8}"#.into(), millis(8)),
        (Command::CallAfterRecordChanged, r#"{"CallId":"c","Callback":{"EventInfo":{},"CallbackTs":8},"EventTime":9}"#.into(), millis(8)),
        (Command::PushOfflinePush, r#"{"Events":[{"To_Account":"a","EventTime":5},{"To_Account":"b","EventTime":6}]}"#.into(), secs(6)),
    ] {
        assert_eq!(callback(command, &body).time(), time, "{body}");
    }
}

#[test]
fn a_second_delivery_has_the_same_key_and_another_event_has_not() {
    let mut keys = std::collections::HashMap::new();
    for command in Command::ALL {
        let body = sample_of(command);
        let first = key(command.clone(), &body);
        assert_eq!(first, key(command.clone(), &body), "{command}");
        if command.phase() == Phase::Before {
            assert_eq!(first, None, "{command}");
        }
        if let Some(first) = first {
            assert_eq!(keys.insert(first, command), None, "{command}");
        }
    }
    assert_eq!(key("New.Word".into(), r#"{"EventTime":5}"#), None);
}

#[test]
fn keys_by_the_rule_of_the_command() {
    let c2c = |key_: &str, text: &str| {
        let body = format!(
            r#"{{"From_Account":"a","To_Account":"b","MsgKey":"{key_}","MsgBody":[{{"MsgType":"TIMTextElem","MsgContent":{{"Text":"{text}"}}}}]}}"#
        );
        move |command| key(command, &body)
    };
    // The message's key names the delivery, whatever else the body says.
    assert_eq!(
        c2c("k", "x")(Command::C2cAfterSendMsg),
        c2c("k", "y")(Command::C2cAfterSendMsg)
    );
    assert_ne!(
        c2c("k", "x")(Command::C2cAfterSendMsg),
        c2c("l", "x")(Command::C2cAfterSendMsg)
    );
    assert_ne!(
        c2c("k", "x")(Command::C2cAfterSendMsg),
        c2c("k", "x")(Command::BotOnC2cMessage)
    );
    // Two edits of one message, two receipts, two extensions of one message.
    for (command, rest) in [
        (
            Command::C2cAfterModifyMsg,
            r#""From_Account":"a","To_Account":"b","MsgKey":"k""#,
        ),
        (
            Command::C2cAfterMsgReadReceipt,
            r#""Operator_Account":"a","Peer_Account":"b","C2CMsgInfo":[{"MsgKey":"k"}]"#,
        ),
        (
            Command::C2cAfterC2cMsgExtension,
            r#""From_Account":"a","To_Account":"b","MsgKey":"k""#,
        ),
        (Command::GroupAfterModifyMsg, r#""GroupId":"g","MsgSeq":1"#),
        (
            Command::GroupAfterReadReceipt,
            r#""GroupId":"g","GroupMsgReceiptList":[{"MsgSeq":1}]"#,
        ),
    ] {
        let at = |time: u32| key(command.clone(), &format!(r#"{{{rest},"EventTime":{time}}}"#));
        assert!(at(1).is_some() && at(1) == at(1) && at(1) != at(2), "{command}");
    }
    // Equal sequences in two topics, in no topic, in two groups.
    let group = |group: &str, topic: &str| {
        let topic = if topic.is_empty() {
            String::new()
        } else {
            format!(r#","TopicId":"{topic}""#)
        };
        let body = format!(r#"{{"GroupId":"{group}","MsgSeq":1,"Random":2,"MsgTime":3{topic},"x":"{{}}"}}"#);
        key(Command::GroupAfterSendMsg, &body)
    };
    let all = [group("g", ""), group("g", "t1"), group("g", "t2"), group("h", "t1")];
    for (at, one) in all.iter().enumerate() {
        assert!(one.is_some());
        assert!(all[..at].iter().all(|other| other != one), "{at}");
    }
    // No part runs into the next.
    let parties = |from: &str, to: &str| {
        key(
            Command::C2cAfterSendMsg,
            &format!(r#"{{"From_Account":"{from}","To_Account":"{to}","MsgKey":"k"}}"#),
        )
    };
    assert_ne!(parties("ab", "c"), parties("a", "bc"));
    let moderated = |id: &str, text: &str| {
        key(
            Command::ContentCallbackResultNotify,
            &format!(r#"{{"From_Account":"a","CtxcbRequestId":"{id}","TextContent":["{text}"]}}"#),
        )
    };
    assert_eq!(moderated("1", "x"), moderated("1", "y"));
    assert_ne!(moderated("1", "x"), moderated("2", "x"));
}

#[test]
fn where_a_part_is_missing_the_body_decides_if_it_can() {
    // No MsgKey, but a time: a digest of the body.
    let no_key = |text: &str| {
        key(
            Command::C2cAfterSendMsg,
            &format!(r#"{{"From_Account":"a","To_Account":"b","MsgTime":5,"CloudCustomData":"{text}"}}"#),
        )
    };
    assert!(no_key("x").is_some() && no_key("x") != no_key("y"));
    let empty_key = r#"{"From_Account":"a","To_Account":"b","MsgKey":"","MsgTime":5}"#;
    assert_ne!(
        key(Command::C2cAfterSendMsg, empty_key),
        key(Command::C2cAfterSendMsg, &empty_key.replace(":5", ":6"))
    );
    // Neither key nor time: two equal bodies may well be two events. Unless Tencent gives the request an id.
    let body = r#"{"PairList":[{"From_Account":"a","To_Account":"b"}]}"#;
    assert_eq!(key(Command::SnsFriendDelete, body), None);
    let with_id = |id: &str, body: &str| {
        callback_of(
            SignedRequest::new(Command::SnsFriendDelete)
                .body(body.to_owned())
                .parameter("RequestId", id),
        )
        .dedup_key()
    };
    assert!(with_id("1", body).is_some());
    assert_eq!(with_id("1", body), with_id("1", body));
    assert_ne!(with_id("1", body), with_id("2", body));
    assert_ne!(with_id("1", body), with_id("1", r#"{"PairList":[]}"#));
    assert!(format!("{:?}", with_id("1", body).unwrap()).len() < 40);
}

#[test]
fn rest_calls_are_recognised() {
    let from = |platform: &str| {
        callback_of(SignedRequest::new(Command::StateChange).parameter("OptPlatform", platform)).is_from_rest_api()
    };
    assert!(from("RESTAPI") && from("rest_api"));
    assert!(!from("iOS"));
    assert!(!callback(Command::StateChange, &sample_of(&Command::StateChange)).is_from_rest_api());
}

#[test]
fn values_in_the_types_of_std() {
    use std::time::{Duration, UNIX_EPOCH};

    let second = UNIX_EPOCH + Duration::from_secs(1_669_872_112);
    assert_eq!(TimestampSecs(1_669_872_112).to_system_time(), Some(second));
    assert_eq!(
        TimestampMillis(1_669_872_112_003).to_system_time(),
        Some(second + Duration::from_millis(3))
    );
    assert_eq!(
        EventTime::Secs(TimestampSecs(1_669_872_112)).to_system_time(),
        Some(second)
    );
    assert_eq!(tencent_im_callback::UserId::from("id").into_string(), "id");
    let set = [0, 1, 2, -1].map(|flag| tencent_im_callback::Flag(flag).is_set());
    assert_eq!(set, [false, true, true, true]);
}
