//! Each field in each of its documented forms.

use std::collections::BTreeSet;

use serde_json::Value;
use tencent_im_callback::{Callback, Command};

use crate::{documented, is_id, ours, parse, payloads, typed, verifier_for};

/// Calls `change` with every place that `path` names in `value`, as the object that holds it and
/// the key.
fn at_path(
    value: &mut Value,
    path: &str,
    change: &mut dyn FnMut(&mut serde_json::Map<String, Value>, &str),
) {
    let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
    let key = head.trim_end_matches("[]");
    let Value::Object(members) = value else {
        return;
    };
    match rest {
        None => {
            if members.contains_key(key) {
                change(members, key);
            }
        }
        Some(rest) => match members.get_mut(key) {
            Some(Value::Array(items)) => {
                items.iter_mut().for_each(|item| at_path(item, rest, change))
            }
            Some(inner) => at_path(inner, rest, change),
            None => {}
        },
    }
}

/// What the vendor may write for a field of this documented type.
fn forms(kind: &str, key: &str) -> Vec<Value> {
    match kind {
        _ if key == "SdkAppId" => vec![1_400_187_352.into(), "1400187352".into()],
        "integer" => vec![7.into(), "7".into(), "".into(), i64::MAX.into(), (-1).into()],
        "string-or-integer" if key == "EventTime" => vec![7.into(), "7".into(), "".into()],
        "string-or-integer" => vec!["x".into(), 144_115_216_631_667_826_u64.into()],
        "boolean" | "boolean-or-string" => vec![true.into(), "true".into(), "false".into()],
        "array-or-string" => vec!["x".into(), vec!["x"].into()],
        "integer-or-object" => vec![7.into(), serde_json::json!({"Public": 7, "Work": "8"})],
        "string" if is_id(key) => vec!["x".into(), u64::MAX.into(), (-5).into()],
        "string" => vec!["".into(), "something new".into()],
        "array" => vec![Value::Array(Vec::new())],
        _ => Vec::new(),
    }
}

/// Whether the body can still be read, the field set to this or removed; `None` if it has no such
/// field.
fn fits(command: &Command, body: &Value, path: &str, value: Option<&Value>) -> Option<bool> {
    let mut changed = body.clone();
    let mut found = false;
    at_path(&mut changed, path, &mut |members, key| {
        found = true;
        match value {
            None => drop(members.remove(key)),
            Some(value) => members[key] = value.clone(),
        }
    });
    found.then(|| {
        parse(command, &changed.to_string()).misfit().is_none() && batch_is_typed(command, &changed)
    })
}

/// The fields that are documented for a command, each with its type.
fn fields(documented: &crate::Documented) -> impl Iterator<Item = (&str, &str)> {
    let fields = documented.fields.iter().map(|(path, kind, _, _)| (&**path, &**kind));
    fields.filter(|(path, _)| !path.ends_with("CallbackCommand") && !path.ends_with("[]"))
}

/// Each field of each command in each of its documented forms.
#[test]
fn every_field_may_come_in_every_form() {
    let mut tried = 0;
    for (word, documented) in documented() {
        let command = Command::from(word.as_str());
        for (name, body) in payloads(&command) {
            let body: Value = serde_json::from_str(&ours(&body)).unwrap();
            for (path, kind) in fields(&documented) {
                let key = path.rsplit('.').next().unwrap();
                for form in forms(kind, key) {
                    let mut changed = body.clone();
                    let mut found = false;
                    at_path(&mut changed, path, &mut |members, key| {
                        found = true;
                        members[key] = form.clone();
                    });
                    // A demanded number has nothing to be absent as.
                    let absent = form == "" && demanded_number(&word, path);
                    if found && !absent {
                        tried += 1;
                        typed(&command, &changed.to_string(), &format!("{name}, {path} = {form}"));
                    }
                }
            }
        }
    }
    assert!(tried > 2500, "{tried}");
}

/// Each field of each command, absent and `null`.
#[test]
fn few_fields_are_demanded() {
    let mut demanded = BTreeSet::new();
    for (word, documented) in documented() {
        let command = Command::from(word.as_str());
        for (name, body) in payloads(&command) {
            let body: Value = serde_json::from_str(&ours(&body)).unwrap();
            for (path, _) in fields(&documented) {
                let Some(missing) = fits(&command, &body, path, None) else { continue };
                if !missing {
                    demanded.insert(format!("{word} {path}"));
                }
                // `null` is an empty list, also where the list must be there.
                let mut is_list = false;
                at_path(&mut body.clone(), path, &mut |members, key| {
                    is_list |= members[key].is_array()
                });
                let null = fits(&command, &body, path, Some(&Value::Null));
                assert!(
                    Some(missing) == null || is_list,
                    "{name}: {path} missing and null are not the same"
                );
            }
        }
    }
    let listed: BTreeSet<String> =
        include_str!("../demanded.txt").lines().map(str::to_owned).collect();
    let (extra, gone): (Vec<_>, Vec<_>) =
        (demanded.difference(&listed).collect(), listed.difference(&demanded).collect());
    assert!(
        extra.is_empty() && gone.is_empty(),
        "demanded but not listed: {extra:#?}\nlisted but not demanded: {gone:#?}"
    );
}

fn demanded_number(word: &str, path: &str) -> bool {
    let number = path.ends_with("MsgSeq") || path.ends_with("Index");
    number && include_str!("../demanded.txt").lines().any(|line| line == format!("{word} {path}"))
}

/// Whether no item of a batch is unknown.
fn batch_is_typed(command: &Command, body: &Value) -> bool {
    let written = serde_json::to_value(parse(command, &body.to_string())).unwrap();
    let callback = Callback::parse_untyped(verifier_for(command), body.to_string().into()).unwrap();
    written.get("Events").is_none() || !callback.unknown_fields().contains(&"Events[]".to_owned())
}

/// Adds a member to each object, and says where.
fn add(value: &mut Value, path: &str, paths: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members.iter_mut() {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                add(value, &path, paths);
            }
            members.insert("Brandnew".into(), serde_json::json!({"a": [1, {"b": null}]}));
            paths.insert(if path.is_empty() {
                "Brandnew".to_owned()
            } else {
                format!("{path}.Brandnew")
            });
        }
        Value::Array(items) => {
            let path = format!("{path}[]");
            items.iter_mut().for_each(|item| add(item, &path, paths));
        }
        _ => {}
    }
}

/// The same JSON, its members in the reverse order, with other white space.
fn backwards(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .rev()
                .map(|(key, value)| {
                    format!(" {} :\n{}", Value::from(key.as_str()), backwards(value))
                })
                .collect();
            format!("{{{}}}", members.join("\t,"))
        }
        Value::Array(items) => {
            format!("[ {} ]", items.iter().map(backwards).collect::<Vec<_>>().join(" , "))
        }
        other => other.to_string(),
    }
}

#[test]
fn new_fields_at_every_level_and_another_order_change_nothing() {
    for command in Command::ALL {
        for (name, body) in payloads(command) {
            let body = ours(&body);
            let before = typed(command, &body, &name);
            let mut value: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(before, typed(command, &backwards(&value), &name), "{name}");
            let mut paths = BTreeSet::new();
            add(&mut value, "", &mut paths);
            // A map has no unknown keys.
            let body = value.to_string();
            let is_map = *command == Command::ChatbotInterfaceInvocation
                || (name.contains("BeforeCreateGroup") && body.contains("CreatedGroupNum\":{"));
            if is_map {
                continue;
            }
            assert_eq!(before, typed(command, &body, &name), "{name}");
            let callback = Callback::parse_untyped(verifier_for(command), body.into()).unwrap();
            assert_eq!(callback.unknown_fields(), paths.into_iter().collect::<Vec<_>>(), "{name}");
        }
    }
}
