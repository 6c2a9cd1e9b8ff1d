use serde::Deserialize;

use super::super::rules::TOO_MANY_ITEMS;
use super::*;

#[derive(Debug, Default, PartialEq, Deserialize)]
struct Sample {
    number: Option<i64>,
    flag: Option<bool>,
    name: Option<String>,
    list: Option<Vec<String>>,
    inner: Option<Box<Sample>>,
}

fn read(json: &str) -> Result<Sample, String> {
    from_str(json).map_err(|error| error.to_string())
}

#[test]
fn the_keys_of_a_map_take_room_that_is_missing_elsewhere() {
    #[derive(Deserialize)]
    struct Wide {
        _one: Option<String>,
        _other: Option<String>,
    }

    #[derive(Deserialize)]
    struct Both {
        map: std::collections::BTreeMap<String, u8>,
        list: Vec<Wide>,
    }

    let keys: Vec<String> = (0..8000).map(|key| format!(r#""{key:04}":0"#)).collect();
    let both = |list: usize| {
        let list = vec!["{}"; list].join(",");
        from_str::<Both>(&format!(r#"{{"map":{{{}}},"list":[{list}]}}"#, keys.join(",")))
    };
    let few = both(10).unwrap();
    assert_eq!((few.map.len(), few.list.len()), (8000, 10));
    let error = both(9000).map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with(TOO_MANY_ITEMS), "{error}");
}

#[test]
fn an_empty_string_is_an_absent_number_at_any_depth() {
    let wanted = Sample {
        flag: Some(true),
        list: Some(vec!["a".into()]),
        inner: Some(Box::default()),
        ..Sample::default()
    };
    let read = read(r#"{"number":"","flag":"true","list":"a","inner":{"number":"","flag":""}}"#);
    assert_eq!(read, Ok(wanted));
}

#[test]
fn an_empty_text_stays_one() {
    assert_eq!(read(r#"{"name":""}"#).map(|sample| sample.name), Ok(Some(String::new())));
}

/// It is no way to leave out what is no number.
#[test]
fn an_empty_string_is_no_absent_object() {
    assert!(read(r#"{"inner":""}"#).is_err());
}

#[test]
fn a_struct_is_an_object() {
    assert!(read("[1,true]").is_err());
    assert!(read(r#"{"inner":[1,true]}"#).is_err());
}

#[test]
fn a_whole_number_may_be_written_as_a_float() {
    for (json, wanted) in [
        ("123.0", 123),
        ("1.670574414123e12", 1_670_574_414_123),
        ("-0.0", 0),
        ("-9007199254740992.0", -9_007_199_254_740_992),
    ] {
        let read = read(&format!(r#"{{"number":{json}}}"#));
        assert_eq!(read.map(|sample| sample.number), Ok(Some(wanted)), "{json}");
    }
}

#[test]
fn what_is_no_number_is_none() {
    for json in [
        r#"{"number":1.5}"#,
        r#"{"number":9007199254740993.0}"#,
        r#"{"number":1e300}"#,
        r#"{"number":"1.5"}"#,
        r#"{"number":" 1"}"#,
        r#"{"number":true}"#,
    ] {
        assert!(read(json).is_err(), "{json}");
    }
}
