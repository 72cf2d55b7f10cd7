//! Programs without a package: executables in the places for them, AppImages, desktop entries.
//!
//! Nothing is run: a program is known by where it stands and what it is called, as its rule says.

use std::ffi::OsStr;

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
/// Folders of the system with desktop entries.
const SYSTEM_DESKTOP: &[&str] = &[
    "usr/share/applications",
    "usr/local/share/applications",
    "var/lib/flatpak/exports/share/applications",
    "var/lib/snapd/desktop/applications",
];
const HOME_DESKTOP: &[&str] =
    &[".local/share/applications", ".local/share/flatpak/exports/share/applications"];
/// Largest desktop entry read, in bytes: its name stands there in a hundred languages.
const DESKTOP_BYTES: u64 = 256 * 1024;
/// Folders below `/opt/<name>` where its program stands.
const OPT_INSIDE: &[&str] = &["", "bin"];

pub(super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    for path in SYSTEM_BINS {
        read_programs(root, path, "", source);
    }
    for path in SYSTEM_DESKTOP {
        read_desktop(root, path, source);
    }
    let Some((entries, _)) = source.through(root.dir("opt").and_then(|opt| opt.entries()), || "/opt".into())
    else {
        return;
    };
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
    let Some((folder, entries)) = source.list(base, path) else { return };
    // What a package put there is known as the package's; what people put there may start an AppImage.
    let by_hand = path.contains("local/share/applications");
    for entry in entries {
        let Some(id) = entry.text().and_then(|name| name.strip_suffix(".desktop")) else { continue };
        if by_hand && entry.kind == FileType::RegularFile {
            read_exec(&folder, &entry.name, source);
        }
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

/// The AppImage that a desktop entry starts, wherever it stands.
fn read_exec(folder: &Dir, name: &OsStr, source: &mut Source<'_>) {
    let location = || folder.shown_child(name);
    let Some(file) = source.note(folder.file(name, DESKTOP_BYTES), location) else { return };
    let owner = file.uid;
    let Some(bytes) = source.note(file.bytes(), location) else { return };
    let Some(image) = image_of(&bytes) else { return };
    match source.rule(SoftwareKind::AppImage, &image) {
        Some(rule) => source.take(rule, Found::new(image).at(location(), owner)),
        None => source.pass(),
    }
}

/// File name of the AppImage in `Exec` (Desktop Entry Specification: quotes where the path has spaces).
pub(super) fn image_of(entry: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(entry);
    let exec = text.lines().find_map(|line| line.strip_prefix("Exec="))?;
    let end = exec.to_ascii_lowercase().find(".appimage")? + ".appimage".len();
    let path = exec.get(..end)?;
    let start = match path.rfind('"') {
        Some(quote) => quote + 1,
        // Behind `env NAME=value` and the like.
        None => path.rfind(' ').map_or(0, |space| space + 1),
    };
    path.get(start..)?.rsplit('/').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_desktop_entry_may_start_an_appimage() {
        let entry = |exec: &str| image_of(format!("[Desktop Entry]\nName=x\nExec={exec}\n").as_bytes());
        assert_eq!(
            entry("/home/kim/apps/Cursor-1.2.AppImage --no-sandbox %U").as_deref(),
            Some("Cursor-1.2.AppImage")
        );
        assert_eq!(
            entry("env A=1 \"/home/kim/my apps/LM-Studio-0.3.AppImage\" %U").as_deref(),
            Some("LM-Studio-0.3.AppImage")
        );
        assert_eq!(entry("/usr/bin/gimp %U"), None);
        assert_eq!(image_of(b""), None);
        assert_eq!(image_of("Exec=\u{212a}\u{212a} x.AppImage".as_bytes()).as_deref(), Some("x.AppImage"));
    }
}
