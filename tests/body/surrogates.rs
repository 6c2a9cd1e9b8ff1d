//! Half a surrogate pair in a body, which is JSON but no text, hides nothing: whatever string holds
//! it, the callback stays typed.

use bytes::Bytes;
use serde_json::Value;
use tencent_im_callback::{Command, Event, testing};

const LONE: [&str; 3] = [r"\ud83d", r"\uDE00", r"\udfff\uD800"];

fn written(command: &Command, body: &str) -> Value {
    let event = crate::common::read(command, Bytes::copy_from_slice(body.as_bytes()));
    if let Event::Unknown(event) = &event {
        panic!("{command}: {:?} {body}", event.misfit());
    }
    serde_json::to_value(&event).unwrap()
}

/// Pointers to all strings of a JSON text that people could have written.
fn strings(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let is_number =
                text.parse::<i64>().is_ok() || ["true", "false"].contains(&text.as_str());
            let is_fixed = ["CallbackCommand", "MsgType"].iter().any(|key| at.ends_with(key));
            if !text.is_empty() && !is_number && !is_fixed {
                found.push(at.to_owned());
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                strings(item, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(members) => {
            for (key, value) in members {
                strings(value, &format!("{at}/{key}"), found);
            }
        }
        _ => {}
    }
}

/// A payload with `mark` behind the text at `pointer`.
fn marked(payload: &Value, pointer: &str, mark: &str) -> Value {
    let mut body = payload.clone();
    let value = body.pointer_mut(pointer).unwrap();
    *value = format!("{}{mark}", value.as_str().unwrap()).into();
    body
}

#[test]
fn every_string_of_every_payload_stays_typed_and_nothing_else_changes() {
    let mut tried = 0;
    for command in Command::ALL {
        let payload: Value = serde_json::from_str(testing::sample(command).unwrap()).unwrap();
        let mut pointers = Vec::new();
        strings(&payload, "", &mut pointers);
        for pointer in pointers {
            let with_mark = marked(&payload, &pointer, "@mark@").to_string();
            for lone in LONE {
                let replaced = "\u{fffd}".repeat(lone.len() / 6);
                let wanted = marked(&payload, &pointer, &replaced).to_string();
                assert_eq!(
                    written(command, &with_mark.replace("@mark@", lone)),
                    written(command, &wanted),
                    "{command} {pointer}"
                );
                tried += 1;
            }
            let pair = with_mark.replace("@mark@", r"\ud83d\ude00");
            let wanted = marked(&payload, &pointer, "\u{1f600}").to_string();
            assert_eq!(written(command, &pair), written(command, &wanted), "{command} {pointer}");
        }
    }
    assert!(tried > 1000, "{tried}");
}

#[test]
fn a_key_at_any_depth_changes_nothing() {
    for command in Command::ALL {
        let payload = testing::sample(command).unwrap();
        let wanted = written(command, payload);
        for lone in LONE {
            // Not inside of free-form members, which keep what they hold.
            let body = payload.replacen('{', &format!(r#"{{"{lone}":"{lone}","#), 1);
            assert_eq!(written(command, &body), wanted, "{command}");
        }
    }
}

#[test]
fn the_raw_body_stays_and_positions_stay() {
    let body = "{\"PairList\":\n[{\"From_Account\":\"\\ud83d\",\"To_Account\":5.5}]}";
    let event = crate::common::read(&Command::SnsFriendDelete, body);
    let Event::Unknown(event) = event else { panic!() };
    assert_eq!(event.body, body);
    let misfit = event.misfit().unwrap();
    assert_eq!((misfit.path(), misfit.line()), ("PairList[0].To_Account", 2));
    let plain = body.replace("\\ud83d", "\\u0041");
    let Event::Unknown(same) = crate::common::read(&Command::SnsFriendDelete, plain) else {
        panic!()
    };
    assert_eq!(same.misfit().unwrap().column(), misfit.column());
}

#[test]
fn escaped_backslashes_are_no_surrogates() {
    for (text, wanted) in
        [(r"\\ud83d", r"\ud83d"), (r"\\\ud83d", "\\\u{fffd}"), (r"\\\\ud83d", r"\\ud83d")]
    {
        let body = format!(r#"{{"PairList":[{{"From_Account":"{text}","To_Account":"b"}}]}}"#);
        let event = crate::common::read(&Command::SnsFriendDelete, body);
        let Event::SnsFriendDelete(event) = event else { panic!() };
        assert_eq!(event.pair_list[0].from_account, wanted);
    }
}
