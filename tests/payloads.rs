//! Documented bodies become typed events, and are written back as they came.
#![allow(clippy::pedantic)]

mod common;

use serde_json::Value;
use tencent_im_callback::event::sns;
use tencent_im_callback::testing::sample;
use tencent_im_callback::{Command, Event, Flag, Reply, TimestampMillis, TimestampSecs, testing};

/// The payload files of a command: the body of today's page, then those of older ones.
fn payloads(command: &Command) -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/payloads");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let belongs = name.strip_prefix(command.as_str()).is_some_and(|rest| {
            rest == ".json" || rest.strip_prefix(".older-").is_some_and(|rest| rest.ends_with(".json"))
        });
        if belongs {
            found.push((name, std::fs::read_to_string(path).unwrap()));
        }
    }
    found
}

#[test]
fn every_typed_command_has_payloads_and_they_come_back_as_they_were() {
    let mut seen = 0;
    for command in Command::ALL {
        let payloads = payloads(command);
        assert_eq!(sample(command).is_some(), !payloads.is_empty(), "{command}");
        for (name, body) in payloads {
            let event = Event::parse(command, body.clone().into()).unwrap();
            assert!(
                !matches!(event, Event::Unknown(_)),
                "{name}: {:?}",
                event.misfit().map(|m| m.message())
            );
            assert_eq!(event.command(), command);
            let before: Value = serde_json::from_str(&body).unwrap();
            let after: Value = serde_json::to_value(&event).unwrap();
            assert_eq!(before, after, "{name}");
            let again = Event::parse(command, serde_json::to_vec(&event).unwrap().into()).unwrap();
            assert_eq!(event, again, "{name}");
            seen += 1;
        }
    }
    let files = std::fs::read_dir(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/payloads"));
    assert_eq!(seen, files.unwrap().count(), "a payload file belongs to no command");
}

#[test]
fn the_fields_of_the_samples() {
    let add = testing::callback::<sns::FriendAdd>(sample(&Command::SnsFriendAdd).unwrap()).event;
    assert_eq!(add.client_cmd, Some(sns::ClientCmd::from("FriendAdd")));
    assert!(matches!(add.client_cmd, Some(sns::ClientCmd::FriendAdd(_))));
    assert_eq!(add.pair_list[2].initiator_account.as_ref().unwrap(), &"id");
    assert_eq!(
        (add.admin_account.unwrap().as_str(), add.force_flag),
        ("", Some(Flag(1)))
    );
    let prev = testing::callback::<sns::PrevFriendAdd>(sample(&Command::SnsPrevFriendAdd).unwrap()).event;
    assert_eq!(prev.add_type, Some(sns::AddType::Both));
    assert_eq!(prev.event_time, Some(TimestampMillis(1_631_777_344_870)));
    assert_eq!(prev.friend_item[1].add_wording.as_deref(), Some("this is id2!"));
    let answer = testing::callback::<sns::PrevFriendResponse>(sample(&Command::SnsPrevFriendResponse).unwrap()).event;
    assert_eq!(
        answer.response_friend_item[1].response_action,
        Some(sns::ResponseAction::Reject)
    );
}

#[test]
fn documented_drift_is_accepted() {
    // Ids as integers beyond 2^53, quoted numbers, null, values that no page lists, both spellings.
    let event = testing::callback::<sns::FriendAdd>(
        r#"{"PairList":[{"From_Account":144115216631667826,"To_Account":"b","TimeStamp":"1432000000","Initiator_Account":null}],
            "ClientCmd":"FriendAdd","ForceFlag":"1","Admin_Account":null,"New":{"x":[1]}}"#,
    )
    .event;
    let pair = &event.pair_list[0];
    assert_eq!(pair.from_account, "144115216631667826");
    assert_eq!(pair.time_stamp, Some(TimestampSecs(1_432_000_000)));
    assert_eq!(
        serde_json::to_string(&Event::from(event)).unwrap(),
        r#"{"CallbackCommand":"Sns.CallbackFriendAdd","PairList":[{"From_Account":"144115216631667826","To_Account":"b","TimeStamp":1432000000}],"ClientCmd":"FriendAdd","ForceFlag":1}"#
    );
    let event = testing::callback::<sns::FriendAdd>(r#"{"PairList":null,"ClientCmd":"other","ForceFlag":2}"#).event;
    assert!(event.pair_list.is_empty());
    assert_eq!(event.client_cmd, Some(sns::ClientCmd::Other("other".into())));
    assert_eq!(event.force_flag, Some(Flag(2)));
    let event = testing::callback::<sns::FriendAdd>(r#"{"ForceFlag":""}"#).event;
    assert_eq!(event, sns::FriendAdd::default());
}

#[test]
fn typed_replies_as_the_pages_show_them() {
    let add = testing::callback::<sns::PrevFriendAdd>(sample(&Command::SnsPrevFriendAdd).unwrap());
    let reply = tencent_im_callback::reply::sns::PrevFriendAddReply::allow(&add.event);
    let written: Value = serde_json::from_slice(Reply::from(reply).as_bytes()).unwrap();
    assert_eq!(
        written,
        serde_json::json!({
            "ActionStatus": "OK", "ErrorCode": 0, "ErrorInfo": "",
            "ResultItem": [
                {"To_Account": "id1", "ResultCode": 0, "ResultInfo": ""},
                {"To_Account": "id2", "ResultCode": 0, "ResultInfo": ""},
            ],
        })
    );
}

#[test]
#[should_panic(expected = "PairList[0]")]
fn the_helper_for_handlers_says_where_a_body_does_not_fit() {
    testing::callback::<sns::FriendAdd>(r#"{"PairList":[{"To_Account":"a"}]}"#);
}
