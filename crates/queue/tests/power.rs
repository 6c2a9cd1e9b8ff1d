//! The power is cut at random points, under load: what was answered OK is there afterwards.
//!
//! A killed process proves nothing about syncs, since the kernel keeps what it wrote. So SQLite
//! works on a disk in memory that keeps for certain only what was synced. Of each write since the
//! last sync of its file, a cut of the power leaves all, nothing, or a part.
//!
//! `POWER_ROUNDS=1000 cargo test --release -p tencent-im-callback-queue --test power --
//! --nocapture` is the long run.
#![cfg(feature = "sqlite")]

mod common;

use std::collections::{BTreeMap, HashSet};
use std::io::{Error, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use common::{SECOND, entry};
use sqlite_vfs::{DatabaseHandle, LockKind, OpenAccess, OpenOptions, Vfs, WalDisabled};
use tencent_im_callback::DedupKey;
use tencent_im_callback_queue::store::{Appended, Store};
use tencent_im_callback_queue::{DeadReason, Filter, QueueError, SqliteStore, StoreOptions};

/// Numbers that look random and can be repeated.
#[derive(Clone)]
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Change::Write(at, data) => {
                let end = at + data.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*at..end].copy_from_slice(data);
            }
            Change::Length(length) => bytes.resize(*length, 0),
        }
    }

    /// What a cut of the power leaves of it.
    fn leave(self, random: &mut Random) -> Option<Change> {
        match (self, random.next(3)) {
            (_, 0) => None,
            (Change::Write(at, mut data), 1) => {
                data.truncate(usize::try_from(random.next(data.len() as u64 + 1)).unwrap());
                Some(Change::Write(at, data))
            }
            (change, _) => Some(change),
        }
    }
}

#[derive(Default)]
struct File {
    /// As the kernel shows it.
    now: Vec<u8>,
    /// As it is on the disk for certain.
    certain: Vec<u8>,
    /// What leads from there to here.
    between: Vec<Change>,
}

struct Disk {
    files: BTreeMap<String, File>,
    random: Random,
    /// Writes and syncs until the power is cut.
    left: Option<u64>,
    /// Handles of another life are dead.
    life: u64,
    /// A disk that says it has synced, and has not.
    lies: bool,
    syncs: u64,
}

impl Disk {
    fn cut(&mut self) {
        let random = &mut self.random;
        for file in self.files.values_mut() {
            for change in file.between.drain(..) {
                if let Some(left) = change.leave(random) {
                    left.apply(&mut file.certain);
                }
            }
            file.now = file.certain.clone();
        }
        self.life += 1;
        self.left = None;
    }

    /// One more write or sync. False if it is the one at which the power is cut.
    fn count(&mut self) -> bool {
        match &mut self.left {
            Some(0) => {
                self.cut();
                false
            }
            Some(left) => {
                *left -= 1;
                true
            }
            None => true,
        }
    }
}

#[derive(Clone)]
struct Power(Arc<Mutex<Disk>>);

impl Power {
    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap()
    }
}

fn off() -> Error {
    Error::other("the power is off")
}

impl Vfs for Power {
    type Handle = Handle;

    fn open(&self, name: &str, options: OpenOptions) -> Result<Handle, Error> {
        let mut disk = self.lock();
        let creates = matches!(options.access, OpenAccess::Create | OpenAccess::CreateNew);
        if !disk.files.contains_key(name) {
            if !creates {
                return Err(ErrorKind::NotFound.into());
            }
            disk.files.insert(name.to_owned(), File::default());
        }
        let life = disk.life;
        drop(disk);
        Ok(Handle { power: self.clone(), name: name.to_owned(), life, lock: LockKind::None })
    }

    fn delete(&self, name: &str) -> Result<(), Error> {
        self.lock().files.remove(name);
        Ok(())
    }

    fn exists(&self, name: &str) -> Result<bool, Error> {
        Ok(self.lock().files.contains_key(name))
    }

    fn temporary_name(&self) -> String {
        "temporary".to_owned()
    }

    fn random(&self, buffer: &mut [i8]) {
        let mut disk = self.lock();
        for byte in buffer {
            *byte = i8::try_from(disk.random.next(128)).unwrap();
        }
    }

    fn sleep(&self, duration: Duration) -> Duration {
        duration
    }
}

struct Handle {
    power: Power,
    name: String,
    life: u64,
    lock: LockKind,
}

impl Handle {
    fn file<T>(&self, work: impl FnOnce(&mut File) -> T) -> Result<T, Error> {
        let mut disk = self.power.lock();
        if disk.life != self.life {
            return Err(off());
        }
        disk.files.get_mut(&self.name).map(work).ok_or_else(off)
    }

    fn change(&self, change: Change) -> Result<(), Error> {
        if !self.power.lock().count() {
            return Err(off());
        }
        self.file(|file| {
            change.apply(&mut file.now);
            file.between.push(change);
        })
    }
}

impl DatabaseHandle for Handle {
    type WalIndex = WalDisabled;

    fn size(&self) -> Result<u64, Error> {
        self.file(|file| file.now.len() as u64)
    }

    fn read_exact_at(&mut self, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
        buffer.fill(0);
        self.file(|file| {
            let from = usize::try_from(offset).unwrap().min(file.now.len());
            let end = (from + buffer.len()).min(file.now.len());
            buffer[..end - from].copy_from_slice(&file.now[from..end]);
            if end - from < buffer.len() { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
        })?
    }

    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> Result<(), Error> {
        self.change(Change::Write(usize::try_from(offset).unwrap(), bytes.to_vec()))
    }

    fn sync(&mut self, _: bool) -> Result<(), Error> {
        let mut disk = self.power.lock();
        if !disk.count() {
            return Err(off());
        }
        disk.syncs += 1;
        let lies = disk.lies;
        drop(disk);
        self.file(|file| {
            if !lies {
                for change in file.between.drain(..) {
                    change.apply(&mut file.certain);
                }
            }
        })
    }

    fn set_len(&mut self, size: u64) -> Result<(), Error> {
        self.change(Change::Length(usize::try_from(size).unwrap()))
    }

    fn lock(&mut self, lock: LockKind) -> Result<bool, Error> {
        self.lock = lock;
        Ok(true)
    }

    fn reserved(&mut self) -> Result<bool, Error> {
        Ok(false)
    }

    fn current_lock(&self) -> Result<LockKind, Error> {
        Ok(self.lock)
    }

    fn wal_index(&self, _: bool) -> Result<WalDisabled, Error> {
        Ok(WalDisabled)
    }
}

fn disk(name: &'static str, seed: u64, lies: bool) -> Power {
    let power = Power(Arc::new(Mutex::new(Disk {
        files: BTreeMap::new(),
        random: Random(seed | 1),
        left: None,
        life: 0,
        lies,
        syncs: 0,
    })));
    sqlite_vfs::register(name, power.clone(), false).unwrap();
    power
}

#[derive(Default)]
struct Ledger {
    accepted: HashSet<u64>,
    settled: HashSet<u64>,
    /// Settlements that were on their way.
    unsure: HashSet<u64>,
}

/// Takes in and settles until the power is gone.
async fn live(store: Arc<SqliteStore>, ledger: Arc<Mutex<Ledger>>, mut random: Random) {
    let mut tasks = tokio::task::JoinSet::new();
    for part in 0..8_u64 {
        let (store, ledger) = (store.clone(), ledger.clone());
        let mut random = Random(random.next(u64::MAX) | 1);
        tasks.spawn(async move {
            loop {
                let key = random.next(20).to_string();
                let size = usize::try_from(random.next(6000)).unwrap();
                let mut entry = entry(&"x".repeat(size), (part % 4 != 0).then_some(&*key));
                entry.dedup_key = Some(DedupKey::new(random.next(u64::MAX).to_be_bytes()));
                match store.append(entry, 60 * SECOND).await {
                    Ok(Appended::Stored(id) | Appended::Duplicate(id)) => {
                        ledger.lock().unwrap().accepted.insert(id.sequence());
                    }
                    Err(_) => return,
                }
            }
        });
    }
    tasks.spawn(async move {
        while let Ok(claimed) = store.claim(5, 60 * SECOND).await {
            for claimed in claimed {
                let id = claimed.claim.id().sequence();
                let what = random.next(10);
                ledger.lock().unwrap().unsure.insert(id);
                let result = match what {
                    0..7 => store.complete(claimed.claim).await,
                    7 => store.bury(claimed.claim, "no".to_owned(), DeadReason::Permanent).await,
                    _ => store.retry(claimed.claim, "no".to_owned(), Duration::ZERO).await,
                };
                if result.is_err() {
                    return;
                }
                let mut ledger = ledger.lock().unwrap();
                ledger.unsure.remove(&id);
                if what < 7 {
                    ledger.settled.insert(id);
                }
            }
        }
    });
    tasks.join_all().await;
}

/// Cuts the power so many times. How many of those accepted are lost, and how many were completed
/// and came back.
async fn cuts(
    name: &'static str,
    rounds: u64,
    lies: bool,
) -> Result<(usize, usize, usize), QueueError> {
    let seed =
        std::env::var("POWER_SEED").map_or(0x9e37_79b9_7f4a_7c15, |text| text.parse().unwrap());
    let power = disk(name, seed, lies);
    let mut random = Random(seed);
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let mut opened = 0;
    for _ in 0..rounds {
        // From the first write of all, which makes the file, to some thousands later.
        let most = [40, 400, 4000][usize::try_from(random.next(3)).unwrap()];
        power.lock().left = Some(random.next(most));
        match SqliteStore::open_with_vfs("queue", StoreOptions::new(), name).await {
            Ok(store) => {
                opened += 1;
                live(Arc::new(store), ledger.clone(), random.clone()).await;
            }
            // The power was cut meanwhile.
            Err(error) if power.lock().left.is_none() => drop(error),
            Err(error) => return Err(error),
        }
        assert!(power.lock().left.is_none());
    }
    assert!(opened > 0 || lies);
    let store = SqliteStore::open_with_vfs("queue", StoreOptions::new(), name).await?;
    let mut there = HashSet::new();
    for filter in [Filter::waiting(), Filter::dead()] {
        for record in store.list(filter, None, usize::MAX).await? {
            there.insert(record.id.sequence());
        }
    }
    let stats = store.stats().await?;
    assert!(lies || stats.waiting + stats.dead == there.len() as u64);
    let ledger = ledger.lock().unwrap();
    let gone = |id: &&u64| {
        !ledger.settled.contains(id) && !ledger.unsure.contains(id) && !there.contains(id)
    };
    let lost = ledger.accepted.iter().filter(gone).count();
    let back = there.intersection(&ledger.settled).count();
    eprintln!(
        "power cut {rounds} times, {} syncs: {} accepted, {lost} lost; {} completed, {back} of \
        them came back",
        power.lock().syncs,
        ledger.accepted.len(),
        ledger.settled.len(),
    );
    Ok((ledger.accepted.len(), lost, back))
}

#[tokio::test]
async fn nothing_that_was_accepted_is_lost_when_the_power_is_cut() {
    let rounds = std::env::var("POWER_ROUNDS").map_or(60, |text| text.parse().unwrap());
    let (accepted, lost, back) = cuts("honest", rounds, false).await.unwrap();
    assert!(accepted > 100, "{accepted}");
    assert_eq!((lost, back), (0, 0));
}

/// That the test above can fail: a disk that does not sync loses what was accepted, or the file.
#[tokio::test]
async fn a_disk_that_lies_is_found_out() {
    match cuts("lying", 20, true).await {
        Ok((_, lost, back)) => assert!(lost + back > 0),
        Err(error) => eprintln!("{error:?}"),
    }
}
