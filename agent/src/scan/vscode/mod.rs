//! Extensions of the VS Code family: `extensions.json` beside the extension folders, that of each profile, and what the
//! editors bring along.
//!
//! The manifest is what the editor believes; a folder alone may be left over. `.obsolete` names folders that are
//! deleted at the next start. Only where there is no manifest, as old editors leave it, do the folders speak.

mod builtin;
mod disabled;

use std::collections::BTreeMap;

use serde::Deserialize;
use umbrascope_rules::SoftwareKind;

use super::few::{Few, KEPT};
use super::safe::{Dir, Trouble};
use super::source::{Found, Source};
use super::userdata;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) use builtin::parse as package;
pub(super) use builtin::read_system;
use disabled::Disabled;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) use disabled::parse as disabled;

/// Extension folders below a home, and whose they are.
const ROOTS: &[(&str, &str)] = &[
    (".vscode/extensions", "VS Code"),
    (".vscode-insiders/extensions", "VS Code Insiders"),
    (".vscode-exploration/extensions", "VS Code Exploration"),
    (".vscode-server/extensions", "VS Code Server"),
    (".vscode-server-insiders/extensions", "VS Code Server Insiders"),
    (".vscode-remote/extensions", "VS Code Remote"),
    (".vscode-oss/extensions", "VSCodium"),
    (".vscodium/extensions", "VSCodium"),
    (".vscodium-server/extensions", "VSCodium Server"),
    (".vscodium-insiders/extensions", "VSCodium Insiders"),
    (".cursor/extensions", "Cursor"),
    (".cursor-nightly/extensions", "Cursor Nightly"),
    (".cursor-server/extensions", "Cursor Server"),
    (".windsurf/extensions", "Windsurf"),
    (".windsurf-next/extensions", "Windsurf Next"),
    (".windsurf-insiders/extensions", "Windsurf Insiders"),
    (".windsurf-server/extensions", "Windsurf Server"),
    (".windsurf-next-server/extensions", "Windsurf Next Server"),
    (".devin/extensions", "Devin Desktop"),
    (".devin-server/extensions", "Devin Desktop Server"),
    (".trae/extensions", "Trae"),
    (".trae-cn/extensions", "Trae"),
    (".trae-server/extensions", "Trae Server"),
    (".trae-cn-server/extensions", "Trae Server"),
    (".kiro/extensions", "Kiro"),
    (".kiro-server/extensions", "Kiro Server"),
    (".antigravity/extensions", "Antigravity"),
    (".antigravity-ide/extensions", "Antigravity IDE"),
    (".antigravity-server/extensions", "Antigravity Server"),
    (".antigravity-ide-server/extensions", "Antigravity IDE Server"),
    (".void-editor/extensions", "Void"),
    (".void-server/extensions", "Void Server"),
    (".pearai/extensions", "PearAI"),
    (".positron/extensions", "Positron"),
    (".positron-server/extensions", "Positron Server"),
    (".qoder/extensions", "Qoder"),
    (".qoder-server/extensions", "Qoder Server"),
    (".codebuddy/extensions", "CodeBuddy"),
    (".codebuddycn/extensions", "CodeBuddy"),
    (".codebuddy-server/extensions", "CodeBuddy Server"),
    (".local/share/code-server/extensions", "code-server"),
    (".openvscode-server/extensions", "OpenVSCode Server"),
    (".openvscode-server/data/extensions", "OpenVSCode Server"),
    ("AppData/Local/code-server/extensions", "code-server"),
    (".var/app/com.visualstudio.code/data/vscode/extensions", "VS Code"),
    (".var/app/com.vscodium.codium-insiders/data/codium-insiders/extensions", "VSCodium Insiders"),
    (".var/app/com.vscodium.codium/data/codium/extensions", "VSCodium"),
];

/// Largest manifest read, in bytes: about 1 KB an extension.
const MANIFEST_BYTES: u64 = 8 * 1024 * 1024;

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    let editors = userdata::folders(home, source);
    let states: Vec<_> =
        editors.iter().map(|(editor, data)| (*editor, Disabled::read(data, source))).collect();
    for (path, editor) in ROOTS {
        let Some(folder) = source.note(home.dir(path), || format!("~/{path}")) else { continue };
        let obsolete = match folder.read(".obsolete", MANIFEST_BYTES) {
            Ok(bytes) => {
                source.note(obsolete(&bytes), || folder.shown_child(".obsolete")).unwrap_or_default()
            }
            Err(_) => Vec::new(),
        };
        let off = states.iter().find(|(of, state)| of == editor && state.is_of(&folder));
        let off = off.map(|(_, state)| state);
        if !read_manifest(&folder, &obsolete, editor, off, source) {
            read_folders(&folder, &obsolete, editor, source);
        }
    }
    for (editor, data) in &editors {
        for profile in userdata::profiles(data, source) {
            if let Ok(profile) = data.dir(profile) {
                let off = Disabled::of_profile(&profile, source);
                read_manifest(&profile, &[], editor, Some(&off), source);
            }
        }
    }
    builtin::read_home(home, source);
}

/// Whether there was a manifest.
fn read_manifest(
    folder: &Dir,
    obsolete: &[String],
    editor: &str,
    off: Option<&Disabled>,
    source: &mut Source<'_>,
) -> bool {
    let location = || folder.shown_child("extensions.json");
    let file = match folder.file("extensions.json", MANIFEST_BYTES) {
        Err(Trouble::Absent) => return false,
        other => other,
    };
    let Some(file) = source.note(file, location) else { return true };
    let owner = file.uid;
    let Some(extensions) = source.note(file.bytes().and_then(|bytes| parse(&bytes)), location) else {
        return true;
    };
    if extensions.cut {
        source.trouble(Trouble::TooLarge, location());
    }
    for extension in extensions.kept {
        if extension.folder.as_ref().is_some_and(|folder| obsolete.contains(folder)) {
            continue;
        }
        let mut found = Found::new(extension.id).version(extension.version).at(folder.shown(), owner);
        found.details.client = Some(editor.to_owned());
        found.details.publisher = extension.publisher;
        found.details.enabled = off.and_then(|off| off.enabled(&found.value));
        source.offer(SoftwareKind::VscodeExtension, found);
    }
    true
}

/// What each folder's own `package.json` says.
fn read_folders(folder: &Dir, obsolete: &[String], editor: &str, source: &mut Source<'_>) {
    let names = source.folders(folder);
    for name in source.first(names, KEPT, folder.shown()).iter().filter(|name| !obsolete.contains(name)) {
        builtin::offer_folder(folder, name, editor, source);
    }
}

/// An extension, as its editor's manifest has it.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Entry")]
pub(super) struct Extension {
    id: String,
    version: Option<String>,
    folder: Option<String>,
    publisher: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    identifier: Identifier,
    version: Option<String>,
    #[serde(rename = "relativeLocation")]
    relative: Option<String>,
    location: Option<Location>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Identifier {
    id: String,
}

#[derive(Deserialize)]
struct Location {
    path: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "publisherDisplayName")]
    publisher: Option<String>,
}

impl From<Entry> for Extension {
    fn from(entry: Entry) -> Self {
        let path = entry.location.and_then(|location| location.path);
        let last = path.and_then(|path| path.trim_end_matches('/').rsplit('/').next().map(str::to_owned));
        Self {
            id: entry.identifier.id,
            version: entry.version,
            folder: entry.relative.or(last),
            publisher: entry.metadata.and_then(|metadata| metadata.publisher),
        }
    }
}

pub(super) fn parse(bytes: &[u8]) -> Result<Few<Extension>, Trouble> {
    serde_json::from_slice(bytes).map_err(|_| Trouble::Malformed)
}

/// The folders that wait for their deletion.
pub(super) fn obsolete(bytes: &[u8]) -> Result<Vec<String>, Trouble> {
    let map: BTreeMap<String, bool> = serde_json::from_slice(bytes).map_err(|_| Trouble::Malformed)?;
    Ok(map.into_iter().filter(|(_, gone)| *gone).map(|(folder, _)| folder).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"[{"identifier":{"id":"github.copilot","uuid":"23c4aeee-f844-43cd-b53e-1113e483f1a6"},
        "version":"1.270.0","location":{"$mid":1,"fsPath":"/home/kim/.vscode/extensions/github.copilot-1.270.0",
        "external":"file:///home/kim/.vscode/extensions/github.copilot-1.270.0","path":"/home/kim/.vscode/extensions/github.copilot-1.270.0",
        "scheme":"file"},"relativeLocation":"github.copilot-1.270.0","metadata":{"id":"23c4aeee","publisherDisplayName":"GitHub",
        "installedTimestamp":1730000000000,"isPreReleaseVersion":false}},
        {"identifier":{"id":"Continue.continue"},"version":"1.2.3","location":{"path":"/c/x/continue.continue-1.2.3"}}]"#;

    #[test]
    fn the_manifest_gives_id_version_and_folder() {
        let extensions = parse(MANIFEST.as_bytes()).unwrap().kept;
        assert_eq!(extensions[0].id, "github.copilot");
        assert_eq!(extensions[0].version.as_deref(), Some("1.270.0"));
        assert_eq!(extensions[0].publisher.as_deref(), Some("GitHub"));
        assert_eq!(extensions[1].folder.as_deref(), Some("continue.continue-1.2.3"));
    }

    #[test]
    fn obsolete_folders_are_named() {
        assert_eq!(obsolete(br#"{"a.b-1":true,"c.d-2":false}"#).unwrap(), ["a.b-1"]);
    }

    #[test]
    fn every_prefix_of_a_manifest_is_an_error_and_no_panic() {
        for end in 0..MANIFEST.len() {
            assert_eq!(parse(&MANIFEST.as_bytes()[..end]), Err(Trouble::Malformed));
        }
    }
}
