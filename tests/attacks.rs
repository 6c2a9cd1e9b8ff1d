//! tests/ATTACKS.md names the test that proves each answer: each of them is there, and runs. Each
//! test of a file whose first line begins with "Attacks" is in it.
#![allow(clippy::pedantic)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The tests that the tables of a text name, each as file and function.
fn named(text: &str) -> BTreeSet<(String, String)> {
    let mut named = BTreeSet::new();
    for row in text.lines().filter(|line| line.starts_with("| ") && line.contains(".rs` `")) {
        // A file in backticks, then the names of the tests in it, then perhaps another file.
        let proofs = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap();
        let mut file = "";
        for quoted in proofs.split('`').skip(1).step_by(2) {
            if quoted.ends_with(".rs") {
                file = quoted;
            } else {
                named.insert((file.to_owned(), quoted.to_owned()));
            }
        }
    }
    named
}

/// What stands over a function, between it and the end of what is before it.
fn attributes(file: &str, function: &str) -> String {
    let source = std::fs::read_to_string(root().join(file)).unwrap_or_else(|_| panic!("{file}"));
    let at = source
        .find(&format!("fn {function}("))
        .unwrap_or_else(|| panic!("{function} is not in {file}"));
    let over = source[..at].lines().rev().skip(usize::from(!source[..at].ends_with('\n')));
    over.map(str::trim)
        .take_while(|line| line.starts_with("#[") || line.starts_with("//"))
        .collect()
}

/// The files whose first line says that they are about attacks.
fn attacks(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            attacks(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && std::fs::read_to_string(&path).unwrap().starts_with("//! Attacks ")
        {
            files.push(path);
        }
    }
}

#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let text = std::fs::read_to_string(root().join("tests/ATTACKS.md")).unwrap();
    let proved = named(&text);
    assert!(proved.len() >= 80, "{} tests are named", proved.len());
    for (file, function) in &proved {
        let attributes = attributes(file, function);
        assert!(
            attributes.contains("test") && !attributes.contains("#[ignore"),
            "{function} is no test that runs"
        );
    }
    // No attack is left out.
    let mut files = Vec::new();
    attacks(&root().join("tests"), &mut files);
    assert!(files.len() >= 10, "{files:?}");
    for path in files {
        let file = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
        let source = std::fs::read_to_string(&path).unwrap();
        let tests = source
            .split("test]\n")
            .skip(1)
            .chain(source.split("test(start_paused = true)]\n").skip(1));
        for test in tests {
            let function = test.split_once("fn ").unwrap().1.split('(').next().unwrap();
            let key = (file.clone(), function.to_owned());
            assert!(proved.contains(&key), "{function} is not in tests/ATTACKS.md");
        }
    }
}
