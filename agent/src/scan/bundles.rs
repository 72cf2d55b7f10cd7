//! Homebrew: kegs and casks.

use umbrascope_rules::SoftwareKind;

use super::safe::Dir;
use super::source::{Found, Source};

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
