//! A table of a fixed size that remembers what came lately.
//!
//! A key may stand in four places; the oldest there makes room. However many keys come, memory stays what it is and only
//! what is older than a whole table's worth of others is forgotten early. Keys are digests made with a seed that
//! nobody outside knows, so nobody can choose keys that push out a certain other.

use umbrascope_dissect::Timestamp;

const WAYS: usize = 4;

/// See the module's documentation.
pub(super) struct Recent<V> {
    /// Empty until something is put in.
    slots: Vec<Slot<V>>,
    sets: usize,
    keeps_us: u64,
}

#[derive(Clone, Copy, Default)]
struct Slot<V> {
    key: u64,
    /// When it was put in, plus one; 0: nothing is here.
    since: u64,
    value: V,
}

impl<V: Copy + Default> Recent<V> {
    /// A table of so many times four places, which forgets what is older than so many microseconds.
    pub(super) fn new(sets: usize, keeps_us: u64) -> Self {
        Recent { slots: Vec::new(), sets, keeps_us }
    }

    /// What is remembered of a key. Times may go back, as they do in capture files.
    pub(super) fn get(&self, key: u64, at: Timestamp) -> Option<V> {
        let set = self.slots.get(self.set(key))?;
        let slot = set.iter().find(|slot| slot.key == key && slot.since != 0)?;
        ((slot.since - 1).abs_diff(at.0) <= self.keeps_us).then_some(slot.value)
    }

    /// Remembers a value, in place of the key's earlier one.
    pub(super) fn put(&mut self, key: u64, at: Timestamp, value: V) {
        if self.slots.is_empty() {
            self.slots.resize(self.sets * WAYS, Slot::default());
        }
        let range = self.set(key);
        let Some(set) = self.slots.get_mut(range) else { return };
        let known = set.iter().position(|slot| slot.key == key && slot.since != 0);
        let oldest = || set.iter().enumerate().min_by_key(|(_, slot)| slot.since).map(|(at, _)| at);
        if let Some(slot) = known.or_else(oldest).and_then(|at| set.get_mut(at)) {
            *slot = Slot { key, since: at.0.saturating_add(1), value };
        }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot<V>>()
    }

    fn set(&self, key: u64) -> std::ops::Range<usize> {
        let first = (key % self.sets as u64) as usize * WAYS;
        first..first + WAYS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_lately_is_remembered_and_what_is_old_is_not() {
        let mut recent = Recent::new(8, 1000);
        recent.put(7, Timestamp(0), 'a');
        recent.put(9, Timestamp(5000), 'b');
        assert_eq!(recent.get(7, Timestamp(1000)), Some('a'));
        assert_eq!(recent.get(7, Timestamp(1001)), None);
        assert_eq!(recent.get(9, Timestamp(4100)), Some('b'), "also when the clock went back");
        recent.put(7, Timestamp(2000), 'c');
        assert_eq!(recent.get(7, Timestamp(2000)), Some('c'));
        assert_eq!(recent.get(8, Timestamp(0)), None);
    }

    #[test]
    fn a_flood_keeps_the_bound_and_the_newest() {
        let mut recent = Recent::new(8, u64::MAX);
        assert_eq!(recent.slots.capacity(), 0, "an idle table takes nothing");
        for key in 0..10_000 {
            recent.put(key, Timestamp(key), ());
        }
        assert_eq!(recent.slots.len(), 8 * WAYS);
        let kept = (0..10_000).filter(|&key| recent.get(key, Timestamp(key)).is_some());
        assert!(kept.eq(10_000 - 32..10_000));
    }
}
