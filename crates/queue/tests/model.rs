//! Random calls, checked against a model that is as simple as can be; with restarts, where the
//! store survives one.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::{Clock, Folder, SECOND};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use tencent_im_callback::{DedupKey, OrderKey};
use tencent_im_callback_queue::store::{Appended, Claim, DeadReason, Entry, Store};
use tencent_im_callback_queue::{DeliveryId, Filter, MemoryStore, SqliteStore, StoreOptions};

const WINDOW: u64 = 100;
const MAX_BLOCK: u64 = 60;
/// Room for two unreadable dead letters of unsigned apps.
const MAX_UNREADABLE: usize = 11;

#[derive(Clone, Debug)]
enum Call {
    Append { key: Option<u8>, dedup: Option<u8> },
    Claim(usize),
    Complete(usize),
    Retry(usize, u64),
    Bury(usize, DeadReason),
    BuryUnsigned(usize),
    Release(usize),
    Requeue(usize),
    PurgeDead(u64),
    PurgeWaiting(u64),
    Wait(u64),
    Restart,
}

fn call() -> impl Strategy<Value = Call> {
    let key = proptest::option::weighted(0.8, 0..4_u8);
    let dedup = proptest::option::weighted(0.5, 0..6_u8);
    prop_oneof![
        8 => (key, dedup).prop_map(|(key, dedup)| Call::Append { key, dedup }),
        8 => (1..5_usize).prop_map(Call::Claim),
        5 => any::<usize>().prop_map(Call::Complete),
        5 => (any::<usize>(), 0..100_u64).prop_map(|(which, delay)| Call::Retry(which, delay)),
        1 => any::<usize>().prop_map(|which| Call::Bury(which, DeadReason::Attempts)),
        1 => any::<usize>().prop_map(|which| Call::Bury(which, DeadReason::BodyUnreadable)),
        1 => any::<usize>().prop_map(Call::BuryUnsigned),
        2 => any::<usize>().prop_map(Call::Release),
        1 => any::<usize>().prop_map(Call::Requeue),
        1 => (0..200_u64).prop_map(Call::PurgeDead),
        1 => (0..200_u64).prop_map(Call::PurgeWaiting),
        5 => (0..50_u64).prop_map(Call::Wait),
        1 => Just(Call::Restart),
    ]
}

/// Times in seconds.
#[derive(Clone, Debug)]
struct Row {
    key: Option<u8>,
    dedup: Option<u8>,
    accepted: u64,
    failures: u32,
    due: u64,
    failed: bool,
    aside_at: Option<u64>,
    out_of_order: bool,
    claim: Option<Claim>,
}

#[derive(Default)]
struct Model {
    now: u64,
    next: u64,
    rows: BTreeMap<u64, Row>,
    dead: BTreeMap<u64, Row>,
    /// Of these, unreadable.
    unreadable: BTreeSet<u64>,
    dropped: u64,
    /// Dedup keys of what is done with, and until when they are remembered.
    done: BTreeMap<u8, (u64, u64)>,
}

impl Model {
    fn wait(&mut self, seconds: u64) {
        self.now += seconds;
        for row in self.rows.values_mut() {
            if row.aside_at.is_some_and(|at| at <= self.now) {
                row.aside_at = None;
                row.out_of_order = true;
            }
        }
    }

    fn first(&self, dedup: u8) -> Option<u64> {
        let held = self.rows.iter().chain(&self.dead).find(|(_, row)| row.dedup == Some(dedup));
        let done = || self.done.get(&dedup).filter(|(_, until)| *until > self.now);
        held.map(|(id, _)| *id).or_else(|| done().map(|(id, _)| *id))
    }

    fn may_be_claimed(&self, id: u64) -> bool {
        let Some(row) = self.rows.get(&id) else {
            return false;
        };
        let busy = |key| self.rows.values().any(|other| other.key == key && other.claim.is_some());
        let blocked =
            |key| self.rows.range(..id).any(|(_, other)| other.key == key && !other.out_of_order);
        let free = row.key.is_none() || !busy(row.key) && (row.out_of_order || !blocked(row.key));
        row.claim.is_none() && row.due <= self.now && free
    }

    fn done(&mut self, id: u64, row: &Row) {
        if let Some(dedup) = row.dedup {
            self.done.insert(dedup, (id, self.now + WINDOW));
        }
    }

    /// The row of one of the claims.
    fn claimed(&self, which: usize) -> Option<(u64, Claim)> {
        let claimed: Vec<_> =
            self.rows.iter().filter_map(|(id, row)| Some((*id, row.claim?))).collect();
        (!claimed.is_empty()).then(|| claimed[which % claimed.len()])
    }
}

async fn append(
    store: &dyn Store,
    model: &mut Model,
    key: Option<u8>,
    dedup: Option<u8>,
) -> TestCaseResult {
    let mut entry = Entry::new("text");
    entry.order_key = key.map(|key| OrderKey::new([key]));
    entry.dedup_key = dedup.map(|dedup| DedupKey::new([dedup]));
    let appended = store.append(entry, SECOND).await.unwrap();
    if let Some(first) = dedup.and_then(|dedup| model.first(dedup)) {
        prop_assert!(matches!(appended, Appended::Duplicate(id) if id.sequence() == first));
        return Ok(());
    }
    model.next += 1;
    let next = model.next;
    prop_assert!(matches!(appended, Appended::Stored(id) if id.sequence() == next), "{appended:?}");
    let row = Row {
        key,
        dedup,
        accepted: model.now,
        failures: 0,
        due: 0,
        failed: false,
        aside_at: None,
        out_of_order: false,
        claim: None,
    };
    model.rows.insert(next, row);
    Ok(())
}

async fn claim(store: &dyn Store, model: &mut Model, max: usize) -> TestCaseResult {
    let claimed = store.claim(max, Duration::ZERO).await.unwrap();
    for claimed in &claimed {
        let id = claimed.claim.id().sequence();
        prop_assert!(model.may_be_claimed(id), "{id} must not be claimed: {:?}", model.rows);
        let row = model.rows.get_mut(&id).unwrap();
        row.claim = Some(claimed.claim);
        prop_assert_eq!(claimed.delivery.attempt, row.failures + 1);
        prop_assert_eq!(claimed.delivery.out_of_order, row.out_of_order);
        prop_assert_eq!(claimed.payload.as_deref(), Some("text"));
    }
    if claimed.len() < max {
        let left = model.rows.keys().find(|id| model.may_be_claimed(**id));
        prop_assert!(left.is_none(), "{left:?} was not claimed: {:?}", model.rows);
    }
    Ok(())
}

/// The end of an attempt.
async fn settle(
    store: &dyn Store,
    model: &mut Model,
    (id, claim): (u64, Claim),
    call: Call,
) -> TestCaseResult {
    match call {
        Call::Complete(_) => {
            store.complete(claim).await.unwrap();
            let row = model.rows.remove(&id).unwrap();
            model.done(id, &row);
            prop_assert!(store.complete(claim).await.is_err());
        }
        Call::Retry(_, delay) => {
            store.retry(claim, "no".to_owned(), Duration::from_secs(delay)).await.unwrap();
            let now = model.now;
            let row = model.rows.get_mut(&id).unwrap();
            row.claim = None;
            row.failures += 1;
            row.failed = true;
            row.due = now + delay;
            if row.key.is_some() && !row.out_of_order {
                row.aside_at.get_or_insert(now + MAX_BLOCK);
            }
            model.wait(0);
        }
        Call::Bury(_, reason) => {
            store.bury(claim, "no".to_owned(), reason).await.unwrap();
            let row = model.rows.remove(&id).unwrap();
            model.dead.insert(id, row);
            if reason == DeadReason::BodyUnreadable {
                model.unreadable.insert(id);
            }
        }
        Call::BuryUnsigned(_) => {
            let kept = store.bury_unsigned(claim, "no".to_owned()).await.unwrap();
            prop_assert_eq!(kept, model.unreadable.len() * 4 + 4 <= MAX_UNREADABLE);
            let row = model.rows.remove(&id).unwrap();
            if kept {
                model.dead.insert(id, row);
                model.unreadable.insert(id);
            } else {
                model.done(id, &row);
                model.dropped += 1;
            }
        }
        Call::Release(_) => {
            store.release(claim);
            model.rows.get_mut(&id).unwrap().claim = None;
        }
        other => unreachable!("{other:?} ends no attempt"),
    }
    Ok(())
}

async fn requeue(store: &dyn Store, model: &mut Model, which: usize) {
    let ids: Vec<_> = model.dead.keys().copied().collect();
    if ids.is_empty() {
        return;
    }
    let id = ids[which % ids.len()];
    let record = store.list(Filter::dead(), None, 1).await.unwrap().remove(0);
    store.requeue(DeliveryId::new(record.id.store(), id)).await.unwrap();
    let mut row = model.dead.remove(&id).unwrap();
    model.unreadable.remove(&id);
    row.claim = None;
    row.failures = 0;
    row.failed = true;
    row.due = model.now;
    row.aside_at = None;
    row.out_of_order = true;
    model.rows.insert(id, row);
}

async fn purge(store: &dyn Store, model: &mut Model, filter: Filter, age: u64) -> TestCaseResult {
    let rows = if filter.dead { &mut model.dead } else { &mut model.rows };
    let is_purged =
        |row: &Row| row.accepted + age <= model.now && (filter.dead || row.claim.is_none());
    let ids: Vec<_> = rows.iter().filter(|(_, row)| is_purged(row)).map(|(id, _)| *id).collect();
    let gone: Vec<_> = ids.into_iter().filter_map(|id| rows.remove_entry(&id)).collect();
    let purged = store.purge(filter.older_than(Duration::from_secs(age))).await.unwrap();
    prop_assert_eq!(purged, gone.len() as u64);
    for (id, row) in gone {
        model.unreadable.remove(&id);
        model.done(id, &row);
    }
    Ok(())
}

async fn counts_agree(store: &dyn Store, model: &Model) -> TestCaseResult {
    let stats = store.stats().await.unwrap();
    let running = model.rows.values().filter(|row| row.claim.is_some()).count();
    let failed = model.rows.values().filter(|row| row.failed).count();
    let bytes = (model.rows.len() + model.dead.len()) * 4;
    let expected = [model.rows.len(), running, failed, model.dead.len(), bytes];
    let counts = [stats.waiting, stats.running, stats.retrying, stats.dead, stats.bytes];
    prop_assert_eq!(counts.map(|count| usize::try_from(count).unwrap()), expected);
    let unreadable = model.unreadable.len() as u64;
    prop_assert_eq!((stats.unreadable, stats.unreadable_bytes), (unreadable, unreadable * 4));
    Ok(())
}

async fn step(store: &dyn Store, model: &mut Model, call: Call) -> TestCaseResult {
    match call {
        Call::Append { key, dedup } => append(store, model, key, dedup).await?,
        Call::Claim(max) => claim(store, model, max).await?,
        Call::Complete(which)
        | Call::Retry(which, _)
        | Call::Bury(which, _)
        | Call::BuryUnsigned(which)
        | Call::Release(which) => {
            let Some(claimed) = model.claimed(which) else { return Ok(()) };
            settle(store, model, claimed, call).await?;
        }
        Call::Requeue(which) => requeue(store, model, which).await,
        Call::PurgeDead(age) => purge(store, model, Filter::dead(), age).await?,
        Call::PurgeWaiting(age) => purge(store, model, Filter::waiting(), age).await?,
        Call::Wait(_) | Call::Restart => {}
    }
    counts_agree(store, model).await
}

fn options(clock: &Clock) -> StoreOptions {
    clock
        .options()
        .dedup_window(Duration::from_secs(WINDOW))
        .max_block(Duration::from_secs(MAX_BLOCK))
        .max_unreadable_bytes(MAX_UNREADABLE as u64)
}

async fn open(survives: bool, folder: &Folder, clock: &Clock) -> Box<dyn Store> {
    if survives {
        let store = SqliteStore::open_with(folder.file(), options(clock)).await;
        return Box::new(store.unwrap());
    }
    Box::new(MemoryStore::with_options(options(clock)))
}

fn run(calls: Vec<Call>, survives: bool) -> TestCaseResult {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = Folder::fast();
    let clock = Clock::new();
    let open = async || open(survives, &folder, &clock).await;
    runtime.block_on(async {
        let mut store = open().await;
        let mut model = Model::default();
        for call in calls {
            match call {
                Call::Wait(seconds) => {
                    clock.forward(Duration::from_secs(seconds));
                    model.wait(seconds);
                }
                Call::Restart if survives => {
                    store.close().await.unwrap();
                    store = open().await;
                    for row in model.rows.values_mut() {
                        row.claim = None;
                    }
                }
                _ => {}
            }
            step(&*store, &mut model, call).await?;
        }
        store.close().await.unwrap();
        Ok(())
    })
}

/// `PROPTEST_CASES` says how many; the long run is `PROPTEST_CASES=20000 cargo test --release -p
/// tencent-im-callback-queue --test model`.
fn config() -> ProptestConfig {
    let mut config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 100;
    }
    config.failure_persistence = None;
    config
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_store_in_memory_does_as_the_model(calls in proptest::collection::vec(call(), 1..80)) {
        run(calls, false)?;
    }

    #[test]
    fn the_sqlite_store_does_as_the_model(calls in proptest::collection::vec(call(), 1..80)) {
        run(calls, true)?;
    }
}
