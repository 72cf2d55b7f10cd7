//! What ran when it was last looked at, so that a look can tell whether anything else does now.
//!
//! Each kind of process is a number of [`super::identity::Seen::mark`]. Processes come and go all the time; nearly all of them are of
//! kinds that no rule knew before, and those are nothing new. What is compared is the others.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::sockets::Listening;
use crate::scan::safe::OwnerId;

/// Most kinds that no rule knows. A machine on which programs are built sees some thousand in the hours between two full scans.
const PLAIN: usize = 16_384;
const MARK: usize = 8;

/// The kinds of process, and what ran of those that a rule knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::scan) struct Marks {
    plain: BTreeSet<u64>,
    /// Kinds whose ports matter.
    serving: BTreeSet<u64>,
    /// What ran: kind, owner and, of those that serve, the ports.
    running: BTreeSet<u64>,
}

impl Marks {
    pub(super) fn plain(&mut self, mark: u64) {
        if self.plain.len() < PLAIN {
            self.plain.insert(mark);
        }
    }

    /// Of a process that a rule knows; `ports` where it serves.
    pub(super) fn known(&mut self, mark: u64, owner: Option<OwnerId>, ports: Option<&[Listening]>) {
        if ports.is_some() {
            self.serving.insert(mark);
        }
        let bound: Option<Vec<_>> = ports.map(|ports| ports.iter().map(|port| port.bound).collect());
        let mut hasher = DefaultHasher::new();
        (mark, owner, bound).hash(&mut hasher);
        self.running.insert(hasher.finish());
    }

    pub(super) fn is_plain(&self, mark: u64) -> bool {
        self.plain.contains(&mark)
    }

    pub(super) fn serves(&self, mark: u64) -> bool {
        self.serving.contains(&mark)
    }

    pub(super) fn runs_as(&self, before: &Self) -> bool {
        self.running == before.running
    }

    /// Keeps what was known of kinds before, as far as there is room.
    pub(in crate::scan) fn remember(&mut self, before: Self) {
        for mark in before.plain {
            self.plain(mark);
        }
    }

    /// As bytes: how many of each, then all of them.
    pub(in crate::scan) fn encode(&self) -> Vec<u8> {
        let sets = [&self.plain, &self.serving, &self.running];
        let counts = sets.iter().flat_map(|set| (set.len() as u32).to_le_bytes());
        let marks = sets.iter().flat_map(|set| set.iter()).flat_map(|mark| mark.to_le_bytes());
        counts.chain(marks).collect()
    }

    /// From bytes; `None` where they are none of ours.
    pub(in crate::scan) fn decode(bytes: &[u8]) -> Option<Self> {
        let (counts, mut rest) = bytes.split_at_checked(3 * 4)?;
        let mut set = |at: usize| {
            let count = u32::from_le_bytes(counts.get(at * 4..at * 4 + 4)?.try_into().ok()?);
            let (marks, after) = rest.split_at_checked(usize::try_from(count).ok()?.checked_mul(MARK)?)?;
            rest = after;
            let marks = marks.chunks_exact(MARK).filter_map(|mark| mark.try_into().ok());
            Some(marks.map(u64::from_le_bytes).collect())
        };
        let marks = Self { plain: set(0)?, serving: set(1)?, running: set(2)? };
        rest.is_empty().then_some(marks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_is_read_again_and_nothing_else_is() {
        let mut marks = Marks::default();
        marks.plain(7);
        marks.known(8, Some(1000), None);
        marks.known(9, Some(1000), Some(&[]));
        let bytes = marks.encode();
        assert_eq!(Marks::decode(&bytes), Some(marks.clone()));
        for end in 0..bytes.len() {
            assert_eq!(Marks::decode(&bytes[..end]), None);
        }
        assert_eq!(Marks::decode(&[0xFF; 64]), None);
        assert!(marks.is_plain(7) && marks.serves(9) && !marks.serves(8));
    }

    #[test]
    fn another_owner_or_port_is_another_thing_and_more_of_the_same_is_not() {
        let of = |known: &[(u64, u32, bool)]| {
            let mut marks = Marks::default();
            for (mark, owner, serves) in known {
                marks.known(*mark, Some(*owner), serves.then_some(&[]));
            }
            marks
        };
        let before = of(&[(1, 1000, false)]);
        assert!(of(&[(1, 1000, false), (1, 1000, false)]).runs_as(&before));
        for other in [&[][..], &[(1, 1001, false)], &[(1, 1000, true)], &[(1, 1000, false), (2, 1000, false)]]
        {
            assert!(!of(other).runs_as(&before), "{other:?}");
        }
    }
}
