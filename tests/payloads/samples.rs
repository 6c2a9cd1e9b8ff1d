//! Every documented body is typed, and is written back as it came.

use serde_json::Value;
use tencent_im_callback::event::{group, sns};
use tencent_im_callback::testing::sample;
use tencent_im_callback::{Callback, Command, Flag, TimestampMillis, testing};

use crate::{documented, normalise, ours, payloads, typed, verifier_for};

#[test]
fn every_payload_file_is_a_sample() {
    for command in Command::ALL {
        let mut files: Vec<String> = payloads(command).into_iter().map(|(_, json)| json).collect();
        let mut samples: Vec<&str> = testing::other_samples(command).to_vec();
        samples.extend(sample(command));
        files.sort_unstable();
        samples.sort_unstable();
        assert_eq!(samples, files, "{command}: add its file to other_samples");
    }
    assert!(testing::other_samples(&Command::from("New.Command")).is_empty());
}

#[test]
fn every_payload_is_typed_and_comes_back_as_it_was() {
    let documented = documented();
    assert_eq!(documented.len(), Command::ALL.len());
    let mut seen = 0;
    for command in Command::ALL {
        let payloads = payloads(command);
        assert!(!payloads.is_empty(), "{command} has no payload file in src/testing/payloads");
        let documented = &documented[command.as_str()];
        assert_eq!(documented.phase, command.phase().as_str(), "{command}");
        for (name, body) in payloads {
            seen += 1;
            let body = ours(&body);
            let event = typed(command, &body, &name);
            let before = normalise(command, documented, serde_json::from_str(&body).unwrap());
            let written = serde_json::to_string(&event).unwrap();
            assert_eq!(before, serde_json::from_str::<Value>(&written).unwrap(), "{name}");
            assert_eq!(event, typed(command, &written, &name));
            let callback = Callback::parse_untyped(verifier_for(command), body.into()).unwrap();
            assert_eq!(callback.unknown_fields(), [""; 0], "{name}");
        }
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/testing/payloads");
    let files = std::fs::read_dir(folder).unwrap().count();
    assert_eq!(
        seen + 1,
        files,
        "a payload file belongs to no command (the one more is the README)"
    );
}

#[test]
fn the_fields_of_the_samples() {
    let add = testing::callback::<sns::FriendAdd>(sample(&Command::SnsFriendAdd).unwrap()).event;
    assert_eq!(add.client_cmd, Some(sns::ClientCmd::from("FriendAdd")));
    assert!(matches!(add.client_cmd, Some(sns::ClientCmd::FriendAdd)));
    assert_eq!(add.pair_list[2].initiator_account.as_ref().unwrap(), &"id");
    assert_eq!((add.admin_account.unwrap().as_str(), add.force_flag), ("", Some(Flag::ON)));
    let prev =
        testing::callback::<sns::PrevFriendAdd>(sample(&Command::SnsPrevFriendAdd).unwrap()).event;
    assert_eq!(prev.add_type, Some(sns::AddType::Both));
    assert_eq!(prev.event_time, Some(TimestampMillis(1_631_777_344_870)));
    assert_eq!(prev.friend_item[1].add_wording.as_deref(), Some("this is id2!"));
    let answer = testing::callback::<sns::PrevFriendResponse>(
        sample(&Command::SnsPrevFriendResponse).unwrap(),
    )
    .event;
    assert_eq!(answer.response_friend_item[1].response_action, Some(sns::ResponseAction::Reject));
}

#[test]
fn messages_of_groups_have_a_priority() {
    for (word, priority) in
        [("High", group::MsgPriority::High), ("Urgent", group::MsgPriority::Other("Urgent".into()))]
    {
        let body = format!(r#"{{"GroupId":"g","MsgBody":[],"MsgPriority":"{word}"}}"#);
        assert_eq!(
            testing::callback::<group::BeforeSendMsg>(&body).event.msg_priority,
            Some(priority.clone())
        );
        assert_eq!(
            testing::callback::<group::AfterSendMsg>(&body).event.msg_priority,
            Some(priority)
        );
    }
}
