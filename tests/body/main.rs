//! Bodies: how they are read, and what becomes of one that cannot be read or does not fit.
#![allow(clippy::pedantic)]

#[path = "../common/attack.rs"]
mod attack;
#[path = "../common/mod.rs"]
mod common;

mod body_as;
mod deep;
mod frames;
mod json;
mod read;
mod surrogates;
mod twice;
mod unjudged;
mod unreadable;
mod wire;

use serde_json::Value;
use tencent_im_callback::{Command, Event, Phase};

fn before() -> impl Iterator<Item = &'static Command> {
    Command::ALL.iter().filter(|command| command.phase() == Phase::Before)
}

/// Every body that the vendor's pages show, with its command.
fn documented() -> Vec<(Command, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/testing/payloads");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> = files
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let word = name.split(".other").next().unwrap().trim_end_matches(".json");
            (Command::from(word), std::fs::read_to_string(path).unwrap())
        })
        .filter(|(command, _)| !command.is_unknown())
        .collect();
    all.sort();
    assert!(all.len() > Command::ALL.len());
    all
}

/// Where each object of a JSON text starts (behind its `{`), with the path to it and its keys.
fn objects(value: &Value, path: &str, found: &mut Vec<(String, Vec<String>)>) {
    match value {
        Value::Object(members) => {
            found.push((path.to_owned(), members.keys().cloned().collect()));
            for (key, value) in members {
                objects(value, &format!("{path}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                objects(item, &format!("{path}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// A batch gives up an item that does not fit, and keeps the others.
fn lost_an_item(event: &Event) -> bool {
    let batch = matches!(event, Event::PushAllMemberPush(_) | Event::PushOfflinePush(_));
    batch && format!("{event:?}").contains("Unknown(")
}
