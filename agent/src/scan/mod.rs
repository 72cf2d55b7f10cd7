//! One scan of a machine, or of a file tree as if it were one: what AI is installed, configured or kept.
//!
//! Each family of sources is a file here, split into a parser (bytes in, items out, no I/O) and a reader, which
//! finds and opens what the parser is given. [`safe`] holds the rules of reading in homes that may be hostile.
//! What matches a rule becomes a [`FoundItem`]; what does not stays on the machine as [`Unmatched`] and is
//! matched again when a new catalogue arrives. What could not be read is told, source by source: only a complete
//! snapshot may say that a thing is gone.
//!
//! Nothing found is executed or contacted, nothing is written, and no value of a secret is kept.

mod dpkg;
mod homes;
mod safe;
mod source;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;
use umbrascope_api::{Channel, Completeness, SnapshotItem, SourceReport, SourceState};
use umbrascope_rules::{Confidence, Matcher, SoftwareKind};

use homes::Homes;
use safe::{Budget, Dir, Trouble};
use source::Source;

/// How long a scan may take before it ends with what it has.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// What to scan.
#[derive(Debug, Clone)]
pub struct ScanRequest {
    /// The tree that is read as `/`.
    pub root: PathBuf,
    /// Whether the tree is this running machine: processes and sockets are looked at too.
    pub live: bool,
    /// After this the scan ends, with what it has marked partial.
    pub deadline: Duration,
}

impl ScanRequest {
    /// This machine.
    pub fn live() -> Self {
        Self { root: PathBuf::from("/"), live: true, deadline: DEADLINE }
    }

    /// The tree below `root`, as if it were `/`.
    pub fn tree(root: PathBuf) -> Self {
        Self { root, live: false, deadline: DEADLINE }
    }
}

/// What a scan saw.
#[derive(Debug)]
pub struct ScanOutcome {
    /// One for each source family, those without items too: an empty complete snapshot removes.
    pub snapshots: Vec<RawSnapshot>,
    /// How each source ended, in the same order.
    pub reports: Vec<SourceReport>,
    /// What could not be read and where. For this machine's own eyes.
    pub problems: Vec<Problem>,
}

impl ScanOutcome {
    /// Whether some source was not read to its end.
    pub fn partial(&self) -> bool {
        self.snapshots.iter().any(|snapshot| snapshot.completeness == Completeness::Partial)
    }
}

/// One source family, as this scan saw it.
#[derive(Debug)]
pub struct RawSnapshot {
    /// The source family, as on the wire.
    pub source: &'static str,
    /// Whether all of it was read.
    pub completeness: Completeness,
    /// What a rule matched, sorted.
    pub items: Vec<FoundItem>,
    /// What no rule matched. It never leaves this machine.
    pub unmatched: Vec<Unmatched>,
}

/// An item that a rule matched.
#[derive(Debug, Clone)]
pub struct FoundItem {
    /// As it goes over the wire, its account not yet filled in.
    pub item: SnapshotItem,
    /// Who owns what it was read from.
    pub owner: Option<u32>,
    /// The product the rule means.
    pub product: Box<str>,
    /// Its vendor.
    pub vendor: Box<str>,
    /// How sure the rule is.
    pub confidence: Confidence,
}

/// An identifier that no rule of this catalogue knows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unmatched {
    /// Which namespace it is of.
    pub kind: SoftwareKind,
    /// As its own records spell it.
    pub identifier: String,
    /// As its own records say.
    pub version: Option<String>,
}

/// Something that could not be read.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    /// The source family.
    pub source: &'static str,
    /// Why.
    pub state: SourceState,
    /// Where; a home folder is written `~`.
    pub location: String,
}

/// Scans once.
pub fn scan(request: &ScanRequest, matcher: &Matcher) -> ScanOutcome {
    let budget = Budget::new(Instant::now() + request.deadline);
    let mut scan = Scan { matcher, outcome: ScanOutcome { snapshots: vec![], reports: vec![], problems: vec![] } };
    let root = match Dir::root(&request.root, budget) {
        Ok(root) => root,
        Err(trouble) => {
            let trouble = if trouble == Trouble::Absent { Trouble::Refused } else { trouble };
            scan.source("root", Channel::Package, |source| source.trouble(trouble, "/"));
            return scan.outcome;
        }
    };
    let homes = Homes::find(&root);
    scan.source("dpkg", Channel::Package, |source| dpkg::read(&root, source));
    let _ = &homes.homes;
    scan.outcome
}

struct Scan<'a> {
    matcher: &'a Matcher,
    outcome: ScanOutcome,
}

impl<'a> Scan<'a> {
    /// Runs one source of the system.
    fn source(&mut self, name: &'static str, channel: Channel, read: impl FnOnce(&mut Source<'a>)) {
        let mut source = Source::new(name, channel, self.matcher);
        read(&mut source);
        let (snapshot, report, problems) = source.finish();
        self.outcome.snapshots.push(snapshot);
        self.outcome.reports.push(report);
        self.outcome.problems.extend(problems);
    }
}
