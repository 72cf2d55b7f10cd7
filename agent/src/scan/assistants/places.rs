//! Where the folders and files of assistants stand, and which of their versions is installed.

use crate::scan::safe::FileType;

use crate::scan::safe::Dir;

/// Folders of a home whose entries may be an assistant's own. Of the home itself only hidden names are asked for.
pub(super) const PLACES: &[&str] = &[
    "",
    ".config",
    ".local/share",
    ".local/state",
    "Library/Application Support",
    "AppData/Roaming",
    "AppData/Local",
    "AppData/Roaming/Block",
    // Assistants that share a folder with another, or keep their versions in one.
    ".gemini",
    ".aws",
    ".local/share/claude",
    ".local/share/cursor-agent",
    ".local/share/gh/extensions",
    ".local/share/uv/tools",
    ".config/goose",
    ".config/github-copilot",
    ".opencode",
    ".grok",
    ".pi",
    ".omp",
    ".codex",
    ".cline/data",
    ".copilot",
    ".claude",
];

/// Folders in which each entry is one installed version: the program and where its versions are.
const VERSIONS: &[(&str, &str)] = &[
    ("~/.claude", ".local/share/claude/versions"),
    ("~/.cursor", ".local/share/cursor-agent/versions"),
    ("~/.copilot", ".cache/copilot/pkg/linux-x64"),
    ("~/.copilot", ".cache/copilot/pkg/linux-arm64"),
];

/// The newest version of the assistant that is installed, where it keeps them.
pub(super) fn version(home: &Dir, path: &str) -> Option<String> {
    let number =
        |name: &str| name.split(['.', '-']).map(|part| part.parse().unwrap_or(0)).collect::<Vec<u64>>();
    let of_assistant = VERSIONS.iter().filter(|(assistant, _)| *assistant == path);
    let installed = of_assistant.flat_map(|(_, versions)| {
        let listing = home.dir(versions).and_then(|folder| folder.entries());
        listing.map(|(entries, _)| entries).unwrap_or_default()
    });
    installed
        .filter(|entry| entry.kind != FileType::Symlink)
        .filter_map(|entry| entry.text().map(str::to_owned))
        .filter(|name| name.starts_with(|c: char| c.is_ascii_digit()))
        .max_by_key(|name| number(name))
}
