//! Applications that come as a bundle under a name of their own: snaps, flatpaks, Homebrew kegs and casks.

use std::path::Path;

use umbrascope_rules::SoftwareKind;

use super::safe::Dir;
use super::source::{Found, Source};

/// Largest `snap.yaml` read, in bytes.
const META_BYTES: u64 = 256 * 1024;

/// Snaps: `/var/lib/snapd/snaps/<name>_<revision>.snap` is what is installed; the mounted `snap.yaml` knows the version.
pub(super) fn read_snap(root: &Dir, source: &mut Source<'_>) {
    let path = "var/lib/snapd/snaps";
    let Some(folder) = source.note(root.dir(path), || root.shown_child(path)) else { return };
    let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, folder.shown());
    }
    for entry in entries {
        let Some((name, revision)) = entry.text().and_then(snap_name) else { continue };
        let meta = Path::new("snap").join(name).join(revision).join("meta/snap.yaml");
        let known = source.rule(SoftwareKind::Snap, name).is_some();
        let meta = if known { root.read(meta, META_BYTES).ok() } else { None };
        let version = meta.as_deref().and_then(snap_version);
        source.offer(SoftwareKind::Snap, Found::new(name).version(version).at(folder.shown(), folder.uid()));
    }
}

fn snap_name(file: &str) -> Option<(&str, &str)> {
    file.strip_suffix(".snap")?.rsplit_once('_').filter(|(name, _)| !name.is_empty())
}

pub(super) fn snap_version(meta: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(meta).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("version:"))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned()).filter(|version| !version.is_empty())
}

/// Flatpaks of the system.
pub(super) fn read_flatpak(root: &Dir, source: &mut Source<'_>) {
    read_names(root, "var/lib/flatpak/app", SoftwareKind::Flatpak, source);
}

/// Flatpaks of a home.
pub(super) fn read_flatpak_home(home: &Dir, source: &mut Source<'_>) {
    read_names(home, ".local/share/flatpak/app", SoftwareKind::Flatpak, source);
}

/// Homebrew: `Cellar/<formula>/<version>`, `Caskroom/<cask>/<version>`.
pub(super) fn read_brew(root: &Dir, source: &mut Source<'_>) {
    for prefix in ["usr/local", "opt/homebrew", "home/linuxbrew/.linuxbrew"] {
        for room in ["Cellar", "Caskroom"] {
            read_names(root, &format!("{prefix}/{room}"), SoftwareKind::Brew, source);
        }
    }
}

/// A folder whose entries are the installed names, and whose entries' entries are versions where the names are
/// Homebrew's.
fn read_names(base: &Dir, path: &str, kind: SoftwareKind, source: &mut Source<'_>) {
    let Some(folder) = source.note(base.dir(path), || base.shown_child(path)) else { return };
    let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, folder.shown());
    }
    for entry in entries.iter().filter(|entry| entry.may_be_dir()) {
        let Some(name) = entry.text().filter(|name| !name.starts_with('.')) else { continue };
        let mut version = None;
        if kind == SoftwareKind::Brew && source.rule(kind, name).is_some() {
            let versions = folder.dir(name).and_then(|keg| keg.entries());
            let names = versions.map(|(entries, _)| entries).unwrap_or_default();
            let names = names.iter().filter_map(|entry| entry.text()).filter(|name| !name.starts_with('.'));
            version = names.max().map(str::to_owned);
        }
        source.offer(kind, Found::new(name).version(version).at(folder.shown(), folder.uid()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snap_file_names_snap_and_revision() {
        assert_eq!(snap_name("ollama_105.snap"), Some(("ollama", "105")));
        assert_eq!(snap_name("partial"), None);
        assert_eq!(snap_version(b"name: ollama\nversion: '0.12.3'\n").as_deref(), Some("0.12.3"));
    }
}
