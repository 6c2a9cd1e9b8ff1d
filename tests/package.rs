//! What the package promises about what it is built from.
#![allow(clippy::pedantic)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// `cargo metadata` of the package with default features and nothing else.
fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn version(text: &str) -> Vec<u32> {
    // 1.88 is 1.88.0.
    let parts = text.split('.').map(|part| part.parse().unwrap());
    parts.chain(std::iter::repeat(0)).take(3).collect()
}

/// Names of the optional dependencies that a feature turns on, and of the features that it does.
fn turned_on(features: &Value, feature: &str, found: &mut BTreeSet<String>) {
    for what in features[feature].as_array().into_iter().flatten() {
        let what = what.as_str().unwrap();
        match what.strip_prefix("dep:") {
            Some(dependency) => drop(found.insert(dependency.to_owned())),
            None => turned_on(features, what, found),
        }
    }
}

#[test]
fn the_oldest_rust_is_new_enough_for_what_users_build() {
    let metadata = metadata();
    let packages: BTreeMap<&str, &Value> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| (package["id"].as_str().unwrap(), package))
        .collect();
    let nodes: BTreeMap<&str, &Value> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["id"].as_str().unwrap(), node))
        .collect();
    let root = metadata["resolve"]["root"].as_str().unwrap();
    let mut optional = BTreeSet::new();
    turned_on(&packages[root]["features"], "default", &mut optional);

    let mut seen = BTreeSet::new();
    let mut todo = vec![root];
    while let Some(id) = todo.pop() {
        for dependency in nodes[id]["deps"].as_array().unwrap() {
            let kinds = dependency["dep_kinds"].as_array().unwrap();
            if !kinds.iter().any(|kind| kind["kind"].is_null()) {
                continue;
            }
            let to = dependency["pkg"].as_str().unwrap();
            let name = packages[to]["name"].as_str().unwrap();
            let declared = packages[id]["dependencies"].as_array().unwrap().iter();
            let is_optional = declared
                .filter(|declared| declared["name"] == name && declared["kind"].is_null())
                .all(|declared| declared["optional"] == true);
            // The features of others are not ours to choose here: what is resolved counts.
            if id == root && is_optional && !optional.contains(name) {
                continue;
            }
            if seen.insert(to) {
                todo.push(to);
            }
        }
    }
    assert!(seen.len() > 20, "{seen:?}");
    let ours = version(packages[root]["rust_version"].as_str().unwrap());
    for id in seen {
        if let Some(theirs) = packages[id]["rust_version"].as_str() {
            assert!(version(theirs) <= ours, "{id} wants {theirs}");
        }
    }
}

#[test]
fn each_dependency_says_why() {
    let manifest = include_str!("../Cargo.toml");
    let mut section = "";
    let mut before = "";
    let mut reasons = 0;
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]")
            && line.contains(" = ")
            && !line.starts_with('#')
        {
            assert!(before.starts_with("# "), "{section} {line}");
            reasons += 1;
        }
        before = line;
    }
    assert!(reasons > 30, "{reasons}");
}

/// One release for the three crates that are published, with a heading in the changelog.
#[test]
fn versions_agree_with_each_other_and_the_changelog() {
    let metadata = metadata();
    let ours: Vec<&Value> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|package| package["source"].is_null() && package["publish"].is_null())
        .collect();
    let names: BTreeSet<&str> = ours.iter().filter_map(|ours| ours["name"].as_str()).collect();
    let published = ["tencent-im-callback", "tencent-im-callback-cli", "tencent-im-callback-queue"];
    assert_eq!(names, BTreeSet::from(published));
    let version = env!("CARGO_PKG_VERSION");
    for ours in ours {
        assert_eq!(ours["version"], version, "{}", ours["name"]);
        for dependency in ours["dependencies"].as_array().unwrap() {
            let is_ours = dependency["name"].as_str().is_some_and(|name| names.contains(name));
            if is_ours && dependency["kind"].is_null() {
                assert_eq!(dependency["req"], format!("^{version}"), "{}", ours["name"]);
            }
        }
    }
    let changelog = include_str!("../CHANGELOG.md");
    let (_, rest) = changelog.split_once(&format!("\n## {version} (")).unwrap();
    let (date, _) = rest.split_once(")\n").unwrap();
    let is_date =
        |(at, c): (usize, char)| if at == 4 || at == 7 { c == '-' } else { c.is_ascii_digit() };
    assert!(date.len() == 10 && date.chars().enumerate().all(is_date), "{date}");
}
