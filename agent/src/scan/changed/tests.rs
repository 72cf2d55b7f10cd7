use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use umbrascope_rules::Matcher;

use crate::scan::{ScanOutcome, ScanRequest, Watched, scan_changed, scan_watched};

/// Older than any step of a file system's times: what stands in `root` may be believed.
fn settle() {
    std::thread::sleep(Duration::from_millis(3100));
}

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

const PASSWD: &str = "kim:x:1000:1000::/home/kim:/bin/sh\n";
const STATUS: &str = "Package: ollama\nStatus: install ok installed\nVersion: 1\n";

fn machine() -> tempfile::TempDir {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path();
    put(root, "etc/passwd", PASSWD);
    put(root, "var/lib/dpkg/status", STATUS);
    put(root, "home/kim/.cursor/mcp.json", r#"{"mcpServers":{"one":{"command":"one"}}}"#);
    put(root, "home/kim/.vscode/extensions/extensions.json", "[]");
    put(root, "home/kim/work/notes.txt", "");
    temp
}

fn first(root: &Path) -> Vec<u8> {
    let (outcome, journal) = scan_watched(&ScanRequest::tree(root.into()), &Matcher::embedded());
    assert!(outcome.snapshots.len() > 15);
    settle();
    // Everything was made a moment before it was read: it is read once more, and answers the same.
    let (outcome, journal) = changed(root, &journal).expect("what is new is looked at twice");
    assert_eq!(names(&outcome), [""; 0]);
    assert!(changed(root, &journal).is_none());
    journal
}

fn changed(root: &Path, journal: &[u8]) -> Option<(ScanOutcome, Vec<u8>)> {
    scan_changed(&ScanRequest::tree(root.into()), journal, false, Matcher::embedded)
}

fn names(outcome: &ScanOutcome) -> Vec<&'static str> {
    outcome.snapshots.iter().map(|snapshot| snapshot.source).collect()
}

fn values(outcome: &ScanOutcome) -> Vec<&str> {
    let items = outcome.snapshots.iter().flat_map(|snapshot| &snapshot.items);
    items.map(|found| found.item.evidence.value.as_str()).collect()
}

#[test]
fn only_the_sources_whose_places_moved_are_read_and_given() {
    let temp = machine();
    let root = temp.path();
    let journal = first(root);

    put(
        root,
        "home/kim/.cursor/mcp.json",
        r#"{"mcpServers":{"one":{"command":"one"},"two":{"command":"t"}}}"#,
    );
    let (outcome, journal) = changed(root, &journal).unwrap();
    assert_eq!((names(&outcome), values(&outcome)), (vec!["mcp-config"], vec!["one", "two"]));

    // A place that was absent, of another source.
    settle();
    put(root, "home/kim/.config/crush/crush.json", r#"{"mcp":{"three":{"command":"three"}}}"#);
    fs::remove_file(root.join("var/lib/dpkg/status")).unwrap();
    let (outcome, journal) = changed(root, &journal).unwrap();
    assert!(names(&outcome).starts_with(&["dpkg", "mcp-config"]), "{:?}", names(&outcome));
    assert!(values(&outcome).contains(&"three") && !values(&outcome).contains(&"ollama"));

    // What lies in any folder: found by the walk.
    settle();
    put(root, "home/kim/work/deep/.mcp.json", r#"{"mcpServers":{"four":{"command":"four"}}}"#);
    let (outcome, _) = changed(root, &journal).unwrap();
    assert_eq!(names(&outcome), ["mcp-config"]);
    assert!(values(&outcome).contains(&"four"));
}

#[test]
fn what_changes_and_means_the_same_is_not_given_unless_the_last_look_was_lost() {
    let temp = machine();
    let root = temp.path();
    let journal = first(root);
    put(root, "var/lib/dpkg/status", STATUS);
    put(root, "home/kim/work/more.txt", "");
    let (outcome, _) = changed(root, &journal).unwrap();
    assert_eq!(names(&outcome), [""; 0]);
    let request = ScanRequest::tree(root.into());
    let (outcome, _) = scan_changed(&request, &journal, true, Matcher::embedded).unwrap();
    assert_eq!(names(&outcome), ["dpkg"]);
}

#[test]
fn a_new_home_a_link_set_elsewhere_and_a_file_that_opens_are_seen() {
    let temp = machine();
    let root = temp.path();
    let kim = root.join("home/kim");
    put(root, "home/kim/a.json", r#"{"mcpServers":{"five":{"command":"five"}}}"#);
    put(root, "home/kim/b.json", r#"{"mcpServers":{"six":{"command":"six"}}}"#);
    fs::create_dir_all(kim.join(".gemini")).unwrap();
    symlink("../a.json", kim.join(".gemini/settings.json")).unwrap();
    fs::create_dir_all(kim.join(".kiro/settings")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        kim.join(".kiro/settings/mcp.json"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    let journal = first(root);

    fs::remove_file(kim.join(".gemini/settings.json")).unwrap();
    symlink("../b.json", kim.join(".gemini/settings.json")).unwrap();
    let (outcome, journal) = changed(root, &journal).unwrap();
    assert!(values(&outcome).contains(&"six") && !values(&outcome).contains(&"five"));

    settle();
    fs::remove_file(kim.join(".kiro/settings/mcp.json")).unwrap();
    put(root, "home/kim/.kiro/settings/mcp.json", r#"{"mcpServers":{"seven":{"command":"seven"}}}"#);
    let (outcome, journal) = changed(root, &journal).unwrap();
    assert!(values(&outcome).contains(&"seven"));

    settle();
    put(root, "home/ann/.cursor/mcp.json", r#"{"mcpServers":{"eight":{"command":"eight"}}}"#);
    let (outcome, _) = changed(root, &journal).unwrap();
    assert!(values(&outcome).contains(&"eight"));
}

#[test]
fn what_a_journal_holds_is_told_and_a_broken_one_is_none() {
    let temp = machine();
    let (_, journal) = scan_watched(&ScanRequest::tree(temp.path().into()), &Matcher::embedded());
    let watched = Watched::of(&journal);
    assert!(watched.places > 100 && watched.blind.is_empty(), "{watched:?}");
    assert!(changed(temp.path(), b"no journal").is_none());
}
