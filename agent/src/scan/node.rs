//! Node: packages installed for everybody or for one user by npm and its kin, in every prefix that version
//! managers make, and what `npx` has fetched.
//!
//! Only the first level of a `node_modules` folder, plus the one below a scope, is installed by intent; what lies
//! deeper is somebody's dependency.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use umbrascope_rules::SoftwareKind;

use super::safe::{Dir, FileType, Trouble};
use super::source::{Found, Source};
use super::walk::Hits;

/// `node_modules` folders of the system.
const SYSTEM_ROOTS: &[&str] = &[
    "usr/lib/node_modules",
    "usr/lib64/node_modules",
    "usr/local/lib/node_modules",
    "usr/share/nodejs",
    "opt/homebrew/lib/node_modules",
    "home/linuxbrew/.linuxbrew/lib/node_modules",
    "opt/local/lib/node_modules",
    "Program Files/nodejs/node_modules",
    // What root installs with yarn.
    "usr/local/share/.config/yarn/global/node_modules",
];

/// `node_modules` folders of a home.
const HOME_ROOTS: &[&str] = &[
    ".npm-global/lib/node_modules",
    ".npm-packages/lib/node_modules",
    ".node_modules/lib/node_modules",
    ".local/lib/node_modules",
    "n/lib/node_modules",
    "AppData/Roaming/npm/node_modules",
    ".bun/install/global/node_modules",
    ".config/yarn/global/node_modules",
    ".yarn/global/node_modules",
    "AppData/Local/Yarn/Data/global/node_modules",
    "scoop/persist/nodejs/bin/node_modules",
    "scoop/persist/nodejs-lts/bin/node_modules",
    ".claude/local/node_modules",
];

/// Folders of a home, and where in each of their sub-folders the packages are.
const HOME_PARENTS: &[(&str, &str)] = &[
    (".nvm/versions/node", "lib/node_modules"),
    (".config/nvm/versions/node", "lib/node_modules"),
    (".asdf/installs/nodejs", "lib/node_modules"),
    (".asdf/installs/nodejs", ".npm/lib/node_modules"),
    (".local/share/mise/installs/node", "lib/node_modules"),
    (".local/share/rtx/installs/node", "lib/node_modules"),
    (".local/share/fnm/node-versions", "installation/lib/node_modules"),
    (".fnm/node-versions", "installation/lib/node_modules"),
    ("Library/Application Support/fnm/node-versions", "installation/lib/node_modules"),
    (".volta/tools/image/packages", "lib/node_modules"),
    (".nodenv/versions", "lib/node_modules"),
    ("AppData/Roaming/nvm", "node_modules"),
    ("AppData/Local/nvm", "node_modules"),
    ("AppData/Roaming/fnm/node-versions", "installation/node_modules"),
    ("AppData/Local/Volta/tools/image/packages", "node_modules"),
    (".npm/_npx", "node_modules"),
    ("AppData/Local/npm-cache/_npx", "node_modules"),
    (".local/share/pnpm/global", "node_modules"),
    // Since version 11 a folder for each set of packages that were added together.
    (".local/share/pnpm/global/v11", "node_modules"),
    ("Library/pnpm/global", "node_modules"),
    ("Library/pnpm/global/v11", "node_modules"),
    ("AppData/Local/pnpm/global", "node_modules"),
    ("AppData/Local/pnpm/global/v11", "node_modules"),
];

/// The same of the system: where nvm is put for everybody, as in images of containers.
const SYSTEM_PARENTS: &[(&str, &str)] = &[
    ("usr/local/nvm/versions/node", "lib/node_modules"),
    ("usr/local/share/nvm/versions/node", "lib/node_modules"),
    ("opt/nvm/versions/node", "lib/node_modules"),
];

/// Where mise keeps its tools.
const MISE: &str = ".local/share/mise/installs";
/// Most versions of Node, or fetched sets of `npx`, below one folder.
const VERSIONS: usize = 1_000;
/// Largest package.json read, in bytes.
const MANIFEST_BYTES: u64 = 1024 * 1024;
/// Largest `.npmrc` read, in bytes.
const NPMRC_BYTES: u64 = 64 * 1024;

pub(super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    for path in SYSTEM_ROOTS {
        read_root(root, Path::new(path), source);
    }
    for path in below_parents(root, SYSTEM_PARENTS, source) {
        read_root(root, &path, source);
    }
}

pub(super) fn read_home(home: &Dir, hits: &Hits, source: &mut Source<'_>) {
    let mut roots: Vec<PathBuf> = HOME_ROOTS.iter().map(PathBuf::from).collect();
    roots.extend(below_parents(home, HOME_PARENTS, source));
    read_mise(home, &mut roots, source);
    if let Some(npmrc) = source.note(home.read(".npmrc", NPMRC_BYTES), || "~/.npmrc".into()) {
        roots.extend(prefix(&npmrc, &home.absolute()).map(|prefix| prefix.join("lib/node_modules")));
    }
    roots.extend(hits.node_roots.iter().cloned());
    roots.sort();
    roots.dedup();
    for path in roots {
        read_root(home, &path, source);
    }
}

/// The `node_modules` folders in the sub-folders of some folders.
fn below_parents(base: &Dir, parents: &[(&str, &str)], source: &mut Source<'_>) -> Vec<PathBuf> {
    let mut roots = Vec::new();
    for (parent, inside) in parents {
        let Some(folder) = source.note(base.dir(parent), || base.shown_child(parent)) else { continue };
        let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else {
            continue;
        };
        let over = (entries.len() > VERSIONS).then_some(Trouble::TooLarge);
        if let Some(trouble) = trouble.or(over) {
            source.trouble(trouble, folder.shown());
        }
        for entry in entries.iter().filter(|entry| entry.kind != FileType::Symlink).take(VERSIONS) {
            roots.push(Path::new(parent).join(&entry.name).join(inside));
            // Volta keeps scoped packages one level deeper.
            if entry.name.as_encoded_bytes().starts_with(b"@") {
                for below in source.list(&folder, &entry.name).map(|(_, below)| below).unwrap_or_default() {
                    roots.push(Path::new(parent).join(&entry.name).join(below.name).join(inside));
                }
            }
        }
    }
    roots
}

/// mise gives each npm package a prefix of its own: `npm-<name>/<version>`.
fn read_mise(home: &Dir, roots: &mut Vec<PathBuf>, source: &mut Source<'_>) {
    let Some((folder, tools)) = source.list(home, MISE) else { return };
    let of_npm = tools.iter().filter(|tool| tool.text().is_some_and(|name| name.starts_with("npm-")));
    for tool in of_npm.filter(|tool| tool.kind == FileType::Directory) {
        let Some((tool_folder, versions)) = source.list(&folder, &tool.name) else { continue };
        let versions = versions.iter().filter(|version| version.kind == FileType::Directory).collect();
        for version in source.first(versions, VERSIONS, tool_folder.shown()) {
            roots.push(Path::new(MISE).join(&tool.name).join(&version.name).join("lib/node_modules"));
        }
    }
}

fn read_root(base: &Dir, path: &Path, source: &mut Source<'_>) {
    let Some(folder) = source.note(base.dir(path), || base.shown_child(path)) else { return };
    let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, folder.shown());
    }
    for entry in entries.iter().filter(|entry| entry.may_be_dir()) {
        let Some(name) = entry.text().filter(|name| !name.starts_with('.')) else { continue };
        if !name.starts_with('@') {
            read_package(&folder, Path::new(name), source);
            continue;
        }
        let Some(scope) = source.note(folder.dir(name), || folder.shown_child(name)) else { continue };
        let Some((below, trouble)) = source.note(scope.entries(), || scope.shown().into()) else { continue };
        if let Some(trouble) = trouble {
            source.trouble(trouble, scope.shown());
        }
        for package in below.iter().filter(|entry| entry.may_be_dir() && entry.text().is_some()) {
            read_package(&folder, &Path::new(name).join(&package.name), source);
        }
    }
}

fn read_package(folder: &Dir, path: &Path, source: &mut Source<'_>) {
    let location = || folder.shown_child(path);
    let file = match folder.file(path.join("package.json"), MANIFEST_BYTES) {
        Err(Trouble::Refused) if leads_out(folder, path) => {
            // As those who make such links name them, by the package.
            let found =
                Found::new(path.to_string_lossy().replace('\\', "/")).at(folder.shown(), folder.uid());
            offer(found, source);
            return source.aside(format!("{} (a link that leads out)", location()));
        }
        other => other,
    };
    let Some(file) = source.note(file, location) else { return };
    let owner = file.uid;
    let manifest = file.bytes().and_then(|bytes| manifest(&bytes));
    let Some(manifest) = source.note(manifest, location) else { return };
    let name = manifest.name.unwrap_or_else(|| path.to_string_lossy().into_owned());
    let mut found = Found::new(name).version(manifest.version).at(folder.shown(), owner);
    found.details.licence = manifest.license.and_then(|licence| match licence {
        serde_json::Value::String(licence) => Some(licence),
        _ => None,
    });
    offer(found, source);
}

/// Whether a package is a link to a folder outside of the home, or of what links may lead to: under development, as `npm link` and the portals
/// of yarn make them, or in a store of packages that lies elsewhere, as pnpm may have one.
fn leads_out(folder: &Dir, path: &Path) -> bool {
    folder.link(path).is_ok() && folder.dir(path).is_err_and(|trouble| trouble == Trouble::Refused)
}

fn offer(found: Found, source: &mut Source<'_>) {
    match source.package_rule(SoftwareKind::Npm, &found.value) {
        Some(rule) => source.take(rule, found),
        None => source.leave(SoftwareKind::Npm, found.value, found.version),
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Manifest {
    name: Option<String>,
    version: Option<String>,
    license: Option<serde_json::Value>,
}

pub(super) fn manifest(bytes: &[u8]) -> Result<Manifest, Trouble> {
    serde_json::from_slice(bytes).map_err(|_| Trouble::Malformed)
}

/// The `prefix` line of an `.npmrc`, as a path below the home. Its other lines, which may hold tokens, are passed
/// over.
pub(super) fn prefix(npmrc: &[u8], home: &Path) -> Option<PathBuf> {
    let text = std::str::from_utf8(npmrc).ok()?;
    let value =
        text.lines().find_map(|line| line.trim().strip_prefix("prefix")?.trim_start().strip_prefix('='))?;
    let value = value.trim().trim_matches('"');
    let below = ["~/", "$HOME/", "${HOME}/"].iter().find_map(|start| value.strip_prefix(start));
    match below {
        Some(below) => Some(PathBuf::from(below)),
        None => Path::new(value).strip_prefix(home).ok().map(Path::to_path_buf),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_gives_name_version_and_licence() {
        let text = br#"{"name": "@anthropic-ai/claude-code", "version": "2.0.31", "license": "SEE LICENSE IN README.md",
            "bin": {"claude": "cli.js"}, "dependencies": {}}"#;
        let manifest = manifest(text).unwrap();
        assert_eq!(manifest.name.as_deref(), Some("@anthropic-ai/claude-code"));
        assert_eq!(manifest.version.as_deref(), Some("2.0.31"));
    }

    #[test]
    fn a_broken_manifest_is_malformed() {
        assert_eq!(manifest(b"{\"name\": ").unwrap_err(), Trouble::Malformed);
        assert_eq!(manifest(b"[]").map(|m| m.name), Err(Trouble::Malformed));
    }

    #[test]
    fn only_the_prefix_of_an_npmrc_is_read() {
        let text = b"//registry.npmjs.org/:_authToken=npm_secret\n prefix = ${HOME}/tools/npm\n";
        assert_eq!(prefix(text, Path::new("/home/kim")), Some("tools/npm".into()));
        assert_eq!(prefix(b"prefix=/home/kim/.npm-g", Path::new("/home/kim")), Some(".npm-g".into()));
        assert_eq!(prefix(b"prefix=/usr/local", Path::new("/home/kim")), None);
        assert_eq!(prefix(b"registry=https://x\n", Path::new("/home/kim")), None);
    }
}
