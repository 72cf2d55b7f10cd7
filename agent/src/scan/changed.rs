//! Between full scans: which sources have to be read again, and which of them answer otherwise than before.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Write};
use std::path::PathBuf;

use umbrascope_api::SourceReport;

use super::RawSnapshot;
use super::journal::{DIGEST, Journal, Section};
use super::safe::{Budget, Dir};
use super::walk::Hits;

/// The section of what tells whose homes there are.
const HOMES: &str = "homes";

/// The source of what runs, and its section.
pub(super) const PROCESSES: &str = "processes";
/// The section of what it is compared with.
pub(super) const RAN: &str = "programs that run";

/// What a scan does about places.
pub(super) enum Watch {
    /// Nothing.
    Off,
    /// It reads every source and notes the places.
    First(Journal),
    /// It reads what moved.
    Again(Box<Again>),
}

pub(super) struct Again {
    old: BTreeMap<String, Section>,
    moved: BTreeSet<String>,
    /// Every source read is given on, also where it answers as before.
    all: bool,
    /// A walk came across other things than before.
    walks_moved: bool,
    new: Journal,
}

impl Watch {
    pub(super) fn first() -> Self {
        Self::First(Journal::default())
    }

    /// Looks at every place of a journal, which is given back when all is as it was.
    pub(super) fn look(root: &Dir, journal: Journal, all: bool) -> Result<Self, Journal> {
        let mut boundary: (PathBuf, Option<Dir>) = ("/".into(), Some(root.clone()));
        let mut moved = BTreeSet::new();
        for (name, section) in &journal.sections {
            let read = section.each(|place| {
                if boundary.0 != place.boundary {
                    let below = place.boundary.strip_prefix("/").ok();
                    let dir = below.filter(|below| !below.as_os_str().is_empty()).map_or_else(
                        || Some(root.clone()),
                        |below| root.dir(below).and_then(Dir::into_home).ok(),
                    );
                    boundary = (place.boundary.to_owned(), dir);
                }
                let as_before = boundary.1.as_ref().is_some_and(|dir| !dir.has_moved(&place));
                if !as_before {
                    moved.insert(name.clone());
                }
                as_before
            });
            if read.is_none() {
                moved.insert(name.clone());
            }
        }
        if moved.is_empty() {
            return Err(journal);
        }
        let (mut old, mut new) = (journal.sections, Journal::default());
        for name in [PROCESSES, RAN] {
            // What runs was looked at before.
            new.sections.extend(old.remove_entry(name));
        }
        Ok(Self::Again(Box::new(Again { old, moved, all, walks_moved: false, new })))
    }

    /// Whether a full scan went before.
    pub(super) fn again(&self) -> bool {
        matches!(self, Self::Again(_))
    }

    /// Whether a source is to be read. One that is not is kept as it was.
    pub(super) fn due(&mut self, budget: &Budget, name: &str, of_walks: bool) -> bool {
        let Self::Again(again) = self else { return true };
        let due = again.moved.contains(HOMES)
            || again.moved.contains(name)
            || (of_walks && again.walks_moved)
            || !again.old.contains_key(name);
        if !due {
            again.keep(budget, name);
        }
        due
    }

    /// What a walk came across, where no place of it moved.
    pub(super) fn walked(&mut self, budget: &Budget, name: &str) -> Option<Hits> {
        let Self::Again(again) = self else { return None };
        if again.moved.contains(name) {
            return None;
        }
        let hits = Hits::decode(&again.old.get(name)?.answer)?;
        again.keep(budget, name);
        Some(hits)
    }

    /// A walk was done: remembers whether it came across other things than before.
    pub(super) fn end_walk(&mut self, budget: &Budget, name: &str, hits: &Hits) {
        let same = self.close(budget, name, || hits.encode().unwrap_or_default());
        if let Self::Again(again) = self {
            // What could not be written down cannot be compared.
            let unknown = again.new.sections.get(name).is_none_or(|section| section.answer.is_empty());
            again.walks_moved |= !same || unknown;
        }
    }

    /// From here on places are noted.
    pub(super) fn begin(&self, budget: &Budget) {
        if !matches!(self, Self::Off) {
            budget.recorder.borrow_mut().begin();
        }
    }

    /// The places noted since are those of `name`. Says whether what came of them is to be given on.
    pub(super) fn end(&mut self, budget: &Budget, name: &str, answer: impl FnOnce() -> Vec<u8>) -> bool {
        let same = self.close(budget, name, answer);
        !same || matches!(self, Self::Again(again) if again.all)
    }

    /// Keeps a section, and says whether it answers as the one before.
    fn close(&mut self, budget: &Budget, name: &str, answer: impl FnOnce() -> Vec<u8>) -> bool {
        let section = || budget.recorder.borrow_mut().end(answer());
        match self {
            Self::Off => false,
            Self::First(journal) => {
                journal.sections.insert(name.to_owned(), section());
                false
            }
            Self::Again(again) => {
                let section = section();
                let same = again.old.remove(name).is_some_and(|old| old.answer == section.answer);
                again.new.sections.insert(name.to_owned(), section);
                same
            }
        }
    }

    /// Where a full scan notes what runs.
    pub(super) fn first_journal(&mut self) -> Option<&mut Journal> {
        match self {
            Self::First(journal) => Some(journal),
            Self::Off | Self::Again(_) => None,
        }
    }

    /// The journal for the next look.
    pub(super) fn journal(self) -> Journal {
        match self {
            Self::Off => Journal::default(),
            Self::First(journal) => journal,
            Self::Again(again) => again.new,
        }
    }
}

impl Again {
    fn keep(&mut self, budget: &Budget, name: &str) {
        if let Some(section) = self.old.remove(name) {
            budget.recorder.borrow_mut().count(&section);
            self.new.sections.insert(name.to_owned(), section);
        }
    }
}

/// A digest of what a source answered.
pub(super) fn digest(snapshot: &RawSnapshot, report: &SourceReport) -> Vec<u8> {
    let mut context = Hashing::new();
    // Writing to a digest does not fail, and neither does writing these types.
    for found in &snapshot.items {
        let _ = serde_json::to_writer(&mut context, &(&found.item, found.owner));
    }
    for unmatched in &snapshot.unmatched {
        let words = (unmatched.kind.as_str(), &unmatched.identifier, &unmatched.version);
        let _ = serde_json::to_writer(&mut context, &words);
    }
    let _ = serde_json::to_writer(&mut context, &(snapshot.completeness, &report.state));
    context.finish()
}

/// Twice the hash of this very program: a digest does not outlive it, and only tells an answer from the one before.
struct Hashing([DefaultHasher; 2]);

impl Hashing {
    fn new() -> Self {
        let (one, mut other) = (DefaultHasher::new(), DefaultHasher::new());
        other.write_u8(1);
        Self([one, other])
    }

    fn finish(&self) -> Vec<u8> {
        let halves = self.0.each_ref().map(|half| half.finish().to_le_bytes());
        halves.concat().into_iter().take(DIGEST).collect()
    }
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.iter_mut().for_each(|half| half.write(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
