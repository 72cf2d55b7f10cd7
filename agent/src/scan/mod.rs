//! One scan of a machine, or of a file tree as if it were one: what AI is installed, configured or kept.
//!
//! Each family of sources is a file here, split into a parser (bytes in, items out, no I/O) and a reader, which
//! finds and opens what the parser is given. [`safe`] holds the rules of reading in homes that may be hostile.
//! What matches a rule becomes a [`FoundItem`]; what does not stays on the machine as [`Unmatched`] and is
//! matched again when a new catalogue arrives. What could not be read is told, source by source: only a complete
//! snapshot may say that a thing is gone.
//!
//! Nothing found is executed, nothing is written, and no value of a secret is kept. Nothing is contacted but, where that is
//! switched on, a server that runs: one bounded question to a loopback port that a matched process owns.

mod accounts;
mod alpm;
mod apk;
mod assistants;
mod bounded;
mod bundles;
mod cargo;
mod changed;
mod chromium;
mod composer;
mod conda;
mod containers;
mod document;
mod dotnet;
mod dpkg;
mod emacs;
mod environment;
mod families;
mod few;
mod firefox;
mod flatpak;
mod gem;
mod go;
mod homes;
mod http;
mod jetbrains;
mod journal;
mod keys;
mod live;
mod macos;
mod manifests;
mod mcp;
mod models;
#[cfg(target_os = "linux")]
mod mounts;
mod nix;
mod node;
mod obsidian;
mod office;
#[cfg(any(test, feature = "fuzzing"))]
pub mod parsers;
mod plist;
mod plugins;
mod processes;
mod programs;
mod projects;
mod python;
mod raycast;
mod registry;
mod rpm;
mod rpmdb;
mod running;
mod safari;
mod safe;
mod snap;
mod source;
mod sqlite;
mod statedb;
mod sublime;
#[cfg(test)]
mod tests;
mod userdata;
mod visualstudio;
mod vscode;
mod walk;
mod windows;
mod xml;
mod zip;

use std::cell::LazyCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::Serialize;
use umbrascope_api::{Channel, Completeness, SnapshotItem, SourceReport, SourceState};
use umbrascope_rules::{Confidence, Matcher, SoftwareKind};

use changed::Watch;
use homes::Homes;
pub use journal::JOURNAL_BYTES;
use journal::Journal;
use registry::Registry;
pub use safe::OwnerId;
use safe::{Budget, Dir, Trouble};
use source::{Finished, Source};
use walk::{Hits, Through};

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
    /// Whether a server that runs is asked what it is: one bounded question to a loopback port that a matched process owns.
    pub probe: bool,
    /// Socket of a container daemon to ask for images and containers; `None`: only the stores' files are read.
    pub containers: Option<PathBuf>,
    /// Folders of projects beside the homes, absolute as seen from within the tree.
    pub project_roots: Vec<PathBuf>,
    /// Called when processes and ports have been looked at and no home was opened for reading yet: what only that needed can be
    /// given up here.
    pub before_homes: fn(),
}

impl ScanRequest {
    /// This machine.
    pub fn live() -> Self {
        Self {
            root: live::root(),
            live: true,
            deadline: DEADLINE,
            probe: true,
            containers: None,
            project_roots: Vec::new(),
            before_homes: || (),
        }
    }

    /// The tree below `root`, as if it were `/`.
    pub fn tree(root: PathBuf) -> Self {
        Self { root, live: false, probe: false, ..Self::live() }
    }
}

/// What a scan saw.
#[derive(Debug, Default)]
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

    fn extend(&mut self, sources: impl IntoIterator<Item = Finished>) {
        for (snapshot, report, problems) in sources {
            self.snapshots.push(snapshot);
            self.reports.push(report);
            self.problems.extend(problems);
        }
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
    pub owner: Option<OwnerId>,
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
    match open(request) {
        Ok((root, budget)) => run(request, matcher, root, budget, Watch::Off).0,
        Err(trouble) => lost(trouble, matcher),
    }
}

/// Scans once, and keeps what every source's answer rested on for [`scan_changed`]. The journal is of this program only.
pub fn scan_watched(request: &ScanRequest, matcher: &Matcher) -> (ScanOutcome, Vec<u8>) {
    match open(request) {
        Ok((root, budget)) => {
            let (outcome, journal) = run(request, matcher, root, budget, Watch::first());
            (outcome, journal.encode())
        }
        Err(trouble) => (lost(trouble, matcher), Vec::new()),
    }
}

/// Looks for what changed since a journal was written: compares what runs, and reads only the sources whose places are not as they
/// were. Daemons of containers leave no mark at a place: only a full scan asks them.
///
/// `None`: nothing moved, and nothing was read. Otherwise the outcome holds the sources that answer otherwise than before (with
/// `again` all that were read: what became of the last look is not known), and the journal replaces the one given.
pub fn scan_changed(
    request: &ScanRequest,
    journal: &[u8],
    again: bool,
    matcher: impl FnOnce() -> Matcher,
) -> Option<(ScanOutcome, Vec<u8>)> {
    let mut journal = Journal::decode(journal)?;
    let (root, budget) = open(request).ok()?;
    let matcher = LazyCell::new(matcher);
    // First, while that may still be looked at.
    let (runs, noted) =
        families::look_at_running(request, (&root, &budget), &mut journal, again, || &matcher);
    (request.before_homes)();
    let (mut outcome, journal) = match Watch::look(&root, journal, again) {
        Ok(watch) => run(request, &matcher, root, budget, watch),
        Err(journal) if noted => (ScanOutcome::default(), journal),
        Err(_) => return None,
    };
    outcome.extend(runs);
    Some((outcome, journal.encode()))
}

/// Most blind sources and homes that are told.
const BLIND_TOLD: usize = 32;

/// What a journal holds, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Watched {
    /// Places that are looked at between full scans.
    pub places: u64,
    /// Sources, and homes whose folders are too many to be looked at: only full scans read them.
    pub blind: Vec<String>,
}

impl Watched {
    /// Of a journal as [`scan_watched`] gives it.
    pub fn of(journal: &[u8]) -> Self {
        let journal = Journal::decode(journal).unwrap_or_default();
        let blind = journal.sections.iter().filter(|(_, section)| section.blind);
        let blind = blind.take(BLIND_TOLD).map(|(name, _)| source::clip(name.clone())).collect();
        Self { places: journal.places() as u64, blind }
    }
}

fn open(request: &ScanRequest) -> Result<(Dir, Rc<Budget>), Trouble> {
    let budget = Budget::new(Instant::now() + request.deadline, live::untouched(&request.root));
    Ok((Dir::root(&request.root, Rc::clone(&budget))?, budget))
}

/// Nothing could be read at all.
fn lost(trouble: Trouble, matcher: &Matcher) -> ScanOutcome {
    let trouble = if trouble == Trouble::Absent { Trouble::Refused } else { trouble };
    let mut source = Source::new("root", Channel::Package, matcher);
    source.trouble(trouble, "/");
    let (snapshot, report, problems) = source.finish();
    ScanOutcome { snapshots: vec![snapshot], reports: vec![report], problems }
}

fn run(
    request: &ScanRequest,
    matcher: &Matcher,
    root: Dir,
    budget: Rc<Budget>,
    watch: Watch,
) -> (ScanOutcome, Journal) {
    let mut scan = Scan { matcher, outcome: ScanOutcome::default(), budget, watch };
    let machine = scan.machine(request, root);
    families::read(&mut scan, &machine);
    (scan.outcome, scan.watch.journal())
}

/// What the sources read.
struct Machine {
    root: Dir,
    /// Whether it runs.
    live: bool,
    homes: Tree,
    projects: Tree,
    registry: Registry,
}

/// The homes, or the folders of projects, each with what its walk came across.
struct Tree {
    homes: Vec<(Dir, Hits)>,
    lost: Vec<(String, Trouble)>,
}

impl Tree {
    /// Runs a source over every home; a home that could not be opened is trouble for each of them.
    fn each<'a>(&self, source: &mut Source<'a>, mut read: impl FnMut(&Dir, &mut Source<'a>)) {
        self.each_walked(source, |home, _, source| read(home, source));
    }

    /// The same with what the walk through the home came across, for what relies on the walk: what it could not look into is trouble.
    fn each_relying<'a>(&self, source: &mut Source<'a>, read: impl Fn(&Dir, &Hits, &mut Source<'a>)) {
        self.each_walked(source, |home, hits, source| {
            for (trouble, location) in &hits.troubles {
                source.trouble(*trouble, location.as_str());
            }
            read(home, hits, source);
        });
    }

    /// The same with what the walk through the home came across.
    fn each_walked<'a>(&self, source: &mut Source<'a>, mut read: impl FnMut(&Dir, &Hits, &mut Source<'a>)) {
        for (location, trouble) in &self.lost {
            source.trouble(*trouble, location.as_str());
        }
        for (home, hits) in &self.homes {
            home.budget().timed(|| match home.budget().check() {
                Ok(()) => read(home, hits, source),
                Err(trouble) => source.trouble(trouble, home.absolute().to_string_lossy()),
            });
        }
    }
}

struct Scan<'a> {
    matcher: &'a Matcher,
    outcome: ScanOutcome,
    budget: Rc<Budget>,
    watch: Watch,
}

impl<'a> Scan<'a> {
    /// Finds whose homes there are, looks at what runs while that may still be looked at, and walks through the homes.
    fn machine(&mut self, request: &ScanRequest, root: Dir) -> Machine {
        self.watch.begin(&self.budget);
        let mut registry = registry::open(&root, request.live);
        let profiles = registry.profiles(request.live);
        let mut found = Homes::find(&root, profiles.here);
        found.add_of_drives(profiles.on_drives, &self.budget);
        let mut budget = Budget::of_homes(&self.budget, found.homes.len() + request.project_roots.len());
        found.homes = found.homes.into_iter().map(|home| home.charged(budget())).collect();
        let projects = projects::find(&root, request, &found.homes, budget);
        self.watch.end(&self.budget, "homes", Vec::new);
        families::read_running(self, request, &root, &found.homes);
        if !self.watch.again() {
            (request.before_homes)();
        }
        registry.add_all_users(&found.homes, request.live);
        Machine {
            homes: self.walk(found, Through::Home),
            projects: self.walk(projects, Through::Projects),
            live: request.live,
            registry,
            root,
        }
    }

    /// Walks through the homes, where it is not known what the walk would come across.
    fn walk(&mut self, found: Homes, through: Through) -> Tree {
        let mut homes = Vec::new();
        for home in found.homes {
            // Written so that no two paths look the same.
            let what = if through == Through::Home { "folders" } else { "projects" };
            let name = format!("{what} of {:?}", home.absolute());
            let hits = self.watch.walked(&self.budget, &name).unwrap_or_else(|| {
                self.watch.begin(&self.budget);
                let walked = home.for_walk();
                let hits = walked.budget().timed(|| walk::walk(&walked, through));
                self.watch.end_walk(&self.budget, &name, &hits);
                hits
            });
            homes.push((home, hits));
        }
        Tree { homes, lost: found.lost }
    }

    /// Runs one source of the system.
    fn source(&mut self, name: &'static str, channel: Channel, read: impl FnOnce(&mut Source<'a>)) {
        if self.watch.due(&self.budget, name, false) {
            self.read(name, channel, read);
        }
    }

    /// Runs one source of what happens now: it has no places, so only a full scan runs it.
    #[cfg(target_os = "linux")]
    fn live(&mut self, name: &'static str, channel: Channel, read: impl FnOnce(&mut Source<'a>)) {
        let mut source = Source::new(name, channel, self.matcher);
        read(&mut source);
        self.keep(source.finish());
    }

    fn read(&mut self, name: &'static str, channel: Channel, read: impl FnOnce(&mut Source<'a>)) {
        self.watch.begin(&self.budget);
        let mut source = Source::new(name, channel, self.matcher);
        read(&mut source);
        let finished = source.finish();
        if self.watch.end(&self.budget, name, || changed::digest(&finished.0, &finished.1)) {
            self.keep(finished);
        }
    }

    fn keep(&mut self, finished: Finished) {
        self.outcome.extend([finished]);
    }

    /// Runs one source of every home.
    fn in_homes(
        &mut self,
        name: &'static str,
        channel: Channel,
        homes: &Tree,
        read: fn(&Dir, &mut Source<'_>),
    ) {
        self.source(name, channel, |source| homes.each(source, |home, source| read(home, source)));
    }

    /// Runs one source of the system and of every home, with what the walks came across. What a walk could not
    /// look into is trouble for each source that relies on it.
    fn everywhere(
        &mut self,
        name: &'static str,
        channel: Channel,
        homes: &Tree,
        system: impl FnOnce(&mut Source<'a>),
        read: impl Fn(&Dir, &Hits, &mut Source<'a>),
    ) {
        if !self.watch.due(&self.budget, name, true) {
            return;
        }
        self.read(name, channel, |source| {
            system(source);
            homes.each_relying(source, read);
        });
    }
}
