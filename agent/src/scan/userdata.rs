//! Where editors of the VS Code family keep their users' data and extensions.

use std::path::{Path, PathBuf};

use super::safe::Dir;
use super::source::Source;

/// Folder names below the system's place for application data, and the editor's name.
const NAMES: &[(&str, &str)] = &[
    ("Code", "VS Code"),
    ("Code - Insiders", "VS Code Insiders"),
    ("Code - OSS", "Code - OSS"),
    ("VSCodium", "VSCodium"),
    ("Cursor", "Cursor"),
    ("Windsurf", "Windsurf"),
    ("Windsurf - Next", "Windsurf Next"),
    ("Devin", "Devin Desktop"),
    ("Trae", "Trae"),
    ("Trae CN", "Trae"),
    ("Kiro", "Kiro"),
    ("Antigravity", "Antigravity"),
    ("Antigravity IDE", "Antigravity IDE"),
    ("Void", "Void"),
    ("PearAI", "PearAI"),
    ("Positron", "Positron"),
    ("Qoder", "Qoder"),
    ("CodeBuddy", "CodeBuddy"),
];

/// The places for application data below a home: Linux, macOS, Windows.
const PLACES: &[&str] = &[".config", "Library/Application Support", "AppData/Roaming"];

/// Whole paths below a home: remote servers, and editors in a sandbox of their own.
const OTHERS: &[(&str, &str)] = &[
    (".vscode-server/data", "VS Code"),
    (".vscode-server-insiders/data", "VS Code Insiders"),
    (".vscodium-server/data", "VSCodium"),
    (".cursor-server/data", "Cursor"),
    (".windsurf-server/data", "Windsurf"),
    (".windsurf-next-server/data", "Windsurf Next"),
    (".devin-server/data", "Devin Desktop"),
    (".trae-server/data", "Trae"),
    (".trae-cn-server/data", "Trae"),
    (".kiro-server/data", "Kiro"),
    (".antigravity-server/data", "Antigravity"),
    (".antigravity-ide-server/data", "Antigravity IDE"),
    (".void-server/data", "Void"),
    (".positron-server/data", "Positron"),
    (".qoder-server/data", "Qoder"),
    (".codebuddy-server/data", "CodeBuddy"),
    (".openvscode-server/data", "OpenVSCode Server"),
    (".local/share/code-server", "code-server"),
    (".var/app/com.visualstudio.code/config/Code", "VS Code"),
    (".var/app/com.vscodium.codium/config/VSCodium", "VSCodium"),
    ("snap/code/current/.config/Code", "VS Code"),
];

/// Most profiles of one editor.
const PROFILES: usize = 64;

/// The user data folders of a home, with the name of the editor.
pub(crate) fn folders(home: &Dir, source: &mut Source<'_>) -> Vec<(&'static str, Dir)> {
    let mut folders = Vec::new();
    for place in PLACES {
        // One look at the place saves a look for each editor.
        let Some(place) = at(home, place, source) else { continue };
        folders
            .extend(NAMES.iter().filter_map(|(folder, editor)| Some((*editor, at(&place, folder, source)?))));
    }
    folders.extend(OTHERS.iter().filter_map(|(path, editor)| Some((*editor, at(home, path, source)?))));
    folders
}

fn at(base: &Dir, path: &str, source: &mut Source<'_>) -> Option<Dir> {
    source.through(base.dir(path), || base.shown_child(path))
}

/// Whether an editor of that name is looked for.
#[cfg(test)]
pub(crate) fn is_editor(name: &str) -> bool {
    NAMES.iter().chain(OTHERS).any(|(_, editor)| *editor == name)
}

/// The named profiles of a user data folder, relative to it.
pub(crate) fn profiles(folder: &Dir, source: &mut Source<'_>) -> Vec<PathBuf> {
    let Some(profiles) = at(folder, "User/profiles", source) else { return Vec::new() };
    let entries = source.through(profiles.entries(), || profiles.shown().into());
    let Some((entries, trouble)) = entries else { return Vec::new() };
    if let Some(trouble) = trouble {
        source.trouble(trouble, profiles.shown());
    }
    let entries = source.first(entries, PROFILES, profiles.shown());
    entries.iter().map(|entry| Path::new("User/profiles").join(&entry.name)).collect()
}
