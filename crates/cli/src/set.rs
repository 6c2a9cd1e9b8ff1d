//! `--set path=value`: changes one member of a JSON text and leaves every other byte of the values
//! as it was.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Most steps of a path.
const DEEPEST: usize = 64;

/// In a value: the number of the callback. (`{n}` would be a line break in clap's help.)
const NUMBER: &str = "{number}";

/// One change: `path=text` or `path:=json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    path: Vec<Step>,
    json: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Member(String),
    Item(usize),
}

impl std::str::FromStr for Change {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (path, value) =
            text.split_once('=').ok_or("wants path=text, or path:=json for anything but text")?;
        let (path, json) = match path.strip_suffix(':') {
            Some(path) => {
                // A number takes its place later.
                serde_json::from_str::<&RawValue>(&value.replace(NUMBER, "0"))
                    .map_err(|error| format!("the value is no JSON: {error}"))?;
                (path, value.trim().to_owned())
            }
            None => (path, quoted(value)),
        };
        Ok(Change { path: steps(path)?, json })
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `MsgBody[0].MsgContent.Text`.
fn steps(path: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let (name, mut items) = match part.find('[') {
            Some(at) => part.split_at(at),
            None => (part, ""),
        };
        if name.is_empty() {
            return Err(format!("{path:?} has a step without a name"));
        }
        steps.push(Step::Member(name.to_owned()));
        while let Some(rest) = items.strip_prefix('[') {
            let (number, rest) =
                rest.split_once(']').ok_or_else(|| format!("{path:?} has a [ without its ]"))?;
            let number =
                number.parse().map_err(|_| format!("{number:?} is no number of an item"))?;
            steps.push(Step::Item(number));
            items = rest;
        }
        if !items.is_empty() {
            return Err(format!("{items:?} in {path:?} is no step"));
        }
    }
    if steps.len() > DEEPEST {
        return Err("the path has too many steps".into());
    }
    Ok(steps)
}

impl Change {
    /// Whether it is another one for each callback.
    pub(crate) fn is_numbered(&self) -> bool {
        self.json.contains(NUMBER)
    }

    /// With the number of a callback in the place of `{number}`.
    pub(crate) fn numbered(&self, number: u64) -> Change {
        Change { json: self.json.replace(NUMBER, &number.to_string()), ..self.clone() }
    }

    /// Changes a JSON text. What is missing on the way is made; what is there and of another kind
    /// is an error.
    pub(crate) fn apply(&self, json: &str) -> Result<String, String> {
        put(json, &self.path, &self.json)
    }
}

/// The members of an object in their order, duplicate ones included.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
                    members.push((Cow::Owned(member.0), member.1));
                }
                Ok(Members(members))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
                Err(serde::de::Error::custom("a list where an object was expected"))
            }
        }

        deserializer.deserialize_map(Read)
    }
}

fn put(json: &str, path: &[Step], value: &str) -> Result<String, String> {
    match path.split_first() {
        None => Ok(value.to_owned()),
        Some((Step::Member(name), rest)) => {
            let Members(members) = serde_json::from_str(json)
                .map_err(|error| format!("no object to set {name:?} in: {error}"))?;
            // Of a duplicate member every one is set, since nobody knows which one counts.
            let mut changed: BTreeMap<usize, String> = BTreeMap::new();
            for (at, (key, old)) in members.iter().enumerate() {
                if key == name {
                    changed.insert(at, put(old.get(), rest, value)?);
                }
            }
            let missing = changed.is_empty();
            let mut pairs: Vec<String> = Vec::new();
            for (at, (key, old)) in members.iter().enumerate() {
                let new = changed.get(&at).map_or(old.get(), String::as_str);
                pairs.push(format!("{}:{new}", quoted(key)));
            }
            if missing {
                pairs.push(format!("{}:{}", quoted(name), put(new_for(rest, value), rest, value)?));
            }
            Ok(format!("{{{}}}", pairs.join(",")))
        }
        Some((Step::Item(at), rest)) => {
            let items: Vec<&RawValue> = serde_json::from_str(json)
                .map_err(|error| format!("no list to set item {at} of: {error}"))?;
            if *at > items.len() {
                return Err(format!("item {at} of a list of {}", items.len()));
            }
            let mut items: Vec<String> =
                items.into_iter().map(|item| item.get().to_owned()).collect();
            match items.get_mut(*at) {
                Some(item) => *item = put(item, rest, value)?,
                None => items.push(put(new_for(rest, value), rest, value)?),
            }
            Ok(format!("[{}]", items.join(",")))
        }
    }
}

/// What a member that is not there yet begins as.
fn new_for<'a>(path: &[Step], value: &'a str) -> &'a str {
    match path.first() {
        Some(Step::Member(_)) => "{}",
        Some(Step::Item(_)) => "[]",
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn set(json: &str, change: &str) -> Result<String, String> {
        change.parse::<Change>()?.apply(json)
    }

    #[test]
    fn members_and_items_are_set_and_made() {
        assert_eq!(set(r#"{"a":1.50, "b":2}"#, "b=x=y").unwrap(), r#"{"a":1.50,"b":"x=y"}"#);
        assert_eq!(set(r#"{"a":[1,{"b":2}]}"#, "a[1].b:=3").unwrap(), r#"{"a":[1,{"b":3}]}"#);
        assert_eq!(set("{}", "a.b[0].c=d").unwrap(), r#"{"a":{"b":[{"c":"d"}]}}"#);
        assert_eq!(set(r#"{"a":1,"a":2}"#, "a:=3").unwrap(), r#"{"a":3,"a":3}"#);
        assert_eq!(set(r#"{"s":"\ud800"}"#, "a:=[]").unwrap(), r#"{"s":"\ud800","a":[]}"#);
        for bad in ["a", "=1", "a[", "a[x]=1", "a[0]b=1", "a..b=1", "a:={", "a[7]=1", "n.x=1"] {
            assert!(set(r#"{"a":[],"n":1}"#, bad).is_err(), "{bad}");
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_was_asked_for_is_there_and_the_rest_is_as_it_was(
            body in prop::collection::btree_map("[a-c]", json(), 0..4),
            path in prop::collection::vec("[a-d]", 1..4),
            text in ".*",
        ) {
            let body = Value::Object(body.into_iter().collect());
            let change: Change = format!("{}={text}", path.join(".")).parse().unwrap();
            if let Ok(changed) = change.apply(&body.to_string()) {
                let mut changed: Value = serde_json::from_str(&changed).unwrap();
                // Done by hand on the value.
                let mut by_hand = body;
                let mut place = &mut by_hand;
                for name in &path {
                    if place.is_null() { *place = Value::Object(serde_json::Map::default()); }
                    place = &mut place[name.as_str()];
                }
                *place = Value::from(text);
                prop_assert_eq!(changed.take(), by_hand);
            }
        }

        #[test]
        fn no_path_makes_it_panic(change in ".*", json in ".*") {
            if let Ok(change) = change.parse::<Change>() {
                let _ = change.apply(&json);
            }
        }
    }
}
