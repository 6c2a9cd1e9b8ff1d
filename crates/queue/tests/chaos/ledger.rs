//! What the processes have written down.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::POSTERS;

#[derive(Default)]
pub struct Ledger {
    pub accepted: HashSet<u64>,
    pub refused: u64,
    /// Those that are marked as out of order.
    pub late: HashSet<u64>,
    /// Those that were begun after a later one of their conversation, without a mark.
    pub disorder: Vec<(u64, u64)>,
    /// By whom it was handled, in this order.
    pub done: HashMap<u64, Vec<String>>,
    /// The last one that was begun, of each conversation.
    last: HashMap<(u64, u64), u64>,
}

impl Ledger {
    pub fn read(path: &Path, share: u64) -> Self {
        let mut ledger = Ledger::default();
        for line in BufReader::new(File::open(path).unwrap()).lines() {
            let line = line.unwrap();
            let words: Vec<&str> = line.split(' ').collect();
            let number: u64 = words[1].parse().unwrap();
            match words[0] {
                "accepted" => drop(ledger.accepted.insert(number)),
                "refused" => ledger.refused += 1,
                "start" if words[3] == "late" => drop(ledger.late.insert(number)),
                "start" => {
                    let conversation = (number / share, number % share % POSTERS);
                    let last = ledger.last.entry(conversation).or_default();
                    if *last > number {
                        ledger.disorder.push((number, *last));
                    }
                    *last = number;
                }
                "done" => ledger.done.entry(number).or_default().push(words[2].to_owned()),
                _ => panic!("{line}"),
            }
        }
        ledger
    }
}
