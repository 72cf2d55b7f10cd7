//! Extensions of the Chromium family, in every profile of every channel.
//!
//! What is installed stands as `Extensions/<id>/<version>/manifest.json`; `Preferences` and `Secure Preferences` say
//! whether it is on, and name the extensions that were loaded from a folder. Both files also hold what a person
//! does: they are read piece by piece, and of them only `extensions.settings` is kept.

pub(super) mod hosts;
mod manifest;
mod places;
pub(super) mod policy;
mod preferences;

use std::io::BufReader;
use std::path::Path;

use umbrascope_api::RiskFlag;
use umbrascope_rules::SoftwareKind;

use super::homes::below;
use super::safe::{Dir, Trouble};
use super::source::{Found, Source};
use places::DATA;
use preferences::{Origin, Setting, Settings, is_id};

/// Most profiles of one browser.
const PROFILES: usize = 128;
/// Largest preferences read, in bytes.
const PREFERENCES_BYTES: u64 = 16 * 1024 * 1024;

/// What the organisation orders for every browser of the machine.
pub(super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    policy::read(root, source);
}

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for (place, browsers) in DATA {
        let Some(place) = source.through(home.dir(place), || home.shown_child(place)) else { continue };
        for (path, browser) in *browsers {
            let Some(data) = source.note(place.dir(path), || place.shown_child(path)) else { continue };
            // Opera's data folder is itself a profile.
            read_profile(home, &data, browser, source);
            let mut profiles = 0;
            for name in source.folders(&data) {
                let Some(profile) = source.note(data.dir(&name), || data.shown_child(&name)) else {
                    continue;
                };
                profiles += usize::from(read_profile(home, &profile, browser, source));
                if profiles > PROFILES {
                    source.trouble(Trouble::TooLarge, data.shown());
                    break;
                }
            }
        }
    }
}

/// Whether the folder was a profile.
fn read_profile(home: &Dir, profile: &Dir, browser: &str, source: &mut Source<'_>) -> bool {
    let mut settings = Settings::new();
    let mut is_profile = false;
    for name in ["Secure Preferences", "Preferences"] {
        let location = || profile.shown_child(name);
        let Some(file) = source.note(profile.file(name, PREFERENCES_BYTES), location) else { continue };
        is_profile = true;
        let read = preferences::parse(BufReader::new(file.reader(PREFERENCES_BYTES)));
        let read = source.note(read, location).unwrap_or_default();
        if read.cut {
            source.trouble(Trouble::TooLarge, location());
        }
        for (id, setting) in read.kept {
            settings.entry(id).or_insert(setting);
        }
    }
    let extensions = source.note(profile.dir("Extensions"), || profile.shown_child("Extensions"));
    if let Some(extensions) = extensions.filter(|_| is_profile) {
        for id in source.folders(&extensions).into_iter().filter(|name| is_id(name)) {
            let setting = settings.remove(&id);
            if source.rule(SoftwareKind::ChromiumExtension, &id).is_none() {
                source.leave(SoftwareKind::ChromiumExtension, id, None);
                continue;
            }
            let Some(folder) = source.note(extensions.dir(&id), || extensions.shown_child(&id)) else {
                continue;
            };
            let Some(manifest) = newest(&folder, source) else { continue };
            let mut found = Found::new(id).version(Some(manifest.version)).at(profile.shown(), folder.uid());
            found.details.title = manifest.name;
            say(setting.as_ref(), browser, &mut found);
            source.offer(SoftwareKind::ChromiumExtension, found);
        }
    }
    for (id, setting) in settings {
        match setting.origin() {
            Origin::Unpacked => {
                let folder = setting.path.as_deref().and_then(|path| below(home, path));
                let manifest = folder
                    .and_then(|folder| home.dir(folder).and_then(|folder| manifest::read(&folder)).ok());
                let (version, name) = manifest.map(|m| (Some(m.version), m.name)).unwrap_or_default();
                let mut found = Found::new(id).version(version).at(profile.shown(), profile.uid());
                found.details.title = name;
                found.flags.push(RiskFlag::Unpacked);
                say(Some(&setting), browser, &mut found);
                source.offer(SoftwareKind::ChromiumExtension, found);
            }
            // It has no folder among the extensions.
            Origin::BuiltIn => {
                let mut found = Found::new(id).version(setting.version()).at(profile.shown(), profile.uid());
                found.details.title = setting.name().map(str::to_owned);
                say(Some(&setting), browser, &mut found);
                source.offer(SoftwareKind::ChromiumExtension, found);
            }
            // What has lost its folder is gone, or was never fetched.
            Origin::Installed | Origin::Policy => {}
        }
    }
    is_profile
}

/// What the profile says of it: whether it runs, and whether a person put it there.
fn say(setting: Option<&Setting>, browser: &str, found: &mut Found) {
    found.details.enabled = setting.map(Setting::enabled);
    found.details.client = Some(match setting.map(Setting::origin) {
        Some(Origin::BuiltIn) => format!("{browser}, built in"),
        Some(Origin::Policy) => format!("{browser}, by policy"),
        Some(Origin::Installed | Origin::Unpacked) | None => browser.to_owned(),
    });
}

/// The manifest of the newest version that has one. The folder is the version, an underscore and a number.
fn newest(folder: &Dir, source: &mut Source<'_>) -> Option<manifest::Manifest> {
    let mut versions = source.folders(folder);
    versions.sort_by_cached_key(|name| {
        let number = |part: &str| part.parse::<u64>().unwrap_or(0);
        name.split(['.', '_']).map(number).collect::<Vec<_>>()
    });
    versions.iter().rev().find_map(|version| {
        let read = folder.dir(version).and_then(|folder| manifest::read(&folder));
        source.note(read, || folder.shown_child(Path::new(version).join("manifest.json")))
    })
}

/// Feeds the parsers of a profile's files.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn parse_any(bytes: &[u8]) {
    drop(preferences::parse(bytes));
    drop(manifest::parse(bytes));
    drop(manifest::message(bytes, "name"));
}
