//! Programs without a package: executables in the places for them, AppImages, desktop entries.
//!
//! Nothing is run: a program is known by where it stands and what it is called, as its rule says.

use umbrascope_rules::SoftwareKind;

use super::safe::{Dir, FileType};
use super::source::{Found, Source};

/// Folders of the system with programs in them. `/usr/bin` belongs to packages, which are read as such.
const SYSTEM_BINS: &[&str] = &["usr/local/bin", "usr/local/sbin", "opt", "opt/bin"];
/// Folders of a home with programs in them.
const HOME_BINS: &[&str] = &[
    ".local/bin",
    "bin",
    ".bin",
    "Applications",
    "AppImages",
    "Downloads",
    "Desktop",
    ".cargo/bin",
    ".opencode/bin",
    ".grok/bin",
    ".lmstudio/bin",
    ".claude/local",
    ".codeium/windsurf/bin",
    ".antigravity/antigravity/bin",
];
const SYSTEM_DESKTOP: &[&str] = &[
    "usr/share/applications",
    "usr/local/share/applications",
    "var/lib/flatpak/exports/share/applications",
    "var/lib/snapd/desktop/applications",
];
const HOME_DESKTOP: &[&str] =
    &[".local/share/applications", ".local/share/flatpak/exports/share/applications"];
/// Folders below `/opt/<name>` where its program stands.
const OPT_INSIDE: &[&str] = &["", "bin"];

pub(super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    for path in SYSTEM_BINS {
        read_programs(root, path, "", source);
    }
    for path in SYSTEM_DESKTOP {
        read_desktop(root, path, source);
    }
    let Ok((entries, _)) = root.dir("opt").and_then(|opt| opt.entries()) else { return };
    for entry in entries.iter().filter(|entry| entry.kind == FileType::Directory) {
        let Some(name) = entry.text() else { continue };
        for inside in OPT_INSIDE {
            read_programs(root, format!("opt/{name}/{inside}").trim_end_matches('/'), "", source);
        }
    }
}

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for path in HOME_BINS {
        read_programs(home, path, "~", source);
    }
    for path in HOME_DESKTOP {
        read_desktop(home, path, source);
    }
}

pub(super) fn read_programs(base: &Dir, path: &str, prefix: &str, source: &mut Source<'_>) {
    let Some(folder) = source.note(base.dir(path), || base.shown_child(path)) else { return };
    let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, folder.shown());
    }
    for entry in entries.iter().filter(|entry| entry.kind != FileType::Directory) {
        let Some(name) = entry.text() else { continue };
        let place = format!("{prefix}/{path}/{name}");
        let image = name.to_ascii_lowercase().ends_with(".appimage");
        let (kind, value) = match image {
            true => (SoftwareKind::AppImage, name.to_owned()),
            false => (SoftwareKind::Executable, place.clone()),
        };
        let Some(rule) = source.rule(kind, &value) else {
            source.pass();
            continue;
        };
        let Some(look) = source.note(folder.look(name), || place.clone()) else { continue };
        source.take(rule, Found::new(value).at(place, look.uid));
    }
}

fn read_desktop(base: &Dir, path: &str, source: &mut Source<'_>) {
    let Some(folder) = source.note(base.dir(path), || base.shown_child(path)) else { return };
    let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, folder.shown());
    }
    for entry in entries {
        let Some(id) = entry.text().and_then(|name| name.strip_suffix(".desktop")) else { continue };
        let Some(rule) = source.rule(SoftwareKind::DesktopId, id) else {
            source.pass();
            continue;
        };
        let Some(look) = source.note(folder.look(&entry.name), || folder.shown_child(&entry.name)) else {
            continue;
        };
        source.take(rule, Found::new(id).at(folder.shown(), look.uid));
    }
}
