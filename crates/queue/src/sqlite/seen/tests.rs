//! Runs, groups and their filters.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rusqlite::Connection;
use tencent_im_callback::DedupKey;

use super::*;
use crate::sqlite::schema::CREATE;

fn connection() -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch(CREATE).unwrap();
    conn
}

/// Not a digest: the filters must work for such keys, too.
fn key(number: i64) -> Digest {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&number.to_le_bytes());
    key
}

fn filters(seen: &Seen) -> (usize, usize) {
    let few = |group: &&Group| matches!(group.filter, Filter::Few(_));
    let few = seen.groups.values().filter(few).count();
    (seen.groups.len() - few, few)
}

#[test]
fn runs_fill_up_and_go_when_their_keys_do() {
    let conn = connection();
    let mut s = Statements::prepare(&conn).unwrap();
    let mut seen = Seen::open(&mut s).unwrap();
    let all = 50_000;
    conn.execute_batch("BEGIN").unwrap();
    for number in 0..all {
        assert_eq!(seen.find(&mut s, &key(number)).unwrap(), None);
        seen.add(&mut s, &key(number), number).unwrap();
    }
    conn.execute_batch("COMMIT").unwrap();
    seen.committed(&mut s).unwrap();
    assert_eq!(filters(&seen), (4, 0));
    // One key in 10,000 is not forgotten, like the key of a dead letter.
    conn.execute_batch("BEGIN").unwrap();
    let kept = |number: &i64| number % 10_000 == 0;
    for number in (0..all).filter(|number| !kept(number)) {
        seen.forget(&mut s, &key(number)).unwrap();
    }
    conn.execute_batch("COMMIT").unwrap();
    seen.committed(&mut s).unwrap();
    // The newest run contained none of them.
    assert_eq!(filters(&seen), (0, 3));
    for seen in [seen, Seen::open(&mut s).unwrap()] {
        for number in 0..all {
            let found = seen.find(&mut s, &key(number)).unwrap();
            assert_eq!(found, Some(number).filter(kept), "{number}");
        }
    }
}

#[test]
fn a_filter_does_not_fill_up_with_what_is_forgotten() {
    let conn = connection();
    let mut s = Statements::prepare(&conn).unwrap();
    let mut seen = Seen::open(&mut s).unwrap();
    let mut asked_in_vain = 0;
    conn.execute_batch("BEGIN").unwrap();
    for number in 0..100_000 {
        let hash = Hash::of(&key(number));
        let runs = seen.groups.iter().map(|(at, group)| group.filter.runs(*at, hash).len());
        asked_in_vain += runs.sum::<usize>();
        seen.add(&mut s, &key(number), number).unwrap();
        if number >= 100 {
            seen.forget(&mut s, &key(number - 100)).unwrap();
        }
        if number % 1000 == 0 {
            seen.committed(&mut s).unwrap();
        }
    }
    assert!(asked_in_vain < 20, "{asked_in_vain}");
    assert!(seen.groups.len() <= 2, "{}", seen.groups.len());
}

/// With long runs, nearly each key of a batch changes a page of its own.
#[test]
fn a_batch_changes_few_pages_of_the_index() {
    let folder = std::env::temp_dir().join(format!("callback-queue-seen-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder).unwrap();
    let conn = Connection::open(folder.join("file")).unwrap();
    conn.execute_batch("PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0").unwrap();
    conn.execute_batch(CREATE).unwrap();
    let mut s = Statements::prepare(&conn).unwrap();
    let mut seen = Seen::open(&mut s).unwrap();
    let mut add = |numbers: std::ops::Range<i64>| {
        s.begin.execute(()).unwrap();
        for number in numbers {
            let key = DedupKey::new(number.to_be_bytes());
            seen.add(&mut s, key.as_bytes(), number).unwrap();
        }
        s.commit.execute(()).unwrap();
        s.checkpoint.query_row((), |columns| columns.get::<_, i64>(1)).unwrap()
    };
    add(0..10_000);
    // The log begins anew with each of them.
    let pages = (0..100).map(|batch| add(10_000 + batch * 40..10_040 + batch * 40)).max().unwrap();
    assert!((1..=12).contains(&pages), "{pages}");
    drop(s);
    drop(conn);
    std::fs::remove_dir_all(folder).unwrap();
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Add(i64),
    Forget(i64),
    Commit,
    RollBack,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..40_i64).prop_map(Step::Add),
        6 => (0..40_i64).prop_map(Step::Forget),
        3 => Just(Step::Commit),
        2 => Just(Step::RollBack),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #[test]
    fn it_is_a_map(steps in proptest::collection::vec(step(), 0..200)) {
        let conn = connection();
        let mut s = Statements::prepare(&conn).unwrap();
        let mut seen = Seen::open(&mut s).unwrap();
        let mut committed = BTreeMap::new();
        let mut model = committed.clone();
        conn.execute_batch("BEGIN").unwrap();
        for (row, step) in (0..).zip(steps) {
            match step {
                Step::Add(number) => {
                    let found = seen.find(&mut s, &key(number)).unwrap();
                    prop_assert_eq!(found, model.get(&number).copied());
                    if found.is_none() {
                        seen.add(&mut s, &key(number), row).unwrap();
                        model.insert(number, row);
                    }
                }
                Step::Forget(number) => {
                    seen.forget(&mut s, &key(number)).unwrap();
                    model.remove(&number);
                }
                Step::Commit | Step::Reopen => {
                    conn.execute_batch("COMMIT").unwrap();
                    seen.committed(&mut s).unwrap();
                    committed.clone_from(&model);
                    if matches!(step, Step::Reopen) {
                        seen = Seen::open(&mut s).unwrap();
                    }
                    conn.execute_batch("BEGIN").unwrap();
                }
                Step::RollBack => {
                    conn.execute_batch("ROLLBACK").unwrap();
                    seen.rolled_back(&mut s).unwrap();
                    model.clone_from(&committed);
                    conn.execute_batch("BEGIN").unwrap();
                }
            }
        }
        for number in 0..40 {
            prop_assert_eq!(seen.find(&mut s, &key(number)).unwrap(), model.get(&number).copied());
        }
    }
}
