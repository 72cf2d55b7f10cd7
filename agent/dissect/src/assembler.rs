//! Joins pieces of a byte stream that arrive in any order, twice or overlapping.

/// No piece of a stream is kept beyond this offset: a ClientHello with two post-quantum key shares is below
/// 4 KiB, and a DNS message over TCP below 64 KiB.
pub(crate) const MAX_BYTES: usize = 64 * 1024;

/// Islands of bytes with holes between them. Browsers cut a hello into tens of QUIC frames in any order, so that nothing on
/// the way gets used to reading it; a sender that makes more than this is playing.
const MAX_ISLANDS: usize = 256;

/// Bytes at stream offsets, the first write of each offset winning.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    data: Vec<u8>,
    /// Sorted, disjoint, not touching: `start..end` offsets that are filled.
    islands: Vec<(usize, usize)>,
}

/// What became of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inserted {
    /// The whole piece is there; `false`: a bound was hit and something is missing.
    pub(crate) whole: bool,
    /// It overlapped earlier bytes and said something else there.
    pub(crate) conflict: bool,
}

impl Assembler {
    /// Puts `bytes` at `offset`. What is there already stays.
    pub(crate) fn insert(&mut self, offset: usize, bytes: &[u8]) -> Inserted {
        let whole = offset.saturating_add(bytes.len()) <= MAX_BYTES;
        let end = offset.saturating_add(bytes.len()).min(MAX_BYTES);
        if offset >= end {
            return Inserted { whole: whole && bytes.is_empty(), conflict: false };
        }
        // Islands that overlap or touch `offset..end` are `first..last`; they become one with the new piece.
        let first = self.islands.partition_point(|island| island.1 < offset);
        let last = first + self.islands[first..].partition_point(|island| island.0 <= end);
        if first == last && self.islands.len() >= MAX_ISLANDS {
            return Inserted { whole: false, conflict: false };
        }
        if self.data.len() < end {
            self.data.resize(end, 0);
        }
        let mut conflict = false;
        let mut cursor = offset;
        for &(from, to) in &self.islands[first..last] {
            if from > cursor {
                self.data[cursor..from].copy_from_slice(&bytes[cursor - offset..from - offset]);
            }
            let (from, to) = (from.max(offset), to.min(end));
            if from < to {
                conflict |= self.data[from..to] != bytes[from - offset..to - offset];
            }
            cursor = cursor.max(to);
        }
        if cursor < end {
            self.data[cursor..end].copy_from_slice(&bytes[cursor - offset..end - offset]);
        }
        if first == last {
            self.islands.insert(first, (offset, end));
        } else {
            let joined = (self.islands[first].0.min(offset), self.islands[last - 1].1.max(end));
            self.islands[first] = joined;
            self.islands.drain(first + 1..last);
        }
        Inserted { whole, conflict }
    }

    /// The bytes from offset 0 up to the first hole.
    pub(crate) fn contiguous(&self) -> &[u8] {
        match self.islands.first() {
            Some(&(0, end)) => &self.data[..end],
            _ => &[],
        }
    }

    /// The bytes behind the last hole.
    pub(crate) fn last(&self) -> &[u8] {
        self.islands.last().map_or(&[], |&(start, end)| &self.data[start..end])
    }

    /// Drops everything before offset `count`, which becomes offset 0.
    pub(crate) fn advance(&mut self, count: usize) {
        let count_in_data = count.min(self.data.len());
        self.data.drain(..count_in_data);
        self.islands.retain_mut(|island| {
            island.0 = island.0.saturating_sub(count);
            island.1 = island.1.saturating_sub(count);
            island.0 < island.1
        });
    }

    /// Makes room for `count` earlier bytes; `false` where that breaks the bound.
    pub(crate) fn make_room(&mut self, count: usize) -> bool {
        if self.data.len() + count > MAX_BYTES {
            return false;
        }
        self.data.splice(..0, std::iter::repeat_n(0, count));
        for island in &mut self.islands {
            island.0 += count;
            island.1 += count;
        }
        true
    }

    /// Nothing is held.
    pub(crate) fn is_empty(&self) -> bool {
        self.islands.is_empty()
    }

    /// Bytes filled, holes not counted.
    pub(crate) fn filled(&self) -> usize {
        self.islands.iter().map(|island| island.1 - island.0).sum()
    }

    /// Memory this takes, for the budget of the table that holds it.
    pub(crate) fn footprint(&self) -> usize {
        self.data.capacity() + self.islands.capacity() * size_of::<(usize, usize)>() + size_of::<Self>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pieces_in_reverse_order_join() {
        let mut assembler = Assembler::default();
        assembler.insert(4, b"EF");
        assembler.insert(2, b"CD");
        assert_eq!(assembler.contiguous(), b"");
        assembler.insert(0, b"AB");
        assert_eq!(assembler.contiguous(), b"ABCDEF");
    }

    #[test]
    fn the_first_write_wins_and_a_different_second_is_told() {
        let mut assembler = Assembler::default();
        assembler.insert(2, b"cd");
        let second = assembler.insert(0, b"ABXYEF");
        assert_eq!(assembler.contiguous(), b"ABcdEF");
        assert!(second.whole && second.conflict);
    }

    #[test]
    fn a_duplicate_with_a_hole_does_not_look_complete() {
        let mut assembler = Assembler::default();
        assembler.insert(0, b"AB");
        assembler.insert(0, b"AB");
        assembler.insert(4, b"EF");
        assert_eq!(assembler.contiguous(), b"AB");
    }

    #[test]
    fn bytes_beyond_the_bound_are_refused() {
        let mut assembler = Assembler::default();
        assert!(!assembler.insert(MAX_BYTES - 1, b"ab").whole);
        assert!(!assembler.insert(usize::MAX, b"ab").whole);
        assert!(assembler.footprint() < 2 * MAX_BYTES);
    }

    #[test]
    fn islands_beyond_the_bound_are_refused() {
        let mut assembler = Assembler::default();
        for island in 0..MAX_ISLANDS {
            assert!(assembler.insert(island * 2, b"a").whole);
        }
        assert!(!assembler.insert(MAX_ISLANDS * 2, b"a").whole);
        assert!(assembler.insert(1, b"b").whole, "a piece that fills a hole is always welcome");
    }

    #[test]
    fn earlier_bytes_fit_in_front_and_consumed_ones_go() {
        let mut assembler = Assembler::default();
        assembler.insert(0, b"CD");
        assert!(assembler.make_room(2));
        assembler.insert(0, b"AB");
        assert_eq!(assembler.contiguous(), b"ABCD");
        assembler.advance(3);
        assert_eq!(assembler.contiguous(), b"D");
    }

    proptest! {
        #[test]
        fn any_cutting_in_any_order_gives_the_same_bytes(
            text in proptest::collection::vec(any::<u8>(), 1..400),
            cuts in proptest::collection::vec((any::<prop::sample::Index>(), 1usize..60), 0..50),
            order in any::<u64>(),
        ) {
            let mut pieces: Vec<(usize, usize)> = cuts
                .iter()
                .map(|(start, len)| { let start = start.index(text.len()); (start, (start + len).min(text.len())) })
                .collect();
            pieces.extend((0..text.len()).step_by(7).map(|start| (start, (start + 7).min(text.len()))));
            let count = pieces.len();
            for turn in 0..count {
                pieces.swap(turn, (order.wrapping_mul(turn as u64 + 1) >> 7) as usize % count);
            }
            let mut assembler = Assembler::default();
            for (start, end) in pieces {
                let inserted = assembler.insert(start, &text[start..end]);
                prop_assert!(!inserted.conflict);
            }
            prop_assert_eq!(assembler.contiguous(), &text[..]);
        }
    }
}
