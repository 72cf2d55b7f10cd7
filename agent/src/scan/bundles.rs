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

fn snap_version(meta: &[u8]) -> Option<String> {
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
            version = folder.dir(name).ok().and_then(|keg| brew_version(base, path, name, &keg));
        }
        source.offer(kind, Found::new(name).version(version).at(folder.shown(), folder.uid()));
    }
}

/// The version in use: of a formula, where `opt/<formula>` points; of a cask, what its `.metadata` tells of; else the last of
/// those that are there.
fn brew_version(base: &Dir, room: &str, name: &str, keg: &Dir) -> Option<String> {
    let last = |dir: &Dir| {
        let (entries, _) = dir.entries().ok()?;
        let names = entries.iter().filter_map(|entry| entry.text()).filter(|name| !name.starts_with('.'));
        names.filter(|name| *name != "config.json").max().map(str::to_owned)
    };
    if let Some(prefix) = room.strip_suffix("/Cellar") {
        let link = base.dir(format!("{prefix}/opt")).and_then(|opt| opt.link(name));
        let linked = link.ok().and_then(|target| Some(target.file_name()?.to_str()?.to_owned()));
        if let Some(version) = linked.filter(|version| keg.look(version).is_ok()) {
            return Some(version);
        }
    }
    keg.dir(".metadata").ok().and_then(|metadata| last(&metadata)).or_else(|| last(keg))
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
