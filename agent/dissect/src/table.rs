//! A bounded table that a flood cannot use to push everybody else out.
//!
//! Each entry belongs to a party (the sender of its packets, hashed into one of [`PARTIES`]). When the table is full,
//! the entry least recently used *of the party that takes the most room* goes. One flooding sender thus evicts its
//! own entries; many spoofed senders make the table an ordinary least-recently-used one, in which an entry in
//! use lives until a whole table's worth of others came after it.
//!
//! What nobody used between two [sweeps](Table::sweep) goes as well, and then the room that it took.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};

const PARTIES: usize = 256;
/// Places for entries below which giving room back is not worth the work.
const ROOM: usize = 1024;
const NONE: u32 = u32::MAX;

/// A keyed multiply-and-fold hash: fast, and not to be predicted from outside without the seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seeded(pub(crate) u64);

impl BuildHasher for Seeded {
    type Hasher = Fold;

    fn build_hasher(&self) -> Fold {
        Fold(self.0 ^ 0x9e37_79b9_7f4a_7c15)
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Fold(u64);

impl Hasher for Fold {
    #[inline]
    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * 0xa076_1d64_78bd_642f;
        self.0 = (product >> 64) as u64 ^ product as u64 ^ self.0.rotate_left(23);
    }

    #[inline]
    fn write_u128(&mut self, word: u128) {
        self.write_u64((word >> 64) as u64);
        self.write_u64(word as u64);
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    #[inline]
    fn finish(&self) -> u64 {
        // The table takes bits from both ends.
        self.0 ^ self.0 >> 32
    }
}

/// What a table asks of its keys.
pub(crate) trait Key: Copy + Eq + Hash {
    /// Whose room the entry takes.
    fn party(&self) -> u128;
}

#[derive(Debug)]
struct Entry<K, V> {
    key: K,
    value: V,
    weight: usize,
    party: u8,
    /// Number of the sweep before which it was used last; wraps.
    used: u8,
    newer: u32,
    older: u32,
}

#[derive(Clone, Copy, Debug)]
struct Party {
    newest: u32,
    oldest: u32,
    weight: usize,
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Table<K, V> {
    index: HashMap<K, u32, Seeded>,
    entries: Vec<Option<Entry<K, V>>>,
    free: Vec<u32>,
    parties: Box<[Party; PARTIES]>,
    weight: usize,
    bound: usize,
    seed: Seeded,
    /// The entry used last: packets come in trains.
    last: u32,
    /// Number of the next sweep; wraps.
    sweep: u8,
}

impl<K: Key, V> Table<K, V> {
    /// A table of at most `bound` weight.
    pub(crate) fn new(bound: usize, seed: u64) -> Self {
        let seed = Seeded(seed);
        Table {
            index: HashMap::with_hasher(seed),
            entries: Vec::new(),
            free: Vec::new(),
            parties: Box::new([Party { newest: NONE, oldest: NONE, weight: 0 }; PARTIES]),
            weight: 0,
            bound,
            seed,
            last: NONE,
            sweep: 0,
        }
    }

    pub(crate) fn weight(&self) -> usize {
        self.weight
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        self.index.contains_key(key)
    }

    /// The value, marked as just used.
    #[inline]
    pub(crate) fn get(&mut self, key: &K) -> Option<&mut V> {
        let known = match self.entries.get(self.last as usize) {
            Some(Some(entry)) if entry.key == *key => self.last,
            _ => *self.index.get(key)?,
        };
        if known != self.last {
            self.last = known;
            self.touch(known);
        }
        let entry = self.entries[known as usize].as_mut()?;
        entry.used = self.sweep;
        Some(&mut entry.value)
    }

    /// Puts a value of this weight in; tells what had to go for it: the value itself, where it weighs more than all may.
    pub(crate) fn insert(&mut self, key: K, value: V, weight: usize, mut gone: impl FnMut(K, V)) {
        if let Some(value) = self.remove(&key) {
            gone(key, value);
        }
        if weight > self.bound {
            return gone(key, value);
        }
        while self.weight + weight > self.bound {
            match self.evict() {
                Some((key, value)) => gone(key, value),
                None => break,
            }
        }
        let party = (self.seed.hash_one(key.party()) >> 8) as u8;
        let entry = Entry { key, value, weight, party, used: self.sweep, newer: NONE, older: NONE };
        let at = match self.free.pop() {
            Some(at) => {
                self.entries[at as usize] = Some(entry);
                at
            }
            None => {
                self.entries.push(Some(entry));
                (self.entries.len() - 1) as u32
            }
        };
        self.index.insert(key, at);
        self.weight += weight;
        self.parties[usize::from(party)].weight += weight;
        self.link(at);
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.index.remove(key)?;
        self.unlink(at);
        if self.last == at {
            self.last = NONE;
        }
        let entry = self.entries[at as usize].take()?;
        self.free.push(at);
        self.weight -= entry.weight;
        self.parties[usize::from(entry.party)].weight -= entry.weight;
        Some(entry.value)
    }

    /// The least recently used entry of each party.
    pub(crate) fn oldest(&self) -> impl Iterator<Item = (&K, &V)> {
        self.parties.iter().filter_map(|party| {
            let entry = self.entries.get(party.oldest as usize)?.as_ref()?;
            Some((&entry.key, &entry.value))
        })
    }

    /// Whether the table has grown to where a sweep may give room back.
    pub(crate) fn is_large(&self) -> bool {
        self.entries.len() > ROOM
    }

    /// Drops what was not used since the sweep before; tells whether room was given back.
    pub(crate) fn sweep(&mut self) -> bool {
        for party in 0..PARTIES {
            while let Some(Some(entry)) = self.entries.get(self.parties[party].oldest as usize)
                && entry.used != self.sweep
            {
                let key = entry.key;
                self.remove(&key);
            }
        }
        self.sweep = self.sweep.wrapping_add(1);
        let shrinks = self.is_large() && self.index.len() < self.entries.len() / 4;
        if shrinks {
            self.compact();
        }
        shrinks
    }

    /// Lays the table out anew, in the order of use.
    fn compact(&mut self) {
        let mut small = Table::new(self.bound, self.seed.0);
        small.sweep = self.sweep;
        for party in 0..PARTIES {
            let mut next = self.parties[party].oldest;
            while let Some(Some(entry)) = self.entries.get_mut(next as usize).map(Option::take) {
                next = entry.newer;
                let at = small.entries.len() as u32;
                small.index.insert(entry.key, at);
                small.weight += entry.weight;
                small.parties[party].weight += entry.weight;
                small.entries.push(Some(entry));
                small.link(at);
            }
        }
        *self = small;
    }

    fn evict(&mut self) -> Option<(K, V)> {
        let heaviest = self.parties.iter().max_by_key(|party| party.weight)?;
        let key = self.entries.get(heaviest.oldest as usize)?.as_ref()?.key;
        self.remove(&key).map(|value| (key, value))
    }

    fn touch(&mut self, at: u32) {
        self.unlink(at);
        self.link(at);
    }

    fn link(&mut self, at: u32) {
        let Some(Some(entry)) = self.entries.get_mut(at as usize) else { return };
        let party = &mut self.parties[usize::from(entry.party)];
        entry.newer = NONE;
        entry.older = party.newest;
        let older = party.newest;
        party.newest = at;
        if party.oldest == NONE {
            party.oldest = at;
        }
        if let Some(Some(entry)) = self.entries.get_mut(older as usize) {
            entry.newer = at;
        }
    }

    fn unlink(&mut self, at: u32) {
        let Some(Some(entry)) = self.entries.get(at as usize) else { return };
        let (newer, older, party) = (entry.newer, entry.older, usize::from(entry.party));
        match self.entries.get_mut(newer as usize) {
            Some(Some(entry)) => entry.older = older,
            _ => self.parties[party].newest = older,
        }
        match self.entries.get_mut(older as usize) {
            Some(Some(entry)) => entry.newer = newer,
            _ => self.parties[party].oldest = newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
    struct Name(u64, u64);

    impl Key for Name {
        fn party(&self) -> u128 {
            u128::from(self.0)
        }
    }

    fn insert<V>(table: &mut Table<Name, V>, key: Name, value: V, weight: usize) -> Vec<(Name, V)> {
        let mut gone = Vec::new();
        table.insert(key, value, weight, |key, value| gone.push((key, value)));
        gone
    }

    #[test]
    fn a_flood_of_one_party_does_not_push_another_out() {
        let mut table = Table::new(100, 7);
        for entry in 0..10 {
            insert(&mut table, Name(1, entry), (), 1);
        }
        for entry in 0..100_000 {
            insert(&mut table, Name(2, entry), (), 1);
        }
        assert_eq!(table.len(), 100);
        assert!((0..10).all(|entry| table.contains(&Name(1, entry))));
    }

    #[test]
    fn what_was_used_last_stays() {
        let mut table = Table::new(3, 7);
        for entry in 0..3 {
            insert(&mut table, Name(1, entry), entry, 1);
        }
        assert_eq!(table.get(&Name(1, 0)), Some(&mut 0));
        assert_eq!(insert(&mut table, Name(1, 3), 3, 1), vec![(Name(1, 1), 1)]);
        assert_eq!(insert(&mut table, Name(1, 4), 4, 1), vec![(Name(1, 2), 2)]);
        assert!(table.contains(&Name(1, 0)));
    }

    #[test]
    fn what_was_not_used_between_two_sweeps_goes_and_so_does_its_room() {
        let mut table = Table::new(100_000, 7);
        for entry in 0..50_000 {
            insert(&mut table, Name(entry % 300, entry), entry, 1);
        }
        assert!(table.is_large());
        assert!(!table.sweep(), "all were used before the first sweep");
        assert_eq!(table.len(), 50_000);
        for entry in (0..50_000).step_by(100) {
            assert_eq!(table.get(&Name(entry % 300, entry)), Some(&mut { entry }));
        }
        insert(&mut table, Name(7, 1_000_000), 1_000_000, 3);
        assert!(table.sweep());
        assert!(!table.is_large());
        assert_eq!((table.len(), table.weight(), table.entries.len()), (501, 503, 501));
        // The order of use is kept, and so are the parties.
        for entry in (0..50_000).step_by(100) {
            assert_eq!(table.remove(&Name(entry % 300, entry)), Some(entry));
        }
        assert_eq!(table.oldest().collect::<Vec<_>>(), vec![(&Name(7, 1_000_000), &1_000_000)]);
        table.sweep();
        assert_eq!((table.len(), table.weight(), table.oldest().count()), (0, 0, 0));
        assert!(table.parties.iter().all(|party| party.weight == 0));
    }

    #[test]
    fn the_oldest_goes_first_after_the_table_was_laid_out_anew() {
        let mut table = Table::new(20_000, 7);
        for entry in 0..20_000 {
            insert(&mut table, Name(1, entry), entry, 1);
        }
        table.sweep();
        for entry in [5, 3, 9] {
            table.get(&Name(1, entry));
        }
        assert!(table.sweep());
        assert_eq!(insert(&mut table, Name(1, 5), 5, 19_999), vec![(Name(1, 5), 5), (Name(1, 3), 3)]);
    }

    #[test]
    fn weight_is_what_counts() {
        let mut table = Table::new(100, 7);
        insert(&mut table, Name(1, 1), (), 60);
        insert(&mut table, Name(1, 2), (), 30);
        assert_eq!(insert(&mut table, Name(1, 3), (), 50).len(), 1);
        assert_eq!(table.weight(), 80);
        insert(&mut table, Name(1, 2), (), 10);
        assert_eq!(table.weight(), 60);
        assert_eq!(table.remove(&Name(1, 3)), Some(()));
        assert_eq!((table.weight(), table.len()), (10, 1));
        assert_eq!(table.oldest().count(), 1);
        assert_eq!(insert(&mut table, Name(1, 4), (), 101), vec![(Name(1, 4), ())]);
        assert_eq!((table.weight(), table.len()), (10, 1));
    }
}
