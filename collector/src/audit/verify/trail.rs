//! The entries: each one an entry, each after the one before, and all of them what was signed.

use std::collections::BTreeMap;
use std::io;

use super::keys::{Earlier, Ring};
use super::report::{Fault, Report, Setback};
use super::{Part, Source};
use crate::audit::entry::Entry;
use crate::audit::hash::{Hash, sha256};
use crate::audit::merkle::{Tree, check_consistency};
use crate::audit::note::{Checkpoint, Note};

/// The entries of a file.
pub(super) struct Trail {
    /// By number.
    pub(super) entries: BTreeMap<u64, Entry>,
    leaves: Vec<Hash>,
    /// Whether every entry up to the checkpoint is here and is one: only then can what follows from them be said.
    pub(super) whole: bool,
}

/// Reads and checks them as a chain.
pub(super) fn read(
    source: &mut impl Source,
    checkpoint: Option<&Checkpoint>,
    report: &mut Report,
) -> io::Result<Trail> {
    let mut trail = Trail { entries: BTreeMap::new(), leaves: Vec::new(), whole: true };
    // Number and leaf of the line before.
    let (mut next, mut before) = (0, Hash::ZERO);
    source.lines(Part::Entries, &mut |place, bytes| {
        report.entries += 1;
        let leaf = sha256(&[&[0], bytes]);
        let entry = match Entry::read(bytes) {
            Ok(entry) => entry,
            Err(error) => {
                report.add(Fault::Altered, place, format!("entry {next} is none: {error}"));
                trail.whole = false;
                (next, before) = (next + 1, leaf);
                return;
            }
        };
        if entry.seq > next {
            let missing = missing(next, entry.seq - 1);
            report.add(Fault::Incomplete, place, missing);
            trail.whole = false;
        } else if entry.seq < next {
            let what = format!("entry {} stands where entry {next} belongs", entry.seq);
            report.add(Fault::Altered, place, what);
            trail.whole = false;
            return;
        } else if entry.prev != before {
            let what = match entry.seq {
                0 => "entry 0 names one before it".to_owned(),
                seq => format!(
                    "entry {} was changed, or entry {seq}, which says what came before it, was",
                    seq - 1
                ),
            };
            report.add(Fault::Altered, place, what);
        }
        let at_ms = entry.at_ms;
        let (first, last) = report.span_ms.unwrap_or((at_ms, at_ms));
        if at_ms < last {
            report.setbacks.push(Setback { seq: entry.seq, by_ms: last.abs_diff(at_ms) });
        }
        report.span_ms = Some((first, at_ms));
        (next, before) = (entry.seq + 1, leaf);
        trail.leaves.push(leaf);
        trail.entries.insert(entry.seq, entry);
    })?;
    if let Some(size) = checkpoint.map(|checkpoint| checkpoint.size) {
        if next < size {
            report.add(Fault::Incomplete, "the entries", missing(next, size - 1));
            trail.whole = false;
        } else if next > size {
            let what = format!("there are {next}, and the checkpoint is of {size}");
            report.add(Fault::Altered, "the entries", what);
            trail.whole = false;
        }
    }
    Ok(trail)
}

impl Trail {
    /// Whether the entries come to the checkpoint and to every earlier one, and those go on from each other.
    pub(super) fn compare(
        &self,
        ring: &Ring,
        note: &Note,
        checkpoint: &Checkpoint,
        earlier: &Earlier,
        report: &mut Report,
    ) {
        ring.signed(note, checkpoint.size, "checkpoint", report);
        for (place, (note, old), proof) in earlier.iter() {
            if old.origin != checkpoint.origin {
                report.add(Fault::Altered, place, "it is a checkpoint of another log");
            }
            ring.signed(note, old.size, place, report);
            match proof {
                None => report.add(Fault::Incomplete, place, "its proof of consistency is missing"),
                Some(proof) => {
                    let goes_on =
                        check_consistency(old.size, &old.root, checkpoint.size, &checkpoint.root, proof);
                    if !goes_on {
                        report.add(
                            Fault::Altered,
                            place,
                            "the checkpoint of this file does not go on from it",
                        );
                    }
                }
            }
            report.earlier += 1;
        }
        if !self.is_sound() {
            return;
        }
        let mut wanted: Vec<(&str, &Checkpoint)> =
            earlier.iter().map(|(place, (_, old), _)| (place, old)).collect();
        wanted.sort_by_key(|(_, old)| old.size);
        let mut roots = Roots::new(&self.leaves);
        // The first that does not fit bounds the change from above; those after it say nothing new.
        let mut fits = 0;
        for (place, old) in wanted {
            match roots.at(old.size) {
                Some(root) if root != old.root => {
                    let what = format!(
                        "the first {} entries are not those that it was of: one after the first {fits} was changed",
                        old.size
                    );
                    return report.add(Fault::Altered, place, what);
                }
                _ => fits = old.size,
            }
        }
        if let Some(root) = roots.at(checkpoint.size).filter(|root| *root != checkpoint.root) {
            let what = format!(
                "the {} entries come to root {root}, and not to what was signed: one after the first {fits} was changed",
                checkpoint.size
            );
            report.add(Fault::Altered, "the entries", what);
        }
    }

    /// Whether the log goes on from a checkpoint that somebody kept.
    pub(super) fn since(&self, ring: &Ring, note: &Note, report: &mut Report) {
        const PLACE: &str = "the checkpoint given with --since";
        let old = match Checkpoint::of(note) {
            Ok(old) => old,
            Err(error) => return report.add(Fault::Altered, PLACE, error),
        };
        if !ring.signed_before(note, old.size, PLACE, report) {
            return;
        }
        let have = self.leaves.len() as u64;
        if have < old.size && self.whole {
            let what =
                format!("the log had {} entries then and has {have} now: its end was cut off", old.size);
            return report.add(Fault::Altered, PLACE, what);
        }
        if !self.is_sound() {
            return;
        }
        match Roots::new(&self.leaves).at(old.size) {
            Some(root) if root == old.root => report.since = Some(old.size),
            Some(_) => {
                let what =
                    format!("the first {} entries are not those of then: the log was rewritten", old.size);
                report.add(Fault::Altered, PLACE, what);
            }
            None => report.add(Fault::Incomplete, PLACE, "the entries that it is of are not all here"),
        }
    }

    /// Whether the leaves are those of the first entries, one after the other.
    fn is_sound(&self) -> bool {
        self.entries.keys().next_back().is_none_or(|last| *last + 1 == self.leaves.len() as u64)
    }
}

/// Roots over the first leaves, asked for in ascending order.
struct Roots<'a> {
    leaves: &'a [Hash],
    tree: Tree,
}

impl<'a> Roots<'a> {
    fn new(leaves: &'a [Hash]) -> Self {
        Self { leaves, tree: Tree::new() }
    }

    fn at(&mut self, size: u64) -> Option<Hash> {
        let end = usize::try_from(size).ok()?;
        let from = usize::try_from(self.tree.size()).ok()?;
        self.leaves.get(from..end)?.iter().for_each(|leaf| self.tree.push(*leaf));
        Some(self.tree.root())
    }
}

fn missing(from: u64, to: u64) -> String {
    if from == to {
        format!("entry {from} is missing")
    } else {
        format!("entries {from} to {to} are missing")
    }
}
