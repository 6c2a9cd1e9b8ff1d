//! What the log of all processes says afterwards.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::Path;

#[derive(Default)]
struct Key {
    /// Of which worker, and which number.
    running: HashSet<(String, u64)>,
    last: u64,
    acked: HashSet<u64>,
    done: HashMap<u64, u32>,
}

/// Faults since an event of this kind.
#[derive(Default)]
pub struct Faults {
    pub events: u32,
    /// Starts of a callback in a partition that another worker had taken over.
    pub lease_over: u32,
    /// Of these: a later callback of the key than the new owner had started.
    pub later: u32,
    /// Starts of a key while another worker, which was not killed, handled a callback of it.
    pub beside: u32,
    /// Starts after a later one of the key, of what had not been done.
    pub disorder: u32,
    /// Done again, though it had been done; of these, whose acknowledgement had been confirmed.
    pub again: u32,
    pub again_confirmed: u32,
    /// From a kill or the stop of a worker to the first start in each of its partitions, in ms.
    pub takeover: Vec<u64>,
}

#[derive(Default)]
pub struct Ledger {
    pub faults: BTreeMap<String, Faults>,
    pub done: HashSet<(String, u64)>,
    pub starts: u64,
    pub unconfirmed: u64,
    pub gaps: u64,
    keys: HashMap<String, Key>,
    owners: HashMap<u64, String>,
    /// Partitions whose owner is going, since when, by which event, and who it was.
    orphans: HashMap<u64, (u64, String, String)>,
}

impl Ledger {
    pub fn read(path: &Path) -> Self {
        let mut ledger = Ledger::default();
        let mut event = "start".to_owned();
        for line in fs::read_to_string(path).unwrap_or_default().lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let (Ok(at), Some(verb)) = (words[0].parse(), words.get(1)) else { continue };
            match *verb {
                "event" => {
                    event = words[2].to_owned();
                    ledger.faults.entry(event.clone()).or_default().events += 1;
                    if let Some(worker) = words.get(3) {
                        ledger.gone(at, worker, &event);
                    }
                }
                "exit" => ledger.close(words[2]),
                "acked" => {
                    let number = words[3].parse().unwrap();
                    ledger.keys.entry(words[2].to_owned()).or_default().acked.insert(number);
                }
                "own" => drop(ledger.owners.insert(words[2].parse().unwrap(), words[3].to_owned())),
                "start" => ledger.start(at, &event, &words[2..]),
                "done" => ledger.finish(&event, &words[2..]),
                "unconfirmed" => ledger.unconfirmed += 1,
                "gap" => ledger.gaps += 1,
                _ => {}
            }
        }
        ledger
    }

    fn close(&mut self, worker: &str) {
        for key in self.keys.values_mut() {
            key.running.retain(|(by, _)| by != worker);
        }
    }

    fn gone(&mut self, at: u64, worker: &str, event: &str) {
        for (partition, owner) in &self.owners {
            if owner == worker {
                let orphan = (at, event.to_owned(), worker.to_owned());
                self.orphans.insert(*partition, orphan);
            }
        }
    }

    fn start(&mut self, at: u64, event: &str, words: &[&str]) {
        self.starts += 1;
        let (number, worker) = (words[1].parse().unwrap(), words[2].to_owned());
        let partition: u64 = words[3].parse().unwrap();
        let faults = self.faults.entry(event.to_owned()).or_default();
        let key = self.keys.entry(words[0].to_owned()).or_default();
        let owner = self.owners.get(&partition);
        if owner.is_some_and(|owner| *owner != worker) {
            faults.lease_over += 1;
            faults.later += u32::from(number > key.last);
        } else if let Some((since, event, _)) =
            self.orphans.get(&partition).filter(|(_, _, gone)| *gone != worker)
        {
            self.faults.entry(event.clone()).or_default().takeover.push(at - since);
            self.orphans.remove(&partition);
        }
        let faults = self.faults.entry(event.to_owned()).or_default();
        faults.beside += u32::from(key.running.iter().any(|(by, _)| *by != worker));
        faults.disorder += u32::from(key.last > number && !key.done.contains_key(&number));
        key.last = key.last.max(number);
        key.running.insert((worker, number));
    }

    fn finish(&mut self, event: &str, words: &[&str]) {
        let (number, worker) = (words[1].parse().unwrap(), words[2].to_owned());
        let key = self.keys.entry(words[0].to_owned()).or_default();
        key.running.remove(&(worker, number));
        let times = key.done.entry(number).or_default();
        *times += 1;
        let faults = self.faults.entry(event.to_owned()).or_default();
        faults.again += u32::from(*times > 1);
        faults.again_confirmed += u32::from(*times > 1 && key.acked.contains(&number));
        self.done.insert((words[0].to_owned(), number));
    }

    pub fn print(&self) {
        println!(
            "event | times | starts after the lease was over | of these, a later one of the key | \
            beside another worker | out of order | done again | of these, confirmed | \
            take-over of a partition, ms: median, longest"
        );
        for (event, faults) in &self.faults {
            let mut takeover = faults.takeover.clone();
            takeover.sort_unstable();
            let median = takeover.get(takeover.len() / 2).copied().unwrap_or(0);
            println!(
                "{event} | {} | {} | {} | {} | {} | {} | {} | {median}, {}",
                faults.events,
                faults.lease_over,
                faults.later,
                faults.beside,
                faults.disorder,
                faults.again,
                faults.again_confirmed,
                takeover.last().copied().unwrap_or(0),
            );
        }
    }
}
