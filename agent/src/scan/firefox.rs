//! Extensions of the Firefox family: `extensions.json` of each profile.

use serde::Deserialize;
use umbrascope_api::RiskFlag;
use umbrascope_rules::SoftwareKind;

use super::safe::{Dir, Trouble};
use super::source::{Found, Source};

/// Folders below a home that hold profile folders.
const ROOTS: &[(&str, &str)] = &[
    (".mozilla/firefox", "Firefox"),
    (".config/mozilla/firefox", "Firefox"),
    ("snap/firefox/common/.mozilla/firefox", "Firefox"),
    (".var/app/org.mozilla.firefox/.mozilla/firefox", "Firefox"),
    (".var/app/org.mozilla.firefox/config/mozilla/firefox", "Firefox"),
    ("Library/Application Support/Firefox/Profiles", "Firefox"),
    ("AppData/Roaming/Mozilla/Firefox/Profiles", "Firefox"),
    (".librewolf", "LibreWolf"),
    (".var/app/io.gitlab.librewolf-community/.librewolf", "LibreWolf"),
    ("Library/Application Support/librewolf/Profiles", "LibreWolf"),
    (".waterfox", "Waterfox"),
    (".floorp", "Floorp"),
    (".zen", "Zen"),
    (".var/app/app.zen_browser.zen/.zen", "Zen"),
    ("Library/Application Support/zen/Profiles", "Zen"),
    ("AppData/Roaming/zen/Profiles", "Zen"),
    (".thunderbird", "Thunderbird"),
];

/// Largest `extensions.json` read, in bytes: some ten KB an extension.
const MANIFEST_BYTES: u64 = 8 * 1024 * 1024;

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for (path, browser) in ROOTS {
        let Some(folder) = source.note(home.dir(path), || format!("~/{path}")) else { continue };
        let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else {
            continue;
        };
        if let Some(trouble) = trouble {
            source.trouble(trouble, folder.shown());
        }
        for profile in entries.iter().filter(|entry| entry.may_be_dir()) {
            let Ok(profile) = folder.dir(&profile.name) else { continue };
            let location = || profile.shown_child("extensions.json");
            let file = profile.file("extensions.json", MANIFEST_BYTES);
            let Some(file) = source.note(file, location) else { continue };
            let owner = file.uid;
            let addons = file.bytes().and_then(|bytes| parse(&bytes));
            for addon in source.note(addons, location).into_iter().flatten() {
                if addon.built_in() || addon.kind.as_deref() != Some("extension") {
                    source.pass();
                    continue;
                }
                let mut found = Found::new(addon.id).version(addon.version).at(profile.shown(), owner);
                found.details.client = Some((*browser).to_owned());
                found.details.enabled = addon.active;
                if addon.temporary == Some(true) {
                    found.flags.push(RiskFlag::Unpacked);
                }
                source.offer(SoftwareKind::FirefoxExtension, found);
            }
        }
    }
}

#[derive(Deserialize)]
struct File {
    addons: Vec<Addon>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Addon {
    id: String,
    version: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    active: Option<bool>,
    location: Option<String>,
    #[serde(rename = "temporarilyInstalled")]
    temporary: Option<bool>,
}

impl Addon {
    /// What the browser itself brings along.
    fn built_in(&self) -> bool {
        matches!(self.location.as_deref(), Some("app-builtin" | "app-system-defaults" | "app-builtin-addons"))
    }
}

pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Addon>, Trouble> {
    serde_json::from_slice::<File>(bytes).map(|file| file.addons).map_err(|_| Trouble::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addons_give_id_version_and_state() {
        let text = br#"{"schemaVersion":37,"addons":[{"id":"formautofill@mozilla.org","version":"1.0.1","type":"extension",
            "active":true,"location":"app-builtin"},{"id":"{c3c10168-4186-445c-9c5b-63f12b8e2c87}","version":"2.1","type":"extension",
            "active":false,"userDisabled":true,"location":"app-profile","signedState":2,"sourceURI":"https://addons.mozilla.org/x.xpi"}]}"#;
        let addons = parse(text).unwrap();
        assert!(addons[0].built_in());
        assert!(!addons[1].built_in());
        assert_eq!(addons[1].id, "{c3c10168-4186-445c-9c5b-63f12b8e2c87}");
        assert_eq!(addons[1].active, Some(false));
    }

    #[test]
    fn a_cut_file_is_malformed() {
        assert!(parse(b"{\"addons\":[{\"id\":\"a\"").is_err());
    }
}
