//! Obsidian's community plugins, in each vault that Obsidian knows of.
//!
//! A vault may stand anywhere; only below the home is it looked at, and in it only `.obsidian`, never a note.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;
use umbrascope_rules::SoftwareKind;

use super::homes::below;
use super::safe::{Dir, Trouble};
use super::source::{Found, Source};

/// Obsidian's list of vaults below a home.
const LISTS: &[&str] = &[
    ".config/obsidian/obsidian.json",
    ".var/app/md.obsidian.Obsidian/config/obsidian/obsidian.json",
    "snap/obsidian/current/.config/obsidian/obsidian.json",
    "Library/Application Support/obsidian/obsidian.json",
    "AppData/Roaming/obsidian/obsidian.json",
];
/// Most vaults of a home.
const VAULTS: usize = 64;
/// Largest list, and largest manifest, read, in bytes.
const BYTES: u64 = 256 * 1024;

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    let mut known = BTreeSet::new();
    for list in LISTS {
        let location = || home.shown_child(list);
        let Some(bytes) = source.note(home.read(list, BYTES), location) else { continue };
        let paths = source.note(vaults(&bytes), location).unwrap_or_default();
        known.extend(paths.iter().filter_map(|path| below(home, path)));
    }
    if known.len() > VAULTS {
        source.trouble(Trouble::TooLarge, "more vaults than are looked at");
    }
    for vault in known.into_iter().take(VAULTS) {
        read_vault(home, vault.join(".obsidian"), source);
    }
}

fn read_vault(home: &Dir, settings: PathBuf, source: &mut Source<'_>) {
    let Some(settings) = source.note(home.dir(&settings), || home.shown_child(&settings)) else { return };
    let location = || settings.shown_child("community-plugins.json");
    let list = source.note(settings.read("community-plugins.json", BYTES), location);
    let enabled =
        list.map(|bytes| enabled(&bytes)).and_then(|list| source.note(list, location)).unwrap_or_default();
    let Some(plugins) = source.note(settings.dir("plugins"), || settings.shown_child("plugins")) else {
        return;
    };
    for name in source.folders(&plugins) {
        let Some(folder) = source.note(plugins.dir(&name), || plugins.shown_child(&name)) else { continue };
        let location = || folder.shown_child("manifest.json");
        let Some(bytes) = source.note(folder.read("manifest.json", BYTES), location) else { continue };
        let Some(plugin) = source.note(parse(&bytes), location) else { continue };
        let mut found = Found::new(plugin.id).version(plugin.version).at(folder.shown(), folder.uid());
        found.details.client = Some("Obsidian".into());
        found.details.title = plugin.name;
        found.details.enabled = Some(enabled.contains(&found.value));
        source.offer(SoftwareKind::ObsidianPlugin, found);
    }
}

/// The paths of the vaults in `obsidian.json`.
pub(super) fn vaults(bytes: &[u8]) -> Result<Vec<String>, Trouble> {
    let list: Value = serde_json::from_slice(bytes).map_err(|_| Trouble::Malformed)?;
    let vaults = list["vaults"].as_object().into_iter().flatten();
    Ok(vaults.filter_map(|(_, vault)| vault["path"].as_str().map(str::to_owned)).collect())
}

/// The ids in `community-plugins.json`.
fn enabled(bytes: &[u8]) -> Result<BTreeSet<String>, Trouble> {
    serde_json::from_slice(bytes).map_err(|_| Trouble::Malformed)
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Plugin {
    id: String,
    name: Option<String>,
    version: Option<String>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Plugin, Trouble> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|_| Trouble::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"{"id":"tidy-notes","name":"Tidy Notes","version":"2.1.0","minAppVersion":"1.4.0",
        "description":"x","author":"Somebody","isDesktopOnly":false}"#;

    #[test]
    fn the_list_gives_vaults_and_the_manifest_a_plugin() {
        let list = br#"{"vaults":{"a1b2":{"path":"/home/kim/Notes","ts":1700000000000,"open":true},"c":{}},"updateDisabled":true}"#;
        assert_eq!(vaults(list).unwrap(), ["/home/kim/Notes"]);
        let plugin = parse(MANIFEST.as_bytes()).unwrap();
        assert_eq!((plugin.id.as_str(), plugin.version.as_deref()), ("tidy-notes", Some("2.1.0")));
        assert!(enabled(br#"["tidy-notes"]"#).unwrap().contains("tidy-notes"));
    }

    #[test]
    fn every_prefix_is_an_error_and_no_panic() {
        for end in 0..MANIFEST.len() {
            assert_eq!(parse(&MANIFEST.as_bytes()[..end]), Err(Trouble::Malformed));
        }
    }
}
