//! A folder of applications that somebody hostile has filled.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use umbrascope_api::SourceState;
use umbrascope_rules::Matcher;

use super::super::{ScanOutcome, ScanRequest, scan};

const INFO: &[u8] = include_bytes!("testdata/info.binary.plist");

struct Volume {
    root: tempfile::TempDir,
}

impl Volume {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    fn contents(&self, app: &str) -> PathBuf {
        let path = self.root.path().join(format!("Applications/{app}.app/Contents"));
        fs::create_dir_all(path.join("MacOS")).unwrap();
        path
    }

    fn scan(&self) -> ScanOutcome {
        scan(&ScanRequest::tree(self.root.path().to_owned()), &Matcher::embedded())
    }
}

fn state(outcome: &ScanOutcome) -> SourceState {
    outcome.reports.iter().find(|report| report.source == "macos-apps").unwrap().state
}

fn items(outcome: &ScanOutcome) -> Vec<&super::super::FoundItem> {
    outcome
        .snapshots
        .iter()
        .filter(|snapshot| snapshot.source == "macos-apps")
        .flat_map(|s| &s.items)
        .collect()
}

#[test]
fn what_is_no_list_is_told_and_the_rest_is_read() {
    let volume = Volume::new();
    fs::write(volume.contents("Good").join("Info.plist"), INFO).unwrap();
    assert_eq!(state(&volume.scan()), SourceState::Read);
    let large = fs::File::create(volume.contents("Large").join("Info.plist")).unwrap();
    large.set_len(10 * 1024 * 1024 * 1024).unwrap();
    let outcome = volume.scan();
    assert_eq!((state(&outcome), items(&outcome).len()), (SourceState::TooLarge, 1));
    let pipe = volume.contents("Pipe").join("Info.plist");
    rustix::fs::mkfifoat(rustix::fs::CWD, pipe, rustix::fs::Mode::RUSR).unwrap();
    symlink("/etc/shadow", volume.contents("Link").join("Info.plist")).unwrap();
    symlink("Loop.app", volume.root.path().join("Applications/Loop.app")).unwrap();
    let outcome = volume.scan();
    assert_eq!((state(&outcome), items(&outcome).len()), (SourceState::Refused, 1));
}

/// The list names the program, and could name any file.
#[test]
fn a_signature_is_read_from_within_its_application_only() {
    let volume = Volume::new();
    let contents = volume.contents("Good");
    fs::write(contents.join("Info.plist"), INFO).unwrap();
    symlink("../../../../outside", contents.join("MacOS/ChatGPT")).unwrap();
    let mut program = include_bytes!("testdata/rg.head").to_vec();
    program.resize(3_983_328, 0);
    program.extend(include_bytes!("testdata/rg.signature"));
    fs::write(contents.join("MacOS/program"), &program).unwrap();
    let publisher = |outcome: &ScanOutcome| items(outcome)[0].item.details.publisher.clone();
    assert_eq!(publisher(&volume.scan()), None);
    fs::remove_file(contents.join("MacOS/ChatGPT")).unwrap();
    fs::rename(contents.join("MacOS/program"), contents.join("MacOS/ChatGPT")).unwrap();
    let outcome = volume.scan();
    assert_eq!(publisher(&outcome).as_deref(), Some("2DC432GLL2"));
    assert_eq!(items(&outcome)[0].item.evidence.version.as_deref(), Some("1.2026.300"));
}
