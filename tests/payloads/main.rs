//! Documented bodies become typed events, and are written back as they came.
#![allow(clippy::pedantic)]

#[path = "../common/mod.rs"]
mod common;

mod drift;
mod fields;
mod replies;
mod samples;

use std::collections::BTreeMap;

use serde_json::Value;
use tencent_im_callback::{App, Apps, Callback, Command, Event, Params, Reply, Verifier};

/// The payload files of a command: the body of today's page, then those of older ones.
fn payloads(command: &Command) -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/testing/payloads");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let belongs = name.strip_prefix(command.as_str()).is_some_and(|rest| {
            rest == ".json"
                || rest.strip_prefix(".other-").is_some_and(|rest| rest.ends_with(".json"))
        });
        if belongs {
            found.push((name, std::fs::read_to_string(path).unwrap()));
        }
    }
    found
}

/// What the vendor documents about a command: its phase, its fields, a reply.
#[derive(serde::Deserialize)]
struct Documented {
    phase: String,
    fields: Vec<(String, String, String, String)>,
    reply: Value,
}

/// A command that nobody has looked up the fields of has those of its payload.
fn documented() -> BTreeMap<String, Documented> {
    fn paths(value: &Value, path: &str, found: &mut Vec<(String, String, String, String)>) {
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    let path = format!("{path}{}{key}", if path.is_empty() { "" } else { "." });
                    found.push((path.clone(), String::new(), String::new(), String::new()));
                    paths(value, &path, found);
                }
            }
            Value::Array(items) => {
                items.iter().for_each(|item| paths(item, &format!("{path}[]"), found))
            }
            _ => {}
        }
    }

    let mut documented: BTreeMap<String, Documented> =
        serde_json::from_str(include_str!("../fields.json")).unwrap();
    assert!(documented.len() >= 88, "an entry of fields.json is gone");
    for command in Command::ALL {
        documented.entry(command.as_str().to_owned()).or_insert_with(|| {
            let mut fields = Vec::new();
            for (_, body) in payloads(command) {
                paths(&serde_json::from_str(&body).unwrap(), "", &mut fields);
            }
            Documented {
                phase: command.phase().as_str().to_owned(),
                fields,
                reply: serde_json::from_slice(Reply::ok().as_bytes()).unwrap(),
            }
        });
    }
    documented
}

impl Documented {
    fn kind(&self, path: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.0 == path).map(|field| field.1.as_str())
    }
}

fn is_id(name: &str) -> bool {
    let endings = ["_Account", "Id", "ID", "MsgKey"];
    name != "EventGroupId" && endings.iter().any(|ending| name.ends_with(ending))
}

/// The listed normalisations, applied to a body.
fn normalise(command: &Command, documented: &Documented, mut body: Value) -> Value {
    fn walk(documented: &Documented, path: &str, value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.retain(|_, value| !value.is_null());
                let keys: Vec<_> = members.keys().cloned().collect();
                for key in keys {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    let kind = documented
                        .kind(&path)
                        .unwrap_or(if key == "Size" { "integer" } else { "" })
                        .to_owned();
                    let value = &mut members[&key];
                    let text = value.as_str().map(str::to_owned);
                    match (kind.as_str(), text) {
                        ("integer", Some(text)) => *value = text.parse::<i64>().unwrap().into(),
                        ("string-or-integer", Some(text)) if key == "EventTime" => {
                            *value = text.parse::<i64>().unwrap().into();
                        }
                        ("boolean-or-string", Some(text)) => *value = (text == "true").into(),
                        ("array-or-string", Some(text)) => *value = vec![text].into(),
                        _ if is_id(&key) && value.is_number() && key != "SdkAppId" => {
                            *value = value.to_string().into();
                        }
                        _ => walk(documented, &path, value),
                    }
                }
            }
            Value::Array(items) => {
                let path = format!("{path}[]");
                items.iter_mut().for_each(|item| walk(documented, &path, item));
            }
            _ => {}
        }
    }

    walk(documented, "", &mut body);
    body["CallbackCommand"] = command.as_str().into();
    // Lists that are always there are always written.
    for (path, kind, presence, _) in &documented.fields {
        if kind.starts_with("array")
            && presence == "always"
            && !path.contains(['.', '['])
            && body.get(path).is_none()
        {
            body[path] = Value::Array(Vec::new());
        }
    }
    body
}

fn parse(command: &Command, body: &str) -> Event {
    let params = verifier_for(command);
    Callback::parse_untyped(params, body.to_owned().into())
        .unwrap_or_else(|rejection| panic!("{command}: {rejection}: {body}"))
        .event
}

fn verifier_for(command: &Command) -> Params {
    let url = format!("/?SdkAppid=1400187352&CallbackCommand={command}").parse().unwrap();
    let apps = Apps::new([App::unsigned(1_400_187_352)]);
    common::params_of(&Verifier::new(apps), &http::Method::POST, &url)
}

/// The command of a payload of `ContentCallback.ResultNotify` carries an app of its own; put ours
/// there.
fn ours(body: &str) -> String {
    let mut value: Value = serde_json::from_str(body).unwrap();
    match value.get_mut("SdkAppId") {
        Some(app) => {
            *app = 1_400_187_352.into();
            value.to_string()
        }
        None => body.to_owned(),
    }
}

#[track_caller]
fn typed(command: &Command, body: &str, what: &str) -> Event {
    let event = parse(command, body);
    let misfit = event.misfit().map(|misfit| format!("{misfit}: {}", misfit.message()));
    assert!(!matches!(event, Event::Unknown(_)), "{command}, {what}: {misfit:?}\n{body}");
    assert_eq!(event.command(), command);
    event
}
