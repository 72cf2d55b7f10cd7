//! Flatpak: `app/<id>/<arch>/<branch>/<commit>`, `current` pointing to architecture and branch, `active` in there to the
//! commit. The version stands in the deployment's `deploy`, a GVariant, and in the metainfo that the application ships.

use std::path::Path;

use umbrascope_rules::SoftwareKind;

use super::safe::Dir;
use super::source::{Found, Source};

/// Applications of the system.
const SYSTEM: &str = "var/lib/flatpak/app";
/// Applications of a home.
const HOME: &str = ".local/share/flatpak/app";
/// Largest `deploy` and metainfo read, in bytes.
const DEPLOY_BYTES: u64 = 1024 * 1024;

pub(super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    read(root, SYSTEM, source);
}

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    read(home, HOME, source);
}

fn read(base: &Dir, path: &str, source: &mut Source<'_>) {
    let Some((folder, apps)) = source.list(base, path) else { return };
    for app in apps.iter().filter(|entry| entry.may_be_dir()) {
        let Some(id) = app.text().filter(|id| !id.starts_with('.')) else { continue };
        let known = source.rule(SoftwareKind::Flatpak, id).is_some();
        let version = if known { folder.dir(id).ok().and_then(|app| version(&app, id)) } else { None };
        source.offer(SoftwareKind::Flatpak, Found::new(id).version(version).at(folder.shown(), folder.uid()));
    }
}

/// The version, or else branch and commit of what is deployed.
fn version(app: &Dir, id: &str) -> Option<String> {
    let current = app.link("current").ok()?;
    let branch = app.dir(&current).ok()?;
    let commit = branch.link("active").ok()?;
    let deployed = branch.dir(&commit).ok()?;
    let stated = deployed.read("deploy", DEPLOY_BYTES).ok().and_then(|bytes| of_deploy(&bytes));
    let metainfo = ["metainfo", "appdata"].iter().find_map(|kind| {
        let file = Path::new("files/share").join(kind).join(format!("{id}.{kind}.xml"));
        of_metainfo(&deployed.read(file, DEPLOY_BYTES).ok()?)
    });
    let short: String = commit.to_string_lossy().chars().take(12).collect();
    let name = current.file_name().map(|branch| branch.to_string_lossy().into_owned());
    stated.or(metainfo).or_else(|| Some(format!("{} {short}", name?)))
}

/// The value of `appdata-version`, a string in a dictionary of variants: the key ends with a zero, the value begins at a
/// multiple of eight and ends with a zero (the serialisation of GVariant).
pub(super) fn of_deploy(bytes: &[u8]) -> Option<String> {
    let key = b"appdata-version\0";
    let after = bytes.windows(key.len()).position(|window| window == key)? + key.len();
    let start = after.next_multiple_of(8);
    let value = bytes.get(start..)?;
    let value = &value[..value.iter().position(|byte| *byte == 0)?];
    // The type of the value follows it.
    if bytes.get(start + value.len() + 1..start + value.len() + 3)? != b"\0s" {
        return None;
    }
    std::str::from_utf8(value).ok().filter(|version| !version.is_empty()).map(str::to_owned)
}

/// The newest release, which stands first (AppStream, § releases).
pub(super) fn of_metainfo(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (_, rest) = text.split_once("<release ")?;
    let (tag, _) = rest.split_once('>')?;
    let (_, value) = tag.split_once("version=")?;
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value[1..].split_once(quote).map(|(version, _)| version.to_owned()).filter(|version| !version.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_release_is_the_version() {
        let text = b"<component><releases><release date='2026-01-01' version=\"2.1\"/><release version='2.0'/></releases></component>";
        assert_eq!(of_metainfo(text).as_deref(), Some("2.1"));
        for end in 0..text.len() {
            let _ = of_metainfo(&text[..end]);
        }
        assert_eq!(of_metainfo(b"<component/>"), None);
    }

    /// Written by Flatpak 1.14 when it installed an application from a repository of the test's.
    const DEPLOY: &[u8] = include_bytes!("testdata/flatpak.deploy");

    #[test]
    fn a_deployment_says_its_version() {
        assert_eq!(of_deploy(DEPLOY).as_deref(), Some("8.2.1"));
        for end in 0..DEPLOY.len() {
            let _ = of_deploy(&DEPLOY[..end]);
        }
        assert_eq!(of_deploy(b"appdata-version\0"), None);
    }
}
