//! Extensions of the Firefox family, Thunderbird's too: `extensions.json` of each profile.
//!
//! Tor Browser is left out: its add-ons are its own, it is meant to have no others, and that somebody uses it is no
//! business of an inventory of AI.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use umbrascope_api::{Channel, RiskFlag};
use umbrascope_rules::SoftwareKind;

use super::chromium::policy;
use super::document::{Format, parse as document};
use super::few::Few;
use super::plist;
use super::safe::{Dir, Trouble};
use super::source::{Found, Source};

/// Folders below a home that hold `profiles.ini`, that of the profiles in it, and whose they are.
const ROOTS: &[(&str, &str, &str)] = &[
    (".mozilla/firefox", "", "Firefox"),
    (".config/mozilla/firefox", "", "Firefox"),
    ("snap/firefox/common/.mozilla/firefox", "", "Firefox"),
    ("snap/firefox/common/.config/mozilla/firefox", "", "Firefox"),
    (".var/app/org.mozilla.firefox/.mozilla/firefox", "", "Firefox"),
    (".var/app/org.mozilla.firefox/config/mozilla/firefox", "", "Firefox"),
    ("Library/Application Support/Firefox", "Profiles", "Firefox"),
    ("AppData/Roaming/Mozilla/Firefox", "Profiles", "Firefox"),
    (
        "AppData/Local/Packages/Mozilla.Firefox_n80bbvh6b1yt2/LocalCache/Roaming/Mozilla/Firefox",
        "Profiles",
        "Firefox",
    ),
    (".librewolf", "", "LibreWolf"),
    (".config/librewolf/librewolf", "", "LibreWolf"),
    (".var/app/io.gitlab.librewolf-community/.librewolf", "", "LibreWolf"),
    ("Library/Application Support/librewolf", "Profiles", "LibreWolf"),
    ("AppData/Roaming/librewolf", "Profiles", "LibreWolf"),
    (".waterfox", "", "Waterfox"),
    (".var/app/net.waterfox.waterfox/.waterfox", "", "Waterfox"),
    ("Library/Application Support/Waterfox", "Profiles", "Waterfox"),
    ("AppData/Roaming/Waterfox", "Profiles", "Waterfox"),
    (".floorp", "", "Floorp"),
    (".var/app/one.ablaze.floorp/.floorp", "", "Floorp"),
    ("Library/Application Support/Floorp", "Profiles", "Floorp"),
    ("AppData/Roaming/Floorp", "Profiles", "Floorp"),
    (".zen", "", "Zen"),
    (".config/zen", "", "Zen"),
    (".var/app/app.zen_browser.zen/.zen", "", "Zen"),
    ("Library/Application Support/zen", "Profiles", "Zen"),
    ("AppData/Roaming/zen", "Profiles", "Zen"),
    (".thunderbird", "", "Thunderbird"),
    ("snap/thunderbird/common/.thunderbird", "", "Thunderbird"),
    (".var/app/org.mozilla.Thunderbird/.thunderbird", "", "Thunderbird"),
    (".var/app/org.mozilla.thunderbird/.thunderbird", "", "Thunderbird"),
    ("Library/Thunderbird", "Profiles", "Thunderbird"),
    ("AppData/Roaming/Thunderbird", "Profiles", "Thunderbird"),
];

/// Files of policies below the root, and whose they are.
const POLICIES: &[(&str, &str)] = &[
    ("etc/firefox/policies/policies.json", "Firefox"),
    ("usr/lib/firefox/distribution/policies.json", "Firefox"),
    ("usr/lib/firefox-esr/distribution/policies.json", "Firefox"),
    ("usr/lib64/firefox/distribution/policies.json", "Firefox"),
    ("opt/firefox/distribution/policies.json", "Firefox"),
    ("Applications/Firefox.app/Contents/Resources/distribution/policies.json", "Firefox"),
    ("Program Files/Mozilla Firefox/distribution/policies.json", "Firefox"),
    ("etc/librewolf/policies/policies.json", "LibreWolf"),
    ("usr/lib/librewolf/distribution/policies.json", "LibreWolf"),
    ("etc/thunderbird/policies/policies.json", "Thunderbird"),
    ("usr/lib/thunderbird/distribution/policies.json", "Thunderbird"),
    ("Program Files/Mozilla Thunderbird/distribution/policies.json", "Thunderbird"),
];

/// Managed preferences of macOS.
const MANAGED: &str = "Library/Managed Preferences/org.mozilla.firefox.plist";
/// Largest manifest read, in bytes: about 3 KB an extension.
const MANIFEST_BYTES: u64 = 16 * 1024 * 1024;
/// Largest policy and largest `profiles.ini` read, in bytes.
const SMALL_BYTES: u64 = 1024 * 1024;
/// Most profiles of one browser.
const PROFILES: usize = 128;

/// What the organisation orders for every profile.
pub(super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    for (path, browser) in POLICIES.iter().chain(&[(MANAGED, "Firefox")]) {
        let location = || root.shown_child(path);
        let Some(file) = source.note(root.file(path, SMALL_BYTES), location) else { continue };
        let owner = file.uid;
        let managed = *path == MANAGED;
        let policy = file
            .bytes()
            .and_then(|bytes| if managed { plist::parse(&bytes) } else { document(&bytes, Format::Json) });
        let Some(policy) = source.note(policy, location) else { continue };
        for id in policy::ordered(if managed { &policy } else { &policy["policies"] }) {
            let mut found = Found::new(id).at(location(), owner);
            found.details.client = Some((*browser).to_owned());
            source.offer_as(Channel::Policy, SoftwareKind::FirefoxExtension, found);
        }
    }
}

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for (path, below, browser) in ROOTS {
        let Some(root) = source.note(home.dir(path), || home.shown_child(path)) else { continue };
        let mut profiles = Vec::new();
        let folder = if below.is_empty() { Ok(root.clone()) } else { root.dir(below) };
        if let Some(folder) = source.note(folder, || root.shown_child(below)) {
            for name in source.folders(&folder) {
                profiles.extend(source.note(folder.dir(&name), || folder.shown_child(&name)));
            }
        }
        // A profile may stand anywhere; only below this home is it looked at.
        let list = source.note(root.read("profiles.ini", SMALL_BYTES), || root.shown_child("profiles.ini"));
        for path in list.iter().flat_map(|bytes| elsewhere(bytes)) {
            if let Ok(path) = path.strip_prefix(home.absolute()) {
                profiles.extend(source.note(home.dir(path), || home.shown_child(path)));
            }
        }
        for profile in source.first(profiles, PROFILES, root.shown()) {
            read_profile(&profile, browser, source);
        }
    }
}

fn read_profile(profile: &Dir, browser: &str, source: &mut Source<'_>) {
    let location = || profile.shown_child("extensions.json");
    let Some(file) = source.note(profile.file("extensions.json", MANIFEST_BYTES), location) else { return };
    let owner = file.uid;
    let addons = file.bytes().and_then(|bytes| parse(&bytes));
    let Some(addons) = source.note(addons, location) else { return };
    if addons.cut {
        source.trouble(Trouble::TooLarge, location());
    }
    for addon in addons.kept {
        if addon.kind.as_deref() != Some("extension") {
            source.pass();
            continue;
        }
        let client = match (addon.built_in(), addon.by_policy()) {
            (true, _) => format!("{browser}, built in"),
            (_, true) => format!("{browser}, by policy"),
            _ => browser.to_owned(),
        };
        let mut found = Found::new(addon.id).version(addon.version).at(profile.shown(), owner);
        found.details.client = Some(client);
        found.details.title = addon.locale.and_then(|locale| locale.name);
        found.details.enabled = addon.active;
        if addon.temporary == Some(true) {
            found.flags.push(RiskFlag::Unpacked);
        }
        source.offer(SoftwareKind::FirefoxExtension, found);
    }
}

#[derive(Deserialize)]
struct File {
    addons: Few<Addon>,
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
    #[serde(rename = "defaultLocale")]
    locale: Option<Locale>,
    #[serde(rename = "installTelemetryInfo")]
    installed: Option<Installed>,
}

#[derive(Debug, Deserialize)]
struct Locale {
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Installed {
    source: Option<String>,
}

impl Addon {
    /// What the browser itself brings along.
    fn built_in(&self) -> bool {
        let own = ["app-builtin", "app-builtin-addons", "app-system-defaults", "app-system-addons"];
        self.location.as_deref().is_some_and(|location| own.contains(&location))
    }

    fn by_policy(&self) -> bool {
        self.installed.as_ref().and_then(|installed| installed.source.as_deref()) == Some("enterprise-policy")
    }
}

pub(super) fn parse(bytes: &[u8]) -> Result<Few<Addon>, Trouble> {
    serde_json::from_slice::<File>(bytes).map(|file| file.addons).map_err(|_| Trouble::Malformed)
}

/// The profiles that `profiles.ini` gives an absolute path.
pub(super) fn elsewhere(bytes: &[u8]) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let (mut path, mut relative) = (None, true);
    let text = String::from_utf8_lossy(bytes);
    for line in text.lines().map(str::trim).chain(["["]) {
        if line.starts_with('[') {
            let whole: Option<&str> = path.take();
            paths.extend(whole.filter(|_| !relative).map(PathBuf::from));
            relative = true;
        } else if let Some(value) = line.strip_prefix("Path=") {
            path = Some(value);
        } else if let Some(value) = line.strip_prefix("IsRelative=") {
            relative = value != "0";
        }
        if paths.len() == PROFILES {
            break;
        }
    }
    paths.retain(|path| path.is_absolute() && path != Path::new("/"));
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDONS: &str = r#"{"schemaVersion":37,"addons":[{"id":"formautofill@mozilla.org","version":"1.0.1","type":"extension",
        "active":true,"location":"app-builtin"},{"id":"{c3c10168-4186-445c-9c5b-63f12b8e2c87}","version":"2.1","type":"extension",
        "active":false,"userDisabled":true,"location":"app-profile","signedState":2,"sourceURI":"https://addons.mozilla.org/x.xpi",
        "defaultLocale":{"name":"A helper","creator":"Somebody"},"installTelemetryInfo":{"source":"enterprise-policy"}}]}"#;

    #[test]
    fn addons_give_id_version_state_and_name() {
        let addons = parse(ADDONS.as_bytes()).unwrap().kept;
        assert!(addons[0].built_in() && !addons[0].by_policy());
        assert!(!addons[1].built_in() && addons[1].by_policy());
        assert_eq!(addons[1].id, "{c3c10168-4186-445c-9c5b-63f12b8e2c87}");
        assert_eq!(addons[1].active, Some(false));
        assert_eq!(addons[1].locale.as_ref().unwrap().name.as_deref(), Some("A helper"));
    }

    #[test]
    fn every_prefix_is_malformed_and_no_panic() {
        for end in 0..ADDONS.len() {
            assert!(matches!(parse(&ADDONS.as_bytes()[..end]), Err(Trouble::Malformed)));
        }
    }

    #[test]
    fn profiles_that_stand_elsewhere_are_named() {
        let ini = b"[Install4F96D1932A9F858E]\nDefault=x.default\n\n[Profile1]\nName=work\nIsRelative=0\nPath=/home/kim/work\n\n\
            [Profile0]\nName=default\nIsRelative=1\nPath=x.default\nDefault=1\n\n[General]\nVersion=2\n";
        assert_eq!(elsewhere(ini), [PathBuf::from("/home/kim/work")]);
        assert!(elsewhere(b"\xff\xfe[Profile0").is_empty());
    }
}
