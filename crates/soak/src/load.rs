//! What all senders share: the apps, the counts, and the verdict on each answer.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tencent_im_callback::Token;
use tencent_im_callback::testing::SignedRequest;
use tencent_im_callback::testing::sign;

use crate::ledger::Ledger;

pub const APP: u64 = 1_400_000_000;
pub const OTHER_APP: u64 = 1_400_000_001;
pub const TOKEN: &str = "soak-first-token";
pub const OTHER_TOKEN: &str = "soak-other-token-next";
/// What the example reads. No token is part of a log line by chance.
pub const APPS: &str = "1400000000 soak-first-token soak-first-token-next\n\
    1400000001 soak-other-token soak-other-token-next\n";

pub type Totals = BTreeMap<String, u64>;

#[derive(Default)]
pub struct Counts {
    /// Honest requests answered.
    pub honest: AtomicU64,
    /// Hostile requests, connections and bursts.
    pub hostile: AtomicU64,
    pub wrong: AtomicU64,
    /// Honest requests that the stack's deadlines turned away, as they must when there is no time.
    pub turned_away: AtomicU64,
    /// Answered `OK` by `Detach`, before the work was done.
    pub detached: AtomicU64,
    /// Perhaps detached: the sender did not wait.
    pub unclaimed: AtomicU64,
    /// Honest requests sent about when the server was told to stop, on connections that it closed
    /// unanswered.
    pub cut: AtomicU64,
    pub slowest_micros: AtomicU64,
    /// Honest answers that somebody waits for, and those of them that took over 100 ms.
    pub verdicts: AtomicU64,
    pub slow_verdicts: AtomicU64,
    /// Messages of the one who floods that were rejected by the rate limit.
    pub limited: AtomicU64,
}

pub struct World {
    pub address: SocketAddr,
    pub ledger: Arc<Ledger>,
    pub counts: Counts,
    pub by_kind: Mutex<Totals>,
    pub complaints: Mutex<Vec<String>>,
    /// No new hostile requests.
    pub peace: AtomicBool,
    /// When the server was told to stop.
    pub stopped: Mutex<Option<Instant>>,
}

/// A request that was sent this long before the server was told to stop has been read.
const RACE: Duration = Duration::from_millis(500);

impl World {
    pub fn new(address: SocketAddr, ledger: Arc<Ledger>) -> Arc<Self> {
        Arc::new(World {
            address,
            ledger,
            counts: Counts::default(),
            by_kind: Mutex::default(),
            complaints: Mutex::default(),
            peace: AtomicBool::new(false),
            stopped: Mutex::default(),
        })
    }

    pub fn count(&self, kind: &str) {
        let mut kinds = self.by_kind.lock().unwrap_or_else(PoisonError::into_inner);
        match kinds.get_mut(kind) {
            Some(count) => *count += 1,
            None => drop(kinds.insert(kind.to_owned(), 1)),
        }
    }

    pub fn wrong(&self, what: String) {
        self.counts.wrong.fetch_add(1, Relaxed);
        let mut complaints = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        if complaints.len() < 20 {
            eprintln!("wrong: {what}");
            complaints.push(what);
        }
    }

    pub fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Whether a connection that carried nothing else since this moment may end unanswered, since
    /// the server was told to stop.
    pub fn may_be_cut(&self, sent: Instant, error: &Error) -> bool {
        let stopped = *self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        error.kind() != ErrorKind::TimedOut
            && error.kind() != ErrorKind::InvalidData
            && stopped.is_some_and(|stopped| sent + RACE > stopped)
    }
}

/// With the first app and its first token.
pub fn signed(request: SignedRequest) -> SignedRequest {
    request.app(APP).token(Token::new(TOKEN).unwrap())
}

pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("a time after 1970").as_secs()
}

/// A target with these parameters before a good signature.
pub fn target(parameters: &str) -> String {
    let now = now();
    format!("/callback?{parameters}Sign={}&RequestTime={now}", sign(TOKEN, now))
}

/// Numbers that look random, the same in every run.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }
}
