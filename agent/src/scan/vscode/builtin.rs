//! What editors of the VS Code family bring along: the folders in `resources/app/extensions` of each that is
//! installed, each with its `package.json`. Some ship an assistant that way.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use umbrascope_rules::SoftwareKind;

use crate::scan::safe::{Dir, Trouble};
use crate::scan::source::{Found, Source};

/// Where an editor's own extensions are, below its folder.
const USUAL: &str = "resources/app/extensions";
/// The same in a bundle of macOS.
const BUNDLE: &str = "Contents/Resources/app/extensions";

/// Folders of programs below the root, and where an editor among them has its extensions. Which of the programs are
/// editors is asked of each.
const PROGRAMS: &[(&str, &[&str])] = &[
    ("usr/share", &[USUAL]),
    ("usr/lib", &[USUAL, "lib/vscode/extensions"]),
    ("usr/lib64", &[USUAL]),
    ("opt", &[USUAL]),
    (
        "snap",
        &[
            "current/usr/share/code/resources/app/extensions",
            "current/usr/share/code-insiders/resources/app/extensions",
            "current/usr/share/codium/resources/app/extensions",
        ],
    ),
    ("Applications", &[BUNDLE]),
    ("Program Files", &[USUAL]),
    ("Program Files (x86)", &[USUAL]),
];
/// The same below a home.
const HOME_PROGRAMS: &[(&str, &[&str])] = &[
    ("Applications", &[BUNDLE]),
    ("AppData/Local/Programs", &[USUAL]),
    (".local/share", &[USUAL]),
    (".local/opt", &[USUAL]),
    (".local/lib", &["lib/vscode/extensions"]),
];
/// Whole paths below the root.
const OTHERS: &[&str] = &[
    "usr/lib/code/extensions",
    "var/lib/flatpak/app/com.visualstudio.code/current/active/files/extra/vscode/resources/app/extensions",
    "var/lib/flatpak/app/com.vscodium.codium/current/active/files/share/codium/resources/app/extensions",
];
/// Folders of servers below a home, one folder a version, and where the extensions are in it.
const SERVERS: &[(&str, &str)] = &[
    (".vscode-server/bin", "extensions"),
    (".vscode-server/cli/servers", "server/extensions"),
    (".vscode-server-insiders/bin", "extensions"),
    (".vscode-server-insiders/cli/servers", "server/extensions"),
    (".vscodium-server/bin", "extensions"),
    (".cursor-server/bin", "extensions"),
    (".cursor-server/cli/servers", "server/extensions"),
    (".windsurf-server/bin", "extensions"),
    (".devin-server/bin", "extensions"),
    (".trae-server/bin", "extensions"),
    (".kiro-server/bin", "extensions"),
    (".antigravity-server/bin", "extensions"),
    (".positron-server/bin", "extensions"),
];
/// Most programs looked at in one folder of programs, and most extensions of one editor.
const MANY: usize = 2_000;
/// Largest `package.json` and `product.json` read, in bytes. That of an assistant has some 200 KB of commands.
const PACKAGE_BYTES: u64 = 2 * 1024 * 1024;

pub(in crate::scan) fn read_system(root: &Dir, source: &mut Source<'_>) {
    read_programs(root, PROGRAMS, source);
    for path in OTHERS {
        read_editor(root, Path::new(path), source);
    }
}

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    read_programs(home, HOME_PROGRAMS, source);
    for (path, within) in SERVERS {
        let Some(versions) = source.note(home.dir(path), || home.shown_child(path)) else { continue };
        let folders = source.folders(&versions);
        for version in source.first(folders, MANY, versions.shown()) {
            read_editor(&versions, &Path::new(&version).join(within), source);
        }
    }
}

/// Looks for editors among the programs. That a folder of programs is not there, or holds something that is closed, says
/// nothing of extensions.
fn read_programs(base: &Dir, places: &[(&str, &[&str])], source: &mut Source<'_>) {
    for (place, within) in places {
        let Ok(programs) = base.dir(place) else { continue };
        let Ok((entries, _)) = programs.entries() else { continue };
        for entry in entries.iter().filter(|entry| entry.may_be_dir()).take(MANY) {
            let program = Path::new(&entry.name);
            for within in *within {
                read_editor(&programs, &program.join(within), source);
            }
            if place.starts_with("Program Files") || place.starts_with("AppData") {
                for version in versions(&programs, program) {
                    read_editor(&programs, &version.join(USUAL), source);
                }
            }
        }
    }
}

/// On Windows a build may stand beside its program in a folder that is named by letters of its commit.
fn versions(programs: &Dir, program: &Path) -> Vec<PathBuf> {
    let Ok((entries, _)) = programs.dir(program).and_then(|dir| dir.entries()) else { return Vec::new() };
    let commits = entries
        .iter()
        .filter_map(|entry| entry.text())
        .filter(|name| (7..=40).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_hexdigit()));
    commits.map(|name| program.join(name)).collect()
}

fn read_editor(base: &Dir, extensions: &Path, source: &mut Source<'_>) {
    let Ok(folder) = base.dir(extensions) else { return };
    let mut editor: Option<String> = None;
    let names = source.folders(&folder);
    for name in &source.first(names, MANY, folder.shown()) {
        let Ok(package) = folder.dir(name).and_then(|dir| dir.read("package.json", PACKAGE_BYTES)) else {
            continue;
        };
        // A program that is no editor may have a folder of that name.
        let Ok(package) = parse(&package) else { continue };
        let id = package.id();
        if source.rule(SoftwareKind::VscodeExtension, &id).is_none() {
            source.leave(SoftwareKind::VscodeExtension, id, package.version);
            continue;
        }
        let product = editor.get_or_insert_with(|| {
            let product =
                extensions.parent().and_then(|app| base.read(app.join("product.json"), PACKAGE_BYTES).ok());
            product.as_deref().and_then(product_name).unwrap_or_else(|| "VS Code family".into())
        });
        let mut found = Found::new(id).version(package.version).at(folder.shown_child(name), folder.uid());
        found.details.client = Some(format!("{product}, built in"));
        found.details.title = package.title.filter(|title| !title.starts_with('%'));
        source.offer(SoftwareKind::VscodeExtension, found);
    }
}

/// Offers an extension by what its own folder says.
pub(super) fn offer_folder(folder: &Dir, name: &str, editor: &str, source: &mut Source<'_>) {
    let location = || folder.shown_child(Path::new(name).join("package.json"));
    let package = folder.dir(name).and_then(|dir| dir.read("package.json", PACKAGE_BYTES));
    let Some(package) = source.note(package.and_then(|bytes| parse(&bytes)), location) else { return };
    let mut found = Found::new(package.id()).version(package.version).at(folder.shown(), folder.uid());
    found.details.client = Some(editor.to_owned());
    source.offer(SoftwareKind::VscodeExtension, found);
}

/// `package.json` of an extension, as far as it says what this is.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(in crate::scan) struct Package {
    publisher: String,
    name: String,
    version: Option<String>,
    #[serde(rename = "displayName")]
    title: Option<String>,
    /// Names the editor that it is made for: what has none is no extension.
    #[serde(rename = "engines")]
    _engines: Engines,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Engines {
    #[serde(rename = "vscode")]
    _vscode: String,
}

impl Package {
    fn id(&self) -> String {
        format!("{}.{}", self.publisher, self.name)
    }
}

pub(in crate::scan) fn parse(bytes: &[u8]) -> Result<Package, Trouble> {
    serde_json::from_slice(bytes).map_err(|_| Trouble::Malformed)
}

/// What the editor calls itself.
fn product_name(bytes: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Product {
        #[serde(rename = "nameLong")]
        name: String,
    }
    serde_json::from_slice::<Product>(bytes).ok().map(|product| product.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGE: &str = r#"{"name":"copilot-chat","displayName":"GitHub Copilot Chat","version":"0.31.0","publisher":"GitHub",
        "engines":{"vscode":"^1.104.0"},"contributes":{"commands":[{"command":"a"}]}}"#;

    #[test]
    fn a_package_gives_its_id() {
        let package = parse(PACKAGE.as_bytes()).unwrap();
        assert_eq!(package.id(), "GitHub.copilot-chat");
        assert_eq!(package.version.as_deref(), Some("0.31.0"));
    }

    #[test]
    fn a_package_of_another_world_is_no_extension() {
        assert!(
            parse(br#"{"name":"left-pad","version":"1.3.0","publisher":"x","engines":{"node":">=4"}}"#)
                .is_err()
        );
    }

    #[test]
    fn every_prefix_is_an_error_and_no_panic() {
        for end in 0..PACKAGE.len() {
            assert_eq!(parse(&PACKAGE.as_bytes()[..end]), Err(Trouble::Malformed));
        }
    }

    #[test]
    fn an_editor_says_its_name() {
        assert_eq!(
            product_name(br#"{"nameShort":"Code","nameLong":"Visual Studio Code"}"#).as_deref(),
            Some("Visual Studio Code")
        );
        assert_eq!(product_name(b"{}"), None);
    }
}
