//! Nix: what the profiles of the system and of each user hold.
//!
//! A profile is a link to a generation, a link to a folder of the store whose name is a hash of 32 letters, the package
//! and its version. The newer `nix profile` keeps a manifest.json there, `nix-env` a manifest.nix; a NixOS system or
//! Home Manager neither, but each program in `bin` is a link to the package that it is from. Those links are the
//! users' own and are not followed: only where they point is read, and only the store is opened.

use std::collections::BTreeSet;
use std::path::Path;

use super::safe::FileType;
use serde::Deserialize;
use umbrascope_rules::SoftwareKind;

use super::safe::{Dir, Trouble};
use super::source::{Found, Source};

const STORE: &str = "/nix/store/";
/// Profiles of the system, and those of users before Nix 2.14.
const PROFILES: &str = "nix/var/nix/profiles";
/// The same below a home, since then.
const HOME_PROFILES: &str = ".local/state/nix/profiles";
/// Links to what the running system is.
const SYSTEM: &[&str] = &["run/current-system/sw/bin"];
/// Largest manifest read, in bytes: a few hundred a package.
const MANIFEST_BYTES: u64 = 4 * 1024 * 1024;
/// Most profiles of one folder.
const MOST_PROFILES: usize = 100;

pub(super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    for path in SYSTEM {
        let Some(bin) = source.note(root.dir(path), || root.shown_child(path)) else { continue };
        read_bin(&bin, bin.uid(), &root.shown_child(path), source);
    }
    read_profiles(root, root, Path::new(PROFILES), source);
    let per_user = Path::new(PROFILES).join("per-user");
    let Some((_, users)) = source.list(root, &per_user) else { return };
    for user in users.iter().filter(|entry| entry.kind == FileType::Directory) {
        read_profiles(root, root, &per_user.join(&user.name), source);
    }
}

pub(super) fn read_home(root: &Dir, home: &Dir, source: &mut Source<'_>) {
    read_profiles(root, home, Path::new(HOME_PROFILES), source);
}

/// The current generation of each profile in a folder.
fn read_profiles(root: &Dir, base: &Dir, path: &Path, source: &mut Source<'_>) {
    let Some((folder, entries)) = source.list(base, path) else { return };
    // `profile-12-link` is a generation, `profile` the link to the current one.
    let current = entries.iter().filter(|entry| entry.kind == FileType::Symlink);
    let current = current.filter(|entry| entry.text().is_some_and(|name| !name.ends_with("-link")));
    for entry in source.first(current.collect(), MOST_PROFILES, folder.shown()) {
        let location = folder.shown_child(&entry.name);
        let link = source.note(folder.link(&entry.name), || location.clone());
        let target = match link {
            Some(generation) if generation.components().count() == 1 => {
                source.note(folder.link(&generation), || location.clone())
            }
            other => other,
        };
        let store = target.as_deref().and_then(Path::to_str).and_then(|target| target.strip_prefix(STORE));
        // A link that leads elsewhere is no profile of Nix's.
        let Some(name) = store.filter(|name| is_store_name(name)) else { continue };
        let Some(profile) = source.note(root.dir(Path::new("nix/store").join(name)), || location.clone())
        else {
            continue;
        };
        read_profile(&profile, folder.uid(), &location, source);
    }
}

fn read_profile(profile: &Dir, owner: super::OwnerId, location: &str, source: &mut Source<'_>) {
    for (file, parse) in [("manifest.json", json as fn(&[u8]) -> _), ("manifest.nix", expression)] {
        let manifest = match profile.read(file, MANIFEST_BYTES) {
            Err(Trouble::Absent) => continue,
            other => other.and_then(|bytes| parse(&bytes)),
        };
        for name in source.note(manifest, || location.to_owned()).into_iter().flatten() {
            offer(&name, owner, location, source);
        }
        return;
    }
    for bin in ["sw/bin", "home-path/bin", "bin"] {
        if let Some(bin) = source.note(profile.dir(bin), || location.to_owned()) {
            return read_bin(&bin, owner, location, source);
        }
    }
}

/// The packages that the programs of a folder are from.
fn read_bin(bin: &Dir, owner: super::OwnerId, location: &str, source: &mut Source<'_>) {
    let Some((entries, trouble)) = source.note(bin.entries(), || location.to_owned()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, location);
    }
    let mut packages = BTreeSet::new();
    for entry in entries.iter().filter(|entry| entry.kind == FileType::Symlink) {
        let Ok(target) = bin.link(&entry.name) else { continue };
        let name = target.to_str().and_then(|target| target.strip_prefix(STORE)?.split('/').next());
        packages.extend(name.and_then(|name| name.split_once('-')).map(|(_, name)| name.to_owned()));
    }
    for name in packages {
        offer(&name, owner, location, source);
    }
}

fn offer(name: &str, owner: super::OwnerId, location: &str, source: &mut Source<'_>) {
    let (name, version) = split(name);
    source.offer(SoftwareKind::Nix, Found::new(name).version(version).at(location, owner));
}

/// A hash of 32 letters, a hyphen and a name.
fn is_store_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._?=".contains(&byte);
    name.len() > 33 && name.as_bytes()[32] == b'-' && name.bytes().all(plain)
}

/// Name and version of a package: the version begins at the first hyphen that no letter follows (the rule of
/// `builtins.parseDrvName`); the outputs of one package are told apart by a word at the end.
fn split(name: &str) -> (&str, Option<&str>) {
    let at = name
        .match_indices('-')
        .map(|(at, _)| at)
        .find(|at| name.as_bytes().get(at + 1).is_some_and(|next| !next.is_ascii_alphabetic()));
    let Some(at) = at.filter(|at| *at > 0) else { return (name, None) };
    let version = &name[at + 1..];
    let output = ["-bin", "-lib", "-dev", "-man", "-doc", "-info", "-out"]
        .iter()
        .find_map(|o| version.strip_suffix(o));
    (&name[..at], Some(output.unwrap_or(version)).filter(|version| !version.is_empty()))
}

#[derive(Deserialize)]
struct Manifest {
    elements: Elements,
}

/// A list up to version 2, a table since.
#[derive(Deserialize)]
#[serde(untagged)]
enum Elements {
    List(Vec<Element>),
    Table(std::collections::BTreeMap<String, Element>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Element {
    #[serde(default = "yes")]
    active: bool,
    #[serde(default)]
    store_paths: Vec<String>,
}

fn yes() -> bool {
    true
}

/// The packages of a manifest.json: the first path of each element.
pub(super) fn json(bytes: &[u8]) -> Result<Vec<String>, Trouble> {
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(|_| Trouble::Malformed)?;
    let elements: Vec<Element> = match manifest.elements {
        Elements::List(list) => list,
        Elements::Table(table) => table.into_values().collect(),
    };
    let name = |path: &String| Some(path.strip_prefix(STORE)?.split_once('-')?.1.to_owned());
    Ok(elements
        .iter()
        .filter(|element| element.active)
        .filter_map(|e| e.store_paths.iter().find_map(name))
        .collect())
}

/// The packages of a manifest.nix, which `nix-env` writes as one expression: each `name = "…";`.
pub(super) fn expression(bytes: &[u8]) -> Result<Vec<String>, Trouble> {
    let text = std::str::from_utf8(bytes).map_err(|_| Trouble::Malformed)?;
    let mut pieces = text.split(" name = \"");
    let head = pieces.next().unwrap_or_default();
    if !head.trim_start().starts_with('[') {
        return Err(Trouble::Malformed);
    }
    Ok(pieces.filter_map(|piece| piece.split_once('"').map(|(name, _)| name.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_split_as_nix_does() {
        assert_eq!(split("ollama-0.12.3"), ("ollama", Some("0.12.3")));
        assert_eq!(split("claude-code-2.0.31"), ("claude-code", Some("2.0.31")));
        assert_eq!(split("hello-2.12-man"), ("hello", Some("2.12")));
        assert_eq!(split("bash-interactive-5.2p37"), ("bash-interactive", Some("5.2p37")));
        assert_eq!(split("firefox"), ("firefox", None));
        assert_eq!(split("-1"), ("-1", None));
        assert_eq!(split(""), ("", None));
    }

    #[test]
    fn both_manifests_give_packages() {
        // The example of Nix's manual, and the form of version 3.
        let list = r#"{"version": 1, "elements": [{"active": true, "attrPath": "legacyPackages.x86_64-linux.zoom-us",
            "originalUrl": "flake:nixpkgs", "storePaths": ["/nix/store/wbhg2ga8f3h87s9h5k0slxk0m81m4cxl-zoom-us-5.3.469451.0927"],
            "uri": "github:NixOS/nixpkgs/13d0c311e3ae923a00f734b43fd1d35b47d8943a"}]}"#;
        assert_eq!(json(list.as_bytes()).unwrap(), ["zoom-us-5.3.469451.0927"]);
        let table = r#"{"version": 3, "elements": {"ollama": {"active": true, "priority": 5,
            "storePaths": ["/nix/store/wbhg2ga8f3h87s9h5k0slxk0m81m4cxl-ollama-0.12.3"]}, "off": {"active": false, "storePaths": ["/nix/store/x-y-1"]}}}"#;
        assert_eq!(json(table.as_bytes()).unwrap(), ["ollama-0.12.3"]);
        let nix = "[ { meta = { description = \"x\"; }; name = \"hello-2.12\"; out = { outPath = \"/nix/store/x\"; }; } \
            { name = \"ollama-0.12.3\"; type = \"derivation\"; } ]";
        assert_eq!(expression(nix.as_bytes()).unwrap(), ["hello-2.12", "ollama-0.12.3"]);
        for text in [list, table, nix] {
            for end in 0..text.len() {
                let _ = json(&text.as_bytes()[..end]);
                let _ = expression(&text.as_bytes()[..end]);
            }
        }
        assert_eq!(expression(b"{ }").unwrap_err(), Trouble::Malformed);
    }
}
