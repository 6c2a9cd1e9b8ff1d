//! What arrived and is not typed, found by comparing the raw body with the event written back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;

use crate::json::replace_unpaired;
use crate::message::MsgElement;

/// Paths of the members that `raw` has and `written` lacks, such as `PairList[].Nickname`.
///
/// Both stay raw as far as possible, so that a member nobody knows may hold whatever JSON may hold. `null` and an empty text are
/// passed over: known members that arrive like this are written back as absent.
pub(crate) fn unknown_fields(raw: &str, written: &str) -> Vec<String> {
    let mut found = BTreeSet::new();
    compare(&replace_unpaired(raw), written, "", &mut found);
    found.into_iter().collect()
}

fn compare(raw: &str, written: &str, path: &str, found: &mut BTreeSet<String>) {
    match (first(raw), first(written)) {
        (Some(b'{'), Some(b'{')) => compare_members(raw, written, path, found),
        (Some(b'['), Some(b'[')) => {
            let (Ok(raw), Ok(written)) = (items(raw), items(written)) else {
                return;
            };
            let path = format!("{path}[]");
            for (raw, written) in raw.into_iter().zip(written) {
                compare(raw.get(), written.get(), &path, found);
            }
        }
        _ => {}
    }
}

fn compare_members(raw: &str, written: &str, path: &str, found: &mut BTreeSet<String>) {
    let (Ok(raw), Ok(written)) = (members(raw), members(written)) else {
        return;
    };
    if is_unknown_element(&raw, path) {
        found.insert(path.to_owned());
        return;
    }
    for (key, value) in raw {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match written.get(&key) {
            Some(written) => compare(value.get(), written.get(), &path, found),
            None if matches!(value.get(), "null" | "\"\"") || path == "CallbackCommand" => {}
            None => drop(found.insert(path)),
        }
    }
}

/// Whether an object is an element of a message that this version keeps raw: of a kind it does not know, or a bundle too deep inside
/// others. The latter also ends the recursion.
fn is_unknown_element(members: &BTreeMap<String, &RawValue>, path: &str) -> bool {
    let kind = || {
        members.get("MsgContent")?;
        serde_json::from_str::<String>(members.get("MsgType")?.get()).ok()
    };
    let bundles = path.matches(".MsgList[].MsgBody[]").count();
    kind().is_some_and(|kind| !MsgElement::knows(&kind, bundles))
}

fn first(json: &str) -> Option<u8> {
    json.trim_ascii_start().bytes().next()
}

fn items(json: &str) -> serde_json::Result<Vec<&RawValue>> {
    serde_json::from_str(json)
}

fn members(json: &str) -> serde_json::Result<BTreeMap<String, &RawValue>> {
    serde_json::from_str(json)
}
