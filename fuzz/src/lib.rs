//! What the fuzz targets check, and the seeds they start from.
//!
//! Each target is a module with a `check` that panics where the crate is wrong, and `seeds` written
//! beside the reading of its input. The binaries in `fuzz_targets/` only hand libFuzzer's bytes
//! over, so `cargo test` here replays seeds and corpora without a fuzzer, on stable Rust.

pub mod body;
mod broken;
pub mod json;
mod judged;
pub mod message;
pub mod mutate;
pub mod params;
pub mod reference;
pub mod service;
pub mod sha256;
pub mod verify;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tencent_im_callback::Command;

pub const APP: u64 = 1_400_000_000;
pub const TOKEN: &str = "xxxxyyyy";
/// The time of the vendor's own signature.
pub const NOW: u64 = 1_669_872_112;

pub fn clock() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

/// Words beside those of [`Command::ALL`]: old ones, unknown ones, and what comes near to a known
/// one.
const OTHER_WORDS: [&str; 6] = [
    "Live.CallbackMemberStateChanged",
    "Room.CallbackUpdateRoomInfo",
    "New.Word",
    "",
    "sns.callbackfrienddelete",
    "Sns.CallbackFriendDelete ",
];

/// The command that a byte of the input stands for.
pub fn command(selector: u8) -> Command {
    let at = usize::from(selector) % (Command::ALL.len() + OTHER_WORDS.len());
    match Command::ALL.get(at) {
        Some(command) => command.clone(),
        None => Command::from(OTHER_WORDS[at - Command::ALL.len()]),
    }
}

/// The byte that stands for a command.
pub fn selector(command: &Command) -> u8 {
    let at = Command::ALL.iter().position(|known| known == command).expect("a known command");
    u8::try_from(at).expect("fewer than 256 commands")
}

/// Writes the seeds of a target into the folder that `SEEDS_INTO` names, and ends the process, if
/// it names one.
pub fn write_seeds_if_asked(seeds: impl FnOnce() -> Vec<Vec<u8>>) {
    let Some(folder) = std::env::var_os("SEEDS_INTO") else {
        return;
    };
    let folder = PathBuf::from(folder);
    std::fs::create_dir_all(&folder).expect("a folder for the seeds");
    for (at, seed) in seeds().into_iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{at:04}")), seed).expect("a seed is written");
    }
    std::process::exit(0);
}

/// The documented bodies, with the command they belong to.
pub fn payloads() -> Vec<(Command, String)> {
    let mut found = Vec::new();
    for (name, text) in files("src/testing/payloads") {
        let word = name.trim_end_matches(".json");
        let word = word.split(".other-").next().unwrap_or(word);
        let command = Command::from(word);
        if !command.is_unknown() {
            found.push((command, text));
        }
    }
    found
}

/// The documented message elements.
pub fn elements() -> Vec<String> {
    files("tests/elements").into_iter().map(|(_, text)| text).collect()
}

/// The files of a folder of the crate, by name.
fn files(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .expect("the crate's test files")
        .map(|entry| {
            let path = entry.expect("a readable folder").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).expect("a readable file"))
        })
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name, check, seeds, and the bytes before the JSON of an input that has some.
    type Target = (&'static str, fn(&[u8]), fn() -> Vec<Vec<u8>>, Option<usize>);

    const TARGETS: [Target; 5] = [
        ("params", params::check, params::seeds, None),
        ("verify", verify::check, verify::seeds, None),
        ("body", body::check, body::seeds, Some(body::HEAD)),
        ("service", service::check, service::seeds, Some(service::HEAD)),
        ("message", message::check, message::seeds, Some(message::HEAD)),
    ];

    /// Only `params` and `verify` have a committed corpus; git keeps no empty folder for the
    /// others.
    fn corpus(name: &str) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        if !folder.exists() {
            assert!(!["params", "verify"].contains(&name), "the corpus of {name} is committed");
            return Vec::new();
        }
        let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
            .expect("a readable folder")
            .map(|entry| entry.expect("a readable folder").path())
            .collect();
        found.sort();
        found.into_iter().map(|path| std::fs::read(path).expect("a readable file")).collect()
    }

    /// Says which input it was, where a check panics.
    struct Tried<'a>(&'a str, &'a [u8]);

    impl Drop for Tried<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                println!("{}: {}", self.0, self.1.escape_ascii());
            }
        }
    }

    fn run(name: &str, check: fn(&[u8]), input: &[u8]) {
        let _tried = Tried(name, input);
        check(input);
    }

    /// Replays what the fuzzer would start from, without a fuzzer.
    #[test]
    fn seeds_and_corpora_pass() {
        for (name, check, seeds, _) in TARGETS {
            let seeds = seeds();
            assert!(seeds.len() > 10, "{name}");
            for input in seeds.iter().chain(&corpus(name)) {
                run(name, check, input);
            }
        }
    }

    /// The same mutations each time, so that whether a commit passes does not depend on luck.
    #[test]
    fn mutations_with_a_fixed_seed_pass() {
        const ROUNDS: u32 = 1_000;
        for (name, check, seeds, head) in TARGETS {
            for (at, seed) in seeds().iter().chain(&corpus(name)).enumerate() {
                let mut input = seed.clone();
                for round in 0..ROUNDS {
                    let number = u32::try_from(at).expect("few seeds") * ROUNDS + round;
                    mutate::any(head, &mut input, number);
                    run(name, check, &input);
                    // A few mutations on top of each other, then afresh.
                    if round % 5 == 4 {
                        input.clone_from(seed);
                    }
                }
            }
        }
    }
}
