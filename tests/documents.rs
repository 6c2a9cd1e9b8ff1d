//! The documents say the same in both languages, and name what is there.
#![allow(clippy::pedantic)]

use std::path::{Path, PathBuf};

use tencent_im_callback::{Cause, RejectionKind};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Pages of the documentation, each in `src/docs` and in `src/docs/zh`.
const PAGES: [&str; 18] = [
    "guide",
    "axum",
    "hyper",
    "other_frameworks",
    "hand_written",
    "moving",
    "verify_only",
    "stacks",
    "moderation",
    "errors",
    "commands",
    "testing",
    "tracing",
    "metrics",
    "deployment",
    "console",
    "troubleshooting",
    "word_lists",
];

/// A document without what its language decides: the depth of each heading, each block of code, the
/// code in each table row, and how many items each list has.
fn skeleton(text: &str) -> Vec<String> {
    let mut skeleton = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        match &mut block {
            Some(code) => {
                code.push('\n');
                code.push_str(line);
                if line == "```" {
                    skeleton.extend(block.take());
                }
            }
            None if line.starts_with("```") => block = Some(line.to_owned()),
            None if line.starts_with('#') => {
                skeleton.push(line.split(' ').next().unwrap().to_owned())
            }
            None if line.starts_with("- ") => skeleton.push("-".to_owned()),
            None if line.starts_with('|') => {
                let mut code: Vec<_> = line.split('`').skip(1).step_by(2).collect();
                // Each language has its own order of words.
                code.sort_unstable();
                skeleton.push(format!("| {}", code.join(" ")));
            }
            None => {}
        }
    }
    assert_eq!(block, None, "a block of code has no end");
    skeleton
}

/// What is written as code in running text.
fn words(text: &str) -> std::collections::BTreeSet<String> {
    let mut words = std::collections::BTreeSet::new();
    let mut code = false;
    for line in text.lines() {
        if line.starts_with("```") {
            code = !code;
        } else if !code {
            words.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    words
}

/// Comments in the code are in the language of the text around it.
fn without_comments(code: &str) -> String {
    let hashes =
        ["```sh", "```nginx", "```yaml", "```toml"].iter().any(|start| code.starts_with(start));
    let comment = if hashes { "# " } else { "// " };
    // So are the summaries of alerts.
    let said = |line: &str| line.split(comment).next().unwrap_or_default().trim_end().to_owned();
    let lines = code.lines().map(|line| match line.split_once("summary: ") {
        Some((before, _)) => before.to_owned(),
        None => said(line),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_two_readmes_have_the_same_headings_code_and_words() {
    let (english, chinese) = (read("README.md"), read("README.zh-CN.md"));
    let (left, right) = (skeleton(&english), skeleton(&chinese));
    for (left, right) in left.iter().zip(&right) {
        assert_eq!(without_comments(left), without_comments(right));
    }
    assert_eq!(left.len(), right.len());
    assert_eq!(words(&english), words(&chinese));
}

#[test]
fn the_pages_in_chinese_have_the_headings_code_and_tables_of_the_english_ones() {
    for page in PAGES {
        let english = read(&format!("src/docs/{page}.md"));
        let chinese = read(&format!("src/docs/zh/{page}.md"));
        let (left, right) = (skeleton(&english), skeleton(&chinese));
        for (left, right) in left.iter().zip(&right) {
            assert_eq!(without_comments(left), without_comments(right), "{page}");
        }
        assert_eq!(left.len(), right.len(), "{page}");
    }
}

#[test]
fn security_in_chinese_says_what_the_english_text_says() {
    let (english, chinese) = (read("SECURITY.md"), read("SECURITY.zh-CN.md"));
    let (left, right) = (skeleton(&english), skeleton(&chinese));
    assert_eq!(left, right);
    assert_eq!(words(&english), words(&chinese));
}

/// A row for each refusal, with the status and the words that a peer gets. So a kind that is added,
/// or a phrase that is changed, is explained there.
#[test]
fn the_tables_of_troubleshooting_have_every_refusal() {
    let kinds = RejectionKind::ALL.iter().filter(|kind| **kind != RejectionKind::Probe);
    let known: Vec<_> = kinds
        .map(|kind| format!("| {} | `{}` | `{kind:?}` | ", kind.status().as_u16(), kind.phrase()))
        .collect();
    for file in ["src/docs/troubleshooting.md", "src/docs/zh/troubleshooting.md"] {
        let text = read(file);
        let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| 4")).collect();
        let failed: Vec<_> = text.lines().filter(|line| line.starts_with("| 5")).collect();
        assert_eq!(rows.len() + failed.len(), known.len(), "{file}");
        for (row, known) in rows.into_iter().chain(failed).zip(&known) {
            assert!(row.starts_with(known.as_str()), "{file}: {row} is not {known}");
        }
        // Each cause is among the names, or has the beginning of one.
        let names: Vec<_> = text.split('`').skip(1).step_by(2).collect();
        for cause in Cause::ALL {
            let is_named = |name: &&&str| {
                cause.as_str() == **name
                    || name.ends_with("_…") && cause.as_str().starts_with("body_")
            };
            assert!(names.iter().any(|name| is_named(&name)), "{file}: {cause:?}");
        }
    }
}

#[test]
fn numbers_in_the_documents_are_those_of_the_code() {
    let commands = tencent_im_callback::Command::ALL.len().to_string();
    let manifest = read("Cargo.toml");
    let of = |key: &str| {
        let line = manifest.lines().find(|line| line.starts_with(key)).unwrap();
        line.split('"').nth(1).unwrap().to_owned()
    };
    let (version, rust) = (of("version"), of("rust-version"));
    let minor = version.rsplit_once('.').unwrap().0;
    for file in ["README.md", "README.zh-CN.md"] {
        let text = read(file);
        for part in [
            format!(" {commands} "),
            format!("Rust {rust}"),
            format!("tencent-im-callback = {{ version = \"{minor}\""),
        ] {
            assert!(text.contains(&part), "{part:?} is not in {file}");
        }
    }
    assert!(read("src/docs/guide.md").contains(&format!("minimum Rust version ({rust})")));
    let changelog = read("CHANGELOG.md");
    assert!(changelog.contains(&format!("## {version}")));
}
