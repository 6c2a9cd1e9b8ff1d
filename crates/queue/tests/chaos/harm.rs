//! What is done to servers and workers.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::time::{Duration, Instant};

use super::common::SECOND;
use super::common::nats::Nats;
use super::{LEASE, Worker};

/// How long nodes are left alone.
const NODES_REST: Duration = Duration::from_secs(4);

#[derive(Default)]
pub struct Harm {
    pub killed: u32,
    pub stopped: u32,
    /// Names of those that were killed.
    pub workers: HashSet<String>,
}

impl Harm {
    /// The only server goes away, half of the time for longer than the lease. Workers live on.
    pub fn outages_while(nats: &mut Nats, going: &mut dyn FnMut() -> bool) -> Harm {
        let random = RandomState::new();
        let longest = 2 * u64::try_from(LEASE.as_millis()).unwrap();
        let mut harm = Harm::default();
        for round in 0.. {
            if !going() {
                break;
            }
            let chance = random.hash_one(round);
            let away = Duration::from_millis(chance / 2 % longest);
            std::thread::sleep(Duration::from_millis(500 + chance % 3000));
            let node = &mut nats.nodes[0];
            if chance.is_multiple_of(2) {
                node.kill();
                std::thread::sleep(away);
                node.start();
                harm.killed += 1;
            } else {
                node.signal("-STOP");
                std::thread::sleep(away);
                node.signal("-CONT");
                harm.stopped += 1;
            }
        }
        harm
    }

    pub fn do_while(
        nats: &mut Nats,
        workers: &mut [Worker],
        urls: &str,
        log: &Path,
        going: &mut dyn FnMut() -> bool,
    ) -> Harm {
        let random = RandomState::new();
        let mut harm = Harm::default();
        let mut next_node = Instant::now() + SECOND;
        for round in 1.. {
            if !going() {
                break;
            }
            let chance = random.hash_one(round);
            std::thread::sleep(Duration::from_millis(500 + chance % 3000));
            let which = usize::try_from(chance % 2).unwrap();
            let new = Worker::start(which, round, workers[which].unit, urls, log);
            let old = std::mem::replace(&mut workers[which], new);
            harm.workers.insert(old.name.clone());
            drop(old);
            if Instant::now() < next_node {
                continue;
            }
            let node = &mut nats.nodes[usize::try_from(chance / 2 % 3).unwrap()];
            if (chance / 6).is_multiple_of(2) {
                node.kill();
                std::thread::sleep(Duration::from_millis(chance / 12 % 2000));
                node.start();
                harm.killed += 1;
            } else {
                node.signal("-STOP");
                std::thread::sleep(Duration::from_millis(chance / 12 % 3000));
                node.signal("-CONT");
                harm.stopped += 1;
            }
            // Two of three have to be there, and a node that comes back has to catch up.
            next_node = Instant::now() + NODES_REST;
        }
        harm
    }
}
