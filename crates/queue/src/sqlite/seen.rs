//! The dedup keys of earlier callbacks.
//!
//! Keys are digests. With one index over all keys, each new key would land on a different page, and
//! a batch of a thousand callbacks would write a thousand pages. So the index is divided into runs
//! of [`RUN`] keys in the order of their arrival: a batch touches only the few pages of the newest
//! runs. In memory, Bloom filters tell which runs may contain a key: one for a group of [`RUNS`]
//! runs, so that few are asked, and a small one for each run of a group that may contain it.
//!
//! A filter may report a key that is not in its run: then the index is read. It never misses a key
//! that is in it. The table decides; the filters are built from it.

use std::collections::BTreeMap;

use rusqlite::OptionalExtension;

use super::schema::Statements;

/// The number of keys in a run: about two pages of the index.
const RUN: u64 = 128;

/// The number of runs in a group, a power of two.
const RUNS: i64 = 128;

/// Bits of a group's filter, and of those of its runs together; a power of two. 16 bits per key:
/// about one unknown key in 1,000 asks the filters of the runs in vain, and few of those the index.
const BITS: u64 = 1 << 18;

/// Bits of the filter of a run.
const BITS_OF_RUN: u64 = BITS / RUNS.unsigned_abs();

/// The number of bits that one key sets in each of its two filters.
const BITS_OF_KEY: u64 = 6;

/// An old group with at most this many keys keeps a list instead of filters of 64 KiB, since dead
/// letters may keep a few keys for a long time.
const FEW: u64 = 512;

pub(super) type Digest = [u8; 32];

pub(super) struct Seen {
    groups: BTreeMap<i64, Group>,
    /// The run that takes new keys, and how many were added to its filter, including those
    /// forgotten since.
    newest: i64,
    told: u64,
    /// The groups that the current transaction has changed.
    touched: Vec<i64>,
}

struct Group {
    /// The number of keys in the table.
    keys: u64,
    filter: Filter,
}

enum Filter {
    /// The bits of the group, then those of its runs.
    Bloom(Box<[u64]>),
    /// The first words of the keys' hashes with their runs, sorted.
    Few(Vec<(u64, i64)>),
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

    /// Word and bit of each position in the filter of `bits` bits that begins at bit `from`.
    fn positions(self, from: u64, bits: u64) -> impl Iterator<Item = (usize, u64)> {
        (0..BITS_OF_KEY).map(move |number| {
            let bit =
                self.0.wrapping_add(self.1.wrapping_mul(number)) >> (64 - bits.trailing_zeros());
            let bit = from + bit;
            (usize::try_from(bit / 64).unwrap_or(0), 1 << (bit % 64))
        })
    }

    fn in_group(self) -> impl Iterator<Item = (usize, u64)> {
        self.positions(0, BITS)
    }

    fn in_run(self, run: i64) -> impl Iterator<Item = (usize, u64)> {
        let place = run.rem_euclid(RUNS).unsigned_abs();
        self.positions(BITS + place * BITS_OF_RUN, BITS_OF_RUN)
    }
}

impl Filter {
    fn bloom() -> Self {
        Filter::Bloom(vec![0; usize::try_from(2 * BITS / 64).unwrap_or(0)].into_boxed_slice())
    }

    fn add(&mut self, hash: Hash, run: i64) {
        match self {
            Filter::Bloom(words) => {
                let positions = hash.in_group().chain(hash.in_run(run));
                positions.for_each(|(at, bit)| words[at] |= bit);
            }
            Filter::Few(hashes) => {
                let at = hashes.partition_point(|other| *other < (hash.0, run));
                hashes.insert(at, (hash.0, run));
            }
        }
    }

    /// The runs of this group that may have the key.
    fn runs(&self, group: i64, hash: Hash) -> Vec<i64> {
        match self {
            Filter::Bloom(words) => {
                let is_set = |(at, bit): (usize, u64)| words[at] & bit != 0;
                if !hash.in_group().all(is_set) {
                    return Vec::new();
                }
                let runs = (0..RUNS).map(|place| group * RUNS + place);
                runs.filter(|run| hash.in_run(*run).all(is_set)).collect()
            }
            Filter::Few(hashes) => {
                let from = hashes.partition_point(|(other, _)| *other < hash.0);
                let same = hashes[from..].iter().take_while(|(other, _)| *other == hash.0);
                same.map(|(_, run)| *run).collect()
            }
        }
    }
}

impl Seen {
    /// Reads all keys.
    pub(super) fn open(s: &mut Statements<'_>) -> rusqlite::Result<Self> {
        let mut seen = Seen { groups: BTreeMap::new(), newest: 0, told: 0, touched: Vec::new() };
        let mut rows = s.all_seen.query(())?;
        while let Some(columns) = rows.next()? {
            seen.tell(columns.get(0)?, Hash::of(&columns.get(1)?));
        }
        drop(rows);
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
        for (number, group) in self.groups.iter().rev() {
            for run in group.filter.runs(*number, hash) {
                let found = s.seen.query_row((run, key), |columns| columns.get(0)).optional()?;
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
        let run = if self.told < RUN { self.newest } else { self.newest.saturating_add(1) };
        s.see.execute((run, key, row))?;
        self.tell(run, Hash::of(key));
        Ok(())
    }

    /// Adds a key of the table to the filters.
    fn tell(&mut self, run: i64, hash: Hash) {
        if run > self.newest {
            (self.newest, self.told) = (run, 0);
        }
        self.told += u64::from(run == self.newest);
        let number = run.div_euclid(RUNS);
        let group = self.groups.entry(number).or_insert_with(Group::new);
        group.keys += 1;
        group.filter.add(hash, run);
        self.touch(number);
    }

    /// Forgets a key.
    pub(super) fn forget(&mut self, s: &mut Statements<'_>, key: &Digest) -> rusqlite::Result<()> {
        let hash = Hash::of(key);
        // Oldest first: keys are forgotten in the order of their age.
        for (&number, group) in &mut self.groups {
            for run in group.filter.runs(number, hash) {
                if s.forget.execute((run, key))? > 0 {
                    group.keys = group.keys.saturating_sub(1);
                    self.touch(number);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn touch(&mut self, number: i64) {
        if self.touched.last() != Some(&number) {
            self.touched.push(number);
        }
    }

    /// The transaction is committed: drops groups without keys, and shrinks those with few keys.
    pub(super) fn committed(&mut self, s: &mut Statements<'_>) -> rusqlite::Result<()> {
        let newest = self.newest.div_euclid(RUNS);
        for number in self.touched.drain(..) {
            let Some(group) = self.groups.get_mut(&number) else {
                continue;
            };
            if group.keys == 0 {
                self.groups.remove(&number);
            } else if group.keys <= FEW
                && number != newest
                && matches!(group.filter, Filter::Bloom(_))
            {
                let mut few = Filter::Few(Vec::new());
                let mut rows = s.group.query(runs(number))?;
                while let Some(columns) = rows.next()? {
                    few.add(Hash::of(&columns.get(1)?), columns.get(0)?);
                }
                group.filter = few;
            }
        }
        Ok(())
    }

    /// The transaction was rolled back: counts the keys of the changed groups again. Their filter
    /// bits stay, which costs a few reads of the index.
    pub(super) fn rolled_back(&mut self, s: &mut Statements<'_>) -> rusqlite::Result<()> {
        for number in self.touched.drain(..) {
            let keys = s
                .count_group
                .query_row(runs(number), |columns| columns.get::<_, i64>(0))?
                .unsigned_abs();
            match self.groups.get_mut(&number) {
                Some(group) if keys > 0 => group.keys = keys,
                _ => drop(self.groups.remove(&number)),
            }
        }
        Ok(())
    }
}

/// The first and the last run of a group.
fn runs(group: i64) -> [i64; 2] {
    [group * RUNS, group * RUNS + RUNS - 1]
}

impl Group {
    fn new() -> Self {
        Group { keys: 0, filter: Filter::bloom() }
    }
}

#[cfg(test)]
mod tests;
