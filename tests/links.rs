//! Every link of every document leads somewhere, in a clone and without a network.
#![allow(clippy::pedantic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What is not published yet, or would need a network to be seen.
const NOWHERE: [&str; 4] = [
    "//docs.rs/tencent-im-callback",
    "//crates.io/crates/tencent-im-callback",
    "//github.com/tencent-im-callback",
    "//raw.githubusercontent.com/",
];

/// Pages that rustdoc shows under another name than that of their file.
const PAGES: [(&str, &str); 9] = [
    ("crate", "src/docs/guide.md"),
    ("crate::zh", "src/docs/zh/guide.md"),
    ("crate::metrics", "src/docs/metrics.md"),
    ("crate::moderation", "src/docs/moderation.md"),
    ("crate::testing", "src/docs/testing.md"),
    ("crate::docs::security", "SECURITY.md"),
    ("crate::zh::security", "SECURITY.zh-CN.md"),
    ("crate::docs::attacks", "tests/ATTACKS.md"),
    ("tencent_im_callback", "src/docs/guide.md"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// All documents of the repository, but for those of what was built.
fn documents() -> BTreeMap<String, String> {
    let mut documents = BTreeMap::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
            let last = name.rsplit('/').next().unwrap();
            if path.is_dir() {
                if !matches!(last, "target" | ".git" | "corpus" | "node_modules") {
                    folders.push(path);
                }
            } else if name.ends_with(".md") {
                documents.insert(name, std::fs::read_to_string(path).unwrap());
            }
        }
    }
    documents
}

/// The text without its blocks of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

/// A line without what is written as code in it.
fn plain(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

fn links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    for line in prose(text) {
        let line = plain(line);
        if let Some((_, target)) = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")) {
            links.push(target.to_owned());
        }
        let inline = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        links.extend(inline.map(|(target, _)| target.to_owned()));
        let bare = line.split("<http").skip(1).filter_map(|rest| rest.split_once('>'));
        links.extend(bare.map(|(target, _)| format!("http{target}")));
    }
    links
}

/// The names of the headings, as GitHub and rustdoc make them.
fn headings(text: &str) -> BTreeSet<String> {
    let titles = prose(text).filter(|line| line.starts_with('#') && line.contains("# "));
    let slug = |line: &str| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.collect::<String>().replace(' ', "-")
    };
    titles.map(slug).collect()
}

/// The document that an intra-doc link names, if it names one and not an item.
fn page(path: &str) -> Option<String> {
    if let Some((_, file)) = PAGES.iter().find(|(page, _)| *page == path) {
        return Some((*file).to_owned());
    }
    let file = path.strip_prefix("crate::docs::").map(|page| format!("src/docs/{page}.md"));
    let file = file
        .or_else(|| path.strip_prefix("crate::zh::").map(|page| format!("src/docs/zh/{page}.md")));
    file.filter(|file| !file.contains("::"))
}

/// Where `link` in `file` goes: a file, if it goes to one of ours.
fn target(file: &str, link: &str) -> Option<String> {
    let path = link.split('#').next().unwrap();
    if path.is_empty() {
        return Some(file.to_owned());
    }
    if let Some(page) = page(path) {
        return Some(page);
    }
    // An item, which rustdoc checks.
    let in_rustdoc = file.starts_with("src/") || file.starts_with("crates/queue/");
    let is_item = path.contains("::") || path.starts_with(char::is_uppercase);
    if in_rustdoc && is_item && !path.contains('/') && !path.contains(".md") {
        return None;
    }
    let mut to = Vec::new();
    for part in Path::new(file).parent().unwrap().join(path).components() {
        match part.as_os_str().to_str().unwrap() {
            ".." => {
                drop(to.pop().unwrap_or_else(|| panic!("{file}: {link} leaves the repository")))
            }
            part => to.push(part.to_owned()),
        }
    }
    Some(to.join("/"))
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_are_there() {
    let documents = documents();
    assert!(documents.len() > 40, "{:?}", documents.keys());
    let (mut files, mut fragments) = (0, 0);
    for (file, text) in &documents {
        for link in links(text) {
            if link.starts_with("http") {
                assert!(!NOWHERE.iter().any(|part| link.contains(part)), "{file}: {link}");
                continue;
            }
            let Some(to) = target(file, &link) else { continue };
            assert!(root().join(&to).exists(), "{file}: {link} is {to}, which is not there");
            files += 1;
            if let (Some((_, heading)), Some(text)) = (link.split_once('#'), documents.get(&to)) {
                let headings = headings(text);
                assert!(headings.contains(heading), "{file}: {link} is none of {headings:?}");
                fragments += 1;
            }
        }
    }
    assert!(files > 150 && fragments > 60, "{files}, {fragments}");
}

/// Files that a text names without a link, since rustdoc could not follow one.
#[test]
fn every_file_that_is_named_is_there() {
    let folders = ["examples/", "crates/", "tests/", "src/", "fuzz/", ".ci/"];
    let mut named = 0;
    for (file, text) in documents() {
        // Plans name what is not there any more.
        if file.ends_with("JETSTREAM.md") {
            continue;
        }
        for name in prose(&text).flat_map(|line| line.split('`').skip(1).step_by(2)) {
            if name.contains("FriendPoke") {
                continue; // the example of a callback that does not exist
            }
            let path = name.split([' ', ':']).next().unwrap();
            if !folders.iter().any(|folder| path.starts_with(folder)) || path.contains(['*', '…'])
            {
                continue;
            }
            let beside = root().join(&file).parent().unwrap().join(path);
            assert!(root().join(path).exists() || beside.exists(), "{file}: {name}");
            named += 1;
        }
    }
    assert!(named > 100, "{named}");
}

#[test]
fn the_pictures_of_the_readmes_stand_in_the_pages_as_well() {
    for (module, folder) in [("src/docs.rs", ""), ("src/zh.rs", ".zh-CN")] {
        let source = std::fs::read_to_string(root().join(module)).unwrap();
        for picture in ["stack", "phases"] {
            let file = format!("docs/pictures/{picture}{folder}.svg");
            assert!(source.contains(&format!("include_str!(\"{file}\")")), "{module}: {file}");
            let svg = std::fs::read_to_string(root().join("src").join(&file)).unwrap();
            // An empty line would end the HTML, and the rest would be text.
            assert!(svg.starts_with("<svg") && !svg.contains("\n\n"), "{file}");
            // Its style applies to the whole page, and rustdoc has classes of its own.
            for of_one in svg.split("class=\"").skip(1) {
                let names = of_one.split('"').next().unwrap();
                assert!(names.split(' ').all(|name| name.is_empty() || name.starts_with("im-")));
            }
            // A page is dark or light regardless of the system.
            assert!(svg.contains("im-paper\" width"), "{file} has no background");
        }
    }
}
