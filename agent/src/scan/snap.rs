//! Snaps: `/var/lib/snapd/snaps/<name>_<revision>.snap` is what is there; snapd's own state says which revision is the
//! current one and whether it is enabled, and the mounted `snap.yaml` its version.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::Path;

use serde::Deserialize;
use umbrascope_rules::SoftwareKind;

use super::safe::{Dir, Trouble};
use super::source::{Found, Source};

const SNAPS: &str = "var/lib/snapd/snaps";
const STATE: &str = "var/lib/snapd/state.json";
/// Where snaps are mounted; the second on systems without a `/snap`.
const MOUNTS: &[&str] = &["snap", "var/lib/snapd/snap"];
/// Largest `snap.yaml` read, in bytes.
const META_BYTES: u64 = 256 * 1024;
/// Largest state read, in bytes: a history of changes makes tens of megabytes.
const STATE_BYTES: u64 = 128 * 1024 * 1024;

pub(super) fn read(root: &Dir, source: &mut Source<'_>) {
    let Some((folder, entries)) = source.list(root, SNAPS) else { return };
    // Of the state, which also holds tokens, only this is ever kept.
    let state =
        root.file(STATE, STATE_BYTES).and_then(|file| parse(BufReader::new(file.reader(STATE_BYTES))));
    let state = source.note(state, || root.shown_child(STATE)).unwrap_or_default();
    for entry in entries {
        let Some((name, revision)) = entry.text().and_then(file_name) else { continue };
        // `name_key` is another instance of the same snap.
        let snap = name.split('_').next().unwrap_or(name);
        let known = state.get(name);
        let current = match known {
            Some(known) => Some(known.current.clone()),
            None => MOUNTS.iter().find_map(|mount| current(root, mount, name)),
        };
        // What was there before an update is kept for a while.
        if current.is_some_and(|current| current != revision) {
            continue;
        }
        let version = source.rule(SoftwareKind::Snap, snap).and_then(|_| {
            MOUNTS.iter().find_map(|mount| {
                let meta = Path::new(mount).join(name).join(revision).join("meta/snap.yaml");
                version(&root.read(meta, META_BYTES).ok()?)
            })
        });
        let mut found = Found::new(snap).version(version).at(folder.shown(), folder.uid());
        found.details.enabled = known.map(|known| known.active);
        source.offer(SoftwareKind::Snap, found);
    }
}

/// The revision that `/snap/<name>/current` points to.
fn current(root: &Dir, mount: &str, name: &str) -> Option<String> {
    let target = root.dir(Path::new(mount).join(name)).ok()?.link("current").ok()?;
    target.to_str().map(str::to_owned)
}

fn file_name(file: &str) -> Option<(&str, &str)> {
    file.strip_suffix(".snap")?.rsplit_once('_').filter(|(name, _)| !name.is_empty())
}

fn version(meta: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(meta).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("version:"))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned()).filter(|version| !version.is_empty())
}

/// What snapd says of one snap (`SnapState` of its overlord/snapstate).
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub(super) struct Snap {
    #[serde(default)]
    active: bool,
    #[serde(default)]
    current: String,
}

#[derive(Default, Deserialize)]
struct State {
    #[serde(default)]
    data: Data,
}

#[derive(Default, Deserialize)]
struct Data {
    #[serde(default)]
    snaps: BTreeMap<String, Snap>,
}

pub(super) fn parse(state: impl std::io::Read) -> Result<BTreeMap<String, Snap>, Trouble> {
    let state: State = serde_json::from_reader(state).map_err(|error| Trouble::of_json(&error))?;
    Ok(state.data.snaps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_snap_and_revision() {
        assert_eq!(file_name("ollama_105.snap"), Some(("ollama", "105")));
        assert_eq!(file_name("partial"), None);
        assert_eq!(version(b"name: ollama\nversion: '0.12.3'\n").as_deref(), Some("0.12.3"));
    }

    #[test]
    fn the_state_says_which_revision_is_current() {
        let text = r#"{"data": {"auth": {"users": [{"macaroon": "x"}]}, "snaps": {"ollama": {"type": "app",
            "sequence": [{"name": "ollama", "snap-id": "y", "revision": "104"}, {"name": "ollama", "revision": "105"}],
            "active": true, "current": "105", "channel": "latest/stable"}}}, "changes": {}, "tasks": {}}"#;
        let snaps = parse(text.as_bytes()).unwrap();
        assert_eq!(snaps["ollama"], Snap { active: true, current: "105".into() });
        for end in 0..text.len() {
            assert_eq!(parse(&text.as_bytes()[..end]).unwrap_err(), Trouble::Malformed);
        }
    }
}
