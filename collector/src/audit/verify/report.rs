//! What a check came to.

use std::fmt::Display;

use super::Known;
use crate::audit::note::{Checkpoint, VerifyingKey};

/// The first that are found are named, the rest are counted: one change can be noticed in every entry after it.
const MAX_FINDINGS: usize = 50;

/// What a check came to.
#[derive(Debug, Clone)]
pub struct Report {
    /// What was checked.
    pub kind: &'static str,
    /// Which log it is of.
    pub origin: Option<String>,
    /// The key that the file names as its own.
    pub key: Option<VerifyingKey>,
    /// Whether the asker had a key; else the file's own was taken.
    pub key_given: bool,
    /// How many entries it holds.
    pub entries: u64,
    /// Time of the first and of the last entry, Unix milliseconds.
    pub span_ms: Option<(i64, i64)>,
    /// Checkpoint that the file stands at.
    pub checkpoint: Option<Checkpoint>,
    /// Earlier checkpoints that were compared.
    pub earlier: u64,
    /// Files whose checksum fits.
    pub files: u64,
    /// Records that were compared with what the entries come to.
    pub records: u64,
    /// Monthly snapshots that are what their records say.
    pub snapshots: u64,
    /// Records that are not in the file because their entries were redacted.
    pub withheld: u64,
    /// Entries whose payload is not there.
    pub redacted: Vec<u64>,
    /// Where the collector's clock was set back.
    pub setbacks: Vec<Setback>,
    /// Entries in which the key changed.
    pub rotations: Vec<u64>,
    /// Entries of the asker's checkpoint, from which this log goes on.
    pub since: Option<u64>,
    /// Time stamps: entries of the checkpoint, and the time that the token states.
    pub stamps: Vec<(u64, String)>,
    findings: Vec<Finding>,
    more: u64,
    faults: [bool; 3],
}

/// Something that is not as it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Of which kind.
    pub fault: Fault,
    /// Where.
    pub place: String,
    /// What.
    pub what: String,
}

/// A kind of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Something was changed.
    Altered,
    /// Something is missing.
    Incomplete,
    /// Somebody else signed.
    UnknownKey,
}

/// The clock was set back before this entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setback {
    /// Number of the entry.
    pub seq: u64,
    /// By how many milliseconds.
    pub by_ms: u64,
}

/// The end of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All holds together.
    Consistent,
    /// Something was changed: the gravest.
    Altered,
    /// Something is missing.
    Incomplete,
    /// It is signed by a key that is not known.
    UnknownKey,
}

impl Verdict {
    /// Exit code of `audit verify`.
    pub fn code(self) -> u8 {
        match self {
            Self::Consistent => 0,
            Self::Altered => 1,
            Self::Incomplete => 3,
            Self::UnknownKey => 4,
        }
    }

    /// A word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Consistent => "consistent",
            Self::Altered => "altered",
            Self::Incomplete => "incomplete",
            Self::UnknownKey => "signed by an unknown key",
        }
    }
}

impl Report {
    pub(super) fn new(kind: &'static str, known: &Known) -> Self {
        Self {
            kind,
            origin: None,
            key: None,
            key_given: known.vkey.is_some(),
            entries: 0,
            span_ms: None,
            checkpoint: None,
            earlier: 0,
            files: 0,
            records: 0,
            snapshots: 0,
            withheld: 0,
            redacted: Vec::new(),
            setbacks: Vec::new(),
            rotations: Vec::new(),
            since: None,
            stamps: Vec::new(),
            findings: Vec::new(),
            more: 0,
            faults: [false; 3],
        }
    }

    pub(super) fn add(&mut self, fault: Fault, place: impl Into<String>, what: impl Display) {
        self.faults[fault as usize] = true;
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding { fault, place: place.into(), what: what.to_string() });
        } else {
            self.more += 1;
        }
    }

    /// What was found, as it came up.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many findings are not among them.
    pub fn more(&self) -> u64 {
        self.more
    }

    /// The gravest of what was found: a change, then a foreign key, then a lack.
    pub fn verdict(&self) -> Verdict {
        match self.faults {
            [true, _, _] => Verdict::Altered,
            [_, _, true] => Verdict::UnknownKey,
            [_, true, _] => Verdict::Incomplete,
            _ => Verdict::Consistent,
        }
    }
}
