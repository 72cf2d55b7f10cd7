//! Programs in the folders that Windows has for them, by where they stand.

use super::super::programs::read_programs;
use super::super::safe::{Dir, Trouble};
use super::super::source::Source;

/// Folders of the system, whose every folder is a program's.
const SYSTEM: &[&str] = &["Program Files", "Program Files (x86)"];
/// Folders of a home, whose every folder is a program's.
const HOME: &[&str] = &["AppData/Local/Programs"];
/// Where installers of Squirrel put a folder for each program, a folder for each version in it, and `Update.exe` beside those.
const LOCAL: &str = "AppData/Local";
/// Folders of a home with programs in them.
const BINS: &[&str] = &["AppData/Roaming/npm", "AppData/Local/Microsoft/WinGet/Links", "scoop/shims"];
/// Most programs below one folder.
const PROGRAMS: usize = 1_000;

/// `drive`: the letter of the volume, with its colon, as paths of its programs begin.
pub(in super::super) fn read_system(root: &Dir, drive: &str, source: &mut Source<'_>) {
    for path in SYSTEM {
        for name in folders(root, path, source) {
            read_programs(root, &format!("{path}/{name}"), drive, source);
        }
    }
}

pub(in super::super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for path in BINS {
        read_programs(home, path, "~", source);
    }
    for path in HOME {
        for name in folders(home, path, source) {
            read_programs(home, &format!("{path}/{name}"), "~", source);
        }
    }
    for name in folders(home, LOCAL, source) {
        let program = format!("{LOCAL}/{name}");
        if home.look(format!("{program}/Update.exe")).is_err() {
            continue;
        }
        read_programs(home, &program, "~", source);
        for version in folders(home, &program, source).iter().filter(|name| name.starts_with("app-")) {
            read_programs(home, &format!("{program}/{version}"), "~", source);
        }
    }
}

fn folders(base: &Dir, path: &str, source: &mut Source<'_>) -> Vec<String> {
    let Some(folder) = source.note(base.dir(path), || base.shown_child(path)) else { return Vec::new() };
    let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else {
        return Vec::new();
    };
    let over = (entries.len() > PROGRAMS).then_some(Trouble::TooLarge);
    if let Some(trouble) = trouble.or(over) {
        source.trouble(trouble, folder.shown());
    }
    let names = entries.iter().filter(|entry| entry.may_be_dir()).filter_map(|entry| entry.text());
    // Packages of the Store are read as such, and nobody but the system may list them.
    names.filter(|name| *name != "WindowsApps").take(PROGRAMS).map(str::to_owned).collect()
}
