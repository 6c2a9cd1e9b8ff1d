//! What every callback offers: its time, its key, whether it comes from the REST API.
#![allow(clippy::pedantic)]

mod common;

use bytes::Bytes;
use tencent_im_callback::event::{DedupKey, EventTime};
use tencent_im_callback::testing::{SignedRequest, sample};
use tencent_im_callback::{
    Callback, Command, Phase, StoredCallback, TimestampMillis, TimestampSecs,
};

fn callback_of(request: SignedRequest) -> Callback {
    let (parts, body) = request.time(common::NOW).build::<Bytes>().into_parts();
    Callback::parse(common::params_of(&common::verifier(), &parts.method, &parts.uri), body)
        .unwrap()
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
            callback((*command).clone(), sample_of(command).as_str()).time().is_none()
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
        (
            Command::C2cAfterSendMsg,
            format!(r#"{{{parties},"MsgTime":5,"EventTime":"6000"}}"#),
            millis(6000),
        ),
        (Command::C2cBeforeSendMsg, format!(r#"{{{parties},"MsgBody":[],"MsgTime":5}}"#), secs(5)),
        (
            Command::LiveBeforeSendGift,
            r#"{"RoomId":"r","GiftWater":{"From_Account":"a","Time":7}}"#.into(),
            secs(7),
        ),
        (
            Command::SnsBlackListDelete,
            concat!(
                r#"{"PairList":[{"From_Account":"a","To_Account":"b","TimeStamp":3},"#,
                r#"{"From_Account":"a","To_Account":"c","TimeStamp":9},{"From_Account":"a","#,
                r#""To_Account":"d"}]}"#
            )
            .into(),
            secs(9),
        ),
        (Command::LiveAfterCreateRoom, r#"{"RoomInfo":{"CreateTime":4}}"#.into(), secs(4)),
        (
            Command::LiveAfterCreateRoom,
            r#"{"RoomInfo":{"CreateTime":4,"EventTime":4500}}"#.into(),
            millis(4500),
        ),
        (
            Command::LiveAfterCreateRoom,
            r#"{"RoomInfo":{"EventTime":4500},"EventTime":4600}"#.into(),
            millis(4600),
        ),
        (
            Command::LiveAfterCloudRecordingChanged,
            r#"{"EventInfo":{},"CallbackTs":8}"#.into(),
            millis(8),
        ),
        (
            Command::CallAfterRecordChanged,
            r#"{"CallId":"c","Callback":{"EventInfo":{},"CallbackTs":8},"EventTime":9}"#.into(),
            millis(8),
        ),
        (
            Command::PushOfflinePush,
            r#"{"Events":[{"To_Account":"a","EventTime":5},{"To_Account":"b","EventTime":6}]}"#
                .into(),
            secs(6),
        ),
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

/// Puts something else in the place of each member in turn, and adds one.
fn changed(body: &serde_json::Value) -> Vec<serde_json::Value> {
    fn walk(value: &serde_json::Value, at: &str, places: &mut Vec<String>) {
        if let Some(members) = value.as_object() {
            for (key, value) in members {
                let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                walk(value, &at, places);
                places.push(at);
            }
        }
        for (index, value) in value.as_array().into_iter().flatten().enumerate() {
            walk(value, &format!("{at}/{index}"), places);
        }
    }
    let mut places = Vec::new();
    walk(body, "", &mut places);
    places.retain(|place| place != "/CallbackCommand" && place != "/SdkAppId");
    let mut all: Vec<_> = places
        .iter()
        .filter_map(|place| {
            let mut other = body.clone();
            let value = other.pointer_mut(place)?;
            *value = match &*value {
                serde_json::Value::String(text) => format!("{text}1").into(),
                serde_json::Value::Number(number) => (number.as_i64()? + 1).into(),
                serde_json::Value::Bool(truth) => (!truth).into(),
                _ => return None,
            };
            Some(other)
        })
        .collect();
    let mut more = body.clone();
    more["Brandnew"] = 1.into();
    all.push(more);
    all
}

/// A false duplicate loses an event: whatever tells two callbacks apart is in their keys.
#[test]
fn two_callbacks_that_differ_in_anything_have_other_keys() {
    let with = |command: &Command, body: &str, platform: Option<&str>, id: Option<&str>| {
        let mut request = SignedRequest::new(command.clone()).body(body.to_owned());
        if let Some(platform) = platform {
            request = request.parameter("OptPlatform", platform);
        }
        if let Some(id) = id {
            request = request.parameter("RequestId", id);
        }
        callback_of(request).dedup_key()
    };
    for command in Command::ALL.iter().filter(|command| !command.is_answered()) {
        let body: serde_json::Value = serde_json::from_str(&sample_of(command)).unwrap();
        for id in [None, Some("5")] {
            let mut keys = std::collections::HashSet::new();
            for body in changed(&body).iter().chain([&body]) {
                for platform in [None, Some(""), Some("iOS"), Some("Android")] {
                    let body = body.to_string();
                    let key = with(command, &body, platform, id);
                    // An empty one says as much as none.
                    if let (Some(key), true) = (key, platform != Some("")) {
                        assert!(keys.insert(key), "{command} {platform:?}: {body}");
                    }
                    assert_eq!(key, with(command, &body, platform, id), "{command}");
                    assert!(key.is_some() || id.is_none(), "{command}");
                }
            }
        }
    }
}

/// The app is part of the key: two apps behind one endpoint see the same groups and people.
#[test]
fn equal_bodies_of_two_apps_have_other_keys() {
    let body = sample_of(&Command::GroupAfterSendMsg);
    let of = |app: u64| {
        let stored = StoredCallback::from(&callback(Command::GroupAfterSendMsg, &body));
        let mut callback = stored.parse().unwrap();
        callback.params.sdk_app_id = app.into();
        (callback.dedup_key().unwrap(), callback.order_key().unwrap())
    };
    let (one, other) = (of(1), of(2));
    assert_eq!(one, of(1));
    assert!(one.0 != other.0 && one.1 != other.1);
}

/// Neither id nor time: two equal bodies may well be two events. Unless Tencent gives the request
/// an id.
#[test]
fn without_time_and_id_there_is_no_key() {
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
    assert_eq!(with_id("1", body).unwrap().to_string().len(), 64);

    // A message without a time has its own key; an empty one is none.
    let message = |key_: &str| {
        let body = format!(r#"{{"From_Account":"a","To_Account":"b","MsgKey":"{key_}"}}"#);
        key(Command::C2cAfterSendMsg, &body)
    };
    assert!(message("k").is_some() && message("k") != message("l"));
    assert_eq!(message(""), None);
    // So has a group's message, by its number.
    let message = |number: &str| {
        let body = format!(r#"{{"GroupId":"g","From_Account":"a"{number}}}"#);
        key(Command::GroupAfterSendMsg, &body)
    };
    assert!(
        message(r#","MsgSeq":5"#).is_some()
            && message(r#","MsgSeq":5"#) != message(r#","MsgSeq":6"#)
    );
    assert_eq!(message(""), None);
}

/// A message that failed and was then sent has the same `MsgKey`; logins of two platforms differ in
/// `OptPlatform` only.
#[test]
fn what_looked_like_a_second_delivery_and_was_none() {
    let sent = |result: u32| {
        let body = format!(
            r#"{{"From_Account":"a","To_Account":"b","MsgKey":"k","MsgTime":5,
                "SendMsgResult":{result},"MsgBody":[]}}"#
        );
        key(Command::C2cAfterSendMsg, &body).unwrap()
    };
    assert_ne!(sent(0), sent(1));
    let login = |platform: &str| {
        let body = r#"{"Info":{"To_Account":"a","Action":"Login"},"EventTime":5}"#;
        callback_of(
            SignedRequest::new(Command::StateChange).body(body).parameter("OptPlatform", platform),
        )
        .dedup_key()
        .unwrap()
    };
    assert_ne!(login("iOS"), login("Web"));
}

#[test]
fn events_of_one_group_conversation_account_or_room_have_one_order() {
    let order = |command: Command, body: &str| callback(command, body).order_key();
    let message = |from: &str, to: &str| {
        let body =
            format!(r#"{{"From_Account":"{from}","To_Account":"{to}","MsgKey":"k","MsgBody":[]}}"#);
        order(Command::C2cAfterSendMsg, &body)
    };
    assert!(message("a", "b").is_some());
    assert_eq!(message("a", "b"), message("b", "a"));
    assert_ne!(message("a", "b"), message("a", "c"));
    // No id runs into the next.
    assert_ne!(message("ab", "c"), message("a", "bc"));
    let withdrawn = r#"{"From_Account":"b","To_Account":"a","MsgKey":"k"}"#;
    assert_eq!(message("a", "b"), order(Command::C2cAfterMsgWithDraw, withdrawn));
    // Of a group whatever happens in it; an id in another place means something else.
    let group = order(Command::GroupAfterGroupDestroyed, r#"{"GroupId":"a"}"#);
    assert_eq!(group, order(Command::GroupAfterRecallMsg, r#"{"GroupId":"a","MsgSeqList":[]}"#));
    let account =
        order(Command::SnsFriendDelete, r#"{"PairList":[{"From_Account":"a","To_Account":"b"}]}"#);
    assert!(account.is_some() && account != group);
    assert_eq!(order(Command::SnsFriendDelete, r#"{"PairList":[]}"#), None);
    // Each sample: verdicts have none, and nearly all others have one.
    let without: Vec<_> = Command::ALL
        .iter()
        .filter(|command| !command.is_answered())
        .filter(|command| callback((*command).clone(), &sample_of(command)).order_key().is_none())
        .map(Command::as_str)
        .collect();
    assert_eq!(
        without,
        [
            "Follow.CallbackAfterCloudRecordingChanged",
            "Group.CallbackOnDailyGroupQuotaAlarm",
            "Push.AllMemberPush",
            "Push.OfflinePush",
            "ContentCallback.ResultNotify",
            "Alert.RequestOverLimit",
            "Live.CallbackAfterCloudRecordingChanged",
            "Live.CallbackAfterCreateRoomReachingThreshold",
        ]
    );
    for command in Command::ALL.iter().filter(|command| command.phase() == Phase::Before) {
        assert_eq!(callback(command.clone(), &sample_of(command)).order_key(), None);
    }
}

/// Queues and databases keep keys, so another version must make the same. These were computed from
/// the description in another language.
#[test]
fn keys_are_the_same_in_every_version() {
    let group = Command::GroupAfterGroupDestroyed;
    let [timed, bare] = [r#"{"GroupId":"g","EventTime":1670574414123}"#, r#"{"GroupId":"g"}"#];
    let request = |body: &str| SignedRequest::new(group.clone()).body(body.to_owned());
    for (request, digest) in [
        (request(timed), "363d5d5b275bf04e0d801ce1fa0a023aca83c0bd1b9131b5ffcc4b15e3d41067"),
        (
            request(timed).parameter("OptPlatform", "Web"),
            "c6130395c20ef60b3c35ddd040746920b726762deb181174864b3a7de859a27c",
        ),
        (
            request(bare).parameter("RequestId", "r-1"),
            "66612632c4fb67d0e55af2ce8c3b25433ac70f1a53ae3dfaef21dbad59d5c38f",
        ),
    ] {
        assert_eq!(callback_of(request).dedup_key().unwrap().to_string(), digest);
    }
    for (command, body, digest) in [
        (
            Command::C2cAfterSendMsg,
            r#"{"From_Account":"b","To_Account":"a","MsgKey":"k","MsgBody":[]}"#,
            "01408b4f5049922c5da30cf7a2e6d6d2c13ac846b372b6feb1522114d9fd5124",
        ),
        (
            Command::SnsFriendDelete,
            r#"{"PairList":[{"From_Account":"a","To_Account":"b"}]}"#,
            "316afc1a81ab97d5487497424b620133f21833a343d8de7fc52f2566e62b32c0",
        ),
        (
            Command::GroupAfterGroupDestroyed,
            r#"{"GroupId":"a"}"#,
            "8f51b451d45e5d6ae28c7a7952fc4e02a94328911b22926b9d1ff6ae42d6e808",
        ),
    ] {
        assert_eq!(callback(command, body).order_key().unwrap().to_string(), digest, "{body}");
    }
}

#[test]
fn rest_calls_are_recognised() {
    let from = |platform: &str| {
        callback_of(SignedRequest::new(Command::StateChange).parameter("OptPlatform", platform))
            .is_from_rest_api()
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
    assert_eq!(EventTime::Secs(TimestampSecs(1_669_872_112)).to_system_time(), Some(second));
    let set = [0, 1, 2, -1].map(|flag| tencent_im_callback::Flag(flag).is_set());
    assert_eq!(set, [false, true, true, true]);
}
