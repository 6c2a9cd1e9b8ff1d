//! Attacks by a member or a key that stands twice.

use serde_json::Value;
use tencent_im_callback::{Cause, Command, Event};

use crate::attack::{Fate, body};

use crate::{documented, lost_an_item, objects};

/// Writes JSON with one member of one object twice: as it was, and with another value before or
/// behind that. One of the keys is written in escapes.
fn with_member_twice(
    value: &Value,
    path: &str,
    at: &str,
    key: &str,
    (other, behind): (&str, bool),
) -> String {
    match value {
        Value::Object(members) => {
            let mut parts = Vec::new();
            for (name, value) in members {
                let written =
                    with_member_twice(value, &format!("{path}/{name}"), at, key, (other, behind));
                if path == at && name == key {
                    let escaped: String =
                        name.chars().map(|one| format!("\\u{:04x}", one as u32)).collect();
                    let (first, last) =
                        if behind { (&*written, other) } else { (other, &*written) };
                    parts.push(format!("\"{name}\":{first},\"{escaped}\":{last}"));
                } else {
                    parts.push(format!("{}:{written}", Value::from(name.as_str())));
                }
            }
            format!("{{{}}}", parts.join(","))
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            let items = items.map(|(index, item)| {
                with_member_twice(item, &format!("{path}/{index}"), at, key, (other, behind))
            });
            format!("[{}]", items.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

/// Two values for one name: one program in the way of a callback may have judged the first, another
/// the last. So a member that is read is read once, at every depth of every documented body; a
/// *before* callback with two is not handed on.
#[tokio::test]
async fn no_member_that_is_read_can_stand_twice() {
    let mut doubled = 0;
    for (command, text) in documented() {
        let command = &command;
        let text = text.replace("\"SdkAppId\"", "\"Ignored\"");
        let sample: Value = serde_json::from_str(&text).unwrap();
        let honest = crate::common::read(command, text.clone());
        assert!(!matches!(honest, Event::Unknown(_)), "{command}");
        let mut places = Vec::new();
        objects(&sample, "", &mut places);
        for (at, keys) in places {
            for key in keys.iter().filter(|key| *key != "CallbackCommand") {
                for other in [
                    ("null", false),
                    ("\"\"", true),
                    ("[]", false),
                    ("[]", true),
                    ("7", false),
                    ("7", true),
                ] {
                    let text = with_member_twice(&sample, "", &at, key, other);
                    let event = crate::common::read(command, text);
                    if event.misfit().is_some() {
                        doubled += 1;
                        continue;
                    }
                    // Nobody reads it, then: what is read is as it was.
                    assert!(
                        event == honest || lost_an_item(&event),
                        "{command} {at}/{key} {other:?}: {event:?}"
                    );
                }
            }
        }
    }
    assert!(doubled > 2000, "{doubled}");
}

/// Nor can an entry of the one map that is read.
#[tokio::test]
async fn no_entry_of_a_map_can_stand_twice() {
    let group = concat!(
        r#"{"Operator_Account":"a","Type":"Public","CreatedGroupNum":{"Public":9,"Work":1,"#,
        r#""\u0050ublic":0}}"#
    );
    let fate = body(Command::GroupBeforeCreateGroup, group).await;
    assert_eq!(fate, Fate::Failed(Cause::Misfit));
}
