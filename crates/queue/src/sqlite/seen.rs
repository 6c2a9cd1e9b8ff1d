//! The dedup keys of earlier callbacks.
//!
//! Keys are digests. With one index over all keys, each new key would land on a different page, and
//! a batch of a thousand callbacks would write a thousand pages. So the index is divided into runs
//! of [`RUN`] keys in the order of their arrival: a batch touches only the pages of the newest run.
//! In memory, a Bloom filter per run tells which runs may contain a key.
//!
//! A filter may report a key that is not in its run: then the index is read. It never misses a key
//! that is in it. The table decides; the filters are built from it.

use std::collections::BTreeMap;

use rusqlite::OptionalExtension;

use super::schema::Statements;

/// The number of keys in a run, approximately: the run that a batch completes may be larger.
const RUN: u64 = 16_384;

/// Bits of a filter, a power of two. 16 bits per key: about one unknown key in 1,000 needs a read
/// of the index in vain.
const BITS: u64 = 1 << 18;

/// The number of bits that one key sets.
const BITS_OF_KEY: u64 = 6;

/// An old run with at most this many keys keeps a list instead of a filter of 32 KiB, since dead
/// letters may keep a few keys for a long time.
const FEW: u64 = 512;

pub(super) type Digest = [u8; 32];

pub(super) struct Seen {
    runs: BTreeMap<i64, Run>,
    /// The runs that the current transaction has changed.
    touched: Vec<i64>,
}

struct Run {
    /// The number of keys in the table.
    keys: u64,
    /// The number of keys that were added to the filter, including those forgotten since.
    told: u64,
    filter: Filter,
}

enum Filter {
    Bloom(Box<[u64]>),
    /// The first words of the keys' hashes, sorted.
    Few(Vec<u64>),
}

/// Two words from which all positions in a filter are computed.
#[derive(Clone, Copy)]
struct Hash(u64, u64);

impl Hash {
    fn of(key: &Digest) -> Self {
        let mut hash = Hash(0, 0);
        // Odd multipliers, which also spread keys that are not digests.
        for word in key.as_chunks().0 {
            let word = u64::from_le_bytes(*word);
            hash.0 = (hash.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
            hash.1 = (hash.1.rotate_left(31) ^ word).wrapping_mul(0xd6e8_feb8_6659_fd93);
        }
        Hash(hash.0, hash.1 | 1)
    }

    fn positions(self) -> impl Iterator<Item = (usize, u64)> {
        (0..BITS_OF_KEY).map(move |number| {
            let bit =
                self.0.wrapping_add(self.1.wrapping_mul(number)) >> (64 - BITS.trailing_zeros());
            (usize::try_from(bit / 64).unwrap_or(0), 1 << (bit % 64))
        })
    }
}

impl Filter {
    fn bloom() -> Self {
        Filter::Bloom(vec![0; usize::try_from(BITS / 64).unwrap_or(0)].into_boxed_slice())
    }

    fn add(&mut self, hash: Hash) {
        match self {
            Filter::Bloom(words) => hash.positions().for_each(|(at, bit)| words[at] |= bit),
            Filter::Few(hashes) => {
                let at = hashes.partition_point(|other| *other < hash.0);
                hashes.insert(at, hash.0);
            }
        }
    }

    fn may_have(&self, hash: Hash) -> bool {
        match self {
            Filter::Bloom(words) => hash.positions().all(|(at, bit)| words[at] & bit != 0),
            Filter::Few(hashes) => hashes.binary_search(&hash.0).is_ok(),
        }
    }
}

impl Seen {
    /// Reads all keys.
    pub(super) fn open(s: &mut Statements<'_>) -> rusqlite::Result<Self> {
        let mut seen = Seen { runs: BTreeMap::new(), touched: Vec::new() };
        let mut rows = s.all_seen.query(())?;
        while let Some(columns) = rows.next()? {
            let number = columns.get(0)?;
            let run = seen.runs.entry(number).or_insert_with(Run::new);
            run.add(Hash::of(&columns.get(1)?));
        }
        drop(rows);
        seen.touched = seen.runs.keys().copied().collect();
        seen.committed(s)?;
        Ok(seen)
    }

    /// The row that a key belongs to, if the key is remembered.
    pub(super) fn find(
        &self,
        s: &mut Statements<'_>,
        key: &Digest,
    ) -> rusqlite::Result<Option<i64>> {
        let hash = Hash::of(key);
        // Newest first: most duplicates arrive within seconds.
        for (number, run) in self.runs.iter().rev() {
            if run.filter.may_have(hash) {
                let found = s.seen.query_row((number, key), |columns| columns.get(0)).optional()?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }

    /// Remembers a key that is not remembered yet.
    pub(super) fn add(
        &mut self,
        s: &mut Statements<'_>,
        key: &Digest,
        row: i64,
    ) -> rusqlite::Result<()> {
        let newest = self.runs.last_key_value();
        let number = match newest {
            Some((number, run)) if run.told < RUN && matches!(run.filter, Filter::Bloom(_)) => {
                *number
            }
            Some((number, _)) => number.saturating_add(1),
            None => 0,
        };
        s.see.execute((number, key, row))?;
        let run = self.runs.entry(number).or_insert_with(Run::new);
        run.add(Hash::of(key));
        self.touch(number);
        Ok(())
    }

    /// Forgets a key.
    pub(super) fn forget(&mut self, s: &mut Statements<'_>, key: &Digest) -> rusqlite::Result<()> {
        let hash = Hash::of(key);
        // Oldest first: keys are forgotten in the order of their age.
        for (&number, run) in &mut self.runs {
            if run.filter.may_have(hash) && s.forget.execute((number, key))? > 0 {
                run.keys = run.keys.saturating_sub(1);
                self.touch(number);
                break;
            }
        }
        Ok(())
    }

    fn touch(&mut self, number: i64) {
        if self.touched.last() != Some(&number) {
            self.touched.push(number);
        }
    }

    /// The transaction is committed: drops runs without keys, and shrinks those with few keys.
    pub(super) fn committed(&mut self, s: &mut Statements<'_>) -> rusqlite::Result<()> {
        let newest = self.runs.last_key_value().map(|(number, _)| *number);
        for number in self.touched.drain(..) {
            let Some(run) = self.runs.get_mut(&number) else {
                continue;
            };
            if run.keys == 0 {
                self.runs.remove(&number);
            } else if run.keys <= FEW
                && Some(number) != newest
                && matches!(run.filter, Filter::Bloom(_))
            {
                let mut few = Filter::Few(Vec::new());
                let mut rows = s.run.query([number])?;
                while let Some(columns) = rows.next()? {
                    few.add(Hash::of(&columns.get(0)?));
                }
                run.filter = few;
            }
        }
        Ok(())
    }

    /// The transaction was rolled back: counts the keys of the changed runs again. Their filter
    /// bits stay, which costs a few reads of the index.
    pub(super) fn rolled_back(&mut self, s: &mut Statements<'_>) -> rusqlite::Result<()> {
        for number in self.touched.drain(..) {
            let keys =
                s.count_run.query_row([number], |columns| columns.get::<_, i64>(0))?.unsigned_abs();
            match self.runs.get_mut(&number) {
                Some(run) if keys > 0 => run.keys = keys,
                _ => drop(self.runs.remove(&number)),
            }
        }
        Ok(())
    }
}

impl Run {
    fn new() -> Self {
        Run { keys: 0, told: 0, filter: Filter::bloom() }
    }

    fn add(&mut self, hash: Hash) {
        self.keys += 1;
        self.told += 1;
        self.filter.add(hash);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use rusqlite::Connection;

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
        let few = |run: &&Run| matches!(run.filter, Filter::Few(_));
        let few = seen.runs.values().filter(few).count();
        (seen.runs.len() - few, few)
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
            asked_in_vain += seen.runs.values().filter(|run| run.filter.may_have(hash)).count();
            seen.add(&mut s, &key(number), number).unwrap();
            if number >= 100 {
                seen.forget(&mut s, &key(number - 100)).unwrap();
            }
            if number % 1000 == 0 {
                seen.committed(&mut s).unwrap();
            }
        }
        assert!(asked_in_vain < 200, "{asked_in_vain}");
        assert!(seen.runs.len() <= 2, "{}", seen.runs.len());
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
                for run in seen.runs.values() {
                    prop_assert!(run.keys <= run.told);
                }
            }
            for number in 0..40 {
                prop_assert_eq!(seen.find(&mut s, &key(number)).unwrap(), model.get(&number).copied());
            }
        }
    }
}
