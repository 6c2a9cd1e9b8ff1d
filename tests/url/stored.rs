//! What is stored of a URL and read again says the same, whatever characters it has and wherever
//! they stand.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{Method, Uri};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tencent_im_callback::{App, Params, StoredCallback, Verified, Verifier};

/// Every character that a URL can have at all, and pieces that decode in some way or in none.
fn pieces() -> Vec<String> {
    let mut all: Vec<String> = (0x21..0x7f).map(|byte| char::from(byte).to_string()).collect();
    all.retain(|piece| !matches!(&**piece, "#" | "?" | "/" | "&" | "="));
    all.extend(
        [
            "%ff",
            "%",
            "%4",
            "%41",
            "%22",
            "%2B",
            "%26",
            "%C3",
            "%E4%BD%A0",
            "é",
            "你",
            "😀",
            "\u{80}",
        ]
        .map(str::to_owned),
    );
    all
}

fn params(pairs: &str, in_path: bool) -> Option<Params> {
    let before = if in_path { "/a/" } else { "/a?" };
    let app = crate::common::APP;
    let uri: Uri =
        format!("{before}SdkAppid={app}&CallbackCommand=State.StateChange&{pairs}").parse().ok()?;
    match Verifier::new(App::unsigned(app)).path_parameters().verify(&Method::POST, &uri) {
        Ok(Verified::Callback(params)) => Some(params),
        _ => None,
    }
}

fn shown(params: &Params) -> Vec<(String, String)> {
    params.iter().map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
}

/// The parameters after they were stored and read again, twice.
fn stored(params: &Params) -> Params {
    let mut read = StoredCallback::new(params.clone(), Bytes::new(), crate::common::clock());
    for _ in 0..2 {
        let json = serde_json::to_string(&read).unwrap();
        read = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
    }
    read.params
}

/// Each two pieces beside each other, in key and value: `"` beside `%ff` came back as `%22`.
#[test]
fn every_pair_of_characters_comes_back() {
    let mut tried = BTreeSet::new();
    for one in pieces() {
        for other in pieces() {
            for in_path in [false, true] {
                let Some(params) = params(&format!("k{one}{other}={other}{one}"), in_path) else {
                    continue;
                };
                assert_eq!(shown(&stored(&params)), shown(&params), "{one}{other} {in_path}");
                tried.insert((in_path, one.clone(), other.clone()));
            }
        }
    }
    assert!(tried.len() > 15_000, "{}", tried.len());
    assert!(tried.contains(&(true, "\"".to_owned(), "%ff".to_owned())));
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_parameters_come_back(
        pairs in vec(vec(select(pieces()), 0..8), 0..6),
        separators in vec(select(vec!["&", "=", "&&", "=&"]), 6),
        in_path in any::<bool>(),
    ) {
        let pairs = pairs.iter().zip(separators);
        let text: String = pairs.map(|(pair, separator)| pair.concat() + separator).collect();
        if let Some(params) = params(&text, in_path) {
            let again = stored(&params);
            prop_assert_eq!(shown(&again), shown(&params));
            for (key, value) in again.iter() {
                prop_assert_eq!(params.get(&key).is_some(), again.get(&key).is_some());
                prop_assert!(params.iter().any(|(_, other)| other == value));
            }
        }
    }
}
