//! One scan of a machine, or of a file tree as if it were one: what AI is installed, configured or kept.
//!
//! Each family of sources is a file here, split into a parser (bytes in, items out, no I/O) and a reader, which
//! finds and opens what the parser is given. [`safe`] holds the rules of reading in homes that may be hostile.
//! What matches a rule becomes a [`FoundItem`]; what does not stays on the machine as [`Unmatched`] and is
//! matched again when a new catalogue arrives. What could not be read is told, source by source: only a complete
//! snapshot may say that a thing is gone.
//!
//! Nothing found is executed or contacted, nothing is written, and no value of a secret is kept.

mod alpm;
mod apk;
mod assistants;
mod bundles;
mod cargo;
mod chromium;
mod document;
mod dpkg;
mod firefox;
mod homes;
mod live;
mod macos;
mod mcp;
mod models;
#[cfg(target_os = "linux")]
mod mounts;
mod node;
#[cfg(test)]
mod parsers;
mod plist;
mod plugins;
#[cfg(target_os = "linux")]
mod processes;
mod programs;
mod python;
mod registry;
mod rpm;
#[cfg_attr(windows, path = "rpmdb_elsewhere.rs")]
mod rpmdb;
mod safe;
mod source;
#[cfg(test)]
mod tests;
mod userdata;
mod vscode;
mod walk;
mod windows;

use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::Serialize;
use umbrascope_api::{Channel, Completeness, SnapshotItem, SourceReport, SourceState};
use umbrascope_rules::{Confidence, Matcher, SoftwareKind};

use homes::Homes;
pub use safe::OwnerId;
use safe::{Budget, Dir, Trouble};
use source::Source;
use walk::Hits;

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
        Self { root: live::root(), live: true, deadline: DEADLINE }
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
    let untouched = if request.live { live::untouched() } else { Vec::new() };
    let budget = Budget::new(Instant::now() + request.deadline, untouched);
    let mut scan =
        Scan { matcher, outcome: ScanOutcome { snapshots: vec![], reports: vec![], problems: vec![] } };
    let root = match Dir::root(&request.root, Rc::clone(&budget)) {
        Ok(root) => root,
        Err(trouble) => {
            let trouble = if trouble == Trouble::Absent { Trouble::Refused } else { trouble };
            scan.source("root", Channel::Package, |source| source.trouble(trouble, "/"));
            return scan.outcome;
        }
    };
    let mut registry = registry::open(&root, request.live);
    let found = Homes::find(&root, registry.profiles());
    registry.add_all_users(&found.homes, request.live);
    let homes = Tree::walk_all(found);
    scan.source("dpkg", Channel::Package, |source| dpkg::read(&root, source));
    scan.source("rpm", Channel::Package, |source| rpm::read(&root, source));
    scan.source("apk", Channel::Package, |source| apk::read(&root, source));
    scan.source("pacman", Channel::Package, |source| alpm::read(&root, source));
    scan.source("snap", Channel::Package, |source| bundles::read_snap(&root, source));
    scan.source("flatpak", Channel::Package, |source| {
        bundles::read_flatpak(&root, source);
        homes.each(source, bundles::read_flatpak_home);
    });
    scan.source("brew", Channel::Package, |source| bundles::read_brew(&root, source));
    scan.source("macports", Channel::Package, |source| macos::ports::read(&root, source));
    scan.source("macos-receipts", Channel::Package, |source| macos::receipts::read(&root, source));
    scan.source("macos-apps", Channel::App, |source| {
        macos::apps::read_system(&root, source);
        homes.each(source, macos::apps::read_home);
    });
    scan.source("windows-programs", Channel::App, |source| windows::uninstall::read(&registry, source));
    scan.source("msix", Channel::App, |source| {
        windows::msix::read(&registry, source);
        windows::msix::read_system(&root, source);
    });
    scan.source("chocolatey", Channel::Package, |source| windows::chocolatey::read(&root, source));
    scan.source("scoop", Channel::Package, |source| {
        windows::scoop::read_system(&root, source);
        homes.each(source, windows::scoop::read_home);
    });
    scan.source("winget", Channel::Package, |source| {
        windows::winget::read_system(&root, source);
        homes.each(source, windows::winget::read_home);
    });
    scan.source("wsl", Channel::App, |source| windows::wsl::read(&registry, source));
    scan.source("windows-native-hosts", Channel::Extension, |source| windows::hosts::read(&registry, source));
    scan.everywhere(
        "pip",
        Channel::Package,
        &homes,
        |source| {
            python::read_system(&root, source);
            windows::python::read(&root, &registry, source);
        },
        python::read_home,
    );
    scan.everywhere(
        "npm",
        Channel::Package,
        &homes,
        |source| node::read_system(&root, source),
        node::read_home,
    );
    scan.in_homes("cargo", Channel::Package, &homes, cargo::read_home);
    scan.in_homes("vscode-extensions", Channel::Extension, &homes, vscode::read_home);
    scan.in_homes("chromium-extensions", Channel::Extension, &homes, chromium::read_home);
    scan.in_homes("firefox-extensions", Channel::Extension, &homes, firefox::read_home);
    scan.in_homes("zed-extensions", Channel::Extension, &homes, plugins::read_zed);
    scan.in_homes("vim-plugins", Channel::Extension, &homes, plugins::read_vim);
    scan.everywhere(
        "mcp-config",
        Channel::McpConfig,
        &homes,
        |source| mcp::read_system(&root, source),
        mcp::read_home,
    );
    scan.in_homes("assistants", Channel::App, &homes, assistants::read_home);
    scan.source("programs", Channel::App, |source| {
        programs::read_system(&root, source);
        windows::programs::read_system(&root, &registry.drive(), source);
        homes.each(source, |home, source| {
            programs::read_home(home, source);
            windows::programs::read_home(home, source);
        });
    });
    scan.source("ollama", Channel::ModelFile, |source| {
        models::ollama::read_system(&root, source);
        homes.each(source, |home, source| models::ollama::read_home(home, source));
    });
    scan.in_homes("huggingface", Channel::ModelFile, &homes, models::huggingface::read_home);
    scan.everywhere("model-files", Channel::ModelFile, &homes, |_| {}, models::read_files);
    #[cfg(target_os = "linux")]
    if request.live {
        scan.source("processes", Channel::Process, |source| {
            let proc = Dir::root(&request.root.join("proc"), Rc::clone(&budget));
            let at: Vec<PathBuf> = homes.homes.iter().map(|(home, _)| home.absolute()).collect();
            if let Some(proc) = source.note(proc, || "/proc".into()) {
                processes::read(&proc, &at, source);
            }
        });
    }
    scan.outcome
}

/// The homes, each with what its walk came across.
struct Tree {
    homes: Vec<(Dir, Hits)>,
    lost: Vec<(String, Trouble)>,
}

impl Tree {
    fn walk_all(found: Homes) -> Self {
        let walked = found.homes.into_iter().map(|home| {
            let hits = walk::walk(&home);
            (home, hits)
        });
        Self { homes: walked.collect(), lost: found.lost }
    }

    /// Runs a source over every home; a home that could not be opened is trouble for each of them.
    fn each<'a>(&self, source: &mut Source<'a>, mut read: impl FnMut(&Dir, &mut Source<'a>)) {
        for (location, trouble) in &self.lost {
            source.trouble(*trouble, location.as_str());
        }
        for (home, _) in &self.homes {
            if let Err(trouble) = home.budget().check() {
                return source.trouble(trouble, home.absolute().to_string_lossy());
            }
            read(home, source);
        }
    }
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
        read: fn(&Dir, &Hits, &mut Source<'_>),
    ) {
        self.source(name, channel, |source| {
            system(source);
            let mut hits = homes.homes.iter().map(|(_, hits)| hits);
            homes.each(source, |home, source| {
                let Some(hits) = hits.next() else { return };
                for (trouble, location) in &hits.troubles {
                    source.trouble(*trouble, location.as_str());
                }
                read(home, hits, source);
            });
        });
    }
}
