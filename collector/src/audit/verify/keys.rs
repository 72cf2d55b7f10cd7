//! Who signed, and whether the asker knows the key, through any number of changes of it.

use std::io;

use super::report::{Fault, Report};
use super::{Part, Source};
use crate::audit::hash::{Hash, canonical};
use crate::audit::line::CheckpointLine;
use crate::audit::note::{Checkpoint, Note, NoteError, VerifyingKey};

/// A change of the key, as an entry tells of it.
pub(super) struct Rotation {
    pub(super) seq: u64,
    pub(super) from: VerifyingKey,
    pub(super) to: VerifyingKey,
}

/// Checkpoints of before.
#[derive(Default)]
pub(super) struct Earlier {
    pub(super) checkpoints: Vec<(Note, Checkpoint)>,
    places: Vec<String>,
    proofs: Vec<Option<Vec<Hash>>>,
}

impl Earlier {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &(Note, Checkpoint), Option<&[Hash]>)> {
        let proofs = self.proofs.iter().map(Option::as_deref);
        self.places.iter().map(String::as_str).zip(&self.checkpoints).zip(proofs).map(|((a, b), c)| (a, b, c))
    }
}

/// Reads the checkpoints of before.
pub(super) fn earlier(source: &mut impl Source, report: &mut Report) -> io::Result<Earlier> {
    let mut earlier = Earlier::default();
    source.lines(Part::Checkpoints, &mut |place, bytes| {
        let line = serde_json::from_slice::<CheckpointLine>(bytes).ok();
        let line = line.filter(|line| canonical(line).is_ok_and(|written| written == bytes));
        let read = line.and_then(|line| {
            let note = Note::read(&line.note).ok()?;
            let checkpoint = Checkpoint::of(&note).ok()?;
            Some((note, checkpoint, line.proof))
        });
        match read {
            None => report.add(Fault::Altered, place, "it is no checkpoint with its proof"),
            Some((note, checkpoint, proof)) => {
                earlier.places.push(place);
                earlier.checkpoints.push((note, checkpoint));
                earlier.proofs.push(proof);
            }
        }
    })?;
    Ok(earlier)
}

/// The keys of a log, one after the other.
pub(super) struct Ring {
    keys: Vec<VerifyingKey>,
    /// Entry that the key of the same place was left in.
    left_in: Vec<u64>,
    /// Whether the asker said which key to trust.
    given: Option<VerifyingKey>,
}

impl Ring {
    /// The keys by the changes that the entries tell of, of which `own` has to be the last.
    pub(super) fn new(
        own: &VerifyingKey,
        rotations: Vec<Rotation>,
        given: Option<&VerifyingKey>,
        report: &mut Report,
    ) -> Self {
        let mut ring = Self { keys: Vec::new(), left_in: Vec::new(), given: given.cloned() };
        for Rotation { seq, from, to } in rotations {
            match ring.keys.last() {
                None => ring.keys.push(from),
                Some(last) if *last == from => {}
                Some(_) => report.add(
                    Fault::Altered,
                    format!("entry {seq}"),
                    "it replaces a key that was not in use",
                ),
            }
            ring.keys.push(to);
            ring.left_in.push(seq);
            report.rotations.push(seq);
        }
        match ring.keys.last() {
            None => ring.keys.push(own.clone()),
            Some(last) if last == own => {}
            Some(_) => {
                report.add(ring.foreign(), "vkey", "it is not the key that the entries say is in use");
            }
        }
        ring
    }

    /// Whether the given key leads to the last one: it is among the keys, and each change after it is signed by the key that left.
    pub(super) fn trust(
        &mut self,
        note: &Note,
        checkpoint: &Checkpoint,
        earlier: &Earlier,
        report: &mut Report,
    ) {
        let Some(given) = &self.given else { return };
        let Some(at) = self.keys.iter().position(|key| key == given) else {
            let key = self.keys.last().map(VerifyingKey::fingerprint).unwrap_or_default();
            let what = format!(
                "the file is signed by the key with fingerprint {key}, and not by the one given with --vkey"
            );
            return report.add(Fault::UnknownKey, "vkey", what);
        };
        for (key, seq) in self.keys.iter().zip(&self.left_in).skip(at) {
            let mut notes = earlier
                .checkpoints
                .iter()
                .map(|(note, old)| (note, old.size))
                .chain([(note, checkpoint.size)]);
            let handed =
                notes.any(|(note, size)| size > *seq && note.verify(std::slice::from_ref(key)).is_ok());
            if !handed {
                let what =
                    "the key given with --vkey was replaced here, and it signed no checkpoint that says so";
                report.add(Fault::UnknownKey, format!("entry {seq}"), what);
            }
        }
    }

    /// Whether the key that was in use when the log had `size` entries signed this.
    pub(super) fn signed(&self, note: &Note, size: u64, place: &str, report: &mut Report) {
        self.signed_by(note, size, place, self.foreign(), report);
    }

    /// The same of what the asker brought: a foreign key is then simply not known.
    pub(super) fn signed_before(&self, note: &Note, size: u64, place: &str, report: &mut Report) -> bool {
        self.signed_by(note, size, place, Fault::UnknownKey, report)
    }

    fn signed_by(&self, note: &Note, size: u64, place: &str, foreign: Fault, report: &mut Report) -> bool {
        let at = self.left_in.iter().filter(|seq| **seq < size).count();
        let Some(key) = self.keys.get(at) else { return false };
        match note.verify(std::slice::from_ref(key)) {
            Ok(_) => return true,
            Err(NoteError::Unknown) => report.add(foreign, place, "it is not signed by the key of the log"),
            Err(error) => report.add(Fault::Altered, place, error),
        }
        false
    }

    /// What a foreign signature means: where the asker brought the key, somebody else signed; where the file brought its own, the file
    /// contradicts itself.
    fn foreign(&self) -> Fault {
        if self.given.is_some() { Fault::UnknownKey } else { Fault::Altered }
    }
}
