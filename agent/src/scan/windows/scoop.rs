//! Scoop: `apps/<name>/<version>/manifest.json`, with `current` a junction to the version in use.

use serde::Deserialize;
use umbrascope_rules::SoftwareKind;

use super::super::safe::{Dir, Trouble};
use super::super::source::{Found, Source};

const HOME: &str = "scoop/apps";
const SYSTEM: &str = "ProgramData/scoop/apps";
/// Largest manifest read, in bytes.
const MANIFEST_BYTES: u64 = 1024 * 1024;

pub(in super::super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    read(root, SYSTEM, source);
}

pub(in super::super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    read(home, HOME, source);
}

fn read(base: &Dir, path: &str, source: &mut Source<'_>) {
    let Some(apps) = source.note(base.dir(path), || base.shown_child(path)) else { return };
    let Some((entries, trouble)) = source.note(apps.entries(), || apps.shown().into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, apps.shown());
    }
    for entry in entries.iter().filter(|entry| entry.may_be_dir()) {
        let Some(name) = entry.text() else { continue };
        let Some(rule) = source.rule(SoftwareKind::Scoop, name) else {
            source.leave(SoftwareKind::Scoop, name.to_owned(), None);
            continue;
        };
        let Some(app) = source.note(apps.dir(name), || apps.shown_child(name)) else { continue };
        let Some(folder) = source.note(version_folder(&app), || app.shown().into()) else { continue };
        let manifest = app.read(format!("{folder}/manifest.json"), MANIFEST_BYTES);
        let location = || app.shown_child("manifest.json");
        // Without a manifest nothing is installed: Scoop itself says so of such an app.
        let Some(bytes) = source.note(manifest, location) else { continue };
        let version = source.note(parse(&bytes), location).flatten();
        source.take(rule, Found::new(name).version(version).at(apps.shown(), app.uid()));
    }
}

/// The folder of the version in use. A junction may not be one that this system can follow; then its target's name is what
/// counts, or else the newest folder.
fn version_folder(app: &Dir) -> Result<String, Trouble> {
    if app.look("current/manifest.json").is_ok() {
        return Ok("current".into());
    }
    if let Ok(target) = app.link("current") {
        let target = target.to_string_lossy();
        let last = target.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default();
        if !last.is_empty() && last != ".." {
            return Ok(last.to_owned());
        }
    }
    let (entries, _) = app.entries()?;
    let folders = entries.iter().filter(|entry| entry.may_be_dir() && entry.name != "current");
    let newest = folders.filter_map(|entry| entry.text()).max_by(|a, b| numbers(a).cmp(&numbers(b)));
    newest.map(str::to_owned).ok_or(Trouble::Absent)
}

/// The numbers in a version, which order versions well enough.
fn numbers(version: &str) -> Vec<u64> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

#[derive(Deserialize)]
struct Manifest {
    version: Option<String>,
}

pub(in super::super) fn parse(bytes: &[u8]) -> Result<Option<String>, Trouble> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).map(|manifest: Manifest| manifest.version).map_err(|_| Trouble::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_their_numbers() {
        let newest = ["0.9.1", "0.12.3", "0.12.3-rc1"].into_iter().max_by(|a, b| numbers(a).cmp(&numbers(b)));
        assert_eq!(newest, Some("0.12.3-rc1"));
        assert_eq!(
            parse(b"\xef\xbb\xbf{\"version\": \"0.12.3\", \"bin\": \"ollama.exe\"}"),
            Ok(Some("0.12.3".into()))
        );
        assert_eq!(parse(b"{"), Err(Trouble::Malformed));
    }
}
