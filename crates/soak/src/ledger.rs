//! What the server has promised, against what its log says it did.
//!
//! Every "friendship ended" that this program sends has a number of its own. The production example
//! logs each when it is handled, so that an answer of `OK` can be held against the work it
//! promised, one by one.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use tencent_im_callback::testing::SignedRequest;
use tencent_im_callback::{Command, StoredCallback};

/// How the accounts are called that are numbers of the ledger.
const PREFIX: &str = "soak-";

#[derive(Clone, Copy, Default)]
struct Entry {
    /// Answered with `OK`.
    promised: bool,
    /// Stands where no honest server looks for a request.
    smuggled: bool,
    handled: u32,
    handed_back: u32,
}

#[derive(Default)]
pub struct Ledger {
    next: AtomicU64,
    entries: Mutex<HashMap<u64, Entry>>,
}

/// What it comes to in the end.
#[derive(Debug, Default, PartialEq)]
pub struct Balance {
    pub promised: u64,
    pub handled: u64,
    pub handed_back: u64,
    /// Promised, and neither handled nor handed back.
    pub lost: u64,
    /// Handled or handed back more than once, although sent once.
    pub repeated: u64,
    /// Handled, although hidden in something that was refused.
    pub smuggled: u64,
    /// Handled, but the sender did not wait for the answer, or could not.
    pub unclaimed: u64,
}

impl Ledger {
    /// A number, and the request for it.
    pub fn open(&self, smuggled: bool) -> (u64, SignedRequest) {
        let number = self.next.fetch_add(1, Relaxed);
        self.change(number, |entry| entry.smuggled = smuggled);
        let body =
            format!(r#"{{"PairList":[{{"From_Account":"a","To_Account":"{PREFIX}{number}"}}]}}"#);
        (number, SignedRequest::new(Command::SnsFriendDelete).body(body))
    }

    fn change(&self, number: u64, change: impl FnOnce(&mut Entry)) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        change(entries.entry(number).or_default());
    }

    pub fn promised(&self, number: u64) {
        self.change(number, |entry| entry.promised = true);
    }

    /// Reads a line of the server's log.
    pub fn log(&self, line: &str) {
        let to = fields(line, "friendship ended").and_then(|mut fields| fields.remove("to"));
        if let Some(number) = to.and_then(|to| number_after(to.as_str()?, "")) {
            self.change(number, |entry| entry.handled += 1);
        }
    }

    /// Reads a line of what the server hands back on standard output: an id, and a stored callback.
    /// Its body may be any bytes.
    pub fn hand_back(&self, line: &str) {
        let stored = line.split_once(' ').map(|(_, json)| json);
        let stored: Option<StoredCallback> =
            stored.and_then(|json| serde_json::from_str(json).ok());
        let body = stored.map(|stored| String::from_utf8_lossy(&stored.body).into_owned());
        if let Some(number) = body.and_then(|body| number_after(&body, r#"To_Account":""#)) {
            self.change(number, |entry| entry.handed_back += 1);
        }
    }

    pub fn balance(&self) -> Balance {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let mut balance = Balance::default();
        for entry in entries.values() {
            let ends = entry.handled + entry.handed_back;
            balance.promised += u64::from(entry.promised);
            balance.handled += u64::from(entry.handled > 0);
            balance.handed_back += u64::from(entry.handed_back > 0);
            balance.lost += u64::from(entry.promised && ends == 0);
            balance.repeated += u64::from(ends > 1);
            balance.smuggled += u64::from(entry.smuggled && ends > 0);
            balance.unclaimed += u64::from(!entry.promised && !entry.smuggled && ends > 0);
        }
        balance
    }

    /// The first few numbers that were lost.
    pub fn lost(&self) -> String {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let lost = entries
            .iter()
            .filter(|(_, entry)| entry.promised && entry.handled + entry.handed_back == 0);
        lost.take(10).fold(String::new(), |mut text, (number, _)| {
            let _ = write!(text, " {PREFIX}{number}");
            text
        })
    }
}

fn number_after(line: &str, key: &str) -> Option<u64> {
    let (_, rest) = line.split_once(&format!("{key}{PREFIX}"))?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

/// The fields of a line of JSON, if it has this message. Other lines are not parsed.
pub fn fields(line: &str, message: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
    if !line.contains(message) {
        return None;
    }
    let mut line: serde_json::Value = serde_json::from_str(line).ok()?;
    let fields = line["fields"].as_object_mut().map(std::mem::take)?;
    (fields.get("message")? == message).then_some(fields)
}
