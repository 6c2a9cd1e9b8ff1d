//! Which types of other crates the public API shows, read from the committed listing; `.ci/api`
//! compares that with the code.
#![allow(clippy::pedantic)]

use std::collections::BTreeSet;

/// The crates that paths in the listing begin with.
fn crates(listing: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for line in listing.lines() {
        let bytes = line.as_bytes();
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let mut at = 0;
        while at < bytes.len() {
            let from = at;
            while at < bytes.len() && is_word(bytes[at]) {
                at += 1;
            }
            let begins = at > from && !line[..from].ends_with("::") && line[at..].starts_with("::");
            // Generic parameters and `Self` begin with a capital.
            if begins && bytes[from].is_ascii_lowercase() && &line[from..at] != "crate" {
                found.insert(&line[from..at]);
            }
            at = at.max(from + 1);
        }
    }
    found
}

#[test]
fn no_types_of_other_crates_but_those_of_the_trade() {
    let listing = include_str!("../.ci/api.txt");
    assert!(listing.lines().count() > 1000, "{}", listing.lines().count());
    let allowed = BTreeSet::from([
        "alloc",
        // What is implemented for these.
        "bool",
        "i64",
        "str",
        "u64",
        "bytes",
        "core",
        "http",
        "http_body",
        "jiff",
        "serde",
        "serde_core",
        "std",
        "tower_layer",
        "tower_service",
    ]);
    let found = crates(listing);
    assert!(found.contains("http") && found.contains("tower_service"), "{found:?}");
    assert_eq!(found.difference(&allowed).collect::<Vec<_>>(), [&""; 0]);
}
