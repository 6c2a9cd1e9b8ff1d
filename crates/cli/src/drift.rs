//! `drift`: what the vendor has added or changed since this version.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use comfy_table::{Table, presets};
use tencent_im_callback::{Callback, Event};

use crate::output::{Failure, escaped, say};
use crate::record::Reader;

/// Most different findings that are counted.
const MOST: usize = 10_000;

/// List the fields in recorded callbacks that this version does not know
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  im-callback drift callbacks.jsonl")]
pub(crate) struct Arguments {
    /// A file that `listen --record` has written
    file: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut reader = Reader::open(&arguments.file)?;
    let mut found: BTreeMap<(String, String), u64> = BTreeMap::new();
    let (mut read, mut more) = (0u64, 0u64);
    while let Some(stored) = reader.next()? {
        read += 1;
        let word = escaped(stored.params.command.as_str(), 100);
        let whats = match Callback::parse_untyped(stored.params, stored.body) {
            Err(rejection) => vec![rejection.to_string()],
            Ok(callback) => match &callback.event {
                Event::Unknown(event) => vec![event.reason.to_string()],
                _ => callback.unknown_fields(),
            },
        };
        for what in whats {
            let key = (word.clone(), escaped(&what, 300));
            if found.len() < MOST || found.contains_key(&key) {
                *found.entry(key).or_default() += 1;
            } else {
                more += 1;
            }
        }
    }
    let skipped = reader.skipped;
    if found.is_empty() && skipped == 0 {
        say(format_args!("{read} callbacks read, every member is known"))?;
        return Ok(());
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(["command", "what is not known", "times"]);
    for ((command, what), times) in &found {
        table.add_row([command, what, &times.to_string()]);
    }
    if !found.is_empty() {
        say(table)?;
    }
    say(format_args!("{read} callbacks read"))?;
    if more > 0 {
        say(format_args!("and {more} more of other kinds"))?;
    }
    if skipped > 0 {
        say(format_args!("{skipped} lines passed over"))?;
        return Err(Failure::Shown);
    }
    Ok(())
}
