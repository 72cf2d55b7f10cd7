//! Sublime Text packages: zipped ones by their file's name, unpacked ones by their folder's.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use umbrascope_rules::SoftwareKind;

use super::document::{Format, parse as document};
use super::plugins::repository;
use super::safe::{Dir, Trouble};
use super::source::{Found, Source};
use super::zip;

/// Folders of Sublime Text's files below a home.
const PLACES: &[&str] = &[
    ".config/sublime-text",
    ".config/sublime-text-3",
    "Library/Application Support/Sublime Text",
    "Library/Application Support/Sublime Text 3",
    "AppData/Roaming/Sublime Text",
    "AppData/Roaming/Sublime Text 3",
    ".var/app/com.sublimetext.three/config/sublime-text",
    ".var/app/com.sublimehq.SublimeText/config/sublime-text",
];
/// What Package Control writes beside or into each package it installs.
const METADATA: &str = "package-metadata.json";
const METADATA_BYTES: u64 = 256 * 1024;
const SUFFIX: &str = ".sublime-package";
const SETTINGS: &str = "Packages/User/Preferences.sublime-settings";

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for place in PLACES {
        let Some(sublime) = source.note(home.dir(place), || home.shown_child(place)) else { continue };
        let settings = source.note(sublime.read(SETTINGS, METADATA_BYTES), || sublime.shown_child(SETTINGS));
        let ignored = settings.map(|bytes| ignored(&bytes));
        let ignored =
            ignored.and_then(|set| source.note(set, || sublime.shown_child(SETTINGS))).unwrap_or_default();
        if let Some(zipped) =
            source.note(sublime.dir("Installed Packages"), || sublime.shown_child("Installed Packages"))
        {
            for file in source.names(&zipped) {
                let Some(name) = file.strip_suffix(SUFFIX) else { continue };
                let known = source.rule(SoftwareKind::SublimePackage, name).is_some();
                let version = if known { zipped_version(&zipped, &file, source) } else { None };
                offer(&zipped, name, &file, version, &ignored, source);
            }
        }
        if let Some(folder) = source.note(sublime.dir("Packages"), || sublime.shown_child("Packages")) {
            for name in source.folders(&folder) {
                // Other folders change single files of a package that is elsewhere.
                let metadata = folder.read(Path::new(&name).join(METADATA), METADATA_BYTES).ok();
                if metadata.is_some() || repository(&folder, &name).is_some() {
                    let version = metadata.as_deref().and_then(version);
                    offer(&folder, &name, &name, version, &ignored, source);
                }
            }
        }
    }
}

fn offer(
    folder: &Dir,
    name: &str,
    file: &str,
    version: Option<String>,
    ignored: &BTreeSet<String>,
    source: &mut Source<'_>,
) {
    let mut found = Found::new(name).version(version).at(folder.shown_child(file), folder.uid());
    found.details.client = Some("Sublime Text".into());
    found.details.enabled = Some(!ignored.contains(name));
    source.offer(SoftwareKind::SublimePackage, found);
}

fn zipped_version(folder: &Dir, file: &str, source: &mut Source<'_>) -> Option<String> {
    let archive = source.note(folder.head(file), || folder.shown_child(file))?;
    match zip::member(&mut archive.into_file(), METADATA, METADATA_BYTES as usize) {
        Ok(bytes) => version(&bytes),
        // A package that a person put there has none.
        Err(Trouble::Absent) => None,
        Err(trouble) => {
            source.trouble(trouble, folder.shown_child(file));
            None
        }
    }
}

fn version(metadata: &[u8]) -> Option<String> {
    let value = serde_json::from_slice::<Value>(metadata).ok()?;
    value["version"].as_str().map(str::to_owned)
}

/// The packages that the settings switch off. Of the settings nothing else is kept.
pub(super) fn ignored(settings: &[u8]) -> Result<BTreeSet<String>, Trouble> {
    let value = document(settings, Format::Json)?;
    let list = value["ignored_packages"].as_array().into_iter().flatten();
    Ok(list.filter_map(Value::as_str).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_switch_packages_off() {
        let settings = b"// Mine\n{\n\t\"font_size\": 12,\n\t\"ignored_packages\":\n\t[\n\t\t\"Vintage\",\n\t\t\"Helper\",\n\t],\n}\n";
        assert_eq!(ignored(settings).unwrap().into_iter().collect::<Vec<_>>(), ["Helper", "Vintage"]);
        for end in 0..settings.len() {
            drop(ignored(&settings[..end]));
        }
    }

    #[test]
    fn metadata_gives_the_version() {
        assert_eq!(version(br#"{"version": "4.2.0", "platforms": ["*"]}"#).as_deref(), Some("4.2.0"));
        assert_eq!(version(b"{"), None);
    }
}
