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
            let versions = folder.dir(name).and_then(|keg| keg.entries());
            let names = versions.map(|(entries, _)| entries).unwrap_or_default();
            let names = names.iter().filter_map(|entry| entry.text()).filter(|name| !name.starts_with('.'));
            version = names.max().map(str::to_owned);
        }
        source.offer(kind, Found::new(name).version(version).at(folder.shown(), folder.uid()));
    }
}
